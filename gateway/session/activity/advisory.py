"""Advisory locks: numbers that clients agree upon (PostgreSQL manual, 13.3.5 and 9.27.10).

Rails, Prisma and golang-migrate take one so that two of them do not change a schema at once. They
lock nothing but each other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.errors import UndefinedFunction
from gateway.interrupts import check_for_interrupts
from gateway.store.transactions.locks import Key, Locks, Mode

_MODES = {False: Mode.EXCLUSIVE, True: Mode.SHARE}


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


class Advisory:
    """One session's locks: those it holds until it gives them up, and its transaction's.

    Args:
        locks: Where they are kept, and those of tables.
        owner: As whom the session holds both.
    """

    def __init__(self, locks: Locks, owner: object) -> None:
        self._locks, self._owner = locks, owner
        self._own: Counter[tuple[Key, bool]] = Counter()
        self._of_transaction: list[tuple[Key, bool]] = []
        self._savepoints: list[tuple[str, int]] = []

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
        had, mode = None, _MODES[deed.shared]
        if deed.deed == "take":
            self._locks.acquire(key, self._owner, mode, seconds=seconds, check=check_for_interrupts)
        else:
            had = self._locks.attempt(key, self._owner, mode)
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
        self._let_go(key, shared)
        return True

    def _let_go(self, key: Key, shared: bool) -> None:
        """Give up what is held no more: a lock may be held many times."""
        if not self._own[key, shared] and (key, shared) not in self._of_transaction:
            self._locks.give(key, self._owner, _MODES[shared])

    def give_all(self) -> None:
        """Give up what does not end with the transaction."""
        held = list(+self._own)
        self._own.clear()
        for key, shared in held:
            self._let_go(key, shared)

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
        given = dict.fromkeys(self._of_transaction[count:])
        del self._of_transaction[count:]
        for key, shared in given:
            self._let_go(key, shared)

    def commit(self) -> None:
        self._give_after(0)
        self._savepoints.clear()

    rollback = commit
