"""What is committed: the newest moment, and what goes with it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter_ns

import pyarrow as pa

from gateway.errors import GatewayError
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.disk.room import Room
from gateway.store.rows.snapshots import SnapshotCache
from gateway.store.transactions.isolation import Overlaps, Touched

# What a transaction did to a table: the batches it appended, or None when it did anything else.
Change = list[pa.RecordBatch] | None


@dataclass(frozen=True, slots=True)
class Moment:
    """What is committed: the catalogue, and a version per table that changes when its rows do."""

    catalogue: Catalogue
    versions: Mapping[int, int] = field(default_factory=dict)
    clock: int = 0

    def version(self, oid: int) -> int:
        """The version of a table's rows; 0 for rows nobody changed since the server started."""
        return self.versions.get(oid, 0)


# Of SQLSTATEs that tell of the data directory, and not of a statement: no space, no memory, a
# fault of the system's or of the store's own.
_FAULTS = ("53", "58", "XX")


@dataclass(slots=True)
class Counts:
    """What became of the transactions that changed something; changed under the lock of commits.

    `failure` is the SQLSTATE of the fault that the newest commit met, "" when it met none; `rows`
    are those that each kind of statement changed in each table, by oid, committed or not: changed
    by who holds the table's lock.
    """

    committed: int = 0
    rolled_back: int = 0
    commit_ns: int = 0
    failure: str = ""
    rows: Counter[tuple[int, str]] = field(default_factory=Counter)

    @contextmanager
    def committing(self) -> Iterator[None]:
        """Count the commit inside."""
        started = perf_counter_ns()
        try:
            yield
        except GatewayError as error:
            if error.code[:2] in _FAULTS:
                self.failure = error.code
            raise
        finally:
            self.commit_ns += perf_counter_ns() - started
        self.committed += 1
        self.failure = ""


class Committed:
    """The newest `Moment`, and the lock under which it moves on together with DuckDB.

    Reading needs no lock: the moment is one immutable value.
    """

    def __init__(self, catalogue: Catalogue, cache: SnapshotCache, room: Room) -> None:
        self.moment = Moment(catalogue)
        self._opened = frozenset(each.oid for each in catalogue.relations.values())
        self.room = room
        self.cache = cache
        self.overlaps = Overlaps()
        self.lock = threading.Lock()
        self.counts = Counts()

    def publish(
        self,
        changes: Mapping[int, Change],
        own: Catalogue | None,
        touched: Mapping[int, Touched],
    ) -> None:
        """Show what DuckDB has committed, under the lock.

        Args:
            changes: By table.
            own: The catalogue with the definitions of the transaction; None: it made none.
            touched: The rows that it changed, by table.
        """
        before = self.moment
        clock = before.clock + 1
        for oid, batches in changes.items():
            if batches is None:
                self.cache.drop(oid)
            else:
                self.cache.append(oid, before.version(oid), clock, batches)
        catalogue = before.catalogue
        if own is not None:
            # The lock of the catalogue let nobody else change it meanwhile.
            catalogue = replace(own, version=before.catalogue.version + 1)
        kept = before.versions if own is None else self._kept_versions(catalogue)
        versions = {**kept, **dict.fromkeys(changes, clock)}
        self.moment = Moment(catalogue, versions, clock)
        self.overlaps.note(clock, touched)

    def _kept_versions(self, catalogue: Catalogue) -> Mapping[int, int]:
        """The versions without those of tables that are gone.

        Who read such a table sees that it changed: made since the start, it has had another version
        than 0. One that was there at the start may have had 0, and keeps its last.
        """
        there = {each.oid for each in catalogue.relations.values()} | self._opened
        return {oid: version for oid, version in self.moment.versions.items() if oid in there}
