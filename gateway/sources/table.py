"""What a table offers, whatever holds its rows: the Protocol that engine, catalog and store share.

xarray grids (`sources.grid`) and snapshots of user tables (`store.snapshots`) implement it; the
engine reads it and never learns which it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A relation's full name; both parts as stored, without quotes."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Description:
    """What people know of a table, beside its rows.

    Args:
        comment: What the table holds; empty when nothing is known.
        columns: What a column holds and in which unit; those of which nothing is known are left
            out.
        attributes: A column's attributes, by the column's name, and the table's own, under "";
            values as the dataset has them.
    """

    comment: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
        """Column names and Arrow types."""
        ...

    @property
    def description(self) -> Description:
        """What people know of the table and of each column."""
        ...

    def partitions(self, predicate: pc.Expression | None) -> Sequence[Partition]:
        """The parts that can hold a row for which `predicate` is true, in storage order."""
        ...


class Held(ABC):
    """A table all of whose rows are in memory, so an engine need not ask for its parts.

    A class to inherit from: every statement asks for it, and of a Protocol that takes 15 us.
    """

    @property
    @abstractmethod
    def held_rows(self) -> pa.Table:
        """The rows, under the table's schema; never changed."""


def columns_of(table: Table) -> dict[str, pa.DataType]:
    """Column name to Arrow type, in order."""
    return {field.name: field.type for field in table.schema}
