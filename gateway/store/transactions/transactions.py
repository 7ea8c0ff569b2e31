"""One transaction of the store: begin at a moment, see that moment, commit as a whole.

It keeps what it changed, so that the commit can carry the caches forward, and its own catalogue, so
that its DDL is seen by itself alone until then. One of a user's own (BEGIN) also keeps each write,
to do them again on a newer commit, or up to a savepoint, which DuckDB has none of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa

from gateway.errors import GatewayError, SerializationFailure
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.disk.disk import physical, physical_columns
from gateway.store.disk.faults import translated
from gateway.store.transactions.committed import Committed, Moment
from gateway.store.transactions.connection import Connection
from gateway.store.transactions.deferral import Deferral
from gateway.store.transactions.found import Finds, Found
from gateway.store.transactions.isolation import Isolation, concurrent_update, note_rows
from gateway.store.transactions.row_locks import Rows, rows_named
from gateway.store.transactions.visibility import Seeing
from gateway.store.transactions.writes import FIRST_OF_OWN, KeptWrites, OneChange, Write


class Transaction(Seeing):
    """A transaction on a session's connection.

    Args:
        committed: What others have committed.
        connection: The session's own.
        replays: Whether to keep the writes, for `rebase` and `restore`.
        isolation: What of others' commits it may see, and what it may have read when it commits.
        deferral: When its foreign keys are checked.
        keeps: Told which rows of a table it is about to change.
    """

    def __init__(
        self,
        committed: Committed,
        connection: Connection,
        *,
        replays: bool = False,
        isolation: Isolation = Isolation.READ_COMMITTED,
        deferral: Deferral | None = None,
        keeps: Callable[[int, Rows | None], None] = lambda _, __: None,
    ) -> None:
        self.keeps = keeps
        self.deferral = deferral or Deferral()
        self.writes, self.finds = KeptWrites(), Finds(always=isolation.pins)
        super().__init__(committed, connection, replays, isolation)
        if replays and isolation.pins:
            self.pin()

    def _look(self, moment: Moment) -> None:
        super()._look(moment)
        self._bytes = 0  # that it wrote
        self._touched: dict[int, list[pa.ChunkedArray] | None] = {}
        self._appended: Counter[int] = Counter()  # rows by table

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
        self.keeps(oid, rows_named(delta))
        self.changes[oid] = None
        if not returning:
            write = Write(oid, statement=statement, values=values or (), delta=delta)
            return self._do(replace(write, together=together)) or 0, None
        self._touch(oid, delta)
        found = self._find(oid, delta)
        cursor = self._to_write()
        with self._connection.registered(delta):
            rows = cursor.sql(f"{statement} RETURNING {returning}").to_arrow_table()
        self._keep(Write(oid, statement=statement, delta=delta, count=rows.num_rows), found)
        return rows.num_rows, rows

    @property
    def may_change_one(self) -> bool:
        """Whether rows may be changed by their keys: nobody has to be told which these were."""
        held = self._isolation.pins or self._committed.overlaps.are_held
        return not (held or self.finds.wanted)

    def change_one(self, change: OneChange, *, waits: bool = False) -> None:
        """Change rows by a statement that asks for nothing that was read. DuckDB's errors pass.

        With `waits` it is done at the commit, all by itself where nothing else was.
        """
        if change.delta is not None:
            told = change.statement, change.delta, ", ".join(change.key)
            change.count, change.rows = self.rewrite(change.oid, *told)
            return
        if waits and self._connection.waits_for(change):
            self._touch(change.oid, None)
            self.changes[change.oid] = None
            return
        write = Write(change.oid, statement=change.statement, values=change.values,
                      together=change.together, named=change.named)  # fmt: skip
        change.count = self._do(write) or 0
        if change.count:
            self.changes[change.oid] = None

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
        found, count = None, None
        if write.rows is not None:
            count = write.rows.num_rows
            self._bytes += write.rows.nbytes
            found = self._append(write, write.rows)
        else:
            if write.oid:
                self._touch(write.oid, write.delta)
                found = self._find(write.oid, write.delta)
            cursor = self._to_write()
            again = write.together and write.values  # others of its kind come with other values
            statement = self._connection.appends.read(write.statement) if again else write.statement
            with self._connection.registered(None if write.values else write.delta):
                done = cursor.execute(statement, list(write.values)).fetchall()
            count = done[0][0] if done else None
        self._keep(replace(write, count=count), found)
        return count

    def _append(self, write: Write, rows: pa.RecordBatch) -> Found | None:
        first = FIRST_OF_OWN + self._appended[write.oid]
        appends = self._connection.appends
        if not appends.fits(write.place, rows):
            _ = self.cursor
        appends.add(write.place, write.definition, rows)
        self._appended[write.oid] += rows.num_rows
        if appends.is_full:
            _ = self.cursor
        if not self.finds.wanted or write.definition is None:
            return None
        if not self._stand_last(write.place, first, rows.num_rows):
            return None
        added = np.arange(first, first + rows.num_rows)
        return Found(write.oid, write.place, write.definition, added)

    def _stand_last(self, place: str, first: int, count: int) -> bool:
        """Whether `count` rows, and no others, have the identifiers from `first` on."""
        query = f"SELECT count(*), min(rowid), max(rowid) FROM {place} WHERE rowid >= {first}"
        return self.cursor.execute(query).fetchall() == [(count, first, first + count - 1)]

    def _find(self, oid: int, delta: pa.Table | None) -> Found | None:
        """What a statement is about to change: rows of `delta`, in its other columns, or whole."""
        relation = self.catalogue.by_oid(oid) if self.finds.wanted and delta is not None else None
        if delta is None or relation is None or "row" not in delta.schema.names:
            return None
        definition = relation.definition
        if not isinstance(definition, TableDefinition):
            return None
        place = physical(oid, definition)
        columns = [name for name in delta.schema.names if name != "row"]
        shown = columns or list(physical_columns(definition).values())
        query = (
            f"SELECT {', '.join(f'old.{name}' for name in ('rowid', *shown))} FROM {place} AS old"
        )
        if delta.num_rows == 1:
            rows = self.matching(f"{query} WHERE old.rowid = {delta.column('row')[0]}")
        else:
            where = "WHERE old.rowid = delta.row ORDER BY old.rowid"
            rows = self.matching(f"{query}, delta {where}", delta)
        numbers, before = rows.column(0).to_numpy(), rows.remove_column(0)
        if not columns:
            before = before.rename_columns(definition.schema.names).cast(definition.schema)
        return Found(oid, place, definition, numbers, before, deleted=not columns)

    def _to_write(self) -> duckdb.DuckDBPyConnection:
        cursor = self.cursor
        self._connection.is_written = True
        return cursor

    def _keep(self, write: Write, found: Found | None) -> None:
        if self._replays:
            self.writes.add(write)
            self.finds.add(found)

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
                self._committed.room.write_log_early()
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

    def rollback(self) -> None:
        """Undo everything; nothing happens when DuckDB has done so itself."""
        self._connection.rollback()
        self._let_go()

    def stands_at(self, count: int, catalogue: Catalogue | None) -> bool:
        """Whether it is whole after its first `count` writes, with nothing to be undone."""
        same = len(self.writes) == count and self.own_catalogue is catalogue
        return same and self._connection.is_sound()

    def take_back(
        self, count: int, depth: int, catalogue: Catalogue | None, locks: Collection[int]
    ) -> bool:
        """Undo single writes, newest first; or return False, and `restore` must be called.

        Their tables must stay locked: DuckDB has changed rows of these, and lets nobody else.

        Args:
            count: How many writes there were where it goes back to.
            depth: How many finds.
            catalogue: What `own_catalogue` was there.
            locks: The tables that stay locked.
        """
        found = self.finds.since(depth)
        if not found or self.writes.are_too_many:
            return False  # With nothing to undo DuckDB has given up the transaction.
        if len(found) > count and not self._isolation.pins:
            return False
        if self.own_catalogue is not catalogue or not all(each.oid in locks for each in found):
            return False
        try:
            with self.finds.resting(), translated():
                if not all(map(self._put_back, found)):
                    return False
        except GatewayError:  # DuckDB has given up the transaction.
            return False
        self.finds.cut(depth)
        self.writes.waste(count)
        return True

    def _put_back(self, found: Found) -> bool:
        """Undo one write; False where that came otherwise than it had to."""
        self.changes[found.oid] = None
        rows = self.finds.now(found)
        if found.deleted and found.before is not None:
            first = FIRST_OF_OWN + self._appended[found.oid]
            self.finds.move(found.oid, rows, first, len(self.writes))
            for batch in found.before.combine_chunks().to_batches():
                self._do(Write(found.oid, found.place, found.definition, batch))
            return self._stand_last(found.place, first, len(rows))
        count: int | None = None
        for applied, delta in found.back(rows):
            write = Write(found.oid, statement=applied.statement, delta=delta)
            count = self._do(replace(write, values=applied.values or ()))
        return count == len(rows)

    def rebase(self, marks: Collection[int]) -> None:
        """Begin again at the newest commit and do every write again; see `restore`.

        Only sound while the locks of all written tables are held, and of the catalogue when
        definitions were made: then nothing that the writes saw has changed.
        """
        self.restore(len(self.writes), len(self.finds), self.own_catalogue, marks)

    def restore(
        self, count: int, depth: int, catalogue: Catalogue | None, marks: Collection[int]
    ) -> None:
        """Begin again at the newest commit and do the first `count` writes again.

        Args:
            count: How many.
            depth: How many finds there were after them.
            catalogue: What `own_catalogue` was after them.
            marks: After how many writes each savepoint stands.

        Raises:
            OutOfMemory: 53200, they were too many to be kept.
            SerializationFailure: 40001, a write did otherwise than before; or all of it is to see
                one commit, and a table that it read has changed since.
        """
        needed = self.writes.needed(count)
        again, self.writes = self.writes.first(needed, marks), KeptWrites()
        # Row identifiers in the writes mean the same as before, because DuckDB renumbers rows in
        # a checkpoint only, which only a commit makes, and never while a transaction is open.
        with self._committed.lock:
            if self._isolation.pins and self._read_otherwise():
                raise concurrent_update()
            self.rollback()
            self._look(self._take_snapshot())
        self._pinned = True
        with self.finds.resting(), translated():
            for write in again:
                self._redo(write)
            for _ in range(needed, count):
                self.writes.add(None)
        self.writes.waste(needed)
        self.finds.cut(depth)
        self.finds.stay(needed)
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
