"""Keys that DuckDB does not hold: DEFERRABLE, NULLS NOT DISTINCT, over expressions, with WHERE.

They are held here as foreign keys are: by a query over the table after rows of it were written,
when the statement ends or at COMMIT. The table's lock is held, so nobody else adds a row meanwhile.
A query over columns looks for the values that were written; one over expressions computes them for
all rows.

Checks of them and of foreign keys that were put off are done at COMMIT, or when SET CONSTRAINTS
says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from gateway.store.definitions.definitions import ForeignKey, Key, TableDefinition
from gateway.store.disk.faults import duplicate, translated
from gateway.store.rows import references, row_lookups
from gateway.store.rows.changes import Target
from gateway.store.rows.expressions import Expressions
from gateway.store.transactions.transactions import Transaction


def hold_keys(
    target: Target,
    rows: pa.Table | None = None,
    columns: Sequence[str] | None = None,
    *,
    now: bool = False,
) -> None:
    """Check the keys of a table after rows of it were written; or put that off.

    Args:
        target: The table.
        rows: The rows that came; None: any may have changed.
        columns: Those that were set; None: all.
        now: Put nothing off: the keys are new.

    Raises:
        UniqueViolation: 23505.
    """
    for key in touched(target.definition, columns):
        if now or not target.transaction.deferral.put_off(target.oid, key):
            refuse_duplicates(target, key, rows)


def touched(definition: TableDefinition, columns: Sequence[str] | None) -> list[Key]:
    """The keys among them that rows may break when these columns are set; None: all."""
    if columns is None:
        return list(definition.held_keys)
    generated = {c.name for c in definition.columns if c.generated is not None}
    changed = {*columns, *generated}
    return [key for key in definition.held_keys if changed & {*key.columns, *key.reads}]


def refuse_duplicates(target: Target, key: Key, rows: pa.Table | None = None) -> None:
    """Refuse two rows of one key.

    Args:
        target: The table.
        key: One of its keys.
        rows: Those among which one of the two is; None: all.

    Raises:
        UniqueViolation: 23505, of the first row by its place that comes a second time.
    """
    found = _among_columns(target, key, rows) if key.is_plain else _among_values(target, key)
    if found.num_rows:
        shown = key.columns or key.values
        row = pa.RecordBatch.from_arrays(
            [column.combine_chunks() for column in found.columns[: len(shown)]], [*shown]
        )
        values = target.expressions.shown(target.definition, row)
        raise duplicate(target.definition, key.name, dict(zip(shown, values, strict=True)))


def _among_columns(target: Target, key: Key, rows: pa.Table | None) -> pa.Table:
    """The values of the key that come twice, the first of them."""
    mine = [f"t.{target.inside[name]}" for name in key.columns]
    given = ", ".join(mine)
    there = _there(key, mine)
    if rows is None:
        query = (
            f"SELECT {given} FROM {target.place} AS t WHERE {there} GROUP BY {given}"
            " HAVING count(*) > 1 ORDER BY list_sort(list(t.rowid))[2] LIMIT 1"
        )
        delta = None
    else:
        places, delta = _numbered(target, rows, key)
        same = _same(key, mine, [f"delta.{place}" for place in places])
        query = (
            f"SELECT {given} FROM {target.place} AS t JOIN delta ON {same} WHERE {there}"
            f" GROUP BY {given} HAVING count(*) > 1 ORDER BY min(delta.n) LIMIT 1"
        )
    with translated():
        found = target.transaction.matching(query, delta)
    kinds = [target.definition.column(name).arrow for name in key.columns]
    return pa.table([c.cast(kind) for c, kind in zip(found.columns, kinds, strict=True)], mine)


def _there(key: Key, columns: Sequence[str]) -> str:
    """The rows that a key is about: NULLs are equal to nothing, unless it says otherwise."""
    if not key.nulls_distinct:
        return "true"
    return " AND ".join(f"{column} IS NOT NULL" for column in columns)


def _same(key: Key, mine: Sequence[str], theirs: Sequence[str]) -> str:
    sign = "=" if key.nulls_distinct else "IS NOT DISTINCT FROM"
    return " AND ".join(f"{a} {sign} {b}" for a, b in zip(mine, theirs, strict=True))


def _among_values(target: Target, key: Key) -> pa.Table:
    """The same for a key whose values are computed."""
    rows = row_lookups.read(target.transaction, target.oid, target.definition)
    delta = computed(target.definition, target.expressions, key, rows)
    given = ", ".join(delta.schema.names[:-1])
    query = (
        f"SELECT {given} FROM delta GROUP BY {given} HAVING count(*) > 1"
        " ORDER BY list_sort(list(n))[2] LIMIT 1"
    )
    with translated():
        return target.transaction.matching(query, delta)


def computed(
    definition: TableDefinition, expressions: Expressions, key: Key, rows: pa.Table
) -> pa.Table:
    """What a key says of rows, as columns k0, k1, ... and n, the row's position among them.

    Of the rows that it is about: for which its WHERE is true, and none of its values NULL, unless
    NULLs are equal to each other.
    """
    numbers = pa.array(np.arange(rows.num_rows))
    if key.predicate:
        true = expressions.compute(definition, key.predicate, _batch(rows))
        rows, numbers = rows.filter(true), numbers.filter(true)
    if key.values:
        batch = _batch(rows)
        values = [expressions.compute(definition, text, batch) for text in key.values]
    else:
        values = [rows.column(name) for name in key.columns]
    names = [f"k{n}" for n in range(len(values))]
    found = pa.table([*values, numbers], [*names, "n"])
    return found.drop_null() if key.nulls_distinct else found


def _batch(rows: pa.Table) -> pa.RecordBatch:
    batches = rows.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], rows.schema)


def in_the_way(target: Target, rows: pa.Table, key: Key) -> pa.Array:
    """For each row the identifier of the row with the same key; NULL where there is none."""
    if key.is_plain:
        found = _holders(target, rows, key)
    else:
        held = row_lookups.read(target.transaction, target.oid, target.definition, rowid=True)
        old = computed(target.definition, target.expressions, key, held.drop_columns(["ctid"]))
        new = computed(target.definition, target.expressions, key, rows)
        identifiers = held.column("ctid").take(old.column("n"))
        old = old.set_column(old.num_columns - 1, "n", identifiers)
        sides = [side.append_column("old", pa.array([is_old] * side.num_rows, pa.bool_()))
                 for side, is_old in ((old, True), (new, False))]  # fmt: skip
        names = new.schema.names[:-1]
        same = _same(key, [f"o.{name}" for name in names], [f"p.{name}" for name in names])
        query = f'SELECT p.n, o.n AS "row" FROM delta AS p JOIN delta AS o ON {same}'
        with translated():
            found = target.transaction.matching(
                f"{query} WHERE o.old AND NOT p.old", pa.concat_tables(sides)
            )
    identifiers = np.full(rows.num_rows, -1, np.int64)
    identifiers[found.column("n").to_numpy()] = found.column("row").to_numpy()
    return pa.array(identifiers, mask=identifiers < 0)


def _numbered(target: Target, rows: pa.Table, key: Key) -> tuple[list[str], pa.Table]:
    """The columns of a key inside the database, and the rows in them, with their number in `n`."""
    places = [target.inside[name] for name in key.columns]
    delta = rows.select(list(key.columns)).rename_columns(places)
    return places, delta.append_column("n", pa.array(np.arange(rows.num_rows)))


def _holders(target: Target, rows: pa.Table, key: Key) -> pa.Table:
    """Positions of rows in `n`, identifiers of the rows with the same columns in `row`."""
    places, delta = _numbered(target, rows, key)
    same = _same(key, [f"old.{place}" for place in places], [f"delta.{place}" for place in places])
    query = f'SELECT delta.n, old.rowid AS "row" FROM delta JOIN {target.place} AS old ON {same}'
    with translated():
        return target.transaction.matching(query, delta)


# The values of a row under a key; None: the key is not about the row.
Values = tuple[object, ...] | None


def key_values(target: Target, rows: pa.Table, key: Key) -> list[Values]:
    """What each row is under a key."""
    if key.is_plain:
        columns = [rows.column(name).to_pylist() for name in key.columns]
        found = list(zip(*columns, strict=True))
        return [None if key.nulls_distinct and None in values else values for values in found]
    made = computed(target.definition, target.expressions, key, rows)
    each: list[Values] = [None] * rows.num_rows
    *columns, numbers = (column.to_pylist() for column in made.columns)
    for number, *values in zip(numbers, *columns, strict=True):
        each[number] = tuple(values)
    return each


def check_put_off(
    transaction: Transaction, expressions: Expressions, *, only_due: bool = False
) -> None:
    """Check what was put off; with `only_due` what SET CONSTRAINTS made immediate.

    Raises:
        ForeignKeyViolation: 23503. UniqueViolation: 23505.
    """
    deferral = transaction.deferral
    for (oid, name), is_parents in list(deferral.pending.items()):
        relation = transaction.catalogue.by_oid(oid)
        if relation is None or not isinstance(relation.definition, TableDefinition):
            continue  # it was dropped
        table = Target(transaction, oid, relation.definition, expressions)
        for key in _keys(relation.definition):
            if key.name != name or (only_due and not deferral.due(oid, key)):
                continue
            if isinstance(key, Key):
                refuse_duplicates(table, key)
            else:
                references.check(table, key, parents=is_parents)
            del deferral.pending[oid, name]


def _keys(table: TableDefinition) -> tuple[Key | ForeignKey, ...]:
    return (*table.held_keys, *table.foreign_keys)
