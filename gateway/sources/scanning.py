"""A block of a grid as record batches: reading the arrays, repeating the coordinates.

A block is a box of positions along each dimension. Its rows are in row-major order, and a batch
is a run of them: some positions of the leading dimensions times all of the trailing ones. So the
columns of trailing coordinates are the same in every batch: they are built once and shared, and
only leading coordinates are repeated anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xarray

from gateway.errors import DatasetUnreadable
from gateway.sources.columns import attributes_of, encode
from gateway.sources.pruning import Positions

# Rows in a batch. Below 64K the engine's cost for each batch shows (3 to 8 times slower at 8192);
# above 256K the columns leave the processor's cache.
BATCH_ROWS = 65_536
TRAILING_ROWS = 262_144


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True)
class Block:
    """Chosen positions along each dimension of a grid, in the grid's order of dimensions."""

    positions: Mapping[str, Positions]

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(chosen) for chosen in self.positions.values())

    @cached_property
    def rows(self) -> int:
        return math.prod(self.shape)

    @cached_property
    def trailing(self) -> int:
        """Index of the first trailing dimension: from there on a batch takes every position."""
        first, rows = len(self.shape), 1
        while first > 0 and rows * self.shape[first - 1] <= TRAILING_ROWS:
            first -= 1
            rows *= self.shape[first]
        return first

    @cached_property
    def inner(self) -> int:
        """Rows for one combination of leading positions."""
        return math.prod(self.shape[self.trailing :])

    @property
    def step(self) -> int:
        """Combinations of leading positions that a batch takes."""
        return max(1, BATCH_ROWS // max(1, self.inner))

    def __str__(self) -> str:
        parts = (f"{name} {chosen[0]} to {chosen[-1]}" for name, chosen in self.positions.items())
        return ", ".join(parts) or "its only value"


@dataclass
class Reader:
    """Reads one scan's blocks; keeps the trailing coordinates while blocks have the same ones.

    Args:
        dataset: The dataset's name, for messages.
        columns: What to read, in the order of the batches' columns.
        axes: Values of each column that has an axis, one for each position of its dimension.
    """

    dataset: str
    columns: Sequence[GridColumn]
    axes: Mapping[str, pa.Array]
    _shared: dict[str, tuple[tuple[Any, ...], pa.Array]] = field(default_factory=dict)

    def batches(self, block: Block) -> Iterator[pa.RecordBatch]:
        """The rows of `block` in row-major order; at least one column is read."""
        schema = pa.schema([column.field for column in self.columns])
        values = {
            column.field.name: self._read(column, block)
            for column in self.columns
            if column.axis is None
        }
        outer = block.rows // block.inner
        for start in range(0, outer, block.step):
            stop = min(start + block.step, outer)
            arrays = [self._column(column, values, block, start, stop) for column in self.columns]
            yield pa.record_batch(arrays, schema=schema)

    def _column(
        self,
        column: GridColumn,
        values: Mapping[str, npt.NDArray[Any]],
        block: Block,
        start: int,
        stop: int,
    ) -> pa.Array:
        name = column.field.name
        if column.axis is None:
            part = values[name][start * block.inner : stop * block.inner]
            # Arrow's refusals (a string among numbers, a time out of range) come from the data.
            try:
                return encode(part, column.field.type)
            except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
                raise _unreadable(self.dataset, column, block, error) from error
        axis = list(block.positions).index(column.axis)
        if axis >= block.trailing:
            return self._trailing(column, block, axis).slice(0, (stop - start) * block.inner)
        leading = block.shape[: block.trailing]
        at = np.unravel_index(np.arange(start, stop), leading)[axis]
        return _repeat(self.axes[name], block.positions[column.axis][at], block.inner)

    def _trailing(self, column: GridColumn, block: Block, axis: int) -> pa.Array:
        name = column.field.name
        chosen = block.positions[column.axis or ""]
        key = (block.shape, chosen.tobytes())
        known = self._shared.get(name)
        if known is None or known[0] != key:
            each = math.prod(block.shape[axis + 1 :])
            pattern = _repeat(self.axes[name], chosen, each)
            times = block.inner * block.step // max(1, len(pattern))
            known = self._shared[name] = (key, pa.concat_arrays([pattern] * times))
        return known[1]

    def _read(self, column: GridColumn, block: Block) -> npt.NDArray[Any]:
        """The block's values of one variable, flat, in row-major order."""
        variable = column.variable
        index = {str(name): _indexer(block.positions[str(name)]) for name in variable.dims}
        # What a codec, a file system or a network raises is theirs to choose.
        try:
            values = np.asarray(variable.isel(index).values)
        except Exception as error:
            raise _unreadable(self.dataset, column, block, error) from error
        if values.shape == block.shape:
            return values.reshape(-1)
        own = [len(chosen) if name in index else 1 for name, chosen in block.positions.items()]
        return np.broadcast_to(values.reshape(own), block.shape).reshape(-1)


def read_axis(dataset: str, column: GridColumn) -> pa.Array:
    """The values of a column that has an axis, one for each position.

    Raises:
        DatasetUnreadable: 58030, naming dataset and variable.
    """
    # What a codec, a file system or a network raises is theirs to choose.
    try:
        return encode(np.asarray(column.variable.values), column.field.type)
    except Exception as error:
        raise _unreadable(dataset, column, "all its positions", error) from error


def _unreadable(
    dataset: str, column: GridColumn, where: Block | str, error: Exception
) -> DatasetUnreadable:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return DatasetUnreadable(
        f'cannot read variable "{column.field.name}" of dataset "{dataset}"',
        detail=f"At {where}: {reason}",
    )


def _indexer(positions: Positions) -> slice | Positions:
    """A slice where positions are consecutive: arrays give a view, and stores read it in one."""
    if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


def _repeat(values: pa.Array, positions: Positions, times: int) -> pa.Array:
    """The value at each position, each `times` over."""
    if values.null_count or not pa.types.is_floating(values.type):
        return values.take(pa.array(np.repeat(positions, times)))
    return pa.array(np.repeat(values.to_numpy()[positions], times))
