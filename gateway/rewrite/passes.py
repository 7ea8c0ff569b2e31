"""PASSES, in order: a query as PostgreSQL's users write it in, engine SQL out.

Each pass is one function over the tree and what is known so far (`Rewriting`); none looks at text.
Whatever a statement is (INSERT, UPDATE, a view, EXPLAIN), what comes here is its query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sqlglot import exp

from gateway.autodiff.relational import pull_back, unnamed
from gateway.autodiff.rules.graph import MOST_NODES
from gateway.autodiff.statements.differentiate_sql import replace_calls
from gateway.autodiff.statements.markers import expand
from gateway.autodiff.statements.neighbours import has_calls, take_along
from gateway.interrupts import check_for_interrupts
from gateway.rewrite.named_losses import key_of, name_view
from gateway.rewrite.relation_passes import (
    group_dependents,
    join_laterals,
    put_sets,
    select_values,
)
from gateway.rewrite.rewriting import (
    LAYERS,
    NOTHING,
    BindTypes,
    Rewriting,
    done,
    no_functions,
    no_types,
)
from gateway.rewrite.rewritten import Rewritten, Step, with_parameters
from gateway.rewrite.value_passes import (
    choose_functions,
    join_by_null,
    keep_infinities,
    keep_numbers,
    keep_times,
    leave_behind,
)
from gateway.sources.table import TableName
from gateway.sql.lowered.lending import Lender, borrow, may_borrow
from gateway.sql.lowered.relations.iterated import Rounds, iterate
from gateway.sql.lowered.relations.joining import join_subqueries
from gateway.sql.lowered.relations.lone_values import select_words
from gateway.sql.lowered.relations.sets import is_plain
from gateway.sql.lowered.relations.unread_numbers import read_numbers
from gateway.sql.lowered.values.session_values import put_values
from gateway.sql.lowered.values.written_numerics import keep_written
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.binding import Binder, without_schemas
from gateway.sql.meaning.checking import check_types
from gateway.sql.meaning.empty_queries import refuse_empty
from gateway.sql.meaning.functions import Functions
from gateway.sql.meaning.inlining import inline
from gateway.sql.meaning.materialised import materialise
from gateway.sql.meaning.naming import alias_unnamed, leftmost
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.meaning.searching import order_searches
from gateway.sql.meaning.self_references import check_self_references
from gateway.sql.meaning.table_oids import put_table_oids
from gateway.sql.meaning.unknowns import drop_unknown
from gateway.sql.meaning.volatile import refuse_read_twice
from gateway.sql.meaning.windows import settle_windows
from gateway.sql.names.grouped_joins import name_merged, select_joined
from gateway.sql.names.hidden import rename_hidden
from gateway.sql.names.named_windows import put_windows
from gateway.sql.names.relation import ColumnInfo, Constants, Lookup, Relations
from gateway.sql.names.row_functions import refuse_chosen_sets
from gateway.sql.names.scope import Analysis
from gateway.sql.text.depth import with_room
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.comparisons import cast_listed, cast_literals, cast_united
from gateway.sql.types.constant_numbers import fold_numbers
from gateway.sql.types.dimensions import keep_dimensions
from gateway.sql.types.inference import Types, declare_united, info_of
from gateway.sql.types.parameters import declared_types
from gateway.types import Type


def rewrite(
    tree: exp.Expr,
    lookup: Lookup,
    constants: Constants = NOTHING,
    functions: Functions = no_functions,
    most_nodes: int = MOST_NODES,
    lender: Lender | None = None,
    bind_types: BindTypes = no_types,
) -> Rewritten:
    """The engine's form of a query; `tree` itself is left as it was.

    Args:
        tree: A query as it was parsed.
        lookup: What a name in FROM means.
        constants: What functions of the session stand for.
        functions: What a call means, where it means a user's own function.
        most_nodes: Of all derivatives together.
        lender: Who lends what only the catalogue has.
        bind_types: Finds the types of users' own.

    Raises:
        GatewayError: 42P01, 42703, 0A000, 54001, ...; `position` where it is known.
    """
    state = Rewriting(copied(tree), lookup, constants, functions, lender, most_nodes=most_nodes)
    state.bind_types = bind_types
    return with_room(lambda: _rewrite(state))


def _rewrite(state: Rewriting) -> Rewritten:
    plain: bool | None = None
    for each in PASSES:
        check_for_interrupts()
        if each in _ONLY_UNUSUAL:
            plain = is_plain(state.tree) if plain is None else plain
            if plain:
                continue
        each(state)
    check_for_interrupts()
    return done(state)


def refuse_forms(state: Rewriting) -> None:
    """Refuse what PostgreSQL refuses whatever the names mean; `::unknown` says nothing."""
    drop_unknown(state.tree)
    check_self_references(state.tree)
    refuse_chosen_sets(state.tree)
    refuse_empty(state.tree)


def bind_tables(state: Rewriting) -> None:
    """Write every table as schema.name under its alias, views and joins with a name as queries."""
    select_words(state.tree)
    # Whose value is asked for is the session's own, and what asks for it serves no other: no query
    # is recalled or settled then. So it is asked for only where a name has a database before it.
    asks = any(table.catalog for table in nodes_of(state.tree, exp.Table))
    database = state.constants.get("current_database") if asks else None
    named = database.find(exp.Literal) if isinstance(database, exp.Expr) else None
    name = named.name if named is not None else ""
    binder = Binder(state.lookup, state.relations, state.unaliased, name)
    binder.bind(state.tree, state.lookup)
    state.reads = binder.all_read
    select_joined(state.tree)
    name_merged(state.tree)


def find_types(state: Rewriting) -> None:
    """Let each name of a type of a user's own mean it."""
    state.bind_types(state.tree)


def strip_schemas(state: Rewriting) -> None:
    """`ncep.winds.uwnd` is `winds.uwnd`: a column belongs to its relation's name in FROM."""
    without_schemas(state.tree, state.unaliased)


def session_functions(state: Rewriting) -> None:
    """Put the value in place of version(), current_user and their like."""
    put_values(state.tree, state.constants)


def differentiate_sql(state: Rewriting) -> None:
    """Put the text of a derivative in place of differentiate_sql('expression', 'column')."""
    replace_calls(state.tree, partial(_inline_calls, state), state.most_nodes)


def name_outputs(state: Rewriting) -> None:
    """Give unnamed columns PostgreSQL's names."""
    alias_unnamed(state.tree)


def number_tables(state: Rewriting) -> None:
    """Put its value in place of tableoid."""
    put_table_oids(state.tree, state.relations)


def compute_constants(state: Rewriting) -> None:
    """Put its value in place of arithmetic of literals with a point."""
    fold_numbers(state.tree)


def bind_columns(state: Rewriting) -> None:
    """Find every relation's columns, expand stars, make repeated names unique."""
    state.analysis = analyse(state.tree, state.relations)
    if order_searches(state.analysis):
        state.analysis = analyse(state.tree, state.relations)
    rename_hidden(state.analysis)
    top = leftmost(state.tree)
    state.names = next((b.names for b in state.analysis.blocks if b.select is top), None)


def pull_back_queries(state: Rewriting) -> None:
    """Put a column in the place of every marker that names a query of WITH, or a view."""
    if not nodes_of(state.tree, Marker):
        return
    named = {name: marker for marker, name in unnamed(state.tree, state.analysis)}
    for name, marker in named.items():
        name_view(state, marker, name)
    recursive = any(map(is_recursive, nodes_of(state.tree, exp.CTE)))
    keep = None if recursive else partial(_keep_layer, state)
    keys = partial(key_of, state)
    known = (state.tree, state.analysis, state.relations)
    state.analysis = pull_back(*known, keys, keep, state.most_nodes)


def _keep_layer(state: Rewriting, query: exp.Query, in_rounds: bool = False) -> TableName:
    """Let a query, of names that are bound, be run before the statement; the name of its rows."""
    inner = _beforehand(state, query, in_rounds)
    number = sum(name.schema == LAYERS for name in state.relations) + 1
    name = TableName(LAYERS, str(number))
    state.layers[name] = done(inner)
    names = query.named_selects if inner.names is None else inner.names
    state.relations[name] = dict(zip(names, inner.columns, strict=True))
    return name


def _beforehand(state: Rewriting, query: exp.Query, in_rounds: bool) -> Rewriting:
    inner = replace(
        state, tree=query, names=None, parameters={}, columns=(), outputs=(), derived={}, layers={},
        in_rounds=in_rounds,
    )  # fmt: skip
    for each in PASSES[PASSES.index(bind_columns) :]:
        if each not in (pull_back_queries, materialise_queries):
            each(inner)
    state.markers += inner.markers - state.markers
    state.parameters |= inner.parameters
    return inner


def _keep_rounds(state: Rewriting, rounds: Rounds) -> TableName:
    """Let a recursive query be run before the statement, step by step; the name of its rows."""
    name = _keep_layer(state, rounds.first, in_rounds=True)
    rows = TableName(LAYERS, f"{name.name} before")
    columns = {each: ColumnInfo(info.type) for each, info in state.relations[name].items()}
    state.relations[name] = state.relations[rows] = columns
    step = done(_beforehand(state, rounds.step(tuple(columns), rows, name), in_rounds=True))
    found = Step(rows, step, rounds.cte, rounds.is_distinct)
    state.layers[name] = replace(state.layers[name], step=found)
    return name


def materialise_queries(state: Rewriting) -> None:
    """Let queries of WITH that are to be run once be run first, and what numbers rows be read."""
    read_numbers(state.analysis)
    keep = partial(_keep_layer, state)
    state.analysis = materialise(state.tree, state.analysis, state.relations, keep)


def take_rounds(state: Rewriting) -> None:
    """Let recursive queries that the engine does not run be run first, step by step."""
    keep = partial(_keep_rounds, state)
    state.analysis = iterate(state.tree, state.analysis, state.relations, keep)


def write_windows(state: Rewriting) -> None:
    """Put what WINDOW says in the place of its names."""
    put_windows(state.tree)


def inline_functions(state: Rewriting) -> None:
    """Put the bodies of users' functions in place of their calls."""
    if _inline_calls(state, state.tree, state.analysis):
        state.analysis = analyse(state.tree, state.relations)
    refuse_read_twice(state.analysis)


def _inline_calls(state: Rewriting, tree: exp.Expr, analysis: Analysis) -> bool:
    def finish(body: exp.Select, relations: Relations) -> None:
        inner = replace(state, tree=body)
        find_types(inner)
        session_functions(inner)
        differentiate_sql(inner)
        expand(body, analyse(body, relations), inline=True, most_nodes=state.most_nodes)

    return inline(tree, analysis, state.functions, finish)


def lend_functions(state: Rewriting) -> None:
    """Put functions that the engine is lent in place of the catalogue's."""
    if state.lender is not None and may_borrow(state.tree, state.relations, state.lender):
        state.analysis = borrow(state.tree, state.analysis, state.relations, state.lender)


def count_dimensions(state: Rewriting) -> None:
    """Let subscripts and casts of arrays of several dimensions mean what they do in PostgreSQL."""
    for block in state.analysis.blocks:
        keep_dimensions(block)


def widen_values(state: Rewriting) -> None:
    """Let lag and lead with a wider default have its type, and frames leave rows out."""
    if any([settle_windows(block) for block in state.analysis.blocks]):
        state.analysis = analyse(state.tree, state.relations)


def keep_literals(state: Rewriting) -> None:
    """Let literals with a point be numerics where nothing beside them is a double."""
    # A derivative is of doubles, whatever stands around; so are terms of recursive queries.
    if state.in_rounds or nodes_of(state.tree, Marker):
        return
    for _ in range(2):  # the second time for what is of numerics by the first
        if keep_written(state.tree, state.analysis):
            state.analysis = analyse(state.tree, state.relations)


def type_outputs(state: Rewriting) -> None:
    """Note what is known of each result column, before the engine's own functions stand there."""
    state.outputs = tuple(map(with_parameters, state.analysis.outputs))
    state.columns = tuple(info_of(output) for output in state.analysis.outputs)


def expand_markers(state: Rewriting) -> None:
    """Put the derivative in place of every grad, jvp and vjp, and join subqueries that held one."""
    found = expand(state.tree, state.analysis, most_nodes=state.most_nodes)
    state.markers += found
    if found and len(state.analysis.blocks) > 1:
        analysis = analyse(state.tree, state.relations)
        state.analysis = join_subqueries(state.tree, analysis, state.relations, state.joined)


def take_neighbours(state: Rewriting) -> None:
    """Put a column of the grid in place of every differentiate and integrate."""
    if has_calls(state.tree):
        state.analysis = analyse(state.tree, state.relations)
        state.derived = take_along(state.tree, state.analysis, state.relations)


def declare_parameters(state: Rewriting) -> None:
    """Note the types of `$n` that the text tells."""
    if not nodes_of(state.tree, exp.Parameter):
        return
    known: dict[int, Types] = {}

    def type_of(node: exp.Expr) -> Type | None:
        block = state.analysis.block_of(node)
        return known.setdefault(id(block), Types(block)).of(node)

    state.parameters = {**state.parameters, **declared_types(state.tree, type_of)}
    for output in state.outputs:
        declare_united(output, state.parameters)


def type_literals(state: Rewriting) -> None:
    """Give a literal the type of what it is compared with, and refuse what is not alike."""
    for block in state.analysis.blocks:
        cast_literals(block)
    cast_united(state.analysis, state.tree)
    cast_listed(state.tree)
    check_types(state.analysis, state.tree)


PASSES: tuple[Callable[[Rewriting], None], ...] = (
    refuse_forms,
    bind_tables,
    find_types,
    select_values,
    strip_schemas,
    name_outputs,
    number_tables,
    compute_constants,
    session_functions,
    differentiate_sql,
    write_windows,
    put_sets,
    bind_columns,
    group_dependents,
    keep_literals,
    pull_back_queries,
    materialise_queries,
    take_rounds,
    join_laterals,
    inline_functions,
    lend_functions,
    count_dimensions,
    widen_values,
    type_outputs,
    type_literals,
    keep_infinities,
    choose_functions,
    keep_times,
    expand_markers,
    take_neighbours,
    leave_behind,
    keep_numbers,
    join_by_null,
    declare_parameters,
)

# A plain query is none of theirs, and each of them walks the whole tree.
_ONLY_UNUSUAL = frozenset(
    {
        differentiate_sql, write_windows, put_sets, inline_functions, widen_values, expand_markers,
        pull_back_queries, materialise_queries, take_neighbours, leave_behind,
    }
)  # fmt: skip
