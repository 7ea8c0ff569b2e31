"""Passes over the values of a query whose names are bound: numbers, moments, functions by type."""

from __future__ import annotations

from sqlglot import exp

from gateway.autodiff.statements.relations import PULLED_BACK
from gateway.rewrite.rewriting import Rewriting
from gateway.sql.lowered.choosing import choose
from gateway.sql.lowered.groups.equal_forms import group_equal
from gateway.sql.lowered.groups.equal_nans import group_nans
from gateway.sql.lowered.groups.moving import keep_moving
from gateway.sql.lowered.groups.united_forms import unite_equal
from gateway.sql.lowered.relations.decisive_keys import hide_decisive_keys
from gateway.sql.lowered.relations.null_keys import keep_null_keys
from gateway.sql.lowered.values.beside_reals import widen_beside_reals
from gateway.sql.lowered.values.exact import keep_exact
from gateway.sql.lowered.values.infinities import keep_infinite
from gateway.sql.lowered.values.localtime import settle_moments
from gateway.sql.lowered.values.numerics import keep_numeric, mark_shown
from gateway.sql.lowered.values.written_numerics import keep_written
from gateway.sql.meaning.analysis import analyse
from gateway.sql.meaning.checking import check_types
from gateway.sql.meaning.unordered import refuse_json
from gateway.sql.names.relation import notation_of
from gateway.sql.text.dialect import Marker
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.comparisons import cast_listed, cast_literals, cast_united


def keep_literals(state: Rewriting) -> None:
    """Let literals with a point be numerics where nothing beside them is a double."""
    # A derivative is of doubles, whatever stands around; so are terms of recursive queries.
    if state.in_rounds or nodes_of(state.tree, Marker):
        return
    for _ in range(2):  # the second time for what is of numerics by the first
        if keep_written(state.tree, state.analysis):
            state.analysis = analyse(state.tree, state.relations)


def refuse_json_compared(state: Rewriting) -> None:
    """Refuse comparisons and keys of json, which has no order."""
    refuse_json(state.analysis)


def cast_quoted(state: Rewriting) -> None:
    """Give a text in quotes the type of what is beside it."""
    for block in state.analysis.blocks:
        cast_literals(block)


def cast_quoted_united(state: Rewriting) -> None:
    """Give it the type of the other branches of a set operation."""
    cast_united(state.analysis, state.tree)


def cast_quoted_listed(state: Rewriting) -> None:
    """Give it the type of the other rows of VALUES."""
    cast_listed(state.tree)


def refuse_types(state: Rewriting) -> None:
    """Refuse what is compared, computed or chosen between and is not alike."""
    check_types(state.analysis, state.tree)


def leave_behind(state: Rewriting) -> None:
    """Let nothing stay of a value in a sum over a frame that has left it behind."""
    keep_moving(state.tree, state.analysis.blocks)


def keep_numbers(state: Rewriting) -> bool:
    """Let arithmetic of integers raise where it would wrap, and that of numerics be exact."""
    mark_shown(state.tree)
    lone = [(state.tree, None)] if isinstance(state.tree, exp.Values) else []
    found = False
    for select, block in (*lone, *((each.select, each) for each in state.analysis.blocks)):
        found = keep_numeric(select, block) or found
        found = keep_exact(select, block) or found
    return found


def widen_numerics(state: Rewriting) -> None:
    """Let numerics beside reals be reals."""
    widen_beside_reals(state.tree, state.analysis)


def join_by_null(state: Rewriting) -> None:
    """Let keys of joins that may be NULL be compared by what never is."""
    keep_null_keys(state.tree, state.analysis)


def hide_keys(state: Rewriting) -> None:
    """Hide keys of groups that the engine would take for deciding the others."""
    hide_decisive_keys(state.analysis)


def keep_infinities(state: Rewriting) -> bool:
    """Write out what becomes of infinite dates and timestamps."""
    return any([keep_infinite(block) for block in state.analysis.blocks])


def group_united(state: Rewriting) -> None:
    """Put equal values of set operations and DISTINCT whose forms differ into one group."""
    state.tree, state.analysis = unite_equal(state.tree, state.analysis, state.relations)


def group_reals(state: Rewriting) -> None:
    """Put NaN of either sign into one group, but where gradients are led back to rows by value."""
    if not any(block.select.meta_get(PULLED_BACK) for block in state.analysis.blocks):
        group_nans(state.analysis)


def group_forms(state: Rewriting) -> bool:
    """Put equal values whose forms differ into one group."""
    return group_equal(state.analysis)


def choose_functions(state: Rewriting) -> None:
    """Tell by the types of their arguments which functions are called."""
    choose(state.tree, state.analysis, notation_of(state.constants))


def keep_times(state: Rewriting) -> None:
    """Read dates in the session's order, and give moments their local times but in UTC."""
    settle_moments(state.tree, state.analysis.blocks, notation_of(state.constants))
