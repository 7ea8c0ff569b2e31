"""Deltas in: rows appended to, changed in and deleted from one table, inside a transaction.

Values arrive as the engine computed them and are assigned to the table's columns here. Row
identifiers are DuckDB's rowid, which stands for a row only within the transaction that read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from gateway.errors import DuplicateColumn, InternalError, SyntaxFault
from gateway.store.assignment import assign
from gateway.store.catalogue import physical, physical_columns
from gateway.store.defaults import default_value
from gateway.store.definitions import ROWID, Changed, Column, TableDefinition
from gateway.store.faults import refuse_nulls, translated
from gateway.store.transactions import Transaction


def read(transaction: Transaction, oid: int, definition: TableDefinition, rowid: bool) -> pa.Table:
    """All rows of a table as the transaction sees them, in storage order; `rowid` goes first."""
    inside = [*(["rowid"] if rowid else []), *physical_columns(definition).values()]
    transaction.pin()
    with translated():
        query = f"SELECT {', '.join(inside)} FROM {physical(oid)}"
        rows = transaction.cursor.sql(query).to_arrow_table()
    return _named(rows, definition, rowid)


def _named(rows: pa.Table, definition: TableDefinition, rowid: bool = False) -> pa.Table:
    """Rows under the user's names, in the types of the definition."""
    schema = definition.schema
    if rowid:
        schema = schema.insert(0, pa.field(ROWID, pa.int64()))
    return rows.rename_columns(schema.names).cast(schema)


def insert(
    transaction: Transaction,
    oid: int,
    definition: TableDefinition,
    columns: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    returning: bool,
) -> Changed:
    """Append rows; columns that are not named get their default."""
    targets = _targets(definition, columns)
    count, kept = 0, []
    for batch in batches:
        rows = _whole_rows(definition, targets, batch)
        refuse_nulls(rows, definition)
        if rows.num_rows:
            delta = pa.Table.from_batches([rows])
            with translated(definition, delta):
                transaction.append(oid, rows)
        count += rows.num_rows
        if returning:
            kept.append(rows)
    return Changed(count, pa.Table.from_batches(kept, definition.schema) if returning else None)


def _targets(definition: TableDefinition, columns: Sequence[str]) -> list[Column]:
    for name in columns:
        if columns.count(name) > 1:
            raise DuplicateColumn(f'column "{name}" specified more than once')
    return [definition.column(name) for name in columns]


def _assigned(columns: Sequence[Column], values: Sequence[pa.Array]) -> dict[str, pa.Array]:
    if len(values) != len(columns):
        more = "expressions than target columns" if len(values) > len(columns) else None
        raise SyntaxFault(f"INSERT has more {more or 'target columns than expressions'}")
    return {c.name: assign(array, c) for c, array in zip(columns, values, strict=True)}


def _whole_rows(
    definition: TableDefinition, targets: Sequence[Column], batch: pa.RecordBatch
) -> pa.RecordBatch:
    given = _assigned(targets, batch.columns)
    everywhere = pa.array(np.zeros(batch.num_rows, np.int64))
    arrays = [
        given[column.name] if column.name in given else default_value(column).take(everywhere)
        for column in definition.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=definition.schema)


def update(
    transaction: Transaction,
    oid: int,
    definition: TableDefinition,
    columns: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    returning: bool,
) -> Changed:
    """Set `columns` in the rows that the first column of `batches` names; once each.

    A row that comes twice, as UPDATE ... FROM may send it, takes the first values that came, and
    counts once.
    """
    targets = _targets(definition, columns)
    inside = physical_columns(definition)
    parts = []
    for batch in batches:
        values = _assigned(targets, batch.columns[1:])
        new = pa.RecordBatch.from_pydict(values)
        refuse_nulls(new, definition)
        arrays = [batch.column(0).cast(pa.int64()), *new.columns]
        parts.append(pa.RecordBatch.from_arrays(arrays, ["row", *(inside[c] for c in columns)]))
    if not parts:
        return _none(definition, returning)
    delta = _first_of_each_row(pa.Table.from_batches(parts))
    if _moves_rows(definition, columns):
        return _replaced(transaction, oid, definition, columns, delta, returning)
    settings = ", ".join(f"{inside[name]} = delta.{inside[name]}" for name in columns)
    statement = (
        f"UPDATE {physical(oid)} AS old SET {settings} FROM delta WHERE old.rowid = delta.row"
    )
    return _applied(transaction, oid, definition, statement, delta, returning)


def _moves_rows(definition: TableDefinition, columns: Sequence[str]) -> bool:
    """Whether DuckDB updates by deleting and inserting: columns of a key, and lists."""
    keys = {name for key in definition.key_names() for name in key}
    return any(name in keys or definition.column(name).type.element for name in columns)


def _replaced(
    transaction: Transaction,
    oid: int,
    definition: TableDefinition,
    columns: Sequence[str],
    delta: pa.Table,
    returning: bool,
) -> Changed:
    """Delete the old rows and append the new ones, in the order of their identifiers.

    What DuckDB does anyhow, but in no order, and then the rows' new identifiers could not be
    relied on when the write is repeated.
    """
    if not delta.num_rows:
        return _none(definition, returning)
    inside = physical_columns(definition)
    new = [
        f"delta.{place} AS {place}" if name in columns else f"old.{place}"
        for name, place in inside.items()
    ]
    query = (
        f"SELECT {', '.join(new)} FROM {physical(oid)} AS old, delta"
        f" WHERE old.rowid = delta.row ORDER BY delta.row"
    )
    with translated():
        rows = _named(transaction.matching(query, delta), definition)
    _check_count(rows.num_rows, delta)
    statement = f"DELETE FROM {physical(oid)} AS old WHERE old.rowid IN (SELECT row FROM delta)"
    _applied(transaction, oid, definition, statement, delta.select(["row"]), False)
    with translated(definition, rows):
        for batch in rows.combine_chunks().to_batches():
            transaction.append(oid, batch)
    return Changed(rows.num_rows, rows if returning else None)


def _check_count(count: int, delta: pa.Table) -> None:
    """Hold DuckDB to having found every row once.

    Raises:
        InternalError: XX000.
    """
    if count != delta.num_rows:
        raise InternalError(f"{delta.num_rows} rows were to be changed, and {count} were found")


def delete(
    transaction: Transaction,
    oid: int,
    definition: TableDefinition,
    batches: Iterable[pa.RecordBatch],
    returning: bool,
) -> Changed:
    """Delete the rows that the only column of `batches` names; each counts once."""
    parts = [
        pa.RecordBatch.from_arrays([batch.column(0).cast(pa.int64())], ["row"]) for batch in batches
    ]
    if not parts:
        return _none(definition, returning)
    delta = _first_of_each_row(pa.Table.from_batches(parts))
    statement = f"DELETE FROM {physical(oid)} AS old WHERE old.rowid IN (SELECT row FROM delta)"
    return _applied(transaction, oid, definition, statement, delta, returning)


def _none(definition: TableDefinition, returning: bool) -> Changed:
    return Changed(0, definition.schema.empty_table() if returning else None)


def _first_of_each_row(delta: pa.Table) -> pa.Table:
    rows = delta.column("row").to_numpy()
    _, first = np.unique(rows, return_index=True)
    return delta if len(first) == len(rows) else delta.take(pa.array(np.sort(first)))


def _applied(
    transaction: Transaction,
    oid: int,
    definition: TableDefinition,
    statement: str,
    delta: pa.Table,
    returning: bool,
) -> Changed:
    if not delta.num_rows:
        return _none(definition, returning)
    outside = {inside: name for name, inside in physical_columns(definition).items()}
    named = delta.rename_columns([outside.get(name, name) for name in delta.schema.names])
    columns = ", ".join(f"old.{name}" for name in outside) if returning else ""
    with translated(definition, named):
        count, rows = transaction.rewrite(oid, statement, delta, columns)
    _check_count(count, delta)
    return Changed(count, None if rows is None else _named(rows, definition))


def truncate(transaction: Transaction, oid: int) -> None:
    """Delete all rows."""
    with translated():
        transaction.rewrite(oid, f"DELETE FROM {physical(oid)}")
