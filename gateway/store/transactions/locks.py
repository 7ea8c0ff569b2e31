"""Locks of tables, of the catalogue, and advisory ones: who holds which, and who waits for whom.

A lock belongs to a session, not to a thread, because a transaction outlives the call that took it.
All kinds are kept here, so a circle of sessions that wait for each other is seen whatever they wait
for. A table has PostgreSQL's modes (manual, 13.3.1), and three of this store's, whose writers take
turns. Who reads takes one in a transaction block alone.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from gateway.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.transactions.row_locks import Kept, KeptRows, Rows

# The key of the catalogue's own lock, which DDL holds; tables are numbered from 16384.
CATALOGUE = 0
# A relation's number; or an advisory lock: (0, bigint) or (1, integer, integer), which PostgreSQL
# keeps apart.
Key = int | tuple[int, ...]
# How long a cancel may have to wait for one who waits and asks whether it is still wanted.
_NAP_SECONDS = 0.02


class Mode(Enum):
    """How a lock is held: as LOCK TABLE names it, by who writes, and for rows that were read."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
    WRITE = "writes"
    ROWS = "has rows for itself"
    ROWS_SHARED = "has rows stay"

    @property
    def shown(self) -> str:
        """What pg_locks calls it; of PostgreSQL's modes, the one that stops the same others."""
        own = {Mode.WRITE: "EXCLUSIVE", Mode.ROWS: "EXCLUSIVE", Mode.ROWS_SHARED: "SHARE"}
        return own.get(self, self.value).title().replace(" ", "") + "Lock"


def _conflicts() -> dict[Mode, frozenset[Mode]]:
    """Mode -> those in which nobody else may hold it meanwhile."""
    each = Mode
    last = {each.EXCLUSIVE, each.ACCESS_EXCLUSIVE}
    shares = {each.SHARE, each.SHARE_ROW_EXCLUSIVE}
    rows = {each.ROWS, each.ROWS_SHARED}
    writers = {each.ROW_EXCLUSIVE, each.SHARE_UPDATE_EXCLUSIVE, each.WRITE}
    stopped = {
        each.ACCESS_SHARE: {each.ACCESS_EXCLUSIVE},
        each.ROW_SHARE: last,
        each.ROW_EXCLUSIVE: shares | last,
        each.SHARE_UPDATE_EXCLUSIVE: {each.SHARE_UPDATE_EXCLUSIVE} | shares | last,
        each.SHARE: (writers | shares | last) - {each.SHARE},
        each.SHARE_ROW_EXCLUSIVE: writers | shares | last,
        each.EXCLUSIVE: set(Mode) - {each.ACCESS_SHARE},
        each.ACCESS_EXCLUSIVE: set(Mode),
        each.WRITE: {each.WRITE} | rows | shares | last,
        each.ROWS: {each.WRITE} | rows | last,
        each.ROWS_SHARED: {each.WRITE, each.ROWS} | last,
    }
    return {mode: frozenset(others) for mode, others in stopped.items()}


CONFLICTS = _conflicts()


@dataclass(frozen=True, slots=True)
class _Wait:
    """What one waits for, who holds it, and what wakes it."""

    key: Key
    mode: Mode
    holders: Callable[[], set[object]]
    woken: threading.Condition


class Locks:
    """Which session holds what; any thread may call."""

    def __init__(self) -> None:
        self.waits, self.waited_seconds = 0, 0.0
        self.excluding = 0  # how often ACCESS EXCLUSIVE is held: readers look without the mutex
        self._mutex = threading.Lock()
        self._holders: dict[Key, dict[object, set[Mode]]] = {}
        self._rows = KeptRows()
        self._keys: dict[object, set[Key]] = {}  # of each owner
        self._waiting: dict[object, _Wait] = {}  # in the order in which they came
        self._cancelled: set[object] = set()

    def acquire(
        self,
        key: Key,
        owner: object,
        mode: Mode = Mode.WRITE,
        *,
        seconds: float = 0,
        check: Callable[[], None] | None = None,
    ) -> bool:
        """Wait until `owner` holds `key` in a mode; False at once when it did already.

        Args:
            key: What is locked.
            owner: The session.
            mode: How.
            seconds: How long to wait; 0: for ever.
            check: Asked now and then whether to go on waiting.

        Raises:
            LockNotAvailable: 55P03, the time is up.
            DeadlockDetected: 40P01, a holder waits, perhaps through others, for `owner`.
            QueryCanceled: 57014, `cancel` was called while waiting.
        """
        with self._mutex:
            if mode in self._holders.get(key, {}).get(owner, ()):
                return False
            holders = partial(self._blockers, key, owner, mode)
            if holders():
                wait = _Wait(key, mode, holders, threading.Condition(self._mutex))
                self._wait(wait, owner, seconds, check)
            self._hold(key, owner, mode)
            return True

    def attempt(self, key: Key, owner: object, mode: Mode) -> bool:
        """Hold it if that can be had at once; whether it could."""
        with self._mutex:
            free = not self._blockers(key, owner, mode)
            if free:
                self._hold(key, owner, mode)
            return free

    def _hold(self, key: Key, owner: object, mode: Mode) -> None:
        self._holders.setdefault(key, {}).setdefault(owner, set()).add(mode)
        self.excluding += mode is Mode.ACCESS_EXCLUSIVE
        self._keys.setdefault(owner, set()).add(key)

    def _wait(
        self,
        wait: _Wait,
        owner: object,
        seconds: float,
        check: Callable[[], None] | None = None,
    ) -> None:
        began, self.waits = time.monotonic(), self.waits + 1
        end = began + (seconds or math.inf)
        self._waiting[owner] = wait
        try:
            while wait.holders():
                if owner in self._cancelled:
                    raise QueryCanceled("canceling statement due to user request")
                if owner in self._behind(owner):
                    raise DeadlockDetected(
                        "deadlock detected",
                        detail="Two sessions wait for locks that the other one holds.",
                        hint="Run the transaction again.",
                    )
                left = end - time.monotonic()
                if left <= 0:
                    raise LockNotAvailable("canceling statement due to lock timeout")
                left = min(left, _NAP_SECONDS) if check is not None else left
                wait.woken.wait(None if left == math.inf else left)
                if check is not None:
                    check()
        except BaseException:
            del self._waiting[owner]
            self._wake({wait.key})  # it may have been woken in the place of another
            raise
        finally:
            self._waiting.pop(owner, None)
            self.waited_seconds += time.monotonic() - began

    def _wake(self, keys: Collection[Key]) -> None:
        """Wake those who can go on, of writers that take turns the one that came first."""
        taken: set[Key] = set()
        for wait in self._waiting.values():
            if wait.key not in keys or wait.key in taken:
                continue
            if not wait.holders():
                wait.woken.notify()
                if wait.mode in CONFLICTS[wait.mode]:
                    taken.add(wait.key)

    def _blockers(self, key: Key, owner: object, mode: Mode) -> set[object]:
        """Those who hold it in a mode that does not go with this one."""
        held = self._holders.get(key)
        if not held:
            return set()
        against = CONFLICTS[mode]
        return {who for who, modes in held.items() if who is not owner and modes & against}

    def _behind(self, owner: object) -> set[object]:
        """All whom `owner` waits for, through others too."""
        found: set[object] = set()
        asked = [owner]
        while asked:
            waiting = self._waiting.get(asked.pop())
            if waiting is not None:
                blockers = waiting.holders()
                asked += blockers - found
                found |= blockers
        return found

    @property
    def waiting(self) -> int:
        """How many sessions wait now."""
        return len(self._waiting)

    def holders_before(self, owner: object) -> set[object]:
        """Who holds what it waits for; nobody when it does not wait."""
        with self._mutex:
            wait = self._waiting.get(owner)
            return set() if wait is None else wait.holders()

    def held(self, owner: object) -> frozenset[tuple[Key, Mode]]:
        """All locks that `owner` holds, but for advisory ones."""
        with self._mutex:
            return frozenset((k, m) for k, m in self._of(owner) if isinstance(k, int))

    def _of(self, owner: object) -> Iterable[tuple[Key, Mode]]:
        for key in self._keys.get(owner, ()):
            for mode in self._holders[key][owner]:
                yield key, mode

    def of(self, owner: object) -> list[tuple[Key, Mode, bool]]:
        """Each lock that `owner` holds (True) or waits for (False)."""
        with self._mutex:
            found = [(key, mode, True) for key, mode in self._of(owner)]
            wait = self._waiting.get(owner)
            return found if wait is None else [*found, (wait.key, wait.mode, False)]

    def is_free(self, key: Key, owner: object, mode: Mode) -> bool:
        """Whether `owner` could have it at once."""
        with self._mutex:
            return not self._blockers(key, owner, mode)

    def release(self, owner: object, *, keep: frozenset[tuple[Key, Mode]] = frozenset()) -> None:
        """Give up every lock that `owner` holds, but those of `keep` and advisory ones.

        Of a table with one of `keep` all rows stay, too: those that were locked since, too long.
        """
        with self._mutex:
            held = [(key, mode) for key, mode in self._of(owner) if isinstance(key, int)]
            self._drop(owner, [each for each in held if each not in keep])
            tables = self._rows.release(owner, but={key for key, _ in keep})
            if tables and self._waiting:
                self._wake(tables)

    # Rows of tables

    def keep_rows(self, oid: int, kept: Kept) -> Kept | None:
        """Keep rows of a table until `release`; None when others keep one of them."""
        owner, shared = kept.owner, kept.shared
        with self._mutex:
            if self._rows.holders(oid, owner, shared, kept.rows):
                return None
            held = self._rows.of(oid, owner)
            found = next((k for k in held if k.rows is None and k.shared <= shared), None)
            if found is None:
                self._rows.add(oid, kept)
            return found or kept

    def drop_rows(self, oid: int, kept: Kept) -> None:
        """Keep some no longer."""
        with self._mutex:
            self._rows.drop(oid, kept)
            self._wake({oid})

    def keeps_single_rows(self, oid: int, owner: object) -> bool:
        """Whether a session keeps some rows of a table, and not all."""
        with self._mutex:
            return any(each.rows is not None for each in self._rows.of(oid, owner))

    def rows_of_others(self, oid: int, owner: object, shared: bool) -> list[Kept]:
        """What others keep of a table so that `owner` cannot."""
        with self._mutex:
            return list(self._rows.of_others(oid, owner, shared))

    def wait_for_rows(
        self, oid: int, owner: object, shared: bool, rows: Rows | None, seconds: float
    ) -> None:
        """Wait until nobody else keeps one of these rows; see `acquire`."""
        with self._mutex:
            holders = partial(self._rows.holders, oid, owner, shared, rows)
            if holders():
                wait = _Wait(oid, Mode.ROW_SHARE, holders, threading.Condition(self._mutex))
                self._wait(wait, owner, seconds)

    def give(self, key: Key, owner: object, mode: Mode) -> None:
        """Give up one."""
        with self._mutex:
            self._drop(owner, [(key, mode)])

    def _drop(self, owner: object, locks: Collection[tuple[Key, Mode]]) -> None:
        for key, mode in locks:
            holders = self._holders[key]
            holders[owner].discard(mode)
            self.excluding -= mode is Mode.ACCESS_EXCLUSIVE
            if not holders[owner]:
                del holders[owner]
                self._keys[owner].discard(key)
            if not holders:
                del self._holders[key]
        if not self._keys.get(owner, True):
            del self._keys[owner]
        if self._waiting and locks:
            self._wake({key for key, _ in locks})

    def cancel(self, owner: object) -> None:
        """Let `owner` wait no more, now or later, until `resume`."""
        with self._mutex:
            self._cancelled.add(owner)
            if owner in self._waiting:
                self._waiting[owner].woken.notify()

    def resume(self, owner: object) -> None:
        """Forget that `owner` was cancelled."""
        with self._mutex:
            self._cancelled.discard(owner)


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
