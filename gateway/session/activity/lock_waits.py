"""Which locks a session holds, and whose it waits for: of tables, and advisory ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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

    owner: object = None
    event: str = ""
    holders: frozenset[object] = frozenset()
    locks: tuple[Lock, ...] = ()


def standing(session: StoreSession) -> Standing:
    """Where the owner of these locks stands; any thread may ask."""
    locks = tuple(_locks(session))
    event = next((each.kind for each in locks if not each.granted), "")
    return Standing(session, event, frozenset(session.holders_before()), locks)


def _locks(session: StoreSession) -> Iterator[Lock]:
    for key, mode, granted in session.locks():
        if isinstance(key, tuple):
            yield Lock("advisory", _numbers(key), mode.shown, granted)
        else:
            relation = _PG_CLASS if key == CATALOGUE else key
            yield Lock("relation", (relation,), mode.shown, granted)


def _numbers(key: tuple[int, ...]) -> tuple[int, int, int]:
    """The classid, objid and objsubid of an advisory lock, of one bigint or of two integers."""
    apart, *numbers = key
    first, last = numbers if apart else (numbers[0] >> 32, numbers[0])
    return first & 0xFFFFFFFF, last & 0xFFFFFFFF, 1 + apart
