"""A stored column of a grid: the variable with its values, and how it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.sources.libraries import xarray
from gateway.sources.reading.columns import attributes_of


@dataclass(frozen=True)
class GridColumn:
    """One column of a grid: its field, and the variable with its values.

    `axis` is the dimension whose position alone decides the value, for coordinates that are held
    in memory; None for what is read block by block. The variable's dimensions are in the table's
    order and may be fewer.
    """

    field: pa.Field
    variable: xarray.Variable
    axis: str | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """The variable's attributes, and the calendar of its dates."""
        metadata = self.field.metadata or {}
        calendar = {key.decode(): value.decode() for key, value in metadata.items()}
        return calendar | attributes_of(self.variable.attrs)

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

    def chunk(self, dim: str) -> int:
        """The longest stored chunk along `dim`; 1 where values are not chunked."""
        if dim not in self.variable.dims:
            return 1
        if self._dask is not None:
            return max(self._dask[self.variable.dims.index(dim)])
        return int(self.variable.encoding.get("preferred_chunks", {}).get(dim, 1))

    @property
    def dtype(self) -> Any:
        """The type of its values in arithmetic: coordinates of single precision are widened."""
        if pa.types.is_float64(self.field.type):
            return np.dtype(np.float64)
        return self.variable.dtype
