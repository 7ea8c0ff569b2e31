"""Tables made of batches in memory, for tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gateway.sources.table import Description, TableName


@dataclass
class MemoryPartition:
    """Batches, and how often one was asked for."""

    batches: Sequence[pa.RecordBatch]
    fails: BaseException | None = None
    asked: list[int] = field(default_factory=list)

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(self.batches):
            self.asked.append(number)
            rows = pa.Table.from_batches([batch])
            if predicate is not None:
                rows = rows.filter(predicate)
            yield from rows.select(list(columns)).to_batches()
        if self.fails is not None:
            raise self.fails


@dataclass
class MemoryTable:
    """A table of partitions of batches."""

    parts: Sequence[MemoryPartition]
    description: Description = field(default_factory=Description)

    @property
    def schema(self) -> pa.Schema:
        return self.parts[0].batches[0].schema

    def partitions(self, predicate: pc.Expression | None) -> Sequence[MemoryPartition]:
        return self.parts


def table(**columns: object) -> MemoryTable:
    """One partition, one batch."""
    return MemoryTable([MemoryPartition([pa.record_batch(columns)])])


def numbered(partitions: int, batches: int, rows: int, fails: BaseException | None = None):
    """Column `n` counts 0, 1, 2, ... in storage order."""
    starts = iter(range(0, partitions * batches * rows, rows))
    return MemoryTable(
        [
            MemoryPartition(
                [
                    pa.record_batch({"n": pa.array(range(start, start + rows))})
                    for start in (next(starts) for _ in range(batches))
                ],
                fails,
            )
            for _ in range(partitions)
        ]
    )


T = TableName("public", "t")
