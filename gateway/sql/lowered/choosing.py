"""What calls, comparisons and groups mean by the types of what they are given, in order.

Equal values whose forms differ are put into one group first, while what is grouped is as it was
written; then each SELECT's parts of dates, and its overloaded functions and operators.
"""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from gateway.sql.inputs.notation import Notation
from gateway.sql.lowered.groups.distinct_values import sort_distinct
from gateway.sql.lowered.groups.equal_forms import group_equal
from gateway.sql.lowered.groups.equal_nans import group_nans
from gateway.sql.lowered.groups.united_forms import unite_equal
from gateway.sql.lowered.overloads import resolve_overloads
from gateway.sql.lowered.values.parts import write_parts
from gateway.sql.names.relation import Relations
from gateway.sql.names.scope import Analysis, Block


def choose(
    tree: exp.Expr, analysis: Analysis, relations: Relations, notation: Notation
) -> tuple[exp.Expr, Analysis]:
    """The query in the engine's functions, and its blocks.

    Args:
        notation: How the session writes moments.

    Raises:
        UndefinedFunction: 42883, no function of a name takes such arguments.
        FeatureNotSupported: 0A000, the arguments' types cannot be told.
    """
    tree, analysis = unite_equal(tree, analysis, relations)
    group_nans(analysis)
    group_equal(analysis)
    # VALUES by itself, as INSERT has it, is in no SELECT, and stands for one without relations.
    lone = [Block(cast(exp.Select, tree), None)] if isinstance(tree, exp.Values) else []
    for block in (*analysis.blocks, *lone):
        sort_distinct(block)
        write_parts(block, notation)
        resolve_overloads(block, notation)
    return tree, analysis
