"""Arithmetic of written numbers, done as PostgreSQL does it: exactly, each with a scale of its own.

`0.1 + 0.2` is 0.3 there, and `round(2.5)` is 3. The engine would compute both in double precision,
so what is made of literals alone is computed here, and its value stands in its place as a literal
with the digits that PostgreSQL shows (PostgreSQL 15, src/backend/utils/adt/numeric.c).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from sqlglot import exp

from gateway.errors import DivisionByZero, GatewayError
from gateway.sql.names.scope import position_of
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import nodes
from gateway.sql.types.inference import GIVES
from gateway.sql.types.numeric_functions import NUMERIC_FUNCTIONS
from gateway.types import NUMERIC

_WIDE = Context(prec=200)
# More than any decimal of the engine's has, as a whole number or as a fraction: left as it is.
_MOST_DIGITS = 38


@dataclass(frozen=True, slots=True)
class _Number:
    value: Decimal
    whole: bool  # of type integer: a quotient of two is cut off

    @property
    def scale(self) -> int:
        """Digits after the point, as they are shown."""
        return max(-int(self.value.as_tuple().exponent), 0)


def fold_numbers(tree: exp.Expr) -> None:
    """Put the value in place of what is computed of literals of which one has a point.

    What a derivative is taken of is left as it was written.

    Raises:
        GatewayError: 22012, 2201E, 2201F, 22003, where no CASE stands around.
    """
    found = nodes(tree, (Marker,))
    if not any(isinstance(node, exp.Literal) and _has_point(node) for node in found):
        return
    done: set[int] = set()
    for node in found:  # of two that stand in one another the outer one comes first
        if id(node) in done or not isinstance(node, _COMPUTED) or isinstance(node.parent, _KEYS):
            continue
        value = _value(node)
        if value is not None and not value.whole and _fits(value.value):
            done.update(map(id, nodes(node)))
            node.replace(_literal_of(value))
        elif value is not None and not value.whole and _is_shown(node, value.value):
            done.update(map(id, nodes(node)))
            node.replace(_decimal_of(value))


def _has_point(literal: exp.Literal) -> bool:
    return not literal.is_string and not literal.is_int


def _value(node: exp.Expr) -> _Number | None:
    """What a tree of literals comes to; None of any other tree."""
    if isinstance(node, exp.Literal):
        return _read(node)
    if isinstance(node, exp.Paren):
        return _value(node.this)
    if isinstance(node, exp.Neg):
        inner = _value(node.this)
        return None if inner is None else _Number(inner.value.copy_negate(), inner.whole)
    operation, written = _operation(node)
    values = [_value(each) for each in written]
    given = [value for value in values if value is not None]
    if operation is None or not given or len(given) < len(values):
        return None
    try:
        return operation(*given)
    except GatewayError as error:
        if _may_be_passed_over(node):
            return None
        error.position = position_of(node)
        raise
    except TypeError:  # so many arguments it does not take
        return None


def _operation(node: exp.Expr) -> tuple[Callable[..., _Number | None] | None, list[exp.Expr]]:
    """What is computed here, and of what."""
    if isinstance(node, exp.Binary):
        return _OPERATIONS.get(type(node)), [node.this, node.expression]
    if isinstance(node, exp.Anonymous):
        return _FUNCTIONS.get(node.name.lower()), node.expressions
    return None, []


def _may_be_passed_over(node: exp.Expr) -> bool:
    """Whether it stands in a CASE or a coalesce, which may not come to it."""
    around = node.find_ancestor(exp.Case, exp.Anonymous)
    while around is not None and not isinstance(around, exp.Case):
        if around.name in ("coalesce", "nvl", "ifnull"):
            return True
        around = around.find_ancestor(exp.Case, exp.Anonymous)
    return around is not None


def _read(literal: exp.Literal) -> _Number | None:
    if literal.is_string:
        return None
    value = Decimal(literal.name)
    if abs(value.adjusted()) > _MOST_DIGITS:
        return None
    if int(value.as_tuple().exponent) > 0:
        value = value.quantize(Decimal(1), context=_WIDE)
    return _Number(value, bool(literal.is_int) and abs(value) < 2**63)


def _fits(value: Decimal) -> bool:
    digits = value.as_tuple()
    return len(digits.digits) <= _MOST_DIGITS and -int(digits.exponent) <= _MOST_DIGITS


def _is_shown(node: exp.Expr, value: Decimal) -> bool:
    """Whether it is a column of a result, where the engine takes 76 digits."""
    few = value.adjusted() + 1 + _Number(value, False).scale <= 2 * _MOST_DIGITS
    return few and isinstance(node.parent, exp.Alias | exp.Select)


def _decimal_of(number: _Number) -> exp.Expr:
    kind = f"Decimal256({2 * _MOST_DIGITS}, {number.scale})"
    given = [exp.Literal.string(text) for text in (format(number.value, "f"), kind)]
    cast = exp.Anonymous(this="arrow_cast", expressions=given)
    cast.meta[GIVES] = NUMERIC
    return cast


def _literal_of(number: _Number) -> exp.Expr:
    """A literal that still has a point: `3.` is no integer."""
    text = format(number.value.copy_abs(), "f")
    literal = exp.Literal.number(text if "." in text else f"{text}.")
    return exp.paren(exp.Neg(this=literal), copy=False) if number.value < 0 else literal


def _scaled(value: Decimal, scale: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """The value with so many digits after the point; fewer than none are zeros before it."""
    rounded = value.quantize(Decimal(1).scaleb(-scale), rounding, _WIDE)
    return rounded if scale >= 0 else rounded.quantize(Decimal(1), context=_WIDE)


def _both(exact: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., _Number | None]:
    def operation(left: _Number, right: _Number) -> _Number | None:
        whole = left.whole and right.whole
        value = exact(left.value, right.value)
        bound = 2**63 if max(abs(left.value), abs(right.value)) >= 2**31 else 2**31
        return None if whole and abs(value) >= bound else _Number(value, whole)

    return operation


def _quotient(left: _Number, right: _Number) -> _Number | None:
    if not right.value:
        raise DivisionByZero("division by zero")
    if left.whole and right.whole:
        return _both(_WIDE.divide_int)(left, right)
    quotient = _WIDE.divide(left.value, right.value)
    return _Number(_scaled(quotient, _quotient_scale(left, right)), False)


def _quotient_scale(left: _Number, right: _Number) -> int:
    """select_div_scale: at least 16 significant digits, counted in groups of four."""
    place, first = _leading(left.value)
    other_place, other_first = _leading(right.value)
    groups = place - other_place - (first <= other_first)
    return max(16 - groups * 4, left.scale, right.scale)


def _leading(value: Decimal) -> tuple[int, int]:
    """The place of the first group of four digits that is not zero, and what it says."""
    if not value:
        return 0, 0
    place = value.adjusted() // 4
    return place, int(abs(value).scaleb(-4 * place, _WIDE))


def _remainder(left: _Number, right: _Number) -> _Number | None:
    if not right.value:
        raise DivisionByZero("division by zero")
    value = _WIDE.remainder(left.value, right.value)
    return _Number(_scaled(value, max(left.scale, right.scale)), left.whole and right.whole)


def _div(left: _Number, right: _Number) -> _Number | None:
    if not right.value:
        raise DivisionByZero("division by zero")
    return _Number(_WIDE.divide_int(left.value, right.value), False)


def _trimmed(value: Decimal) -> Decimal:
    """Without zeros at its end, after the point."""
    shortest = value.normalize(_WIDE)
    return _scaled(shortest, max(-int(shortest.as_tuple().exponent), 0))


def _to_scale(rounding: str) -> Callable[..., _Number | None]:
    """round and trunc; of an integer they are double precision."""

    def function(number: _Number, scale: _Number = _Number(Decimal(0), True)) -> _Number | None:
        if number.whole or not scale.whole or abs(scale.value) > _MOST_DIGITS:
            return None
        return _Number(_scaled(number.value, int(scale.value), rounding), False)

    return function


def _to_whole(rounding: str) -> Callable[..., _Number | None]:
    return lambda number: None if number.whole else _to_scale(rounding)(number)


def _irrational(name: str) -> Callable[..., _Number | None]:
    """A function of numerics; of integers alone it is of double precision, but for log(b, x)."""

    def function(*numbers: _Number) -> _Number | None:
        computed = NUMERIC_FUNCTIONS.get((name, len(numbers)))
        whole = all(number.whole for number in numbers)
        if computed is None or (whole and (name != "log" or len(numbers) == 1)):
            return None
        return _Number(computed(*(number.value for number in numbers)), False)

    return function


_OPERATIONS: dict[type[exp.Expr], Callable[..., _Number | None]] = {
    exp.Add: _both(_WIDE.add),
    exp.Sub: _both(_WIDE.subtract),
    exp.Mul: _both(_WIDE.multiply),
    exp.Div: _quotient,
    exp.Mod: _remainder,
    exp.Pow: _irrational("power"),
}
_FUNCTIONS: dict[str, Callable[..., _Number | None]] = {
    "round": _to_scale(ROUND_HALF_UP),
    "trunc": _to_scale(ROUND_DOWN),
    "floor": _to_whole(ROUND_FLOOR),
    "ceil": _to_whole(ROUND_CEILING),
    "ceiling": _to_whole(ROUND_CEILING),
    "abs": lambda number: _Number(number.value.copy_abs(), number.whole),
    "trim_scale": lambda number: _Number(_trimmed(number.value), False),
    "mod": _remainder,
    "div": _div,
    **{name: _irrational(name) for name, _ in NUMERIC_FUNCTIONS},
}
# A constant alone among these would be the number of a column.
_KEYS = (exp.Ordered, exp.Group, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Distinct)
_COMPUTED = (*_OPERATIONS, exp.Anonymous)
