"""Literals with a point: doubles, unless they stand beside a numeric.

In PostgreSQL each is a numeric. The engine's decimals have one scale for a whole column and 38
digits, so a literal is exact here where that is sure to help: beside a value that is exact itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sqlglot import exp

from gateway.types import INT4, INT8, NUMERIC, Type

_SUMS = (exp.Add, exp.Sub, exp.Mul)
MOST_DIGITS = 38
# Digits after the point of ln and its like (lowered/values/numeric_calls), and of what a cast
# without digits makes of a text or a double, of 76 in all.
COMPUTED_SCALE = 28
# Of so many digits after the point those at the end that are zeros are not shown: nobody wrote
# them. They are those of a column without digits, of what is computed, and of products of that.
OWN_SCALES = (NUMERIC.arrow.scale, COMPUTED_SCALE, 2 * COMPUTED_SCALE)


def as_shown(text: str) -> str:
    """A number's text, without the zeros at its end where it was computed.

    >>> as_shown("2.5" + "0" * 27), as_shown("2.50")
    ('2.5', '2.50')
    """
    own = len(text.partition(".")[2]) in (COMPUTED_SCALE, 2 * COMPUTED_SCALE)
    return text.rstrip("0").rstrip(".") if own else text


def is_point_literal(tree: exp.Expr) -> bool:
    """Whether it is a literal with a point that a decimal can hold.

    >>> [is_point_literal(exp.Literal.number(text)) for text in ("1.5", "2", "1e300")]
    [True, False, False]
    """
    if not isinstance(tree, exp.Literal) or tree.is_string or tree.this.isdigit():
        return False
    if tree.type is not None and tree.type.this == exp.DType.DOUBLE:
        return False  # an earlier pass made it a double
    precision, scale = digits(tree.name)
    return precision <= MOST_DIGITS and scale <= MOST_DIGITS


def is_exacting(literal: exp.Expr) -> bool:
    """Whether it is a number of which a double would lose digits.

    The shortest text of a double, as Python writes it, is none.

    >>> [is_exacting(exp.Literal.number(text)) for text in ("0.1", "0.30000000000000004")]
    [False, False]
    >>> [is_exacting(exp.Literal.number(text)) for text in ("3.14159265358979323846", "2")]
    [True, False]
    """
    if not isinstance(literal, exp.Literal) or literal.is_string or len(literal.name) <= 15:
        return False
    if literal.this.isdigit():
        return abs(int(literal.name)) > _DOUBLE_INTEGERS
    return is_point_literal(literal) and Decimal(repr(float(literal.name))) != Decimal(literal.name)


_DOUBLE_INTEGERS = 2**53


def written_number(tree: exp.Expr) -> str | None:
    """The digits of a literal with a point, and its sign; None of anything else.

    >>> written_number(exp.Neg(this=exp.paren(exp.Literal.number("1.50"))))
    '-1.50'
    """
    minus = ""
    while isinstance(tree, exp.Neg | exp.Paren):
        minus = ("" if minus else "-") if isinstance(tree, exp.Neg) else minus
        tree = tree.this
    return minus + plain(tree.name) if is_point_literal(tree) else None


def holds_exacting(tree: exp.Expr) -> bool:
    """Whether one stands in what is made of literals by + - * and casts."""
    if isinstance(tree, exp.Paren | exp.Neg | exp.Cast):
        return holds_exacting(tree.this)
    if isinstance(tree, _SUMS):
        return holds_exacting(tree.this) or holds_exacting(tree.expression)
    return is_exacting(tree)


def is_pointed(tree: exp.Expr) -> bool:
    """Whether it is made of literals alone, by + - *, and one has a point: `1 + 0.05`."""
    return any(True for _ in point_literals(tree)) and _is_constant(tree)


def _is_constant(tree: exp.Expr) -> bool:
    if isinstance(tree, exp.Paren | exp.Neg):
        return _is_constant(tree.this)
    if isinstance(tree, _SUMS):
        return _is_constant(tree.this) and _is_constant(tree.expression)
    return is_point_literal(tree) or (isinstance(tree, exp.Literal) and tree.this.isdigit())


def point_literals(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The literals with a point in a tree that `is_pointed`."""
    if isinstance(tree, exp.Paren | exp.Neg):
        yield from point_literals(tree.this)
    elif isinstance(tree, _SUMS):
        yield from point_literals(tree.this)
        yield from point_literals(tree.expression)
    elif is_point_literal(tree):
        yield tree


def digits(text: str) -> tuple[int, int]:
    """How many digits a number has, and how many of them after the point.

    >>> digits("12.50"), digits("0.001"), digits("1e3")
    ((4, 2), (4, 3), (4, 0))
    """
    whole, _, fraction = plain(text).partition(".")
    return len(whole) + len(fraction), len(fraction)


def plain(text: str) -> str:
    """A number without an exponent; one that no numeric holds here as another that none holds.

    >>> plain("1.5e3"), plain(".5"), plain("0e-99")
    ('1500', '0.5', '0')
    """
    value, most = Decimal(text), 2 * MOST_DIGITS
    if not value and abs(value.adjusted()) > most:
        return "0"
    if value.adjusted() > most:
        return "9" * (most + 1)
    if value.adjusted() < -most:
        return ("-" if value < 0 else "") + "0." + "0" * most + "1"
    return format(value, "f")


def integer_type(value: int) -> Type:
    """The type of an integer that is written out: as wide as it needs.

    >>> [integer_type(value).name for value in (1, 2**31, 2**63)]
    ['int4', 'int8', 'numeric']
    """
    if -(2**31) <= value < 2**31:
        return INT4
    return INT8 if -(2**63) <= value < 2**63 else NUMERIC
