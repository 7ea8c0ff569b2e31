"""Template patterns of to_char, to_timestamp and to_date, taken apart.

PostgreSQL manual, 9.8, table 9.26 and 9.27; the order of matching is formatting.c's: the longest
pattern first, anything else is copied. `read_template` gives the parts; what a part prints is in
`datetime_text`, what it reads in `datetime_reading`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# Numbers: name -> the most digits that to_timestamp reads where more follow.
NUMBERS = {
    "HH24": 2, "HH12": 2, "HH": 2, "MI": 2, "SSSSS": 5, "SSSS": 5, "SS": 2, "MS": 3, "US": 6,
    "FF1": 1, "FF2": 2, "FF3": 3, "FF4": 4, "FF5": 5, "FF6": 6,
    "Y,YYY": 5, "YYYY": 4, "YYY": 3, "YY": 2, "Y": 1, "IYYY": 4, "IYY": 3, "IY": 2, "I": 1,
    "MM": 2, "DDD": 3, "IDDD": 3, "DD": 2, "D": 1, "ID": 1, "WW": 2, "IW": 2, "W": 1,
    "CC": 2, "J": 7, "Q": 1,
}  # fmt: skip
# Words: as written in the pattern they are printed in capitals, capitalised, or small.
WORDS = ("MONTH", "Month", "month", "MON", "Mon", "mon", "DAY", "Day", "day", "DY", "Dy", "dy",
         "AM", "PM", "am", "pm", "A.M.", "P.M.", "a.m.", "p.m.",
         "AD", "BC", "ad", "bc", "A.D.", "B.C.", "a.d.", "b.c.", "RM", "rm")  # fmt: skip
_NAMES = ("MONTH", "MON", "DAY", "DY")  # after TM those of a locale, which is English, unpadded
ZONES = ("TZH", "TZM", "TZ", "OF", "tzh", "tzm", "tz", "of")

# Names of numbers are all capitals or all small (`Mi` is an M and an I); of one start, the longest
# is meant.
_SPELT = dict.fromkeys([*WORDS, *ZONES, *NUMBERS, *map(str.lower, NUMBERS)])
_KEYWORD = re.compile("|".join(map(re.escape, sorted(_SPELT, key=len, reverse=True))))
_MODE = "FM|FX|TM|fm|fx|tm"  # before one piece, whatever that is
_PART = re.compile(
    rf'(?P<mode>{_MODE})?(?:"(?P<quoted>(?:\\.|[^"\\])*)"?|\\(?P<escaped>.)|'
    rf"(?P<keyword>{_KEYWORD.pattern})(?P<suffix>TH|th)?|(?P<other>.))|(?P<alone>{_MODE})",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a template.

    Args:
        keyword: The pattern, a number's in capitals; empty for text that is copied.
        text: What is copied.
        fill: Pad with zeros or blanks; False after FM.
        suffix: "TH" or "th", an ordinal's ending.
    """

    keyword: str = ""
    text: str = ""
    fill: bool = True
    suffix: str = ""


@lru_cache(maxsize=256)
def read_template(template: str) -> tuple[Part, ...]:
    """The parts of a template, in order.

    >>> [part.keyword or part.text for part in read_template('FMDDth "of" Month')]
    ['DD', ' ', 'of', ' ', 'Month']
    """
    parts = []
    for match in _PART.finditer(template):
        mode = (match["mode"] or "").upper()
        if match["keyword"]:
            name = match["keyword"]
            keyword = name.upper() if name.upper() in NUMBERS else name
            bare = mode == "FM" or (mode == "TM" and keyword.upper() in _NAMES)
            parts.append(Part(keyword, fill=not bare, suffix=match["suffix"] or ""))
        elif not match["alone"]:
            parts.append(Part(text=_copied(match)))
    return tuple(parts)


def _copied(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.S)
    return match["escaped"] or match["other"] or ""
