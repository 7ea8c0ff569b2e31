"""Rows of user tables in memory: what a SELECT scans, and the cache that spares it copying.

A snapshot is a list of record batches that never change; appending rows makes a new list that
shares the old batches. So a training loop that adds a row at each step and reads its history at
each step copies little.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gateway.sources.table import Description, Held, Partition

# Rows in one batch of a scan; DataFusion's own 8192 is 3-8 times slower from Python.
SCAN_ROWS = 131_072

# As often a few rows of a version are looked up before all of it is read: of a million rows that
# takes some 30 times as long as one of them does.
_MOST_LOOKS = 32

# What all cached snapshots may take together. A table past it is read from disk at each
# statement: the rows have to be held for the statement in any case.
CACHE_BYTES = 256 * 2**20


class Snapshot(Held):
    """A user table at one moment, as the engine reads it: a `Table` of one `Partition`."""

    def __init__(self, rows: pa.Table, comment: str = "") -> None:
        self.rows = rows
        self._description = Description(comment)

    @property
    def schema(self) -> pa.Schema:
        """Column names and Arrow types."""
        return self.rows.schema

    @property
    def description(self) -> Description:
        """What COMMENT ON TABLE said."""
        return self._description

    @property
    def held_rows(self) -> pa.Table:
        """All of them."""
        return self.rows

    def partitions(self, predicate: pc.Expression | None) -> Sequence[Partition]:
        """The one part."""
        return (self,)

    def scan(
        self, columns: Sequence[str], predicate: pc.Expression | None
    ) -> Iterator[pa.RecordBatch]:
        """Batches of `columns` with the rows for which `predicate` is true, NaN above all numbers.

        Arrow finds NaN neither equal to nor above anything; PostgreSQL and the engine find it
        above infinity. So the predicate is asked about infinity where a NaN stands.
        """
        for batch in self.rows.to_batches(max_chunksize=SCAN_ROWS):
            if predicate is not None:
                batch = _filtered(batch, predicate)
            if batch.num_rows:
                yield batch.select(list(columns))


def _filtered(batch: pa.RecordBatch, predicate: pc.Expression) -> pa.RecordBatch:
    ordered = batch
    for number, field in enumerate(batch.schema):
        if pa.types.is_floating(field.type):
            values = batch.column(number)
            nan = pc.is_nan(values)
            if pc.any(nan).as_py():
                above = pa.scalar(float("inf"), field.type)
                ordered = ordered.set_column(number, field, pc.if_else(nan, above, values))
    if ordered is batch:
        return batch.filter(predicate)
    numbered = ordered.append_column("", pa.array(range(len(batch)), pa.int64()))
    return batch.take(numbered.filter(predicate).column(batch.num_columns))


def appended(batches: tuple[pa.RecordBatch, ...], more: Sequence[pa.RecordBatch]) -> pa.Table:
    """A table of `batches` and `more`, in at most about log2(rows) batches.

    The last two batches are joined while the earlier is less than twice the later, so each row is
    copied at most about log2(rows) times whatever number of appends brought it.

    >>> rows = tuple(pa.record_batch({"x": [n]}) for n in range(5))
    >>> [batch.num_rows for batch in appended((), rows).to_batches()]
    [4, 1]
    """
    kept = list(batches)
    for batch in more:
        kept.append(batch)
        while len(kept) > 1 and kept[-2].num_rows < 2 * kept[-1].num_rows:
            kept[-2:] = [pa.concat_batches(kept[-2:])]
    return pa.Table.from_batches(kept)


@dataclass(slots=True)
class _Entry:
    """Rows of one version, and the snapshot of them that was handed out last."""

    version: int
    rows: pa.Table
    snapshot: Snapshot | None = None


class SnapshotCache:
    """The newest committed rows of tables read lately: table number -> (version, rows)."""

    def __init__(self, limit_bytes: int = CACHE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._entries: dict[int, _Entry] = {}  # least recently used first
        self._looks: dict[int, tuple[int, int]] = {}  # version, and how often it was looked at

    def get(self, oid: int, version: int) -> pa.Table | None:
        """The rows of table `oid` at `version`; None when they are not here."""
        with self._lock:
            entry = self._found(oid, version)
            return None if entry is None else entry.rows

    def snapshot(self, oid: int, version: int, comment: str) -> Snapshot | None:
        """The same as a snapshot: one object while nothing changes, so that plans over it stay."""
        with self._lock:
            entry = self._found(oid, version)
            if entry is None:
                return None
            if entry.snapshot is None or entry.snapshot.description != Description(comment):
                entry.snapshot = Snapshot(entry.rows, comment)
            return entry.snapshot

    def _found(self, oid: int, version: int) -> _Entry | None:
        entry = self._entries.get(oid)
        if entry is None or entry.version != version:
            return None
        self._entries[oid] = self._entries.pop(oid)
        return entry

    def put(self, oid: int, version: int, rows: pa.Table) -> None:
        """Keep rows, unless newer ones are here; the least recently used make room."""
        with self._lock:
            entry = self._entries.pop(oid, None)
            if entry is None or entry.version <= version:
                entry = _Entry(version, rows)
            if entry.rows.nbytes <= self._limit_bytes:
                self._entries[oid] = entry
            while sum(each.rows.nbytes for each in self._entries.values()) > self._limit_bytes:
                del self._entries[next(iter(self._entries))]

    def holds(self, oid: int, version: int) -> bool:
        """Whether rows of this version are here; says nothing of use."""
        with self._lock:
            entry = self._entries.get(oid)
            return entry is not None and entry.version == version

    def is_to_be_looked_up(self, oid: int, version: int) -> bool:
        """Whether a few rows are better looked up than all read; counts as looking at them."""
        with self._lock:
            entry = self._entries.get(oid)
            if entry is not None and entry.version == version:
                return False
            seen, looks = self._looks.get(oid, (version, 0))
            looks = looks + 1 if seen == version else 1
            self._looks[oid] = version, looks
            return looks <= _MOST_LOOKS

    def append(self, oid: int, old: int, new: int, more: Sequence[pa.RecordBatch]) -> None:
        """Turn version `old` into version `new`, which has `more` rows at its end."""
        rows = self.get(oid, old)
        if rows is None:
            self.drop(oid)
            return
        self.put(oid, new, appended(tuple(rows.to_batches()), more))

    def drop(self, oid: int) -> None:
        """Forget a table."""
        with self._lock:
            self._entries.pop(oid, None)
            self._looks.pop(oid, None)
