"""Moments rounded to the digits of their seconds that a type keeps: timestamp(3), time(0)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.sql.inputs.far_moments import TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY

MOST_DIGITS = 6
# PostgreSQL rounds timestamps away from its own epoch, 2000-01-01, in microseconds since 1970.
_POSTGRES_EPOCH = 946_684_800_000_000


def rounded(micros: NDArray[np.int64], digits: int, is_clock: bool) -> NDArray[np.int64]:
    """The nearest of so many digits, half away from PostgreSQL's epoch; infinity as it is.

    Args:
        micros: Since 1970, or since midnight.
        digits: 0 to 6.
        is_clock: Whether they are times of day.

    >>> rounded(np.array([1_500_000, 946_684_800_500_000]), 0, False).tolist()
    [1000000, 946684801000000]
    """
    if digits >= MOST_DIGITS:
        return micros
    unit, epoch = 10 ** (MOST_DIGITS - digits), 0 if is_clock else _POSTGRES_EPOCH
    infinite = (micros == TIMESTAMP_INFINITY) | (micros == TIMESTAMP_MINUS_INFINITY)
    since = np.where(infinite, 0, micros) - epoch
    near = np.sign(since) * ((np.abs(since) + unit // 2) // unit * unit) + epoch
    return np.where(infinite, micros, near)


# Fields of an interval -> the bit of its type modifier (timestamp.h).
_BITS = {"month": 1, "year": 2, "day": 3, "hour": 10, "minute": 11, "second": 12}
_ORDER = ("year", "month", "day", "hour", "minute", "second")
_ALL_FIELDS, _ALL_DIGITS = 0x7FFF, 0xFFFF


def interval_modifier(fields: str, digits: int | None) -> int:
    """The type modifier of an interval; -1 where nothing is cut off.

    >>> interval_modifier("day to second", 2), interval_modifier("", None)
    (470286338, -1)
    """
    if not fields and digits is None:
        return -1
    first, _, last = fields.partition(" to ")
    places = [_ORDER.index(name) for name in (first, last) if name]
    named = _ORDER[min(places) : max(places) + 1] if places else ()
    span = sum(1 << _BITS[name] for name in named) or _ALL_FIELDS
    return span << 16 | (_ALL_DIGITS if digits is None else digits)


def interval_fields(modifier: int) -> tuple[str, int | None]:
    """The fields and the digits that a type modifier says.

    >>> interval_fields(470286338), interval_fields(-1)
    (('day to second', 2), ('', None))
    """
    if modifier < 0:
        return "", None
    span, digits = modifier >> 16 & _ALL_FIELDS, modifier & _ALL_DIGITS
    named = [name for name in _ORDER if span & 1 << _BITS[name]] if span != _ALL_FIELDS else []
    fields = named[0] + (f" to {named[-1]}" if len(named) > 1 else "") if named else ""
    return fields, None if digits == _ALL_DIGITS else digits
