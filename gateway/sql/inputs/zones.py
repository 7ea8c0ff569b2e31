"""Time zones by name: which there are, under the names that PostgreSQL shows.

IANA names in any case, offsets in hours (`SET TIME ZONE -7.5`), and POSIX names with a fixed
offset (`<+02>-02`, `EST+5`; west is positive there). AT TIME ZONE reads POSIX rules for summer
too, which the engine does not: no session has them for its zone.
"""

from __future__ import annotations

import io
import re
import struct
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from gateway.errors import InvalidParameterValue

_HOURS = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
# A zone without a name is an offset of POSIX, too: `-8:00` is eight hours east.
_POSIX = re.compile(
    r"(<[A-Za-z0-9+:-]+>|[A-Za-z/_]{3,}|)([+-]?)(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?"
)
_MOST_SECONDS = 86_400  # Python's and Arrow's bound on an offset; PostgreSQL's is a week


def time_zone(value: str) -> str:
    """The zone as SHOW spells it.

    Raises:
        InvalidParameterValue: 22023, no such zone.

    >>> time_zone("europe/berlin"), time_zone("utc"), time_zone("2"), time_zone("-7.5")
    ('Europe/Berlin', 'UTC', '<+02>-02', '<-07:30>+07:30')
    """
    text = value.strip()
    if _HOURS.fullmatch(text):
        text = _offset_name(round(float(text) * 3600))
    found = _names().get(text.lower(), text)
    engine_zone(found)
    return found


def engine_zone(shown: str) -> str:
    """The zone as the engine reads it: an IANA name or an offset.

    >>> engine_zone("Europe/Berlin"), engine_zone("<-07:30>+07:30")
    ('Europe/Berlin', '-07:30')
    """
    if shown.lower() in _names():
        return shown
    seconds = _posix_seconds(shown)
    if seconds % 60:
        raise InvalidParameterValue("", detail="The engine knows offsets in whole minutes.")
    return f"{'-' if seconds < 0 else '+'}{abs(seconds) // 3600:02d}:{abs(seconds) // 60 % 60:02d}"


@cache
def zone_info(name: str) -> tzinfo:
    """What Python calls a zone, spelt as SHOW or as the engine does, or with rules for summer.

    Raises:
        InvalidParameterValue: 22023, no such zone.

    >>> zone_info("<+05:30>-05:30").utcoffset(None)
    datetime.timedelta(seconds=19800)
    """
    found = _names().get(name.lower())
    if found is not None:
        return ZoneInfo(found)
    return _ruled(name) if _WITH_SUMMER.match(name) else _fixed(name)


# Two names, without rules for when the second begins: those of the United States (pgtz.h).
_WITH_SUMMER = re.compile(r"(<[A-Za-z0-9+:-]+>|[A-Za-z]{3,})[+-]?\d[\d:]*(<[^<>]+>|[A-Za-z]{3,})")
_RULES = ",M3.2.0,M11.1.0"


def _ruled(name: str) -> tzinfo:
    """A zone of a POSIX name: a file of zones that has no more than that (RFC 8536, 3.3).

    Raises:
        InvalidParameterValue: 22023, its rules are none.
    """
    rules = name if "," in name else name + _RULES
    header = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    block = header + struct.pack(">lbb", 0, 0, 0) + b"LMT\0"
    try:
        return ZoneInfo.from_file(io.BytesIO(block + block + f"\n{rules}\n".encode("ascii")))
    except ValueError as error:
        raise InvalidParameterValue("") from error


def _fixed(name: str) -> timezone:
    return timezone(timedelta(seconds=_posix_seconds(name)))


# Moments at which zones that ever changed their clocks differ.
_PROBES = tuple(datetime(year, month, 1) for year in (1850, 1915, 1943, 1975, 2008, 2035)
                for month in (1, 7))  # fmt: skip


@cache
def fixed_offset(name: str) -> int | None:
    """Seconds east of Greenwich of a zone whose clocks never change; None of any other.

    Raises:
        InvalidParameterValue: 22023, no such zone.

    >>> fixed_offset("GMT+8"), fixed_offset("Etc/GMT-1"), fixed_offset("Europe/Berlin")
    (-28800, 3600, None)
    """
    zone = known_zone(name)
    offsets = {zone.utcoffset(moment) for moment in _PROBES}
    found = offsets.pop()
    return None if offsets or found is None else round(found.total_seconds())


def known_zone(name: str) -> tzinfo:
    """`zone_info` of a name out of a text.

    Raises:
        InvalidParameterValue: 22023, no such zone.
    """
    try:
        return zone_info(name)
    except InvalidParameterValue as error:
        raise InvalidParameterValue(f'time zone "{name.lower()}" not recognized') from error


ERA_DAYS = 146_097  # after which the Gregorian calendar repeats


def like_day(day: int) -> int:
    """A day of the years 2370 to 2769, or 1170 to 1569, on which clocks show what they do then.

    In the years between a zone had rules of its own; after them it has its last, and before them
    every place had its own time.

    >>> like_day(300_000), like_day(-1_000_000)
    (153903, -269515)
    """
    return day % ERA_DAYS + (ERA_DAYS if day > 0 else -2 * ERA_DAYS)


def offset_at_local(zone: tzinfo, days: int, micros: int) -> int:
    """Seconds east of Greenwich where the clocks of a zone show this.

    What they show twice they show later, what they skip is as before (manual, appendix B.2).

    Args:
        days: Days since 1970-01-01.
        micros: Microseconds of the day.
    """
    like = like_day(days) if abs(days) > ERA_DAYS else days
    local = datetime(1970, 1, 1) + timedelta(days=like, microseconds=micros)
    both = (zone.utcoffset(local.replace(fold=fold)) for fold in (0, 1))
    return min(round(each.total_seconds()) for each in both if each is not None)


@cache
def _names() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones() if _readable(name)}


def _readable(name: str) -> bool:
    return not name.startswith(("posix/", "right/")) and name not in ("posixrules", "localtime")


def _offset_name(seconds: int) -> str:
    """As PostgreSQL names a zone of a fixed offset: east is positive inside the brackets."""
    if abs(seconds) >= _MOST_SECONDS:
        raise InvalidParameterValue("")
    minutes, second = divmod(abs(seconds), 60)
    shown = f"{minutes // 60:02d}"
    if minutes % 60 or second:
        shown += f":{minutes % 60:02d}"
    if second:
        shown += f":{second:02d}"
    inside, outside = ("-", "+") if seconds < 0 else ("+", "-")
    return f"<{inside}{shown}>{outside}{shown}"


def _posix_seconds(text: str) -> int:
    """Seconds east of Greenwich."""
    match = _POSIX.fullmatch(text)
    if match is None:
        raise InvalidParameterValue("")
    _, sign, hours, minutes, seconds = match.groups()
    west = int(hours) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    if west >= _MOST_SECONDS:
        raise InvalidParameterValue("")
    return west if sign == "-" else -west
