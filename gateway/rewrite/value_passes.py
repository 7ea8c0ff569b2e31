"""TYPED: passes over the values of a query whose names are bound, and whose rows are settled.

Numbers, moments, functions by type, derivatives, parameters.
"""

from __future__ import annotations

from typing import Literal

from sqlglot import exp

from gateway.autodiff.statements.markers import expand
from gateway.autodiff.statements.neighbours import has_calls, take_along
from gateway.rewrite.census import (
    ANY_TYPE,
    COMPUTED,
    OTHER_TYPE,
    POINT,
    QUOTED,
    Trait,
    in_blocks,
    only,
)
from gateway.rewrite.rewriting import Rewriting
from gateway.rewrite.rewritten import with_parameters
from gateway.sql.lowered.groups.equal_forms import group_equal
from gateway.sql.lowered.groups.equal_nans import group_nans
from gateway.sql.lowered.groups.moving import keep_moving
from gateway.sql.lowered.groups.united_forms import unite_equal
from gateway.sql.lowered.overloads import choose
from gateway.sql.lowered.relations.decisive_keys import hide_decisive_keys
from gateway.sql.lowered.relations.joining import join_subqueries
from gateway.sql.lowered.relations.null_keys import keep_null_keys
from gateway.sql.lowered.values.addresses import call_operators
from gateway.sql.lowered.values.beside_reals import widen_beside_reals
from gateway.sql.lowered.values.exact import keep_exact
from gateway.sql.lowered.values.infinities import keep_infinite
from gateway.sql.lowered.values.localtime import settle_moments
from gateway.sql.lowered.values.not_numbers import settle_edges
from gateway.sql.lowered.values.numerics import keep_numeric, mark_shown
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.checking import check_types
from gateway.sql.meaning.recursion import cast_first_terms
from gateway.sql.names.relation import notation_of
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.address_rows import OPERATORS
from gateway.sql.types.comparisons import cast_listed, cast_literals, cast_united
from gateway.sql.types.inference import PULLED_BACK, Types, declare_united, info_of
from gateway.sql.types.parameters import declared_types
from gateway.sql.types.results import ALONG
from gateway.types import Type


def type_outputs(state: Rewriting) -> Literal[False]:
    """Note what is known of each result column, before the engine's own functions stand there."""
    state.outputs = tuple(map(with_parameters, state.analysis.outputs))
    state.columns = tuple(info_of(output) for output in state.analysis.outputs)
    return False


def group_united(state: Rewriting) -> None:
    """Put equal values of set operations and DISTINCT whose forms differ into one group."""
    state.tree, state.analysis = unite_equal(state.tree, state.analysis, state.relations)


def group_reals(state: Rewriting) -> None:
    """Put NaN of either sign into one group, but where gradients are led back to rows by value."""
    if not any(block.select.meta_get(PULLED_BACK) for block in state.analysis.blocks):
        group_nans(state.analysis)


def keep_numbers(state: Rewriting) -> bool:
    """Let arithmetic of integers raise where it would wrap, and that of numerics be exact."""
    mark_shown(state.tree)
    lone = [(state.tree, None)] if isinstance(state.tree, exp.Values) else []
    found = False
    for select, block in (*lone, *((each.select, each) for each in state.analysis.blocks)):
        found = keep_numeric(select, block) or found
        found = keep_exact(select, block) or found
    return found


def expand_markers(state: Rewriting) -> None:
    """Put the derivative in place of every grad, jvp and vjp, and join subqueries that held one."""
    plain = [
        call
        for call in nodes_of(state.tree, exp.Anonymous)
        if is_aggregate(call) and not call.find_ancestor(Marker)
    ]
    found = expand(state.tree, state.analysis, most_nodes=state.most_nodes, notes=state.notes)
    state.markers += found
    if found:
        for call in plain:
            block = state.analysis.block_of(call)
            if block is not None and call.root() is state.tree:
                settle_edges(call, Types(block))
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

TYPED = (
    only(in_blocks(call_operators), {*OPERATORS}, {"inet", ANY_TYPE}),
    only(type_outputs),
    # A text in quotes takes the type of what is beside it, or of the other rows.
    only(in_blocks(cast_literals), {QUOTED, exp.DPipe, "any", "some", "all"}),
    only(lambda state: cast_united(state.analysis, state.tree), {exp.SetOperation}, {QUOTED}),
    only(
        lambda state: cast_first_terms(state.analysis, state.tree), {exp.With}, {exp.SetOperation}
    ),
    only(lambda state: cast_listed(state.tree), {exp.Values}, {QUOTED}),
    only(lambda state: check_types(state.analysis, state.tree)),
    only(in_blocks(keep_infinite), _MOMENTS),
    only(group_united, {exp.Distinct, exp.SetOperation}),
    only(group_reals, _GROUPS, _REALS),
    only(lambda state: group_equal(state.analysis), _GROUPS, {"interval", "jsonb", *_MOMENTS}),
    only(
        lambda state: choose(state.tree, state.analysis, notation_of(state.constants)),
        {
            exp.Anonymous,
            exp.Case,
            exp.Cast,
            exp.Extract,
            exp.Ordered,
            COMPUTED,
            OTHER_TYPE,
            ANY_TYPE,
        },
    ),
    only(
        lambda state: settle_moments(
            state.tree, state.analysis.blocks, notation_of(state.constants)
        ),
        {"time", "interval", *_MOMENTS},
    ),
    only(expand_markers, {Marker}),
    only(take_neighbours, {*ALONG}),
    only(lambda state: keep_moving(state.tree, state.analysis.blocks), {exp.WindowSpec}),
    only(keep_numbers, {exp.Add, exp.Sub, exp.Mul, exp.Neg, "sum", *_NUMERICS}),
    only(lambda state: widen_beside_reals(state.tree, state.analysis), {"float4", *_NUMERICS}),
    only(lambda state: keep_null_keys(state.tree, state.analysis), {exp.NullSafeEQ}),
    only(lambda state: hide_decisive_keys(state.analysis), {exp.Group, exp.Distinct}),
    only(declare_parameters, {exp.Parameter}),
)
