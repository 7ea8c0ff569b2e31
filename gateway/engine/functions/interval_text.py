"""to_char of intervals: their fields under a template.

Source: PostgreSQL 15, formatting.c (interval_to_char, DCH_to_char where `is_interval`): fields keep
their sign, hours are not those of a day, and what stands for a date is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyarrow import MonthDayNano

from gateway.engine.functions.datetime_template import Part, read_template
from gateway.engine.functions.datetime_text import ordinal
from gateway.errors import FeatureNotSupported, InvalidDatetimeFormat


@dataclass(frozen=True, slots=True)
class _Fields:
    """An interval's, each with its sign."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    micro: int

    @property
    def seconds(self) -> int:
        """Those of its time."""
        return (self.hour * 60 + self.minute) * 60 + self.second

    @property
    def days(self) -> int:
        """Roughly those of its whole length."""
        return (self.year * 12 + self.month) * 30 + self.day


def _cut(value: int, by: int) -> tuple[int, int]:
    """Quotient and rest, both towards zero, as C has them."""
    sign = -1 if value < 0 else 1
    whole, rest = divmod(abs(value), by)
    return sign * whole, sign * rest


def _fields(interval: MonthDayNano) -> _Fields:
    year, month = _cut(interval.months, 12)
    seconds, micro = _cut(_cut(interval.nanoseconds, 1000)[0], 1_000_000)
    minutes, second = _cut(seconds, 60)
    hour, minute = _cut(minutes, 60)
    return _Fields(year, month, interval.days, hour, minute, second, micro)


def _of_twelve(fields: _Fields) -> int:
    return _cut(fields.hour, 12)[1] or 12


# Pattern -> value, how many digits it is padded to, and whether a sign counts beside them.
_NUMBERS: dict[str, tuple[Callable[[_Fields], int], int, bool]] = {
    "HH24": (lambda f: f.hour, 2, True),
    "HH12": (_of_twelve, 2, True),
    "HH": (_of_twelve, 2, True),
    "MI": (lambda f: f.minute, 2, True),
    "SS": (lambda f: f.second, 2, True),
    "MS": (lambda f: _cut(f.micro, 1000)[0], 3, False),
    "US": (lambda f: f.micro, 6, False),
    **{
        f"FF{n}": (lambda f, n=n: _cut(f.micro, 10 ** (6 - n))[0], n, False)  # type: ignore[misc]
        for n in range(1, 7)
    },
    "SSSS": (lambda f: f.seconds, 1, False),
    "SSSSS": (lambda f: f.seconds, 1, False),
    "YYYY": (lambda f: f.year, 4, True),
    "YYY": (lambda f: _cut(f.year, 1000)[1], 3, True),
    "YY": (lambda f: _cut(f.year, 100)[1], 2, True),
    "Y": (lambda f: _cut(f.year, 10)[1], 1, False),
    "MM": (lambda f: f.month, 2, True),
    "DDD": (lambda f: f.days, 3, False),
    "DD": (lambda f: f.day, 2, False),
    "WW": (lambda f: _cut(f.days - 1, 7)[0] + 1, 2, False),
    "W": (lambda f: _cut(f.day - 1, 7)[0] + 1, 1, False),
    "CC": (lambda f: _cut(f.year, 100)[0], 2, True),
}
_HALVES = {"AM": ("AM", "PM"), "PM": ("AM", "PM"),
           "A.M.": ("A.M.", "P.M."), "P.M.": ("A.M.", "P.M.")}  # fmt: skip
_OF_DATES = frozenset(
    {"MONTH", "MON", "DAY", "DY", "D", "ID", "AD", "A.D.", "BC", "B.C.", "TZ", "TZH", "TZM", "OF"}
)


def interval_to_char(interval: MonthDayNano, template: str) -> str | None:
    """`interval` under the template; NULL under an empty one.

    Raises:
        InvalidDatetimeFormat: 22007, a pattern of dates. FeatureNotSupported: 0A000.

    >>> interval_to_char(MonthDayNano([0, 3, 97_384 * 10**9]), "DD HH24:MI:SS")
    '03 27:03:04'
    """
    fields = _fields(interval)
    parts = [
        _print(fields, part) if part.keyword else part.text for part in read_template(template)
    ]
    return "".join(parts) if template else None


def _print(fields: _Fields, part: Part) -> str:
    name = part.keyword
    if name in _NUMBERS:
        value, width, signed = _NUMBERS[name]
        number = value(fields)
        wide = width + (signed and number < 0)
        padded = part.fill or name in ("MS", "US") or name.startswith("FF")
        return (f"{number:0{wide}}" if padded else str(number)) + ordinal(number, part.suffix)
    if name == "Q":
        return str(_cut(fields.month - 1, 3)[0] + 1) if fields.month else ""
    if name == "Y,YYY":
        thousands, rest = _cut(fields.year, 1000)
        return f"{thousands},{rest:03}"
    if name.upper() in _HALVES:
        word = _HALVES[name.upper()][_cut(fields.hour, 24)[1] >= 12]
        return word if name.isupper() else word.lower()
    if name.upper() in _OF_DATES:
        raise InvalidDatetimeFormat(
            "invalid format specification for an interval value",
            hint="Intervals are not tied to specific calendar dates.",
        )
    raise FeatureNotSupported(f"the template pattern {name} of an interval is not supported")
