"""Deltas in: rows appended to, changed in and deleted from one table, inside a transaction.

Values arrive as the engine computed them and are assigned to the table's columns here. Row
identifiers are DuckDB's rowid, which stands for a row only within the transaction that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gateway.errors import DuplicateColumn, InternalError, SyntaxFault
from gateway.sql.writes.targets import no_columns
from gateway.store.definitions.definitions import ROWID, Changed, Column, TableDefinition
from gateway.store.disk.disk import physical, physical_columns
from gateway.store.disk.faults import refuse_nulls, translated
from gateway.store.rows.assignment import assign
from gateway.store.rows.defaults import constant_default
from gateway.store.rows.expressions import Expressions, hold_columns
from gateway.store.rows.row_lookups import named
from gateway.store.transactions.applying import Applied, deleting, making_way, setting
from gateway.store.transactions.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Target:
    """A table that is changed: in which transaction, and who computes what it is declared with."""

    transaction: Transaction
    oid: int
    definition: TableDefinition
    expressions: Expressions

    @property
    def place(self) -> str:
        """DuckDB's table."""
        return physical(self.oid, self.definition)

    @property
    def inside(self) -> dict[str, str]:
        """The user's names of the columns -> DuckDB's."""
        return physical_columns(self.definition)

    def whole(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows as they will be kept: generated columns computed, constraints on rows held.

        Raises:
            NotNullViolation: 23502. CheckViolation: 23514.
        """
        if any(column.generated is not None for column in self.definition.columns):
            rows = self.expressions.generated(self.definition, rows)
        refuse_nulls(rows, self.definition, self.expressions.shown)
        if self.definition.checks and rows.num_rows:
            self.expressions.check(self.definition, rows)
        return rows


def insert(
    target: Target,
    columns: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    returning: bool,
    *,
    waits: bool = False,
    admit: Callable[[Target, pa.RecordBatch], None] | None = None,
) -> Changed:
    """Append rows; columns that are not named get their default.

    With `waits` DuckDB may be given them later, and refuse a key or for want of room then. `admit`
    may refuse whole rows before.
    """
    definition = target.definition
    count, kept = 0, []
    for rows in whole_rows(target, columns, batches):
        if admit is not None:
            admit(target, rows)
        append(target, rows, waits=waits)
        count += rows.num_rows
        if returning:
            kept.append(rows)
    return Changed(count, pa.Table.from_batches(kept, definition.schema) if returning else None)


def whole_rows(
    target: Target, columns: Sequence[str], batches: Iterable[pa.RecordBatch]
) -> Iterable[pa.RecordBatch]:
    """The rows that an INSERT of these values makes, defaults and all."""
    targets = columns_named(target.definition, columns)
    for batch in batches:
        if not target.definition.columns and batch.num_rows:
            raise no_columns()
        given = assigned_values(targets, batch.columns)
        left = [c for c in target.definition.columns if c.name not in given]
        given |= defaults(target, left, batch.num_rows)
        arrays = [given[column.name] for column in target.definition.columns]
        rows = pa.RecordBatch.from_arrays(arrays, schema=target.definition.schema)
        hold_columns(target.definition, rows, target.expressions)
        yield target.whole(rows)


def append(target: Target, rows: pa.RecordBatch, *, waits: bool = False) -> None:
    """Append whole rows."""
    if rows.num_rows:
        table = target.oid, target.place, target.definition
        target.transaction.append(*table, rows, waits=waits)


def defaults(target: Target, columns: Sequence[Column], count: int) -> dict[str, pa.Array]:
    """`count` values of each of these columns; NULL for a generated one."""
    found, computed = {}, []
    everywhere = pa.array(np.zeros(count, np.int64))
    for column in columns:
        value = None if column.identity else constant_default(column)
        if value is None:
            computed.append(column)
        else:
            found[column.name] = value.take(everywhere)
    if computed and count:
        values = target.expressions.defaults(target.definition, computed, count)
        found |= {column.name: array for column, array in zip(computed, values, strict=True)}
    elif computed:
        found |= {column.name: pa.nulls(0, column.arrow) for column in computed}
    return found


def columns_named(definition: TableDefinition, columns: Sequence[str]) -> list[Column]:
    """The columns of these names, each there and once: 42703, 42701."""
    for name in columns:
        if columns.count(name) > 1:
            raise DuplicateColumn(f'column "{name}" specified more than once')
    return [definition.column(name) for name in columns]


def assigned_values(columns: Sequence[Column], values: Sequence[pa.Array]) -> dict[str, pa.Array]:
    """Values in the types of the columns that they are given to; see `assign`."""
    if len(values) != len(columns):
        more = "expressions than target columns" if len(values) > len(columns) else None
        raise SyntaxFault(f"INSERT has more {more or 'target columns than expressions'}")
    return {c.name: assign(array, c) for c, array in zip(columns, values, strict=True)}


def update(
    target: Target,
    columns: Sequence[str],
    batches: Iterable[pa.RecordBatch],
    returning: bool,
) -> Changed:
    """Set `columns` in the rows that the first column of `batches` names; once each.

    The changed rows come back in the order of their identifiers.

    A row that comes twice, as UPDATE ... FROM may send it, takes the first values that came, and
    counts once.
    """
    definition = target.definition
    targets = columns_named(definition, columns)
    parts = []
    for batch in batches:
        values = assigned_values(targets, batch.columns[1:])
        new = pa.RecordBatch.from_pydict(values)
        hold_columns(definition, new, target.expressions)
        if not needs_whole(definition):
            refuse_nulls(new, definition, target.expressions.shown)
        arrays = [batch.column(0).cast(pa.int64()), *new.columns]
        names = ["row", *(target.inside[c] for c in columns)]
        parts.append(pa.RecordBatch.from_arrays(arrays, names))
    if not parts:
        return _none(definition, returning)
    delta = _first_of_each_row(pa.Table.from_batches(parts))
    if not delta.num_rows:
        return _none(definition, returning)
    if returning or needs_whole(definition) or _moves_rows(definition, columns):
        return _updated_whole(target, columns, delta, returning)
    return _set(target, columns, delta, returning)


def _set(target: Target, columns: Sequence[str], delta: pa.Table, returning: bool) -> Changed:
    for name in columns:
        way = making_way(target.place, delta, target.inside[name])
        if way is not None:
            with translated():
                target.transaction.rewrite(target.oid, *way)
    return _applied(target, setting(target.place, delta, told=not returning), delta, returning)


def needs_whole(definition: TableDefinition) -> bool:
    """Whether something about a row can be told from the whole row only."""
    generated = any(column.generated is not None for column in definition.columns)
    return bool(definition.checks) or generated


def _moves_rows(definition: TableDefinition, columns: Sequence[str]) -> bool:
    """Whether DuckDB updates by deleting and inserting: columns of a key, and lists."""
    keys = {name for key in definition.key_names() for name in key}
    return any(name in keys or definition.column(name).type.element for name in columns)


def _updated_whole(
    target: Target, columns: Sequence[str], delta: pa.Table, returning: bool
) -> Changed:
    """Compute the new rows in the order of their identifiers, hold them to the constraints, write.

    Where DuckDB would delete and insert anyhow that is done here, in order: else the rows' new
    identifiers could not be relied on when the write is repeated.
    """
    definition, inside = target.definition, target.inside
    new = [
        f"delta.{place} AS {place}" if name in columns else f"old.{place}"
        for name, place in inside.items()
    ]
    query = (
        f"SELECT delta.row, {', '.join(new)} FROM {target.place} AS old, delta"
        f" WHERE old.rowid = delta.row ORDER BY delta.row"
    )
    with translated():
        rows = named(target.transaction.matching(query, delta), definition, rowid=True)
    _check_count(rows.num_rows, delta)
    identifiers = rows.column(ROWID)
    rows = rows.drop_columns([ROWID]).combine_chunks()
    whole = [target.whole(batch) for batch in rows.to_batches()]
    rows = pa.Table.from_batches(whole, definition.schema)
    generated = [c.name for c in definition.columns if c.generated is not None]
    changed = list(dict.fromkeys([*columns, *generated]))
    if not _moves_rows(definition, changed):
        delta = rows.select(changed).rename_columns([inside[name] for name in changed])
        _set(target, changed, delta.add_column(0, "row", identifiers), False)
        return Changed(rows.num_rows, rows if returning else None)
    delete_rows(target, delta.select(["row"]), False)
    for batch in whole:
        append(target, batch)
    return Changed(rows.num_rows, rows if returning else None)


def _check_count(count: int, delta: pa.Table) -> None:
    """Hold DuckDB to having found every row once.

    Raises:
        InternalError: XX000.
    """
    if count != delta.num_rows:
        raise InternalError(f"{delta.num_rows} rows were to be changed, and {count} were found")


def delete(target: Target, batches: Iterable[pa.RecordBatch], returning: bool) -> Changed:
    """Delete the rows that the only column of `batches` names; each counts once."""
    parts = [
        pa.RecordBatch.from_arrays([batch.column(0).cast(pa.int64())], ["row"]) for batch in batches
    ]
    if not parts:
        return _none(target.definition, returning)
    return delete_rows(target, _first_of_each_row(pa.Table.from_batches(parts)), returning)


def delete_rows(target: Target, delta: pa.Table, returning: bool) -> Changed:
    """Delete the rows that `delta.row` names, each once."""
    return _applied(target, deleting(target.place, delta, told=not returning), delta, returning)


def _none(definition: TableDefinition, returning: bool) -> Changed:
    return Changed(0, definition.schema.empty_table() if returning else None)


def _first_of_each_row(delta: pa.Table) -> pa.Table:
    rows = delta.column("row").to_numpy()
    _, first = np.unique(rows, return_index=True)
    return delta if len(first) == len(rows) else delta.take(pa.array(np.sort(first)))


def _applied(target: Target, applied: Applied, delta: pa.Table, returning: bool) -> Changed:
    definition = target.definition
    if not delta.num_rows:
        return _none(definition, returning)
    outside = {inside: name for name, inside in target.inside.items()}
    shown = delta.rename_columns([outside.get(name, name) for name in delta.schema.names])
    columns = ", ".join(f"old.{name}" for name in outside) if returning else ""
    with translated(definition, shown):
        rewrite = target.transaction.rewrite
        count, rows = rewrite(
            target.oid, applied.statement, delta, columns, applied.values, applied.together
        )
    _check_count(count, delta)
    return Changed(count, None if rows is None else named(rows, definition))


def truncate(target: Target) -> None:
    """Delete all rows."""
    with translated():
        target.transaction.rewrite(target.oid, f"DELETE FROM {target.place}")
