"""UPDATE and DELETE of the one row that has a key, which ask neither the engine nor for rows."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.session.computation import Bound, Computation
from gateway.session.settings.time_zones import check_moments
from gateway.sql.names.relation import Constants
from gateway.sql.writes.narrowing import Value
from gateway.store.rows.by_key import KeyChange
from gateway.store.tables import StoreSession
from gateway.store.transactions.changing import OneChange


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
    check_moments(constants, columns, rows.schema.types, target)
    return store.change_one(target.name, KeyChange(wanted, columns, rows, steps))
