"""INSERT ... ON CONFLICT, done: what is free is inserted, what is not is left or updated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported, ObjectNotInPrerequisiteState
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound
from gateway.session.queries.inferring import shapes
from gateway.session.queries.querying import Queries
from gateway.session.writes.assignable import Assigned, plan_assigned
from gateway.session.writes.returning import Beneath
from gateway.session.writes.updatable_views import Through
from gateway.session.writes.upserts import Upsert, with_excluded
from gateway.sources.table import Table, TableName
from gateway.sql.writes.conflicts import EXCLUDED, Conflict
from gateway.sql.writes.narrowing import is_named_once
from gateway.store.definitions.definitions import ROWID, Changed, TableDefinition
from gateway.store.rows.keys import Values
from gateway.store.rows.row_lookups import Wanted
from gateway.store.rows.upserts import affected_twice, first_of_each, refuse_deferrable
from gateway.store.tables import StoreSession

# As many rows of a table are read by their identifiers.
_MOST_WANTED = 1000


class Upserting:
    """One INSERT ... ON CONFLICT, inside `StoreSession.writing`.

    Args:
        store: Where the rows go.
        upsert: What is asked.
        rows: Those that are proposed, whole.
    """

    def __init__(self, store: StoreSession, upsert: Upsert, rows: pa.Table) -> None:
        self._store, self._upsert = store, upsert
        self._name = upsert.target.name
        conflict = upsert.conflict
        self._keys = store.arbiters(self._name, conflict.arbiter)
        self._rows = rows
        self._again = pa.array([], pa.int64())  # the rows that are in the way of several
        self._found: list[pa.Array] = []
        taken = np.zeros(rows.num_rows, bool)
        for key in self._keys:
            if not taken.all():  # PostgreSQL asks no further key about a row that has no way
                refuse_deferrable(key)
            self._found.append(store.in_the_way(self._name, rows, key))
            taken |= self._found[-1].is_valid().to_numpy(zero_copy_only=False)
        self._taken = taken

    def do_nothing(self, returning: bool) -> Changed:
        """Insert the rows that nothing is in the way of, the first of each key."""
        free = self._rows.take(pa.array(np.flatnonzero(~self._taken)))
        values = [self._store.key_values(self._name, free, key) for key in self._keys]
        rows = free.take(pa.array(first_of_each(free.num_rows, values), pa.int64()))
        self._store.append(self._name, rows)
        return Changed(rows.num_rows, rows if returning else None)

    def conflicting(self) -> pa.Table:
        """The rows that something is in the way of, each with that row's identifier first.

        Raises:
            CardinalityViolation: 21000, one key comes twice, and nothing was in its way.
            UniqueViolation: 23505, ...: the first row of it cannot be inserted.
        """
        (found,) = self._found
        values = self._store.key_values(self._name, self._rows, self._keys[0])
        firsts = first_of_each(len(values), [values])
        again = sorted({*range(len(values))} - {*firsts})
        for number in again:
            if not found[number].is_valid:
                free = [n for n in firsts if n < number and not found[n].is_valid]
                self._store.append(self._name, self._rows.take(pa.array(free)))
                raise affected_twice()
        self._again = found.take(pa.array(again, pa.int64()))
        rows = self._rows.add_column(0, pa.field(ROWID, pa.int64()), found)
        return rows.filter(found.is_valid())

    def repeats(self, batches: list[pa.RecordBatch]) -> bool:
        """Whether a row is updated that is in the way of several: each in its turn tells of which.

        Raises:
            CardinalityViolation: 21000, no WHERE leaves the first of them out.
        """
        if not any(pc.any(pc.is_in(batch.column(0), self._again)).as_py() for batch in batches):
            return False
        update = self._upsert.conflict.update
        if update is None or update.args.get("where") is None:
            raise affected_twice()
        return True

    def moves(self, conflicting: pa.Table, batches: list[pa.RecordBatch]) -> bool:
        """Whether what is in the way gets another key, which a row after it may meet or be free of.

        Keys over expressions are taken as they were.
        """
        changed = self._upsert.conflict.columns
        names = [name for name in self._keys[0].columns if name in changed]
        if not names or self._rows.num_rows < 2:
            return False
        for batch in batches:
            places = pc.index_in(
                batch.column(0).cast(pa.int64()), value_set=conflicting.column(ROWID)
            )
            for name in names:
                old = conflicting.column(name).take(places)
                new = batch.column(1 + changed.index(name))
                try:
                    same = pc.equal(new.cast(old.type), old)
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # the store may well assign
                    return True
                if not pc.all(pc.fill_null(same, False)).as_py():
                    return True
        return False

    def refuse_affected(self, affected: set[Values]) -> None:
        """Refuse rows whose key is that of one that was affected before.

        Raises:
            CardinalityViolation: 21000.
        """
        if affected & {*self.keys_of(self._rows)}:
            raise affected_twice()

    def keys_of(self, rows: pa.Table) -> list[Values]:
        """What rows are under the key."""
        return self._store.key_values(self._name, rows, self._keys[0])

    def do_update(self, batches: list[pa.RecordBatch], returning: bool) -> Changed:
        """Update what is in the way by `batches`, and insert the rest; rows come as proposed."""
        (found,) = self._found
        conflict = self._upsert.conflict
        changed = self._store.update(self._name, conflict.columns, batches, returning=returning)
        free = self._rows.filter(found.is_null())
        self._store.append(self._name, free)
        count = changed.count + free.num_rows
        if changed.rows is None:
            return Changed(count)
        identifiers = [batch.column(0).cast(pa.int64()) for batch in batches]
        updated = np.unique(pa.chunked_array(identifiers, pa.int64()).to_numpy())
        places = pc.index_in(pa.array(updated), value_set=found).to_numpy(zero_copy_only=False)
        order = np.argsort(np.concatenate([places, np.flatnonzero(found.is_null())]))
        return Changed(count, pa.concat_tables([changed.rows, free]).take(pa.array(order)))


class Upserts(Queries):
    """The part of an executor that does INSERT ... ON CONFLICT."""

    def upsert_of(
        self,
        conflict: Conflict,
        target: TableDefinition,
        view: Through | None,
        lookup: Beneath | None,
    ) -> Upsert:
        """What ON CONFLICT asks for, of a table or through a view on it."""
        if conflict.update is None:
            return Upsert(conflict, target)
        views = () if view is None else view.views
        names = with_excluded(lookup or self.registry.relation, target, views)
        rewritten = self.rewrite(conflict.update, names)
        hidden = [] if view is None else [(c.view, self.rewrite(c.refused)) for c in view.hidden]
        return Upsert(conflict, target, rewritten, names, tuple(views[:1]), tuple(hidden))

    def upsert_tables(self, upsert: Upsert, rows: pa.Table | None = None) -> dict[TableName, Table]:
        """The tables of an upsert's update; `rows` are those in conflict."""
        assert upsert.rewritten is not None
        excluded = upsert.excluded(rows)
        name = upsert.target.name
        if rows is None:
            others = upsert.rewritten.tables - excluded.keys()
            return {**shapes(self.registry, others, name), **excluded}
        return {**self._tables_beside(upsert.rewritten, name, rows), **excluded}

    def _tables_beside(
        self, rewritten: Rewritten, name: TableName, rows: pa.Table
    ) -> dict[TableName, Table]:
        """The tables of a query over what is in the way; of its own table these rows do."""
        wanted: Wanted | None = None
        if rows.num_rows <= _MOST_WANTED and is_named_once(rewritten.tree, name):
            wanted = {ROWID: rows.column(ROWID).to_pylist()}
        return self.registry.tables(rewritten.tables - {EXCLUDED}, name, wanted)

    def _refuse_hidden(self, upsert: Upsert, conflicting: pa.Table) -> None:
        """Refuse to change a row that a view which is written through does not show.

        PostgreSQL does so from 15.20 on.

        Raises:
            ObjectNotInPrerequisiteState: 55000.
        """
        if not conflicting.num_rows:
            return
        for view, rewritten in upsert.hidden:
            tables = self._tables_beside(rewritten, upsert.target.name, conflicting)
            for batch in self.plan_with(rewritten, tables, Bound()).stream():
                found = batch.column(0).cast(pa.int64())
                if pc.any(pc.is_in(found, conflicting.column(ROWID))).as_py():
                    raise ObjectNotInPrerequisiteState(
                        f'conflicting row is not visible through view "{view}"'
                    )

    def apply_upsert(
        self,
        upsert: Upsert,
        columns: tuple[str, ...],
        batches: Iterator[pa.RecordBatch],
        bound: Bound,
        returning: bool,
    ) -> Changed:
        """Do an INSERT ... ON CONFLICT, inside `StoreSession.writing`."""
        store, name = self.registry.store, upsert.target.name
        rows = store.propose(name, columns, batches)
        doing = Upserting(store, upsert, rows)
        if upsert.rewritten is None:
            return doing.do_nothing(returning)
        self.allow(upsert.rewritten, name, *upsert.made)
        conflicting = doing.conflicting()
        self._refuse_hidden(upsert, conflicting)
        updates = self._updates(upsert, conflicting, bound)
        if doing.moves(conflicting, updates) or doing.repeats(updates):
            return self._one_by_one(upsert, rows, bound)
        return doing.do_update(updates, returning)

    def _updates(self, upsert: Upsert, rows: pa.Table, bound: Bound) -> list[pa.RecordBatch]:
        conflict, rewritten = upsert.conflict, upsert.rewritten
        assert conflict.update is not None and rewritten is not None
        tables = self.upsert_tables(upsert, rows)
        columns = [upsert.target.column(name) for name in conflict.columns]
        asked = Assigned(conflict.update, rewritten, columns, upsert.lookup)
        return list(plan_assigned(self, asked, tables, bound).stream())

    def _one_by_one(self, upsert: Upsert, rows: pa.Table, bound: Bound) -> Changed:
        """Each proposed row by itself, as what one does to the keys decides what the next meets.

        Raises:
            CardinalityViolation: 21000, a row meets what one before it made or changed.
            FeatureNotSupported: 0A000, the update reads the table besides, as it was before.
        """
        store, name = self.registry.store, upsert.target.name
        assert upsert.rewritten is not None
        if not is_named_once(upsert.rewritten.tree, name):
            raise FeatureNotSupported(
                "ON CONFLICT DO UPDATE of a key, or of a row for the second of two, by what a"
                " subquery reads of the same table is not supported"
            )
        affected: set[Values] = set()
        done: list[Changed] = []
        for number in range(rows.num_rows):
            doing = Upserting(store, upsert, rows.slice(number, 1))
            doing.refuse_affected(affected)
            conflicting = doing.conflicting()
            self._refuse_hidden(upsert, conflicting)
            updates = self._updates(upsert, conflicting, bound) if conflicting.num_rows else []
            done.append(doing.do_update(updates, returning=True))
            changed = done[-1].rows
            assert changed is not None
            affected |= {*doing.keys_of(changed)} - {None}
        return Changed(sum(each.count for each in done), pa.concat_tables(d.rows for d in done))
