"""A session's hold on the store: its cursor, its statement, its transaction.

Every public call is a statement. Calls nest: an INSERT within `writing` joins its statement. At the
end of the outermost one everything commits, unless the user began a transaction (`begin`): then
locks and changes are held until `commit` or `rollback`.

At READ COMMITTED each statement of such a transaction sees the newest commit, and its own changes.
DuckDB shows one commit from the first change on; so when a statement is to read or write a table
that others changed since, the transaction begins again at the newest commit and repeats its own
writes, which nobody can have touched. At the higher levels (`isolation`) it sees one commit
throughout, and what others changed since is not changed once more (40001).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import duckdb

from gateway.errors import (
    GatewayError,
    InFailedTransaction,
    QueryCanceled,
)
from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import Sequence
from gateway.store.rows.expressions import Constants, Expressions
from gateway.store.rows.sequences import SequenceValues, State
from gateway.store.transactions.committed import Committed
from gateway.store.transactions.connection import Connection
from gateway.store.transactions.deferral import Constraint, Deferral
from gateway.store.transactions.isolation import Isolation, concurrent_update
from gateway.store.transactions.locks import Key, Locks, Mode
from gateway.store.transactions.row_locks import Rows, RowsAreKept
from gateway.store.transactions.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of a store share; `oids` numbers new tables and views."""

    database: duckdb.DuckDBPyConnection
    committed: Committed
    locks: Locks
    oids: Iterator[int]
    sequences: SequenceValues


# A sequence that the transaction restarted, and where it stood.
Restart = tuple[int, Sequence, State]


@dataclass(frozen=True, slots=True)
class Savepoint:
    """How far a transaction had come: writes and what of what these found was kept, ..."""

    name: str
    writes: int
    finds: int
    catalogue: Catalogue | None
    locks: frozenset[tuple[Key, Mode]]
    chosen: dict[Constraint | None, bool]
    restarts: int


class Scope:
    """The part of a session that begins, locks and commits."""

    def __init__(self, shared: Shared) -> None:
        self.lock_seconds = 0.0  # how long to wait for a lock; 0: for ever
        self.isolation = Isolation.READ_COMMITTED  # of what begins from now on
        self.expressions: Expressions = Constants()
        self.read_by_cursors: Callable[[], Collection[TableName]] = tuple
        self._shared = shared
        self._connection = Connection(shared.database.cursor())
        self._transaction: Transaction | None = None
        self._in_block = False
        self._failed = False
        self._savepoints: list[Savepoint] = []
        self._deferral = Deferral()
        self._restarts: list[Restart] = []
        self._emptied: dict[int, int] = {}  # tables by TRUNCATE -> in how many savepoints
        self._lost: GatewayError | None = None  # why no savepoint can be gone back to
        self._depth = 0  # of calls inside each other
        self._taken: list[tuple[Key, Mode]] = []  # by the statement
        self._written = 0  # writes of the transaction before the statement
        self._guard: Connection | None = None  # in it identifiers of rows stay what they are
        self._cancelled = False
        self._cancelling = threading.Lock()

    @property
    def _catalogue(self) -> Catalogue:
        if self._transaction is not None:
            return self._transaction.catalogue
        return self._shared.committed.moment.catalogue

    @property
    def _is_running(self) -> bool:
        return self._depth > 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing was changed, so that the newest commit is what this session sees."""
        free = self._transaction is None and not self._is_running and not self._failed
        return free and not self._pins

    @property
    def in_block(self) -> bool:
        """Whether a transaction is open that `begin` began."""
        return self._in_block

    @property
    def commit(self) -> object:
        """The newest commit of anyone's, an object of its own."""
        return self._shared.committed.moment

    @property
    def _pins(self) -> bool:
        """Whether a transaction of the user's own is to see one commit throughout."""
        return self._in_block and self.isolation.pins

    @property
    def _marks(self) -> frozenset[int]:
        """After how many writes of the transaction each savepoint stands."""
        return frozenset(point.writes for point in self._savepoints)

    # Ends of transactions

    def _end(self) -> None:
        self._drop_transaction()
        self._undo_restarts(0)
        self._in_block = self._failed = False
        self._lost = None
        self._savepoints.clear()
        self._emptied.clear()
        self._deferral = Deferral()
        self._shared.locks.release(self)
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def _commit(self) -> None:
        if self._transaction is not None:
            if self._transaction.changed:
                self._end_statement(self._transaction)
            self._transaction.commit()
            self._transaction = None
        for oid, sequence, _ in self._restarts:
            self._shared.sequences.keep(oid, sequence)
        self._restarts.clear()

    def _undo_restarts(self, count: int) -> None:
        """Undo all but the first `count` restarts of sequences."""
        while len(self._restarts) > count:
            oid, _, before = self._restarts.pop()
            self._shared.sequences.undo(oid, before)

    def _end_statement(self, transaction: Transaction) -> None:
        """What is done before a transaction commits."""

    def _keep_changed(self, oid: int, rows: Rows | None) -> None:
        """Keep rows of a table that are about to be changed."""

    def _restore(self) -> None:
        """Go back to the last savepoint, and give up the locks taken after it."""
        point, transaction = self._savepoints[-1], self._transaction
        self._deferral.chosen = dict(point.chosen)
        self._undo_restarts(point.restarts)
        if point.writes == 0 and point.catalogue is None and not self._pins:
            self._drop_transaction()
        elif transaction is not None and not transaction.stands_at(point.writes, point.catalogue):
            try:
                self._go_back(transaction, point)
            except BaseException as error:  # Nothing is left to go back to.
                self._savepoints.clear()
                self._lost = error if isinstance(error, GatewayError) else concurrent_update()
                self._drop_transaction()
                self._shared.locks.release(self)
                raise
        self._shared.locks.release(self, keep=point.locks)

    def _go_back(self, transaction: Transaction, point: Savepoint) -> None:
        written = {k for k, mode in point.locks if mode is Mode.WRITE and isinstance(k, int)}
        if transaction.take_back(point.writes, point.finds, point.catalogue, written):
            self._savepoints[-1] = replace(point, writes=len(transaction.writes))
            return
        transaction.restore(point.writes, point.finds, point.catalogue, self._marks)
        transaction.finds.follow(len(self._savepoints))
        transaction.finds.went_back()

    def _drop_transaction(self) -> None:
        if self._transaction is not None:
            self._shared.committed.counts.rolled_back += self._transaction.changed
            self._transaction.rollback()
            self._transaction = None

    # Statements

    @contextmanager
    def _statement(self) -> Iterator[None]:
        """A call. The outermost one ends the statement, and its transaction if it is its own.

        Raises:
            InFailedTransaction: 25P02, a call before it failed.
        """
        self._refuse_stopped()
        self._depth += 1
        if self._depth == 1:
            self._taken.clear()
            self._written = 0 if self._transaction is None else len(self._transaction.writes)
        try:
            yield
            if self._depth == 1:
                self._refuse_stopped()
                self._settle()
        except RowsAreKept:
            if self._depth == 1:
                self._step_back()
            raise
        except BaseException:  # Whatever ended it, it may have left half of its work.
            self._failed = True
            if self._depth == 1:
                self._abandon()
            raise
        finally:
            self._leave()

    def _step_back(self) -> None:
        """Give up what a statement took that has changed nothing."""
        if not self._in_block:
            self._end()
            return
        for key, mode in self._taken:
            self._shared.locks.give(key, self, mode)
        if self._transaction is not None and not (self._pins or self._transaction.changed):
            self._drop_transaction()

    def _refuse_stopped(self) -> None:
        if self._failed:
            raise InFailedTransaction(
                "current transaction is aborted, commands ignored until end of transaction block"
            )
        if self._cancelled:
            raise QueryCanceled("canceling statement due to user request")

    def heed_cancel(self) -> None:
        """Raise what stops the running call; for one that waits for more rows to write.

        Raises:
            QueryCanceled: 57014, `cancel` was called.
        """
        self._refuse_stopped()

    def _settle(self) -> None:
        """Commit the statement, or leave it to its transaction."""
        if not self._in_block:
            self._commit()
            self._end()
        elif self._transaction is not None and not (self._pins or self._transaction.changed):
            self._drop_transaction()  # The next statement starts from a newer commit.

    def _abandon(self) -> None:
        """Undo what a failed statement belongs to."""
        if not self._in_block:
            self._end()
            return
        # As in PostgreSQL, nobody waits for a failed transaction until its client says ROLLBACK.
        if self._savepoints:
            # At once: row identifiers in the kept writes stay true in an open transaction only.
            with suppress(GatewayError):  # Then there are no savepoints any more.
                self._restore()
            return
        self._drop_transaction()
        self._undo_restarts(0)
        self._shared.locks.release(self)

    def _leave(self) -> None:
        with self._cancelling:
            self._depth -= 1
            if self._depth == 0 and self._cancelled:
                self._cancelled = False
                self._shared.locks.resume(self)

    def _open(self) -> Transaction:
        """The running transaction, begun if there is none."""
        if self._transaction is None:
            self._transaction = Transaction(
                self._shared.committed,
                self._connection,
                replays=self._in_block,
                isolation=self.isolation,
                deferral=self._deferral,
                keeps=self._keep_changed,
            )
        return self._transaction

    # Ends

    def cancel(self) -> None:
        """Stop the running call, from any thread: it raises QueryCanceled (57014).

        Without one nothing happens, and a later call is not hit.
        """
        with self._cancelling:
            if self._is_running:
                self._cancelled = True
                self._shared.locks.cancel(self)
                self._connection.interrupt()

    def close(self) -> None:
        """Undo what runs and give back the cursor; twice does nothing."""
        self._end()
        self._connection.close()
