"""Arithmetic of numerics with all the digits that PostgreSQL gives, and none that are wrong.

The engine reads a literal with a point as a double, so `price * 1.1` would be one; it gives a
quotient and an average four digits more than their argument, and cuts the rest off. Beside a
numeric such a literal becomes a decimal, and quotients and averages are rounded to 20 digits after
the point. They are computed in 256 bits: 76 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.sql.meaning.inference import GIVES, Types, numeric_beside
from gateway.sql.meaning.numerals import (
    digits,
    is_exacting,
    is_point_literal,
    plain,
    point_literals,
)
from gateway.sql.meaning.scope import Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import own_nodes
from gateway.types import FLOAT4, FLOAT8, NUMERIC, TEXT

# PostgreSQL gives a quotient at least 16 significant digits: 20 after the point below 1.
_QUOTIENT = "Decimal256(76, 20)"
# The engine adds four digits to the scale of both, and cuts off what follows.
_DIVIDEND = "Decimal256(76, 30)"
_AVERAGED = "Decimal256(76, 26)"

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_AVERAGES = frozenset({"avg", "mean"})
_ALTERNATIVES = frozenset({"coalesce", "greatest", "least", "nvl", "ifnull", "nullif"})

Change = Callable[[exp.Expr], None]


def keep_numeric(tree: exp.Expr, block: Block | None) -> None:
    """Write the arithmetic of numerics in one SELECT, or in VALUES, exactly; in place."""
    here = own_nodes(tree)
    if not any(map(_concerns, here)):
        return
    types = Types(block)
    changes = [change for node in reversed(here) for change in _changes(node, types)]
    for node, change in changes:
        change(node)


def _concerns(node: exp.Expr) -> bool:
    return type(node) is exp.Div or is_point_literal(node) or _is_average(node)


def _is_average(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Anonymous)
        and node.name.lower() in _AVERAGES
        and len(node.expressions) == 1
    )


def _changes(node: exp.Expr, types: Types) -> Iterator[tuple[exp.Expr, Change]]:
    """What is to be done to one node, told before anything is done."""
    for group in [together(node), *value_columns(node)]:
        if not group or not numeric_beside(group, types):
            continue
        for side in group:
            for literal in point_literals(side):
                yield literal, _as_decimal
    if isinstance(node, exp.Literal) and is_exacting(node) and not _is_of_doubles(node, types):
        yield node, _as_decimal
    if type(node) is exp.Div and types.of(node) is NUMERIC:
        yield node, _divide
    elif _is_average(node) and types.of(node.expressions[0]) is NUMERIC:
        yield node, _average


def _is_of_doubles(literal: exp.Literal, types: Types) -> bool:
    """Whether a literal becomes a double by what stands around it, or is cast already."""
    node: exp.Expr | None = literal.parent
    while node is not None and not isinstance(node, exp.Query | exp.Alias):
        if literal.is_int or (isinstance(node, exp.Cast) and types.of(node) is not TEXT):
            return True
        group = together(node)
        if any(types.of(side) in (FLOAT4, FLOAT8) for side in group):
            return True
        if isinstance(node, exp.Anonymous | exp.Pow) and types.of(node) is not NUMERIC:
            return types.of(node) in (FLOAT4, FLOAT8)
        node = node.parent
    return False


def value_columns(node: exp.Expr) -> list[list[exp.Expr]]:
    """The columns of VALUES whose rows are of one length; none of anything else."""
    rows = [row.expressions for row in node.expressions] if isinstance(node, exp.Values) else []
    return list(map(list, zip(*rows, strict=True))) if len({*map(len, rows)}) == 1 else []


def together(node: exp.Expr) -> list[exp.Expr]:
    """Expressions that come to one type: the sides of an operator, the branches of a CASE."""
    if isinstance(node, (*_ARITHMETIC, *COMPARISONS)):
        return [node.this, node.expression]
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        return [node.this, *node.expressions]
    if isinstance(node, exp.Array):
        return list(node.expressions)
    if isinstance(node, exp.Case):
        values = [branch.args["true"] for branch in node.args["ifs"]]
        default = node.args.get("default")
        return values if default is None else [*values, default]
    if isinstance(node, exp.Anonymous) and node.name.lower() in _ALTERNATIVES:
        return list(node.expressions)
    return []


def _as_decimal(literal: exp.Expr) -> None:
    parent = literal.parent
    if isinstance(parent, exp.Cast) and parent.to.this == exp.DType.DECIMAL:
        return  # it stands beside several numerics, and one of them was first
    precision, scale = digits(literal.name)
    kind = data_type(f"decimal({precision}, {scale})")
    literal.replace(exp.Cast(this=exp.Literal.string(plain(literal.name)), to=kind))


def _divide(node: exp.Expr) -> None:
    node.set("this", _arrow(node.this, _DIVIDEND))
    _round(node)


def _average(node: exp.Expr) -> None:
    call, argument = node, node.expressions[0]
    if isinstance(argument, exp.Distinct):
        call, argument = argument, argument.expressions[0]
    call.set("expressions", [_arrow(argument, _AVERAGED)])
    while isinstance(node.parent, exp.Filter | exp.Window) and node.arg_key == "this":
        node = node.parent
    _round(node)


def _round(node: exp.Expr) -> None:
    parent, key, index = node.parent, node.arg_key, node.index
    rounded = _arrow(node, _QUOTIENT)
    if parent is not None and key is not None:
        parent.set(key, rounded, index)


def _arrow(value: exp.Expr, kind: str) -> exp.Expr:
    """A cast to a type that SQL has no word for here."""
    call = exp.Anonymous(this="arrow_cast", expressions=[value, exp.Literal.string(kind)])
    call.meta[GIVES] = NUMERIC
    return call
