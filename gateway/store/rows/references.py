"""Foreign keys: no row refers to one that is not there, at the end of a statement or at COMMIT.

They are held here and not by DuckDB, whose own stop most changes of a table that has one
(measured with DuckDB 2.0). A reference with a NULL in it refers to nothing; MATCH FULL refuses it
beside other values. The locks of all tables that a check looks at are held
(`Locking._lock_tables`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported, ForeignKeyViolation
from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import Changed, ForeignKey
from gateway.store.disk.faults import translated
from gateway.store.rows import changes, keys, row_lookups
from gateway.store.rows.changes import Target


def target_of(of: Target, name: TableName) -> Target:
    """Another table of the same transaction."""
    oid, definition = of.transaction.catalogue.table(name)
    return Target(of.transaction, oid, definition, of.expressions)


def hold_references(
    child: Target, rows: pa.Table | None = None, columns: Sequence[str] | None = None
) -> None:
    """Check what a table refers to, after rows of it were written; or put that off.

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
        if not child.transaction.deferral.put_off(child.oid, key):
            _refuse_orphan(child, key, rows)


def update(
    parent: Target, columns: Sequence[str], batches: Iterable[pa.RecordBatch], returning: bool
) -> Changed:
    """`changes.update`, and what is declared ON UPDATE; then both sides are checked.

    Raises:
        ForeignKeyViolation: 23503.
    """
    followers = [f for f in referring_keys(parent) if set(columns) & set(f[1].referenced)]
    unsound = any(not key.valid for key in parent.definition.foreign_keys)
    whole = returning or unsound or bool(keys.touched(parent.definition, columns))
    if not any(key.on_update != "no action" or not key.valid for _, key in followers):
        changed = changes.update(parent, columns, batches, whole)
        _hold(parent, changed, columns, unsound)
        for child, key in followers:
            _refuse_lost(parent, child, key, None)
        return changed if returning else Changed(changed.count)
    kept = list(batches)
    before = _rows_named(parent, kept)
    changed = changes.update(parent, columns, kept, True)
    _hold(parent, changed, columns, unsound)
    if changed.rows is not None and changed.rows.num_rows:
        for child, key in followers:
            moved = _keys(key, before, changed.rows)
            parent.transaction.deferral.follow(
                partial(_follow, parent, child, key, key.on_update, moved)
            )
    return changed if returning else Changed(changed.count)


def _hold(target: Target, changed: Changed, columns: Sequence[str], unsound: bool) -> None:
    """Check what an UPDATE may have broken; `unsound`: old rows may refer to nothing."""
    keys.hold_keys(target, changed.rows, columns)
    hold_references(target, changed.rows if unsound else None, columns)


def delete(parent: Target, batches: Iterable[pa.RecordBatch], returning: bool) -> Changed:
    """`changes.delete`, and what is declared ON DELETE.

    Raises:
        ForeignKeyViolation: 23503.
    """
    followers = referring_keys(parent)
    changed = changes.delete(parent, batches, returning or bool(followers))
    if changed.rows is not None and changed.rows.num_rows:
        for child, key in followers:
            gone = _keys(key, changed.rows)
            parent.transaction.deferral.follow(
                partial(_follow, parent, child, key, key.on_delete, gone)
            )
    return changed if returning else Changed(changed.count)


def check(child: Target, key: ForeignKey, *, parents: bool) -> None:
    """Check one key over all rows; `parents`: because rows that it refers to went, or changed.

    Raises:
        ForeignKeyViolation: 23503.
    """
    if parents:
        _refuse_lost(target_of(child, key.table), child, key, None, waits=False)
    else:
        _refuse_orphan(child, key, None)


def refuse_truncated(catalogue: Catalogue, names: Collection[TableName]) -> None:
    """Refuse to empty tables that others refer to.

    Raises:
        FeatureNotSupported: 0A000.
    """
    for name, other in _referred_from_outside(catalogue, names):
        raise FeatureNotSupported(
            "cannot truncate a table referenced in a foreign key constraint",
            detail=f'Table "{other.name}" references "{name.name}".',
            hint=f'Truncate table "{other.name}" at the same time, or use TRUNCATE ... CASCADE.',
        )


def refuse_emptied(catalogue: Catalogue, names: Collection[TableName]) -> None:
    """Refuse ON COMMIT DELETE ROWS of tables to which others refer that keep their rows.

    Raises:
        FeatureNotSupported: 0A000.
    """
    for name, other in _referred_from_outside(catalogue, names):
        raise FeatureNotSupported(
            "unsupported ON COMMIT and foreign key combination",
            detail=f'Table "{other.name}" references "{name.name}", but they do not have'
            " the same ON COMMIT setting.",
        )


def _referred_from_outside(
    catalogue: Catalogue, names: Collection[TableName]
) -> Iterator[tuple[TableName, TableName]]:
    """Each of the tables to which another one refers, and that one."""
    for name in names:
        for child in catalogue.referring(name):
            if child.definition.name not in names:
                yield name, child.definition.name


def referring_keys(parent: Target) -> list[tuple[Target, ForeignKey]]:
    """The tables that refer to one, each with the key by which it does."""
    children = parent.transaction.catalogue.referring(parent.definition.name)
    return [
        (child, key)
        for child in (target_of(parent, each.definition.name) for each in children)
        for key in child.definition.foreign_keys
        if key.table == parent.definition.name
    ]


def _rows_named(target: Target, batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """The rows that a delta names, in the order of their identifiers."""
    numbers = [batch.column(0).cast(pa.int64()) for batch in batches]
    delta = pa.table({"row": pa.chunked_array(numbers, pa.int64())})
    columns = ", ".join(f"old.{place}" for place in target.inside.values())
    query = (
        f"SELECT {columns} FROM {target.place} AS old"
        " WHERE old.rowid IN (SELECT row FROM delta) ORDER BY old.rowid"
    )
    with translated():
        return row_lookups.named(target.transaction.matching(query, delta), target.definition)


def _keys(key: ForeignKey, old: pa.Table, new: pa.Table | None = None) -> pa.Table:
    """What `key` referred to, as columns o0, o1, ..., and what stands there now, as n0, ..."""
    found = {f"o{n}": old.column(name) for n, name in enumerate(key.referenced)}
    if new is not None:
        found |= {f"n{n}": new.column(name) for n, name in enumerate(key.referenced)}
    return pa.table(found)


def _follow(parent: Target, child: Target, key: ForeignKey, action: str, moved: pa.Table) -> None:
    """Do to the rows that referred to `moved` what is declared."""
    if action == "no action" and key.valid:
        _refuse_lost(parent, child, key, moved)
        return
    new = [name for name in moved.schema.names if name.startswith("n")]
    mine = [f"c.{child.inside[name]}" for name in key.columns]
    same = " AND ".join(f"{column} = m.o{n}" for n, column in enumerate(mine))
    if new:
        same += f" AND ({' OR '.join(f'm.o{n} IS DISTINCT FROM m.n{n}' for n in range(len(new)))})"
    given = "".join(f", m.{name}" for name in new)
    query = f'SELECT c.rowid AS "row"{given} FROM {child.place} AS c, delta AS m WHERE {same}'
    with translated():
        found = child.transaction.matching(query, moved)
    if not found.num_rows:
        return
    if action == "no action":
        _refuse_lost(parent, child, key, moved, restrict=f"{same} AND {_is_gone(child, key, mine)}")
    elif action == "restrict":
        _refuse_lost(parent, child, key, moved, waits=False, restrict=same)
    elif action == "cascade" and not new:
        delete(child, found.select(["row"]).to_batches(), False)
    elif action == "cascade":
        update(child, key.columns, found.to_batches(), False)
    else:
        columns = key.columns if new else key.emptied or key.columns
        values = _emptied(child, columns, action, found.num_rows)
        places = [key.columns.index(name) for name in columns]
        if action == "set default" and (left := _equal(moved, places, values)).num_rows:
            # They would be left as they are; PostgreSQL says so of the row that is gone.
            _refuse_lost(parent, child, key, left, waits=False, restrict=same)
        table = pa.table([found.column("row"), *values], ["row", *columns])
        update(child, columns, table.to_batches(), False)


def _emptied(child: Target, names: Sequence[str], action: str, count: int) -> list[pa.Array]:
    """The values of SET NULL or SET DEFAULT for these columns."""
    if action == "set null":
        return [pa.nulls(count) for _ in names]
    columns = [child.definition.column(name) for name in names]
    values = changes.defaults(child, columns, count)
    return [values[name] for name in names]


def _equal(moved: pa.Table, places: Sequence[int], values: Sequence[pa.Array]) -> pa.Table:
    """What of `moved` has the first of these values there; NULL is the same as nothing."""
    for n, column in zip(places, values, strict=True):
        moved = moved.filter(pc.equal(moved.column(f"o{n}"), column[0]))
    return moved


def _refuse_orphan(child: Target, key: ForeignKey, rows: pa.Table | None) -> None:
    detail = ""
    if key.match == "full" and _is_mixed(child, key, rows):
        detail = "MATCH FULL does not allow mixing of null and nonnull key values."
    elif (lost := _orphan(child, key, rows)) is not None:
        columns, parent = ", ".join(key.columns), key.table.name
        detail = f'Key ({columns})=({lost}) is not present in table "{parent}".'
    if detail:
        name = child.definition.name.name
        raise _violation(
            child,
            key,
            f'insert or update on table "{name}" violates foreign key constraint "{key.name}"',
            detail,
        )


def _is_mixed(child: Target, key: ForeignKey, rows: pa.Table | None) -> bool:
    """Whether a reference has a NULL beside another value."""
    place, delta = _among(child, key, rows)
    mine = [f"c.{child.inside[name]}" for name in key.columns]
    some = " OR ".join(f"{column} IS NULL" for column in mine)
    others = " OR ".join(f"{column} IS NOT NULL" for column in mine)
    query = f"SELECT 1 FROM {place} AS c WHERE ({some}) AND ({others}) LIMIT 1"
    with translated():
        return bool(child.transaction.matching(query, delta).num_rows)


def _among(child: Target, key: ForeignKey, rows: pa.Table | None) -> tuple[str, pa.Table | None]:
    """Where to look for references: among `rows`, as `delta`, or in all of the table."""
    if rows is None:
        return child.place, None
    places = [child.inside[name] for name in key.columns]
    return "delta", rows.select(list(key.columns)).rename_columns(places)


def _violation(child: Target, key: ForeignKey, message: str, detail: str) -> ForeignKeyViolation:
    """The error of a row of `child`, with what PostgreSQL tells of it besides."""
    table = child.definition.name
    return ForeignKeyViolation(
        message, detail=detail, table=(table.schema, table.name), constraint=key.name
    )


def _refuse_lost(
    parent: Target,
    child: Target,
    key: ForeignKey,
    moved: pa.Table | None,
    *,
    waits: bool = True,
    restrict: str = "",
) -> None:
    """Refuse rows that refer to what is gone, after rows of `parent` went or changed.

    Args:
        parent: What they refer to.
        child: What they are of.
        key: By which key.
        moved: What is gone; None: anything may be.
        waits: Whether that may be put off.
        restrict: Which rows refer to `moved`, even if the same key has come again.
    """
    if waits and child.transaction.deferral.put_off(child.oid, key, parent=True):
        return
    value = _orphan(child, key, None) if not restrict else _referring(child, key, moved, restrict)
    if value is not None:
        name = child.definition.name.name
        raise _violation(
            child,
            key,
            f'update or delete on table "{parent.definition.name.name}" violates foreign key'
            f' constraint "{key.name}" on table "{name}"',
            f'Key ({", ".join(key.referenced)})=({value}) is still referenced from table "{name}".',
        )


def _referring(
    child: Target, key: ForeignKey, moved: pa.Table | None, condition: str
) -> str | None:
    mine = ", ".join(f"c.{child.inside[name]}" for name in key.columns)
    query = f"SELECT {mine} FROM {child.place} AS c, delta AS m WHERE {condition} LIMIT 1"
    with translated():
        return _first(child, key, child.transaction.matching(query, moved))


def _without_parent(child: Target, key: ForeignKey, place: str) -> str:
    mine = [f"c.{child.inside[name]}" for name in key.columns]
    there = " AND ".join(f"{column} IS NOT NULL" for column in mine)
    gone = _is_gone(child, key, mine)
    return f"SELECT {', '.join(mine)} FROM {place} AS c WHERE {there} AND {gone}"


def _is_gone(child: Target, key: ForeignKey, mine: Sequence[str]) -> str:
    """Whether what columns refer to is not there."""
    parent = target_of(child, key.table)
    theirs = [f"p.{parent.inside[name]}" for name in key.referenced]
    same = " AND ".join(f"{a} = {b}" for a, b in zip(theirs, mine, strict=True))
    return f"NOT EXISTS (SELECT 1 FROM {parent.place} AS p WHERE {same})"


def _orphan(child: Target, key: ForeignKey, rows: pa.Table | None = None) -> str | None:
    """The values of a reference to nothing, as messages show them; None when there is none."""
    place, delta = _among(child, key, rows)
    query = _without_parent(child, key, place) + " LIMIT 1"
    with translated():
        found = child.transaction.matching(query, delta)
    return _first(child, key, found)


def _first(child: Target, key: ForeignKey, found: pa.Table) -> str | None:
    """The first row's values, as messages show them; None when there is none."""
    if not found.num_rows:
        return None
    types = [child.definition.column(name).arrow for name in key.columns]
    pairs = zip(found.combine_chunks().columns, types, strict=True)
    values = [column.cast(kind).combine_chunks() for column, kind in pairs]
    row = pa.RecordBatch.from_arrays(values, [*key.columns])
    return ", ".join(child.expressions.shown(child.definition, row))
