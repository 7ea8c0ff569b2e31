"""Passes over the values of a query whose names are bound: numbers, moments, functions by type."""

from __future__ import annotations

from sqlglot import exp

from gateway.rewrite.rewriting import Rewriting
from gateway.sql.lowered.choosing import choose
from gateway.sql.lowered.groups.moving import keep_moving
from gateway.sql.lowered.relations.null_keys import keep_null_keys
from gateway.sql.lowered.values.beside_reals import widen_beside_reals
from gateway.sql.lowered.values.exact import keep_exact
from gateway.sql.lowered.values.infinities import keep_infinite
from gateway.sql.lowered.values.localtime import settle_moments
from gateway.sql.lowered.values.numerics import keep_numeric, mark_shown
from gateway.sql.names.relation import notation_of


def leave_behind(state: Rewriting) -> None:
    """Let nothing stay of a value in a sum over a frame that has left it behind."""
    keep_moving(state.tree, state.analysis.blocks)


def keep_numbers(state: Rewriting) -> None:
    """Let arithmetic of integers raise where it would wrap, and that of numerics be exact."""
    mark_shown(state.tree)
    if isinstance(state.tree, exp.Values):
        keep_numeric(state.tree, None)
        keep_exact(state.tree, None)
    for block in state.analysis.blocks:
        keep_numeric(block.select, block)
        keep_exact(block.select, block)
    widen_beside_reals(state.tree, state.analysis)


def join_by_null(state: Rewriting) -> None:
    """Let keys of joins that may be NULL be compared by what never is."""
    keep_null_keys(state.tree, state.analysis)


def keep_infinities(state: Rewriting) -> None:
    """Write out what becomes of infinite dates and timestamps."""
    for block in state.analysis.blocks:
        keep_infinite(block)


def choose_functions(state: Rewriting) -> None:
    """Tell by the types of their arguments which functions are called."""
    notation = notation_of(state.constants)
    state.tree, state.analysis = choose(state.tree, state.analysis, state.relations, notation)


def keep_times(state: Rewriting) -> None:
    """Read dates in the session's order, and give moments their local times but in UTC."""
    settle_moments(state.tree, state.analysis.blocks, notation_of(state.constants))
