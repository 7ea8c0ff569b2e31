"""string_agg(... ORDER BY ...) as array_to_string(array_agg(... ORDER BY ...)).

The engine refuses two orders in one SELECT, but for array_agg, which orders its values itself.
Rows of `lowering.LOWERINGS`.
"""

from __future__ import annotations

from sqlglot import exp


def ordered_text(node: exp.Expr) -> exp.Expr | None:
    """A call without a FILTER; None where it is something else, or has no order."""
    if isinstance(node.parent, exp.Filter | exp.Window):
        return None
    return _collected(node, None)


def filtered_text(node: exp.Expr) -> exp.Expr | None:
    """A call with its FILTER."""
    if isinstance(node.parent, exp.Window):
        return None
    return _collected(node.this, node.expression.this)


def order_of_values(node: exp.Expr) -> exp.Expr | None:
    """An aggregate's order without constants, which the engine takes for places."""
    if node.this is None:
        return None
    keys = [each for each in node.expressions if not isinstance(each.this.unnest(), exp.Literal)]
    if not keys:
        value: exp.Expr = node.this
        return value.copy()
    node.set("expressions", keys)
    return None


def distinct_values(node: exp.Expr) -> exp.Expr | None:
    """DISTINCT inside a collecting aggregate, which PostgreSQL finds by sorting: so they come."""
    call, value = node.parent, node.expressions[0] if node.expressions else None
    if not isinstance(call, exp.Anonymous) or call.name not in ("array_agg", "string_agg"):
        return None
    if len(call.expressions) > 1 or value is None or isinstance(value.unnest(), exp.Literal):
        return None
    key = exp.Ordered(this=value.copy(), nulls_first=False)
    return exp.Order(this=node.copy(), expressions=[key])


def _collected(call: exp.Expr, condition: exp.Expr | None) -> exp.Expr | None:
    parts = _parts(call)
    if parts is None:
        return None
    value, collected, separator = parts
    distinct = value.expressions[0] if isinstance(value, exp.Distinct) else value
    nothing = exp.Is(this=exp.paren(distinct.copy()), expression=exp.Null())
    counts: exp.Expr = exp.Not(this=nothing)
    if condition is not None:
        counts = exp.And(this=exp.paren(condition.copy()), expression=counts)
    array = exp.Anonymous(this="array_agg", expressions=[collected])
    kept = exp.Filter(this=array, expression=exp.Where(this=counts))
    return exp.Anonymous(this="array_to_string", expressions=[kept, separator.copy()])


def _parts(call: exp.Expr) -> tuple[exp.Expr, exp.Order, exp.Expr] | None:
    """The value, it with its order, and the text between two of them."""
    if not isinstance(call, exp.Anonymous) or call.name != "string_agg" or not call.expressions:
        return None
    order = call.expressions[-1]
    if not isinstance(order, exp.Order):
        return None
    value, separator = call.expressions[0], order.this
    if isinstance(separator, exp.Distinct) and len(separator.expressions) == 2:
        value = exp.Distinct(expressions=[separator.expressions[0].copy()])
        separator = separator.expressions[1]
    elif len(call.expressions) != 2:
        return None
    if not separator.is_string:  # it may be another in every row
        return None
    ordered = order.copy()
    ordered.set("this", value.copy())
    return value, ordered, separator
