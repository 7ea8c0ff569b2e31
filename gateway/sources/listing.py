"""A table whose rows are made when they are asked for: a few facts about the server.

What such tables tell of datasets, their attributes and their variables, is in the rows that
`attribute_rows` and `variable_rows` make; where they stand in SQL is `catalog.datasets`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.origins import origins_of
from gateway.sources.reading.columns import attributes_of
from gateway.sources.table import Description, Table, TableName

TEXT = pa.string()

ATTRIBUTES = pa.schema(
    [
        ("table_schema", TEXT),
        ("table_name", TEXT),
        ("column_name", TEXT),
        ("attribute", TEXT),
        ("value", TEXT),
        ("json", TEXT),
    ]
)
VARIABLES = pa.schema(
    [
        ("table_schema", TEXT),
        ("table_name", TEXT),
        ("column_name", TEXT),
        ("role", TEXT),
        ("dimensions", pa.list_(TEXT)),
        ("dtype", TEXT),
        ("calendar", TEXT),
        ("ordering", TEXT),
        ("encoding", TEXT),
    ]
)


@dataclass(frozen=True)
class Listing:
    """A small table: its columns, what they are, and what makes its rows anew for each scan."""

    schema: pa.Schema
    rows: Callable[[], Sequence[tuple[object, ...]]]
    description: Description = field(default_factory=Description)

    def partitions(self, predicate: pc.Expression | None) -> Sequence[Listing]:
        """The one part."""
        return [self]

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        """One batch of `columns` with the rows for which `predicate` is true."""
        values = list(zip(*self.rows(), strict=True)) or [()] * len(self.schema)
        arrays = [
            pa.array(part, kind) for part, kind in zip(values, self.schema.types, strict=True)
        ]
        batch = pa.record_batch(arrays, schema=self.schema)
        kept = batch if predicate is None else batch.filter(predicate)
        yield kept.select(list(columns))


def attribute_rows(tables: Mapping[TableName, Table]) -> list[tuple[object, ...]]:
    """A row of ATTRIBUTES for each attribute; `column_name` is NULL for a dataset's own.

    Args:
        tables: The tables to tell of.
    """
    rows: list[tuple[object, ...]] = []
    for name, table in tables.items():
        for column, attributes in table.description.attributes.items():
            for attribute, value in attributes_of(attributes).items():
                text = json.dumps(value, ensure_ascii=False)
                shown = value if isinstance(value, str) else text
                rows.append((name.schema, name.name, column or None, attribute, shown, text))
    return rows


def variable_rows(tables: Mapping[TableName, Table]) -> list[tuple[object, ...]]:
    """A row of VARIABLES for each column that a dataset has; its encoding is JSON.

    Args:
        tables: The tables to tell of.
    """
    return [
        (
            name.schema, name.name, column, origin.role, list(origin.dims), origin.dtype,
            origin.calendar or None, origin.order or None,
            json.dumps(attributes_of(origin.encoding), ensure_ascii=False),
        )
        for name, table in tables.items() if isinstance(table, GridTable)
        for column, origin in origins_of(table).items()
    ]  # fmt: skip
