"""Rows of one table as DuckDB holds them: all, or those that have some values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import duckdb
import pyarrow as pa

from gateway.store.definitions.columntypes import TOLD_AS_THEY_ARE
from gateway.store.definitions.definitions import ROWID, Column, TableDefinition
from gateway.store.disk.disk import physical, physical_columns
from gateway.store.disk.faults import translated
from gateway.store.transactions.transactions import Transaction

# Column -> the values one of which a row must have.
Wanted = Mapping[str, Sequence[int | str]]

# So few rows are sooner told one by one: of a million rows one by its key takes DuckDB 1.0 ms of
# CPU, 2.6 ms as an Arrow table.
_FEW_ROWS = 20


def read(
    transaction: Transaction,
    oid: int,
    definition: TableDefinition,
    *,
    rowid: bool = False,
    wanted: Wanted = MappingProxyType({}),
) -> pa.Table:
    """Rows of a table as the transaction sees them, in storage order; `rowid` goes first.

    All of them, or those alone that are `wanted`.
    """
    transaction.pin()
    return read_by(transaction.cursor, oid, definition, rowid=rowid, wanted=wanted)


def read_by(
    cursor: duckdb.DuckDBPyConnection,
    oid: int,
    definition: TableDefinition,
    *,
    rowid: bool = False,
    wanted: Wanted = MappingProxyType({}),
) -> pa.Table:
    """The same as DuckDB's cursor sees them."""
    inside = physical_columns(definition)
    shown = [*(["rowid"] if rowid else []), *inside.values()]
    query = f"SELECT {', '.join(shown) or '1'} FROM {physical(oid, definition)}"
    conditions = [
        f"{inside.get(name, 'rowid')} IN ({', '.join('?' * len(values))})" if values else "false"
        for name, values in wanted.items()
    ]
    if conditions:
        query += f" WHERE {' AND '.join(conditions)}"
    values = [value for each in wanted.values() for value in each]
    schema = schema_of(definition, rowid)
    with translated():
        if values and _are_few(definition, wanted):
            return _told(cursor.execute(query, values), schema)
        rows = cursor.sql(query, params=values or None).to_arrow_table()
    return named(rows, definition, rowid)


def named(rows: pa.Table, definition: TableDefinition, rowid: bool = False) -> pa.Table:
    """Rows under the user's names, in the types of the definition."""
    schema = schema_of(definition, rowid)
    if not definition.columns:  # which has no rows (`sql.writes.targets.no_columns`)
        return schema.empty_table()
    return rows.rename_columns(schema.names).cast(schema)


def schema_of(definition: TableDefinition, rowid: bool) -> pa.Schema:
    """The user's names and the types of the columns, the row identifier first if it is wanted."""
    schema = definition.schema
    return schema.insert(0, pa.field(ROWID, pa.int64())) if rowid else schema


def _are_few(definition: TableDefinition, wanted: Wanted) -> bool:
    """Whether a key says that few rows can be found, of values that Python tells as they are."""
    most = most_rows(definition, wanted)
    return most is not None and most <= _FEW_ROWS and all(map(_is_plain, definition.columns))


def most_rows(definition: TableDefinition, wanted: Wanted) -> int | None:
    """How many rows can have these values, by a key that DuckDB holds; None: no key tells."""
    counts = [
        math.prod(len(wanted[name]) for name in key)
        for key in definition.key_names()
        if wanted.keys() >= set(key)
    ]
    return min(counts, default=None)


def _is_plain(column: Column) -> bool:
    return any(known(column.arrow) for known in TOLD_AS_THEY_ARE)


def _told(cursor: duckdb.DuckDBPyConnection, schema: pa.Schema) -> pa.Table:
    found = cursor.fetchall()
    columns = zip(*found, strict=True) if found else [()] * len(schema)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
