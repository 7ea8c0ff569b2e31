"""Which subqueries are left to the engine, of those that a join could stand for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.lowered.values.quantified import is_condition
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import Block, is_aggregate, is_one_row
from gateway.sql.text.trees import conjuncts, nodes_of, own_nodes

_SETTLED = (exp.Null, exp.Case, exp.Parameter)  # what may make a value of columns NULL in all rows


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
        if _is_of_first_rows(node):
            return False
        windows = any(isinstance(inner, exp.Window) for inner in own_nodes(query))
        return is_one_row(query) and not windows
    return is_condition(node)


def _is_of_first_rows(node: exp.Expr) -> bool:
    """Whether DISTINCT ON chooses among the rows that it stands in; that is an aggregate there."""
    select = node.parent_select
    distinct = None if select is None else select.args.get("distinct")
    return distinct is not None and distinct.args.get("on") is not None


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


def loses_null(node: exp.Expr, looks: bool, block: Block) -> bool:
    """Whether it is a NOT IN for which the engine does not see a NULL.

    A value without columns is compared beneath the join, where NULL is as good as false, and so is
    one of which the engine finds out that it is NULL; of a query that looks outside (`looks`) it
    says that its join has too many keys.
    """
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if not isinstance(parent, exp.Not):
        return False
    value = list(own_nodes(node.this))
    seen = any(each.parent_select is block.select for each in nodes_of(node.this, exp.Column))
    settled = any(isinstance(each, _SETTLED) for each in value)
    return looks or settled or not (seen or volatile_call(node.this))
