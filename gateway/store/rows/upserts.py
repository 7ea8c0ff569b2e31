"""INSERT ... ON CONFLICT: rows that are proposed, and the rows that stand in their way."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pyarrow as pa

from gateway.errors import CardinalityViolation, InvalidColumnReference, UndefinedObject
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.disk.faults import translated
from gateway.store.rows.changes import Target, append, whole_rows
from gateway.store.transactions.appending import plain_values


def arbiters(
    definition: TableDefinition, columns: tuple[str, ...], constraint: str
) -> list[tuple[str, ...]]:
    """The keys that ON CONFLICT means; of no columns and no constraint every one.

    Raises:
        InvalidColumnReference: 42P10, no key over these columns.
        UndefinedObject: 42704, no such constraint.
    """
    keys = definition.keys
    if constraint:
        found = [key.columns for key in keys if key.name == constraint]
        if not found:
            raise UndefinedObject(
                f'constraint "{constraint}" for table "{definition.name.name}" does not exist'
            )
        return found
    if columns:
        for name in columns:
            definition.column(name)
        found = [key.columns for key in keys if set(key.columns) == set(columns)]
        if not found:
            raise InvalidColumnReference(
                "there is no unique or exclusion constraint matching the ON CONFLICT specification"
            )
        return found[:1]
    return [key.columns for key in keys]


def propose(target: Target, columns: Sequence[str], batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """The rows that an INSERT would append, whole and checked; none is appended."""
    rows = list(whole_rows(target, columns, batches))
    return pa.Table.from_batches(rows, target.definition.schema).combine_chunks()


def in_the_way(target: Target, rows: pa.Table, key: tuple[str, ...]) -> pa.Array:
    """For each row the identifier of the row with the same key; NULL where there is none."""
    places = [target.inside[name] for name in key]
    if rows.num_rows == 1 and (values := plain_values(rows.select(list(key)))) is not None:
        same = " AND ".join(f"{place} = ?" for place in places)
        query = f"SELECT rowid FROM {target.place} WHERE {same}"
        with translated():
            held = target.transaction.cursor.execute(query, values).fetchall()
        return pa.array([held[0][0] if held else None], pa.int64())
    delta = rows.select(list(key)).rename_columns(places)
    delta = delta.append_column("n", pa.array(np.arange(rows.num_rows)))
    same = " AND ".join(f"old.{place} = delta.{place}" for place in places)
    query = f'SELECT delta.n, old.rowid AS "row" FROM delta JOIN {target.place} AS old ON {same}'
    with translated():
        found = target.transaction.matching(query, delta)
    identifiers = np.full(rows.num_rows, -1, np.int64)
    identifiers[found.column("n").to_numpy()] = found.column("row").to_numpy()
    return pa.array(identifiers, mask=identifiers < 0)


def first_of_each(rows: pa.Table, keys: Collection[tuple[str, ...]]) -> list[int]:
    """Positions of the rows that come first with their keys; NULL equals nothing."""
    columns = [
        list(zip(*(rows.column(name).to_pylist() for name in key), strict=True)) for key in keys
    ]
    seen: list[set[tuple[object, ...]]] = [set() for _ in keys]
    kept = []
    for number in range(rows.num_rows):
        values = [column[number] for column in columns]
        whole = [None not in value for value in values]
        if any(w and v in s for w, v, s in zip(whole, values, seen, strict=True)):
            continue
        for is_whole, value, known in zip(whole, values, seen, strict=True):
            if is_whole:
                known.add(value)
        kept.append(number)
    return kept


def refuse_twice(rows: pa.Table, key: tuple[str, ...]) -> None:
    """Refuse rows of one key twice: the second would change the row that the first one made.

    Raises:
        CardinalityViolation: 21000.
    """
    if len(first_of_each(rows, [key])) < rows.num_rows:
        raise CardinalityViolation(
            "ON CONFLICT DO UPDATE command cannot affect row a second time",
            hint="Ensure that no rows proposed for insertion within the same command have"
            " duplicate constrained values.",
        )


def append_whole(target: Target, rows: pa.Table) -> None:
    """Append rows that were proposed."""
    for batch in rows.combine_chunks().to_batches():
        append(target, batch)
