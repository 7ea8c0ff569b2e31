"""What calls and comparisons mean by the types of what they are given, a SELECT at a time.

First each one's parts of dates, then its overloaded functions and operators. Equal values whose
forms differ are in one group by then: what is grouped is as it was written.
"""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from gateway.sql.inputs.notation import Notation
from gateway.sql.lowered.groups.distinct_values import sort_distinct
from gateway.sql.lowered.overloads import resolve_overloads
from gateway.sql.lowered.spelling import SPELT, spell_out
from gateway.sql.lowered.values.parts import write_parts
from gateway.sql.names.scope import Analysis, Block
from gateway.sql.text.trees import own_nodes


def choose(tree: exp.Expr, analysis: Analysis, notation: Notation) -> None:
    """Write a query in the engine's functions, in place.

    Args:
        notation: How the session writes moments.

    Raises:
        UndefinedFunction: 42883, no function of a name takes such arguments.
        FeatureNotSupported: 0A000, the arguments' types cannot be told.
    """
    # VALUES by itself, as INSERT has it, is in no SELECT, and stands for one without relations.
    lone = [Block(cast(exp.Select, tree), None)] if isinstance(tree, exp.Values) else []
    for block in (*analysis.blocks, *lone):
        kinds = set(map(type, own_nodes(block.select)))
        if exp.Distinct in kinds:
            sort_distinct(block)
        if not kinds.isdisjoint((exp.Extract, exp.Anonymous)):
            write_parts(block, notation)
        if exp.Extract in kinds or any(map(SPELT.of, kinds)):
            spell_out(block)
        resolve_overloads(block, notation)
