"""Intervals as people write them: `1 year 2 mons -3 days +04:05:06`, `@ 1 min ago`, `1-2 3 4:05`.

PostgreSQL's DecodeInterval and DecodeISO8601Interval (manual, 8.5.4), and what the fields and the
precision of a type cut off. A fraction of a unit goes into the units below it: of a year into
months, of a month into days (30 to a month), of a day into time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from gateway.errors import IntervalFieldOverflow, InvalidDatetimeFormat
from gateway.sql.inputs.moment_fields import Field, fields

_SECOND, _MINUTE, _HOUR, _DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_MONTH_DAYS = 30

# Unit -> (months, days, microseconds) of one.
_UNITS = {
    "microsecond": (0, 0, 1),
    "millisecond": (0, 0, 1000),
    "second": (0, 0, _SECOND),
    "minute": (0, 0, _MINUTE),
    "hour": (0, 0, _HOUR),
    "day": (0, 1, 0),
    "week": (0, 7, 0),
    "month": (1, 0, 0),
    "year": (12, 0, 0),
    "decade": (120, 0, 0),
    "century": (1200, 0, 0),
    "millennium": (12000, 0, 0),
}
_SPELLINGS = {
    spelt: unit
    for unit, spellings in {
        "microsecond": "us usec usecs usecond useconds",
        "millisecond": "ms msec msecs msecond mseconds",
        "second": "s sec secs seconds",
        "minute": "m min mins minutes",
        "hour": "h hr hrs hours",
        "day": "d days",
        "week": "w weeks",
        "month": "mon mons months",
        "year": "y yr yrs years",
        "decade": "dec decs decades",
        "century": "c cent centuries",
        "millennium": "mil mils millennia",
    }.items()
    for spelt in (unit, *spellings.split())
}
_WIDEST = 10  # letters of a word that PostgreSQL looks at
_WORDS = {spelt[:_WIDEST]: unit for spelt, unit in _SPELLINGS.items()}
_MOST = 2**63

_NUMBER = re.compile(r"[+-]?(\d*)(\.\d*)?", re.ASCII)
_YEARS = re.compile(r"([+-]?)(\d+)-(\d+)", re.ASCII)
_CLOCK = re.compile(r"(\d+):(\d+)(?::(\d+))?(\.\d*)?", re.ASCII)


class _Unreadable(Exception):
    """The text is no interval in this form."""


class _TooLong(Exception):
    """A part is out of its range."""


def read_interval(text: str, style: str = "postgres", unit: str = "second") -> tuple[int, int, int]:
    """Months, days and microseconds of an interval's text.

    Args:
        text: The characters of the value: PostgreSQL's form, the SQL standard's or ISO 8601's.
        style: IntervalStyle; in the standard's one sign at the start is that of all fields.
        unit: What a number counts that has no unit and stands last, as in INTERVAL '5' DAY;
            "minute to second" also says what `4:05` is.

    Raises:
        InvalidDatetimeFormat: 22007, none of these forms.
        IntervalFieldOverflow: 22015, longer than any.

    >>> read_interval("1 year 2 mons -3 days +04:05:06"), read_interval("1.5 days ago")
    ((14, -3, 14706000000), (0, -1, -43200000000))
    >>> read_interval("P1Y2M3DT4H5M6S"), read_interval("1-2 3 4:05")
    ((14, 3, 14706000000), (14, 3, 14700000000))
    >>> read_interval("-1 2:03:04", "sql_standard"), read_interval("-1 2:03:04")
    ((0, -1, -7384000000), (0, -1, 7384000000))
    """
    try:
        try:
            return _checked(_Reading(style, unit).of(fields(text)))
        except _Unreadable:
            return _checked(_iso(text))
    except _Unreadable as error:
        raise InvalidDatetimeFormat(f'invalid input syntax for type interval: "{text}"') from error
    except _TooLong as error:
        raise IntervalFieldOverflow(f'interval field value out of range: "{text}"') from error


class _Sum:
    """Months, days and microseconds, added up."""

    def __init__(self) -> None:
        self.months, self.days, self.micros = 0, 0, 0

    def add(self, whole: int, part: float, unit: str) -> None:
        """So many of a unit; what is left of one goes to smaller units."""
        months, days, micros = _UNITS[unit]
        self.months += whole * months
        self.days += whole * days
        if months > 1:
            self.months += round(part * months)
        elif months or days > 1:
            scaled = part * (_MONTH_DAYS if months else days)
            self.days += int(scaled)
            self._add_micros((scaled - int(scaled)) * _DAY)
        else:
            self.micros += whole * micros
            self._add_micros(part * (micros or _DAY))

    def _add_micros(self, value: float) -> None:
        whole = int(value)
        rest = value - whole
        self.micros += whole + (rest > 0.5) - (rest < -0.5)


def _checked(found: _Sum) -> tuple[int, int, int]:
    small = all(-(2**31) <= part < 2**31 for part in (found.months, found.days))
    if not small or not -_MOST <= found.micros < _MOST:
        raise _TooLong
    return found.months, found.days, found.micros


class _Reading:
    """Fields from the last to the first: a unit stands behind its number."""

    def __init__(self, style: str, unit: str) -> None:
        self.sql_standard, self.range = style == "sql_standard", unit
        self.sum = _Sum()
        self.unit = ""  # of the number that comes next
        self.known: set[str] = set()
        self.negative = False  # one sign for all

    def of(self, found: Sequence[tuple[Field, str]] | None) -> _Sum:
        if not found:
            raise _Unreadable
        signs = [word[0] in "+-" for _, word in found]
        self.negative = self.sql_standard and found[0][1][0] == "-" and not any(signs[1:])
        ago = False
        for kind, word in reversed(found):
            if kind is Field.WORD and word == "ago":
                ago = True
                continue
            told = set(self._field(kind, word))
            if told & self.known:
                raise _Unreadable
            self.known |= told
        if not self.known:
            raise _Unreadable
        if ago:
            sum = self.sum
            sum.months, sum.days, sum.micros = -sum.months, -sum.days, -sum.micros
        return self.sum

    def _field(self, kind: Field, word: str) -> Iterator[str]:
        if kind is Field.WORD:
            unit = _WORDS.get(word[:_WIDEST])
            if unit is None:
                raise _Unreadable
            self.unit = unit
        elif kind is Field.TIME or (kind is Field.ZONE and ":" in word):
            yield from self._clock(word)
        elif kind is Field.SIGNED:
            raise _Unreadable
        else:
            yield from self._count(word)

    def _clock(self, word: str) -> Iterator[str]:
        match = _CLOCK.fullmatch(word.lstrip("+-"))
        if match is None:
            raise _Unreadable
        parts = [int(part) for part in match.groups()[:3] if part is not None]
        if len(parts) == 2 and (match[4] is not None or self.range == "minute to second"):
            parts.insert(0, 0)
        hour, minute, second = (*parts, 0)[:3]
        micros = round(float("0" + (match[4] or ".0") + "0") * _SECOND)
        if minute > 59 or second > 60 or micros > _SECOND:
            raise _TooLong
        total = hour * _HOUR + minute * _MINUTE + second * _SECOND + micros
        self.sum.micros += -total if self.negative or word[0] == "-" else total
        self.unit = "day"
        yield from ("hour", "minute", "second", "millisecond", "microsecond")

    def _count(self, word: str) -> Iterator[str]:
        unit = self.unit or self.range.rpartition(" ")[2]
        years = _YEARS.fullmatch(word)
        part = 0.0
        if years is not None:
            if int(years[3]) >= 12:
                raise _TooLong
            unit, whole = "month", int(years[2]) * 12 + int(years[3])
        else:
            number = _NUMBER.fullmatch(word)
            if number is None or not (number[1] or number[2]):
                raise _Unreadable
            whole = int(number[1] or 0)
            part = float("0" + (number[2] or "") + "0") if number[2] else 0.0
        if whole >= _MOST:
            raise _TooLong
        if self.negative or word[0] == "-":
            whole, part = -whole, -part
        self.sum.add(whole, part, unit)
        self.unit = "day" if unit == "hour" else unit
        yield unit
        if unit == "second" and part:
            yield from ("millisecond", "microsecond")


_ISO_DATE = {"Y": "year", "M": "month", "W": "week", "D": "day"}
_ISO_TIME = {"H": "hour", "M": "minute", "S": "second"}
_ISO_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)"
_DESIGNATED = re.compile(rf"P((?:{_ISO_NUMBER}[YMWD])*)(?:T((?:{_ISO_NUMBER}[HMS])*))?", re.ASCII)
_ALTERNATIVE = re.compile(
    r"P(?:(\d{4})(\d\d)(\d\d)|(-?\d+)(?:-(-?\d+))?(?:-(-?\d+))?)?"
    r"(?:T(?:(\d\d)(\d\d)(\d\d)|(-?\d+)(?::(-?\d+))?(?::(-?\d+(?:\.\d*)?))?)?)?",
    re.ASCII,
)
_PLACES = ("year", "month", "day", "year", "month", "day",
           "hour", "minute", "second", "hour", "minute", "second")  # fmt: skip


def _iso(text: str) -> _Sum:
    found = _Sum()
    match = _DESIGNATED.fullmatch(text)
    if len(text) > 1 and match is not None:
        for group, units in ((match[1], _ISO_DATE), (match[2], _ISO_TIME)):
            for number, letter in re.findall(rf"({_ISO_NUMBER})([A-Z])", group or ""):
                _add(found, number, units[letter])
        return found
    match = _ALTERNATIVE.fullmatch(text)
    if match is None or len(text) < 2:
        raise _Unreadable
    for number, unit in zip(match.groups(), _PLACES, strict=True):
        if number:
            _add(found, number, unit)
    return found


def _add(found: _Sum, number: str, unit: str) -> None:
    whole, _, part = number.lstrip("-").partition(".")
    sign = -1 if number.startswith("-") else 1
    if int(whole or 0) >= _MOST:
        raise _TooLong
    found.add(sign * int(whole or 0), sign * float(f"0.{part or 0}"), unit)


# The last field of a type -> what is kept: whole so many months, whether days, whole so many
# microseconds.
_KEPT = {
    "year": (12, False, 0),
    "month": (1, False, 0),
    "day": (1, True, 0),
    "hour": (1, True, _HOUR),
    "minute": (1, True, _MINUTE),
    "second": (1, True, 1),
}


def cut_to(
    parts: tuple[int, int, int], fields: str, digits: int | None = None
) -> tuple[int, int, int]:
    """An interval as its type keeps it: interval day to hour, interval second(2).

    Args:
        parts: Months, days and microseconds.
        fields: The type's, in lower case; empty for all.
        digits: Of the seconds; None: six.

    >>> cut_to((14, 3, 14_706_789_000), "day to hour"), cut_to((0, 0, 1_550_000), "", 1)
    ((14, 3, 14400000000), (0, 0, 1600000))
    """
    months, days, micros = parts
    step, keeps_days, unit = _KEPT[fields.rpartition(" ")[2] or "second"]
    months = int(math.copysign(abs(months) // step * step, months))
    if not keeps_days:
        days = 0
    sign, size = (-1 if micros < 0 else 1), abs(micros)
    if unit != 1:
        size = size // unit * unit if unit else 0
    elif digits is not None and digits < 6:
        scale = 10 ** (6 - digits)
        size = (size + scale // 2) // scale * scale
    return months, days, sign * size
