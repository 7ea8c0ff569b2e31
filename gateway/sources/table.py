"""What a table offers, whatever holds its rows: the Protocol that engine, catalog and store share.

xarray grids (`sources.grid`) and snapshots of user tables (`store.snapshots`) implement it; the
engine reads it and never learns which it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A relation's full name; both parts as stored, without quotes."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Partition(Protocol):
    """A part of a table that one thread scans."""

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        """Batches of exactly `columns`, in order, with every row for which `predicate` is true.

        The predicate must be applied in full: the engine does not check again. No columns gives
        batches of zero columns whose `num_rows` counts.

        Raises:
            DatasetUnreadable: 58030, naming dataset, variable and chunk.
        """
        ...


class Table(Protocol):
    """Rows under a schema, in parts."""

    @property
    def schema(self) -> pa.Schema:
        """Column names and Arrow types; field metadata may carry `units` and `long_name`."""
        ...

    @property
    def comment(self) -> str:
        """What the table holds, for people; empty when nothing is known."""
        ...

    def partitions(self, predicate: pc.Expression | None) -> Sequence[Partition]:
        """The parts that can hold a row for which `predicate` is true, in storage order."""
        ...


def columns_of(table: Table) -> dict[str, pa.DataType]:
    """Column name to Arrow type, in order."""
    return {field.name: field.type for field in table.schema}
