"""Runs one statement: query, write, definition or EXPLAIN -> Result.

A query is rewritten, planned and streamed. A write is a query whose rows the store applies while
it holds the table's lock. Definitions are in `definition`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.answers import Catalogue, ResultColumn
from gateway.catalog.authority import Authority
from gateway.catalog.registry import Registry
from gateway.engine.interface import EngineSession, Plan
from gateway.errors import FeatureNotSupported, GatewayError
from gateway.rewrite import Rewritten, rewrite
from gateway.session.account import Account
from gateway.session.computation import (
    Bound,
    Computation,
    Described,
    as_before,
    fields_of,
    with_derived,
)
from gateway.session.parameter_types import settled
from gateway.session.recall import Asked, Recall
from gateway.session.result import Field, Notice, Result, lines, plan_lines, read_lines
from gateway.session.sparing import is_worth_sparing, plan_sparing
from gateway.session.time_zones import check_moments
from gateway.session.upserts import Upsert, Upserting, with_excluded
from gateway.sources.table import Table, TableName
from gateway.sql.conflicts import Conflict
from gateway.sql.dialect import to_engine
from gateway.sql.explaining import explain_options
from gateway.sql.lending import Borrowed, Lender
from gateway.sql.locating import located
from gateway.sql.recursion import check_recursive_types
from gateway.sql.relation import TIME_ZONE, Constants, Lookup
from gateway.sql.statement import CreateView, Explain, Kind, Statement
from gateway.sql.tables import CreateTable
from gateway.sql.writes import Write, as_write, check_width, target_of
from gateway.store.definitions import ROWID, Changed, TableDefinition, View
from gateway.store.snapshots import Snapshot
from gateway.types import TEXT, Type


@dataclass(slots=True)
class Executor:
    """One client's way to run statements.

    Args:
        engine: The client's engine session.
        registry: Its names.
        catalogue: Answers queries over pg_catalog and information_schema.
        constants: What session functions such as version() stand for.
        recall: What was worked out before, by any client.
        lender: Lends the engine what only the catalogue has.
        account: What the running statement comes to.
        authority: Who may read what.
        notices: What to tell the client besides.
        array_aggregation: Whether aggregates over grids may be computed on arrays.
    """

    engine: EngineSession
    registry: Registry
    catalogue: Catalogue
    constants: Constants
    recall: Recall[Computation]
    lender: Lender
    account: Account
    authority: Authority
    notices: list[str | Notice] = field(default_factory=list)
    array_aggregation: bool = True
    _nodes: int = 0  # of what was rewritten for the statement at hand
    _own: bool = False  # it asked for what is the session's own

    def __post_init__(self) -> None:
        self.catalogue.view_columns = self.view_columns

    def describe(self, statement: Statement, declared: Mapping[int, Type]) -> Described:
        """Types of parameters and columns, without running anything.

        Args:
            statement: Any statement.
            declared: The parameter types that the client gave; they win.
        """
        if isinstance(statement.tree, Explain) and self.catalogue.answers(
            statement.tree.statement.tree
        ):
            return Described((), (Field("QUERY PLAN", TEXT),))
        if isinstance(statement.tree, exp.Expr) and self.catalogue.answers(statement.tree):
            parameters, columns = self.catalogue.describe(statement.text, statement.tree, declared)
            return Described(parameters, _shown(columns))
        query = self.computation(statement)
        if query is None:
            return Described()
        types, plan = self._infer(query, {**query.known_types, **declared})
        by_number = dict(enumerate(types, 1))
        if statement.kind == Kind.EXPLAIN:
            return Described(types, (Field("QUERY PLAN", TEXT),))
        if statement.kind == Kind.QUERY:
            return Described(types, fields_of(query.rewritten, plan.schema, by_number))
        return Described(types, self._returned_fields(query, by_number))

    def view_columns(self, view: View) -> list[tuple[str, Type, int]]:
        """Names, types and modifiers of a view's columns; none when what it read is gone."""
        query = exp.select("*").from_(exp.table_(view.name.name, db=view.name.schema, quoted=True))
        statement = Statement(f"view {view.name}", 0, query, "SELECT", Kind.QUERY)
        try:
            fields = self.describe(statement, {}).fields or ()
        except GatewayError:  # whatever is wrong with one view, the others must be seen
            return []
        return [(field.name, field.type, field.typmod) for field in fields]

    def query(self, statement: Statement, bound: Bound) -> Result:
        """Plan a query; its rows are computed as they are read."""
        tree = statement.tree
        if isinstance(tree, exp.Expr) and self.catalogue.answers(tree):
            columns, rows = self.catalogue.query(
                statement.text, tree, bound.by_number, bound.values
            )
            return Result("SELECT", _shown(columns), iter([rows]))
        query = self._required(statement)
        self.allow(query.rewritten)
        plan = self.plan(query, bound)
        types = tuple(bound.types)
        known = query.fields.get(types)
        if types and known is not None:  # to ask the plan would be to optimise it once more
            batches = as_before(query.rewritten, known[1], plan.stream(), bound.by_number)
            return Result("SELECT", known[1], batches)
        if known is None or known[0] is not plan.schema:
            known = plan.schema, fields_of(query.rewritten, plan.schema, bound.by_number)
            query.fields[types] = known
        return Result("SELECT", known[1], plan.stream())

    def write(self, statement: Statement, bound: Bound) -> Result:
        """Do an INSERT, UPDATE or DELETE; when this returns it is done."""
        query = self._required(statement)
        assert query.write is not None and query.target is not None
        with self.registry.store.writing(query.target.name, query.locks_for, query.reading):
            changed = self._apply(query, query.write, query.target, bound)
            returned = self._returned(query.write, query.target, changed, bound)
        if returned is None:
            return Result(query.write.command, changed=changed.count)
        fields, batches = returned
        return Result(query.write.command, fields, iter(batches), changed.count)

    def _returned(
        self, write: Write, target: TableDefinition, changed: Changed, bound: Bound
    ) -> tuple[tuple[Field, ...], list[pa.RecordBatch]] | None:
        """RETURNING over the changed rows, before they are committed: an error undoes them."""
        if write.returning is None:
            return None
        rewritten = self.rewrite(write.returning)
        self.allow(rewritten, target.name)
        rows = {target.name: Snapshot(changed.rows)}
        others = self.registry.tables(rewritten.tables - rows.keys())
        plan = self._plan(rewritten, bound.by_number, others | rows, bound.values)
        fields = fields_of(rewritten, plan.schema, bound.by_number)
        return fields, list(plan.stream())

    def explain(self, statement: Statement, bound: Bound) -> Result:
        """The plan, or with the option `rewrite` the engine's SQL, a line a row."""
        explain = statement.tree
        assert isinstance(explain, Explain)
        asked = explain_options(explain)
        if self.catalogue.answers(explain.statement.tree):
            return lines("EXPLAIN", ["Catalogue query: rows in memory, no table is read"])
        query = self._required(statement)
        self.allow(query.rewritten, query.rowid_of)
        if "rewrite" in asked:
            return lines("EXPLAIN", query.rewritten.text.splitlines())
        words = ["EXPLAIN", *(w.upper() for w in ("analyze", "verbose") if w in asked), ""]
        tables, prefix = self._tables(query), " ".join(words)
        plan = self._plan(query.rewritten, bound.by_number, tables, bound.values, prefix)
        told = list(plan_lines(plan.stream()))
        told += read_lines(tables, self.engine.reads) if "analyze" in asked else []
        return lines("EXPLAIN", told)

    def computation(self, statement: Statement) -> Computation | None:
        """The query inside a statement; None when there is none."""
        tree = statement.tree
        if isinstance(tree, Explain):
            return self.computation(tree.statement)
        if isinstance(tree, CreateView):
            return Computation(self.rewrite(tree.query))
        if isinstance(tree, CreateTable):
            return None if tree.query is None else Computation(self.rewrite(tree.query))
        if isinstance(tree, exp.Merge):
            raise FeatureNotSupported("EXPLAIN of MERGE is not supported")
        if isinstance(tree, exp.Select) and tree.args.get("locks"):
            tree = tree.copy()
            tree.set("locks", None)
        return self._recalled(tree) if isinstance(tree, exp.Expr) else None

    def _recalled(self, tree: exp.Expr) -> Computation:
        """A query or a write, as it was worked out before if nothing it stands on has changed."""
        standing = self._standing()
        found = self.recall.query(tree, standing) if standing is not None else None
        if found is not None:
            self.account.done.recalled = True
            return found
        self._nodes, self._own = 0, False
        if isinstance(tree, exp.Insert | exp.Update | exp.Delete):
            found = self._write_of(tree)
        else:
            found = Computation(self.rewrite(tree))
        if standing is not None and not self._own and self._standing() == standing:
            self.recall.keep(tree, standing, found, self._nodes)
        return found

    def _standing(self) -> Hashable | None:
        """What a query's meaning stands on; None: on what nobody else sees."""
        names, zone = self.registry.standing(), self.constants[TIME_ZONE]
        assert isinstance(zone, exp.Expr)
        return None if names is None else (names, zone.name)

    def rewrite(self, tree: exp.Expr, lookup: Lookup | None = None) -> Rewritten:
        """The engine's form of a query over this session's names, or those of `lookup`."""
        names, constants = lookup or self.registry.relation, Asked(self.constants)
        limits, lender = self.recall.limits, Borrowed(self.lender)
        most, functions = limits.statement_nodes, self.registry.function
        with self.account.rewriting() as done:
            rewritten = rewrite(tree, names, constants, functions, most, lender)
            done.markers += rewritten.markers
        self._nodes += limits.check(rewritten.tree)
        self._own = self._own or constants.own or lender.was_asked
        if rewritten.is_recursive:
            tables = with_derived(rewritten, self.registry.tables(rewritten.tables))
            check_recursive_types(
                rewritten.tree, lambda term: self.engine.plan(to_engine(term), tables).schema
            )
        return rewritten

    def allow(self, rewritten: Rewritten, but: TableName | None = None) -> None:
        """Let the client read what a query names, but for a table that is asked for elsewhere.

        Raises:
            InsufficientPrivilege: 42501.
        """
        self.authority.require_reads(read for read in rewritten.reads if read != (but, 0))

    def plan(self, query: Computation, bound: Bound, *, read: bool = True) -> Plan:
        """Plan a query over its tables as they are at this moment; `read`: to be run."""
        if read:
            self.allow(query.rewritten, query.rowid_of)
        return self._plan(query.rewritten, bound.by_number, self._tables(query), bound.values)

    def plan_with(
        self, rewritten: Rewritten, tables: Mapping[TableName, Table], bound: Bound
    ) -> Plan:
        """Plan a rewritten query over tables that were read already."""
        return self._plan(rewritten, bound.by_number, tables, bound.values)

    def infer_all(
        self, queries: Sequence[Rewritten], target: TableName, declared: Mapping[int, Type]
    ) -> tuple[Type, ...]:
        """The types of the parameters of several queries over the rows of one target."""
        known = dict(declared)
        for query in queries:
            known = {**query.parameters, **known}
        plans = [self._plan(q, known, self.registry.tables(q.tables, target)) for q in queries]
        types = settled(known, (plan.parameters for plan in plans), (q.tree for q in queries))
        return tuple(types.values())

    def plan_over(self, rewritten: Rewritten, tables: Mapping[TableName, Table]) -> Plan:
        """Plan a rewritten query over tables that are given, where it does not name others."""
        self.authority.require_reads(read for read in rewritten.reads if read[0] not in tables)
        others = self.registry.tables(rewritten.tables - tables.keys())
        return self._plan(rewritten, {}, {**others, **tables}, [])

    def _plan(
        self,
        rewritten: Rewritten,
        types: Mapping[int, Type],
        tables: Mapping[TableName, Table],
        values: Sequence[pa.Scalar] | None = None,
        prefix: str = "",
    ) -> Plan:
        """Have the engine plan a rewritten query; what it refuses gets its place in the text."""
        started, found = perf_counter_ns(), self.engine.plans_found
        try:
            sql = rewritten.sql_under(types, values is None)
            tables = with_derived(rewritten, tables)
            if values is not None and is_worth_sparing(tables):
                tree = rewritten.typed(types).tree
                arrays = self.array_aggregation
                return plan_sparing(self.engine, tree, sql, tables, values, prefix, arrays)
            return self.engine.plan(prefix + sql, tables, values)
        except GatewayError as error:
            raise located(error, rewritten.tree, rewritten.analysis) from error
        finally:
            self.account.planned(started, kept=self.engine.plans_found > found)

    def _tables(self, query: Computation) -> dict[TableName, Table]:
        return self.registry.tables(query.rewritten.tables, query.rowid_of)

    def _required(self, statement: Statement) -> Computation:
        query = self.computation(statement)
        if query is None:
            raise FeatureNotSupported(f"{statement.command} has no query to run")
        return query

    def _infer(
        self, query: Computation, known: Mapping[int, Type]
    ) -> tuple[tuple[Type, ...], Plan]:
        """Every parameter's type, and the plan under those types."""
        tables, rewritten = self._tables(query), query.rewritten
        plan = self._plan(rewritten, known, tables)
        planned, trees = [plan.parameters], [rewritten.tree]
        if query.upsert is not None and (later := query.upsert.rewritten) is not None:
            planned.append(self._plan(later, known, self._upsert_tables(query.upsert)).parameters)
            trees.append(later.tree)
        types = settled(known, planned, trees)
        if types.keys() - known.keys():
            plan = self._plan(rewritten, types, tables)
        return tuple(types.values()), plan

    def _write_of(self, tree: exp.Insert | exp.Update | exp.Delete) -> Computation:
        table = target_of(tree)
        target = self.registry.definition(table.db, table.name)
        write = as_write(tree, self.registry.target_columns(target), ROWID)
        upsert = None if write.conflict is None else self._upsert_of(write.conflict, target)
        return Computation(self.rewrite(write.query), write, target, upsert)

    def _upsert_of(self, conflict: Conflict, target: TableDefinition) -> Upsert:
        if conflict.update is None:
            return Upsert(conflict, target)
        lookup = with_excluded(self.registry.relation, target)
        return Upsert(conflict, target, self.rewrite(conflict.update, lookup))

    def _upsert_tables(
        self, upsert: Upsert, rows: pa.Table | None = None
    ) -> dict[TableName, Table]:
        """The tables of an upsert's update; `rows` are those in conflict."""
        assert upsert.rewritten is not None
        excluded = upsert.excluded(rows)
        others = upsert.rewritten.tables - excluded.keys()
        return {**self.registry.tables(others, upsert.target.name), **excluded}

    def _apply_upsert(
        self,
        upsert: Upsert,
        columns: tuple[str, ...],
        batches: Iterator[pa.RecordBatch],
        bound: Bound,
        returning: bool,
    ) -> Changed:
        doing = Upserting(self.registry.store, upsert, columns, batches)
        if upsert.rewritten is None:
            return doing.do_nothing(returning)
        self.allow(upsert.rewritten, upsert.target.name)
        tables = self._upsert_tables(upsert, doing.conflicting())
        plan = self._plan(upsert.rewritten, bound.by_number, tables, bound.values)
        return doing.do_update(list(plan.stream()), returning)

    def _apply(
        self, query: Computation, write: Write, target: TableDefinition, bound: Bound
    ) -> Changed:
        store, returning = self.registry.store, write.returning is not None
        plan = self.plan(query, bound)
        batches = plan.stream()
        if write.command == "UPDATE":
            check_moments(self.constants, write.columns, plan.schema.types[1:], target)
            return store.update(target.name, write.columns, batches, returning=returning)
        if write.command == "DELETE":
            return store.delete(target.name, batches, returning=returning)
        width = len(plan.schema)
        check_width(width, write.columns, write.named)
        columns = write.columns[:width]
        check_moments(self.constants, columns, plan.schema.types, target)
        if query.upsert is not None:
            return self._apply_upsert(query.upsert, columns, batches, bound, returning)
        return store.insert(target.name, columns, batches, returning=returning)

    def _returned_fields(
        self, query: Computation, types: Mapping[int, Type]
    ) -> tuple[Field, ...] | None:
        if query.write is None or query.target is None or query.write.returning is None:
            return None
        rewritten = self.rewrite(query.write.returning)
        plan = self._plan(rewritten, types, self.registry.tables(rewritten.tables))
        return fields_of(rewritten, plan.schema, types)


def _shown(columns: Sequence[ResultColumn]) -> tuple[Field, ...]:
    return tuple(Field(c.name, c.type, c.typmod, c.origin) for c in columns)
