"""A block of a grid as record batches: cutting the arrays, repeating the coordinates.

The rows of a block are in row-major order, and a batch is a run of them: some positions of the
leading dimensions times all of the trailing ones. So the columns of trailing coordinates are the
same in every batch: they are built once and shared, and only leading coordinates are repeated anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.errors import QueryCanceled
from gateway.interrupts import check_for_interrupts
from gateway.sources.filters.pruning import Positions
from gateway.sources.reading.blocks import BATCH_ROWS, AnyColumn, Arrays, Block
from gateway.sources.reading.columns import encode
from gateway.sources.reading.faults import unreadable
from gateway.sources.reading.stored import GridColumn
from gateway.sources.reading.top_rows import Leaders
from gateway.sources.timeouts import Patience, within


@dataclass
class Reader:
    """Reads one scan's blocks; keeps the trailing coordinates while blocks have the same ones.

    Args:
        arrays: Reads the values.
        columns: What to read, in the order of the batches' columns.
        axes: Values of each column that has an axis, one for each position of its dimension.
        is_flipped: Whether the leading dimension comes from its end to its start.
    """

    arrays: Arrays
    columns: Sequence[AnyColumn]
    axes: Mapping[str, pa.Array]
    is_flipped: bool = False
    _shared: dict[str, tuple[tuple[Any, ...], pa.Array]] = field(default_factory=dict)

    def batches(self, block: Block) -> Iterator[pa.RecordBatch]:
        """The rows of `block` in row-major order; at least one column is read."""
        return (make() for make in self.promised(block))

    def promised(self, block: Block) -> Iterator[Callable[[], pa.RecordBatch]]:
        """What makes each batch of `block`, to be called before the next is asked for, or not."""
        schema = self.schema
        values, block = self._read(block)
        outer = block.rows // block.inner
        for start in range(0, outer, block.step):
            stop = min(start + block.step, outer)
            yield partial(self._batch, schema, values, block, start, stop)

    def led(self, block: Block, leaders: Leaders) -> Iterator[tuple[Positions, pa.Array]]:
        """The rows of `block` whose values in the only column may be leaders, some at a time.

        Yields:
            Their numbers in row-major order, and the values.
        """
        column, first = self.columns[0], 0
        for run in self.arrays.runs(column.field.name, block):
            for start in range(0, len(run), BATCH_ROWS):
                part = run[start : start + BATCH_ROWS]
                at = leaders.reaching(part)
                if at is None:
                    at = np.arange(len(part))
                elif not len(at):
                    continue
                values = self._encoded(column, part[at], block)
                among = leaders.among(values)
                yield at[among] + (first + start), values.filter(pa.array(among))
            first += len(run)

    def picked(self, block: Block, at: Positions) -> pa.RecordBatch:
        """Some rows of `block`, by their numbers in row-major order; at least one column."""
        block, at = self._around(block, at)
        values, block = self._read(block)
        places = np.unravel_index(at, block.shape)
        arrays = []
        for column in self.columns:
            name = column.field.name
            if column.axis is None:
                arrays.append(self._encoded(column, values[name][at], block))
                continue
            axis = list(block.positions).index(column.axis)
            arrays.append(_taken(self.axes[name], block.positions[column.axis][places[axis]]))
        return pa.record_batch(arrays, schema=self.schema)

    def _around(self, block: Block, at: Positions) -> tuple[Block, Positions]:
        """A smaller block that has these rows, where one is read in less, and their numbers in it.

        What does not come through the cache may be read position by position where these are
        scattered.
        """
        stored = [each for each in self.columns if each.axis is None]
        if self.is_flipped or self.arrays.cache is None:
            return block, at
        if not all(isinstance(each, GridColumn) and each.is_cacheable for each in stored):
            return block, at
        places = np.unravel_index(at, block.shape)
        chosen = [np.unique(each, return_inverse=True) for each in places]
        if math.prod(len(kept) for kept, _ in chosen) * 4 > block.rows:
            return block, at
        positions = {
            dim: held[kept]
            for (dim, held), (kept, _) in zip(block.positions.items(), chosen, strict=True)
        }
        around = Block(positions)
        inside = np.ravel_multi_index(tuple(each for _, each in chosen), around.shape)
        return around, np.asarray(inside)

    @property
    def schema(self) -> pa.Schema:
        """Of the batches."""
        return pa.schema([column.field for column in self.columns])

    def _read(self, block: Block) -> tuple[Mapping[str, npt.NDArray[Any]], Block]:
        """The values of a block and their positions, from the end where it is to be so."""
        names = [column.field.name for column in self.columns if column.axis is None]
        values = self.arrays.flat(names, block)
        if not self.is_flipped:
            return values, block
        dim = next(iter(block.positions))
        turned = {n: v.reshape(block.shape)[::-1].reshape(-1) for n, v in values.items()}
        return turned, block.along(dim, block.positions[dim][::-1])

    def _encoded(self, column: AnyColumn, values: npt.NDArray[Any], block: Block) -> pa.Array:
        # Arrow's refusals (a string among numbers, a time out of range) come from the data.
        try:
            return encode(values, column.field.type)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            where = block
            if isinstance(column, GridColumn):
                where = self.arrays.at_fault(
                    column, block, lambda part: encode(part.reshape(-1), column.field.type)
                )
            raise unreadable(self.arrays.dataset, column.field.name, where, error) from error

    def _batch(
        self,
        schema: pa.Schema,
        values: Mapping[str, npt.NDArray[Any]],
        block: Block,
        start: int,
        stop: int,
    ) -> pa.RecordBatch:
        arrays = [self._column(column, values, block, start, stop) for column in self.columns]
        return pa.record_batch(arrays, schema=schema)

    def _column(
        self,
        column: AnyColumn,
        values: Mapping[str, npt.NDArray[Any]],
        block: Block,
        start: int,
        stop: int,
    ) -> pa.Array:
        name = column.field.name
        if column.axis is None:
            part = values[name][start * block.inner : stop * block.inner]
            return self._encoded(column, part, block)
        axis = list(block.positions).index(column.axis)
        if axis >= block.trailing:
            return self._trailing(column, block, axis).slice(0, (stop - start) * block.inner)
        leading = block.shape[: block.trailing]
        at = np.unravel_index(np.arange(start, stop), leading)[axis]
        positions = np.repeat(block.positions[column.axis][at], block.inner)
        return _taken(self.axes[name], positions)

    def _trailing(self, column: AnyColumn, block: Block, axis: int) -> pa.Array:
        name = column.field.name
        chosen = block.positions[column.axis or ""]
        key = (block.shape, chosen.tobytes())
        known = self._shared.get(name)
        if known is None or known[0] != key:
            each = math.prod(block.shape[axis + 1 :])
            rows = min(block.inner * block.step, block.rows)  # of the longest batch
            pattern = np.repeat(chosen, each)
            at = np.tile(pattern, rows // max(1, len(pattern)))
            known = self._shared[name] = (key, _taken(self.axes[name], at))
        return known[1]


def read_axis(dataset: str, column: GridColumn, patience: Patience | None = None) -> pa.Array:
    """The values of a column that has an axis, one for each position.

    Args:
        dataset: The dataset's name, for messages.
        column: The column.
        patience: How long reading may take, and is heard when it is cancelled; None: it is near.

    Raises:
        DatasetUnreadable: 58030, naming dataset and variable.
    """
    # What a codec, a file system or a network raises is theirs to choose.
    try:
        values = within(patience, lambda: np.asarray(column.variable.values), check_for_interrupts)
        return encode(values, column.field.type)
    except QueryCanceled:
        raise
    except Exception as error:
        raise unreadable(dataset, column.field.name, "all its positions", error) from error


def _taken(values: pa.Array, positions: Positions) -> pa.Array:
    """The value at each position."""
    if values.null_count or not pa.types.is_floating(values.type):
        return values.take(pa.array(positions))
    return pa.array(values.to_numpy()[positions])
