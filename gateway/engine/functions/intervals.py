"""Intervals as PostgreSQL counts with them: months, days and microseconds side by side.

Sources: PostgreSQL 15, src/backend/utils/adt/timestamp.c (timestamp_age, interval_mul,
interval_div, interval_justify_*) and the manual, 9.9.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable
from datetime import datetime, time, timedelta

import numpy as np
import pyarrow as pa
from pyarrow import MonthDayNano

from gateway.errors import DatetimeFieldOverflow, DivisionByZero, InvalidParameterValue
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.inputs.value_input import month_day_nano
from gateway.sql.types.part_units import UNITS

_MONTH_DAYS = 30  # what PostgreSQL takes a month for where days must be had of it
_DAY = 86_400_000_000  # microseconds


def of_text(text: str, style: str) -> MonthDayNano:
    """The interval that a text means under an IntervalStyle; see `read_interval`.

    >>> of_text("-1 2:03:04", "sql_standard")
    MonthDayNano(months=0, days=-1, nanoseconds=-7384000000000)
    """
    return month_day_nano(*read_interval(text, style))


def _micros(interval: MonthDayNano) -> int:
    return int(interval.nanoseconds) // 1000


def age(later: datetime, earlier: datetime) -> MonthDayNano:
    """Years, months, days and time between two moments, as one would count them.

    A month that is borrowed from has the days of the earlier moment's month.

    >>> age(datetime(2013, 4, 10), datetime(1957, 6, 13))
    MonthDayNano(months=669, days=27, nanoseconds=0)
    """
    sign, first, second = (1, later, earlier) if later >= earlier else (-1, earlier, later)
    months = (first.year - second.year) * 12 + first.month - second.month
    days = first.day - second.day
    micros = _time_of(first) - _time_of(second)
    if micros < 0:
        micros, days = micros + _DAY, days - 1
    if days < 0:
        days += calendar.monthrange(second.year, second.month)[1]
        months -= 1
    return month_day_nano(sign * months, sign * days, sign * micros)


def _time_of(moment: datetime) -> int:
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return seconds * 1_000_000 + moment.microsecond


def between(micros: pa.Array) -> pa.Array:
    """What lies between two moments: whole days, and the microseconds that are left over.

    NULL of NULL. Source: timestamp_mi, which ends with interval_justify_hours.

    >>> between(pa.array([-90_000_000_000]))[0].as_py()
    MonthDayNano(months=0, days=-1, nanoseconds=-3600000000000)
    """
    given = micros.fill_null(0).to_numpy(zero_copy_only=False)
    days = np.sign(given) * (np.abs(given) // _DAY)
    rows = np.zeros(len(given), [("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
    rows["days"], rows["nanos"] = days, (given - days * _DAY) * 1000
    absent = pa.array(np.asarray(micros.is_valid())).buffers()[1] if micros.null_count else None
    kind = pa.month_day_nano_interval()
    return pa.Array.from_buffers(kind, len(given), [absent, pa.py_buffer(rows)])


def times(interval: MonthDayNano, factor: float) -> MonthDayNano:
    """`interval * factor`: what is left of months becomes days, what is left of days time.

    >>> times(MonthDayNano([0, 1, 0]), 2.5)
    MonthDayNano(months=0, days=2, nanoseconds=43200000000000)
    """
    return _scaled(interval, lambda value: value * factor)


def over(interval: MonthDayNano, divisor: float) -> MonthDayNano:
    """`interval / divisor`."""
    if divisor == 0:
        raise DivisionByZero("division by zero")
    return _scaled(interval, lambda value: value / divisor)


def _scaled(interval: MonthDayNano, scale: Callable[[float], float]) -> MonthDayNano:
    months, days, time = (
        scale(each) for each in (interval.months, interval.days, _micros(interval))
    )
    if not all(map(math.isfinite, (months, days, time))):
        raise DatetimeFieldOverflow("interval out of range")
    spare_days = _rounded((months - int(months)) * _MONTH_DAYS)
    seconds = _rounded((days - int(days) + spare_days - int(spare_days)) * 86_400)
    more = int(seconds / 86_400)
    micros = round(time + (seconds - more * 86_400) * 1_000_000)
    return month_day_nano(int(months), int(days) + int(spare_days) + more, micros)


def _rounded(value: float) -> float:
    """To a millionth (timestamp.h, TSROUND)."""
    return round(value * 1_000_000) / 1_000_000


def justify_hours(interval: MonthDayNano) -> MonthDayNano:
    """24 hours are a day; days and time get one sign."""
    days, micros = _carried(interval.days, _micros(interval), _DAY)
    return month_day_nano(interval.months, days, micros)


def justify_days(interval: MonthDayNano) -> MonthDayNano:
    """30 days are a month; months and days get one sign."""
    months, days = _carried(interval.months, interval.days, _MONTH_DAYS)
    return month_day_nano(months, days, _micros(interval))


def justify_interval(interval: MonthDayNano) -> MonthDayNano:
    """Both, and one sign for all three."""
    months, days, micros = interval.months, interval.days, _micros(interval)
    if (days > 0 and micros > 0) or (days < 0 and micros < 0):
        months, days = _whole(months, days, _MONTH_DAYS)
    days, micros = _whole(days, micros, _DAY)
    months, days = _whole(months, days, _MONTH_DAYS)
    if months > 0 and (days < 0 or (days == 0 and micros < 0)):
        months, days = months - 1, days + _MONTH_DAYS
    elif months < 0 and (days > 0 or (days == 0 and micros > 0)):
        months, days = months + 1, days - _MONTH_DAYS
    days, micros = _one_sign(days, micros, _DAY)
    return month_day_nano(months, days, micros)


def _carried(large: int, small: int, size: int) -> tuple[int, int]:
    return _one_sign(*_whole(large, small, size), size)


def _whole(large: int, small: int, size: int) -> tuple[int, int]:
    """Whole `size`s of the small part move to the large one."""
    carried = int(math.copysign(abs(small) // size, small))
    return large + carried, small - carried * size


def _one_sign(large: int, small: int, size: int) -> tuple[int, int]:
    if large > 0 > small:
        return large - 1, small + size
    if large < 0 < small:
        return large + 1, small - size
    return large, small


def make_interval(
    years: int, months: int, weeks: int, days: int, hours: int, mins: int, secs: float
) -> MonthDayNano:
    """An interval of its parts, `secs` to the microsecond."""
    micros = (hours * 3600 + mins * 60) * 1_000_000 + round(secs * 1_000_000)
    return month_day_nano(years * 12 + months, weeks * 7 + days, micros)


def of_time(micros: int) -> MonthDayNano:
    """The interval from midnight to a time of day."""
    return month_day_nano(0, 0, micros)


def time_of_day(interval: MonthDayNano) -> time:
    """The time of day that an interval after midnight is; days and months do not count."""
    return (datetime(2000, 1, 1) + timedelta(microseconds=_micros(interval) % _DAY)).time()


def length(interval: MonthDayNano) -> int:
    """Microseconds, a month as 30 days and a day as 24 hours: what intervals are compared by."""
    return int(interval.months * _MONTH_DAYS + interval.days) * _DAY + _micros(interval)


_OFFSET = 10**22  # above the length of every interval, so that none sorts with a sign


def key(interval: MonthDayNano) -> str:
    """A text that sorts as the interval does, and tells which it was.

    >>> key(MonthDayNano([0, 1, 0])) < key(MonthDayNano([0, 0, 90_000_000_000_000]))
    True
    """
    parts = f"{interval.months} {interval.days} {interval.nanoseconds}"
    return f"{length(interval) + _OFFSET:023d} {parts}"


def of_key(text: str) -> MonthDayNano:
    """The interval of a text that `key` made.

    >>> of_key(key(MonthDayNano([1, -2, 3])))
    MonthDayNano(months=1, days=-2, nanoseconds=3)
    """
    _, months, days, nanos = text.split(" ")
    return MonthDayNano([int(months), int(days), int(nanos)])


# What is kept of an interval that is cut to a field: whole so many months; days; microseconds.
_MONTHS = {
    "millennium": 12_000,
    "century": 1200,
    "decade": 120,
    "year": 12,
    "quarter": 3,
    "month": 1,
}
_MICROS = {
    "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000, "milliseconds": 1000,
    "microseconds": 1,
}  # fmt: skip


def truncate(field: str, interval: MonthDayNano) -> MonthDayNano:
    """date_trunc of an interval: what is smaller than the field is left out."""
    word = UNITS.get(field.lower())
    if word in _MONTHS:
        step = _MONTHS[word]
        return month_day_nano(int(interval.months / step) * step, 0, 0)
    if word == "day":
        return month_day_nano(interval.months, interval.days, 0)
    if word not in _MICROS:
        raise InvalidParameterValue(f'unit "{field}" not recognized for type interval')
    step, micros = _MICROS[word], _micros(interval)
    whole = abs(micros) // step * step
    return month_day_nano(interval.months, interval.days, whole if micros >= 0 else -whole)
