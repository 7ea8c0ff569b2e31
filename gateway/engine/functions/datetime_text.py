"""to_char of moments: a datetime under a template.

PostgreSQL manual, 9.8, checked against PostgreSQL 15. Names are English, as in the C locale.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.engine.functions.datetime_template import Part, read_template
from gateway.errors import FeatureNotSupported
from gateway.sql.inputs.zones import zone_info

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
# The Julian day of a date is this more than datetime.toordinal, which counts from 0001-01-01.
JULIAN = 1_721_425

# Pattern -> value, and how many digits it is padded to.
_NUMBERS: dict[str, tuple[Callable[[datetime], int], int]] = {
    "HH24": (lambda t: t.hour, 2),
    "HH12": (lambda t: t.hour % 12 or 12, 2),
    "HH": (lambda t: t.hour % 12 or 12, 2),
    "MI": (lambda t: t.minute, 2),
    "SS": (lambda t: t.second, 2),
    "MS": (lambda t: t.microsecond // 1000, 3),
    "US": (lambda t: t.microsecond, 6),
    **{
        f"FF{n}": (lambda t, n=n: t.microsecond // 10 ** (6 - n), n)  # type: ignore[misc]
        for n in range(1, 7)
    },
    "SSSS": (lambda t: t.hour * 3600 + t.minute * 60 + t.second, 1),
    "SSSSS": (lambda t: t.hour * 3600 + t.minute * 60 + t.second, 1),
    "YYYY": (lambda t: t.year, 4),
    "YYY": (lambda t: t.year % 1000, 3),
    "YY": (lambda t: t.year % 100, 2),
    "Y": (lambda t: t.year % 10, 1),
    "IYYY": (lambda t: t.isocalendar().year, 4),
    "IYY": (lambda t: t.isocalendar().year % 1000, 3),
    "IY": (lambda t: t.isocalendar().year % 100, 2),
    "I": (lambda t: t.isocalendar().year % 10, 1),
    "MM": (lambda t: t.month, 2),
    "DDD": (lambda t: t.timetuple().tm_yday, 3),
    "IDDD": (lambda t: (t.isocalendar().week - 1) * 7 + t.isoweekday(), 3),
    "DD": (lambda t: t.day, 2),
    "D": (lambda t: t.isoweekday() % 7 + 1, 1),
    "ID": (lambda t: t.isoweekday(), 1),
    "WW": (lambda t: (t.timetuple().tm_yday - 1) // 7 + 1, 2),
    "IW": (lambda t: t.isocalendar().week, 2),
    "W": (lambda t: (t.day - 1) // 7 + 1, 1),
    "CC": (lambda t: (t.year - 1) // 100 + 1, 2),
    "J": (lambda t: t.toordinal() + JULIAN, 1),
    "Q": (lambda t: (t.month - 1) // 3 + 1, 1),
}
# Pattern in capitals -> word, and the width it is padded to with blanks.
_WORDS: dict[str, tuple[Callable[[datetime], str], int]] = {
    "MONTH": (lambda t: MONTHS[t.month - 1], 9),
    "MON": (lambda t: MONTHS[t.month - 1][:3], 0),
    "DAY": (lambda t: DAYS[t.weekday()], 9),
    "DY": (lambda t: DAYS[t.weekday()][:3], 0),
    "RM": (lambda t: ROMAN[t.month - 1], 4),
    "AM": (lambda t: "PM" if t.hour >= 12 else "AM", 0),
    "A.M.": (lambda t: "P.M." if t.hour >= 12 else "A.M.", 0),
    "AD": (lambda t: "AD", 0),
    "A.D.": (lambda t: "A.D.", 0),
}
_WORDS |= {"PM": _WORDS["AM"], "P.M.": _WORDS["A.M."], "BC": _WORDS["AD"], "B.C.": _WORDS["A.D."]}


def moment_to_char(moment: datetime, template: str) -> str | None:
    """`moment` under the template; a moment without a zone has no zone's name, and +00.

    NULL under an empty template, as PostgreSQL has it.

    >>> moment_to_char(datetime(2013, 1, 2, 15, 4), "FMDay, FMDDth FMMonth YYYY HH12:MI AM")
    'Wednesday, 2nd January 2013 03:04 PM'
    """
    parts = [
        _print(moment, part) if part.keyword else part.text for part in read_template(template)
    ]
    return "".join(parts) if template else None


def instant_to_char(instant: datetime, template: str, zone: str) -> str | None:
    """An instant in UTC under the template, as the clocks of `zone` show it."""
    return moment_to_char(instant.astimezone(zone_info(zone)), template)


def _print(moment: datetime, part: Part) -> str:
    name = part.keyword
    if name == "Y,YYY":
        return f"{moment.year // 1000},{moment.year % 1000:03}"
    if name in _NUMBERS:
        value, width = _NUMBERS[name]
        number = value(moment)
        # formatting.c pads these two whatever stands before them.
        padded = part.fill or name in ("MS", "US") or name.startswith("FF")
        return (f"{number:0{width}}" if padded else str(number)) + ordinal(number, part.suffix)
    if name.upper() in _WORDS:
        spelt, width = _WORDS[name.upper()]
        word = _cased(spelt(moment), name)
        return word.ljust(width) if part.fill else word
    return _zone(moment, name)


def _cased(word: str, pattern: str) -> str:
    if pattern.isupper():
        return word.upper()
    return word.lower() if pattern.islower() else word


def ordinal(number: int, suffix: str) -> str:
    """The ending of an ordinal, in the case of `suffix`; nothing without one."""
    if not suffix:
        return ""
    teen = number // 10 % 10 == 1
    ending = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return ending.upper() if suffix == "TH" else ending


def _zone(moment: datetime, name: str) -> str:
    if name in ("TZ", "tz"):
        abbreviation = moment.tzname() or ""
        return abbreviation if name == "TZ" else abbreviation.lower()
    offset, name = moment.utcoffset() or timedelta(), name.upper()  # a plain timestamp has +00
    minutes = round(offset.total_seconds() / 60)
    sign, (hours, rest) = ("-" if minutes < 0 else "+"), divmod(abs(minutes), 60)
    if name == "TZM":
        return f"{rest:02}"
    if name == "TZH":
        return f"{sign}{hours:02}"
    if name == "OF":
        return f"{sign}{hours:02}" + (f":{rest:02}" if rest else "")
    raise FeatureNotSupported(f"the template pattern {name} is not supported")
