"""How far the clocks of a time zone are from UTC: at one moment, or at each of a column.

What zoneinfo says of one moment takes microseconds in Python; a column asks of days. A zone changes
its clocks a few times a year: of nearly every day it is enough to know the offset at its start and
its end, and these are kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.sql.text.zones import zone_info

Ints = NDArray[np.int64]
DAY = 86_400_000_000  # microseconds
# The Gregorian calendar repeats after so many days.
ERA_DAYS = 146_097
EPOCH = datetime(1970, 1, 1)

# Days whose offsets are found together, and how many such rows of days are kept: 3 MB.
_DAYS, _MOST_KEPT = 512, 700


def is_utc(zone: str) -> bool:
    """Whether the name means UTC."""
    return zone.upper() in ("UTC", "ETC/UTC", "GMT", "ETC/GMT", "Z", "ZULU", "UCT")


def utc_offset_seconds(micros: int, zone: str) -> int:
    """Seconds east of Greenwich in `zone` at a moment; years beyond Python's use like ones."""
    if is_utc(zone):
        return 0
    offset = _there(micros, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def zone_abbreviation(micros: int, zone: str) -> str:
    """What the clocks of `zone` are called at a moment: CET, CEST; their offset without a name.

    >>> zone_abbreviation(0, "Europe/Berlin"), zone_abbreviation(0, "<+05:30>-05:30")
    ('CET', '+05:30')
    """
    there = _there(micros, zone)
    name = there.tzname() or ""
    if isinstance(there.tzinfo, ZoneInfo):
        return name
    offset = there.utcoffset() or timedelta()
    return offset_text(int(offset.total_seconds()))


def _there(micros: int, zone: str) -> datetime:
    """A moment on the clocks of `zone`."""
    seconds = micros // 1_000_000
    if not -62135596800 + 86400 <= seconds <= 253402300799 - 86400:
        # The Gregorian calendar repeats every 400 years; take the like year in 1970 .. 2369, or in
        # 1170 .. 1569, when every place had its own time, as before.
        era = ERA_DAYS * 86400
        seconds = seconds % era - (2 * era if seconds < 0 else 0)
    moment = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=ZoneInfo("UTC"))
    return moment.astimezone(zone_info(zone))


def utc_offsets(micros: Ints, zone: str) -> Ints:
    """The same of each moment of a column."""
    if is_utc(zone):
        return np.zeros(len(micros), np.int64)
    days = micros // DAY
    parts = days // _DAYS
    found = np.empty(len(micros), np.int64)
    changing = np.zeros(len(micros), np.bool_)
    for part in np.unique(parts).tolist():
        rows = np.flatnonzero(parts == part)
        offsets = _offsets_of_days(zone, part)
        places = days[rows] - part * _DAYS
        found[rows] = offsets[places]
        changing[rows] = (offsets[:-1] != offsets[1:])[places]
    for row in np.flatnonzero(changing).tolist():
        found[row] = utc_offset_seconds(int(micros[row]), zone)
    return found


@lru_cache(_MOST_KEPT)
def _offsets_of_days(zone: str, part: int) -> Ints:
    """The offsets at the start of each day of a part, and at the end of the last."""
    days = range(part * _DAYS, (part + 1) * _DAYS + 1)
    return np.array([utc_offset_seconds(day * DAY, zone) for day in days])


def offset_text(seconds: int) -> str:
    """PostgreSQL's spelling of an offset: minutes and seconds only where they are not zero.

    >>> offset_text(0), offset_text(19800), offset_text(-12600 - 52)
    ('+00', '+05:30', '-03:30:52')
    """
    minutes, second = divmod(abs(seconds), 60)
    text = f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}"
    if minutes % 60 or second:
        text += f":{minutes % 60:02d}"
    return f"{text}:{second:02d}" if second else text
