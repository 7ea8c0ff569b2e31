"""A table whose moments stand in the session's time zone.

The engine reckons (date_trunc, extract, casts, days added) in the zone of a column's type, and
tables hold theirs in UTC; the moments themselves are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from gateway.sources.table import Description, Held, Partition, Table


class Zoned:
    """`table` with every timestamptz column in `zone`."""

    def __init__(self, table: Table, zone: str) -> None:
        self._table = table
        self._zone = zone
        self._schema = pa.schema([_field(field, zone) for field in table.schema])

    @property
    def schema(self) -> pa.Schema:
        """The table's, in the zone."""
        return self._schema

    @property
    def description(self) -> Description:
        """The table's."""
        return self._table.description

    def partitions(self, predicate: pc.Expression | None) -> Sequence[Partition]:
        """The table's; each gives its rows in the zone."""
        parts = self._table.partitions(predicate)
        return [_ZonedPartition(part, self._schema) for part in parts]


class _ZonedRows(Zoned, Held):
    """The same of rows in memory, which are not copied."""

    def __init__(self, table: Table, rows: pa.Table, zone: str) -> None:
        super().__init__(table, zone)
        self._rows = rows

    @property
    def held_rows(self) -> pa.Table:
        """The table's, in the zone."""
        return self._rows.cast(self._schema)


class _ZonedPartition:
    def __init__(self, part: Partition, schema: pa.Schema) -> None:
        self._part, self._schema = part, schema

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([self._schema.field(name) for name in columns])
        for batch in self._part.scan(columns, predicate):
            yield batch.cast(schema) if schema.names else batch


def in_zone(table: Table, zone: str) -> Table:
    """The table in the zone; `table` itself where it holds no timestamptz, or UTC is meant."""
    zoned = any(_has_zone(field.type) for field in table.schema)
    if not zoned or zone == "UTC":
        return table
    return (
        _ZonedRows(table, table.held_rows, zone) if isinstance(table, Held) else Zoned(table, zone)
    )


def _has_zone(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.tz is not None)


def _field(field: pa.Field, zone: str) -> pa.Field:
    return field.with_type(pa.timestamp(field.type.unit, zone)) if _has_zone(field.type) else field
