"""PASSES, in order: a query as PostgreSQL's users write it in, engine SQL out.

Each pass is one function over the tree and what is known so far (`Rewriting`); none looks at text.
Whatever a statement is (INSERT, UPDATE, a view, EXPLAIN), what comes here is its query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from sqlglot import exp

from gateway.autodiff.relational import pull_back, unnamed
from gateway.autodiff.relational.queries import Unless
from gateway.autodiff.rules.graph import MOST_NODES
from gateway.autodiff.statements.markers import expand
from gateway.autodiff.statements.neighbours import has_calls, take_along
from gateway.interrupts import check_for_interrupts
from gateway.rewrite.census import (
    ANY_TYPE,
    NESTED,
    OTHER_TYPE,
    PARTS,
    POINT,
    QUOTED,
    UNNAMED,
    WHOLE_ROW,
    Pass,
    Trait,
    only,
    traits_of,
)
from gateway.rewrite.function_passes import (
    differentiate_sql,
    inline_functions,
    key_of,
    name_view,
    refuse_hidden,
)
from gateway.rewrite.name_passes import (
    bind_columns,
    bind_searches,
    bind_tables,
    bind_words,
    compute_constants,
    drop_unknowns,
    find_types,
    name_joins,
    name_outputs,
    number_tables,
    refuse_empty_queries,
    refuse_sets,
    rename_outer,
    session_functions,
    settle_recursive,
    spread_rows,
    strip_schemas,
    write_windows,
)
from gateway.rewrite.relation_passes import (
    gather_queries,
    group_dependents,
    join_laterals,
    number_rows,
    put_rows_from,
    put_sets,
    select_asking_values,
    select_values,
    sort_by_hidden,
    write_records,
    write_whole_rows,
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
from gateway.rewrite.rewritten import Otherwise, Rewritten, Step, with_parameters
from gateway.rewrite.value_passes import (
    cast_quoted,
    cast_quoted_listed,
    cast_quoted_united,
    choose_functions,
    group_forms,
    group_reals,
    group_united,
    hide_keys,
    join_by_null,
    keep_infinities,
    keep_literals,
    keep_numbers,
    keep_times,
    leave_behind,
    refuse_json_compared,
    refuse_types,
    widen_numerics,
)
from gateway.sources.table import TableName
from gateway.sql.lowered.lending import CATALOGUES, Lender, borrow, may_borrow
from gateway.sql.lowered.relations.iterated import Rounds, iterate
from gateway.sql.lowered.relations.joining import join_subqueries
from gateway.sql.lowered.relations.lone_values import VALUE_WORDS
from gateway.sql.lowered.relations.numbered_late import read_numbers
from gateway.sql.lowered.values.session_values import SESSION_NODES, SESSION_WORDS
from gateway.sql.lowered.values.written_numerics import WRITTEN_CALLS
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.functions import Functions
from gateway.sql.meaning.materialised import materialise
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.meaning.windows import settle_windows
from gateway.sql.names.relation import ColumnInfo, Constants, Lookup
from gateway.sql.names.row_functions import GIVING_ROWS
from gateway.sql.text.depth import with_room
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.dimensions import DEEP_CALLS, keep_dimensions
from gateway.sql.types.inference import Types, declare_united, info_of
from gateway.sql.types.parameters import declared_types
from gateway.sql.types.results import ALONG
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
    go_through(state, PASSES)
    return done(state)


def bind(state: Rewriting) -> None:
    """Let all names of a query mean something, and no more."""
    go_through(state, (*NAMES, *COLUMNS))


def go_through(state: Rewriting, passes: Sequence[Pass]) -> None:
    """Run passes in order, but those that have nothing to do."""
    traits: frozenset[Trait] | None = None
    for each in passes:
        if each.needs:
            traits = traits or traits_of(state.tree, state.relations)
            if not each.has_to_do(traits):
                continue
        check_for_interrupts()
        if each.run(state) is not False:
            traits = None
    check_for_interrupts()


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


def _keep_layer(
    state: Rewriting, query: exp.Query, unless: Unless | None = None, in_rounds: bool = False
) -> TableName:
    """Let a query, of names that are bound, be run before the statement; the name of its rows."""
    inner = _beforehand(state, query, in_rounds)
    number = sum(name.schema == LAYERS for name in state.relations) + 1
    name = TableName(LAYERS, str(number))
    state.layers[name] = done(inner)
    if unless is not None:
        other = done(_beforehand(state, unless.other, in_rounds))
        state.layers[name] = replace(state.layers[name], otherwise=Otherwise(unless.asked, other))
    names = query.named_selects if inner.names is None else inner.names
    state.relations[name] = dict(zip(names, inner.columns, strict=True))
    return name


def _beforehand(state: Rewriting, query: exp.Query, in_rounds: bool) -> Rewriting:
    inner = replace(
        state, tree=query, names=None, parameters={}, columns=(), outputs=(), derived={}, layers={},
        in_rounds=in_rounds,
    )  # fmt: skip
    go_through(inner, [each for each in (*COLUMNS, *VALUES) if each.run not in _ONCE])
    state.markers += inner.markers - state.markers
    state.parameters |= inner.parameters
    return inner


def _keep_rounds(state: Rewriting, rounds: Rounds) -> TableName:
    """Let a recursive query be run before the statement, step by step; the name of its rows."""
    refuse_hidden(state, rounds.cte.alias)
    name = _keep_layer(state, rounds.first, in_rounds=True)
    rows = TableName(LAYERS, f"{name.name} before")
    columns = {each: ColumnInfo(info.type) for each, info in state.relations[name].items()}
    state.relations[name] = state.relations[rows] = columns
    step = done(_beforehand(state, rounds.step(tuple(columns), rows, name), in_rounds=True))
    found = Step(rows, step, rounds.cte, rounds.is_distinct)
    state.layers[name] = replace(state.layers[name], step=found)
    return name


def read_drawn_numbers(state: Rewriting) -> None:
    """Let what numbers rows be read."""
    read_numbers(state.analysis)


def materialise_queries(state: Rewriting) -> None:
    """Let queries of WITH that are to be run once be run first."""
    keep = partial(_keep_layer, state)
    state.analysis = materialise(state.tree, state.analysis, state.relations, keep)


def take_rounds(state: Rewriting) -> None:
    """Let recursive queries that the engine does not run be run first, step by step."""
    keep = partial(_keep_rounds, state)
    state.analysis = iterate(state.tree, state.analysis, state.relations, keep)


def lend_functions(state: Rewriting) -> bool:
    """Put functions that the engine is lent in place of the catalogue's."""
    lender = state.lender
    if lender is None or not may_borrow(state.tree, state.relations, lender):
        return False
    state.analysis = borrow(state.tree, state.analysis, state.relations, lender)
    return True


def count_dimensions(state: Rewriting) -> None:
    """Let subscripts and casts of arrays of several dimensions mean what they do in PostgreSQL."""
    for block in state.analysis.blocks:
        keep_dimensions(block)


def widen_values(state: Rewriting) -> None:
    """Let lag and lead with a wider default have its type, and frames leave rows out."""
    if any([settle_windows(block) for block in state.analysis.blocks]):
        state.analysis = analyse(state.tree, state.relations)


def type_outputs(state: Rewriting) -> Literal[False]:
    """Note what is known of each result column, before the engine's own functions stand there."""
    state.outputs = tuple(map(with_parameters, state.analysis.outputs))
    state.columns = tuple(info_of(output) for output in state.analysis.outputs)
    return False


def expand_markers(state: Rewriting) -> None:
    """Put the derivative in place of every grad, jvp and vjp, and join subqueries that held one."""
    found = expand(state.tree, state.analysis, most_nodes=state.most_nodes, notes=state.notes)
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


_MOMENTS: set[Trait] = {"date", "timestamp", "timestamptz", ANY_TYPE}
_REALS: set[Trait] = {"float4", "float8", POINT, ANY_TYPE}
_NUMERICS: set[Trait] = {"numeric", POINT, ANY_TYPE}
_GROUPS: set[Trait] = {exp.Group, exp.Distinct, exp.Window, exp.SetOperation}

# From the text to what each relation in FROM is.
NAMES = (
    only(drop_unknowns, {exp.Cast}),
    only(gather_queries, {exp.In, exp.Any, exp.All, "any", "all", "some", "array"}),
    only(settle_recursive, {exp.With}),
    only(refuse_sets, {exp.Case, "coalesce"}, {*GIVING_ROWS}),
    only(
        refuse_empty_queries,
        {exp.Subquery, exp.Paren, exp.In, exp.Any, exp.All, "array"},
    ),
    only(bind_words, {*VALUE_WORDS}),
    only(bind_tables),
    only(name_joins, {exp.Subquery, exp.Join}),
    only(find_types, {exp.DataType}),
    only(select_asking_values, {exp.Values}),
    only(put_rows_from, {UNNAMED}),
    only(select_values, {exp.Lateral, UNNAMED}),
    only(strip_schemas, {PARTS}),
    only(name_outputs),
    only(number_tables, {"tableoid"}),
    only(compute_constants, {POINT}),
    only(session_functions, {exp.Anonymous, *SESSION_NODES, *SESSION_WORDS}),
    only(differentiate_sql, {"differentiate_sql"}),
    only(write_windows, {exp.Window}),
    only(put_sets, {exp.TableSample, exp.Lateral, exp.Values, exp.Unnest, UNNAMED}),
)
# Which columns there are.
COLUMNS = (
    only(bind_columns),
    only(bind_searches, {exp.With}),
    only(spread_rows, {WHOLE_ROW}),
    only(rename_outer),
)
# What values are, and what they come from.
VALUES = (
    only(refuse_json_compared, {"json", ANY_TYPE}),
    only(group_dependents, {exp.Group, exp.Order}),
    only(keep_literals, {POINT, exp.Pow, exp.Parameter, *WRITTEN_CALLS}),
    only(pull_back_queries, {Marker}),
    only(read_drawn_numbers, {"nextval", "setval"}),
    only(materialise_queries, {exp.With}),
    only(take_rounds, {exp.With}),
    only(write_whole_rows, {WHOLE_ROW, NESTED}),
    only(number_rows, {"nextval"}),
    only(join_laterals, {NESTED, UNNAMED, exp.Lateral, exp.Unnest}),
    only(sort_by_hidden, {exp.Order, exp.Fetch}),
    only(write_records, {exp.Tuple, "row"}),
    only(inline_functions, {exp.Anonymous}),
    only(lend_functions, {exp.Anonymous, exp.Cast, *CATALOGUES}),
    only(count_dimensions, {exp.Bracket, exp.Cast, exp.Unnest, *DEEP_CALLS}),
    only(widen_values, {exp.Window, "lag", "lead"}),
    only(type_outputs),
    only(cast_quoted, {QUOTED, exp.DPipe, "any", "some", "all"}),
    only(cast_quoted_united, {exp.SetOperation}, {QUOTED}),
    only(cast_quoted_listed, {exp.Values}, {QUOTED}),
    only(refuse_types),
    only(keep_infinities, _MOMENTS),
    only(group_united, {exp.Distinct, exp.SetOperation}),
    only(group_reals, _GROUPS, _REALS),
    only(group_forms, _GROUPS, {"interval", "jsonb", *_MOMENTS}),
    only(
        choose_functions,
        {exp.Anonymous, exp.Case, exp.Cast, exp.Extract, exp.Ordered, OTHER_TYPE, ANY_TYPE},
    ),
    only(keep_times, {"time", "interval", *_MOMENTS}),
    only(expand_markers, {Marker}),
    only(take_neighbours, {*ALONG}),
    only(leave_behind, {exp.WindowSpec}),
    only(keep_numbers, {exp.Add, exp.Sub, exp.Mul, exp.Neg, "sum", *_NUMERICS}),
    only(widen_numerics, {"float4", *_NUMERICS}),
    only(join_by_null, {exp.NullSafeEQ}),
    only(hide_keys, {exp.Group, exp.Distinct}),
    only(declare_parameters, {exp.Parameter}),
)
PASSES = (*NAMES, *COLUMNS, *VALUES)
_ONCE = (pull_back_queries, materialise_queries)  # not of what is run beforehand itself
