"""Passes over what a query reads and groups: functions in FROM, samples, LATERAL, keys."""

from __future__ import annotations

from gateway.rewrite.census import Run
from gateway.rewrite.rewriting import Rewriting
from gateway.sql.lowered.groups.idle_orders import drop_idle_orders
from gateway.sql.lowered.relations.gathered import gather
from gateway.sql.lowered.relations.joining import (
    Step,
    put_joins,
    put_numbers,
    put_records,
    put_rows,
    put_sort_keys,
)
from gateway.sql.lowered.relations.lone_values import select_lone_values
from gateway.sql.lowered.relations.rows_from import put_side_by_side
from gateway.sql.lowered.relations.samples import draw_samples
from gateway.sql.lowered.relations.sets import spread_sets
from gateway.sql.lowered.relations.value_rows import select_asking
from gateway.sql.names.dependents import add_dependents


def gather_queries(state: Rewriting) -> None:
    """Write queries that are compared with an aggregate as arrays."""
    gather(state.tree)


def select_asking_values(state: Rewriting) -> None:
    """Write VALUES that ask queries as subqueries."""
    state.tree = select_asking(state.tree)


def put_rows_from(state: Rewriting) -> None:
    """Write functions in FROM that stand side by side as subqueries."""
    put_side_by_side(state.tree)


def select_values(state: Rewriting) -> None:
    """Write functions in FROM that give one value as subqueries."""
    select_lone_values(state.tree)


def group_dependents(state: Rewriting) -> bool:
    """Group by what a primary key in GROUP BY decides as well; leave idle orders out."""
    found = False
    for block in state.analysis.blocks:
        found = drop_idle_orders(block) or found
        found = add_dependents(block, state.analysis, state.lookup) or found
    return found


def put_sets(state: Rewriting) -> None:
    """Write functions in FROM that give rows as the engine has them, and samples of tables."""
    draw_samples(state.tree)
    spread_sets(state.tree)


def _joining(step: Step) -> Run:
    """A step of what becomes a join, as a pass; False where it found nothing to do."""

    def run(state: Rewriting) -> bool:
        before = state.analysis
        state.tree, state.analysis = step(state.tree, before, state.relations, state.joined)
        return state.analysis is not before

    return run


write_whole_rows = _joining(put_rows)
number_rows = _joining(put_numbers)
join_laterals = _joining(put_joins)
sort_by_hidden = _joining(put_sort_keys)
write_records = _joining(put_records)
