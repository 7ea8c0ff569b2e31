"""Dates and timestamps that the engine's own reader does not take, as the numbers it keeps.

It reads years from 0001 to 9999. Infinities, years before Christ and beyond 9999 are days or
microseconds since 1970-01-01 to it, as any other; the calendar is the proleptic Gregorian one,
which repeats every 400 years (146,097 days).
"""

from __future__ import annotations

import re
from datetime import date as Date

from gateway.errors import DatetimeFieldOverflow

# Arrow has no infinite dates; the ends of the integer range stand for them, as in PostgreSQL's
# own memory, so they also sort first and last in the engine.
DATE_INFINITY, DATE_MINUS_INFINITY = 2**31 - 1, -(2**31)
TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY = 2**63 - 1, -(2**63)

DAY_MICROS = 86_400_000_000
# PostgreSQL's bounds: Julian day 0, and the year 294276 (dates: 5874897). The year 294276 is
# beyond what 64 bits of microseconds since 1970 hold: Arrow's bound is less.
FIRST_MICROS, END_MICROS = -210866803200000000, TIMESTAMP_INFINITY
FIRST_DAY = FIRST_MICROS // DAY_MICROS
END_DAY = 2_145_042_906  # 5874898-01-01

_EPOCH_ORDINAL = 719163  # 1970-01-01, counted from 0001-01-01, which is 1
_ERA_YEARS, _ERA_DAYS = 400, 146097

_INFINITIES = {"infinity": 1, "-infinity": -1}
_PARTS = re.compile(
    r"(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d+))?)?([+-]\d\d:\d\d(?::\d\d)?)?( BC)?"
)


def infinity(text: str) -> int:
    """1 for the word infinity, -1 for minus infinity, 0 for any other text."""
    return _INFINITIES.get(text.strip().lower(), 0)


def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; year 0 is 1 BC.

    Raises:
        ValueError: there is no such day.

    >>> day_number(1970, 1, 1), day_number(0, 12, 31), day_number(10000, 1, 1)
    (0, -719163, 2932897)
    """
    eras, like_year = divmod(year - 1, _ERA_YEARS)
    return Date(like_year + 1, month, day).toordinal() - _EPOCH_ORDINAL + eras * _ERA_DAYS


def far_moment(text: str) -> tuple[int, int] | None:
    """Days since 1970-01-01 and microseconds of the day, in UTC; None for years 0001 to 9999.

    Args:
        text: `YYYY-MM-DD[ HH:MM:SS[.f]][+HH:MM][ BC]`; another form is None.

    Raises:
        DatetimeFieldOverflow: 22008, no such day, or beyond PostgreSQL's years.

    >>> far_moment("10000-01-01"), far_moment("0044-03-15 01:00:00 BC"), far_moment("2020-01-01")
    ((2932897, 0), (-735160, 3600000000), None)
    """
    match = _PARTS.fullmatch(text)
    if match is None or not (match[9] or len(match[1]) > 4):
        return None
    try:
        year = 1 - int(match[1]) if match[9] else int(match[1])
        days = day_number(year, int(match[2]), int(match[3]))
    except ValueError as error:
        raise DatetimeFieldOverflow(f'date/time field value out of range: "{text}"') from error
    hour, minute, second = (int(match[n] or 0) for n in (4, 5, 6))
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000
    micros += int(f"{match[7] or '':0<6}")
    if match[8]:
        offset = int(match[8][1:3]) * 3600 + int(match[8][4:6]) * 60 + int(match[8][7:] or 0)
        micros -= (-1 if match[8][0] == "-" else 1) * offset * 1_000_000
    if not FIRST_DAY <= days < DATE_INFINITY:
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return days, micros
