"""Runs one query, or EXPLAIN: it is rewritten, planned and streamed.

Writes are in `execution`, definitions in `definition`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter_ns

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.authority import Authority
from gateway.catalog.own_types import bind_types
from gateway.catalog.registry import Registry
from gateway.catalog.system.answers import Catalogue
from gateway.engine.interface import EngineSession, Plan
from gateway.errors import FeatureNotSupported, GatewayError, NotDifferentiable
from gateway.rewrite import Rewritten, rewrite
from gateway.session.activity.account import Account
from gateway.session.computation import (
    Bound,
    Computation,
    Described,
    fields_of,
    with_derived,
)
from gateway.session.portals.scrolling import KeptRoom
from gateway.session.queries.cancellable_joins import watched
from gateway.session.queries.explaining import explained
from gateway.session.queries.grid_planning import KeptGridPlans, has_large_grid, plan_over_grids
from gateway.session.queries.inferring import as_bound, described, shown
from gateway.session.queries.kept_queries import (
    KeptQueries,
    KeptQuery,
    Standing,
    result_as_before,
    run_again,
)
from gateway.session.queries.key_lookups import look_of
from gateway.session.queries.layered import check_recursive, with_layers
from gateway.session.queries.long_lists import plan_held
from gateway.session.queries.statement_cache import Asked, Circumstances, StatementCache
from gateway.session.queries.unknown_functions import known_or_not
from gateway.session.result import Field, Notice, Result
from gateway.session.writes.returning import Beneath
from gateway.session.writes.upserts import Upsert
from gateway.sources.opening.opened_files import check_present
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.lending import Borrowed, Lender
from gateway.sql.lowered.relations.value_rows import as_select
from gateway.sql.meaning.locating import located
from gateway.sql.names.relation import Constants, Lookup, notation_of, unsettled
from gateway.sql.names.scope import table_node
from gateway.sql.statements.statement import CreateView, Explain, Kind, Statement
from gateway.sql.statements.tables import CreateTable
from gateway.sql.writes.writes import modifying_parts
from gateway.store.definitions.definitions import View
from gateway.store.rows.row_lookups import Wanted
from gateway.types import Type


@dataclass(slots=True)
class Queries:
    """One client's way to run queries.

    Args:
        engine: The client's engine session.
        registry: Its names.
        catalogue: Answers queries over pg_catalog and information_schema.
        constants: What session functions such as version() stand for.
        statement_cache: What was worked out before, by any client.
        lender: Lends the engine what only the catalogue has.
        account: What the running statement comes to.
        authority: Who may read what.
        notices: What to tell the client besides.
        array_aggregation: Whether aggregates over grids may be computed on arrays.
        kept_queries: What may run again as it is.
        standing: Under what, at this moment.
        kept: Where the rows of layers are kept.
    """

    engine: EngineSession
    registry: Registry
    catalogue: Catalogue
    constants: Constants
    statement_cache: StatementCache[Computation]
    lender: Lender
    account: Account
    authority: Authority
    notices: list[str | Notice] = field(default_factory=list)
    array_aggregation: bool = True
    kept_queries: KeptQueries = field(default_factory=KeptQueries)
    standing: Callable[[], Standing | None] = field(default=lambda: None)
    kept: KeptRoom = field(default_factory=lambda: KeptRoom(0))
    _grid_plans: KeptGridPlans = field(default_factory=KeptGridPlans)
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
        return described(self, statement, declared)

    def view_columns(self, view: View) -> list[tuple[str, Type, int, int]]:
        """Names, types, modifiers, domains of a view's columns; none when what it read is gone."""
        query = exp.select("*").from_(table_node(view.name))
        statement = Statement(f"view {view.name}", 0, query, "SELECT", Kind.QUERY)
        try:
            fields = self.describe(statement, {}).fields or ()
        except GatewayError:  # whatever is wrong with one view, the others must be seen
            return []
        return [(field.name, field.type, field.typmod, field.domain) for field in fields]

    def query(self, statement: Statement, bound: Bound) -> Result:
        """Plan a query; its rows are computed as they are read."""
        tree = statement.tree
        if isinstance(tree, exp.Expr) and self.catalogue.answers(statement.text, tree):
            columns, rows = self.catalogue.query(
                statement.text, tree, bound.by_number, bound.values
            )
            return Result("SELECT", shown(columns), iter([rows]))
        query = self.required(statement)
        self.allow(query.rewritten, query.rowid_of)
        self.tell(query.rewritten)
        types = tuple(bound.types)
        known = query.fields.get(types)
        few = query.look.rows(self.registry, bound.values) if query.look else None
        if few is not None and (picked := few.result(known)) is not None:
            return picked
        tables = self.tables(query) if few is None else few.tables
        plan = self._plan(query.rewritten, bound.by_number, tables, bound.values)
        if not types or known is None:  # else to ask the plan would be to optimise it once more
            if known is None or known[0] is not plan.schema:
                known = plan.schema, fields_of(query.rewritten, plan.schema, bound.by_number)
                query.fields[types] = known
            found = Result("SELECT", known[1], plan.stream())
        else:
            found = result_as_before(query, known, plan, bound)
        # Those of layers stay as long as the plan.
        lasting = few is None and not query.rewritten.layers
        if lasting and self.account.done.recalled and self.registry.holds(query.rewritten.tables):
            kept = KeptQuery(statement, types, query, tables, known, None if types else plan)
            self.kept_queries.keep(statement, bound.values, kept, self.standing())
        return found

    def again(self, kept: KeptQuery, bound: Bound) -> Result:
        """The same for a query that is kept."""
        self.tell(kept.query.rewritten)
        look = kept.query.look
        few = look.rows(self.registry, bound.values) if look else None
        picked = few.result(kept.known) if few else None
        return picked or run_again(self, kept, bound)

    def explain(self, statement: Statement, bound: Bound) -> Result:
        """The plan, or with the option `rewrite` the engine's SQL, a line a row."""
        return explained(self, statement, bound)

    def computation(self, statement: Statement) -> Computation | None:
        """The query inside a statement; None when there is none."""
        tree = statement.tree
        if isinstance(tree, Explain):
            return self.computation(tree.statement)
        if isinstance(tree, CreateView):
            return Computation(self.rewrite(tree.query, kept=True))
        if isinstance(tree, CreateTable):
            kept = tree.materialized
            return None if tree.query is None else Computation(self.rewrite(tree.query, kept=kept))
        if modifying_parts(tree):
            raise FeatureNotSupported("EXPLAIN of data-modifying WITH is not supported")
        if isinstance(tree, exp.Select) and tree.args.get("locks"):
            tree = tree.copy()
            tree.set("locks", None)
        return self._recalled(tree) if isinstance(tree, exp.Expr) else None

    def _recalled(self, tree: exp.Expr) -> Computation:
        """A query or a write, as it was worked out before if nothing it stands on has changed."""
        here = self._circumstances()
        found = self.statement_cache.query(tree, here) if here is not None else None
        if found is not None:
            self.account.done.recalled = True
            return found
        self._nodes, self._own = 0, False
        if isinstance(tree, exp.Insert | exp.Update | exp.Delete):
            found = self.write_of(tree)
        else:
            rewritten = self.rewrite(as_select(tree))
            found = Computation(rewritten, look=look_of(tree, rewritten, self.registry))
        if here is not None and not self._own and self._circumstances() == here:
            self.statement_cache.keep(tree, here, found, self._nodes)
        return found

    def _circumstances(self) -> Circumstances | None:
        """What a query's meaning stands on; None: on what nobody else sees."""
        names = self.registry.standing()
        if names is None:
            return None
        version, datasets, *place = names
        return Circumstances((version, datasets), (*place, notation_of(self.constants)))

    def write_of(self, tree: exp.Insert | exp.Update | exp.Delete) -> Computation:
        """What an INSERT, UPDATE or DELETE asks for; `execution` knows."""
        raise NotImplementedError

    def returned_fields(
        self, query: Computation, types: Mapping[int, Type]
    ) -> tuple[Field, ...] | None:
        """The columns of a write's RETURNING; `returning_queries` knows."""
        raise NotImplementedError

    def returning_plan(
        self, query: Computation, types: Mapping[int, Type], known: Mapping[TableName, Table]
    ) -> tuple[Rewritten, Plan]:
        """A write's RETURNING, planned over no rows; `execution` knows."""
        raise NotImplementedError

    def upsert_tables(self, upsert: Upsert) -> dict[TableName, Table]:
        """The tables of an upsert's update; `execution` knows."""
        raise NotImplementedError

    def rewrite(
        self, tree: exp.Expr, lookup: Lookup | None = None, *, kept: bool = False
    ) -> Rewritten:
        """The engine's form of a query over this session's names, or those of `lookup`.

        Args:
            tree: The query.
            lookup: What other names mean.
            kept: It is part of a definition, so other sessions read it too.
        """
        constants = Asked(unsettled(self.constants) if kept else self.constants)
        names = lookup or self.registry.relation
        limits, lender = self.statement_cache.limits, Borrowed(self.lender)
        most, functions = limits.statement_nodes, self.registry.function
        with self.account.rewriting() as done:
            try:
                rewritten = rewrite(
                    tree, names, constants, functions, most, lender,
                    partial(bind_types, self.registry),
                )  # fmt: skip
            except NotDifferentiable as error:
                raise known_or_not(error, self.engine) from error
            done.markers += rewritten.markers
        self._nodes += limits.check(rewritten.tree)
        self._own = self._own or constants.own or lender.was_asked
        if rewritten.is_recursive:
            own = lookup.empty if isinstance(lookup, Beneath) else {}
            held = {**self.registry.tables(rewritten.tables - own.keys()), **own}
            tables, plan = with_derived(rewritten, held), partial(self._plan, types={})
            check_recursive(rewritten, tables, plan, self.engine.plan)
        return rewritten

    def allow(self, rewritten: Rewritten, *but: TableName | None) -> None:
        """Let the client read what a query names, but for tables that are asked for elsewhere.

        Raises:
            InsufficientPrivilege: 42501.
        """
        self.authority.require_reads(
            read for read in rewritten.reads if read[1] or read[0] not in but
        )

    def tell(self, rewritten: Rewritten) -> None:
        """Tell the client what there is to know of a query's derivatives."""
        self.notices += (Notice(each.message, hint=each.hint) for each in rewritten.notes)

    def plan(self, query: Computation, bound: Bound, *, read: bool = True) -> Plan:
        """Plan a query over its tables as they are at this moment; `read`: to be run."""
        if not read:
            return self.described_plan(query.rewritten, self.tables(query), bound.by_number)
        self.allow(query.rewritten, query.rowid_of)
        return self.plan_with(query.rewritten, self.tables(query), bound)

    def plan_with(
        self,
        rewritten: Rewritten,
        tables: Mapping[TableName, Table],
        bound: Bound,
        prefix: str = "",
    ) -> Plan:
        """Plan a rewritten query over tables that were read already; `prefix` is EXPLAIN's."""
        return self._plan(rewritten, bound.by_number, tables, bound.values, prefix)

    def described_plan(
        self,
        rewritten: Rewritten,
        tables: Mapping[TableName, Table],
        types: Mapping[int, Type] | None = None,
    ) -> Plan:
        """Plan a rewritten query to be told of, not run."""
        return self._plan(rewritten, types or {}, tables)

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
        if values is not None:
            check_present(tables.values())
        if rewritten.layers:
            run = values is not None and (not prefix or "ANALYZE" in prefix)
            plan_layer = partial(self._plan, types=types, values=values)
            tables = with_layers(rewritten, tables, plan_layer, self.kept if run else None)
        started, found, kept = perf_counter_ns(), self.engine.plans_found, False
        try:
            types = as_bound(types, values) if values else types
            sql = rewritten.sql_under(types, values is None)
            if values is None or not has_large_grid(tables):
                if values is not None and prefix != "EXPLAIN ":
                    sql = watched(rewritten, types, tables, self.registry)
                return plan_held(self.engine, rewritten, types, sql, tables, values, prefix)
            spared = partial(self._plan_spared, rewritten, types, sql, tables, values, prefix)
            if values or prefix or rewritten.layers:
                return spared()
            standing = sql, notation_of(self.constants), self.array_aggregation
            plan, kept = self._grid_plans.find(standing, tables, spared, sql.count("SELECT") > 1)
            return plan
        except GatewayError as error:
            raise located(error, rewritten.tree, rewritten.analysis) from error
        finally:
            self.account.planned(started, kept=kept or self.engine.plans_found > found)

    def _plan_spared(
        self,
        rewritten: Rewritten,
        types: Mapping[int, Type],
        sql: str,
        tables: Mapping[TableName, Table],
        values: Sequence[pa.Scalar],
        prefix: str,
    ) -> Plan:
        tree, tables = rewritten.typed(types).tree, with_derived(rewritten, tables)
        on_arrays = self.array_aggregation
        return plan_over_grids(self.engine, tree, sql, tables, values, prefix, on_arrays, self.kept)

    def tables(
        self,
        query: Computation,
        known: Collection[TableName] = (),
        wanted: Wanted | None = None,
    ) -> dict[TableName, Table]:
        """The tables that a query names, but those of `known`, as of one moment.

        Of a write's target only the rows that are `wanted` need be there.
        """
        names = query.rewritten.tables - set(known)
        return self.registry.tables(names, query.rowid_of, wanted, once=query.reads_once)

    def required(self, statement: Statement) -> Computation:
        """The query inside a statement: 0A000 when there is none."""
        query = self.computation(statement)
        if query is None:
            raise FeatureNotSupported(f"{statement.command} has no query to run")
        return query
