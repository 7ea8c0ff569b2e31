"""LIMITs and conditions that DataFusion 55 would move, kept where they stand.

It moves the sort of `SELECT * FROM (SELECT ... LIMIT 3 OFFSET 1) AS q ORDER BY id` beneath the
limit: it then sorts all rows where three were to be read, and takes 3 rows before it leaves out the
first, so that two are left. It moves none through a condition that draws.

It pushes a condition into an aggregate when all the columns in it are keys, so also one
that has no column where there is no key: ``SELECT count(*) FROM t HAVING 1 > (SELECT ...)`` then
counts no rows where it should give none. A condition may lose its columns in the engine: those of a
join's empty side are NULL. One that draws is moved there, too, and beneath
DISTINCT, UNION and windows: ``SELECT * FROM (SELECT DISTINCT g FROM t) WHERE random() < 0.5`` asks
of each row of t. A condition that names an aggregate stays above it, and nothing is pushed through
a LIMIT.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import is_aggregate, is_one_row, is_read_from
from gateway.sql.text.building import table_alias
from gateway.sql.text.trees import SETS, conjuncts, nodes, own_nodes

ALL_ROWS = 2**63 - 1


def hold_back(found: Sequence[exp.Expr]) -> bool:
    """Keep such conditions where they stand, in place; whether anything changed.

    Args:
        found: The nodes of a statement.
    """
    changed = _hold_having(found)
    wheres = [node.this for node in found if isinstance(node, exp.Where)]
    if any(volatile_call(where) is not None for where in wheres):
        changed = _hold_rows(found) or changed
    if not any(isinstance(node, exp.Where | exp.Join) for node in found):
        return changed
    for node in found:
        if not isinstance(node, exp.Select) or not is_read_from(node) or node.args.get("limit"):
            continue
        if is_one_row(node) or _has_sets(node):
            most = 1 if is_one_row(node) else ALL_ROWS
            node.set("limit", exp.Limit(expression=exp.Literal.number(most)))
            changed = True
    return changed


def _has_sets(select: exp.Select) -> bool:
    """Whether one of its groups may be of all rows, or of none."""
    group = select.args.get("group")
    return group is not None and any(
        isinstance(each, SETS) or (isinstance(each, exp.Tuple) and not each.expressions)
        for each in group.expressions
    )


def _hold_rows(found: Sequence[exp.Expr]) -> bool:
    """Let no condition be moved into queries that put rows together, by a LIMIT of all rows."""
    changed = False
    for node in found:
        if not isinstance(node, exp.Select | exp.SetOperation) or not _is_read_whole(node):
            continue
        args = node.args
        puts = isinstance(node, exp.SetOperation) or args.get("distinct") or args.get("group")
        if (puts or _sums(node)) and args.get("limit") is None:
            node.set("limit", exp.Limit(expression=exp.Literal.number(ALL_ROWS)))
            changed = True
    return changed


def _is_read_whole(query: exp.Expr) -> bool:
    """Whether it stands in WITH or in FROM, by itself."""
    held = query.parent
    if isinstance(held, exp.Subquery):
        return isinstance(held.parent, exp.From | exp.Join)
    return isinstance(held, exp.CTE)


def _sums(select: exp.Query) -> bool:
    own = (node for item in select.expressions for node in own_nodes(item))
    return any(isinstance(node, exp.Window) or is_aggregate(node) for node in own)


def _hold_having(found: Sequence[exp.Expr]) -> bool:
    changed = False
    for node in found:
        select = node.parent_select if isinstance(node, exp.Having) else None
        if select is None:
            continue
        keyed = select.args.get("group") is not None and not _has_sets(select)
        for condition in list(conjuncts(node.this)):
            if volatile_call(condition) is not None or not (keyed or _has_column(condition)):
                count = exp.Anonymous(this="count", expressions=[exp.Star()])
                there = exp.GTE(this=count, expression=exp.Literal.number(0))
                condition.replace(exp.Case(ifs=[exp.If(this=there, true=condition.copy())]))
                changed = True
    return changed


def _has_column(condition: exp.Expr) -> bool:
    """Whether a condition of HAVING is of a group: constants are folded before they are moved."""
    inside = nodes(condition)
    asks = any(isinstance(node, exp.Query | exp.Parameter) for node in inside)
    return not asks or any(isinstance(node, exp.Column) for node in inside)


def hold_cuts(found: Sequence[exp.Expr]) -> bool:
    """Put such a condition above each of them, in place; whether anything changed.

    Args:
        found: The nodes of a statement.
    """
    cuts = [node for node in found if isinstance(node, exp.Query) and _is_cut_inside(node)]
    for node in reversed(cuts):
        held = exp.Subquery(alias=table_alias("cut"))
        drawn = exp.GTE(this=exp.Anonymous(this="random"), expression=exp.Literal.number(0))
        above = exp.Select(
            expressions=[exp.Star()], from_=exp.From(this=held), where=exp.Where(this=drawn)
        )
        node.replace(above)
        held.set("this", node)
    return bool(cuts)


def _is_cut_inside(query: exp.Query) -> bool:
    """Whether it cuts rows off that another query reads; one that sorts them only beside OFFSET."""
    args = query.args
    if isinstance(query, exp.Subquery) or args.get("limit") is None or query.parent is None:
        return False
    if args.get("order") is not None and args.get("offset") is None:
        return False
    names = query.named_selects
    return len(set(names)) == len(names)
