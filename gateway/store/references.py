"""Foreign keys: no row refers to one that is not there, at the end of every statement.

They are held here and not by DuckDB, whose own stop most changes of a table that has one
(measured with DuckDB 2.0). MATCH SIMPLE: a reference with a NULL in it refers to nothing. The
locks of all tables that a check looks at are held (`Scope._lock_tables`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from gateway.errors import ForeignKeyViolation
from gateway.sources.table import TableName
from gateway.store import changes
from gateway.store.changes import Target
from gateway.store.definitions import ForeignKey
from gateway.store.faults import shown_value, translated


def target_of(of: Target, name: TableName) -> Target:
    """Another table of the same transaction."""
    oid, definition = of.transaction.catalogue.table(name)
    return Target(of.transaction, oid, definition, of.expressions)


def hold_references(
    child: Target, rows: pa.Table | None = None, columns: Sequence[str] | None = None
) -> None:
    """Check what a table refers to, after rows of it were written.

    Args:
        child: The table.
        rows: The rows that came; None: any may have changed.
        columns: Those that were set; None: all.

    Raises:
        ForeignKeyViolation: 23503.
    """
    for key in child.definition.foreign_keys:
        if columns is not None and not set(columns) & set(key.columns):
            continue
        lost = _orphan(child, key, rows)
        if lost is not None:
            raise ForeignKeyViolation(
                f'insert or update on table "{child.definition.name.name}" violates foreign key'
                f' constraint "{key.name}"',
                detail=f"Key ({', '.join(key.columns)})=({lost}) is not present in table"
                f' "{key.table.name}".',
                table=(child.definition.name.schema, child.definition.name.name),
                constraint=key.name,
            )


def follow_references(parent: Target, columns: Sequence[str] | None = None) -> None:
    """Do what is declared ON DELETE to rows whose parents are gone; then check.

    Args:
        parent: The table whose rows were deleted or changed.
        columns: Those that were set; None: rows were deleted.

    Raises:
        ForeignKeyViolation: 23503.
    """
    for relation in parent.transaction.catalogue.referring(parent.definition.name):
        child = target_of(parent, relation.definition.name)
        for key in child.definition.foreign_keys:
            touched = columns is None or set(columns) & set(key.referenced)
            if key.table == parent.definition.name and touched:
                _follow(parent, child, key, "" if columns is not None else key.on_delete)


def _follow(parent: Target, child: Target, key: ForeignKey, action: str) -> None:
    if action == "cascade":
        lost = _orphans(child, key)
        if lost.num_rows:
            changes.delete_rows(child, lost, False)
            follow_references(child)
    elif action == "set null":
        lost = _orphans(child, key)
        if lost.num_rows:
            nulls = [pa.nulls(lost.num_rows) for _ in key.columns]
            table = pa.table([lost.column("row"), *nulls], ["row", *key.columns])
            changes.update(child, key.columns, table.to_batches(), False)
            follow_references(child, key.columns)
    value = _orphan(child, key)
    if value is not None:
        raise ForeignKeyViolation(
            f'update or delete on table "{parent.definition.name.name}" violates foreign key'
            f' constraint "{key.name}" on table "{child.definition.name.name}"',
            detail=f"Key ({', '.join(key.referenced)})=({value}) is still referenced from table"
            f' "{child.definition.name.name}".',
            table=(child.definition.name.schema, child.definition.name.name),
            constraint=key.name,
        )


def _without_parent(child: Target, key: ForeignKey, what: str, place: str) -> str:
    parent = target_of(child, key.table)
    mine = [f"c.{child.inside[name]}" for name in key.columns]
    theirs = [f"p.{parent.inside[name]}" for name in key.referenced]
    there = " AND ".join(f"{column} IS NOT NULL" for column in mine)
    same = " AND ".join(f"{a} = {b}" for a, b in zip(theirs, mine, strict=True))
    return (
        f"SELECT {what or ', '.join(mine)} FROM {place} AS c WHERE {there}"
        f" AND NOT EXISTS (SELECT 1 FROM {parent.place} AS p WHERE {same})"
    )


def _orphan(child: Target, key: ForeignKey, rows: pa.Table | None = None) -> str | None:
    """The values of a reference to nothing, as messages show them; None when there is none."""
    delta = None
    if rows is not None:
        places = [child.inside[name] for name in key.columns]
        delta = rows.select(list(key.columns)).rename_columns(places)
    place = child.place if delta is None else "delta"
    query = _without_parent(child, key, "", place) + " LIMIT 1"
    with translated():
        found = child.transaction.matching(query, delta)
    if not found.num_rows:
        return None
    types = [child.definition.column(name).arrow for name in key.columns]
    values = [
        column.cast(kind)[0].as_py() for column, kind in zip(found.columns, types, strict=True)
    ]
    return ", ".join(map(shown_value, values))


def _orphans(child: Target, key: ForeignKey) -> pa.Table:
    query = _without_parent(child, key, 'c.rowid AS "row"', child.place)
    with translated():
        return child.transaction.matching(query)
