"""PASSES, in order: a query as PostgreSQL's users write it in, engine SQL out.

Each pass is one function over the tree and what is known so far (`Rewriting`); none looks at text.
Whatever a statement is (INSERT, UPDATE, a view, EXPLAIN), what comes here is its query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlglot import exp

from gateway.autodiff.relational import pull_back, push_forward, unnamed
from gateway.autodiff.relational.queries import Unless
from gateway.autodiff.rules.graph import MOST_NODES
from gateway.errors import UndefinedTable
from gateway.interrupts import check_for_interrupts
from gateway.rewrite.census import (
    ANY_TYPE,
    NESTED,
    POINT,
    UNNAMED,
    WHOLE_ROW,
    Pass,
    Run,
    Trait,
    in_blocks,
    only,
    traits_of,
)
from gateway.rewrite.function_passes import inline_functions, key_of, name_view, refuse_hidden
from gateway.rewrite.name_passes import COLUMNS, NAMES
from gateway.rewrite.rewriting import (
    LAYERS,
    NOTHING,
    BindTypes,
    Rewriting,
    done,
    no_functions,
    no_types,
)
from gateway.rewrite.rewritten import Otherwise, Rewritten, Step
from gateway.rewrite.value_passes import TYPED
from gateway.sources.table import TableName
from gateway.sql.lowered.groups.collected import drop_idle_orders
from gateway.sql.lowered.lending import CATALOGUES, Lender, borrow, may_borrow
from gateway.sql.lowered.relations.iterated import Rounds, iterate
from gateway.sql.lowered.relations.joining import Step as Put
from gateway.sql.lowered.relations.joining import (
    put_joins,
    put_numbers,
    put_records,
    put_rows,
    put_sort_keys,
)
from gateway.sql.lowered.relations.numbered_late import read_numbers
from gateway.sql.lowered.values.written_numerics import WRITTEN_CALLS, keep_written
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.functions import Functions
from gateway.sql.meaning.materialised import materialise
from gateway.sql.meaning.recursion import is_recursive
from gateway.sql.meaning.unordered import refuse_json
from gateway.sql.meaning.windows import settle_windows
from gateway.sql.names.dependents import add_dependents
from gateway.sql.names.relation import ColumnInfo, Constants, Lookup
from gateway.sql.names.row_functions import GIVING_ROWS
from gateway.sql.text.depth import with_room
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import copied, nodes_of
from gateway.sql.types.dimensions import DEEP_CALLS, keep_dimensions


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
    named = {name: (marker, table) for marker, name, table in unnamed(state.tree, state.analysis)}
    for name, (marker, may_be_table) in named.items():
        name_view(state, marker, name, may_be_table)
    recursive = any(map(is_recursive, nodes_of(state.tree, exp.CTE)))
    keep = None if recursive else partial(_keep_layer, state)
    keys = partial(key_of, state)
    known = (state.tree, state.analysis, state.relations)
    state.analysis = pull_back(*known, keys, keep, state.most_nodes)
    state.analysis = push_forward(
        state.tree, state.analysis, state.relations, partial(_found, state)
    )


def _found(state: Rewriting, schema: str, name: str) -> TableName | None:
    """The table of that name."""
    try:
        known = state.lookup(schema, name)
    except UndefinedTable:
        return None
    return known.name if known.view is None else None


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


def group_dependents(state: Rewriting) -> bool:
    """Group by what a primary key in GROUP BY decides as well; leave idle orders out."""
    found = False
    for block in state.analysis.blocks:
        found = drop_idle_orders(block) or found
        found = add_dependents(block, state.analysis, state.lookup) or found
    return found


def _joining(put: Put) -> Run:
    """A step of what becomes a join, as a pass; False where it found nothing to do."""

    def run(state: Rewriting) -> bool:
        before = state.analysis
        state.tree, state.analysis = put(state.tree, before, state.relations, state.joined)
        return state.analysis is not before

    return run


# What rows there are, and then what their values are.
VALUES = (
    only(lambda state: refuse_json(state.analysis), {"json", ANY_TYPE}),
    only(group_dependents, {exp.Group, exp.Order}),
    only(keep_literals, {POINT, exp.Pow, exp.Parameter, *WRITTEN_CALLS}),
    only(pull_back_queries, {Marker}),
    only(lambda state: read_numbers(state.analysis), {"nextval", "setval", "pg_sleep"}),
    only(materialise_queries, {exp.With}),
    only(take_rounds, {exp.With}),
    only(_joining(put_rows), {WHOLE_ROW, NESTED}),
    only(_joining(put_numbers), {"nextval"}),
    only(_joining(put_joins), {NESTED, UNNAMED, exp.Lateral, exp.Unnest}),
    only(_joining(put_sort_keys), {exp.Order, exp.Fetch, exp.Limit, exp.Offset, *GIVING_ROWS}),
    only(_joining(put_records), {exp.Tuple, "row"}),
    only(inline_functions, {exp.Anonymous}),
    only(lend_functions, {exp.Anonymous, exp.Cast, *CATALOGUES}),
    only(in_blocks(keep_dimensions), {exp.Bracket, exp.Cast, exp.Unnest, *DEEP_CALLS}),
    only(widen_values, {exp.Window, "lag", "lead"}),
    *TYPED,
)
PASSES = (*NAMES, *COLUMNS, *VALUES)
_ONCE = (pull_back_queries, materialise_queries)  # not of what is run beforehand itself
