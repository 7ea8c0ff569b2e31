"""What a query must become a join or a subquery for, in the order in which it does.

FROM items and subqueries that look at what is around them, rows that tie with the last, and sort
keys that are no outputs: each may uncover the next, so the blocks are found anew between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.sql.lowered.relations.dependent import join_dependent
from gateway.sql.lowered.relations.laterals import put_laterals
from gateway.sql.lowered.relations.numbered_late import number_late
from gateway.sql.lowered.relations.records import show_rows
from gateway.sql.lowered.relations.sort_keys import carry_sort_keys
from gateway.sql.lowered.relations.sorted_relations import carry_orders
from gateway.sql.lowered.relations.subqueries_in_on import move_conditions, move_into_right
from gateway.sql.lowered.relations.ties import keep_ties
from gateway.sql.lowered.relations.whole_rows import write_rows
from gateway.sql.meaning.analysis import analyse
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis

Step = Callable[[exp.Expr, Analysis, Relations, Iterator[int]], tuple[exp.Expr, Analysis]]


def join_in_turn(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """The query so written, and its blocks.

    Args:
        numbers: Those not yet in a name of a join.

    Raises:
        FeatureNotSupported: 0A000, a form that cannot be written so.
    """
    for step in (put_rows, put_numbers, put_joins, put_sort_keys, put_records):
        tree, analysis = step(tree, analysis, relations, numbers)
    return tree, analysis


# Each of these gives the blocks that it was given where it found nothing to do.


def put_rows(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """Whole rows are what they are made of; what is read in an order is sorted where it is read."""
    if any([write_rows(analysis), carry_orders(analysis)]):
        analysis = analyse(tree, relations)
    return tree, analysis


def put_numbers(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """nextval numbers rows that are sorted and cut off."""
    if number_late(tree):
        analysis = analyse(tree, relations)
        if carry_orders(analysis):
            analysis = analyse(tree, relations)
    return tree, analysis


def put_joins(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """What looks at its surroundings is among their columns, or joined to them."""
    return tree, join_subqueries(tree, analysis, relations, numbers)


def put_sort_keys(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """Rows that tie with the last are kept, and keys that are no outputs carried along."""
    ranked = keep_ties(tree)
    if ranked is not None:
        tree, analysis = ranked, analyse(ranked, relations)
    carried = carry_sort_keys(tree, analysis)
    if carried is not None:
        tree, analysis = carried, analyse(carried, relations)
    return tree, analysis


def put_records(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """Rows are records where they are outputs, become text or are put together."""
    if any([show_rows(block) for block in analysis.blocks]):
        analysis = analyse(tree, relations)
    return tree, analysis


def join_subqueries(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> Analysis:
    """Put what looks at its surroundings among their columns or joins, in place; the blocks.

    What has a marker in it stays: a derivative is taken through what was written.
    """
    moves = (move_conditions, move_into_right)
    if len(analysis.blocks) > 1 and any(
        [move(block, analysis) for block in analysis.blocks for move in moves]
    ):
        analysis = analyse(tree, relations)
    while any(put_laterals(block, analysis) for block in analysis.blocks) or (
        len(analysis.blocks) > 1 and join_dependent(analysis, numbers)
    ):
        analysis = analyse(tree, relations)
    return analysis
