"""sqrt, exp, ln, log and power of numerics, with the digits that PostgreSQL gives each value.

A result has at least 16 significant digits, counted from an estimate of its size, and no fewer
after the point than what it is computed of (PostgreSQL 15, src/backend/utils/adt/numeric.c). The
values are Python's, rounded once; PostgreSQL rounds a value that is right to eight digits more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, Overflow

from gateway.errors import (
    DivisionByZero,
    InvalidLogarithmArgument,
    InvalidPowerArgument,
    NumericValueOutOfRange,
)

_SIGNIFICANT = 16  # NUMERIC_MIN_SIG_DIGITS
_MOST_SHOWN = 1000  # NUMERIC_MAX_DISPLAY_SCALE
_LARGEST_POWER = 6000  # exp() overflows from NUMERIC_MAX_RESULT_SCALE * 3 on
_MOST_BEFORE = 1000  # digits before the point, of which the engine's decimals have 76
_MORE = 10  # digits that are computed beyond those that are shown
_LOG10_E = 0.434294481903252
_LN_10 = 2.302585092994046
_GROUP = 4  # PostgreSQL's digits are in base 10,000
_ONE, _TEN = Decimal(1), Decimal(10)
_INT4 = 2**31
_EXACT = Context(prec=3000, Emax=999999, Emin=-999999)


def scale_of(value: Decimal) -> int:
    """Digits after the point, as they are shown.

    >>> scale_of(Decimal("1.50")), scale_of(Decimal("1E+2"))
    (2, 0)
    """
    return max(-int(value.as_tuple().exponent), 0)


def sqrt(value: Decimal) -> Decimal:
    """The square root.

    Raises:
        InvalidPowerArgument: 2201F, of a negative number.

    >>> sqrt(Decimal("2.0"))
    Decimal('1.414213562373095')
    """
    if value < 0:
        raise InvalidPowerArgument("cannot take square root of a negative number")
    scale = _scale(_SIGNIFICANT - (2 * _place(value) + 1), value)
    return _rounded(_context(scale + value.adjusted() // 2).sqrt(value), scale)


def exp(value: Decimal) -> Decimal:
    """e to the power of a number.

    Raises:
        NumericValueOutOfRange: 22003, it has too many digits.

    >>> exp(Decimal("1.0"))
    Decimal('2.7182818284590452')
    """
    size = min(max(float(value) * _LOG10_E, -2000.0), 2000.0)
    return _power_of_e(value, _scale(_SIGNIFICANT - int(size), value), int(size))


def ln(value: Decimal) -> Decimal:
    """The natural logarithm.

    Raises:
        InvalidLogarithmArgument: 2201E, of zero and of a negative number.

    >>> ln(Decimal("10.0"))
    Decimal('2.3025850929940457')
    """
    _check_logarithm(value)
    scale = _scale(_SIGNIFICANT - _size_of_ln(value), value)
    return _rounded(_context(scale + 4).ln(value), scale)


def log(base: Decimal, value: Decimal) -> Decimal:
    """The logarithm to any base.

    Raises:
        InvalidLogarithmArgument: 2201E, of zero and of a negative number.
        DivisionByZero: 22012, to the base 1.

    >>> log(Decimal("2"), Decimal("64.0"))
    Decimal('6.0000000000000000')
    """
    _check_logarithm(base)
    _check_logarithm(value)
    if base == 1:
        raise DivisionByZero("division by zero")
    size = _size_of_ln(value) - _size_of_ln(base)
    scale = _scale(_SIGNIFICANT - size, base, value)
    context = _context(scale + abs(size) + _SIGNIFICANT)
    return _rounded(context.divide(context.ln(value), context.ln(base)), scale)


def log10(value: Decimal) -> Decimal:
    """The logarithm to base 10; refused as that to any base is.

    >>> log10(Decimal("0.5"))
    Decimal('-0.3010299956639812')
    """
    return log(_TEN, value)


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """A number to the power of another.

    Raises:
        InvalidPowerArgument: 2201F, zero to a negative one, a negative number to a fraction.
        NumericValueOutOfRange: 22003, it has too many digits.

    >>> power(Decimal("2.5"), Decimal(3)), power(Decimal("2.0"), Decimal("0.5"))
    (Decimal('15.6250000000000000'), Decimal('1.4142135623730950'))
    """
    if not base and exponent < 0:
        raise InvalidPowerArgument("zero raised to a negative power is undefined")
    whole = exponent == exponent.to_integral_value()
    if whole and -_INT4 <= exponent < _INT4:
        return _whole_power(base, int(exponent))
    if not base:
        return Decimal(0).scaleb(-_SIGNIFICANT)
    if base < 0 and not whole:
        raise InvalidPowerArgument(
            "a negative number raised to a non-integer power yields a complex result"
        )
    size = base.copy_abs()
    above = _context(60).multiply(_context(60).ln(size), exponent)
    if abs(above) > _LARGEST_POWER * 1.003:
        return _too_far(above, _MOST_SHOWN)
    places = int(float(above) * _LOG10_E)
    scale = _scale(_SIGNIFICANT - places, base, exponent)
    context = _context(scale + abs(places) + exponent.adjusted() + _SIGNIFICANT)
    found = _power_of_e(context.multiply(context.ln(size), exponent), scale, places)
    return found.copy_negate() if base < 0 and exponent % 2 else found


def _whole_power(base: Decimal, exponent: int) -> Decimal:
    scale = _scale(_SIGNIFICANT, base)
    if not exponent or not base:
        return _rounded(Decimal(not exponent), scale)
    places = exponent * math.log10(abs(base)) if abs(exponent) > 2 else 0.0
    if places > _MOST_BEFORE:
        raise _overflow()
    if places + 1 < -scale:
        return _rounded(Decimal(0), scale)
    context = _context(scale + int(places) + abs(base.adjusted() * exponent if not places else 0))
    return _rounded(context.power(base, exponent), scale)


def _power_of_e(value: Decimal, scale: int, places: int) -> Decimal:
    if abs(value) >= _LARGEST_POWER or places > _MOST_BEFORE:
        return _too_far(value, scale)
    return _rounded(_context(scale + places).exp(value), scale)


def _too_far(exponent: Decimal, scale: int) -> Decimal:
    if exponent > 0:
        raise _overflow()
    return _rounded(Decimal(0), scale)


def _overflow() -> NumericValueOutOfRange:
    return NumericValueOutOfRange("value overflows numeric format")


def _context(digits: int) -> Context:
    """Room for so many digits, and for some that round them."""
    return Context(prec=max(digits, 1) + _MORE, Emax=999999, Emin=-999999, traps=[Overflow])


def _rounded(value: Decimal, scale: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT)


def _scale(wanted: int, *arguments: Decimal) -> int:
    return min(max(wanted, 0, *map(scale_of, arguments)), _MOST_SHOWN)


def _place(value: Decimal) -> int:
    """The place of the first group of four digits that is not zero."""
    return value.adjusted() // _GROUP if value else 0


def _check_logarithm(value: Decimal) -> None:
    if not value:
        raise InvalidLogarithmArgument("cannot take logarithm of zero")
    if value < 0:
        raise InvalidLogarithmArgument("cannot take logarithm of a negative number")


def _size_of_ln(value: Decimal) -> int:
    """Roughly the logarithm to base 10 of a number's logarithm (estimate_ln_dweight)."""
    if Decimal("0.9") <= value <= Decimal("1.1"):
        beyond = _EXACT.subtract(value, _ONE)
        if not beyond:
            return 0
        place = _place(beyond)
        first = int(beyond.copy_abs().scaleb(-_GROUP * place, _EXACT))
        return _GROUP * place + int(math.log10(first))
    place = _place(value) - 1
    leading = int(value.scaleb(-_GROUP * place, _EXACT))  # two groups
    logarithm = math.log(leading) + _GROUP * place * _LN_10
    return int(math.log10(abs(logarithm)))


# The functions under their names, and how many arguments each takes.
NUMERIC_FUNCTIONS: dict[tuple[str, int], Callable[..., Decimal]] = {
    ("sqrt", 1): sqrt,
    ("exp", 1): exp,
    ("ln", 1): ln,
    ("log", 1): log10,
    ("log10", 1): log10,
    ("log", 2): log,
    ("power", 2): power,
    ("pow", 2): power,
}
