"""Where a block's transaction may end, and where it goes back to when an error is caught."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from gateway.errors import FeatureNotSupported, InvalidTransactionTermination
from gateway.session.client import Client
from gateway.session.transactions.transaction import AT_SAVEPOINT
from gateway.sql.statements.statement import Statement


@dataclass(slots=True)
class Point:
    """A savepoint of the block's own, for the client and for all who follow its transaction."""

    client: Client
    name: str

    def set(self) -> None:
        """Remember this moment."""
        self.client.store.savepoint(self.name)
        self._tell("SAVEPOINT")

    def undo(self) -> None:
        """Undo what came after it, also a failure, and forget it."""
        self.client.store.fail()
        self.client.store.rollback_to(self.name)
        self._tell("ROLLBACK TO")
        self.keep()
        self.client.follow_settings()

    def keep(self) -> None:
        """Forget it; what came after it stays."""
        self.client.store.release(self.name)
        self._tell("RELEASE")

    def _tell(self, verb: str) -> None:
        for follower in self.client.followers:
            AT_SAVEPOINT[verb](follower, self.name)


class Committing:
    """The transaction of one DO.

    Args:
        client: Whose.
        statement: The DO, before which a new transaction begins after each COMMIT.
        ends: Whether it may: it began the transaction itself.
    """

    def __init__(self, client: Client, statement: Statement, ends: bool) -> None:
        self._client, self._statement, self._ends = client, statement, ends
        self._points = self._reading = 0

    @contextmanager
    def guarded(self) -> Iterator[Point]:
        """A point to go back to while a block with handlers runs."""
        self._points += 1
        try:
            # Blanks at the ends keep the name apart from any that a user gives.
            name = f" block {self._points} "
            point = Point(self._client, name)
            point.set()
            yield point
        finally:
            self._points -= 1

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While a loop reads rows, which are those of its transaction."""
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1

    def end(self, verb: str) -> None:
        """COMMIT or ROLLBACK, and begin the next transaction.

        Raises:
            InvalidTransactionTermination: 2D000, others' statements are in it, too.
            FeatureNotSupported: 0A000, in a loop over rows.
        """
        if self._points:
            done = "commit" if verb == "COMMIT" else "roll back"
            raise InvalidTransactionTermination(f"cannot {done} while a subtransaction is active")
        if not self._ends:
            raise InvalidTransactionTermination("invalid transaction termination")
        if self._reading:
            raise FeatureNotSupported(
                f"{verb} in a loop over rows is not supported in DO",
                hint="Read the rows into an array first: array_agg, and FOREACH.",
            )
        if verb == "COMMIT":
            self._client.block.end_implicit()
        else:
            self._client.block.fail()
        self._client.end_transaction(committed=verb == "COMMIT")
        self._client.block.chained(True)
        self._client.begin_implicit(self._statement)
