"""Passes over what a query reads and groups: functions in FROM, samples, LATERAL, keys."""

from __future__ import annotations

from gateway.rewrite.rewriting import Rewriting
from gateway.sql.lowered.groups.idle_orders import drop_idle_orders
from gateway.sql.lowered.relations.joining import join_in_turn
from gateway.sql.lowered.relations.lone_values import select_lone_values
from gateway.sql.lowered.relations.rows_from import put_side_by_side
from gateway.sql.lowered.relations.samples import draw_samples
from gateway.sql.lowered.relations.sets import spread_sets
from gateway.sql.lowered.relations.value_rows import select_asking
from gateway.sql.names.dependents import add_dependents


def select_values(state: Rewriting) -> None:
    """Write functions in FROM that give one value, or stand side by side, as subqueries.

    So are VALUES that ask queries.
    """
    state.tree = select_asking(state.tree)
    put_side_by_side(state.tree)
    select_lone_values(state.tree)


def group_dependents(state: Rewriting) -> None:
    """Group by what a primary key in GROUP BY decides as well; leave idle orders out."""
    for block in state.analysis.blocks:
        drop_idle_orders(block)
        add_dependents(block, state.analysis, state.lookup)


def put_sets(state: Rewriting) -> None:
    """Write functions in FROM that give rows as the engine has them, and samples of tables."""
    draw_samples(state.tree)
    spread_sets(state.tree)


def join_laterals(state: Rewriting) -> None:
    """Put FROM items that look at what is before them among its columns, or join them to it."""
    state.tree, state.analysis = join_in_turn(
        state.tree, state.analysis, state.relations, state.joined
    )
