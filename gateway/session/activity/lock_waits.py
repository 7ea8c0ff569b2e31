"""Which locks a session holds, and whose it waits for: of tables, and advisory ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.session.activity.advisory import Advisory
from gateway.store.tables import StoreSession
from gateway.store.transactions.locks import CATALOGUE

# Whoever makes, changes or drops an object holds one lock; it is shown as one of this table.
_PG_CLASS = 1259


@dataclass(frozen=True, slots=True)
class Lock:
    """A line of pg_locks.

    Args:
        kind: `relation` or `advisory`.
        numbers: The relation's oid; classid, objid and objsubid.
        mode: As PostgreSQL calls it.
        granted: False while it is waited for.
    """

    kind: str
    numbers: tuple[int, ...]
    mode: str
    granted: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """As whom a session holds locks, which, and those who hold what it waits for now.

    `event` is what PostgreSQL calls the waiting, "" for none.
    """

    owners: frozenset[object] = frozenset()
    event: str = ""
    holders: frozenset[object] = frozenset()
    locks: tuple[Lock, ...] = ()


def standing(session: StoreSession, advisory: Advisory) -> Standing:
    """Where the owner of these locks stands; any thread may ask."""
    owners = frozenset((session, advisory))
    locks = tuple(_locks(session, advisory))
    holder = session.holder_before()
    if holder is not None:
        return Standing(owners, "relation", frozenset((holder,)), locks)
    holders = frozenset(advisory.holders_before())
    return Standing(owners, "advisory" if holders else "", holders, locks)


def _locks(session: StoreSession, advisory: Advisory) -> Iterator[Lock]:
    for oid, granted in session.locks():
        # Readers go on beside it, writers and FOR UPDATE wait: of PostgreSQL's modes that one.
        relation = _PG_CLASS if oid == CATALOGUE else oid
        yield Lock("relation", (relation,), "ExclusiveLock", granted)
    for key, shared, granted in advisory.locks():
        mode = "ShareLock" if shared else "ExclusiveLock"
        yield Lock("advisory", _numbers(key), mode, granted)


def _numbers(key: tuple[int, ...]) -> tuple[int, int, int]:
    """The classid, objid and objsubid of an advisory lock, of one bigint or of two integers."""
    apart, *numbers = key
    first, last = numbers if apart else (numbers[0] >> 32, numbers[0])
    return first & 0xFFFFFFFF, last & 0xFFFFFFFF, 1 + apart
