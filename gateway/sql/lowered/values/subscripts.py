"""Items and slices of arrays: PostgreSQL counts from 1, and never from the end (manual, 8.15.3).

To the engine an index below 0 counts from the end, and a slice has two bounds.
"""

from __future__ import annotations

from sqlglot import exp

_LAST = 2**31 - 1  # PostgreSQL's largest subscript


def item(node: exp.Bracket) -> None:
    """Keep the subscripts of an item or slice within what the engine reads as PostgreSQL does."""
    node.set("expressions", [_subscript(each) for each in node.expressions])


def _subscript(index: exp.Expr) -> exp.Expr:
    if isinstance(index, exp.Slice):
        return exp.Slice(this=_bound(index.this, 1), expression=_bound(index.expression, _LAST))
    if isinstance(index, exp.Literal) and index.is_int and int(index.name) > 0:
        return index
    inside = exp.GT(this=exp.paren(index.copy()), expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=inside, true=index.copy())])


def _bound(value: exp.Expr | None, default: int) -> exp.Expr:
    if value is None:
        return exp.Literal.number(default)
    if isinstance(value, exp.Literal) and value.is_int and int(value.name) > 0:
        return value
    least = exp.Literal.number(1 if default == 1 else 0)
    below = exp.LT(this=exp.paren(value.copy()), expression=least.copy())
    return exp.Case(ifs=[exp.If(this=below, true=least)], default=value.copy())
