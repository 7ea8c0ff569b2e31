"""What the engine takes for constant beneath an outer join or a union, and is not above it.

A column that is equal to a constant on the side of an outer join that may be missing is that
constant or NULL in the joined rows. DataFusion 55 goes on holding it for constant, and leaves it
out of every order: ``a LEFT JOIN b ON a.id = b.id AND b.kind = 1 ORDER BY b.kind, a.id`` comes
sorted by a.id alone, and row_number() OVER (ORDER BY b.kind, a.id) counts so. Of a side of UNION
ALL in which a key is constant it sorts by the other keys alone, and where the first rows are wanted
the sides tell each other the greatest that they keep by these: ``SELECT 'b' AS s, v FROM t UNION
ALL SELECT 'a', v FROM u ORDER BY s, v LIMIT 5`` loses rows of u. An equation in a
condition makes a constant, and is written as IN (constant, NULL); so do a constant in a SELECT list
and an aggregate over all rows, which go through an expression that the engine cannot see through.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.meaning.volatile import each_row
from gateway.sql.names.scope import is_one_row, is_read_from
from gateway.sql.text.trees import conjuncts

_CONDITIONS = (exp.Where, exp.Having, exp.Join)


def unsettle(found: Sequence[exp.Expr]) -> bool:
    """Write what makes constants otherwise, in place, in a statement with one of these.

    Args:
        found: The nodes of a statement.

    Returns:
        Whether there is one.
    """
    if not any(map(_is_outer, found)) and not _has_first_of_union(found):
        return False
    for node in found:
        if isinstance(node, _CONDITIONS):
            held = node.args.get("on") if isinstance(node, exp.Join) else node.this
            for condition in list(conjuncts(held)) if held is not None else ():
                if _is_equation(condition):
                    condition.replace(_membership(condition))
        elif isinstance(node, exp.Select) and (is_read_from(node) or _is_side(node)):
            one = is_one_row(node)
            items = node.expressions
            node.set("expressions", [_unseen(i) if one or _is_fixed(i) else i for i in items])
    return True


def _is_side(select: exp.Select) -> bool:
    """Whether it is a side of a set operation, perhaps in parentheses."""
    held = select.parent
    while isinstance(held, exp.Subquery) and not held.alias:
        held = held.parent
    return isinstance(held, exp.SetOperation)


def _is_outer(node: exp.Expr) -> bool:
    return isinstance(node, exp.Join) and bool(node.args.get("side"))


def _has_first_of_union(found: Sequence[exp.Expr]) -> bool:
    """Whether the first rows in an order of several keys are wanted where there is a union."""
    return any(isinstance(node, exp.Union) for node in found) and any(
        isinstance(node, exp.Query)
        and node.args.get("limit") is not None
        and len(node.args["order"].expressions if node.args.get("order") else ()) > 1
        for node in found
    )


def _is_equation(condition: exp.Expr) -> bool:
    """Whether it holds something to be equal to a constant."""
    if not isinstance(condition, exp.EQ):
        return False
    sides = (condition.this, condition.expression)
    return sum(map(_is_constant, sides)) == 1 and not any(map(_is_quantified, sides))


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


def _membership(equation: exp.Expr) -> exp.Expr:
    sides = [equation.this, equation.expression]
    if _is_constant(sides[0]):
        sides.reverse()
    value, constant = (exp.paren(side.copy()) for side in sides)
    return exp.In(this=value, expressions=[constant, exp.Null()])


def _is_fixed(item: exp.Expr) -> bool:
    return isinstance(item, exp.Alias) and _is_constant(item.this)


def _unseen(item: exp.Expr) -> exp.Expr:
    if not isinstance(item, exp.Alias):
        return item
    drawn = exp.GTE(this=each_row(), expression=exp.Literal.number(0))
    branch = exp.If(this=drawn, true=item.this.copy())
    return exp.Alias(this=exp.Case(ifs=[branch]), alias=item.args["alias"].copy())
