"""to_timestamp and to_date: text read by a template.

As PostgreSQL 15 does it (manual 9.8, formatting.c): blanks before a field are skipped, a separator
of the template stands for any separator or none, other text of the template skips as many
characters, a number takes as many digits as its pattern has when the next pattern is a number, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from gateway.engine.functions.datetime_template import NUMBERS, Part, read_template
from gateway.engine.functions.datetime_text import DAYS, JULIAN, MONTHS, ROMAN
from gateway.errors import DatetimeFieldOverflow, FeatureNotSupported, InvalidDatetimeFormat

Fields = dict[str, int]


# A text without a year is of the year 0, 1 BC, which Python's calendar lacks and this one is like.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


def read_moment(text: str, template: str) -> int:
    """Microseconds from 1970-01-01 to the moment that `text` tells under the template.

    >>> read_moment("05 Dec 1970", "DD Mon YYYY") // 86_400_000_000
    338

    Raises:
        InvalidDatetimeFormat: 22007, a field is missing, or no number or name.
        DatetimeFieldOverflow: 22008, a field is out of its range.
        FeatureNotSupported: 0A000, a pattern that is not read.
    """
    fields = _Reading(text, read_template(template)).fields()
    try:
        clock = timedelta(
            hours=_hour(fields),
            minutes=_within(fields, "MI", 59),
            seconds=_within(fields, "SS", 59) + _within(fields, "SSSS", 86_399),
            microseconds=fields.get("US", 0),
        )
        days = timedelta(days=_days(fields))
    except (ValueError, OverflowError) as error:
        raise DatetimeFieldOverflow(f'date/time field value out of range: "{text}"') from error
    return (days + clock) // timedelta(microseconds=1)


def read_date(text: str, template: str) -> int:
    """Days from 1970-01-01 to the day that `text` tells; what is told of the time is left out."""
    return read_moment(text, template) // 86_400_000_000


class _Reading:
    def __init__(self, text: str, parts: Sequence[Part]) -> None:
        self.text, self.parts, self.at = text, parts, 0
        self.found: Fields = {}

    def fields(self) -> Fields:
        for number, part in enumerate(self.parts):
            if not part.keyword:
                self._skip(part.text)
                continue
            if self.at >= len(self.text):
                break  # PostgreSQL reads what there is
            self._blanks()
            if part.keyword in NUMBERS:
                follower = self.parts[number + 1 : number + 2]
                digits = bool(follower) and follower[0].keyword in NUMBERS
                self._number(part, fixed=digits and part.fill)
            else:
                self._word(part.keyword)
        return self.found

    def _blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _skip(self, literal: str) -> None:
        for character in literal:
            here = self.text[self.at : self.at + 1]
            separator = bool(here) and not here.isalnum() and here not in "+-"
            if character.isalnum() or separator or here == character:
                self.at += 1

    def _number(self, part: Part, fixed: bool) -> None:
        width = NUMBERS[part.keyword]
        start = self.at
        if self.text[start : start + 1] in ("-", "+"):
            self.at += 1
        least = self.at
        longest = least + width if fixed or part.keyword in _SIZED else len(self.text)
        allowed = "0123456789," if part.keyword == "Y,YYY" else "0123456789"
        while self.at < min(longest, len(self.text)) and self.text[self.at] in allowed:
            self.at += 1
        digits = self.text[start : self.at].replace(",", "")
        if not digits.strip("+-"):
            raise InvalidDatetimeFormat(
                f'invalid value "{self.text[start : start + width]}" for "{part.keyword}"',
                detail="Value must be an integer.",
            )
        if part.suffix:
            self.at += 2
        self._keep(part.keyword, digits)

    def _keep(self, keyword: str, digits: str) -> None:
        value = int(digits)
        if keyword in ("MS", "US") or keyword.startswith("FF"):
            self.found["US"] = int(digits.ljust(6, "0")[:6])
        elif keyword in ("YYY", "YY", "Y"):
            self.found["YYYY"] = _nearest_year(value, len(digits))
        elif keyword in ("IYY", "IY", "I"):
            self.found["IYYY"] = _nearest_year(value, len(digits))
        else:
            self.found[_SAME.get(keyword, keyword)] = value

    def _word(self, keyword: str) -> None:
        name, words = _WORDS.get(keyword.upper(), ("", ()))
        if not words:
            raise FeatureNotSupported(f"to_timestamp cannot read the template pattern {keyword}")
        rest = self.text[self.at :].lower()
        matches = [n for n, word in enumerate(words) if rest.startswith(word.lower())]
        if not matches:
            shown = self.text[self.at : self.at + len(words[0])]
            raise InvalidDatetimeFormat(
                f'invalid value "{shown}" for "{keyword}"',
                detail="The given value did not match any of the allowed values for this field.",
            )
        number = max(matches, key=lambda n: len(words[n]))
        self.at += len(words[number])
        if name:
            self.found[name] = number


# MS, US and their kin never read more digits than they have.
_SIZED = frozenset({"MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6"})
_SAME = {"Y,YYY": "YYYY", "HH": "HH12", "SSSSS": "SSSS"}
_HALVES = ("am", "pm")
_WORDS: dict[str, tuple[str, Sequence[str]]] = {
    "MONTH": ("month", MONTHS),
    "MON": ("month", [month[:3] for month in MONTHS]),
    "RM": ("month", ROMAN),
    "DAY": ("", DAYS),
    "DY": ("", [day[:3] for day in DAYS]),
    "AM": ("half", _HALVES),
    "PM": ("half", _HALVES),
    "A.M.": ("half", ("a.m.", "p.m.")),
    "P.M.": ("half", ("a.m.", "p.m.")),
    "AD": ("", ("ad",)),
    "A.D.": ("", ("a.d.",)),
}


def _nearest_year(value: int, digits: int) -> int:
    """A year of fewer than four digits, nearest to 2020 (formatting.c, adjust_partial_year)."""
    if digits > 3 or value < 0:
        return value
    if value < 70:
        return value + 2000
    if value < 100:
        return value + 1900
    return value + (2000 if value < 520 else 1000)


def _hour(fields: Fields) -> int:
    if "HH12" not in fields:
        return _within(fields, "HH24", 23)
    hour = fields["HH12"]
    if not 1 <= hour <= 12:
        raise InvalidDatetimeFormat(
            f'hour "{hour}" is invalid for the 12-hour clock',
            hint="Use the 24-hour clock, or give an hour between 1 and 12.",
        )
    return hour % 12 + 12 * fields.get("half", 0)


def _within(fields: Fields, name: str, most: int) -> int:
    value = fields.get(name, 0)
    if not 0 <= value <= most:
        raise ValueError(name)
    return value


_EPOCH = date(1970, 1, 1)


def _days(fields: Fields) -> int:
    """Days from 1970-01-01."""
    if "J" in fields:
        return fields["J"] - JULIAN - _EPOCH.toordinal()
    if not fields.keys() & {"YYYY", "IYYY", "CC"}:
        return (_day(fields | {"YYYY": _CYCLE_YEARS}) - _EPOCH).days - _CYCLE_DAYS
    return (_day(fields) - _EPOCH).days


def _day(fields: Fields) -> date:
    if "IYYY" in fields:
        return _iso_day(fields)
    century = fields["CC"] * 100 - 99 if "CC" in fields else 1
    year = fields.get("YYYY", century)
    if "WW" in fields:
        return date(year, 1, 1) + timedelta(days=fields["WW"] * 7 - 7)
    if "DDD" in fields:
        day = date(year, 1, 1) + timedelta(days=_within(fields, "DDD", 366) - 1)
        if day.year != year:
            raise ValueError("DDD")
        return day
    week = fields["W"] * 7 - 6 if "W" in fields else 1
    return date(year, _month(fields), fields.get("DD", week))


def _month(fields: Fields) -> int:
    return fields["month"] + 1 if "month" in fields else fields.get("MM", 1)


def _iso_day(fields: Fields) -> date:
    if "IDDD" in fields:
        return date.fromisocalendar(fields["IYYY"], 1, 1) + timedelta(days=fields["IDDD"] - 1)
    return date.fromisocalendar(fields["IYYY"], fields.get("IW", 1), fields.get("ID", 1))
