"""The numbers that texts of dates, times and timestamps stand for, as a session reads them.

What a text tells, `moment_input` reads. Which number is the month, the session's DateStyle tells;
its TimeZone has the day that `today` is.
"""

from __future__ import annotations

from datetime import datetime
from time import time_ns

from gateway.errors import DatetimeFieldOverflow
from gateway.sql.inputs.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    DAY_MICROS,
    END_DAY,
    END_MICROS,
    FIRST_DAY,
    FIRST_MICROS,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from gateway.sql.inputs.moment_input import read_clock, read_moment
from gateway.sql.inputs.moment_told import Told
from gateway.sql.inputs.moment_words import NOW
from gateway.sql.inputs.zones import known_zone, offset_at_local

_SECOND = 1_000_000
_DATE_ENDS = {"infinity": DATE_INFINITY, "-infinity": DATE_MINUS_INFINITY, "epoch": 0}
_ENDS = {"infinity": TIMESTAMP_INFINITY, "-infinity": TIMESTAMP_MINUS_INFINITY, "epoch": 0}


def date(text: str, zone: str = "UTC", order: str = "MDY") -> int:
    """Days since 1970-01-01; `zone` has the day that `today` is.

    >>> date("2013-01-02"), date("0044-03-15 BC"), date("infinity") == DATE_INFINITY
    (15707, -735160, True)
    """
    told = read_moment(text, "date", order)
    if told.end in _DATE_ENDS:
        return _DATE_ENDS[told.end]
    _check_zone(told)
    days = _today(zone) if told.end == NOW else _day(told, zone)
    if not FIRST_DAY <= days < END_DAY:
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return days


def timestamp(text: str, zone: str = "UTC", order: str = "MDY") -> int:
    """Microseconds since 1970-01-01 00:00; an offset is read and ignored, as PostgreSQL does.

    >>> timestamp("1970-01-01T00:00:01.5Z"), timestamp("1970-01-02 01:00")
    (1500000, 90000000000)
    """
    told = read_moment(text, "timestamp", order)
    if told.end in _ENDS:
        return _ENDS[told.end]
    _check_zone(told)
    if told.end == NOW:
        return _local_now(zone)
    return _within(_day(told, zone) * DAY_MICROS + (told.micros or 0), text)


def timestamptz(text: str, zone: str, order: str = "MDY") -> int:
    """Microseconds since 1970-01-01 00:00 UTC; `zone` holds where the text names none.

    >>> timestamptz("1970-01-01 01:00+01", "UTC"), timestamptz("1970-01-01 01:00", "Europe/Paris")
    (0, 0)
    """
    told = read_moment(text, "timestamp with time zone", order)
    if told.end in _ENDS:
        return _ENDS[told.end]
    if told.end == NOW:
        return _now()
    days, micros = _day(told, zone), told.micros or 0
    offset = told.zone
    if not isinstance(offset, int):
        offset = offset_at_local(known_zone(offset or zone), days, micros)
    return _within(days * DAY_MICROS + micros - offset * _SECOND, text)


def time(text: str, zone: str = "UTC", order: str = "MDY") -> int:
    """Microseconds since midnight; 24:00:00 is one.

    >>> time("04:05:06.789"), time("24:00")
    (14706789000, 86400000000)
    """
    told = read_clock(text, "time", order)
    if told.end == NOW:
        return _local_now(zone) % DAY_MICROS
    _check_zone(told)
    return told.micros or 0


def _check_zone(told: Told) -> None:
    """Refuse a zone that there is not, although what it says is left out."""
    if isinstance(told.zone, str):
        known_zone(told.zone)


def _now() -> int:
    return time_ns() // 1000


def _local_now(zone: str) -> int:
    offset = datetime.now(known_zone(zone)).utcoffset()
    return _now() + (0 if offset is None else round(offset.total_seconds())) * _SECOND


def _today(zone: str) -> int:
    return _local_now(zone) // DAY_MICROS


def _day(told: Told, zone: str) -> int:
    return told.days if told.days is not None else _today(zone) + (told.relative or 0)


def _within(micros: int, text: str) -> int:
    if not FIRST_MICROS <= micros < END_MICROS:
        raise DatetimeFieldOverflow(f'timestamp out of range: "{text}"')
    return micros
