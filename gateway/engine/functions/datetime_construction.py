"""Dates, times and timestamps of their parts (PostgreSQL manual, 9.9)."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from gateway.errors import DatetimeFieldOverflow, InvalidParameterValue
from gateway.sql.inputs.far_moments import (
    DAY_MICROS,
    END_DAY,
    END_MICROS,
    FIRST_DAY,
    FIRST_MICROS,
    day_number,
)


def make_dates(years: pa.Array, months: pa.Array, days: pa.Array) -> pa.Array:
    """The date of each row; a negative year is before Christ; NULL where a part is.

    Raises:
        DatetimeFieldOverflow: 22008, no such day: there is no year 0.
    """
    parts = (years, months, days)
    absent = np.logical_or.reduce([np.asarray(part.is_null()) for part in parts])
    year, month, day = (
        np.where(absent, 1, part.fill_null(1).to_numpy(zero_copy_only=False)) for part in parts
    )
    counted = np.clip(year + (year < 0), -(10**7), 10**7) - 1970
    first = (counted * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    found = first.astype("datetime64[D]") + np.clip(day - 1, 0, 31)
    made = found.astype(np.int64)
    right = (year != 0) & (month >= 1) & (month <= 12) & (day >= 1)
    right &= found.astype("datetime64[M]") == first
    for what, fits in (
        ("date field value", right),
        ("date", (made >= FIRST_DAY) & (made < END_DAY)),
    ):
        if not fits.all():
            row = int(np.argmin(fits))
            shown = f"{year[row]}-{month[row]:02}-{day[row]:02}"
            raise DatetimeFieldOverflow(f"{what} out of range: {shown}")
    return pa.array(made.astype(np.int32), pa.int32(), mask=absent).cast(pa.date32())


def make_timestamp(year: int, month: int, day: int, hour: int, minute: int, seconds: float) -> int:
    """Microseconds from 1970, `seconds` rounded to them; 60 seconds are the next minute.

    Raises:
        DatetimeFieldOverflow: 22008, no such day or time.
    """
    micros = _days(year, month, day) * DAY_MICROS + make_time(hour, minute, seconds)
    if not FIRST_MICROS <= micros < END_MICROS:
        raise DatetimeFieldOverflow(f"timestamp out of range: {year}-{month:02}-{day:02}")
    return micros


def make_time(hour: int, minute: int, seconds: float) -> int:
    """A time of day in microseconds; 24:00:00 is one."""
    micros = (hour * 60 + minute) * 60_000_000 + round(seconds * 1_000_000)
    parts = 0 <= hour <= 24 and 0 <= minute <= 59 and 0 <= seconds <= 60
    if not parts or micros > DAY_MICROS:
        raise DatetimeFieldOverflow(
            f"time field value out of range: {hour}:{minute:02}:{seconds:02g}"
        )
    return micros


def _days(year: int, month: int, day: int) -> int:
    try:
        if not year:
            raise ValueError("there is no year 0")
        return day_number(year + (year < 0), month, day)
    except (ValueError, OverflowError) as error:
        raise DatetimeFieldOverflow(
            f"date field value out of range: {year}-{month:02}-{day:02}"
        ) from error


_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d\d)?(?::(\d\d))?")


def zone_of_text(text: str) -> str:
    """The zone that make_timestamptz means: an offset is east of Greenwich, unlike elsewhere.

    >>> zone_of_text("+2"), zone_of_text("-0230"), zone_of_text("Europe/Berlin")
    ('<+02>-02:00:00', '<-02>+02:30:00', 'Europe/Berlin')

    Raises:
        InvalidParameterValue: 22023, a number without a sign, or an offset of 16 hours or more.
    """
    if text[:1].isdigit():
        raise InvalidParameterValue(
            f'invalid input syntax for type numeric time zone: "{text}"',
            hint='Numeric time zones must have "-" or "+" as first character.',
        )
    match = _OFFSET.fullmatch(text)
    if match is None:
        return text
    sign, hours, minutes, seconds = match[1], *(int(part or 0) for part in match.groups()[1:])
    if hours > 15 or minutes > 59 or seconds > 59:
        raise InvalidParameterValue(f'numeric time zone "{text}" out of range')
    west = "-" if sign == "+" else "+"
    return f"<{sign}{hours:02}>{west}{hours:02}:{minutes:02}:{seconds:02}"


MAKING = (("make_date_parts", [pa.int64()] * 3, pa.date32(), make_dates),)
