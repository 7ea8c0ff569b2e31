"""One transaction of the store: begin at a moment, see that moment, commit as a whole.

It keeps what it changed, so that the commit can carry the caches forward, and its own catalogue, so
that its DDL is seen by itself alone until then. One of a user's own (BEGIN) also keeps each write,
to do them again on a newer commit, or up to a savepoint, which DuckDB has none of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from gateway.errors import SerializationFailure
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.disk.faults import translated
from gateway.store.transactions.changing import OneChange
from gateway.store.transactions.committed import Change, Committed, Moment
from gateway.store.transactions.connection import Connection
from gateway.store.transactions.deferral import Deferral
from gateway.store.transactions.isolation import Isolation, concurrent_update, note_rows
from gateway.store.transactions.writes import KeptWrites, Write


class Transaction:
    """A transaction on a session's connection.

    Args:
        committed: What others have committed.
        connection: The session's own.
        replays: Whether to keep the writes, for `rebase` and `restore`.
        isolation: What of others' commits it may see, and what it may have read when it commits.
        deferral: When its foreign keys are checked.
    """

    def __init__(
        self,
        committed: Committed,
        connection: Connection,
        *,
        replays: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
        deferral: Deferral | None = None,
    ) -> None:
        self.deferral = deferral or Deferral()
        self._committed = committed
        self._replays = replays
        self._isolation = isolation
        self._holds: int | None = None  # the commit that all of it sees, to `Overlaps`
        self._connection = connection
        self.writes = KeptWrites()
        self.reads: set[int] = set()  # the tables
        self._look(committed.moment)
        if replays and isolation.pins:
            self.pin()

    def _look(self, moment: Moment) -> None:
        self.changes: dict[int, Change] = {}
        self._bytes = 0  # that it wrote
        self._touched: dict[int, list[pa.ChunkedArray] | None] = {}
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

    def append(
        self,
        oid: int,
        place: str,
        definition: TableDefinition | None,
        rows: pa.RecordBatch,
        *,
        waits: bool = False,
    ) -> None:
        """Add rows at the end of a table, which is `place` to DuckDB.

        Args:
            oid: The table.
            place: DuckDB's.
            definition: What errors call it and its constraints.
            rows: In its types.
            waits: Whether DuckDB may be given them later, and refuse them then.

        Raises:
            UniqueViolation: 23505. GatewayError: 53100, ...
        """
        self._do(Write(oid, place, definition, rows))
        if not waits:
            _ = self.cursor
        version = self.moment.version(oid)
        if oid not in self.changes and not self._committed.cache.holds(oid, version):
            self.changes[oid] = None  # Nobody would read the noted rows.
        noted = self.changes.setdefault(oid, [])
        if noted is not None:
            noted.append(rows)

    def rewrite(
        self,
        oid: int,
        statement: str,
        delta: pa.Table | None = None,
        returning: str = "",
        values: Sequence[object] | None = None,
        together: str = "",
    ) -> tuple[int, pa.Table | None]:
        """Change or delete rows by a statement that may read `delta`. DuckDB's errors pass.

        Args:
            oid: The table.
            statement: DuckDB's SQL.
            delta: The table of that name in it, or where it has `values` what they stand for.
            returning: Columns of the changed rows to hand back.
        """
        self.refuse_changed(oid, delta)
        self.changes[oid] = None
        if not returning:
            write = Write(oid, statement=statement, values=values or (), delta=delta)
            return self._do(replace(write, together=together)) or 0, None
        self._touch(oid, delta)
        cursor = self._to_write()
        with self._connection.registered(delta):
            rows = cursor.sql(f"{statement} RETURNING {returning}").to_arrow_table()
        self._keep_write(Write(oid, statement=statement, delta=delta, count=rows.num_rows))
        return rows.num_rows, rows

    @property
    def may_change_one(self) -> bool:
        """Whether rows may be changed by their keys: nobody has to be told which these were."""
        return not (self._isolation.pins or self._committed.overlaps.are_held)

    def change_one(self, change: OneChange, *, waits: bool = False) -> None:
        """Change rows by a statement that asks for nothing that was read. DuckDB's errors pass.

        With `waits` it is done at the commit, all by itself where nothing else was.
        """
        if waits and self._connection.waits_for(change):
            self._touch(change.oid, None)
            self.changes[change.oid] = None
            return
        write = Write(change.oid, statement=change.statement, values=change.values,
                      together=change.together, named=change.named)  # fmt: skip
        change.count = self._do(write) or 0
        if change.count:
            self.changes[change.oid] = None

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

    def _touch(self, oid: int, delta: pa.Table | None) -> None:
        """Note what the commit has to tell those who see an older one."""
        self._bytes += 0 if delta is None else delta.nbytes
        note_rows(self._touched, oid, delta)

    def matching(self, query: str, delta: pa.Table | None = None) -> pa.Table:
        """Rows of a query that may read `delta`. DuckDB's errors pass."""
        cursor = self.cursor
        with self._connection.registered(delta):
            return cursor.sql(query).to_arrow_table()

    def define(self, oid: int, statement: str, *values: object) -> None:
        """Change what there is; `oid` is the table whose rows come or go, else 0."""
        if oid:
            self.changes[oid] = None
        self._do(Write(oid, statement=statement, values=values))

    def _do(self, write: Write) -> int | None:
        """Do a write, or do it again; how many rows it changed, None for a definition."""
        count: int | None = None
        if write.rows is not None:
            count = write.rows.num_rows
            self._bytes += write.rows.nbytes
            self._append(write.place, write.definition, write.rows)
        else:
            if write.oid:
                self._touch(write.oid, write.delta)
            cursor = self._to_write()
            with self._connection.registered(None if write.values else write.delta):
                done = cursor.execute(write.statement, list(write.values)).fetchall()
            count = done[0][0] if done else None
        self._keep_write(replace(write, count=count))
        return count

    def _append(self, place: str, definition: TableDefinition | None, rows: pa.RecordBatch) -> None:
        appends = self._connection.appends
        if not appends.fits(place, rows):
            _ = self.cursor
        appends.add(place, definition, rows)
        if appends.is_full:
            _ = self.cursor

    def _to_write(self) -> duckdb.DuckDBPyConnection:
        cursor = self.cursor
        self._connection.is_written = True
        return cursor

    def _keep_write(self, write: Write) -> None:
        if self._replays:
            self.writes.add(write)

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
        if not self.changed:
            self.rollback()
            return
        if self._connection.has_begun:
            _ = self.cursor
        with self._committed.lock:
            if self._isolation is Isolation.SERIALIZABLE:
                self._refuse_stale_reads()
            with self._committed.counts.committing():
                self._committed.room.require(self._bytes)
                done = self._connection.commit()
            if done:
                self._committed.publish(self.changes, self.own_catalogue, self._touched)
        self._let_go()

    def _refuse_stale_reads(self) -> None:
        """Hold SERIALIZABLE to its name, under the lock of commits.

        When nothing that it read has changed until it commits, it might as well have run whole at
        this moment; and what commits without a change, at the moment of its snapshot.

        Raises:
            SerializationFailure: 40001.
        """
        if self._read_otherwise():
            raise SerializationFailure(
                "could not serialize access due to read/write dependencies among transactions",
                detail="A table that the transaction read was changed before it committed.",
                hint="The transaction might succeed if retried.",
            )

    def _read_otherwise(self) -> bool:
        newest = self._committed.moment
        return any(newest.version(oid) != self.moment.version(oid) for oid in self.reads)

    def rollback(self) -> None:
        """Undo everything; nothing happens when DuckDB has done so itself."""
        self._connection.rollback()
        self._let_go()

    def stands_at(self, count: int, catalogue: Catalogue | None) -> bool:
        """Whether it is whole after its first `count` writes, with nothing to be undone."""
        same = len(self.writes) == count and self.own_catalogue is catalogue
        return same and self._connection.is_sound()

    def rebase(self, marks: Collection[int]) -> None:
        """Begin again at the newest commit and do every write again; see `restore`.

        Only sound while the locks of all written tables are held, and of the catalogue when
        definitions were made: then nothing that the writes saw has changed.
        """
        self.restore(len(self.writes), self.own_catalogue, marks)

    def restore(self, count: int, catalogue: Catalogue | None, marks: Collection[int]) -> None:
        """Begin again at the newest commit and do the first `count` writes again.

        Args:
            count: How many.
            catalogue: What `own_catalogue` was after them.
            marks: After how many writes each savepoint stands.

        Raises:
            OutOfMemory: 53200, they were too many to be kept.
            SerializationFailure: 40001, a write did otherwise than before; or all of it is to see
                one commit, and a table that it read has changed since.
        """
        again, self.writes = self.writes.first(count, marks), KeptWrites()
        # Row identifiers in the writes mean the same as before, because DuckDB renumbers rows in
        # a checkpoint only, which only a commit makes, and never while a transaction is open.
        with self._committed.lock:
            if self._isolation.pins and self._read_otherwise():
                raise concurrent_update()
            self.rollback()
            self._look(self._take_snapshot())
        self._pinned = True
        with translated():
            for write in again:
                self._redo(write)
        if catalogue is not None:
            self.catalogue = catalogue

    def _redo(self, write: Write | None) -> None:
        if write is None:
            self.writes.add(None)
            return
        if write.rows is not None:
            self.append(write.oid, write.place, write.definition, write.rows, waits=True)
            return
        if write.oid:
            self.changes[write.oid] = None
        if self._do(write) != write.count:
            raise concurrent_update()
