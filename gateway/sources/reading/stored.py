"""A stored column of a grid: the variable with its values, and how it is stored."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.sources.libraries import xarray
from gateway.sources.reading.chunk_files import ChunkFiles, chunk_files
from gateway.sources.reading.faults import Replaced

# A position is a dimension without a coordinate, which counts.
Role = Literal["dimension", "position", "coordinate", "variable"]

# What of an encoding tells how values are written; the rest is of one store: chunks and paths.
_ENCODINGS = frozenset({"units", "calendar", "dtype", "scale_factor", "add_offset", "_FillValue",
                        "missing_value", "_Unsigned"})  # fmt: skip


# Of more files it is not asked each time whether they are as they were.
_MOST_FILES = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """How the variable that a column comes from lies in its dataset.

    Args:
        role: What it is there.
        dims: Its dimensions, in its own order.
        dtype: numpy's name of its type; object where it has none.
        calendar: Of its dates, where they are cftime's; else empty.
        order: ascending or descending, for a dimension whose values are so; else empty.
        encoding: How a file has its values, in xarray's words.
    """

    role: Role
    dims: tuple[str, ...]
    dtype: str
    calendar: str = ""
    order: str = ""
    encoding: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class GridColumn:
    """One column of a grid: its field, and the variable with its values.

    `axis` is the dimension whose position alone decides the value, for coordinates that are held
    in memory; None for what is read block by block. The variable's dimensions are in the table's
    order and may be fewer; `dims` has them in the dataset's. `stored` is the same variable with
    them in that order, where it is another.
    """

    field: pa.Field
    variable: xarray.Variable
    axis: str | None = None
    role: Role = "variable"
    dims: tuple[str, ...] = ()
    stored: xarray.Variable | None = None

    def read(self, index: Mapping[str, Any]) -> npt.NDArray[Any]:
        """The values at slices or positions of dimensions, these in the variable's order."""
        if self.stored is None:
            return np.asarray(self.variable.isel(index).values)
        # What xarray turns before it is read it reads value by value.
        found = np.asarray(self.stored.isel(index).values)
        places = [self.stored.dims.index(dim) for dim in self.variable.dims]
        return np.ascontiguousarray(found.transpose(places))

    @property
    def attributes(self) -> dict[str, Any]:
        """The variable's attributes, and the calendar of its dates."""
        calendar = {"calendar": self._calendar} if self._calendar else {}
        return calendar | {str(name): value for name, value in self.variable.attrs.items()}

    @property
    def _calendar(self) -> str:
        return str((self.field.metadata or {}).get(b"calendar", b"").decode())

    def origin(self, order: str) -> Origin:
        """What is known of the variable; `order` is that of a dimension's values."""
        dtype = self.variable.dtype
        encoding = {k: v for k, v in self.variable.encoding.items() if k in _ENCODINGS}
        name = dtype.str if isinstance(dtype, np.dtype) else "object"
        if getattr(dtype, "kind", "O") == "T":
            name = "T"  # numpy reads no other name of texts of any length
        return Origin(self.role, self.dims, name, self._calendar, order, encoding)

    @cached_property
    def _dask(self) -> tuple[tuple[int, ...], ...] | None:
        """The chunks of a dask array; xarray takes long to tell that something is none."""
        return self.variable.chunks

    @cached_property
    def is_chunked(self) -> bool:
        """Whether its values are read in chunks."""
        return self._dask is not None or bool(self.variable.encoding.get("preferred_chunks"))

    @cached_property
    def held(self) -> npt.NDArray[Any] | None:
        """Its values, where all of them are in memory; xarray takes long to index them."""
        values = self.variable._data
        return values if type(values) is np.ndarray else None

    @cached_property
    def is_cacheable(self) -> bool:
        """Whether it is stored in chunks of equal length, of numbers or times."""
        lengths = self.variable.encoding.get("preferred_chunks") or {}
        plain = getattr(self.variable.dtype, "kind", "O") in "biufmM"
        equal = all(isinstance(length, int) and length > 0 for length in lengths.values())
        dims = {str(dim) for dim in self.variable.dims}
        return self._dask is None and plain and equal and dims <= {*map(str, lengths)}

    @cached_property
    def files(self) -> ChunkFiles | None:
        """The files that hold its chunks; None where they are not known."""
        return chunk_files(self.variable, self.dims)

    def chunk(self, dim: str) -> int:
        """The longest stored chunk along `dim`; 1 where values are not chunked."""
        if dim not in self.variable.dims:
            return 1
        if self._dask is not None:
            return max(self._dask[self.variable.dims.index(dim)])
        return int(self.variable.encoding.get("preferred_chunks", {}).get(dim, 1))

    @property
    def is_unwatched(self) -> bool:
        """Whether its chunks are read anew each time, with nothing that tells of a change.

        Dask does not tell where its chunks are; a file that they are in the dataset's tells for.
        """
        return self._dask is not None and "source" not in self.variable.encoding

    @property
    def dtype(self) -> Any:
        """The type of its values in arithmetic: coordinates of single precision are widened."""
        if pa.types.is_float64(self.field.type):
            return np.dtype(np.float64)
        return self.variable.dtype


def stored_state(
    columns: Iterable[GridColumn], presence: Callable[[], int] | None
) -> Hashable | None:
    """What tells the values of a table's columns from others; None where that is not known.

    Args:
        columns: The columns.
        presence: Tells whether the store has changed; None: it does not.
    """
    try:
        found: list[Hashable] = [presence() if presence is not None else 0]
    except Replaced:
        return None
    for column in columns:
        files = column.files
        if files is None and column.is_unwatched:
            return None
        found.append(() if files is None else files.states(_MOST_FILES))
    return None if None in found else tuple(found)
