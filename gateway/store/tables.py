"""User tables: snapshots out, deltas in, each statement whole or not at all.

DuckDB keeps the rows, the log and the constraints, in one file of the data directory; the engine
does all the querying. A statement that changes rows of a table goes

1. `StoreSession.writing`      takes the table's write lock, then begins at the newest commit,
2. `StoreSession.snapshots`    hands the tables to the engine, which computes the delta,
3. `insert`, `update`, `delete` assign the values and apply them (`changes`),
4. the end of `writing`        commits: durable, then visible, then the lock is free.

`n = n + 1` from many clients therefore loses nothing and conflicts with nothing.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Sequence as Sequence_
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pyarrow as pa

from gateway.errors import GatewayError, InternalError, UniqueViolation
from gateway.roles import Made
from gateway.sources.table import TableName
from gateway.sql.writes.conflicts import Arbiter
from gateway.store.ddl.names import Names
from gateway.store.definitions.catalogue import FIRST_OID, TEMPORARY
from gateway.store.definitions.definitions import Changed, Key
from gateway.store.disk import backup, database, disk
from gateway.store.disk.faults import translated
from gateway.store.disk.room import Room
from gateway.store.rows import by_key, changes, keys, references, upserts
from gateway.store.rows.changes import Target
from gateway.store.rows.keys import check_put_off
from gateway.store.rows.reading import Reader
from gateway.store.rows.references import hold_references
from gateway.store.rows.sequences import SequenceValues
from gateway.store.rows.snapshots import SnapshotCache
from gateway.store.transactions.committed import Committed, Counts
from gateway.store.transactions.locks import Locks, Mode
from gateway.store.transactions.scope import Shared
from gateway.store.transactions.transactions import Transaction
from gateway.store.transactions.writes import OneChange

# How long a session that ends waits to drop its temporary tables.
_CLOSING_SECONDS = 5.0


class Store:
    """The user tables of one server.

    Args:
        directory: The data directory, made when missing; None: one that `close` removes.

    Raises:
        LockFileExists: F0001, it is another server's. ConfigurationFault: F0000, another format.
    """

    def __init__(self, directory: Path | None) -> None:
        with ExitStack() as undo:
            if directory is None:
                temporary = tempfile.TemporaryDirectory(
                    prefix="gradwire-", ignore_cleanup_errors=True
                )
                directory = Path(undo.enter_context(temporary))
            directory.mkdir(parents=True, exist_ok=True)
            self.directory = directory
            undo.enter_context(database.lock(directory))
            connection = database.open_database(directory)
            undo.callback(connection.close)
            catalogue = disk.load(connection)
            sequences = SequenceValues(connection.cursor())
            sequences.load(set(catalogue.oids))
            undo.callback(sequences.close)
            self._closing = undo.pop_all()
        self._numbers = itertools.count(1)
        self._shared = Shared(
            connection,
            Committed(catalogue, SnapshotCache(), Room(directory, connection)),
            Locks(),
            itertools.count(max(catalogue.oids, default=FIRST_OID - 1) + 1),
            sequences,
        )

    @property
    def counts(self) -> Counts:
        """What became of transactions."""
        return self._shared.committed.counts

    @property
    def locks(self) -> Locks:
        """Who waits for whom."""
        return self._shared.locks

    @property
    def made_roles(self) -> Made:
        """The roles that statements made, as they are committed."""
        return self._shared.committed.moment.catalogue.made

    def memory_bytes(self) -> int:
        """What DuckDB holds in memory.

        Raises:
            GatewayError: 53100, ...: the database was given up.
        """
        with translated(), self._shared.database.cursor() as cursor:
            row = cursor.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchone()
        return int(row[0] or 0) if row else 0

    def session(self) -> StoreSession:
        """A session for one client; close it before the store."""
        return StoreSession(self._shared, next(self._numbers))

    def back_up(self, target: Path) -> None:
        """Copy the data directory into `target`, a new directory, as of one commit.

        Readers go on; commits wait until the files are copied.

        Raises:
            ConfigurationFault: F0000, there is something at `target`.
            OSError: the files cannot be written.
        """
        with self._shared.committed.lock, self._shared.sequences.standing():
            backup.copy_files(self.directory, target)

    def answer_backup(self) -> None:
        """Make the copy that `gradwire backup` asked for, if it did, and tell it."""
        backup.answer_request(self.directory, self.back_up)

    def close(self) -> None:
        """Write everything into the file and let go of the directory; twice does nothing."""
        self._closing.close()


class StoreSession(Names, Reader):
    """One client's way to the user tables. One thread at a time calls it, but for `cancel`.

    Args:
        shared: What all sessions share.
        number: Which session it is; its temporary tables are in schema `pg_temp_<number>`.
    """

    def __init__(self, shared: Shared, number: int) -> None:
        super().__init__(shared)
        self.temporary_schema = f"{TEMPORARY}{number}"

    def close(self) -> None:
        """Undo what runs, drop the temporary tables, give back the cursor; twice does nothing."""
        self._end()
        if any(n.schema == self.temporary_schema for n in self._catalogue.relations):
            self.lock_seconds = _CLOSING_SECONDS
            with suppress(GatewayError):  # what is left goes when the store is opened again
                self.drop_temporary()
        super().close()

    def drop_temporary(self) -> None:
        """Drop everything temporary of this session."""
        with self._defining() as transaction:
            held = transaction.catalogue.relations
            own = [r for n, r in held.items() if n.schema == self.temporary_schema]
            self._drop(transaction, own, True)

    def _end_statement(self, transaction: Transaction) -> None:
        """What was put off, and ON COMMIT of temporary tables, before their transaction commits."""
        check_put_off(transaction, self.expressions)
        own = [
            relation
            for name, relation in transaction.catalogue.relations.items()
            if name.schema == self.temporary_schema
        ]
        emptied = [
            r.definition.name for r in own if getattr(r.definition, "on_commit", "") == "delete"
        ]
        references.refuse_emptied(transaction.catalogue, emptied)
        for name in emptied:
            changes.truncate(self._target(transaction, name))
        dropped = [r for r in own if getattr(r.definition, "on_commit", "") == "drop"]
        if dropped:
            self._lock_catalogue()
            self._drop(self._open(), dropped, True)

    # Rows in

    @contextmanager
    def writing(
        self, name: TableName, command: str = "INSERT", reading: Collection[TableName] = ()
    ) -> Iterator[None]:
        """Hold the table's write lock; what is written inside is committed at the end, or undone.

        Args:
            name: The table.
            command: INSERT, UPDATE or DELETE: what will be done to it at most. Locks of tables that
                foreign keys tie to it go with it.
            reading: The tables that are read inside.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809, it is a view.
            DeadlockDetected: 40P01. QueryCanceled: 57014, `cancel` while it waited.
            GatewayError: 53100, ... from the commit.
        """
        self._one = None
        with self._writing(name, command, reading):
            yield
        if (one := self._one) is not None:  # whose count may be known since the commit alone
            self._noted(one.command, one.oid, Changed(one.count or 0))

    @contextmanager
    def writing_several(
        self, targets: Collection[tuple[TableName, str]], reading: Collection[TableName]
    ) -> Iterator[None]:
        """The same for several tables, each with its command; keys are checked at the end."""
        with self._statement():
            for name, command in targets:
                self._lock_tables(name, command, reading)
            transaction = self._open()
            transaction.deferral.waits = True
            try:
                yield
            finally:
                transaction.deferral.waits = False
                later, transaction.deferral.later = transaction.deferral.later, []
            for action in later:
                action()
            check_put_off(transaction, self.expressions, only_due=True)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Keep the locks that are taken inside to its end, as part of one statement."""
        with self._statement():
            yield

    def insert(
        self,
        name: TableName,
        columns: Sequence_[str],
        batches: Iterable[pa.RecordBatch],
        *,
        returning: bool = False,
        last: bool = False,
    ) -> Changed:
        """Append rows: the values of `columns` by position; other columns get their default.

        With `last` nothing follows inside `writing`, whose end may raise what this would.

        Raises:
            GatewayError: 42P01, 42703, 42804, 22003, 22001, 22P02, 23502, 23503, 23505, 23514,
                53100, ...
        """
        with self._writing(name) as transaction:
            target = self._target(transaction, name)
            held = bool(target.definition.foreign_keys or target.definition.held_keys)
            keyless = not target.definition.key_names()
            waits = not held and (keyless or (last and not self._in_block))
            admit = by_key.refuse_taken if self._savepoints else None
            whole = returning or held
            changed = changes.insert(target, columns, batches, whole, waits=waits, admit=admit)
            self._noted("INSERT", target.oid, changed)
            if held:
                keys.hold_keys(target, changed.rows)
                hold_references(target, changed.rows)
            return changed if returning else Changed(changed.count)

    # Rows in, ON CONFLICT: all inside `writing`

    def arbiters(self, name: TableName, wanted: Arbiter) -> list[Key]:
        """The keys that ON CONFLICT means; see `upserts.arbiters`."""
        return upserts.arbiters(self._catalogue.table(name)[1], wanted)

    def propose(
        self, name: TableName, columns: Sequence_[str], batches: Iterable[pa.RecordBatch]
    ) -> pa.Table:
        """The rows that `insert` would append, whole and checked; none is appended."""
        with self._changing() as transaction:
            return upserts.propose(self._target(transaction, name), columns, batches)

    def in_the_way(self, name: TableName, rows: pa.Table, key: Key) -> pa.Array:
        """For each row the identifier of the row with the same key; NULL where there is none."""
        with self._changing() as transaction:
            return upserts.in_the_way(self._target(transaction, name), rows, key)

    def key_values(self, name: TableName, rows: pa.Table, key: Key) -> list[keys.Values]:
        """What each of these rows is under a key; None where the key is not about it."""
        with self._changing() as transaction:
            return keys.key_values(self._target(transaction, name), rows, key)

    def append(self, name: TableName, rows: pa.Table) -> None:
        """Append rows that `propose` gave."""
        with self._changing() as transaction:
            target = self._target(transaction, name)
            try:
                upserts.append_whole(target, rows)
                self._noted("INSERT", target.oid, Changed(rows.num_rows))
            except UniqueViolation:  # of a row that others added, which `in_the_way` did not see
                transaction.refuse_moved(target.oid)
                raise
            keys.hold_keys(target, rows)
            hold_references(target, rows)

    def update(
        self,
        name: TableName,
        columns: Sequence_[str],
        batches: Iterable[pa.RecordBatch],
        *,
        returning: bool = False,
    ) -> Changed:
        """Set `columns` in the rows that the first column of `batches` names; inside `writing`."""
        with self._changing() as transaction:
            target = self._target(transaction, name)
            changed = references.update(target, columns, batches, returning)
            return self._noted("UPDATE", target.oid, changed)

    def change_one(self, name: TableName, change: by_key.KeyChange) -> OneChange | None:
        """Change or delete the row that has a key; inside `writing`, whose end it may wait for.

        None where that is not possible, and rows must be read; nothing was done then.
        """
        with self._changing() as transaction:
            if not transaction.may_change_one:
                return None
            found = by_key.as_one(self._target(transaction, name), change)
            if found is None or not self._keep_all(found.oid):
                return None
            ends = self._depth == 2 and not self._in_block  # with `writing`
            with translated():
                transaction.change_one(found, waits=ends)
            self._one = found
            return found

    def delete(
        self, name: TableName, batches: Iterable[pa.RecordBatch], *, returning: bool = False
    ) -> Changed:
        """Delete the rows that the one column of `batches` names; inside `writing`."""
        with self._changing() as transaction:
            target = self._target(transaction, name)
            changed = references.delete(target, batches, returning)
            return self._noted("DELETE", target.oid, changed)

    def truncate(self, names: Collection[TableName]) -> None:
        """Delete all rows of tables.

        Raises:
            FeatureNotSupported: 0A000, a table beside them refers to one of them.
        """
        with self._statement():
            for name in names:
                self._lock_tables(name, "INSERT", whole=True, mode=Mode.EXCLUSIVE)
            transaction = self._open()
            references.refuse_truncated(transaction.catalogue, names)
            for name in names:
                target = self._target(transaction, name)
                changes.truncate(target)
                self._emptied[target.oid] = len(self._savepoints)

    def referring(self, names: Collection[TableName]) -> list[TableName]:
        """The tables that refer to one of these, directly or through others, and these."""
        found = list(dict.fromkeys(names))
        for name in found:  # grows as it is read
            children = self._catalogue.referring(name)
            found += [c.definition.name for c in children if c.definition.name not in found]
        return found

    def _target(self, transaction: Transaction, name: TableName) -> Target:
        oid, definition = transaction.catalogue.table(name)
        return Target(transaction, oid, definition, self.expressions)

    @contextmanager
    def _changing(self) -> Iterator[Transaction]:
        """The transaction in which the row identifiers of a delta were read."""
        if not self._is_running:
            raise InternalError("rows were changed outside StoreSession.writing")
        with self._statement():
            yield self._open()
