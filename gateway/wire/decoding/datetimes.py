"""Dates, times and timestamps as a client may spell them, to integers for Arrow.

Understood here: ISO 8601 with `T` or a space, with or without seconds, fraction, offset, zone name
or `BC`; `infinity`, `epoch`, `now`; `YYYYMMDD`. What people spell otherwise,
`sql.text.spelled_dates` puts so. Which number is the month, the session's DateStyle
tells, which day it is, its TimeZone.
"""

from __future__ import annotations

import re
from datetime import date as Date
from time import time_ns

from gateway.engine.functions.zone_offsets import DAY, utc_offset_seconds
from gateway.errors import (
    DatetimeFieldOverflow,
    InvalidDatetimeFormat,
    InvalidParameterValue,
)
from gateway.sql.text.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    END_MICROS,
    FIRST_DAY,
    FIRST_MICROS,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
    day_number,
)
from gateway.sql.text.spelled_dates import as_iso, in_order
from gateway.sql.text.zones import zone_info
from gateway.wire.encoding.binary import EPOCH_DAYS, EPOCH_MICROS

_EPOCH = Date(1970, 1, 1).toordinal()
# Shorter names are abbreviations, CEST and its like, where a zone is read to be left out.
_LONGEST_ABBREVIATION = 5
SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000

_DATE = r"(?P<year>\d{4,7})-(?P<month>\d{1,2})-(?P<day>\d{1,2})|(?P<packed>\d{8})"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?P<fraction>\.\d*)?)?"
_ZONE = r"(?P<offset>[+-]\d{1,2}(?::?\d{2}(?::?\d{2})?)?)|(?P<zone>[A-Za-z][A-Za-z0-9_/+-]*)"
_STAMP = re.compile(
    rf"\s*(?:{_DATE})(?:(?:\s*T|\s+){_TIME})?(?:\s*(?:(?!(?:BC|AD|AM|PM)\b)(?:{_ZONE})))?(?:\s+(?P<era>BC|AD))?\s*",
    re.ASCII | re.IGNORECASE,
)
_CLOCK = re.compile(rf"\s*T?{_TIME}(?:\s*(?!(?:AM|PM)\b)(?:{_ZONE}))?\s*", re.ASCII | re.IGNORECASE)


def date(text: str, zone: str = "UTC", order: str = "MDY") -> int:
    """Days since 1970-01-01; `zone` has the day that `today` is.

    >>> date("2013-01-02"), date("0044-03-15 BC"), date("infinity") == DATE_INFINITY
    (15707, -735160, True)
    """
    match text.strip().lower():
        case "infinity" | "+infinity":
            return DATE_INFINITY
        case "-infinity":
            return DATE_MINUS_INFINITY
        case "epoch":
            return 0
        case "now":
            return _today(zone).toordinal() - _EPOCH
    days = _days(_stamp(text, "date", zone, order), text)
    if days < FIRST_DAY:
        raise DatetimeFieldOverflow(f'date out of range: "{text}"')
    return days


def timestamp(text: str, zone: str = "UTC", order: str = "MDY") -> int:
    """Microseconds since 1970-01-01 00:00; an offset is read and ignored, as PostgreSQL does.

    >>> timestamp("1970-01-01T00:00:01.5Z"), timestamp("1970-01-02 01:00")
    (1500000, 90000000000)
    """
    special = _special(text)
    if special is not None:
        return special
    if text.strip().lower() == "now":
        micros = _now()
        return micros + utc_offset_seconds(micros, zone) * SECOND
    return _local(_stamp(text, "timestamp", zone, order), text)


def timestamptz(text: str, zone: str, order: str = "MDY") -> int:
    """Microseconds since 1970-01-01 00:00 UTC; `zone` holds where the text names none.

    >>> timestamptz("1970-01-01 01:00+01", "UTC"), timestamptz("1970-01-01 01:00", "Europe/Paris")
    (0, 0)
    """
    special = _special(text)
    if special is not None:
        return special
    if text.strip().lower() == "now":
        return _now()
    match = _stamp(text, "timestamp with time zone", zone, order)
    micros = _local(match, text)
    if match["offset"]:
        return _within(micros - _offset(match["offset"], text) * SECOND, text)
    name = match["zone"] or zone
    if name.upper() == "Z":
        return micros
    _check_zone(name)
    # The offset at the local time taken as UTC is off by at most a change nearby: look again there.
    guess = micros - utc_offset_seconds(micros, name) * SECOND
    return _within(micros - utc_offset_seconds(guess, name) * SECOND, text)


def time(text: str) -> int:
    """Microseconds since midnight; 24:00:00 is one.

    >>> time("04:05:06.789"), time("24:00")
    (14706789000, 86400000000)
    """
    if text.strip().lower() == "allballs":
        return 0
    match = _CLOCK.fullmatch(_on_24_hours(text))
    if match is None:
        raise InvalidDatetimeFormat(f'invalid input syntax for type time: "{text}"')
    return _clock(match, text)


def _special(text: str) -> int | None:
    return {
        "infinity": TIMESTAMP_INFINITY,
        "+infinity": TIMESTAMP_INFINITY,
        "-infinity": TIMESTAMP_MINUS_INFINITY,
        "epoch": 0,
    }.get(text.strip().lower())


def _now() -> int:
    return time_ns() // 1000


def _today(zone: str) -> Date:
    micros = _now()
    days = (micros + utc_offset_seconds(micros, zone) * SECOND) // DAY
    return Date.fromordinal(days + _EPOCH)


def _on_24_hours(text: str) -> str:
    """A time of day with its AM or PM worked in."""
    if not re.search(r"[ap]m\s*$", text, re.IGNORECASE):
        return text
    spelled = as_iso(f"1970.001 {text}")
    return text if spelled is None else spelled.partition(" ")[2]


def _stamp(text: str, name: str, zone: str, order: str) -> re.Match[str]:
    match = _STAMP.fullmatch(text)
    if match is None:
        iso = in_order(text, order, _today(zone))
        match = _STAMP.fullmatch(iso) if iso is not None else None
    if match is None:
        raise InvalidDatetimeFormat(f'invalid input syntax for type {name}: "{text}"')
    if match["zone"] and len(match["zone"]) > _LONGEST_ABBREVIATION:
        _check_zone(match["zone"])
    return match


def _check_zone(name: str) -> None:
    try:
        zone_info(name)
    except InvalidParameterValue as error:
        raise InvalidParameterValue(f'time zone "{name.lower()}" not recognized') from error


def _overflow(text: str) -> DatetimeFieldOverflow:
    return DatetimeFieldOverflow(f'date/time field value out of range: "{text}"')


def _days(match: re.Match[str], text: str) -> int:
    packed = match["packed"]
    spelt = (packed[:4], packed[4:6], packed[6:]) if packed else match.group("year", "month", "day")
    year, month, day = (int(part) for part in spelt)
    if year == 0:
        raise _overflow(text)
    if (match["era"] or "").upper() == "BC":
        year = 1 - year
    try:
        return day_number(year, month, day)
    except ValueError as error:
        raise _overflow(text) from error


def _clock(match: re.Match[str], text: str) -> int:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    fraction = round(float(match["fraction"] + "0") * SECOND) if match["fraction"] else 0
    micros = hour * HOUR + minute * MINUTE + second * SECOND + fraction
    if minute > 59 or second > 60 or micros > DAY:
        raise _overflow(text)
    return micros


def _local(match: re.Match[str], text: str) -> int:
    micros = _days(match, text) * DAY
    return _within(micros + (_clock(match, text) if match["hour"] else 0), text)


def _within(micros: int, text: str) -> int:
    if not FIRST_MICROS <= micros < END_MICROS:
        raise DatetimeFieldOverflow(f'timestamp out of range: "{text}"')
    return micros


def _offset(text: str, whole: str) -> int:
    digits = text[1:].replace(":", "")
    if len(digits) % 2:
        digits = "0" + digits
    hours, minutes, seconds = (int(digits[n : n + 2] or 0) for n in (0, 2, 4))
    if hours > 15 or minutes > 59 or seconds > 59:
        raise InvalidDatetimeFormat(f'time zone displacement out of range: "{whole}"')
    total = hours * 3600 + minutes * 60 + seconds
    return -total if text[0] == "-" else total


# Binary.


def date_from_2000(days: int) -> int:
    """Days since 1970-01-01 of PostgreSQL's days since 2000-01-01."""
    if days in (DATE_INFINITY, DATE_MINUS_INFINITY):
        return days
    if days + EPOCH_DAYS >= DATE_INFINITY or days + EPOCH_DAYS < FIRST_DAY:
        raise DatetimeFieldOverflow("date out of range")
    return days + EPOCH_DAYS


def time_in_day(micros: int) -> int:
    """Microseconds since midnight, checked."""
    if not 0 <= micros <= DAY:
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
