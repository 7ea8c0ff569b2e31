"""Where a recursive query may name itself: once, in its second term, and not beneath what looks
at all rows.

PostgreSQL's rules and words (parse_cte.c, checkWellFormedRecursion). The engine gives such queries
no rows, or runs them for ever. One is not kept: an aggregate with GROUP BY over a step's rows,
which is how a gradient descends.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported, InvalidRecursion
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.text.trees import nodes_of, own_nodes

_READ = (exp.From, exp.Join, exp.Lateral, exp.CTE, exp.SetOperation, exp.Subquery)
_KEPT_BEFORE = ("RIGHT", "FULL")  # joins whose left side may be filled up with NULL
_KEPT_AFTER = ("LEFT", "FULL")


def check_self_references(tree: exp.Expr) -> None:
    """Refuse a recursive query that names itself where PostgreSQL refuses it.

    Raises:
        InvalidRecursion: 42P19, it does so.
        FeatureNotSupported: 0A000, ORDER BY, LIMIT or OFFSET of both terms together.
    """
    for clause in nodes_of(tree, exp.With):
        if clause.args.get("recursive"):
            for cte in clause.expressions:
                _check(cte)


def _check(cte: exp.CTE) -> None:
    name, body = cte.alias, cte.this
    while isinstance(body, exp.Subquery):
        body = body.this
    if any(each.alias == name for each in nodes_of(body, exp.CTE)):
        return  # that one is meant
    references = references_to(body, name)
    if not references:
        return
    if not isinstance(body, exp.Union):
        raise InvalidRecursion(
            f'recursive query "{name}" does not have the form non-recursive-term '
            "UNION [ALL] recursive-term",
            position=position_of(cte.args["alias"]),
        )
    _check_union(body, name)


def _check_union(body: exp.Union, name: str) -> None:
    for reference in references_to(body.left, name):
        raise _misplaced(reference, "appear within its non-recursive term")
    for number, reference in enumerate(references_to(body.right, name)):
        place = _place(reference, body)
        if place:
            raise _misplaced(reference, f"appear within {place}")
        if number:
            raise _misplaced(reference, "appear more than once")
        _check_aggregates(reference)
    for key, words in (("order", "ORDER BY"), ("offset", "OFFSET"), ("limit", "LIMIT")):
        if body.args.get(key) is not None:
            raise FeatureNotSupported(
                f"{words} in a recursive query is not implemented",
                position=position_of(body.args[key]),
            )


def references_to(tree: exp.Expr, name: str) -> list[exp.Table]:
    return [each for each in nodes_of(tree, exp.Table) if each.name == name and not each.db]


def _misplaced(reference: exp.Table, words: str) -> InvalidRecursion:
    return InvalidRecursion(
        f'recursive reference to query "{reference.name}" must not {words}',
        position=position_of(reference),
    )


def _place(reference: exp.Table, body: exp.Union) -> str:
    """What it stands in that it may not; "" where it may stand."""
    child: exp.Expr = reference
    while child is not body and child.parent is not None:
        node = child.parent
        if isinstance(node, exp.Intersect) and not node.args.get("distinct"):
            return "INTERSECT"
        if isinstance(node, exp.Except) and (
            child is node.expression or not node.args.get("distinct")
        ):
            return "EXCEPT"
        if isinstance(child, exp.Query) and not isinstance(node, _READ):
            return "a subquery"
        if isinstance(node, exp.Join) and node.side in _KEPT_AFTER:
            return "an outer join"
        joins = node.args.get("joins") or []
        after = joins[joins.index(child) + 1 :] if child.arg_key == "joins" else joins
        if any(join.side in _KEPT_BEFORE for join in after):
            return "an outer join"
        child = node
    return ""


def _check_aggregates(reference: exp.Table) -> None:
    select = reference.find_ancestor(exp.Select)
    if select is None or select.args.get("group") is not None:
        return
    for node in own_nodes(select):
        if is_aggregate(node):
            raise InvalidRecursion(
                "aggregate functions are not allowed in a recursive query's recursive term",
                position=position_of(node),
            )
