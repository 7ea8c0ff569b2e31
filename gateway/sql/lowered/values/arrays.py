"""`||` beside an array (manual, 9.19): there NULL and a quoted literal are arrays too.

Items and slices (8.15.3): PostgreSQL counts from 1, and never from the end. To the engine an index
below 0 counts from the end, and a slice has two bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import GIVES
from gateway.sql.types.numerals import is_pointed
from gateway.sql.types.results import common_type
from gateway.types import NUMBERS, NUMERIC, Type, array_of


def joined_array(sides: Sequence[exp.Expr], types: Sequence[Type | None]) -> exp.Expr | None:
    """`a || b` where a side is an array; None where none is known to be."""
    left, right = types
    array = next((kind for kind in types if kind is not None and kind.element is not None), None)
    if array is None:
        return None
    array = _wider(array, sides, types)
    given = [_typed(side, kind, array) for side, kind in zip(sides, types, strict=True)]
    if _is_array(left, sides[0]) and _is_array(right, sides[1]):
        name = "array_cat"
    else:
        name = "array_append" if left is not None and left.element is not None else "array_prepend"
    made = exp.Anonymous(this=name, expressions=given)
    made.meta[GIVES] = array
    return made


def _wider(array: Type, sides: Sequence[exp.Expr], types: Sequence[Type | None]) -> Type:
    """The type of an array of numbers beside wider ones.

    Raises:
        FeatureNotSupported: 0A000, integers or reals beside a numeric, which would lose digits.
    """
    elements = [
        NUMERIC if is_pointed(side) else kind.element or kind
        for side, kind in zip(sides, types, strict=True)
        if kind is not None
    ]
    wide = common_type(elements) if len(elements) == len(types) else None
    if wide is None or not all(each.name in NUMBERS for each in elements):
        return array
    if wide is NUMERIC and array.element is not NUMERIC:
        raise FeatureNotSupported(
            f"{array.sql} || numeric is not supported",
            hint="Cast one of them to the type of the other.",
        )
    return array_of(wide)


def _is_array(kind: Type | None, side: exp.Expr) -> bool:
    """A quoted literal or NULL beside an array is one."""
    return side.is_string or isinstance(side, exp.Null) or (kind is not None and bool(kind.element))


def _typed(side: exp.Expr, kind: Type | None, array: Type) -> exp.Expr:
    if side.is_string or isinstance(side, exp.Null):
        return exp.Cast(this=side.copy(), to=data_type(array))
    if kind is not None and kind.element is None and array.element is not None:
        wanted = data_type(array.element)
        return exp.Cast(this=side.copy(), to=wanted)  # digits are a bigint to the engine
    if kind is not None and kind is not array:
        return exp.Cast(this=side.copy(), to=data_type(array))
    return side.copy()


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
