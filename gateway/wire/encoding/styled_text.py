"""Values in other forms than PostgreSQL's usual ones, one at a time.

PostgreSQL manual, 8.4.2, 8.5.2, 8.5.5 and 20.11.2. A client asks for these by DateStyle,
IntervalStyle, extra_float_digits and bytea_output.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.engine.functions.zone_offsets import (
    DAY,
    EPOCH,
    utc_offset_seconds,
    zone_abbreviation,
)
from gateway.sql.inputs.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from gateway.sql.inputs.notation import Notation
from gateway.sql.inputs.zones import ERA_DAYS
from gateway.wire.encoding.datetime_text import interval_text, time_text

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_MARKS = {"SQL": "/", "Postgres": "-", "German": "."}


def rounded_float(value: float, digits: int) -> bytes:
    """Text of a float with so many significant digits at most.

    >>> rounded_float(1 / 3, 15), rounded_float(123.456, 1), rounded_float(math.inf, 15)
    (b'0.333333333333333', b'1e+02', b'Infinity')
    """
    if not math.isfinite(value):
        return b"NaN" if value != value else b"Infinity" if value > 0 else b"-Infinity"
    return b"%.*g" % (digits, value)


_ESCAPED = [
    b"\\\\" if byte == 0x5C else b"%c" % byte if 0x20 <= byte < 0x7F else b"\\%03o" % byte
    for byte in range(256)
]


def escaped_bytes(value: bytes) -> bytes:
    r"""Text of a bytea in its escape form.

    >>> escaped_bytes(b"a\\\x00")
    b'a\\\\\\000'
    """
    return b"".join([_ESCAPED[byte] for byte in value])


def styled_date(days: int, notation: Notation) -> bytes:
    """Text of a date given in days since 1970-01-01.

    >>> styled_date(0, Notation(dates="SQL", order="DMY")), styled_date(0, Notation(dates="German"))
    (b'01/01/1970', b'01.01.1970')
    """
    if days in (DATE_INFINITY, DATE_MINUS_INFINITY):
        return b"infinity" if days > 0 else b"-infinity"
    year, day = _year_and_day(days)
    return f"{_numbers(year, day, notation)}{_era(year)}".encode()


def styled_timestamp(micros: int, notation: Notation, *, zoned: bool) -> bytes:
    """Text of a timestamp given in microseconds since 1970-01-01; UTC's when it is `zoned`.

    >>> styled_timestamp(0, Notation("Europe/Berlin", "Postgres"), zoned=True)
    b'Thu Jan 01 01:00:00 1970 CET'
    """
    if micros in (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY):
        return b"infinity" if micros > 0 else b"-infinity"
    offset = utc_offset_seconds(micros, notation.zone) if zoned else 0
    days, rest = divmod(micros + offset * 1_000_000, DAY)
    year, day = _year_and_day(days)
    clock = time_text(rest).decode()
    zone = f" {zone_abbreviation(micros, notation.zone)}" if zoned else ""
    if notation.dates != "Postgres":
        return f"{_numbers(year, day, notation)} {clock}{zone}{_era(year)}".encode()
    names = [_MONTHS[day.month - 1], f"{day.day:02d}"]
    if notation.order == "DMY":
        names.reverse()
    named = " ".join((_WEEKDAYS[(days + 3) % 7], *names, clock, f"{_shown(year):04d}"))
    return f"{named}{zone}{_era(year)}".encode()


def _year_and_day(days: int) -> tuple[int, datetime]:
    """The year, 0 for 1 BC, and a day of that month and number in a year that Python has."""
    eras, rest = divmod(days + 719_162, ERA_DAYS)
    day = EPOCH.replace(year=1) + timedelta(days=rest)
    return day.year + eras * 400, day


def _shown(year: int) -> int:
    return year if year > 0 else 1 - year


def _era(year: int) -> str:
    return "" if year > 0 else " BC"


def _numbers(year: int, day: datetime, notation: Notation) -> str:
    parts = [f"{day.month:02d}", f"{day.day:02d}"]
    if notation.dates == "German" or notation.order == "DMY":
        parts.reverse()
    return _MARKS[notation.dates].join((*parts, f"{_shown(year):04d}"))


Parts = tuple[int, int, int, int, int, int]  # years, months, days, hours, minutes, microseconds


def styled_interval(months: int, days: int, micros: int, style: str) -> bytes:
    """Text of an interval in an IntervalStyle.

    >>> styled_interval(14, -3, 60_000_000, "sql_standard")
    b'+1-2 -3 +0:01:00'
    >>> styled_interval(14, -3, 60_000_000, "iso_8601")
    b'P1Y2M-3DT1M'
    >>> styled_interval(-1, 0, 1_500_000, "postgres_verbose")
    b'@ 1 mon -1.5 secs ago'
    """
    writer = _INTERVALS.get(style)
    if writer is None:
        return interval_text(months, days, micros)
    years, months = _split(months, 12)
    hours, rest = _split(micros, 3_600_000_000)
    minutes, rest = _split(rest, 60_000_000)
    return writer((years, months, days, hours, minutes, rest)).encode()


def _split(value: int, size: int) -> tuple[int, int]:
    """Whole units and what is left, both of the value's sign."""
    whole, rest = divmod(abs(value), size)
    return (-whole, -rest) if value < 0 else (whole, rest)


def _seconds(micros: int) -> str:
    """Seconds without a sign, and their fraction if there is one."""
    whole, fraction = divmod(abs(micros), 1_000_000)
    return f"{whole}.{fraction:06d}".rstrip("0") if fraction else str(whole)


def _clock(parts: Parts) -> str:
    *_, hours, minutes, micros = parts
    seconds = _seconds(micros)
    padded = seconds if abs(micros) >= 10_000_000 else f"0{seconds}"
    return f"{abs(hours)}:{abs(minutes):02d}:{padded}"


def _verbose(parts: Parts) -> str:
    words: list[str] = []
    before = False  # the first part decides whether all of it is `ago`
    spelt = [(value, str(abs(value)), unit) for value, unit in zip(parts, _UNITS, strict=False)]
    spelt.append((parts[5], _seconds(parts[5]), "sec"))
    for value, digits, unit in spelt:
        if value:
            before = before if words else value < 0
            sign = "-" if before != (value < 0) else ""
            one = digits == "1" and (not sign or unit == "sec")
            words.append(f"{sign}{digits} {unit}{'' if one else 's'}")
    return " ".join(("@", *(words or ["0"]), *["ago"] * before))


_UNITS = ("year", "mon", "day", "hour", "min")


def _iso(parts: Parts) -> str:
    texts = [f"{v}{letter}" if v else "" for v, letter in zip(parts, "YMDHM", strict=False)]
    if parts[5]:
        texts.append(f"{'-' if parts[5] < 0 else ''}{_seconds(parts[5])}S")
    date, time = "".join(texts[:3]), "".join(texts[3:])
    return "PT0S" if not date + time else f"P{date}{'T' if time else ''}{time}"


def _standard(parts: Parts) -> str:
    years, months, days, *_ = parts
    if not any(parts):
        return "0"
    of_months, of_time = any(parts[:2]), any(parts[2:])
    negative = any(value < 0 for value in parts)
    mixed = negative and any(value > 0 for value in parts)
    if mixed or (of_months and of_time):  # then the standard has no such value: each has its sign
        signs = [
            "-" if any(v < 0 for v in some) else "+" for some in (parts[:2], [days], parts[3:])
        ]
        shown = (f"{abs(years)}-{abs(months)}", str(abs(days)), _clock(parts))
        return " ".join(sign + text for sign, text in zip(signs, shown, strict=True))
    sign = "-" if negative else ""
    if of_months:
        return f"{sign}{abs(years)}-{abs(months)}"
    return f"{sign}{abs(days)} {_clock(parts)}" if days else f"{sign}{_clock(parts)}"


_INTERVALS: dict[str, Callable[[Parts], str]] = {
    "postgres_verbose": _verbose,
    "iso_8601": _iso,
    "sql_standard": _standard,
}
