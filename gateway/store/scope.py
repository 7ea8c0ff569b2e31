"""A session's hold on the store: its cursor, its locks, its running transaction.

Every public call is a statement. Calls nest: an INSERT within `writing` joins its transaction,
and the outermost one commits and gives up the locks. A transaction of the user's own, when there
is one, will be one more outermost scope.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from gateway.sources.table import TableName
from gateway.store.catalogue import Catalogue
from gateway.store.locks import CATALOGUE, TableLocks
from gateway.store.transactions import Committed, Transaction


@dataclass(frozen=True, slots=True)
class Shared:
    """What all sessions of a store share; `oids` numbers new tables and views."""

    database: duckdb.DuckDBPyConnection
    committed: Committed
    locks: TableLocks
    oids: Iterator[int]


class Scope:
    """The part of a session that begins, locks and commits."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._cursor = shared.database.cursor()
        self._transaction: Transaction | None = None

    @property
    def _catalogue(self) -> Catalogue:
        if self._transaction is not None:
            return self._transaction.catalogue
        return self._shared.committed.moment.catalogue

    @contextmanager
    def _statement(self) -> Iterator[Transaction]:
        """The running transaction, or one of this statement's own, committed at its end."""
        if self._transaction is not None:
            with self._transaction.step():
                yield self._transaction
            return
        self._transaction = transaction = Transaction(self._shared.committed, self._cursor)
        try:
            yield transaction
            transaction.commit()
        except BaseException:  # Whatever ended it, a closed generator included, undoes it.
            transaction.rollback()
            raise
        finally:
            self._transaction = None

    @contextmanager
    def _locking(self) -> Iterator[None]:
        """Locks taken inside are given up at the end of the outermost statement."""
        outermost = self._transaction is None
        try:
            yield
        finally:
            if outermost:
                self._shared.locks.release_all(self)

    @contextmanager
    def _writing(self, name: TableName) -> Iterator[Transaction]:
        """A transaction that holds the table's write lock and began after getting it."""
        with self._locking():
            self._lock_table(name)
            with self._statement() as transaction:
                transaction.catalogue.table(name)
                yield transaction

    def _lock_table(self, name: TableName) -> None:
        """Wait for the table's lock; a name that came to mean another table is locked anew."""
        while True:
            oid, _ = self._catalogue.table(name)
            self._shared.locks.acquire(oid, self)
            if self._catalogue.table(name)[0] == oid:
                return

    @contextmanager
    def _defining(self) -> Iterator[Transaction]:
        """A transaction that holds the catalogue's lock and sees its newest state."""
        with self._locking():
            self._shared.locks.acquire(CATALOGUE, self)
            with self._statement() as transaction:
                yield transaction

    def _lock_catalogue(self, transaction: Transaction) -> None:
        """Take the catalogue's lock late in a statement that changed no name so far."""
        self._shared.locks.acquire(CATALOGUE, self)
        transaction.adopt_newest_catalogue()

    def cancel(self) -> None:
        """Stop the running call, from any thread: it raises QueryCanceled (57014)."""
        self._shared.locks.cancel(self)
        if self._transaction is not None:
            self._cursor.interrupt()

    def close(self) -> None:
        """Undo what runs and give back the cursor; twice does nothing."""
        if self._transaction is not None:
            self._transaction.rollback()
            self._transaction = None
        self._shared.locks.release_all(self)
        self._cursor.close()
