"""The units of extract (manual, 9.9.1), and with how many digits PostgreSQL shows each."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.errors import FeatureNotSupported, GatewayError, InvalidParameterValue
from gateway.types import DATE, Type

IS_PART = "part"  # noted on what extract gave, which is a numeric in PostgreSQL

# Other spellings of units: datetime.c, deltatktbl and datetktbl.
_SPELT = {
    "century": ("c", "cent", "centuries"),
    "day": ("d", "days"),
    "decade": ("dec", "decades", "decs"),
    "hour": ("h", "hours", "hr", "hrs"),
    "julian": ("j", "jd"),
    "microseconds": ("microsecond", "us", "usec", "usecond", "useconds", "usecs"),
    "millennium": ("mil", "millennia", "mils"),
    "milliseconds": ("millisecond", "ms", "msec", "msecond", "mseconds", "msecs"),
    "minute": ("m", "min", "mins", "minutes"),
    "month": ("mon", "mons", "months"),
    "quarter": ("qtr",),
    "second": ("s", "sec", "seconds", "secs"),
    "timezone_hour": ("timezone_h",),
    "timezone_minute": ("timezone_m",),
    "week": ("w", "weeks"),
    "year": ("y", "years", "yr", "yrs"),
}
_OTHERS = ("dow", "doy", "epoch", "isodow", "isoyear", "timezone")
UNITS = {unit: unit for unit in (*_SPELT, *_OTHERS)} | {
    spelt: unit for unit, others in _SPELT.items() for spelt in others
}
BELOW_DAY = ("microseconds", "milliseconds", "second", "minute", "hour")
# Of a date there is no time of day.
_DIGITS = {"second": 6, "milliseconds": 3, "epoch": 6}


def no_unit(spelt: str, kind: str, position: int = 0) -> GatewayError:
    """What refuses a unit that a type has not: 22023 where no type has it, else 0A000."""
    if spelt.lower() in UNITS:
        text = f'unit "{spelt.lower()}" not supported for type {kind}'
        return FeatureNotSupported(text, position=position)
    text = f'unit "{spelt.lower()}" not recognized for type {kind}'
    return InvalidParameterValue(text, position=position)


def shown_digits(tree: exp.Expr, type_of: Callable[[exp.Expr], Type | None]) -> int | None:
    """Digits after the point of the numeric that extract gives; None of anything else.

    Args:
        tree: Any expression.
        type_of: The type of one that stands there.
    """
    if not isinstance(tree, exp.Extract):
        return None
    unit, kind = UNITS.get(tree.this.name.lower()), type_of(tree.expression)
    if unit is None or (unit == "julian" and kind is not DATE):
        return None  # of a moment as many as its quotient has
    return 0 if kind is DATE else _DIGITS.get(unit, 0)
