"""How far the clocks of a time zone are from UTC: at one moment, or at each of a column.

What zoneinfo says of one moment takes microseconds in Python. A zone changes its clocks a few times
a year: these changes are found once, a row of days at a time, and a column looks among them.

AT TIME ZONE is what the clocks show at a moment, or the moment at which they show it: the engine's
own knows no rules after 2100, and takes none but a literal for a zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gateway.errors import InvalidParameterValue
from gateway.sql.inputs import far_moments
from gateway.sql.inputs.zones import like_day, zone_info

Ints = NDArray[np.int64]
DAY = 86_400_000_000  # microseconds
EPOCH = datetime(1970, 1, 1)

# Days whose changes are found together, and how many such rows of days are kept. A column of more
# of them (560 years) is looked up part by part.
_DAYS, _MOST_KEPT, _MOST_PARTS = 512, 2000, 400
_PART = _DAYS * DAY
_FARTHEST = 2**63 - 4 * _PART


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
        day, second = divmod(seconds, 86400)
        seconds = like_day(day) * 86400 + second
    moment = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=ZoneInfo("UTC"))
    return moment.astimezone(zone_info(zone))


def utc_offsets(micros: Ints, zone: str) -> Ints:
    """Seconds east of Greenwich in `zone` at each moment of a column."""
    return _looked_up(micros, zone, local=False)


def offsets_at_local(micros: Ints, zone: str) -> Ints:
    """The same where the clocks of `zone` show each time of a column.

    What they show twice they show later, what they skip is as before (manual, appendix B.2): both
    are so where the offset changes as soon as the clocks show the change by the new offset.
    """
    return _looked_up(micros, zone, local=True)


def _looked_up(micros: Ints, zone: str, local: bool) -> Ints:
    if is_utc(zone) or not len(micros):
        return np.zeros(len(micros), np.int64)
    micros = np.clip(micros, -_FARTHEST, _FARTHEST)
    # A day more to either side: what the clocks show is up to a day from UTC.
    first, last = (int(micros.min()) - DAY) // _PART, (int(micros.max()) + DAY) // _PART
    if last - first < _MOST_PARTS:
        changes, offsets = _changes(zone, first, last, local)
        return offsets[np.searchsorted(changes, micros, "right") - 1]
    found = np.empty(len(micros), np.int64)  # a column of far years, taken part by part
    parts = micros // _PART
    for part in np.unique(parts).tolist():
        rows = np.flatnonzero(parts == part)
        changes, offsets = _changes(zone, part - 1, part + 1, local)
        found[rows] = offsets[np.searchsorted(changes, micros[rows], "right") - 1]
    return found


@lru_cache(256)
def _changes(zone: str, first: int, last: int, local: bool) -> tuple[Ints, Ints]:
    """When the clocks change from one part to another, in microseconds, and the offsets then."""
    parts = [_changes_of(zone, part) for part in range(first, last + 1)]
    moments = np.concatenate([moments for moments, _ in parts])
    offsets = np.concatenate([offsets for _, offsets in parts])
    if local:
        moments = moments + offsets * 1_000_000
    moments[0] = np.iinfo(np.int64).min
    return moments, offsets


@lru_cache(_MOST_KEPT)
def _changes_of(zone: str, part: int) -> tuple[Ints, Ints]:
    """The start of a part and each change in it, and the offsets from then on."""
    days = [part * _PART + day * DAY for day in range(_DAYS + 1)]
    shown = [utc_offset_seconds(day, zone) for day in days]
    moments, offsets = [days[0]], [shown[0]]
    for place in range(_DAYS):
        if shown[place] != shown[place + 1]:
            moments.append(_change(days[place], days[place + 1], zone))
            offsets.append(shown[place + 1])
    return np.array(moments, np.int64), np.array(offsets, np.int64)


def _change(before: int, after: int, zone: str) -> int:
    """The first second of a day with the offset of its end."""
    wanted = utc_offset_seconds(after, zone)
    while after - before > 1_000_000:
        middle = (before + after) // 2_000_000 * 1_000_000
        if utc_offset_seconds(middle, zone) == wanted:
            after = middle
        else:
            before = middle
    return after


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


_LOCAL, _MOMENT, _TEXT = pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.string()
_SECOND = 1_000_000


def _in_zones(
    moments: pa.Array, zones: pa.Array, move: Callable[[Ints, str], Ints], result: pa.DataType
) -> pa.Array:
    """Each value moved by the offset of its zone; NULL of NULL, and infinity as it is."""
    numbers = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    infinite = (numbers == far_moments.TIMESTAMP_INFINITY) | (
        numbers == far_moments.TIMESTAMP_MINUS_INFINITY
    )
    moved = np.where(infinite, 0, numbers)
    encoded = zones.dictionary_encode()
    names = [name for name in encoded.dictionary.to_pylist() if name is not None]
    for place, name in enumerate(names):
        rows = slice(None) if len(names) == 1 else np.asarray(encoded.indices) == place
        try:
            moved[rows] = move(moved[rows], name)
        except InvalidParameterValue as error:
            raise InvalidParameterValue(f'time zone "{name}" not recognized') from error
    moved = np.where(infinite, numbers, moved)
    absent = None
    if moments.null_count or zones.null_count:
        absent = np.asarray(moments.is_null()) | np.asarray(zones.is_null())
    return pa.array(moved, pa.int64(), mask=absent).cast(result)


def _shown(moments: Ints, zone: str) -> Ints:
    return moments + utc_offsets(moments, zone) * _SECOND


def _meant(local: Ints, zone: str) -> Ints:
    return local - offsets_at_local(local, zone) * _SECOND


LOCAL_TIMES = (
    (
        "local_in_zone",
        [_MOMENT, _TEXT],
        _LOCAL,
        lambda moments, zones: _in_zones(moments, zones, _shown, _LOCAL),
    ),
    (
        "moment_in_zone",
        [_LOCAL, _TEXT],
        _MOMENT,
        lambda local, zones: _in_zones(local, zones, _meant, _MOMENT),
    ),
)
