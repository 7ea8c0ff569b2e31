"""PASSES, in order: a query as PostgreSQL's users write it in, engine SQL out.

Each pass is one function over the tree and what is known so far (`Rewriting`); none looks at text.
Whatever a statement is (INSERT, UPDATE, a view, EXPLAIN), what comes here is its query.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sqlglot import exp

from gateway.autodiff.differentiate_sql import replace_calls
from gateway.autodiff.graph import MOST_NODES
from gateway.autodiff.markers import expand
from gateway.autodiff.neighbours import Derived, has_calls, take_along
from gateway.errors import StatementTooComplex, UndefinedTable
from gateway.sources.table import TableName
from gateway.sql.analysis import analyse
from gateway.sql.comparisons import cast_literals
from gateway.sql.depth import with_room
from gateway.sql.dialect import DIALECT, parse, to_engine, to_text
from gateway.sql.functions import Functions
from gateway.sql.inference import plain_column
from gateway.sql.inlining import inline
from gateway.sql.localtime import keep_local_times
from gateway.sql.naming import alias_unnamed
from gateway.sql.overloads import resolve_overloads
from gateway.sql.parameters import declared_types, number
from gateway.sql.relation import TIME_ZONE, ColumnInfo, Constants, Lookup, Relation, Relations
from gateway.sql.scope import Analysis, position_of, visible_ctes
from gateway.sql.session_values import put_values
from gateway.sql.trees import copied, nodes, nodes_of
from gateway.types import Type

# A view may stand on a view; PostgreSQL's own bound is its stack, about this deep.
MAX_VIEW_DEPTH = 100
# Views that name two views each, 20 deep, would be a million queries.
MAX_VIEWS = 1000

# Types that the engine can cast a parameter to; a value of another type comes typed as it is.
_CAST = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "text", "varchar", "date", "time",
     "timestamp", "timestamptz", "bytea"}
)  # fmt: skip
_TOLD = frozenset({"numeric", "interval"})
_NOTHING: Constants = {}


def _no_functions(schema: str, name: str, arity: int) -> None:
    """No function of a user's own."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A query ready for the engine.

    Args:
        tree: The rewritten tree.
        tables: Every table that it names.
        names: The result's column names as PostgreSQL gives them; None: the engine's own.
        parameters: Types of `$n` that the text itself tells.
        analysis: The query's blocks.
        derived: Tables that it names instead of one of `tables`, with columns that are computed.
        columns: What is known of each column of the result that is a relation's column; empty
            where that is not told.
    """

    tree: exp.Expr
    tables: frozenset[TableName]
    names: tuple[str, ...] | None
    parameters: dict[int, Type]
    analysis: Analysis = field(default_factory=Analysis)
    derived: Mapping[TableName, Derived] = field(default_factory=dict)
    columns: tuple[ColumnInfo, ...] = ()
    _texts: dict[Hashable, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_recursive(self) -> bool:
        """Whether WITH RECURSIVE stands in it."""
        return any(clause.args.get("recursive") for clause in nodes_of(self.tree, exp.With))

    def typed(self, types: Mapping[int, Type], described: bool = False) -> Rewritten:
        """The same with each `$n` of a known type cast to it, so that planning knows it too.

        A numeric or an interval is cast when it is only to be described: its value has its scale.
        """
        if not types or not nodes_of(self.tree, exp.Parameter):
            return self
        tree = copied(self.tree)
        for parameter in nodes_of(tree, exp.Parameter):
            known = types.get(number(parameter))
            if known is not None and (known.name in _CAST or (described and known.name in _TOLD)):
                kind = exp.DataType.build(known.sql, dialect=DIALECT)
                parameter.replace(exp.Cast(this=copied(parameter), to=kind))
        return replace(self, tree=tree)

    def sql_under(self, types: Mapping[int, Type], described: bool = False) -> str:
        """The engine's SQL of `typed`; it is printed once."""
        key = (tuple(types.items()), described)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = self.typed(types, described).sql
        return text

    @property
    def sql(self) -> str:
        """The engine's SQL."""
        return to_engine(self.tree)

    @property
    def text(self) -> str:
        """The same, laid out for people."""
        return to_text(self.tree)


@dataclass(slots=True)
class Rewriting:
    """What the passes know and find out."""

    tree: exp.Expr
    lookup: Lookup
    constants: Constants
    functions: Functions = _no_functions
    relations: dict[TableName, dict[str, ColumnInfo]] = field(default_factory=dict)
    names: tuple[str, ...] | None = None
    parameters: dict[int, Type] = field(default_factory=dict)
    analysis: Analysis = field(default_factory=Analysis)
    columns: tuple[ColumnInfo, ...] = ()
    unaliased: set[TableName] = field(default_factory=set)  # relations that go by their own name
    most_nodes: int = MOST_NODES  # of all derivatives
    views: int = 0  # put in place so far
    derived: dict[TableName, Derived] = field(default_factory=dict)


def rewrite(
    tree: exp.Expr,
    lookup: Lookup,
    constants: Constants = _NOTHING,
    functions: Functions = _no_functions,
    most_nodes: int = MOST_NODES,
) -> Rewritten:
    """The engine's form of a query; `tree` itself is left as it was.

    Args:
        tree: A query as it was parsed.
        lookup: What a name in FROM means.
        constants: What functions of the session stand for.
        functions: What a call means, where it means a user's own function.
        most_nodes: Of all derivatives together.

    Raises:
        GatewayError: 42P01, 42703, 0A000, 54001, ...; `position` where it is known.
    """
    return with_room(
        lambda: _rewrite(
            Rewriting(copied(tree), lookup, constants, functions, most_nodes=most_nodes)
        )
    )


def _rewrite(state: Rewriting) -> Rewritten:
    for each in PASSES:
        each(state)
    tables = frozenset(state.relations)
    return Rewritten(
        state.tree, tables, state.names, state.parameters, state.analysis, state.derived,
        state.columns,
    )  # fmt: skip


def bind_tables(state: Rewriting) -> None:
    """Write every table as schema.name under its alias; put a view's query in its place."""
    _bind_tables(state, state.tree, 0, state.lookup)


def _bind_tables(state: Rewriting, tree: exp.Expr, depth: int, lookup: Lookup) -> None:
    if depth > MAX_VIEW_DEPTH:
        raise StatementTooComplex(f"views stand on views more than {MAX_VIEW_DEPTH} deep")
    for table in list(named_tables(tree)):
        _bind(state, table, depth, lookup)


def named_tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """Tables of FROM clauses: not table functions, not references to a CTE."""
    for table in nodes_of(tree, exp.Table):
        named = isinstance(table.this, exp.Identifier)
        if named and (table.db or table.name not in visible_ctes(table)):
            yield table


def _bind(state: Rewriting, table: exp.Table, depth: int, lookup: Lookup) -> None:
    try:
        relation = lookup(table.db, table.name)
    except UndefinedTable as error:
        error.position = position_of(table)
        raise
    if table.args.get("alias") is None:
        state.unaliased.add(relation.name)
        alias = exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
        table.set("alias", alias)
    if relation.view is not None:
        table.replace(_inlined(state, table, relation, depth))
        return
    table.set("db", exp.to_identifier(relation.name.schema, quoted=True))
    table.set("this", exp.to_identifier(relation.name.name, quoted=True))
    state.relations[relation.name] = dict(relation.columns)


def _inlined(state: Rewriting, table: exp.Table, relation: Relation, depth: int) -> exp.Subquery:
    """A view's query, for the place where its name stands; errors in it have no position here.

    Its tables are bound before it stands there, where a CTE could have the name of one of them.
    """
    state.views += 1
    if state.views > MAX_VIEWS:
        raise StatementTooComplex(
            f"the statement names more than {MAX_VIEWS} views, one in another"
        )
    query = parse(relation.view or "")[0]
    for node in nodes(query):
        node.meta.pop("start", None)
    _bind_tables(state, query, depth + 1, partial(_as_bound, state.lookup, relation))
    alias = table.args["alias"]
    given = alias.columns
    names = relation.view_columns[len(given) :]
    rest = [exp.to_identifier(name, quoted=True) for name in names]
    alias.set("columns", given + rest)
    inlined = exp.Subquery(this=query, alias=alias, joins=table.args.get("joins"))
    inlined.meta["view"] = relation.oid
    return inlined


def _as_bound(lookup: Lookup, view: Relation, schema: str, name: str) -> Relation:
    """What a name in a view's query meant when the view was made."""
    meant = view.reads.get((schema, name))
    return lookup(schema, name) if meant is None else lookup(meant.schema, meant.name)


def strip_schemas(state: Rewriting) -> None:
    """`ncep.winds.uwnd` is `winds.uwnd`: a column belongs to its relation's name in FROM."""
    for column in nodes_of(state.tree, exp.Column):
        if column.args.get("db") is not None:
            if TableName(column.db, column.table) not in state.unaliased:
                raise UndefinedTable(
                    f'missing FROM-clause entry for table "{column.table}"',
                    position=position_of(column),
                )
            column.set("db", None)
            column.set("catalog", None)


def session_functions(state: Rewriting) -> None:
    """Put the value in place of version(), current_user and their like."""
    put_values(state.tree, state.constants)


def differentiate_sql(state: Rewriting) -> None:
    """Put the text of a derivative in place of differentiate_sql('expression', 'column')."""
    replace_calls(state.tree, partial(_inline_calls, state), state.most_nodes)


def name_outputs(state: Rewriting) -> None:
    """Give unnamed columns PostgreSQL's names."""
    alias_unnamed(state.tree)


def bind_columns(state: Rewriting) -> None:
    """Find every relation's columns, expand stars, make repeated names unique."""
    state.analysis = analyse(state.tree, state.relations)
    top = _leftmost(state.tree)
    state.names = next((b.names for b in state.analysis.blocks if b.select is top), None)
    if top is state.tree and isinstance(top, exp.Select) and state.names is not None:
        block = next(b for b in state.analysis.blocks if b.select is top)
        state.columns = tuple(plain_column(item, block) for item in top.expressions)


def _leftmost(tree: exp.Expr) -> exp.Expr:
    """The SELECT that names the columns of a query."""
    while True:
        if isinstance(tree, exp.SetOperation):
            tree = tree.left
        elif isinstance(tree, exp.Subquery):
            tree = tree.this
        else:
            return tree


def inline_functions(state: Rewriting) -> None:
    """Put the bodies of users' functions in place of their calls."""
    if _inline_calls(state, state.tree, state.analysis):
        state.analysis = analyse(state.tree, state.relations)


def _inline_calls(state: Rewriting, tree: exp.Expr, analysis: Analysis) -> bool:
    def finish(body: exp.Select, relations: Relations) -> None:
        inner = replace(state, tree=body)
        session_functions(inner)
        differentiate_sql(inner)
        expand(body, analyse(body, relations), inline=True, most_nodes=state.most_nodes)

    return inline(tree, analysis, state.functions, finish)


def expand_markers(state: Rewriting) -> None:
    """Put the derivative in place of every grad, jvp and vjp."""
    expand(state.tree, state.analysis, most_nodes=state.most_nodes)


def take_neighbours(state: Rewriting) -> None:
    """Put a column of the grid in place of every differentiate and integrate."""
    if has_calls(state.tree):
        state.analysis = analyse(state.tree, state.relations)
        state.derived = take_along(state.tree, state.analysis, state.relations)


def declare_parameters(state: Rewriting) -> None:
    """Note the types of `$n` that the text tells."""
    state.parameters = declared_types(state.tree)


def type_literals(state: Rewriting) -> None:
    """Give a string literal the type of what it is compared with, as PostgreSQL does."""
    for block in state.analysis.blocks:
        cast_literals(block)


def choose_functions(state: Rewriting) -> None:
    """Tell by the types of their arguments which functions are called."""
    zone = state.constants.get(TIME_ZONE)
    for block in state.analysis.blocks:
        resolve_overloads(block, zone.name if isinstance(zone, exp.Expr) else "UTC")


def keep_times(state: Rewriting) -> None:
    """Give moments their local times where the session's TimeZone is not UTC."""
    zone = state.constants.get(TIME_ZONE)
    if isinstance(zone, exp.Expr) and zone.name != "UTC":
        for block in state.analysis.blocks:
            keep_local_times(block)


PASSES: tuple[Callable[[Rewriting], None], ...] = (
    bind_tables,
    strip_schemas,
    name_outputs,
    session_functions,
    differentiate_sql,
    bind_columns,
    inline_functions,
    type_literals,
    choose_functions,
    keep_times,
    expand_markers,
    take_neighbours,
    declare_parameters,
)
