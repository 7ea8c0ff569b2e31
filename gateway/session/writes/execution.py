"""Runs one statement that changes rows: its query computes, the store applies.

A write is a query whose rows the store applies while it holds the table's lock. Queries are in
`querying`, definitions in `definition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.errors import FeatureNotSupported, WithCheckOptionViolation
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound, Computation, as_it_stands, fields_of
from gateway.session.result import Notice, Result
from gateway.session.writes.assignable import (
    Assigned,
    check_moments,
    plan_assigned,
    refuse_texts,
)
from gateway.session.writes.by_key import change_by_key, change_several
from gateway.session.writes.error_positions import placed
from gateway.session.writes.returning import (
    Beneath,
    Returned,
    changed_rows,
    plain_columns,
    rows_beside,
)
from gateway.session.writes.returning_queries import Returns, under_own_name
from gateway.session.writes.updatable_views import Through, onto_table, through, through_columns
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.relations.value_rows import as_select
from gateway.sql.lowered.values.localtime import type_moments
from gateway.sql.names.relation import zone_of
from gateway.sql.statements.statement import Statement
from gateway.sql.writes.narrowing import Value, is_named_once
from gateway.sql.writes.rounded import gives_rounded
from gateway.sql.writes.writes import Write, as_write, check_width, parts_of, target_of
from gateway.store.definitions.definitions import ROWID, Changed
from gateway.store.rows.rounding import HINT, MayRound, rounding
from gateway.store.rows.snapshots import Snapshot


class Executor(Returns):
    """One client's way to run queries and writes."""

    _look_again: Callable[[], None] | None = None

    @contextmanager
    def described(self, look_again: Callable[[], None]) -> Iterator[None]:
        """Ask so before a statement is done whose table was changed since it was described."""
        before, self._look_again = self._look_again, look_again
        try:
            yield
        finally:
            self._look_again = before

    def write(self, statement: Statement, bound: Bound) -> Result:
        """Do an INSERT, UPDATE or DELETE; when this returns it is done."""
        tree = statement.tree
        assert isinstance(tree, exp.Expr)
        with placed(tree, self.columns_of):
            return self._written(statement, tree, bound)

    def columns_of(self, table: exp.Table) -> list[str]:
        """The columns of the table or view that a write names."""
        return list(self.registry.relation(*self.registry.named(parts_of(table))).columns)

    def _written(self, statement: Statement, tree: exp.Expr, bound: Bound) -> Result:
        result = None
        while result is None:
            query = self.required(replace(statement, tree=self.with_moments(tree)))
            assert query.write is not None
            several = bound.columns and query.write.command != "INSERT"
            result = self._several(query, bound) if several else self._one(query, bound)
            if result is None and self._look_again is not None:
                self._look_again()
        return result

    def _one(self, query: Computation, bound: Bound) -> Result | None:
        """What a write comes to; None: its table is another by now, and nothing was done."""
        assert query.write is not None and query.target is not None
        target, store = query.target.name, self.registry.store
        with self.rounding_of(query), store.writing(target, query.locks_for, query.reading):
            if self._is_stale(query):
                return None
            wanted = query.wanted(bound)
            change = None
            if wanted is not None and query.through is None:
                self.allow(query.rewritten, query.rowid_of)
                change = change_by_key(store, query, bound, wanted, self.constants)
            if change is None or change.is_in_vain:
                return self._by_rows(query, bound, wanted)
        if change.is_in_vain:
            with self.rounding_of(query), store.writing(target, query.locks_for, query.reading):
                return None if self._is_stale(query) else self._by_rows(query, bound, wanted)
        assert change.count is not None
        return Result(query.write.command, changed=change.count)

    def _is_stale(self, query: Computation) -> bool:
        """Whether its table was defined otherwise while it waited for the table's lock."""
        assert query.target is not None
        now = self.registry.store.table(query.target.name)
        return now is not query.target and now != query.target

    def rounding_of(self, query: Computation) -> AbstractContextManager[None]:
        """Let columns be rounded to which a write gives what was rounded as it was computed."""
        assert query.write is not None
        return self.rounding(partial(gives_rounded, query.write, query.rewritten.tree))

    @contextmanager
    def rounding(self, may_round: MayRound) -> Iterator[None]:
        """Let these columns be rounded, and tell the client of those that are."""
        with rounding(may_round) as columns:
            yield
        for name, detail in columns.items():
            told = f'values of column "{name}" of type numeric were rounded'
            self.notices.append(Notice(told, "WARNING", "01000", detail, HINT))

    def _several(self, query: Computation, bound: Bound) -> Result | None:
        """UPDATEs or DELETEs of one row each; without `counts` nothing was done.

        None: the table is another by now.
        """
        assert query.write is not None and query.target is not None
        target, store = query.target.name, self.registry.store
        with self.rounding_of(query), store.writing(target, query.locks_for, query.reading):
            if self._is_stale(query):
                return None
            self.allow(query.rewritten, query.rowid_of)
            counts = change_several(store, query, bound.columns, self.constants)
        result = Result(query.write.command, changed=sum(counts or ()))
        result.counts = counts
        return result

    def _by_rows(
        self, query: Computation, bound: Bound, wanted: Mapping[str, list[Value]] | None
    ) -> Result:
        """Do a write by the rows that its query gives, inside `StoreSession.writing`."""
        tables = self.tables(query, wanted=wanted)
        if wanted is not None and (rows := self._rows_named(query, bound, wanted, tables)):
            return self.apply(query, bound, tables, computed=rows)
        return self.apply(query, bound, tables, last=True)

    def _rows_named(
        self,
        query: Computation,
        bound: Bound,
        wanted: Mapping[str, list[Value]],
        tables: Mapping[TableName, Table],
    ) -> pa.RecordBatch | None:
        """What an UPDATE or DELETE of rows that were found by their values alone asks for."""
        write, target = query.write, query.target
        assert write is not None and write.narrowing is not None and target is not None
        held = tables[target.name]
        if not write.narrowing.tells_all(wanted) or not isinstance(held, Snapshot) or write.beside:
            return None
        if write.steps:
            return None
        identifiers = held.rows.column(ROWID).combine_chunks()
        if write.command == "DELETE":
            return pa.RecordBatch.from_arrays([identifiers], [ROWID])
        given = write.given.rows(bound.values) if write.given is not None else None
        if given is None:
            return None
        same = pa.array(np.zeros(len(identifiers), np.int64))
        new = [column.take(same) for column in given.columns]
        return pa.RecordBatch.from_arrays([identifiers, *new], [ROWID, *write.columns])

    def apply(
        self,
        query: Computation,
        bound: Bound,
        tables: Mapping[TableName, Table],
        lookup: Beneath | None = None,
        choose: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]] = iter,
        *,
        computed: pa.RecordBatch | None = None,
        last: bool = False,
    ) -> Result:
        """Do a write over tables that were read already, inside `StoreSession.writing`.

        Args:
            query: The write.
            bound: The values of its parameters.
            tables: All that its query names, with the target's identifiers but for an INSERT.
            lookup: What names mean; None: what they mean to this session.
            choose: Which of the rows that the query gives are written.
            computed: What its query gives, where that is known.
            last: Whether the transaction ends with it, if it is not the user's own.
        """
        write, target = query.write, query.target
        assert write is not None and target is not None
        made = self._allow_write(query, write.command)
        self.tell(query.rewritten)
        if computed is not None:
            given, batches = computed.schema, iter([computed])
        else:
            given, batches = self._computed(query, tables, bound)
        beside = self.beside(query, tables, bound)
        batches = choose(batches)
        if beside:
            kept = list(batches)
            width = 1 + len(write.columns)
            batches = (batch.select(range(width)) for batch in kept)
        computes = write.returning is not None and (
            query.returned is None or query.returned.columns is None
        )
        # As all was before the write, and whatever it does to other tables.
        back = self.returning_of(query, beside, lookup) if computes else None
        seen = self.seen_by(back, target.name, beside, tables, lookup) if back else {}
        changed = self._apply(query, given, batches, bound, last)
        view = query.through
        if view is not None and view.checks and write.command != "DELETE":
            self._hold_to_view(view, changed, tables)
        if write.returning is None:
            return Result(write.command, changed=changed.count)
        if back is None:
            assert query.returned is not None
            return self.shown(query, query.returned, changed, bound)
        rows: dict[TableName, Table] = {target.name: Snapshot(changed.rows)}
        if beside:
            rows = rows_beside(write, target, beside, kept, changed, tables[target.name])
        rows = under_own_name(rows, target.name, back)
        # Over the changed rows before they are committed: an error undoes them.
        self.allow(back, *rows, *made, *map(changed_rows, made))
        returned = self.plan_with(back, {**seen, **rows}, bound)
        fields = fields_of(back, returned.schema, bound.by_number)
        return Result(write.command, fields, iter(list(returned.stream())), changed.count)

    def _allow_write(self, query: Computation, command: str) -> list[TableName]:
        """Refuse a write that the role may not do; the relations that were made for it alone.

        Raises:
            InsufficientPrivilege: 42501.
        """
        view = query.through
        made = [*query.lookup.schemas] if query.lookup is not None else []
        if view is not None:
            view.require(self.authority, self.registry, command)
            if query.upsert is not None and query.upsert.rewritten is not None:
                view.require(self.authority, self.registry, "UPDATE")
            made.append(view.name)
        self.allow(query.rewritten, query.rowid_of, *made)
        return made

    def _hold_to_view(
        self, view: Through, changed: Changed, tables: Mapping[TableName, Table]
    ) -> None:
        """Refuse changed rows that the view would not show.

        Raises:
            WithCheckOptionViolation: 44000.
        """
        assert changed.rows is not None
        identifiers = pa.array(range(changed.rows.num_rows), pa.int64())
        shown = Snapshot(changed.rows.add_column(0, ROWID, identifiers))
        for check in view.checks:
            rewritten = self.rewrite(check.refused)
            if not is_named_once(rewritten.tree, view.base.name):
                raise FeatureNotSupported(
                    f'the check option of view "{check.view}" reads "{view.base.name.name}" itself,'
                    " which is not supported",
                    hint=f'Write to table "{view.base.name.name}".',
                )
            rows: dict[TableName, Table] = {view.base.name: shown}
            others = self.registry.tables(rewritten.tables - rows.keys() - tables.keys())
            plan = self.plan_with(rewritten, {**others, **tables, **rows}, Bound())
            found = [place for batch in plan.stream() for place in batch.column(0).to_pylist()]
            if found:
                row = changed.rows.slice(min(found), 1).combine_chunks().to_batches()[0]
                thing = self.authority.relation(view.base.name)
                told = not self.authority.asks or self.authority.may(
                    self.authority.role, "r", thing
                )
                values = self._shown(view.base.name, row) if told else []
                raise WithCheckOptionViolation(
                    f'new row violates check option for view "{check.view}"',
                    detail=f"Failing row contains ({', '.join(values)})." if told else "",
                )

    def _shown(self, name: TableName, row: pa.RecordBatch) -> list[str]:
        store = self.registry.store
        definition = store.table(name)
        return [] if definition is None else store.expressions.shown(definition, row)

    def _computed(
        self, query: Computation, tables: Mapping[TableName, Table], bound: Bound
    ) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """What a write's query gives; rows that are given need no engine."""
        rewritten = query.rewritten
        if bound.columns:
            return self._executed(query, bound)
        if query.given is not None:
            rows = query.given.rows(bound.values)
            if rows is not None:
                return rows.schema, iter([rows])
            rewritten = self.rewrite(as_select(rewritten.tree), query.lookup)
        assert query.write is not None and query.target is not None
        columns = [query.target.column(name) for name in query.write.columns]
        asked = Assigned(query.write.query, rewritten, columns, query.lookup)
        plan = plan_assigned(self, asked, tables, bound, partial(refuse_texts, query))
        return plan.schema, plan.stream()

    @staticmethod
    def _executed(query: Computation, bound: Bound) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """The rows of several executions; the statement must still be what it was to gather them.

        Raises:
            FeatureNotSupported: 0A000.
        """
        if query.given is None or query.given.count != 1:
            raise FeatureNotSupported("cached plan must not change result type")
        rows = query.given.executed(bound.columns)
        return rows.schema, iter([rows])

    def write_of(
        self, tree: exp.Insert | exp.Update | exp.Delete, lookup: Beneath | None = None
    ) -> Computation:
        """What an INSERT, UPDATE or DELETE asks for.

        Args:
            tree: It.
            lookup: What names mean; None: what they mean to this session.
        """
        view = through(self.registry, tree)
        if view is None:
            target = self.registry.definition(*self.registry.named(parts_of(target_of(tree))))
            write = as_write(tree, self.registry.target_columns(target), ROWID)
        else:
            target, base = view.base, self.registry.target_columns(view.base)
            columns = view.target(base, type(tree).__name__.upper())
            write = onto_table(as_write(through_columns(tree, view), columns, ROWID), view)
        upsert = None
        if write.conflict is not None:
            upsert = self.upsert_of(write.conflict, target, view, lookup)
        rewritten, returned = self._rewritten(write, lookup), None
        plain = lookup is None and view is None and not write.beside
        if plain and write.returning is not None:
            shown = self.read_back(write, target, None, (), self.registry.relation)
            returned = Returned(shown, plain_columns(shown.tree, target))
        return Computation(
            rewritten, write, target, upsert, returned=returned, lookup=lookup, through=view
        )

    def _rewritten(self, write: Write, lookup: Beneath | None) -> Rewritten:
        if write.given is None or write.command != "INSERT":
            return self.rewrite(as_select(write.query), lookup)
        self._nodes += self.statement_cache.limits.check(write.query)
        return as_it_stands(write.query)

    def _apply(
        self,
        query: Computation,
        given: pa.Schema,
        batches: Iterator[pa.RecordBatch],
        bound: Bound,
        last: bool,
    ) -> Changed:
        write, target, store = query.write, query.target, self.registry.store
        assert write is not None and target is not None
        checks = query.through is not None and bool(query.through.checks)
        returning = write.returning is not None or checks
        if write.command == "UPDATE":
            check_moments(self.constants, write.columns, given.types[1:], target)
            return store.update(target.name, write.columns, batches, returning=returning)
        if write.command == "DELETE":
            return store.delete(target.name, batches, returning=returning)
        width = len(given)
        check_width(width, write.columns, write.named)
        columns = write.columns[:width]
        check_moments(self.constants, columns, given.types, target)
        if query.upsert is not None:
            return self.apply_upsert(query.upsert, columns, batches, bound, returning)
        return store.insert(target.name, columns, batches, returning=returning, last=last)

    def with_moments(self, tree: exp.Expr) -> exp.Expr:
        """The tree with moments typed that are written to a column, where the clocks differ."""
        if zone_of(self.constants) == "UTC" or not isinstance(tree, exp.Insert | exp.Update):
            return tree
        table = target_of(tree)
        view = through(self.registry, tree)
        if view is not None:
            target = view.target(self.registry.target_columns(view.base))
            return type_moments(tree, {name: column.type for name, column in target.items()})
        columns = self.registry.definition(*self.registry.named(parts_of(table))).columns
        return type_moments(tree, {column.name: column.type for column in columns})
