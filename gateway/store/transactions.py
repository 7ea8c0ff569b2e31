"""One transaction of the store: begin at a moment, see that moment, commit as a whole.

Today each statement is one. It keeps what it changed, so that the commit can carry the caches
forward, and its own catalogue, so that its DDL is seen by itself alone until then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa

from gateway.errors import InFailedTransaction
from gateway.store.catalogue import Catalogue
from gateway.store.faults import translated
from gateway.store.snapshots import SnapshotCache


@dataclass(frozen=True, slots=True)
class Moment:
    """What is committed: the catalogue, and a version per table that changes when its rows do."""

    catalogue: Catalogue
    versions: Mapping[int, int] = field(default_factory=dict)
    clock: int = 0

    def version(self, oid: int) -> int:
        """The version of a table's rows; 0 for rows nobody changed since the server started."""
        return self.versions.get(oid, 0)


class Committed:
    """The newest `Moment`, and the lock under which it moves on together with DuckDB.

    Reading needs no lock: the moment is one immutable value.
    """

    def __init__(self, catalogue: Catalogue, cache: SnapshotCache) -> None:
        self.moment = Moment(catalogue)
        self.cache = cache
        self.lock = threading.Lock()


# What a transaction did to a table: the batches it appended, or None when it did anything else.
Change = list[pa.RecordBatch] | None


class Transaction:
    """A DuckDB transaction on a session's cursor, begun when it is made."""

    def __init__(self, committed: Committed, cursor: duckdb.DuckDBPyConnection) -> None:
        self._committed = committed
        self.cursor = cursor
        self._begin()

    def _begin(self) -> None:
        self.changes: dict[int, Change] = {}
        self._pinned = False
        self._failed = False
        self._shares_cache = True
        with translated():
            self.cursor.begin()
        self.moment = self._committed.moment
        self.catalogue = self.moment.catalogue

    @property
    def changed(self) -> bool:
        """Whether it wrote anything."""
        return bool(self.changes) or self.catalogue is not self.moment.catalogue

    @contextmanager
    def step(self) -> Iterator[None]:
        """A statement inside; after one that failed, no other runs and nothing commits.

        Raises:
            InFailedTransaction: 25P02.
        """
        self._refuse_failed()
        try:
            yield
        except BaseException:  # Whatever ended it, it may have left half of its work.
            self._failed = True
            raise

    def _refuse_failed(self) -> None:
        if self._failed:
            raise InFailedTransaction(
                "current transaction is aborted, commands ignored until end of transaction block"
            )

    def pin(self) -> None:
        """Fix the moment before rows are read from DuckDB, so that both mean the same commit.

        DuckDB takes its snapshot at its first read or write, not at BEGIN. Where a write of this
        transaction did so, nothing tells at which commit, and the cache stays out of it.
        """
        if self._pinned:
            return
        self._pinned = True
        if self.changed:
            self._shares_cache = False
            return
        with self._committed.lock, translated():
            self.cursor.execute("SELECT 1 FROM gradwire.settings LIMIT 1").fetchall()
            newest = self._committed.moment
        if self.catalogue is self.moment.catalogue:
            self.catalogue = newest.catalogue
        self.moment = newest

    def adopt_newest_catalogue(self) -> None:
        """See names as they are now, under the catalogue's lock; rows stay as they were."""
        if self.catalogue is self.moment.catalogue:
            newest = self._committed.moment.catalogue
            self.moment = replace(self.moment, catalogue=newest)
            self.catalogue = newest

    def append(self, oid: int, rows: pa.RecordBatch) -> None:
        """Note rows that were added at the end of a table."""
        version = self.moment.version(oid)
        if oid not in self.changes and not self._committed.cache.holds(oid, version):
            self.changes[oid] = None  # Nobody would read the noted rows.
        noted = self.changes.setdefault(oid, [])
        if noted is not None:
            noted.append(rows)

    def rewrite(self, oid: int) -> None:
        """Note that rows of a table were changed or deleted."""
        self.changes[oid] = None

    def cached(self, oid: int) -> pa.Table | None:
        """A table's rows as this transaction sees them, when they are in memory."""
        if oid in self.changes or not self._shares_cache:
            return None
        return self._committed.cache.get(oid, self.moment.version(oid))

    def keep(self, oid: int, rows: pa.Table) -> None:
        """Offer rows that were read for other sessions to use."""
        if oid not in self.changes and self._shares_cache:
            self._committed.cache.put(oid, self.moment.version(oid), rows)

    def commit(self) -> None:
        """Make everything durable, then visible; or raise and leave nothing."""
        self._refuse_failed()
        if not self.changed:
            self.rollback()
            return
        with self._committed.lock:
            with translated():
                self.cursor.commit()
            self._publish()

    def rollback(self) -> None:
        """Undo everything; nothing happens when DuckDB has done so itself."""
        with suppress(duckdb.Error):
            self.cursor.rollback()

    def _publish(self) -> None:
        before = self._committed.moment
        clock = before.clock + 1
        for oid, batches in self.changes.items():
            if batches is None:
                self._committed.cache.drop(oid)
            else:
                self._committed.cache.append(oid, before.version(oid), clock, batches)
        catalogue = before.catalogue
        if self.catalogue is not self.moment.catalogue:
            # The lock of the catalogue let nobody else change it meanwhile.
            catalogue = replace(self.catalogue, version=before.catalogue.version + 1)
        versions = {**before.versions, **dict.fromkeys(self.changes, clock)}
        self._committed.moment = Moment(catalogue, versions, clock)
