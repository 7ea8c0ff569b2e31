"""A part of a grid: which blocks it has, and the rows of them that a scan gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sources.filters.pruning import Positions, Pruned
from gateway.sources.reading.blocks import BATCH_ROWS, Block
from gateway.sources.reading.scanning import Reader
from gateway.sources.reading.top_rows import First, Leaders

# Positions along one dimension of a block; a range until it is read, for dimensions are long.
Box = Positions | range

# Where fewer than one in so many rows of a block are left, the other columns are made for these
# rows alone: below that, whole columns cut to batches cost more than picking.
FEW = 16


class Scanned(Protocol):
    """What a part asks of the grid that it is a part of."""

    dims: tuple[str, ...]
    first: First | None
    is_flipped: bool

    @property
    def keys(self) -> int | None:
        """By how many leading dimensions rows must come in order; None: just as they are stored."""
        ...

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        ...

    @property
    def is_chunked(self) -> bool:
        """Whether any variable is read in chunks."""
        ...

    def chunk(self, dim: str) -> int:
        """The longest stored chunk along `dim`."""
        ...

    def prune(self, predicate: pc.Expression | None) -> Pruned:
        """`predicate`, settled on the coordinates."""
        ...

    def readers(self, *names: Sequence[str]) -> list[Reader]:
        """What reads columns of any block, one for each group of them; together they read once."""
        ...


@dataclass(frozen=True, slots=True)
class GridPartition:
    """A run of a table's blocks, counted in row-major order over `boxes`."""

    table: Scanned
    boxes: Sequence[Sequence[Box]] = field(repr=False)
    blocks: range
    predicate: pc.Expression | None
    pruned: Pruned = field(repr=False)

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        """Batches of `columns` with every row of this part for which `predicate` is true.

        What decides about rows is read before the rest, which is not where no row is left.

        Raises:
            DatasetUnreadable: 58030, naming dataset, variable and positions.
        """
        pruned = self.pruned if _same(predicate, self.predicate) else self.table.prune(predicate)
        first = self.table.first
        deciding = self._deciding(pruned)
        others = [name for name in columns if name not in deciding]
        readers = self.table.readers(deciding, others)
        readers[0].arrays.expect([*deciding, *others], pruned.positions)
        leaders = None if first is None else Leaders(first)
        if leaders is not None and pruned.is_settled and self.table.dims:
            yield from _led(self.cut(pruned), readers, leaders, columns)
            return
        for block in self.cut(pruned):
            if deciding:
                yield from _decided(block, readers, pruned, leaders, columns)
            elif others:
                yield from readers[1].batches(block)
            else:
                yield _counted(block.rows)

    def _deciding(self, pruned: Pruned) -> list[str]:
        """The columns that tell which rows are left; none where all are."""
        names = self.table.schema.names
        asked = names if pruned.columns is None else [*pruned.columns]
        if pruned.nodes and not asked:  # a condition on nothing still has to be applied
            asked = names[:1]
        first = [] if self.table.first is None else [self.table.first.column]
        return list(dict.fromkeys([*asked, *first]))

    def cut(self, pruned: Pruned) -> Iterator[Block]:
        """The blocks that have a row, of those that `pruned` leaves."""
        return (block for block in self._cut(pruned) if block.rows)

    def _cut(self, pruned: Pruned) -> Iterator[Block]:
        dims = self.table.dims
        counts = tuple(map(len, self.boxes))
        for number in self.blocks:
            at = list(map(int, np.unravel_index(number, counts))) if counts else []
            if self.table.is_flipped:
                at[0] = counts[0] - 1 - at[0]
            boxes = [box[i] for box, i in zip(self.boxes, at, strict=True)]
            chosen = dict(zip(dims, map(_positions, boxes), strict=True))
            if pruned is not self.pruned:
                chosen = {dim: _both(chosen[dim], pruned.positions.get(dim)) for dim in dims}
            yield from self._first_apart(chosen) if number == 0 else [Block(chosen)]

    def _first_apart(self, chosen: dict[str, Positions]) -> Iterator[Block]:
        """The first block to be read: its first chunk, and then the rest.

        So LIMIT, and whoever waits for a first row, read no more than they must. Where rows must
        come as they are stored, it is all that lies at the first chunk's leading positions; where
        in the order of a dimension, and chunks cut one behind it, what the first chunk has of its
        first position: the same chunks are read for the others, out of the cache or once more.
        """
        rest: list[Block] = []
        dims = list(chosen) if self.table.is_chunked and all(map(len, chosen.values())) else []
        keys = self.table.keys
        cut = [at for at, dim in enumerate(dims) if len(self._near(dim, chosen[dim])[1])]
        for at, dim in enumerate(dims if keys is not None else dims[:1]):
            single = at < (keys or 0) and any(other > at for other in cut)
            near, far = self._near(dim, chosen[dim], single, self.table.is_flipped and at == 0)
            rest.append(Block({**chosen, dim: far}))
            chosen = {**chosen, dim: near}
        yield Block(chosen)
        yield from reversed(rest)

    def _near(
        self, dim: str, positions: Positions, single: bool = False, from_end: bool = False
    ) -> tuple[Positions, Positions]:
        """The positions in the first chunk, or the first alone, and the others."""
        length = self.table.chunk(dim)
        if from_end:
            at = np.searchsorted(positions, positions[-1] // length * length)
            far, near = np.split(positions, [len(positions) - 1 if single else at])
        else:
            at = np.searchsorted(positions, (positions[0] // length + 1) * length)
            near, far = np.split(positions, [1 if single else at])
        return near, far


def _led(
    blocks: Iterator[Block], readers: Sequence[Reader], leaders: Leaders, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The rows that may be among the first by a value, where no condition decides about rows.

    The other columns are read when all blocks have been gone through, for few rows are left then.
    An empty batch after each block lets whoever counts them stop.
    """
    nothing = _none(columns, readers)
    held: list[tuple[Block, Positions, pa.Array]] = []
    rows = 0
    for block in blocks:
        for at, values in readers[0].led(block, leaders):
            held.append((block, at, values))
            rows += len(at)
            if rows > BATCH_ROWS:  # there are many of one value
                yield from _told(held, readers, leaders, columns)
                held.clear()
                rows = 0
        yield nothing
    yield from _told(held, readers, leaders, columns)


def _told(
    held: Sequence[tuple[Block, Positions, pa.Array]],
    readers: Sequence[Reader],
    leaders: Leaders,
    columns: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    """The rows that are still among the first, of the blocks gone through."""
    key, others = readers
    for block, at, values in held:
        still = leaders.still_among(values)
        left, kept = at[still], values.filter(pa.array(still))
        for start in range(0, len(left), BATCH_ROWS):
            part = kept.slice(start, BATCH_ROWS)
            found = pa.record_batch([part], schema=key.schema)
            if others.columns:
                found = _beside(found, others.picked(block, left[start : start + BATCH_ROWS]))
            yield found.select(columns)


def _none(columns: Sequence[str], readers: Sequence[Reader]) -> pa.RecordBatch:
    fields = {each.name: each for reader in readers for each in reader.schema}
    schema = pa.schema([fields[name] for name in columns])
    return pa.RecordBatch.from_pylist([], schema)


def _decided(
    block: Block,
    readers: Sequence[Reader],
    pruned: Pruned,
    leaders: Leaders | None,
    columns: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    """The rows of a block that are left by the conditions, and may be among the first."""
    deciding, others = readers
    batches = list(deciding.batches(block))
    masks = [_left(batch, pruned, leaders) for batch in batches]
    left = sum(
        batch.num_rows if mask is None else mask.true_count
        for batch, mask in zip(batches, masks, strict=True)
    )
    if left * FEW < block.rows:
        if left:
            yield from _picked(block, others, batches, masks, leaders, columns)
        return
    rest = others.promised(block) if others.columns else repeat(None)
    for batch, mask, other in zip(batches, masks, rest, strict=False):
        if mask is not None and not mask.true_count:
            continue
        found = batch if other is None else _beside(batch, other())
        if mask is not None:
            found = found.select([*columns] or found.schema.names[:1]).filter(mask)
        yield found.select(columns)


def _picked(
    block: Block,
    others: Reader,
    batches: Sequence[pa.RecordBatch],
    masks: Sequence[pa.Array | None],
    leaders: Leaders | None,
    columns: Sequence[str],
) -> Iterator[pa.RecordBatch]:
    """The few rows of a block that are left, their other columns made for them alone."""
    kept, places, start = [], [], 0
    for batch, mask in zip(batches, masks, strict=True):
        if mask is None or mask.true_count:
            at = np.arange(batch.num_rows) if mask is None else _places(mask)
            kept.append(batch.take(pa.array(at)))
            places.append(at + start)
        start += batch.num_rows
    found, at = pa.concat_batches(kept), np.concatenate(places)
    if leaders is not None:  # what the first batches hold may be outdone by the last
        still = leaders.still_among(found.column(leaders.column))
        found, at = found.filter(pa.array(still)), at[still]
    if not len(at):
        return
    yield (_beside(found, others.picked(block, at)) if others.columns else found).select(columns)


def _places(mask: pa.Array) -> Positions:
    return np.flatnonzero(mask.fill_null(False).to_numpy(zero_copy_only=False))


def _left(batch: pa.RecordBatch, pruned: Pruned, leaders: Leaders | None) -> pa.Array | None:
    """Which rows of a batch are left; None: all."""
    mask = pruned.mask(batch)
    if leaders is None:
        return mask
    values = batch.column(leaders.column)
    if mask is None:
        return pa.array(leaders.among(values))
    kept = mask.fill_null(False).to_numpy(zero_copy_only=False)
    found = kept.copy()
    found[kept] = leaders.among(values.filter(mask))
    return pa.array(found)


def _beside(batch: pa.RecordBatch, other: pa.RecordBatch) -> pa.RecordBatch:
    fields = [*batch.schema, *other.schema]
    return pa.record_batch([*batch.columns, *other.columns], schema=pa.schema(fields))


def _same(one: pc.Expression | None, other: pc.Expression | None) -> bool:
    return one is other or (one is not None and other is not None and one.equals(other))


def _positions(box: Box) -> Positions:
    return np.arange(box.start, box.stop, dtype=np.intp) if isinstance(box, range) else box


def _both(chosen: Positions, wanted: Positions | None) -> Positions:
    return chosen if wanted is None else np.intersect1d(chosen, wanted, assume_unique=True)


def _counted(rows: int) -> pa.RecordBatch:
    """A batch that holds nothing but a number of rows."""
    return pa.record_batch([pa.nulls(rows)], names=["row"]).select([])
