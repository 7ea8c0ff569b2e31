"""Times and timestamps of their parts (PostgreSQL manual, 9.9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.errors import DatetimeFieldOverflow


def make_timestamp(
    year: int, month: int, day: int, hour: int, minute: int, seconds: float
) -> datetime:
    """A timestamp, `seconds` to the microsecond; 60 seconds are the next minute.

    Raises:
        DatetimeFieldOverflow: 22008, no such day or time.
    """
    try:
        start = datetime(year, month, day)
    except (ValueError, OverflowError) as error:
        raise DatetimeFieldOverflow(
            f"date field value out of range: {year}-{month:02}-{day:02}"
        ) from error
    return start + _clock(hour, minute, seconds)


def make_time(hour: int, minute: int, seconds: float) -> int:
    """A time of day in microseconds; 24:00:00 is one."""
    return _clock(hour, minute, seconds) // timedelta(microseconds=1)


def _clock(hour: int, minute: int, seconds: float) -> timedelta:
    whole = timedelta(hours=hour, minutes=minute, microseconds=round(seconds * 1_000_000))
    parts = 0 <= hour <= 24 and 0 <= minute <= 59 and 0 <= seconds <= 60
    if not parts or whole > timedelta(days=1):
        raise DatetimeFieldOverflow(
            f"time field value out of range: {hour}:{minute:02}:{seconds:02g}"
        )
    return whole
