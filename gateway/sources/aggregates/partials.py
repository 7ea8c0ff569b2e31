"""Aggregates of a grid by group, part by part: a table of partial sums that an engine adds up.

Each row tells of one group in one region of the grid (a partition of it, or a block where a
partition has too many groups): how many rows it has, and for each argument how many values, their
sum, their least and greatest, their squared deviations. Blocks are read as a scan reads them, and
computed in pieces that stay in the processor's cache.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported
from gateway.sources.aggregates.reducing import Codes, Found
from gateway.sources.aggregates.regions import Asked, Operand, Region
from gateway.sources.arithmetic.nullable import Unsound
from gateway.sources.filters.pruning import Pruned, prune
from gateway.sources.grid.grid import PARTITIONS, GridTable
from gateway.sources.grid.partition import GridPartition
from gateway.sources.reading.blocks import Block
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.reading.stored import GridColumn
from gateway.sources.table import Description, TableName

Values = npt.NDArray[Any]

# Groups that a partition has a place for; with more of them each block is told on its own.
REGION_GROUPS = 1 << 18

_BATCH_ROWS = 1 << 16

# How often a scan hands the engine an empty batch, at which it can be stopped. Each wakes threads:
# with one for every piece the means of 371 maps took 5.8 ms of processor time, and take 4.8.
STOP_SECONDS = 0.02

# Parts that are read at a time, each of which tells all its groups: one for each core.
PARTS = min(PARTITIONS, os.cpu_count() or 1)

# Values in memory that are added up sooner than a stream of what comes out would begin, in some
# milliseconds at most.
QUICK_VALUES = 1 << 20

# Rows of a part, at least: to read one costs as much as numpy takes for so many rows in memory.
LEAST_ROWS = 1 << 19

# Rows for each group of a part, at least: the engine takes as long over a group of a part as numpy
# over so many rows in memory.
PART_ROWS = 512


@dataclass(frozen=True, eq=False)
class Key:
    """A column by which rows are grouped: it depends on the position along `dim` alone.

    `values` has one for each code of the dimension.
    """

    field: pa.Field
    dim: str
    values: pa.Array


class Partials:
    """A `Table` of partial aggregates.

    Args:
        grid: What is aggregated; its chosen positions are those whose rows count.
        codes: For each dimension by which is grouped, the group of each of its positions; -1 where
            the grid has no row.
        keys: What tells the groups.
        asked: What is asked of each.

    `gave_up` is true once a scan found values about which the engine must be asked.
    """

    def __init__(
        self,
        grid: GridTable,
        codes: Mapping[str, Codes],
        keys: Sequence[Key],
        asked: Asked,
    ) -> None:
        self.grid, self.keys = grid, tuple(keys)
        self.codes = {dim: codes[dim] for dim in grid.dims if dim in codes}
        self.asked = asked
        self.gave_up = False
        self.base = TableName("", grid.name)  # what the grid is called in SQL
        self._pivots: dict[int, Values] = {}
        self._lock = threading.Lock()

    def watch(self, reads: TableReads) -> None:
        """Note in `reads` the chunks that scans read."""
        self.grid = self.grid.watched(reads)

    @property
    def description(self) -> Description:
        """Nothing is known but what the query says."""
        return Description()

    @cached_property
    def schema(self) -> pa.Schema:
        """The keys, `rows`, and for each operand what is asked of it, by its number."""
        fields = [*(key.field for key in self.keys), pa.field("rows", pa.int64())]
        for number, (operand, dtype) in enumerate(
            zip(self.asked.operands, self.asked.dtypes, strict=True)
        ):
            for kind in ("count", *partial_kinds(operand.kinds)):
                fields.append(pa.field(f"{kind} {number}", _arrow(kind, dtype)))
        return pa.schema(fields)

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """How many codes each grouped dimension has."""
        return tuple(int(codes.max(initial=-1)) + 1 for codes in self.codes.values())

    def partitions(self, predicate: pc.Expression | None) -> Sequence[PartialsPartition]:
        """Parts of the grid in which there can be a group for which `predicate` is true."""
        dims = {key.field.name: key.dim for key in self.keys}
        pruned = prune(predicate, dims, self._key_by_position)
        grid = self.grid
        if pruned.positions:
            both = Pruned(pruned.positions).within(
                {dim: grid.positions(dim) for dim in pruned.positions}
            )
            grid = grid.restricted(both.positions)
        if not self.asked.columns:
            return [PartialsPartition(self, grid, None, pruned)]
        return [
            PartialsPartition(self, grid, part, pruned)
            for part in grid.partitions(None, self._parts)
        ]

    @property
    def _parts(self) -> int:
        """In how many parts the grid is read."""
        if not self.asked.is_plain or self.grid.is_chunked:
            return PARTS
        least = max(1, math.prod(self.groups)) * PART_ROWS + LEAST_ROWS
        return max(1, min(PARTS, self._rows // least))

    @cached_property
    def _rows(self) -> int:
        """Rows of the grid at its chosen positions."""
        return math.prod(len(self.grid.positions(dim)) for dim in self.grid.dims)

    @cached_property
    def is_quick(self) -> bool:
        """Whether it adds up few values as they are stored, all of them in memory."""
        columns = self.grid.arrays().columns
        held = (isinstance(c := columns[name], GridColumn) and c.held is not None
                for name in self.asked.columns)  # fmt: skip
        few = self._rows * len(self.asked.operands) <= QUICK_VALUES
        return few and self.asked.is_plain and all(held)

    def _key_by_position(self, name: str) -> pa.Array:
        key = next(key for key in self.keys if key.field.name == name)
        codes = self.codes[key.dim]
        return key.values.take(pa.array(codes, mask=codes < 0))

    def pivots(self, number: int, groups: Values, means: Values) -> Values:
        """A number near the values of each group, the same for all regions: the first mean seen."""
        with self._lock:
            known = self._pivots.get(number)
            if known is None:
                known = self._pivots[number] = np.full(math.prod(self.groups), np.nan)
            new = np.isnan(known[groups])
            known[groups[new]] = means[new]
            return known[groups]


def _arrow(kind: str, dtype: np.dtype[Any]) -> pa.DataType:
    if kind == "count" or (kind == "sum" and dtype.kind == "i"):
        return pa.int64()
    return pa.from_numpy_dtype(dtype) if kind in ("min", "max") else pa.float64()


@dataclass(frozen=True)
class PartialsPartition:
    """The groups of a part of the grid; `part` is None where nothing is read but codes."""

    table: Partials
    grid: GridTable
    part: GridPartition | None
    pruned: Pruned = field(repr=False)

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        """Batches of `columns`; an empty one now and then, so that it can be stopped.

        Raises:
            DatasetUnreadable: 58030, naming dataset, variable and positions.
            FeatureNotSupported: 0A000, there are values about which the engine must be asked.
        """
        rest = Pruned(whole=predicate)
        told = time.monotonic()
        try:
            for batch in self._regions():
                if batch is None:
                    if time.monotonic() - told > STOP_SECONDS:
                        yield pa.RecordBatch.from_pylist([], self.table.schema).select(columns)
                        told = time.monotonic()
                    continue
                kept = batch if predicate is None else rest.remaining(batch)
                if kept.num_rows:
                    yield kept.select(columns)
        except Unsound as reason:
            self.table.gave_up = True
            raise FeatureNotSupported(
                f"aggregates of {self.table.grid.name} cannot be computed on arrays: {reason}",
                hint="SET gradwire.array_aggregation = off",
            ) from reason

    def _regions(self) -> Iterator[pa.RecordBatch | None]:
        """The groups; None after each piece of a block that was taken in."""
        blocks = list(self._blocks())
        if not blocks:
            return
        whole = Region(self.table.asked, self.table.codes, blocks)
        arrays = self.grid.arrays()
        positions = {dim: self.grid.positions(dim) for dim in self.grid.dims}
        arrays.expect(self.table.asked.columns, positions)
        if whole.size <= REGION_GROUPS or self.part is None:
            for block in blocks:
                yield None
                yield from whole.take(block, arrays.shaped(self.table.asked.columns, block))
            yield from self._batches(whole)
            return
        for block in blocks:
            region = Region(self.table.asked, self.table.codes, [block])
            yield from region.take(block, arrays.shaped(self.table.asked.columns, block))
            yield from self._batches(region)

    def _blocks(self) -> Iterable[Block]:
        if self.part is not None:
            return self.part.cut(self.part.pruned)
        block = Block({dim: self.grid.positions(dim) for dim in self.grid.dims})
        return [block] if block.rows else []

    def _batches(self, region: Region) -> Iterator[pa.RecordBatch]:
        """The groups that have a row."""
        present = Present.of(region)
        if not present.count:
            return
        table = self.table
        arrays = [key.values.take(pa.array(present.codes(key.dim))) for key in table.keys]
        arrays.append(pa.array(present.among(region.rows)))
        for number, operand in enumerate(table.asked.operands):
            arrays += self._told(region, number, operand, present)
        batch = pa.record_batch(arrays, schema=table.schema)
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            yield batch.slice(start, _BATCH_ROWS)

    def _told(
        self, region: Region, number: int, operand: Operand, present: Present
    ) -> Iterator[pa.Array]:
        kept = {kind: present.among(values) for kind, values in region.sums[number].kept.items()}
        count = present.among(region.counts(number))
        none = count == 0
        if "real" in kept:
            kept["avg"] = kept["real"]
            kept["sum"] = kept.get("whole", kept["real"])
        elif "whole" in kept:
            kept["sum"] = kept["whole"]
        if "squares" in kept:
            kept |= self._apart(number, kept["real"], count, present)
        yield pa.array(count)
        for kind in partial_kinds(operand.kinds):
            yield pa.array(kept[kind], mask=none if none.any() else None)

    @np.errstate(over="ignore")
    def _apart(self, number: int, total: Values, count: Values, present: Present) -> Found:
        """How far the means of the groups are from one number near all the values of each."""
        none = count == 0
        mean = np.where(none, np.nan, total / np.maximum(count, 1))
        pivots = self.table.pivots(number, present.numbers(self.table.groups), mean)
        apart = np.where(none, 0.0, mean - pivots)
        pull = count * apart * apart
        if not np.isfinite(pull).all():
            raise Unsound("deviations beyond all numbers")
        return {"away": count * apart, "pull": pull}


@dataclass(frozen=True)
class Present:
    """The groups of a region that have a row; `at` is None where all have."""

    region: Region
    at: Codes | None

    @classmethod
    def of(cls, region: Region) -> Present:
        rows = region.rows
        return cls(region, None if rows.all() else np.flatnonzero(rows))

    @property
    def count(self) -> int:
        return self.region.size if self.at is None else len(self.at)

    def among(self, values: Values) -> Values:
        """Values of all the region's groups, of those that are there."""
        flat: Values = values.reshape(-1)
        return flat if self.at is None else flat[self.at]

    def codes(self, dim: str) -> Codes:
        """The code along a dimension of each."""
        place = list(self.region.codes).index(dim)
        shape = [-1 if place == n else 1 for n in range(len(self.region.shape))]
        own = self.region.codes[dim].reshape(shape)
        return np.asarray(self.among(np.broadcast_to(own, self.region.shape)))

    def numbers(self, groups: Sequence[int]) -> Values:
        """The number of each among the groups of the whole table."""
        if not groups:
            return np.zeros(1, int)
        codes = tuple(self.codes(dim) for dim in self.region.codes)
        return np.asarray(np.ravel_multi_index(codes, tuple(groups)))


def partial_kinds(kinds: frozenset[str]) -> list[str]:
    """The columns that are kept for what is asked, beside the count."""
    found = [kind for kind in ("sum", "avg", "min", "max") if kind in kinds]
    return [*found, *(("away", "pull", "squares") if "moments" in kinds else ())]
