"""Conditions over subqueries alone, which the engine moves beneath an aggregate without keys.

DataFusion 55 pushes a condition into an aggregate when all the columns in it are keys, so also one
that has no column where there is no key: ``SELECT count(*) FROM t HAVING 1 > (SELECT ...)`` then
counts no rows where it should give none. A condition that names an aggregate stays above it, and
nothing is pushed through a LIMIT.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.meaning.scope import is_one_row, is_read_from
from gateway.sql.text.trees import conjuncts, nodes


def hold_back(found: Sequence[exp.Expr]) -> bool:
    """Keep such conditions where they stand, in place; whether anything changed.

    Args:
        found: The nodes of a statement.
    """
    changed = _hold_having(found)
    wheres = [node.this for node in found if isinstance(node, exp.Where)]
    if not any(_is_lone(each) for where in wheres for each in conjuncts(where)):
        return changed
    for node in found:
        one = isinstance(node, exp.Select) and is_read_from(node) and is_one_row(node)
        if one and node.args.get("limit") is None:
            node.set("limit", exp.Limit(expression=exp.Literal.number(1)))
            changed = True
    return changed


def _hold_having(found: Sequence[exp.Expr]) -> bool:
    changed = False
    for node in found:
        select = node.parent_select if isinstance(node, exp.Having) else None
        if select is None or select.args.get("group") is not None:
            continue
        for condition in list(conjuncts(node.this)):
            if _is_lone(condition):
                count = exp.Anonymous(this="count", expressions=[exp.Star()])
                there = exp.GTE(this=count, expression=exp.Literal.number(0))
                condition.replace(exp.Case(ifs=[exp.If(this=there, true=condition.copy())]))
                changed = True
    return changed


def _is_lone(condition: exp.Expr) -> bool:
    inside = nodes(condition, (exp.Query,))
    asks = any(isinstance(node, exp.Query) for node in inside)
    return asks and not any(isinstance(node, exp.Column) for node in inside)
