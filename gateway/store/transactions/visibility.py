"""What a transaction of the store sees: one moment of what is committed, and its own changes.

What it writes is told in `transactions`.
"""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pyarrow as pa

from gateway.store.definitions.catalogue import Catalogue
from gateway.store.transactions.committed import Change, Committed, Moment
from gateway.store.transactions.connection import Connection
from gateway.store.transactions.isolation import Isolation, concurrent_update


class Seeing:
    """The part of a transaction that fixes its moment.

    Args:
        committed: What others have committed.
        connection: The session's own.
        replays: Whether it may begin again at a newer commit.
        isolation: What of others' commits it may see.
    """

    def __init__(
        self, committed: Committed, connection: Connection, replays: bool, isolation: Isolation
    ) -> None:
        self._committed = committed
        self._connection = connection
        self._replays = replays
        self._isolation = isolation
        self._holds: int | None = None  # the commit that all of it sees, to `Overlaps`
        self.reads: set[int] = set()  # the tables
        self._look(committed.moment)

    def _look(self, moment: Moment) -> None:
        self.changes: dict[int, Change] = {}
        self._pinned = False
        self._shares_cache = True
        self.moment = moment
        self.catalogue = moment.catalogue

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """DuckDB inside this transaction, with all that was written before.

        Raises:
            GatewayError: of rows that were appended before.
        """
        if self._replays:
            self.pin()
        return self._connection.after_appends()

    @property
    def own_catalogue(self) -> Catalogue | None:
        """The catalogue with the transaction's own definitions; None when it made none."""
        return None if self.catalogue is self.moment.catalogue else self.catalogue

    @property
    def changed(self) -> bool:
        """Whether it wrote anything."""
        return bool(self.changes) or self.own_catalogue is not None

    def pin(self) -> None:
        """Fix the moment before rows are read from DuckDB, so that both mean the same commit.

        DuckDB takes its snapshot at its first read or write, not at BEGIN. Where a write of this
        transaction did so, nothing tells at which commit, and the cache stays out of it.
        """
        if self._pinned:
            return
        self._pinned = True
        if self._connection.is_written:
            self._shares_cache = False
            return
        with self._committed.lock:
            newest = self._take_snapshot()
        if self.own_catalogue is None:
            self.catalogue = newest.catalogue
        self.moment = newest

    def pin_locked(self) -> None:
        """The same before rows are read of tables alone whose locks are held.

        Every commit since has the same rows of these, so nothing has to be held up to fix one.
        """
        if self._replays or self._isolation.pins:
            self.pin()
        elif not self._pinned:
            self._pinned, self._shares_cache = True, False

    def _take_snapshot(self) -> Moment:
        """Have DuckDB take its snapshot, under the lock of commits; the moment it shows."""
        self._connection.take_snapshot()
        moment = self._committed.moment
        if self._isolation.pins:
            self._let_go()
            self._committed.overlaps.hold(moment.clock)
            self._holds = moment.clock
        return moment

    def _let_go(self) -> None:
        if self._holds is not None:
            self._committed.overlaps.let_go(self._holds)
            self._holds = None

    def adopt_newest_catalogue(self) -> None:
        """See names as they are now, under the catalogue's lock; rows stay as they were."""
        if self.catalogue is self.moment.catalogue:
            newest = self._committed.moment.catalogue
            self.moment = replace(self.moment, catalogue=newest)
            self.catalogue = newest

    def refuse_changed(self, oid: int, delta: pa.Table | None = None) -> None:
        """Refuse to change rows that others changed since the snapshot that all of it sees.

        Args:
            oid: The table, whose lock is held.
            delta: Names them in its column `row`; None: all that it sees.

        Raises:
            SerializationFailure: 40001.
        """
        if self._holds is not None:
            rows = None if delta is None else delta.column("row")
            if self._committed.overlaps.changed(oid, self._holds, rows):
                raise concurrent_update()

    def refuse_moved(self, oid: int) -> None:
        """Refuse to go on where others changed a table since the snapshot that all of it sees.

        Raises:
            SerializationFailure: 40001.
        """
        newest = self._committed.moment
        if self._holds is not None and newest.version(oid) != self.moment.version(oid):
            raise concurrent_update()

    def cached(self, oid: int) -> pa.Table | None:
        """A table's rows as this transaction sees them, when they are in memory."""
        if oid in self.changes or not self._shares_cache:
            return None
        return self._committed.cache.get(oid, self.moment.version(oid))

    def keep(self, oid: int, rows: pa.Table) -> None:
        """Offer rows that were read for other sessions to use."""
        if oid not in self.changes and self._shares_cache:
            self._committed.cache.put(oid, self.moment.version(oid), rows)

    def _read_otherwise(self) -> bool:
        newest = self._committed.moment
        return any(newest.version(oid) != self.moment.version(oid) for oid in self.reads)
