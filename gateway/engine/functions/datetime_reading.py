"""to_timestamp and to_date: text read by a template.

As PostgreSQL 15 does it (manual 9.8, formatting.c): blanks before a field are skipped, a separator
of the template stands for any separator or none, other text of the template skips as many
characters, a number takes as many digits as its pattern has when the next pattern is a number, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from gateway.engine.functions.datetime_template import NUMBERS, Part, read_template
from gateway.engine.functions.datetime_text import DAYS, JULIAN, MONTHS, ROMAN
from gateway.errors import DatetimeFieldOverflow, FeatureNotSupported, InvalidDatetimeFormat
from gateway.sql.inputs.precision import MOST_DIGITS, rounded

Fields = dict[str, int]


# A text without a year is of the year 0, 1 BC, which Python's calendar lacks and this one is like.
_CYCLE_YEARS, _CYCLE_DAYS = 400, 146_097


def read_moment(text: str, template: str) -> int:
    """Microseconds from 1970-01-01 to the moment that `text` tells under the template.

    >>> read_moment("05 Dec 1970", "DD Mon YYYY") // 86_400_000_000
    338

    Raises:
        InvalidDatetimeFormat: 22007, a field is missing, or no number or name, or told twice.
        DatetimeFieldOverflow: 22008, a field is out of its range.
        FeatureNotSupported: 0A000, a pattern that is not read.
    """
    micros, digits = _told(text, template)
    if digits < MOST_DIGITS:
        return int(rounded(np.array([micros]), digits, is_clock=False)[0])
    return micros


def read_date(text: str, template: str) -> int:
    """Days from 1970-01-01 to the day that `text` tells; what is told of the time is left out."""
    return _told(text, template)[0] // 86_400_000_000


def _told(text: str, template: str) -> tuple[int, int]:
    """The moment, and to how many digits of a second the template rounds it."""
    fields = _Reading(text, read_template(template)).fields()
    try:
        clock = timedelta(
            hours=_hour(fields),
            minutes=_minute(fields),
            seconds=_second(fields),
            microseconds=_within(
                {"US": fields.get("MS", 0) * 1000 + fields.get("US", 0)}, "US", 999_999
            ),
        )
        days = timedelta(days=_days(fields))
    except (ValueError, OverflowError) as error:
        raise DatetimeFieldOverflow(f'date/time field value out of range: "{text}"') from error
    micros = (days + clock) // timedelta(microseconds=1)
    return micros, fields.get("digits", MOST_DIGITS)


class _Reading:
    def __init__(self, text: str, parts: Sequence[Part]) -> None:
        self.text, self.parts, self.at = text, parts, 0
        self.found: Fields = {}
        self.convention: str | None = None

    def fields(self) -> Fields:
        for number, part in enumerate(self.parts):
            if not part.keyword:
                self._skip(part.text)
                continue
            if self.at >= len(self.text):
                break  # PostgreSQL reads what there is
            self._blanks()
            self._keep_to_convention(part.keyword.upper())
            if part.keyword in NUMBERS:
                follower = self.parts[number + 1 : number + 2]
                digits = bool(follower) and follower[0].keyword in NUMBERS
                self._number(part, fixed=digits and part.fill and not part.suffix)
            else:
                self._word(part.keyword)
        return self.found

    def _keep_to_convention(self, keyword: str) -> None:
        convention = _CONVENTIONS.get(keyword)
        if convention is None:
            return
        if self.convention not in (None, convention):
            raise InvalidDatetimeFormat(
                "invalid combination of date conventions",
                hint="Do not mix Gregorian and ISO week date conventions in a formatting template.",
            )
        self.convention = convention

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
        longest = least + width if fixed else len(self.text)
        allowed = "0123456789," if part.keyword == "Y,YYY" else "0123456789"
        while self.at < min(longest, len(self.text)) and self.text[self.at] in allowed:
            self.at += 1
        digits = self.text[start : self.at].replace(",", "")
        if not digits.strip("+-"):
            raise InvalidDatetimeFormat(
                f'invalid value "{self.text[start : start + width]}" for "{part.keyword}"',
                detail="Value must be an integer.",
            )
        if fixed and self.at - start < width and part.keyword not in _UNSIZED:
            raise InvalidDatetimeFormat(
                f'invalid value "{digits}" for "{part.keyword}"',
                detail=f"Field requires {width} characters, but only {len(digits)} are there.",
            )
        if part.suffix:
            self.at += 2
        self._keep(part.keyword, digits)

    def _keep(self, keyword: str, digits: str) -> None:
        value = int(digits)
        if keyword in _FRACTIONS:
            # 5 is half a second, and 050 a twentieth; FF3 rounds what it reads to 3 digits.
            places = _FRACTIONS[keyword]
            value *= 10 ** max(places - len(digits), 0)
            self._set("MS" if places == 3 else "US", value, keyword)
            if keyword.startswith("FF"):
                self.found["digits"] = int(keyword[2:])
        elif keyword in ("YYY", "YY", "Y"):
            self._set("YYYY", _nearest_year(value, len(digits)), keyword)
        elif keyword in ("IYY", "IY", "I"):
            self._set("IYYY", _nearest_year(value, len(digits)), keyword)
        else:
            self._set(_SAME.get(keyword, keyword), value, keyword)
        if keyword in ("HH12", "HH"):
            self.found["clock"] = 12

    def _set(self, name: str, value: int, keyword: str) -> None:
        """Keep a field; what was told before and is not zero must be the same."""
        if self.found.get(name, 0) not in (0, value):
            raise InvalidDatetimeFormat(
                f'conflicting values for "{keyword}" field in formatting string',
                detail="This value contradicts a previous setting for the same field type.",
            )
        self.found[name] = value

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
        if name == "D":  # as PostgreSQL has it: a day's name is only seen to be a D told before
            number = (number + 1) % 7
        elif name == "MM":
            number += 1
        elif name == "half":
            self.found["clock"] = 12
        if name:
            self._set(name, number, keyword)
        if name == "D":
            self.found["D"] += 1


_UNSIZED = frozenset({"J", "Y,YYY"})
# A part of a second -> the digits after the point at which its unit stands.
_FRACTIONS = {"MS": 3, "US": 6, **{f"FF{n}": 6 for n in range(1, 7)}}
_SAME = {
    "Y,YYY": "YYYY", "HH": "HH", "HH12": "HH", "HH24": "HH", "SSSSS": "SSSS", "IDDD": "DDD",
}  # fmt: skip
# The calendar that a pattern is of; of the others it does not matter.
_CONVENTIONS = {
    **dict.fromkeys(("IYYY", "IYY", "IY", "I", "IW", "ID", "IDDD"), "week"),
    **dict.fromkeys(
        ("Y,YYY", "YYYY", "YYY", "YY", "Y", "MM", "MONTH", "MON", "RM", "DDD", "DD", "D", "WW",
         "W"), "day",
    ),
}  # fmt: skip
_HALVES = ("am", "pm")
_WORDS: dict[str, tuple[str, Sequence[str]]] = {
    "MONTH": ("MM", MONTHS),
    "MON": ("MM", [month[:3] for month in MONTHS]),
    "RM": ("MM", ROMAN),
    "DAY": ("D", DAYS),
    "DY": ("D", [day[:3] for day in DAYS]),
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
    told = fields.get("HH", 0) or _within(fields, "SSSS", 86_399) // 3600
    if "clock" not in fields:
        return _within({"HH": told}, "HH", 23)
    if not 1 <= told <= 12:
        raise InvalidDatetimeFormat(
            f'hour "{told}" is invalid for the 12-hour clock',
            hint="Use the 24-hour clock, or give an hour between 1 and 12.",
        )
    return told % 12 + 12 * fields.get("half", 0)


def _minute(fields: Fields) -> int:
    return _within(fields, "MI", 59) or fields.get("SSSS", 0) // 60 % 60


def _second(fields: Fields) -> int:
    return _within(fields, "SS", 59) or fields.get("SSSS", 0) % 60


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
    return date(year, fields.get("MM") or 1, fields.get("DD") or week)


def _iso_day(fields: Fields) -> date:
    if "DDD" in fields:
        return date.fromisocalendar(fields["IYYY"], 1, 1) + timedelta(days=fields["DDD"] - 1)
    return date.fromisocalendar(fields["IYYY"], fields.get("IW", 1), fields.get("ID", 1))
