"""Write locks of tables: one holder each, waited for in turn, given up all together.

A lock belongs to a session, not to a thread, because a transaction outlives the call that took
it. Readers take none.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable

from gateway.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import TableDefinition

# The key of the catalogue's own lock, which DDL holds; tables are numbered from 16384.
CATALOGUE = 0


class TableLocks:
    """Which session holds which table; any thread may call."""

    def __init__(self) -> None:
        self.waits, self.waited_seconds = 0, 0.0
        self._changed = threading.Condition()
        self._holders: dict[int, object] = {}
        self._waiting: dict[object, int] = {}
        self._cancelled: set[object] = set()

    def acquire(self, key: int, owner: object, seconds: float = 0) -> bool:
        """Wait until `owner` holds `key`; False at once when it did already.

        Args:
            key: The table.
            owner: The session.
            seconds: How long to wait; 0: for ever.

        Raises:
            LockNotAvailable: 55P03, the time is up.
            DeadlockDetected: 40P01, the holder waits, perhaps through others, for `owner`.
            QueryCanceled: 57014, `cancel` was called while waiting.
        """
        end = time.monotonic() + (seconds or math.inf)
        with self._changed:
            if self._holders.get(key) is owner:
                return False
            while self._holders.setdefault(key, owner) is not owner:
                if owner in self._cancelled:
                    raise QueryCanceled("canceling statement due to user request")
                self._refuse_circle(key, owner)
                left = end - time.monotonic()
                if left <= 0:
                    raise LockNotAvailable("canceling statement due to lock timeout")
                self._wait(key, owner, left)
            return True

    def _wait(self, key: int, owner: object, seconds: float) -> None:
        began, self.waits = time.monotonic(), self.waits + 1
        self._waiting[owner] = key
        self._changed.wait(None if seconds == math.inf else seconds)
        del self._waiting[owner]
        self.waited_seconds += time.monotonic() - began

    @property
    def waiting(self) -> int:
        """How many sessions wait now."""
        return len(self._waiting)

    def holder_before(self, owner: object) -> object | None:
        """Who holds what it waits for; None when it does not wait."""
        with self._changed:
            return self._holders.get(self._waiting.get(owner, -1))

    def held(self, owner: object) -> frozenset[int]:
        """The keys of all locks that `owner` holds."""
        with self._changed:
            return frozenset(key for key, holder in self._holders.items() if holder is owner)

    def of(self, owner: object) -> list[tuple[int, bool]]:
        """The key of each lock that `owner` holds (True) or waits for (False)."""
        with self._changed:
            found = [(key, True) for key, holder in self._holders.items() if holder is owner]
            wanted = self._waiting.get(owner)
            return found if wanted is None else [*found, (wanted, False)]

    def are_free(self, keys: Iterable[int], owner: object) -> bool:
        """Whether nobody else holds one of these."""
        with self._changed:
            return all(self._holders.get(key, owner) is owner for key in keys)

    def release(self, owner: object, *, keep: frozenset[int] = frozenset()) -> None:
        """Give up every lock that `owner` holds, but those of `keep`."""
        with self._changed:
            for key in [key for key, holder in self._holders.items() if holder is owner]:
                if key not in keep:
                    del self._holders[key]
            self._changed.notify_all()

    def cancel(self, owner: object) -> None:
        """Let `owner` wait no more, now or later, until `resume`."""
        with self._changed:
            self._cancelled.add(owner)
            self._changed.notify_all()

    def resume(self, owner: object) -> None:
        """Forget that `owner` was cancelled."""
        with self._changed:
            self._cancelled.discard(owner)

    def _refuse_circle(self, key: int, owner: object) -> None:
        wanted: int | None = key
        while wanted is not None:
            holder = self._holders.get(wanted)
            if holder is owner:
                raise DeadlockDetected(
                    "deadlock detected",
                    detail="Two sessions wait for tables that the other one writes.",
                    hint="Run the transaction again.",
                )
            wanted = None if holder is None else self._waiting.get(holder)


def tied(catalogue: Catalogue, name: TableName, command: str) -> set[int]:
    """The tables to be locked before one of them is written."""
    oid, definition = catalogue.table(name)
    found, tables = {oid}, [definition]
    while tables:
        table = tables.pop()
        keys = table.foreign_keys
        if command != "DELETE" or any(fk.on_delete.startswith("set") for fk in keys):
            parents = (catalogue.find_table(fk.table) for fk in table.foreign_keys)
            found.update(parent[0] for parent in parents if parent is not None)
        children = catalogue.referring(table.name) if command != "INSERT" else []
        for child in children:
            if child.oid not in found and isinstance(child.definition, TableDefinition):
                found.add(child.oid)
                tables.append(child.definition)
    return found
