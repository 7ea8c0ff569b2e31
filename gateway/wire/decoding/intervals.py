"""Interval input: `1 year 2 mons -3 days +04:05:06`, `@ 1 min ago`, `1-2 3 4:05`, `P1Y2M3DT4H`.

A fraction of a unit spills into the units below it, as PostgreSQL's DecodeInterval lets it: of a
month into 30 days, of a day into 24 hours, of a year into months.
"""

from __future__ import annotations

import re
import struct
from fractions import Fraction

import pyarrow as pa

from gateway.errors import (
    DatetimeFieldOverflow,
    InvalidBinaryRepresentation,
    InvalidDatetimeFormat,
    ProtocolViolation,
)
from gateway.sql.text.literals import one_sign

_SECOND, _HOUR, _DAY = 10**6, 3_600_000_000, 86_400_000_000

# unit: (months, days, microseconds) in one of it
_UNITS = {
    name: parts
    for names, parts in (
        ("microsecond microseconds us usec usecs usecond useconds microsec microsecs", (0, 0, 1)),
        ("millisecond milliseconds ms msec msecs msecond mseconds millisec", (0, 0, 1000)),
        ("second seconds s sec secs", (0, 0, _SECOND)),
        ("minute minutes m min mins", (0, 0, 60 * _SECOND)),
        ("hour hours h hr hrs", (0, 0, _HOUR)),
        ("day days d", (0, 1, 0)),
        ("week weeks w", (0, 7, 0)),
        ("month months mon mons", (1, 0, 0)),
        ("year years y yr yrs", (12, 0, 0)),
        ("decade decades dec decs", (120, 0, 0)),
        ("century centuries c cent", (1200, 0, 0)),
        ("millennium millennia mil mils", (12000, 0, 0)),
    )
    for name in names.split()
}
_ISO_DATE = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_ISO_TIME = {"H": "hour", "M": "minute", "S": "second"}

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_TOKEN = re.compile(
    rf"\s*(?:(?P<clock>[+-]?\d+:\d{{1,2}}(?::\d{{1,2}}(?:\.\d*)?)?)"
    rf"|(?P<years>[+-]?\d+)-(?P<months>\d{{1,2}})(?!\d)"
    rf"|(?P<number>{_NUMBER})(?:\s*(?P<unit>[a-z]+))?)\s*",
    re.ASCII | re.IGNORECASE,
)

Parts = tuple[Fraction, Fraction, Fraction]


def interval_input(text: str, style: str = "postgres") -> tuple[int, int, int]:
    """Months, days and microseconds.

    Args:
        text: The characters of the value.
        style: The session's IntervalStyle: in the SQL standard's one sign is that of all fields.

    Raises:
        InvalidDatetimeFormat: 22007, not an interval.

    >>> interval_input("1 year 2 mons -3 days +04:05:06"), interval_input("1.5 days ago")
    ((14, -3, 14706000000), (0, -1, -43200000000))
    >>> interval_input("P1Y2M3DT4H5M6S"), interval_input("1-2 3 4:05")
    ((14, 3, 14706000000), (14, 3, 14700000000))
    >>> interval_input("-1 2:03:04", "sql_standard"), interval_input("-1 2:03:04")
    ((0, -1, -7384000000), (0, -1, 7384000000))
    """
    spelt = one_sign(text, style).strip()
    parts = _iso(spelt) if spelt[:1] in ("P", "p") else _words(spelt)
    if parts is None:
        raise InvalidDatetimeFormat(f'invalid input syntax for type interval: "{text}"')
    return parts


def _iso(text: str) -> tuple[int, int, int] | None:
    date, _, time = text[1:].upper().partition("T")
    if not re.fullmatch(rf"(?:{_NUMBER}[YMWD])*", date) or not re.fullmatch(
        rf"(?:{_NUMBER}[HMS])*", time
    ):
        return None
    amounts = [
        (Fraction(number), units[letter])
        for part, units in ((date, _ISO_DATE), (time, _ISO_TIME))
        for number, letter in re.findall(rf"({_NUMBER})([A-Z])", part)
    ]
    return _sum(amounts) if amounts else None


def _words(text: str) -> tuple[int, int, int] | None:
    text = text.removeprefix("@").strip()
    before_ago = re.sub(r"\s+ago$", "", text, flags=re.IGNORECASE)
    amounts: list[tuple[Fraction, str]] = []
    place = 0
    while place < len(before_ago):
        match = _TOKEN.match(before_ago, place)
        found = match and _amounts(match, last=match.end() == len(before_ago))
        if not match or not found:
            return None
        amounts += found
        place = match.end()
    if not amounts:
        return None
    months, days, micros = _sum(amounts)
    return (months, days, micros) if before_ago == text else (-months, -days, -micros)


def _amounts(match: re.Match[str], last: bool) -> list[tuple[Fraction, str]] | None:
    """What one token adds; a bare number is days before a clock, and seconds at the end."""
    if clock := match["clock"]:
        sign = -1 if clock.startswith("-") else 1
        hour, minute, second = [*clock.lstrip("+-").split(":"), "0"][:3]
        if int(minute) > 59 or float(second) >= 61:
            return None
        spelt = ((hour, "hour"), (minute, "minute"), (second.rstrip("."), "second"))
        return [(sign * Fraction(number), unit) for number, unit in spelt]
    if years := match["years"]:
        sign = -1 if years.startswith("-") else 1
        return [(Fraction(years), "year"), (sign * Fraction(match["months"]), "month")]
    unit = (match["unit"] or ("second" if last else "day")).lower()
    return [(Fraction(match["number"]), unit)] if unit in _UNITS else None


def _sum(amounts: list[tuple[Fraction, str]]) -> tuple[int, int, int]:
    months = days = 0
    micros = Fraction(0)
    for number, unit in amounts:
        per_month, per_day, per_micro = _UNITS[unit]
        whole_months, rest = _split(number * per_month)
        if per_month > 1:  # a fraction of a year stops at months
            whole_months, rest = round(number * per_month), Fraction(0)
        whole_days, part_of_day = _split(number * per_day + rest * 30)
        months += whole_months
        days += whole_days
        micros += number * per_micro + part_of_day * _DAY
    return months, days, round(micros)


def _split(value: Fraction) -> tuple[int, Fraction]:
    whole = int(value)
    return whole, value - whole


def interval(text: str, style: str = "postgres") -> pa.MonthDayNano:
    """The interval a client spelt; see `interval_input`."""
    return month_day_nano(*interval_input(text, style))


def interval_binary(data: bytes) -> pa.MonthDayNano:
    """The interval of PostgreSQL's microseconds, days and months."""
    micros, days, months = struct.unpack(">qii", exactly(data, 16))
    return month_day_nano(months, days, micros)


def month_day_nano(months: int, days: int, micros: int) -> pa.MonthDayNano:
    """The interval as Arrow holds it, its time in nanoseconds.

    Raises:
        DatetimeFieldOverflow: 22008, a part that does not fit; the time part holds 292 years.
    """
    nanos = micros * 1000
    if max(abs(months), abs(days)) >= 2**31 or abs(nanos) >= 2**63:
        raise DatetimeFieldOverflow("interval out of range")
    return pa.MonthDayNano([months, days, nanos])


def exactly(data: bytes, size: int) -> bytes:
    """The field, if it has that many bytes.

    Raises:
        ProtocolViolation: 08P01, fewer; PostgreSQL's word for it.
        InvalidBinaryRepresentation: 22P03, more.
    """
    if len(data) < size:
        raise ProtocolViolation("insufficient data left in message")
    if len(data) > size:
        raise InvalidBinaryRepresentation("incorrect binary data format")
    return data
