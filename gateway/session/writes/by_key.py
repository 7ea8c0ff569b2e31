"""UPDATE and DELETE of rows that a key names, which ask neither the engine nor for rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from gateway.session.computation import Bound, Computation
from gateway.session.writes.assignable import are_moments_apart
from gateway.sql.names.relation import Constants
from gateway.sql.writes.narrowing import Value
from gateway.store.rows.by_key import KeyChange, key_among
from gateway.store.tables import StoreSession
from gateway.store.transactions.writes import OneChange


def change_by_key(
    store: StoreSession,
    query: Computation,
    bound: Bound,
    wanted: Mapping[str, list[Value]],
    constants: Constants,
) -> OneChange | None:
    """Do it, inside `StoreSession.writing`; None where rows must be read, and nothing was done.

    Args:
        store: What does it.
        query: The UPDATE or DELETE, of no view.
        bound: The values of its parameters.
        wanted: The values that the row must have, as far as WHERE tells.
        constants: What the session says of its clocks.
    """
    write, target = query.write, query.target
    if write is None or target is None or write.narrowing is None:
        return None
    plain = write.returning is None and not write.beside
    if not plain or not write.narrowing.tells_all(wanted):
        return None
    if write.command == "DELETE":
        return store.change_one(target.name, KeyChange(wanted))
    rows = write.given.rows(bound.values) if write.given is not None else None
    operands = {name: step.value(bound.values) for name, step in write.steps.items()}
    steps = {n: (write.steps[n].sign, value) for n, value in operands.items() if value is not None}
    if rows is None or len(steps) < len(operands):
        return None
    columns = [name for name in write.columns if name not in steps]
    if are_moments_apart(constants, columns, rows.schema.types, target):
        return None
    return store.change_one(target.name, KeyChange(wanted, columns, rows, steps))


def key_of(query: Computation, bound: Bound) -> tuple[object, ...] | None:
    """What names the one row of an execution that may be done with others; None of any else.

    What it is set to must be given, and no two executions that are done together be of one row.
    """
    write, wanted = query.write, query.wanted(bound)
    if write is None or wanted is None or write.narrowing is None or query.target is None:
        return None
    if query.through is not None or write.returning is not None or write.beside or write.steps:
        return None
    told = write.narrowing.names_one and write.narrowing.tells_all(wanted) and all(wanted.values())
    names = key_among(query.target, wanted) if told else None
    if write.command == "UPDATE":
        types = [value.type for value in bound.values]
        told = write.given is not None and write.given.takes(types)
    return tuple(wanted[name][0] for name in names) if told and names is not None else None


def change_several(
    store: StoreSession,
    query: Computation,
    columns: Sequence[pa.Array],
    constants: Constants,
) -> list[int] | None:
    """Do several executions at once; how many rows each changed. None: nothing was done.

    Args:
        store: What does it.
        query: The UPDATE or DELETE, of each of which `key_of` gave something else.
        columns: The values of each parameter, one for each execution.
        constants: What the session says of its clocks.
    """
    write, target, rows = query.write, query.target, None
    if write is None or target is None or write.narrowing is None or write.steps:
        return None
    key = key_among(target, write.narrowing.wanted) if write.narrowing.names_one else None
    if key is None:
        return None
    wanted = write.narrowing.of_several(columns)
    if write.command == "UPDATE":
        # What `key_of` looked at may be another, where clocks are not in UTC: its moments are cast.
        if write.given is None or not write.given.takes([column.type for column in columns]):
            return None
        rows = write.given.executed(columns)
        if are_moments_apart(constants, write.columns, rows.schema.types, target):
            return None
    names = write.columns if rows is not None else ()
    done = store.change_one(target.name, KeyChange(wanted, names, rows, key=key))
    if done is None or done.rows is None:
        return None
    changed = set(zip(*(column.to_pylist() for column in done.rows.columns), strict=True))
    return [int(each in changed) for each in zip(*(wanted[name] for name in key), strict=True)]
