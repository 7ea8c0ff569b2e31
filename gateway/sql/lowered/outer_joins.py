"""What the engine takes for constant beneath an outer join, and is not above it.

A column that is equal to a constant on the side of an outer join that may be missing is that
constant or NULL in the joined rows. DataFusion 55 goes on holding it for constant, and leaves it
out of every order: ``a LEFT JOIN b ON a.id = b.id AND b.kind = 1 ORDER BY b.kind, a.id`` comes
sorted by a.id alone, and row_number() OVER (ORDER BY b.kind, a.id) counts so. Two things make a
constant: an equation in a condition, which is written as IN (constant, NULL), and an aggregate
over all rows, which goes through an expression that the engine cannot see through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.sql.meaning.scope import is_aggregate
from gateway.sql.text.trees import own_nodes

_CONDITIONS = (exp.Where, exp.Having, exp.Join)


def has_outer_join(found: Sequence[exp.Expr]) -> bool:
    """Whether there is one among the nodes of a statement."""
    return any(isinstance(node, exp.Join) and node.args.get("side") for node in found)


def unsettle(found: Sequence[exp.Expr]) -> None:
    """Write what makes constants otherwise, in place, in a statement with an outer join."""
    for node in found:
        if isinstance(node, _CONDITIONS):
            held = node.args.get("on") if isinstance(node, exp.Join) else node.this
            for equation in list(_equations(held)):
                equation.replace(_membership(equation))
        elif isinstance(node, exp.Select) and _is_one_row_of_from(node):
            node.set("expressions", [_unseen(item) for item in node.expressions])


def _equations(condition: exp.Expr | None) -> Iterator[exp.EQ]:
    """Those with a constant that must hold for the condition to hold."""
    if isinstance(condition, exp.And | exp.Paren):
        for part in condition.iter_expressions():
            yield from _equations(part)
    elif isinstance(condition, exp.EQ):
        sides = (condition.this, condition.expression)
        if sum(map(_is_constant, sides)) == 1 and not any(map(_is_quantified, sides)):
            yield condition


def _is_constant(side: exp.Expr) -> bool:
    """Whether it reads nothing; a call without arguments may be random()."""
    for node in side.walk():
        if isinstance(node, exp.Column | exp.Query):
            return False
        if isinstance(node, exp.Anonymous) and not node.expressions:
            return False
    return True


def _is_quantified(side: exp.Expr) -> bool:
    """ANY or ALL of an array, which is no value."""
    if isinstance(side, exp.Any | exp.All):
        return True
    return isinstance(side, exp.Anonymous) and side.name in ("any", "some", "all")


def _membership(equation: exp.EQ) -> exp.Expr:
    sides = [equation.this, equation.expression]
    if _is_constant(sides[0]):
        sides.reverse()
    value, constant = (exp.paren(side.copy()) for side in sides)
    return exp.In(this=value, expressions=[constant, exp.Null()])


def _is_one_row_of_from(select: exp.Select) -> bool:
    held = select.parent
    from_it = isinstance(held, exp.CTE) or (
        isinstance(held, exp.Subquery) and isinstance(held.parent, exp.From | exp.Join)
    )
    if not from_it or select.args.get("group") is not None:
        return False
    return any(is_aggregate(node) for item in select.expressions for node in own_nodes(item))


def _unseen(item: exp.Expr) -> exp.Expr:
    if not isinstance(item, exp.Alias):
        return item
    drawn = exp.GTE(this=exp.Anonymous(this="random"), expression=exp.Literal.number(0))
    branch = exp.If(this=drawn, true=item.this.copy())
    return exp.Alias(this=exp.Case(ifs=[branch]), alias=item.args["alias"].copy())
