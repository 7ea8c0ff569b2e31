"""Dates and times as people spell them, put as ISO 8601: `January 8, 1999 4 PM` and its like.

PostgreSQL manual, 8.5.1.1 to 8.5.1.4 and 8.10. What the text means is decided here, whether
there is such a day by whoever reads the ISO form. A text that is already ISO 8601 is left alone.
"""

from __future__ import annotations

import re
from datetime import date as Date
from datetime import timedelta

from gateway.errors import DatetimeFieldOverflow

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("january", "jan"), ("february", "feb"), ("march", "mar"), ("april", "apr"),
            ("may",), ("june", "jun"), ("july", "jul"), ("august", "aug"),
            ("september", "sept", "sep"), ("october", "oct"), ("november", "nov"),
            ("december", "dec"),
        ),
        1,
    )
    for name in names
}  # fmt: skip
_WEEKDAYS = (
    *("sunday", "sun", "monday", "mon", "tuesday", "tues", "tue", "wednesday", "weds", "wed"),
    *("thursday", "thurs", "thur", "thu", "friday", "fri", "saturday", "sat"),
)
# Days from today; "now" is a moment, which its reader asks for by itself.
_RELATIVE = {"yesterday": -1, "today": 0, "tomorrow": 1}

_NAME = rf"(?P<name>{'|'.join(_MONTHS)})\.?"
_GAP = r"[\s,./-]+"
_YEAR, _DAY = r"(?P<year>\d{1,6})", r"(?P<day>\d{1,2})"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_NAME}[\s./-]*{_DAY}{_GAP}{_YEAR}",
        rf"{_DAY}(?:\s+|[-/.])?{_NAME}(?:{_GAP})?{_YEAR}",
        rf"(?P<year>\d{{3,6}})[\s./-]*{_NAME}[\s./-]*{_DAY}",
        r"(?P<year>\d{3,6})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<third>\d{1,6})",
        r"(?P<year>\d{2})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<year>\d{4})\.(?P<of_year>\d{3})",
        r"j\s*(?P<julian>\d{1,8})",
        rf"(?P<relative>{'|'.join(_RELATIVE)})",
    )
)
_CLOCK = r"\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d*)?)?"
_TIME = re.compile(rf"({_CLOCK})(?:\s*(am|pm)\b)?")
_T = re.compile(r"(?<=\d)t$")  # between date and time
_ERA = re.compile(r"\s*\b(bc|ad)\s*$")
_SHORT_YEAR = re.compile(r"\b\d{1,2}\s*$")
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAYS)})\b\.?,?")
_ZONE = re.compile(r"\s*(?P<zone>[+-]\d[\d:]*|[a-z][a-z0-9_/+-]*)?\s*")
# Where the year stands decides which numbers are which: DateStyle's second word.
_ORDERS = {"MDY": ("month", "day", "year"), "DMY": ("day", "month", "year"),
           "YMD": ("year", "month", "day")}  # fmt: skip


def as_iso(text: str, order: str | None = None, today: Date | None = None) -> str | None:
    """The same moment as `YYYY-MM-DD[ HH:MM[:SS]][ zone][ BC]`; None when it is not understood.

    Args:
        text: The characters of the value.
        order: MDY, DMY or YMD, for dates that are numbers alone; None leaves these out.
        today: For `today`, `tomorrow` and `yesterday`; None leaves these out.

    >>> as_iso("January 8, 1999 BC"), as_iso("8-Jan-1999 04:05 PM PST")
    ('1999-01-08 BC', '1999-01-08 16:05 pst')
    >>> as_iso("1/8/1999", "MDY"), as_iso("1/8/1999", "DMY"), as_iso("1/8/1999")
    ('1999-01-08', '1999-08-01', None)
    """
    rest = _WEEKDAY.sub(" ", text.lower()).strip()
    era = _ERA.search(rest)
    rest = rest[: era.start()] if era else rest
    time = _TIME.search(rest)
    before, after = (rest[: time.start()], rest[time.end() :]) if time else (rest, "")
    day, zone = _day_and_zone(_T.sub("", before.strip()), after, order, today)
    clock = _clock(time) if time else ""
    if day is None or zone is None or clock is None:
        return None
    ending = ""
    if era and era[1] == "bc":
        ending = " BC"
        if _SHORT_YEAR.search(before or after):  # before Christ a short year is just that
            day = f"{int(day[:4]) % 100:04d}{day[4:]}"
    return " ".join(part for part in (day, clock, zone) if part) + ending


def in_order(text: str, order: str, today: Date | None = None) -> str | None:
    """The same as `as_iso`, where a date of numbers alone must be one in that order.

    Raises:
        DatetimeFieldOverflow: 22008, it is one in another order.

    >>> in_order("31/12/1999", "DMY")
    '1999-12-31'
    """
    found = as_iso(text, order, today)
    misread = found is None and any(as_iso(text, other) for other in _ORDERS)
    if misread or (found is not None and _LATE_MONTH.match(found)):
        raise DatetimeFieldOverflow(
            f'date/time field value out of range: "{text}"',
            hint='Perhaps you need a different "datestyle" setting.',
        )
    return found


_LATE_MONTH = re.compile(r"\d+-(1[3-9]|[2-9]\d|00)")


def _day_and_zone(
    before: str, after: str, order: str | None, today: Date | None
) -> tuple[str | None, str | None]:
    """The day is before the time, or behind it; the zone is what is left behind."""
    if before:
        found = _ZONE.fullmatch(after)
        return _day(before, order, today), None if found is None else found["zone"] or ""
    return _day(after.strip(), order, today), ""


def _day(text: str, order: str | None, today: Date | None) -> str | None:
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match is not None:
            return _meant(match.groupdict(), order, today)
    return None


def _meant(found: dict[str, str], order: str | None, today: Date | None) -> str | None:
    if "relative" in found:
        if today is None:
            return None
        return (today + timedelta(_RELATIVE[found["relative"]])).isoformat()
    if "julian" in found:
        days = int(found["julian"]) - 1_721_425
        return Date.fromordinal(days).isoformat() if 0 < days <= Date.max.toordinal() else None
    if "of_year" in found:
        return (Date(int(found["year"]), 1, 1) + timedelta(int(found["of_year"]) - 1)).isoformat()
    if "first" in found:
        if order is None:
            return None
        numbers = (found["first"], found["second"], found["third"])
        found = dict(zip(_ORDERS[order], numbers, strict=True))
    if len(found["day"]) > 2:
        return None
    if "name" in found and len(found["year"]) < 3 and order in (None, "YMD"):
        if order is None or next(iter(found)) != "day":
            return None  # it could be the day as well
        found = found | {"year": found["day"], "day": found["year"]}
    month = _MONTHS[found["name"]] if "name" in found else int(found["month"])
    return f"{_year(found['year']):04d}-{month:02d}-{int(found['day']):02d}"


def _year(digits: str) -> int:
    """Two digits are a year from 1970 to 2069."""
    year = int(digits)
    return year if len(digits) > 2 else year + (2000 if year < 70 else 1900)


def _clock(time: re.Match[str]) -> str | None:
    """The time of day on a clock of 24 hours."""
    clock, half = time.groups()
    if half is None:
        return str(clock)
    hour, _, rest = clock.partition(":")
    if int(hour) > 12:
        return None
    return f"{int(hour) % 12 + 12 * (half == 'pm'):02d}:{rest}"
