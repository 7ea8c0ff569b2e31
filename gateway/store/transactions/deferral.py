"""When the keys of a transaction are checked: at the end of a statement, or at COMMIT.

PostgreSQL manual, SET CONSTRAINTS. What is to be checked later is kept as names of constraints,
not of rows: the check reads the tables, whose locks are held to the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.store.definitions.definitions import ForeignKey, Key

# The table's number and the constraint's name.
Constraint = tuple[int, str]


@dataclass(slots=True)
class Deferral:
    """What one transaction puts off.

    Args:
        chosen: What SET CONSTRAINTS said of one, or under None of all others: whether it waits.
        pending: What is to be checked; True: because rows that it refers to went, or changed.
        waits: All do, while one statement does several writes.
        later: What is declared ON DELETE and ON UPDATE, to be done after them.
    """

    chosen: dict[Constraint | None, bool] = field(default_factory=dict)
    pending: dict[Constraint, bool] = field(default_factory=dict)
    waits: bool = False
    later: list[Callable[[], None]] = field(default_factory=list)

    def follow(self, action: Callable[[], None]) -> None:
        """Do what is declared for rows that went or changed: now, or after a statement's writes."""
        if self.waits:
            self.later.append(action)
        else:
            action()

    def put_off(self, oid: int, key: ForeignKey | Key, parent: bool = False) -> bool:
        """Whether a check is to wait; it is noted then."""
        if not self.waits and not self._is_deferred(oid, key):
            return False
        self.pending[oid, key.name] = parent
        return True

    def _is_deferred(self, oid: int, key: ForeignKey | Key) -> bool:
        if not key.deferrable:
            return False
        chosen = self.chosen.get((oid, key.name), self.chosen.get(None))
        return key.deferrable == "deferred" if chosen is None else chosen

    def due(self, oid: int, key: ForeignKey | Key) -> bool:
        """Whether what was put off has to be checked now."""
        return (oid, key.name) in self.pending and not self._is_deferred(oid, key)

    def choose(self, constraint: Constraint | None, deferred: bool) -> None:
        """SET CONSTRAINTS of one; None: ALL."""
        if constraint is None:
            self.chosen.clear()
        self.chosen[constraint] = deferred
