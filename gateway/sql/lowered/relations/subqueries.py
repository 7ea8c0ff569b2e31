"""Subqueries where the engine takes none: IN and = ANY in a SELECT list, ARRAY(SELECT ...).

Rows of `lowering.LOWERINGS`, as in `clauses`. EXISTS is there. A subquery that compares cannot have
an aggregate, a window or another query inside, as they belong to the query around it: so
`count(*) >= ALL (SELECT ...)` is compared with `ALL (ARRAY(SELECT ...))`; and so is VALUES.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.lowered.relations.value_rows import as_select
from gateway.sql.lowered.values.quantified import (
    is_quantified,
    items_of,
    outputs_of,
    query_of,
)
from gateway.sql.names.ordering import order_meant
from gateway.sql.names.scope import is_aggregate, position_of
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import nodes, own_nodes

_VALUE, _PLACE = "in_value", "in_place"


def in_query(node: exp.Expr) -> exp.Expr | None:
    """`x IN (SELECT ...)` outside conditions: counts of the rows that are equal, or NULL.

    In a condition the engine takes no rows that are cut off in the order of what is no output.
    """
    query = node.args.get("query")
    if query is None:
        return None
    if (made := _is_among(node, node.this, query)) is not None:
        return made
    rows = query.this if isinstance(query, exp.Subquery) else query
    cut = rows.args.get("order") and (rows.args.get("limit") or rows.args.get("offset"))
    if not cut or not isinstance(rows, exp.Select) or len(rows.expressions) != 1:
        return None
    value = exp.column(_VALUE, table=_PLACE, quoted=True)
    placed = exp.Select(expressions=[value], from_=exp.From(this=_placed(rows, _VALUE)))
    return exp.In(this=node.this.copy(), query=exp.Subquery(this=placed))


def equals_any(node: exp.Expr) -> exp.Expr | None:
    """`x = ANY (SELECT ...)` is IN; the engine's own mistakes an inner name for one around it."""
    side = node.expression
    query = side.this if isinstance(side, exp.Any) else None
    query = query.this if isinstance(query, exp.Paren) else query
    if not isinstance(query, exp.Query):
        return None
    held = query if isinstance(query, exp.Subquery) else exp.Subquery(this=query.copy())
    found = _is_among(node, node.this, query)
    return exp.In(this=node.this.copy(), query=held.copy()) if found is None else found


def _is_among(node: exp.Expr, value: exp.Expr, query: exp.Expr) -> exp.Expr | None:
    if _is_condition(node) or isinstance(value, exp.Tuple):
        return None
    inner = exp.column(_VALUE, table=_PLACE, quoted=True)
    equal = _counted(query, exp.EQ(this=inner.copy(), expression=exp.paren(value.copy())))
    unknown = _counted(query, exp.Is(this=inner.copy(), expression=exp.Null()))
    nothing = exp.Is(this=exp.paren(value.copy()), expression=exp.Null())
    open_end = exp.Or(this=unknown, expression=exp.And(this=nothing, expression=_counted(query)))
    ifs = [exp.If(this=equal, true=exp.true()), exp.If(this=open_end, true=exp.Null())]
    return exp.paren(exp.Case(ifs=ifs, default=exp.false()), copy=False)


def _is_condition(node: exp.Expr) -> bool:
    """Whether NULL is as good as false there, or it is NOT IN as a condition of its own.

    For those the engine has joins; elsewhere it would take NULL for false.
    """
    at = node
    if isinstance(node.parent, exp.Not):
        at = node.parent
    joined = (exp.And, exp.Paren) if at is not node else (exp.And, exp.Paren, exp.Or)
    while isinstance(at.parent, joined):
        at = at.parent
    case = at.parent.parent if isinstance(at.parent, exp.If) and at.arg_key == "this" else None
    if case is not None and not isinstance(at, exp.Not):
        clause = case.find_ancestor(exp.Where, exp.Join, exp.Having, exp.Select)
        return case.this is None and not isinstance(clause, exp.Select)
    return isinstance(at.parent, exp.Where | exp.Having | exp.Join)


def _counted(query: exp.Expr, condition: exp.Expr | None = None) -> exp.Expr:
    """Whether the query has a row for which the condition holds."""
    count = exp.Anonymous(this="count", expressions=[exp.Star()])
    counting = exp.Select(expressions=[exp.alias_(count, "count", quoted=True)])
    counting.set("from_", exp.From(this=_placed(query, _VALUE)))
    if condition is not None:
        counting.set("where", exp.Where(this=condition))
    return exp.GT(this=exp.Subquery(this=counting), expression=exp.Literal.number(0))


def _placed(query: exp.Expr, *columns: str) -> exp.Subquery:
    inner = query.this if isinstance(query, exp.Subquery) else query
    return subquery(inner.copy(), _PLACE, columns)


def array_of_query(query: exp.Expr) -> exp.Expr:
    """ARRAY(SELECT ...): the rows in their order; no rows, an empty array."""
    inner = query.this if isinstance(query, exp.Subquery) else query
    inner = inner.copy()
    value: exp.Expr = exp.column(_VALUE, table=_PLACE, quoted=True)
    order, by = inner.args.get("order"), []
    if order is not None and _is_ordered_by_value(inner):
        by = [order.expressions[0].copy()]
        by[0].set("this", value.copy())
    elif order is not None and isinstance(inner, exp.Select):
        by = _order_beside(inner)
    columns = [_VALUE, *(key.this.name for key in by if key.this.name != _VALUE)]
    value = exp.Order(this=value, expressions=by) if by else value
    collected = exp.Anonymous(this="array_agg", expressions=[value])
    gathering = exp.Select(expressions=[exp.alias_(collected, "array", quoted=True)])
    gathering.set("from_", exp.From(this=_placed(inner, *columns)))
    empty = exp.Anonymous(this="make_array", expressions=[])
    return exp.Anonymous(this="coalesce", expressions=[exp.Subquery(this=gathering), empty])


def _is_ordered_by_value(query: exp.Expr) -> bool:
    """Whether its one column is what it is ordered by, as it must be beside DISTINCT and UNION."""
    if not isinstance(query, exp.Select):
        return isinstance(query, exp.SetOperation)
    distinct = query.args.get("distinct")
    first, *others = order_meant(query).expressions
    alone = not others and first.this == query.expressions[0].unalias()
    return alone or (distinct is not None and distinct.args.get("on") is None)


def _order_beside(select: exp.Select) -> list[exp.Expr]:
    """Columns of its order, put after its own, and how they are sorted."""
    order = order_meant(select)
    parted = select.args.get("distinct") is not None or order.find(exp.Window) is not None
    keys: list[exp.Expr] = order.expressions
    if not parted:
        rank = exp.Window(this=exp.Anonymous(this="row_number"), order=order)
        keys = [exp.Ordered(this=rank)]
    by = []
    for number, key in enumerate(keys, 1):
        name = f"in_order_{number}"
        select.append("expressions", exp.alias_(key.this.copy(), name, quoted=True))
        by.append(key.copy())
        by[-1].set("this", exp.column(name, table=_PLACE, quoted=True))
    return by


_OF_QUERIES = ("any", "all", "some", "array")


def gather(tree: exp.Expr) -> None:
    """Write such queries as arrays, in place.

    Raises:
        SyntaxFault: 42601, a query of several columns is compared with one value.
    """
    for node in nodes(tree):
        if isinstance(node, exp.Anonymous) and node.name in _OF_QUERIES:
            for values in filter(lambda each: isinstance(each, exp.Values), node.expressions):
                rows = as_select(values)
                values.replace(rows if node.name == "array" else _array(rows))
        query = query_of(node) if isinstance(node, exp.In) or is_quantified(node) else None
        if query is None or len(items_of(node.this)) > 1 or not _is_of_around(node.this):
            continue
        if len(outputs_of(query)) > 1:
            raise SyntaxFault("subquery has too many columns", position=position_of(query))
        word = "all" if isinstance(node.args.get("expression"), exp.All) else "any"
        side = exp.Anonymous(this=word, expressions=[_array(query)])
        if isinstance(node, exp.In):
            node.replace(exp.EQ(this=node.this, expression=side))
        else:
            node.set("expression", side)


def _array(query: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="array", expressions=[query])


def _is_of_around(value: exp.Expr) -> bool:
    kinds = exp.Window | exp.Query
    return any(is_aggregate(each) or isinstance(each, kinds) for each in own_nodes(value))
