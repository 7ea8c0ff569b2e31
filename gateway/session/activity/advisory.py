"""Advisory locks: numbers that clients agree upon (PostgreSQL manual, 13.3.5 and 9.27.10).

Rails, Prisma and golang-migrate take one so that two of them do not change a schema at once. They
lock nothing but each other, and have nothing to do with the locks of tables: who waits for one of
each kind is not seen to wait in a circle.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import dataclass

from gateway.errors import DeadlockDetected, LockNotAvailable, UndefinedFunction
from gateway.interrupts import check_for_interrupts

# (0, bigint) or (1, integer, integer): PostgreSQL keeps the two apart.
Key = tuple[int, ...]
# How long a cancel may have to wait for one who waits.
_NAP_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Deed:
    """What a function does: `take`, `try` or `give` a lock."""

    deed: str
    shared: bool = False
    to_the_end: bool = False  # of the transaction


DEEDS = {
    f"pg_{'try_' * (deed == 'try')}advisory_{'xact_' * to_the_end}"
    f"{'unlock' if deed == 'give' else 'lock'}{'_shared' * shared}": Deed(deed, shared, to_the_end)
    for deed in ("take", "try", "give")
    for shared in (False, True)
    for to_the_end in ((False, True) if deed != "give" else (False,))
}
UNLOCK_ALL = "pg_advisory_unlock_all"


class AdvisoryLocks:
    """Who holds which lock, how often; any thread may call."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: dict[Key, Counter[tuple[object, bool]]] = {}
        self._waiting: dict[object, tuple[Key, bool]] = {}

    def take(self, key: Key, owner: object, shared: bool, seconds: float = 0) -> None:
        """Wait until the lock can be had, at most so long; 0: for ever.

        Raises:
            LockNotAvailable: 55P03. DeadlockDetected: 40P01. QueryCanceled: 57014.
        """
        end = time.monotonic() + (seconds or math.inf)
        with self._changed:
            self._waiting[owner] = key, shared
            try:
                while not self._add(key, owner, shared):
                    if owner in self._behind(owner):
                        raise DeadlockDetected(
                            "deadlock detected",
                            detail="Two sessions wait for advisory locks that the other one holds.",
                        )
                    if time.monotonic() >= end:
                        raise LockNotAvailable("canceling statement due to lock timeout")
                    self._changed.wait(_NAP_SECONDS)
                    check_for_interrupts()
            finally:
                del self._waiting[owner]

    def attempt(self, key: Key, owner: object, shared: bool) -> bool:
        """Whether the lock was to be had at once."""
        with self._changed:
            return self._add(key, owner, shared)

    def holders_before(self, owner: object) -> set[object]:
        """Who holds what it waits for; nobody when it does not wait."""
        with self._changed:
            waiting = self._waiting.get(owner)
            return set() if waiting is None else self._blockers(waiting[0], owner, waiting[1])

    def of(self, owner: object) -> list[tuple[Key, bool, bool]]:
        """Each lock that `owner` holds or waits for: its key, whether shared, whether held."""
        with self._changed:
            found = [
                (key, shared, True)
                for key, held in self._held.items()
                for who, shared in held
                if who is owner
            ]
            waiting = self._waiting.get(owner)
            return found if waiting is None else [*found, (*waiting, False)]

    def give(self, key: Key, owner: object, shared: bool) -> None:
        """Hold it once less."""
        with self._changed:
            held = self._held[key]
            held[owner, shared] -= 1
            self._held[key] = +held
            if not self._held[key]:
                del self._held[key]
            self._changed.notify_all()

    def _blockers(self, key: Key, owner: object, shared: bool) -> set[object]:
        return {
            who
            for (who, theirs), _ in self._held.get(key, Counter()).items()
            if who is not owner and not (shared and theirs)
        }

    def _add(self, key: Key, owner: object, shared: bool) -> bool:
        if self._blockers(key, owner, shared):
            return False
        self._held.setdefault(key, Counter())[owner, shared] += 1
        return True

    def _behind(self, owner: object) -> set[object]:
        """All whom `owner` waits for, through others too."""
        found: set[object] = set()
        asked = [owner]
        while asked:
            waiting = self._waiting.get(waiter := asked.pop())
            blockers = set() if waiting is None else self._blockers(waiting[0], waiter, waiting[1])
            asked += blockers - found
            found |= blockers
        return found


class Advisory:
    """One session's locks: those it holds until it gives them up, and its transaction's."""

    def __init__(self, locks: AdvisoryLocks) -> None:
        self._locks = locks
        self._own: Counter[tuple[Key, bool]] = Counter()
        self._of_transaction: list[tuple[Key, bool]] = []
        self._savepoints: list[tuple[str, int]] = []

    def holders_before(self) -> set[object]:
        """Those who hold the lock that is waited for now."""
        return self._locks.holders_before(self)

    def locks(self) -> list[tuple[Key, bool, bool]]:
        """Its locks; see `AdvisoryLocks.of`."""
        return self._locks.of(self)

    def do(self, name: str, numbers: list[int], seconds: float) -> bool | None:
        """What a call gives: None where that is void; False where a lock was not had, or not held.

        Raises:
            UndefinedFunction: 42883, of another number of arguments.
        """
        if name == UNLOCK_ALL:
            self.give_all()
            return None
        if not 1 <= len(numbers) <= 2:
            raise UndefinedFunction(f"function {name} takes (bigint) or (integer, integer)")
        deed, key = DEEDS[name], (len(numbers) - 1, *numbers)
        if deed.deed == "give":
            return self._give(key, deed.shared)
        had = None
        if deed.deed == "take":
            self._locks.take(key, self, deed.shared, seconds)
        else:
            had = self._locks.attempt(key, self, deed.shared)
        if had is not False:
            self._note(key, deed)
        return had

    def _note(self, key: Key, deed: Deed) -> None:
        if deed.to_the_end:
            self._of_transaction.append((key, deed.shared))
        else:
            self._own[key, deed.shared] += 1

    def _give(self, key: Key, shared: bool) -> bool:
        if not self._own[key, shared]:
            return False
        self._own[key, shared] -= 1
        self._locks.give(key, self, shared)
        return True

    def give_all(self) -> None:
        """Give up what does not end with the transaction."""
        for key, shared in list(self._own.elements()):
            self._locks.give(key, self, shared)
        self._own.clear()

    def close(self) -> None:
        """The session ends."""
        self.give_all()
        self.commit()

    # A follower of the transaction.

    def savepoint(self, name: str) -> None:
        self._savepoints.append((name, len(self._of_transaction)))

    def release(self, name: str) -> None:
        del self._savepoints[self._place(name) :]

    def rollback_to(self, name: str) -> None:
        place = self._place(name)
        self._give_after(self._savepoints[place][1])
        del self._savepoints[place + 1 :]

    def _place(self, name: str) -> int:
        return max(n for n, (each, _) in enumerate(self._savepoints) if each == name)

    def _give_after(self, count: int) -> None:
        for key, shared in self._of_transaction[count:]:
            self._locks.give(key, self, shared)
        del self._of_transaction[count:]

    def commit(self) -> None:
        self._give_after(0)
        self._savepoints.clear()

    rollback = commit
