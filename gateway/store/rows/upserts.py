"""INSERT ... ON CONFLICT: rows that are proposed, and the rows that stand in their way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pyarrow as pa

from gateway.errors import (
    CardinalityViolation,
    ObjectNotInPrerequisiteState,
    UndefinedObject,
    WrongObjectType,
)
from gateway.sql.writes.conflicts import Arbiter, conjuncts, no_such_key, spelt
from gateway.store.definitions.definitions import Key, TableDefinition
from gateway.store.disk.faults import translated
from gateway.store.rows import keys
from gateway.store.rows.changes import Target, append, whole_rows
from gateway.store.rows.keys import Values
from gateway.store.transactions.appending import plain_values


def arbiters(definition: TableDefinition, wanted: Arbiter) -> list[Key]:
    """The keys that ON CONFLICT means; of no columns and no constraint every one.

    Raises:
        InvalidColumnReference: 42P10, no key over these columns.
        UndefinedObject: 42704, no such constraint. WrongObjectType: 42809, it is no key.
    """
    if wanted.constraint:
        return [_of_name(definition, wanted.constraint)]
    if not wanted.columns and not wanted.expressions:
        return sorted(definition.keys, key=lambda key: not key.primary)  # as they are asked
    for name in wanted.columns:
        definition.column(name)
    found = [key for key in definition.keys if _is_meant(key, wanted)]
    if not found:
        raise no_such_key()
    return found[:1]


def _of_name(definition: TableDefinition, name: str) -> Key:
    for key in definition.keys:
        if key.name == name and key.constraint:
            return key
    if any(each.name == name for each in definition.constraints):
        raise WrongObjectType("constraint in ON CONFLICT clause has no associated index")
    raise UndefinedObject(f'constraint "{name}" for table "{definition.name.name}" does not exist')


def _is_meant(key: Key, wanted: Arbiter) -> bool:
    """Whether it is over just these; what its WHERE says must be said, too."""
    if not (key.values or key.predicate or wanted.expressions):
        return set(key.columns) == set(wanted.columns)
    mine = {spelt(text) for text in key.values} or {spelt(f'"{name}"') for name in key.columns}
    theirs = {*wanted.expressions, *(spelt(f'"{name}"') for name in wanted.columns)}
    said = {each for text in wanted.predicate for each in conjuncts(text)}
    return mine == theirs and (not key.predicate or conjuncts(key.predicate) <= said)


def refuse_deferrable(key: Key) -> None:
    """Refuse a key that may be broken for a while: nothing tells whether a row is in the way.

    Raises:
        ObjectNotInPrerequisiteState: 55000.
    """
    if key.deferrable:
        raise ObjectNotInPrerequisiteState(
            "ON CONFLICT does not support deferrable unique constraints/exclusion constraints"
            " as arbiters"
        )


def propose(target: Target, columns: Sequence[str], batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """The rows that an INSERT would append, whole and checked; none is appended."""
    rows = list(whole_rows(target, columns, batches))
    return pa.Table.from_batches(rows, target.definition.schema).combine_chunks()


def in_the_way(target: Target, rows: pa.Table, key: Key) -> pa.Array:
    """For each row the identifier of the row with the same key; NULL where there is none."""
    if rows.num_rows == 1 and not key.is_held:
        values = plain_values(rows.select(list(key.columns)))
        if values is not None:
            same = " AND ".join(f"{target.inside[name]} = ?" for name in key.columns)
            query = f"SELECT rowid FROM {target.place} WHERE {same}"
            with translated():
                held = target.transaction.cursor.execute(query, values).fetchall()
            return pa.array([held[0][0] if held else None], pa.int64())
    return keys.in_the_way(target, rows, key)


def first_of_each(count: int, values: Collection[Sequence[Values]]) -> list[int]:
    """Positions of the rows that come first with their keys.

    Args:
        count: How many rows there are.
        values: For each key what each of them is under it.
    """
    seen: list[set[Values]] = [set() for _ in values]
    kept = []
    for number in range(count):
        mine = [each[number] for each in values]
        if any(value in known for value, known in zip(mine, seen, strict=True)):
            continue
        for value, known in zip(mine, seen, strict=True):
            if value is not None:
                known.add(value)
        kept.append(number)
    return kept


def affected_twice() -> CardinalityViolation:
    """What ON CONFLICT DO UPDATE is told whose second row would change what the first one did."""
    return CardinalityViolation(
        "ON CONFLICT DO UPDATE command cannot affect row a second time",
        hint="Ensure that no rows proposed for insertion within the same command have"
        " duplicate constrained values.",
    )


def append_whole(target: Target, rows: pa.Table) -> None:
    """Append rows that were proposed."""
    for batch in rows.combine_chunks().to_batches():
        append(target, batch)
