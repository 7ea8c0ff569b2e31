"""A block of a grid, a box of positions along each dimension, and the values of columns in it.

Columns are stored (read from the arrays) or derived: computed from others, at the neighbours of
the block's positions too, for that is what a derivative along a dimension asks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.errors import QueryCanceled
from gateway.interrupts import check_for_interrupts
from gateway.sources.arithmetic.along import (
    Sum,
    as_floats,
    differentiated,
    integrated,
    needed,
)
from gateway.sources.arithmetic.elementwise import evaluate
from gateway.sources.arithmetic.elementwise import names as names_in
from gateway.sources.filters.pruning import Positions, consecutive
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.reading.chunked import Chunked
from gateway.sources.reading.faults import AGAIN_SECONDS, Replaced, first_fault, unreadable
from gateway.sources.reading.made_columns import DerivedColumn, LaidColumn
from gateway.sources.reading.stored import GridColumn
from gateway.sources.timeouts import Patience, within

Values = npt.NDArray[Any]
Found = TypeVar("Found")

# Rows in a batch. Below 64K the engine's cost for each batch shows (3 to 8 times slower at 8192);
# above 256K the columns leave the processor's cache.
BATCH_ROWS = 65_536
TRAILING_ROWS = 262_144


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

    def along(self, dim: str, positions: Positions) -> Block:
        """The same block with other positions along `dim`."""
        return Block({**self.positions, dim: positions})

    @cached_property
    def key(self) -> tuple[bytes, ...]:
        """What tells the block from others of the same table."""
        return tuple(chosen.tobytes() for chosen in self.positions.values())


AnyColumn = GridColumn | DerivedColumn | LaidColumn


# A store that changes during each of so many reads, of a block each, is not read.
_MOST_CHANGES = 5


@dataclass
class Arrays:
    """Reads the values of one scan's columns.

    Args:
        dataset: The dataset's name, for messages.
        columns: Every column of the table.
        step: Positions that an integral takes at a time, by dimension.
        reads: Where the chunks that are read are noted.
        cache: Where chunks are held.
        serial: What tells the table from every other, in the cache.
        presence: Tells by another number that the store has changed; asked around each read.
        patience: How long a read may take; None: however long, by who asks for it.
    """

    dataset: str
    columns: Mapping[str, AnyColumn]
    step: Mapping[str, int]
    reads: TableReads | None = None
    cache: ChunkCache | None = None
    serial: int = 0
    presence: Callable[[], int] | None = None
    patience: Patience | None = None
    _read: dict[tuple[Any, ...], Values] = field(default_factory=dict)
    _sums: dict[tuple[Any, ...], Sum] = field(default_factory=dict)
    _block: Block | None = None
    _state: int | None = None  # of the store, after it was read last

    def expect(self, names: Iterable[str], positions: Mapping[str, Positions]) -> None:
        """Tell who watches that columns will be read at these positions, else at all."""
        if self.reads is None:
            return
        for name in names:
            column = self.columns[name]
            if isinstance(column, DerivedColumn):
                along = {d: at for d, at in positions.items() if d != column.numbers.dim}
                self.expect(names_in(column.call.expression), along)
            elif isinstance(column, GridColumn) and column.axis is None:
                self.reads.expect(name, *self._sizes_and_lengths(column), positions)

    def flat(self, names: Iterable[str], block: Block) -> dict[str, Values]:
        """The values of columns, one for each row of `block`, in row-major order.

        Raises:
            DatasetUnreadable: 58030, naming dataset, variable and positions.
        """
        self._come_to(block)
        found = {}
        for name in names:
            values = np.broadcast_to(self._values(name, block), block.shape)
            found[name] = values.reshape(-1)
        return found

    def shaped(self, names: Iterable[str], block: Block) -> dict[str, Values]:
        """The values of columns, with the block's dimensions; 1 long where they do not change.

        Raises:
            DatasetUnreadable: 58030, naming dataset, variable and positions.
        """
        self._come_to(block)
        return {name: self._values(name, block) for name in names}

    def runs(self, name: str, block: Block) -> Sequence[Values]:
        """The values of a column at the rows of `block`, in row-major order, in some parts.

        They are not copied together where they are chunks that are held.

        Raises:
            DatasetUnreadable: 58030, naming dataset, variable and positions.
        """
        self._come_to(block)
        column = self.columns[name]
        if isinstance(column, GridColumn) and [*column.variable.dims] == [*block.positions]:
            parts = self._fetch(name, column, block, partial(self._parts, name, column, block))
            if parts is not None:
                return [part.reshape(-1) for part in parts]
        return [self.flat([name], block)[name]]

    def _parts(self, name: str, column: GridColumn, block: Block) -> list[Values] | None:
        chunked = self._chunked(name, column)
        return None if chunked is None else chunked.parts(block.positions)

    def _come_to(self, block: Block) -> None:
        """What was read for another block goes."""
        if block is not self._block:
            self._read.clear()
            self._block = block

    def _values(self, name: str, block: Block) -> Values:
        """The values of a column, with the block's dimensions; 1 long where it does not change."""
        column = self.columns[name]
        if isinstance(column, GridColumn):
            return self._stored(name, column, block)
        if isinstance(column, LaidColumn):
            return column.over(block.positions)
        key = (name, block.key)
        if key not in self._read:
            compute = self._differentiated if column.call.function == "differentiate" else self._sum
            self._read[key] = compute(column, block)
        return self._read[key]

    def _stored(self, name: str, column: GridColumn, block: Block) -> Values:
        variable = column.variable
        chosen = {str(dim): block.positions[str(dim)] for dim in variable.dims}
        key = (name, *(positions.tobytes() for positions in chosen.values()))
        if key in self._read:
            return self._read[key]
        values = self._fetch(name, column, block, partial(self._loaded, name, column, chosen))
        own = [len(at) if dim in chosen else 1 for dim, at in block.positions.items()]
        self._read[key] = values.reshape(own)
        return self._read[key]

    def _loaded(self, name: str, column: GridColumn, chosen: Mapping[str, Positions]) -> Values:
        """Values at some positions, out of the cache or the store."""
        index = {dim: consecutive(positions) for dim, positions in chosen.items()}
        if column.held is not None and all(isinstance(each, slice) for each in index.values()):
            return np.asarray(column.held[tuple(index.values())])
        chunked = self._chunked(name, column)
        if chunked is None or (values := chunked.read(chosen)) is None:
            values = column.read(index)
            if self.cache is not None:
                self.cache.note_read(values.nbytes)
        return values

    def _fetch(
        self, name: str, column: GridColumn, block: Block, read: Callable[[], Found]
    ) -> Found:
        """What `read` gives; names what could not be read, notes what was."""
        began = time.monotonic()
        # What a codec, a file system or a network raises is theirs to choose.
        try:
            found = self._standing(read)
        except QueryCanceled:
            raise
        except Exception as error:
            again = not isinstance(error, Replaced) and time.monotonic() - began < AGAIN_SECONDS
            where = self.at_fault(column, block) if again else block
            raise unreadable(self.dataset, name, where, error) from error
        if self.reads is not None:
            chosen = {str(dim): block.positions[str(dim)] for dim in column.variable.dims}
            self.reads.note(name, *self._sizes_and_lengths(column), chosen)
        return found

    def _standing(self, read: Callable[[], Found]) -> Found:
        """What is read of one state of the store; of the next, where it changes meanwhile."""
        if self.presence is None:
            return self._within(read)
        if self._state is None:
            self._state = self.presence()
        for _ in range(_MOST_CHANGES):
            before = self._state
            found = self._within(read)
            self._state = self.presence()
            if self._state == before:
                return found
        raise Replaced("it is being written to")

    def _within(self, read: Callable[[], Found]) -> Found:
        # The engine's few threads must not wait for a network when nobody waits for them.
        check = check_for_interrupts if self.reads is None else self.reads.checker()
        return within(self.patience, read, check)

    def at_fault(
        self, column: GridColumn, block: Block, use: Callable[[Values], object] = np.shape
    ) -> Block:
        """What of a block lies in the one chunk that cannot be read, or used; all where none is."""
        sizes, lengths = self._sizes_and_lengths(column)
        chosen = {dim: block.positions[dim] for dim in sizes}
        fault = first_fault(column.read, chosen, lengths, lambda read: use(self._within(read)))
        return Block({**block.positions, **fault})

    def _sizes_and_lengths(self, column: GridColumn) -> tuple[dict[str, int], dict[str, int]]:
        """How long each dimension of a variable is, and how long a chunk of it.

        What is not stored in chunks is read in blocks, which are counted in their place.
        """
        sizes = {str(dim): size for dim, size in column.variable.sizes.items()}
        if not column.is_chunked:
            return sizes, {dim: self.step.get(dim, 1) for dim in sizes}
        return sizes, {dim: max(1, column.chunk(dim)) for dim in sizes}

    def _chunked(self, name: str, column: GridColumn) -> Chunked | None:
        """What reads a variable through the cache; None where there is no way through it."""
        if self.cache is None or not column.is_cacheable:
            return None
        sizes = {str(dim): size for dim, size in column.variable.sizes.items()}
        lengths = {dim: column.chunk(dim) for dim in sizes}
        key = (self.serial, self._state, name)
        return Chunked(self.cache, key, column, lengths)

    def _argument(self, column: DerivedColumn, block: Block) -> Values:
        """What is differentiated or integrated, at every position of its dimension."""

        def values_of(name: str) -> Values:
            kind = self.columns[name].field.type
            values = as_floats(self._values(name, block))
            return values.astype(np.float64) if pa.types.is_float64(kind) else values

        values = as_floats(evaluate(column.call.expression, values_of))
        values = values.reshape((1,) * (len(block.shape) - values.ndim) + values.shape)
        place = self._place(column, block)
        shape = list(values.shape)
        shape[place] = block.shape[place]
        return np.broadcast_to(values, shape)

    def _place(self, column: DerivedColumn, block: Block) -> int:
        return list(block.positions).index(column.numbers.dim)

    def _differentiated(self, column: DerivedColumn, block: Block) -> Values:
        axis, positions = column.numbers, block.positions[column.numbers.dim]
        at = needed("differentiate", positions, axis.size)
        values = self._argument(column, block.along(axis.dim, at))
        return differentiated(values, at, positions, self._place(column, block), axis)

    def _sum(self, column: DerivedColumn, block: Block) -> Values:
        """The integrals of a block, going on where the last block over the same others ended."""
        axis, positions = column.numbers, block.positions[column.numbers.dim]
        place = self._place(column, block)
        key = (column.field.name, block.along(axis.dim, positions[:0]).key)
        came = self._sums.get(key)
        if came is not None and came.upto >= positions[0]:
            came = None
        parts: list[Values] = []
        held = self._read.copy()
        while came is None or came.upto < positions[-1]:
            start = 0 if came is None else came.upto + 1
            at = np.arange(start, min(start + self.step[axis.dim], int(positions[-1]) + 1))
            values = self._argument(column, block.along(axis.dim, at))
            sums, came = integrated(values, start, came, place, axis)
            wanted = positions[(positions >= start) & (positions <= at[-1])] - start
            parts.append(np.take(sums, wanted, place))
            self._read = held.copy()  # what comes before a block may be much longer than it
        self._sums[key] = came
        return parts[0] if len(parts) == 1 else np.concatenate(parts, place)
