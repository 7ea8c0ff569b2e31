"""What a query must become a join or a subquery for, in the order in which it does.

FROM items and subqueries that look at what is around them, rows that tie with the last, and sort
keys that are no outputs: each may uncover the next, so the blocks are found anew between them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.lowered.relations.dependent import join_dependent
from gateway.sql.lowered.relations.laterals import put_laterals
from gateway.sql.lowered.relations.numbered_late import number_late
from gateway.sql.lowered.relations.records import show_rows
from gateway.sql.lowered.relations.sort_keys import carry_sort_keys
from gateway.sql.lowered.relations.sorted_relations import carry_orders
from gateway.sql.lowered.relations.ties import keep_ties
from gateway.sql.lowered.relations.whole_rows import write_rows
from gateway.sql.meaning.analysis import analyse
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis


def join_in_turn(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> tuple[exp.Expr, Analysis]:
    """The query so written, and its blocks.

    Args:
        numbers: Those not yet in a name of a join.

    Raises:
        FeatureNotSupported: 0A000, a form that cannot be written so.
    """
    if any([write_rows(analysis), carry_orders(analysis)]):
        analysis = analyse(tree, relations)
    if number_late(tree):
        analysis = analyse(tree, relations)
        if carry_orders(analysis):
            analysis = analyse(tree, relations)
    analysis = join_subqueries(tree, analysis, relations, numbers)
    ranked = keep_ties(tree)
    tree = ranked or tree
    if carry_sort_keys(tree) or ranked is not None:
        analysis = analyse(tree, relations)
    if any([show_rows(block) for block in analysis.blocks]):
        analysis = analyse(tree, relations)
    return tree, analysis


def join_subqueries(
    tree: exp.Expr, analysis: Analysis, relations: Relations, numbers: Iterator[int]
) -> Analysis:
    """Put what looks at its surroundings among their columns or joins, in place; the blocks.

    What has a marker in it stays: a derivative is taken through what was written.
    """
    while any(put_laterals(block, analysis) for block in analysis.blocks) or (
        len(analysis.blocks) > 1 and join_dependent(analysis, numbers)
    ):
        analysis = analyse(tree, relations)
    return analysis
