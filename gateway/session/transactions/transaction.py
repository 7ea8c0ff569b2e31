"""Transaction blocks: BEGIN to COMMIT or ROLLBACK, and the implicit ones of the protocol.

PostgreSQL manual, 55.2.2.1 and 55.2.3: several statements in one Query message, and everything
between two Sync messages, are one transaction unless the client opened one itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gateway.errors import (
    InFailedTransaction,
    NoActiveTransaction,
)
from gateway.session.result import Notice, Result
from gateway.sql.statements.commands import TransactionStatement
from gateway.sql.statements.objects import LockTables
from gateway.sql.statements.statement import Kind, Statement
from gateway.store.tables import StoreSession


class TransactionBlock:
    """Where one client stands: idle, in a transaction, in a failed one.

    Args:
        store: What begins, commits and rolls back.
    """

    def __init__(self, store: StoreSession) -> None:
        self._store = store
        self.status = "I"  # as ReadyForQuery says it: I, T or E
        self.implicit = False
        self.asked = False  # something was read or written in the transaction, an implicit one too
        self.notices: list[Notice] = []
        # Told when one follows another; whether that is inside a statement.
        self.chained: Callable[[bool], None] = lambda inside: None

    @property
    def is_free(self) -> bool:
        """Whether no transaction is open, not even an implicit one."""
        return self.status == "I" and not self.implicit

    @property
    def reads_newest(self) -> bool:
        """Whether a query may see the newest commit, as far as is known here."""
        return self.status != "E" and not self.implicit

    def admit(self, statement: Statement | None) -> None:
        """Refuse anything but the end of a failed transaction; None is no statement at all.

        Raises:
            InFailedTransaction: 25P02.
        """
        if self.status == "E":
            verb = getattr(statement.tree, "verb", "") if statement is not None else ""
            if verb not in ("COMMIT", "ROLLBACK", "ROLLBACK TO"):
                self.refuse_failed()

    def refuse_failed(self) -> None:
        """Refuse, in a failed transaction, what needs a sound one.

        Raises:
            InFailedTransaction: 25P02.
        """
        if self.status == "E":
            raise InFailedTransaction(
                "current transaction is aborted, commands ignored until end of transaction block"
            )

    def begin_implicit(self, statement: Statement) -> None:
        """Open the implicit transaction before the first statement that changes something.

        Where a transaction is to see one commit throughout, what only reads opens it, too; and a
        block is one, whatever stands in it.
        """
        pins = self._store.isolation.pins and statement.kind in _ASKING
        changes = statement.changes or statement.kind is Kind.BLOCK or pins
        if changes and self.status == "I" and not self.implicit:
            self._store.begin()
            self.implicit = True

    def ask(self, statement: Statement) -> None:
        """A statement is about to be run, inside a transaction or not."""
        if statement.kind not in _ASKING:
            return
        self.asked = True
        if self.is_free:
            return
        waits_first = statement.kind == Kind.WRITE or isinstance(statement.tree, LockTables)
        if not (self._store.isolation.pins and waits_first):
            self._store.take_snapshot()

    @property
    def is_nested(self) -> bool:
        """Whether a savepoint stands in it."""
        return self.status != "I" and self._store.has_savepoints

    def end_implicit(self) -> None:
        """Commit the implicit transaction, if one is open."""
        if self.status == "I":
            self.asked = False
        if self.implicit:
            self.implicit = False
            self._store.commit()

    def fail(self) -> None:
        """A statement failed: undo the implicit transaction, or mark the block."""
        if self.implicit:
            self.implicit = self.asked = False
            self._store.rollback()
        if self.status == "T":
            self.status = "E"
            self._store.fail()

    def run(self, statement: Statement) -> Result:
        """BEGIN, COMMIT, ROLLBACK and their other spellings, SAVEPOINT, RELEASE, ROLLBACK TO.

        Raises:
            NoActiveTransaction: 25P01, a savepoint or AND CHAIN outside a transaction block.
            InvalidSavepoint: 3B001.
        """
        tree = statement.tree
        assert isinstance(tree, TransactionStatement)
        if tree.savepoint is not None:
            return self._at_savepoint(tree.verb, tree.savepoint)
        if tree.chain and self.status == "I":
            raise NoActiveTransaction(
                f"{tree.verb} AND CHAIN can only be used in transaction blocks"
            )
        if tree.verb == "BEGIN":
            self._begin()
            return Result(statement.command)
        if self.status == "I":  # an implicit one is ended all the same
            self._warn("there is no transaction in progress", "25P01")
        if self.is_free:
            return Result(tree.verb)
        failed, self.status = self.status == "E", "I"
        self.implicit = self.asked = False
        if failed or tree.verb == "ROLLBACK":
            self._store.rollback()
            return Result("ROLLBACK")
        self._store.commit()
        return Result("COMMIT")

    def _at_savepoint(self, verb: str, name: str) -> Result:
        """SAVEPOINT, RELEASE or ROLLBACK TO; the last one also ends the failed state."""
        tag, shown, act = {
            "SAVEPOINT": ("SAVEPOINT", "SAVEPOINT", self._store.savepoint),
            "RELEASE": ("RELEASE", "RELEASE SAVEPOINT", self._store.release),
            "ROLLBACK TO": ("ROLLBACK", "ROLLBACK TO SAVEPOINT", self._store.rollback_to),
        }[verb]
        if self.status == "I":
            raise NoActiveTransaction(f"{shown} can only be used in transaction blocks")
        act(name)
        self.status = "T"
        return Result(tag)

    def chain(self) -> None:
        """Begin anew after AND CHAIN ended a transaction."""
        self._store.begin()
        self.status = "T"
        self.chained(False)

    def _begin(self) -> None:
        if self.status != "I":
            self._warn("there is already a transaction in progress", "25001")
            return
        if self.implicit:  # BEGIN inside a message of several statements makes it explicit
            self.implicit = False
        else:
            self._store.begin()
        self.status = "T"

    def warn_outside(self, command: str) -> None:
        """Tell the client that a command meant nothing outside a transaction."""
        self._warn(f"{command} can only be used in transaction blocks", "25P01")

    def _warn(self, message: str, code: str) -> None:
        self.notices.append(Notice(message, "WARNING", code))


# What reads or writes in a transaction, so that its modes stand from then on.
_ASKING = (Kind.QUERY, Kind.WRITE, Kind.DEFINITION, Kind.EXPLAIN, Kind.COPY, Kind.CURSOR)


class Follower(Protocol):
    """What goes back when a transaction does."""

    def savepoint(self, name: str) -> None: ...

    def release(self, name: str) -> None: ...

    def rollback_to(self, name: str) -> None: ...


# What a command on savepoints means to those who follow the transaction.
AT_SAVEPOINT: dict[str, Callable[[Follower, str], None]] = {
    "SAVEPOINT": lambda follower, name: follower.savepoint(name),
    "RELEASE": lambda follower, name: follower.release(name),
    "ROLLBACK TO": lambda follower, name: follower.rollback_to(name),
}
