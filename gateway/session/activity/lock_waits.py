"""Whose locks a session waits for: of tables, and advisory ones."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.session.activity.advisory import Advisory
from gateway.store.tables import StoreSession


@dataclass(frozen=True, slots=True)
class Standing:
    """As whom a session holds locks, and those who hold what it waits for now.

    `event` is what PostgreSQL calls the waiting, "" for none.
    """

    owners: frozenset[object] = frozenset()
    event: str = ""
    holders: frozenset[object] = frozenset()


def standing(session: StoreSession, advisory: Advisory) -> Standing:
    """Where the owner of these locks stands; any thread may ask."""
    owners = frozenset((session, advisory))
    holder = session.holder_before()
    if holder is not None:
        return Standing(owners, "relation", frozenset((holder,)))
    holders = frozenset(advisory.holders_before())
    return Standing(owners, "advisory", holders) if holders else Standing(owners)
