"""Which subqueries are left to the engine, of those that a join could stand for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.lowered.values.quantified import is_condition
from gateway.sql.names.scope import Block, is_aggregate, is_one_row, resolves_here
from gateway.sql.text.trees import conjuncts, own_nodes

_SETS = (exp.Rollup, exp.Cube, exp.GroupingSets, exp.Tuple)


def is_for_engine(node: exp.Expr, query: exp.Expr, outer: Sequence[exp.Column]) -> bool:
    """Whether the engine runs it: an aggregate, EXISTS or IN that compares in its own WHERE.

    Args:
        node: What stands in an expression: the subquery, or its comparison.
        query: The query in it.
        outer: The columns in it that are of relations around it.
    """
    if not isinstance(query, exp.Select) or is_beneath(node):
        return False
    clauses = ("limit", "offset", "distinct", "group", "having", "with_")
    if any(query.args.get(clause) for clause in clauses):
        return False
    where = query.args.get("where")
    ids = {id(column) for column in outer}
    equations = [] if where is None else list(conjuncts(where.this))
    simple = {
        id(side)
        for each in equations
        if isinstance(each, exp.EQ)
        for side in (each.this, each.expression)
    }
    if not ids <= simple:
        return False
    if isinstance(node, exp.Subquery):
        windows = any(isinstance(inner, exp.Window) for inner in own_nodes(query))
        return is_one_row(query) and not windows
    return is_condition(node)


def is_beneath(node: exp.Expr) -> bool:
    """Whether it stands in an aggregate, a window or in ORDER BY.

    There the engine runs none that looks outside, and of several confuses the columns.
    """
    at = node.parent
    while at is not None and not isinstance(at, exp.Select):
        if isinstance(at, exp.Ordered | exp.Filter | exp.Window) or is_aggregate(at):
            return True
        at = at.parent
    return False


def is_grouped_by(node: exp.Expr, block: Block) -> bool:
    """Whether a comparison with a query is a key of GROUP BY, or in one, which it loses there.

    Not of keys in sets: those are NULL in some groups, whatever is joined.
    """
    group = block.select.args.get("group")
    if group is None or node.find_ancestor(exp.Where, exp.Having, exp.Select) is not block.select:
        return False
    if any(isinstance(key, _SETS) for key in group.expressions):
        return False
    return any(each == node for key in group.expressions for each in own_nodes(key_of(key, block)))


def key_of(key: exp.Expr, block: Block) -> exp.Expr:
    """What a key of GROUP BY is: the output that it names, by its place or its name, or itself."""
    outputs: list[exp.Expr] = block.select.expressions
    if key.is_int and 0 < int(key.name) <= len(outputs):
        return outputs[int(key.name) - 1]
    if isinstance(key, exp.Column) and not key.table and not resolves_here(block, key):
        return next((each for each in outputs if each.alias_or_name == key.name), key)
    return key
