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
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa

from gateway.errors import InternalError
from gateway.sources.table import TableName
from gateway.sql.functions import Function, FunctionName
from gateway.store import catalogue as kept
from gateway.store import changes, database
from gateway.store.ddl import Definer
from gateway.store.definitions import Changed, TableDefinition, View
from gateway.store.locks import TableLocks
from gateway.store.scope import Shared
from gateway.store.snapshots import Snapshot, SnapshotCache
from gateway.store.transactions import Committed, Moment, Transaction


class Store:
    """The user tables of one server.

    Args:
        directory: The data directory, made when it is not there; None: a temporary one of its
            own, removed by `close`.

    Raises:
        LockFileExists: F0001, another server has the directory.
        ConfigurationFault: F0000, its file has another format.
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
            catalogue = kept.load(connection)
            self._closing = undo.pop_all()
        self._shared = Shared(
            connection,
            Committed(catalogue, SnapshotCache()),
            TableLocks(),
            itertools.count(max(catalogue.oids, default=kept.FIRST_OID - 1) + 1),
        )

    def session(self) -> StoreSession:
        """A session for one client; close it before the store."""
        return StoreSession(self._shared)

    def close(self) -> None:
        """Write everything into the file and let go of the directory; twice does nothing."""
        self._closing.close()


class StoreSession(Definer):
    """One client's way to the user tables. One thread at a time calls it, but for `cancel`."""

    # What there is

    @property
    def version(self) -> int:
        """A number that stands for the schemas, tables, views and functions that this session sees.

        It grows with every committed change; a transaction that changed them itself has negative
        numbers, which no other state ever has.
        """
        return self._catalogue.version

    def schemas(self) -> list[str]:
        """Names of all schemas, sorted; "public" is always there."""
        return sorted(self._catalogue.schemas)

    def tables(self) -> list[TableName]:
        """Names of all tables, sorted."""
        found = self._catalogue.relations
        return sorted(n for n, r in found.items() if isinstance(r.definition, TableDefinition))

    def views(self) -> list[View]:
        """All views, sorted by name."""
        found = [r.definition for r in self._catalogue.relations.values()]
        return sorted((d for d in found if isinstance(d, View)), key=lambda view: view.name)

    def table(self, name: TableName) -> TableDefinition | None:
        """The table of this name; None when there is none."""
        found = self._catalogue.find_table(name)
        return found[1] if found else None

    def view(self, name: TableName) -> View | None:
        """The view of this name; None when there is none."""
        found = self._catalogue.find_view(name)
        return found[1] if found else None

    def function(self, key: FunctionName) -> Function | None:
        """The function of this name and number of arguments; None when there is none."""
        found = self._catalogue.functions.get(key)
        return found.function if found else None

    def functions(self) -> list[Function]:
        """All functions, sorted by schema, name and number of arguments."""
        found = self._catalogue.functions
        return [found[key].function for key in sorted(found)]

    def oid(self, name: TableName) -> int | None:
        """The number a table or view keeps for life; None when there is none of this name."""
        found = self._catalogue.relations.get(name)
        return found.oid if found else None

    # Rows out

    def snapshot(self, name: TableName, *, rowid: bool = False) -> Snapshot:
        """The rows of one table; see `snapshots`."""
        return self.snapshots([name], rowid_of=name if rowid else None)[name]

    def snapshots(
        self, names: Collection[TableName], *, rowid_of: TableName | None = None
    ) -> dict[TableName, Snapshot]:
        """The rows of several tables, all as of one moment.

        That is the last commit, or inside `writing` the moment it began, with its own changes.

        Args:
            names: The tables.
            rowid_of: The one among them that gets a first column `definitions.ROWID` (int64).
                The numbers mean something until the end of `writing` only.

        Raises:
            UndefinedTable: 42P01.
        """
        if self._is_idle and rowid_of is None:
            moment = self._shared.committed.moment
            if (found := self._cached(names, moment)) is not None:
                return found
        with self._statement():
            transaction = self._open()
            transaction.pin()
            return {name: self._read(transaction, name, name == rowid_of) for name in names}

    def _cached(
        self, names: Collection[TableName], moment: Moment
    ) -> dict[TableName, Snapshot] | None:
        """The tables from memory, when all of them are there: most SELECTs end here."""
        found = {}
        for name in names:
            oid, definition = moment.catalogue.table(name)
            rows = self._shared.committed.cache.get(oid, moment.version(oid))
            if rows is None:
                return None
            found[name] = Snapshot(rows, definition.comment)
        return found

    def _read(self, transaction: Transaction, name: TableName, rowid: bool) -> Snapshot:
        oid, definition = transaction.catalogue.table(name)
        rows = None if rowid else transaction.cached(oid)
        if rows is None:
            rows = changes.read(transaction, oid, definition, rowid)
            if not rowid:
                transaction.keep(oid, rows)
        return Snapshot(rows, definition.comment)

    # Rows in

    @contextmanager
    def writing(self, name: TableName) -> Iterator[None]:
        """Hold the table's write lock; what is written inside is committed at the end, or undone.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809, it is a view.
            DeadlockDetected: 40P01. QueryCanceled: 57014, `cancel` while it waited.
            GatewayError: 53100, ... from the commit.
        """
        with self._writing(name):
            yield

    def insert(
        self,
        name: TableName,
        columns: Sequence[str],
        batches: Iterable[pa.RecordBatch],
        *,
        returning: bool = False,
    ) -> Changed:
        """Append rows: the values of `columns` by position; other columns get their default.

        Raises:
            GatewayError: 42P01, 42703, 42804, 22003, 22001, 22P02, 23502, 23505, 53100, ...
        """
        with self._writing(name) as transaction:
            oid, definition = transaction.catalogue.table(name)
            return changes.insert(transaction, oid, definition, columns, batches, returning)

    def update(
        self,
        name: TableName,
        columns: Sequence[str],
        batches: Iterable[pa.RecordBatch],
        *,
        returning: bool = False,
    ) -> Changed:
        """Set `columns` in the rows that the first column of `batches` names; inside `writing`."""
        with self._changing() as transaction:
            oid, definition = transaction.catalogue.table(name)
            return changes.update(transaction, oid, definition, columns, batches, returning)

    def delete(
        self, name: TableName, batches: Iterable[pa.RecordBatch], *, returning: bool = False
    ) -> Changed:
        """Delete the rows that the one column of `batches` names; inside `writing`."""
        with self._changing() as transaction:
            oid, definition = transaction.catalogue.table(name)
            return changes.delete(transaction, oid, definition, batches, returning)

    def truncate(self, name: TableName) -> None:
        """Delete all rows of a table."""
        with self._writing(name) as transaction:
            changes.truncate(transaction, transaction.catalogue.table(name)[0])

    @contextmanager
    def _changing(self) -> Iterator[Transaction]:
        """The transaction in which the row identifiers of a delta were read."""
        if not self._is_running:
            raise InternalError("rows were changed outside StoreSession.writing")
        with self._statement():
            yield self._open()
