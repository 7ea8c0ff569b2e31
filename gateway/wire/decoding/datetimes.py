"""Dates, times and timestamps in PostgreSQL's binary form, to integers for Arrow.

Their texts are read by `sql.inputs.moment_values`.
"""

from __future__ import annotations

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
from gateway.wire.encoding.binary import EPOCH_DAYS, EPOCH_MICROS


def date_from_2000(days: int) -> int:
    """Days since 1970-01-01 of PostgreSQL's days since 2000-01-01."""
    if days in (DATE_INFINITY, DATE_MINUS_INFINITY):
        return days
    if days + EPOCH_DAYS >= END_DAY or days + EPOCH_DAYS < FIRST_DAY:
        raise DatetimeFieldOverflow("date out of range")
    return days + EPOCH_DAYS


def time_in_day(micros: int) -> int:
    """Microseconds since midnight, checked."""
    if not 0 <= micros <= DAY_MICROS:
        raise DatetimeFieldOverflow("time out of range")
    return micros


def timestamp_from_2000(micros: int) -> int:
    """Microseconds since 1970 of PostgreSQL's microseconds since 2000-01-01."""
    if micros in (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY):
        return micros
    moved = micros + EPOCH_MICROS
    if not FIRST_MICROS <= moved < END_MICROS:
        raise DatetimeFieldOverflow("timestamp out of range")
    return moved
