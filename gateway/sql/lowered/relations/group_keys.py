"""Which subqueries are one value: alike ones, keys of GROUP BY, those of a whole group."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.ordering import grouping_keys
from gateway.sql.names.scope import Block, is_aggregate
from gateway.sql.text.trees import SETS, own_nodes


def alike(node: exp.Expr, block: Block) -> list[exp.Expr]:
    """It, and all that are written as it, which are one value: a key of groups, or of DISTINCT."""
    if volatile_call(node):
        return [node]
    found = [each for each in own_nodes(block.select) if each == node]
    return [each for each in found if each.find_ancestor(exp.Join, exp.Select) is block.select]


def is_grouped_by(node: exp.Expr, block: Block) -> bool:
    """Whether a subquery, or a comparison with one, is a key of GROUP BY, or in one."""
    if node.find_ancestor(exp.Where, exp.Select) is not block.select:
        return False
    return any(each == node for key in grouping_keys(block) for each in own_nodes(key))


def is_of_group(node: exp.Expr, block: Block) -> bool:
    """Whether it is computed once for each group of the SELECT that it stands in."""
    if not block.is_grouped:
        return False
    keys = grouping_keys(block)
    of_rows = (exp.Where, exp.Group, exp.Join, exp.WithinGroup)
    at: exp.Expr | None = node
    while at is not None and at is not block.select:
        if isinstance(at, of_rows) or is_aggregate(at) or at in keys:
            return False
        at = at.parent
    return True


_OF_ROWS = (exp.With, exp.From, exp.Join, exp.Lateral, exp.Where)


def is_of_rows(node: exp.Expr, select: exp.Select) -> bool:
    """Whether it is computed of each row, before there are groups; a key is not."""
    parent = node.parent
    while parent is not None and parent is not select:
        aggregated = is_aggregate(parent) and parent.name != "grouping"
        if aggregated or isinstance(parent, _OF_ROWS):
            return True
        parent = parent.parent
    return False


def has_sets(block: Block) -> bool:
    """Whether a key of GROUP BY is NULL in some of the groups, whatever it is in their rows."""
    group = block.select.args.get("group")
    return group is not None and any(isinstance(key, SETS) for key in group.expressions)
