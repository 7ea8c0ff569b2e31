"""Rows out: the tables of one moment, from memory where they are there."""

from __future__ import annotations

from collections.abc import Collection

from gateway.errors import GatewayError, QueryCanceled
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.rows import row_lookups
from gateway.store.rows.measures import Measures
from gateway.store.rows.row_lookups import Wanted
from gateway.store.rows.snapshots import Snapshot
from gateway.store.transactions.committed import Moment
from gateway.store.transactions.locking import Locking
from gateway.store.transactions.locks import Mode
from gateway.store.transactions.transactions import Transaction


class Reader(Locking):
    """The part of a session that hands out rows."""

    @property
    def measures(self) -> Measures:
        """How much there is in the store."""
        return Measures(self._shared)

    def snapshot(self, name: TableName, *, rowid: bool = False) -> Snapshot:
        """The rows of one table; see `snapshots`."""
        return self.snapshots([name], rowid_of=name if rowid else None)[name]

    def snapshots(
        self,
        names: Collection[TableName],
        *,
        rowid_of: TableName | None = None,
        wanted: Wanted | None = None,
        once: bool = False,
    ) -> dict[TableName, Snapshot]:
        """The rows of several tables, all as of one moment.

        That is the last commit, or inside `writing` the moment it began, with its own changes.

        Args:
            names: The tables.
            rowid_of: The one among them that gets a first column `definitions.ROWID` (int64).
                The numbers mean something until the end of `writing` only.
            wanted: Of which values its rows may be; other ones are left out. Inside `writing`.
            once: Whether the statement reads nothing else, so that rows in memory will do without
                DuckDB's own look at the moment.

        Raises:
            UndefinedTable: 42P01.
        """
        self._wait_to_read(names)
        if self.is_idle and rowid_of is None:
            moment = self._shared.committed.moment
            if (found := self._cached(names, moment)) is not None:
                return found
        with self._statement():
            self._catch_up(names)
            transaction = self._open()
            alone = not (self._in_block or self.isolation.pins or transaction.changed)
            if once and alone and rowid_of is None:
                found = self._cached(names, transaction.moment)
                if found is not None:
                    return found
            if wanted is not None and list(names) == [rowid_of]:
                transaction.pin_locked()
            transaction.pin()
            return {n: self._read(transaction, n, n == rowid_of, wanted) for n in names}

    def few(self, name: TableName, wanted: Wanted) -> Snapshot | None:
        """The rows that have some values, read by a key; None where `snapshots` is to be asked.

        That is so while the rows are in memory, or have been looked at so often that they ought to
        be, and where no key is among the values.
        """
        self._wait_to_read([name])
        moment = self._shared.committed.moment
        if self.is_idle:
            oid, definition = moment.catalogue.table(name)
            if not self._are_worth_a_look(moment, oid, definition, wanted):
                return None
            with self._statement():
                return self._looked_up(moment, oid, definition, wanted)
        with self._statement():
            self._catch_up([name])
            transaction = self._open()
            oid, definition = transaction.catalogue.table(name)
            if oid not in transaction.changes and (
                transaction.cached(oid) is not None
                or not self._are_worth_a_look(transaction.moment, oid, definition, wanted)
            ):
                return None
            if row_lookups.most_rows(definition, wanted) is None:
                return None
            transaction.reads.add(oid)
            rows = row_lookups.read(transaction, oid, definition, wanted=wanted)
            return Snapshot(rows, definition.comment)

    def _wait_to_read(self, names: Collection[TableName]) -> None:
        """Wait for those who have locked one of the tables ACCESS EXCLUSIVE.

        A transaction block has them wait, too, until it ends.
        """
        locks = self._shared.locks
        if not (self._in_block or locks.excluding):
            return
        with self._statement():
            for name in names:
                oid = self._catalogue.table(name)[0]
                locks.acquire(oid, self, Mode.ACCESS_SHARE, seconds=self.lock_seconds)

    def shapes(
        self, names: Collection[TableName], *, rowid_of: TableName | None = None
    ) -> dict[TableName, Snapshot]:
        """The tables for a query that is only to be told of: without rows that are not in memory.

        Raises:
            UndefinedTable: 42P01.
        """
        moment, found = self._shared.committed.moment, {}
        for name in names:
            oid, definition = self._catalogue.table(name)
            held = None
            if self.is_idle and name != rowid_of:
                cache = self._shared.committed.cache
                held = cache.snapshot(oid, moment.version(oid), definition.comment)
            empty = row_lookups.schema_of(definition, name == rowid_of).empty_table()
            found[name] = held or Snapshot(empty, definition.comment)
        return found

    def _are_worth_a_look(
        self, moment: Moment, oid: int, definition: TableDefinition, wanted: Wanted
    ) -> bool:
        if row_lookups.most_rows(definition, wanted) is None:
            return False
        return self._shared.committed.cache.is_to_be_looked_up(oid, moment.version(oid))

    def _looked_up(
        self, moment: Moment, oid: int, definition: TableDefinition, wanted: Wanted
    ) -> Snapshot | None:
        """Rows by one statement of DuckDB's, which is a moment of its own."""
        try:
            rows = row_lookups.read_by(self._connection.idle(), oid, definition, wanted=wanted)
        except QueryCanceled:
            raise
        except GatewayError:  # of a table that others have just dropped or made anew
            return None
        same = self._shared.committed.moment.catalogue is moment.catalogue
        return Snapshot(rows, definition.comment) if same else None

    def _cached(
        self, names: Collection[TableName], moment: Moment
    ) -> dict[TableName, Snapshot] | None:
        """The tables from memory, when all of them are there: most SELECTs end here."""
        found = {}
        for name in names:
            oid, definition = moment.catalogue.table(name)
            cache = self._shared.committed.cache
            snapshot = cache.snapshot(oid, moment.version(oid), definition.comment)
            if snapshot is None:
                return None
            found[name] = snapshot
        return found

    def _read(
        self, transaction: Transaction, name: TableName, rowid: bool, wanted: Wanted | None
    ) -> Snapshot:
        oid, definition = transaction.catalogue.table(name)
        transaction.reads.add(oid)
        rows = None if rowid else transaction.cached(oid)
        if rows is None:
            limits = wanted if rowid else None
            rows = row_lookups.read(transaction, oid, definition, rowid=rowid, wanted=limits or {})
            if not rowid:
                transaction.keep(oid, rows)
        return Snapshot(rows, definition.comment)
