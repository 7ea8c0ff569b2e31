"""A session's locks: taken before it looks at rows or names, which are seen anew then."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pyarrow as pa

from gateway.sources.table import TableName
from gateway.store.definitions.definitions import Changed
from gateway.store.transactions.connection import Connection
from gateway.store.transactions.isolation import concurrent_update
from gateway.store.transactions.locks import CATALOGUE, Key, Locks, Mode, tied
from gateway.store.transactions.row_locks import Kept, Rows, RowsAreKept, committed_rows
from gateway.store.transactions.scope import Scope
from gateway.store.transactions.transactions import Transaction
from gateway.store.transactions.writes import OneChange


class Locking(Scope):
    """The part of a session that locks tables and the catalogue, and counts what it changes."""

    _one: OneChange | None = None  # the newest of a statement's, to be counted at its end

    @property
    def shared_locks(self) -> Locks:
        """Those of all sessions."""
        return self._shared.locks

    def holders_before(self) -> set[object]:
        """The sessions that hold what it waits for; none when it does not wait."""
        return self._shared.locks.holders_before(self)

    def locks(self) -> list[tuple[Key, Mode, bool]]:
        """Each lock that it holds (True) or waits for (False); see `Locks`."""
        return self._shared.locks.of(self)

    def _noted(self, command: str, oid: int, changed: Changed) -> Changed:
        """The rows that a command changed in a table, counted."""
        self._shared.committed.counts.rows[oid, command] += changed.count
        return changed

    @contextmanager
    def _writing(
        self,
        name: TableName,
        command: str = "INSERT",
        reading: Collection[TableName] = (),
        *,
        mode: Mode = Mode.WRITE,
    ) -> Iterator[Transaction]:
        """A transaction that holds the table's lock and sees its newest rows.

        With that of a writer go the locks of the tables that foreign keys tie to it as far as
        `command` (INSERT, UPDATE or DELETE) can break them.
        """
        with self._statement():
            self._lock_tables(name, command, reading, mode=mode)
            transaction = self._open()
            transaction.catalogue.table(name)
            yield transaction

    def _lock_tables(
        self,
        name: TableName,
        command: str,
        reading: Collection[TableName] = (),
        *,
        whole: bool = False,
        mode: Mode = Mode.WRITE,
    ) -> None:
        """Wait for the locks, lowest number first; names that changed hands are locked anew.

        Args:
            name: The table that is written.
            command: What is done to it.
            reading: What the statement reads besides.
            whole: Whether all rows are changed, whoever added them.
            mode: How they are held.
        """
        while True:
            oid, definition = self._catalogue.table(name)
            wanted = self._tied(name, command, mode)
            to_itself = any(key.table == name for key in definition.foreign_keys) or (
                bool(definition.held_keys) and command != "DELETE"
            )
            for each in sorted(wanted):
                kept = mode if each == oid else Mode.WRITE
                self._lock_relation(each, whole=whole or to_itself or each != oid, mode=kept)
            self._catch_up(reading)
            self._refuse_redefined(name, command, wanted)
            if self._tied(name, command, mode) <= wanted:
                return

    def _tied(self, name: TableName, command: str, mode: Mode) -> set[int]:
        """The tables whose locks a write takes; to have rows stay takes that of their table."""
        if mode in (Mode.ROWS, Mode.ROWS_SHARED):
            return {self._catalogue.table(name)[0]}
        return tied(self._catalogue, name, command)

    def _lock_relation(self, oid: int, *, whole: bool = True, mode: Mode = Mode.WRITE) -> None:
        """Wait for a relation's lock, then see its newest rows.

        Args:
            oid: The relation.
            whole: Whether rows count that others added since the snapshot of a transaction that
                sees one commit throughout.
            mode: How it is to be held.

        Raises:
            SerializationFailure: 40001, the statement has read rows that are old now.
        """
        taken = self._shared.locks.acquire(oid, self, mode, seconds=self.lock_seconds)
        if taken:
            self._taken.append((oid, mode))
        transaction = self._transaction
        if transaction is None or not (taken or self._pins):
            return
        if not transaction.changed:
            transaction.pin()
        newest = self._shared.committed.moment
        if newest.version(oid) == transaction.moment.version(oid):
            return
        if self._pins:
            if whole:
                raise concurrent_update()
            return  # what it changes is compared row by row
        if self._depth > 1 or (transaction.changed and not self._in_block):
            raise concurrent_update()
        transaction.rebase(self._marks)

    def _catch_up(self, reading: Collection[TableName]) -> None:
        """Have a READ COMMITTED transaction see the newest commit, if that shows other things.

        Only at the start of a statement: later its rows are read already.
        """
        transaction = self._transaction
        if transaction is None or not self._in_block or self._pins or self._depth > 1:
            return
        newest, seen = self._shared.committed.moment, transaction.moment
        if newest is seen:
            return
        held = [transaction.catalogue.find_table(name) for name in reading]
        oids = [found[0] for found in held if found is not None]
        if newest.catalogue is not seen.catalogue or any(
            newest.version(oid) != seen.version(oid) for oid in oids
        ):
            transaction.rebase(self._marks)

    def _refuse_redefined(self, name: TableName, command: str, wanted: set[int]) -> None:
        """Refuse to write what means something else now than in the commit that is seen.

        Raises:
            SerializationFailure: 40001.
        """
        if not self._pins or self._transaction is None:
            return
        seen, newest = self._transaction.moment.catalogue, self._shared.committed.moment.catalogue
        if newest is seen or self._transaction.own_catalogue is not None:
            return
        same = all(newest.by_oid(oid) == seen.by_oid(oid) for oid in wanted)
        if not same or tied(newest, name, command) != wanted:
            raise concurrent_update()

    # Locks that are asked for

    def lock(self, name: TableName, mode: Mode) -> None:
        """Take a table's lock, and no snapshot."""
        with self._statement():
            self._lock_relation(self._catalogue.table(name)[0], whole=False, mode=mode)
            self._catalogue.table(name)

    def lock_rows(self, name: TableName, mode: Mode = Mode.ROWS) -> None:
        """Have rows of a table that were or will be read stay as they are.

        Raises:
            SerializationFailure: 40001, the transaction sees one commit throughout, and others
                changed rows since.
        """
        with self._writing(name, mode=mode) as transaction:
            oid, shared = transaction.catalogue.table(name)[0], mode is Mode.ROWS_SHARED
            transaction.refuse_changed(oid)
            if self._shared.locks.keep_rows(oid, Kept(self, shared, None)) is None:
                raise RowsAreKept(oid, shared)

    def row_version(self, name: TableName) -> int:
        """A number of a table's committed rows: another one, once another session changed them."""
        moment = self._shared.committed.moment
        return moment.version(self._catalogue.table(name)[0])

    def is_free(self, name: TableName, mode: Mode) -> bool:
        """Whether `lock_rows` would not wait."""
        locks, oid = self._shared.locks, self._catalogue.table(name)[0]
        kept = locks.rows_of_others(oid, self, mode is Mode.ROWS_SHARED)
        return not kept and locks.is_free(oid, self, mode)

    @contextmanager
    def keeping_rows(self, name: TableName) -> Iterator[int]:
        """A statement that reads identifiers of rows, to keep them by `keep_rows`.

        Until the transaction ends they mean the same to all. What comes is the number of the newest
        commit.
        """
        committed = self._shared.committed
        with self._statement():
            oid = self._catalogue.table(name)[0]
            if self._shared.locks.acquire(oid, self, Mode.ROW_SHARE, seconds=self.lock_seconds):
                self._taken.append((oid, Mode.ROW_SHARE))
            with committed.lock:
                if self._guard is None:
                    self._guard = Connection(self._shared.database.cursor())
                    self._guard.take_snapshot()
                clock = committed.moment.clock
                committed.overlaps.hold(clock)
            try:
                self._catch_up([name])
                yield clock
            finally:
                committed.overlaps.let_go(clock)
            begun = self._transaction is not None and not self._transaction.changed
            if self._depth > 1 and begun and not self._pins:
                self._drop_transaction()  # what follows takes locks, and sees what is newest

    def keep_rows(self, name: TableName, rows: Rows, since: int, *, shared: bool) -> bool:
        """Keep rows until the transaction ends; False when others keep one. In `keeping_rows`.

        Args:
            name: Their table.
            rows: Their identifiers.
            since: What `keeping_rows` gave.
            shared: Whether others may keep them, too.

        Raises:
            RowsAreKept: Others have changed one since.
            SerializationFailure: 40001, the same, and the transaction sees one commit throughout.
        """
        oid, mine = self._catalogue.table(name)[0], committed_rows(rows)
        if not len(mine):
            return True
        kept = self._shared.locks.keep_rows(oid, Kept(self, shared, mine))
        if kept is None:
            return False
        if self._pins:
            self._open().refuse_changed(oid, pa.table({"row": mine}))
        elif self._shared.committed.overlaps.changed(oid, since, pa.chunked_array([mine])):
            self._shared.locks.drop_rows(oid, kept)
            raise RowsAreKept
        return True

    def rows_of_others(self, name: TableName, *, shared: bool) -> list[Kept]:
        """What others keep of a table, so that this session cannot."""
        oid = self._catalogue.table(name)[0]
        return self._shared.locks.rows_of_others(oid, self, shared)

    def wait_for_rows(self, kept: RowsAreKept) -> None:
        """Wait for those who keep what a statement is to change or lock, which is done again."""
        if kept.oid is not None:
            wanted = kept.oid, self, kept.shared, kept.rows, self.lock_seconds
            with self._statement():
                self._shared.locks.wait_for_rows(*wanted)

    def _keep_all(self, oid: int) -> bool:
        """Keep all rows of a table, if nobody keeps some of them, this session neither."""
        locks, kept = self._shared.locks, Kept(self, False, None, not self._in_block)
        return not locks.keeps_single_rows(oid, self) and locks.keep_rows(oid, kept) is not None

    def _keep_changed(self, oid: int, rows: Rows | None) -> None:
        """Keep rows that are about to be changed; others who keep one are waited for.

        Raises:
            RowsAreKept: The statement has changed nothing yet, and can be done again.
        """
        locks = self._shared.locks
        while locks.keep_rows(oid, Kept(self, False, rows, not self._in_block)) is None:
            if self._transaction is None or len(self._transaction.writes) == self._written:
                raise RowsAreKept(oid, False, rows)
            locks.wait_for_rows(oid, self, False, rows, self.lock_seconds)

    @contextmanager
    def _defining(self) -> Iterator[Transaction]:
        """A transaction that holds the catalogue's lock and sees its newest state."""
        with self._statement():
            self._lock_catalogue()
            yield self._open()

    def _lock_catalogue(self) -> None:
        """Take the catalogue's lock, then see its newest state.

        A statement of its own that has rows already keeps them; names alone are brought up.

        Raises:
            SerializationFailure: 40001, the transaction is to see one commit, and it is older.
        """
        self._shared.locks.acquire(CATALOGUE, self, seconds=self.lock_seconds)
        transaction = self._transaction
        if transaction is None:
            return
        if self._shared.committed.moment.catalogue is transaction.moment.catalogue:
            return
        if self._pins:
            raise concurrent_update()
        if self._in_block:
            transaction.rebase(self._marks)
        else:
            transaction.adopt_newest_catalogue()
