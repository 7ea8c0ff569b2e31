"""Time zones by name: which there are, under the names that PostgreSQL shows.

IANA names in any case, offsets in hours (`SET TIME ZONE -7.5`), and POSIX names with a fixed
offset (`<+02>-02`, `EST+5`; west is positive there). POSIX names with rules for summer are not
read.
"""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from gateway.errors import InvalidParameterValue

_HOURS = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_POSIX = re.compile(r"(<[A-Za-z0-9+:-]+>|[A-Za-z]{3,})([+-]?)(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")  # as `engine_zone` spells it
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
    """What Python calls a zone, spelt as SHOW or as the engine does.

    Raises:
        InvalidParameterValue: 22023, no such zone.

    >>> zone_info("<+05:30>-05:30").utcoffset(None)
    datetime.timedelta(seconds=19800)
    >>> zone_info("+05:30").utcoffset(None)
    datetime.timedelta(seconds=19800)
    """
    found = _names().get(name.lower())
    if found is not None:
        return ZoneInfo(found)
    if (offset := _OFFSET.fullmatch(name)) is not None:
        seconds = int(offset[2]) * 3600 + int(offset[3]) * 60
        return timezone(timedelta(seconds=-seconds if offset[1] == "-" else seconds))
    return timezone(timedelta(seconds=_posix_seconds(name)))


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
