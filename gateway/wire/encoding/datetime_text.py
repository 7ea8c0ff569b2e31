"""Dates, times, timestamps and intervals in PostgreSQL's ISO notation (DateStyle ISO).

Whole columns of ordinary years are written as a matrix of digits; years outside 0001 .. 9999 and
infinities, one value at a time. The calendar is the proleptic Gregorian one, as PostgreSQL's.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.engine.functions.zone_offsets import (
    DAY,
    EPOCH,
    offset_text,
    utc_offset_seconds,
    utc_offsets,
)
from gateway.sql.inputs.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from gateway.sql.inputs.zones import ERA_DAYS
from gateway.wire.encoding.columns import Ints, binary_array

_FIRST_DAY, _LAST_DAY = -719162, 2932896  # 0001-01-01 and 9999-12-31, in days since 1970-01-01
_ERA_YEARS = 400

_TWO = np.array([b"%02d" % n for n in range(100)]).view(np.uint16)
_FOUR = np.array([b"%04d" % n for n in range(10000)]).view(np.uint32)
_YMD = [("year", "u4"), ("m", "u1"), ("month", "u2"), ("d", "u1"), ("day", "u2")]
_HMS = [("hour", "u2"), ("c", "u1"), ("minute", "u2"), ("e", "u1"), ("second", "u2")]
# The same bytes in as few pieces as numpy can move at once.
_DATE, _TIME = [("start", "u8"), ("end", "u2")], [("clock", "u8")]
_FRACTION = [("p", "u1"), ("high", "u2"), ("low", "u4")]


def date_texts(days: Ints) -> npt.NDArray[Any] | pa.Array:
    """Text of each date: a matrix of 10 bytes a row, or a binary array when years go beyond."""
    if not _ordinary(days):
        return pa.array([date_text(day) for day in days.tolist()], pa.binary())
    rows = np.empty(len(days), _DATE)
    _write_date(rows, days)
    return rows.view("V10")


def time_texts(micros: Ints) -> npt.NDArray[Any] | pa.Array:
    """Text of each time of day: 8 bytes a row, or a binary array when one has a fraction."""
    fraction = micros % 1_000_000
    rows = np.empty(len(micros), _TIME + _FRACTION if fraction.any() else _TIME)
    _write_time(rows, micros)
    return _trimmed(rows, fraction, 8)


def timestamp_texts(micros: Ints, zone: str | None = None) -> npt.NDArray[Any] | pa.Array:
    """Text of each timestamp, with the offset of `zone` at its end when there is one.

    Args:
        micros: Microseconds since 1970-01-01 00:00, UTC when there is a zone.
        zone: IANA name of the session's TimeZone; None for timestamps without one.
    """
    offsets = np.zeros(1, np.int64) if zone is None else utc_offsets(micros, zone)
    local = micros + offsets * 1_000_000
    days = local // DAY
    if not _ordinary(days):
        return pa.array([timestamp_text(value, zone) for value in micros.tolist()], pa.binary())
    fraction = local % 1_000_000
    time = _TIME + _FRACTION if fraction.any() else _TIME
    rows = np.empty(len(micros), [*_DATE, ("t", "u1"), *time])
    _write_date(rows, days)
    rows["t"] = ord(" ")
    _write_time(rows, local - days * DAY)
    trimmed = _trimmed(rows, fraction, 19)
    return trimmed if zone is None else _with_offsets(trimmed, offsets)


def _ordinary(days: Ints) -> bool:
    return not len(days) or bool(days.min() >= _FIRST_DAY and days.max() <= _LAST_DAY)


def _write_date(rows: npt.NDArray[Any], days: Ints) -> None:
    first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
    if last - first < len(days):  # rows are more than days: each is written once and looked up
        texts = _dates(np.arange(first, last + 1))
        places = days - first
        rows["start"], rows["end"] = texts["start"][places], texts["end"][places]
    else:
        texts = _dates(days)
        rows["start"], rows["end"] = texts["start"], texts["end"]


def _dates(days: Ints) -> npt.NDArray[Any]:
    rows = np.empty(len(days), _YMD)
    dates = days.astype("M8[D]")
    months = dates.astype("M8[M]")
    month_number = months.astype(np.int64)
    rows["year"] = _FOUR[month_number // 12 + 1970]
    rows["month"] = _TWO[month_number % 12 + 1]
    rows["day"] = _TWO[(dates - months.astype("M8[D]")).astype(np.int64) + 1]
    rows["m"] = rows["d"] = ord("-")
    return rows.view(_DATE)


def _write_time(rows: npt.NDArray[Any], micros: Ints) -> None:
    seconds = micros // 1_000_000
    rows["clock"] = _clock()[seconds]
    if "low" in (rows.dtype.names or ()):
        fraction = micros - seconds * 1_000_000
        rows["high"] = _TWO[fraction // 10_000]
        rows["low"] = _FOUR[fraction % 10_000]
        rows["p"] = ord(".")


@cache
def _clock() -> npt.NDArray[np.uint64]:
    """The text of each second of a day, and of its end."""
    seconds = np.arange(86_401)
    rows = np.empty(len(seconds), _HMS)
    rows["hour"] = _TWO[seconds // 3600]
    rows["minute"] = _TWO[seconds // 60 % 60]
    rows["second"] = _TWO[seconds % 60]
    rows["c"] = rows["e"] = ord(":")
    return rows.view("u8")


def _trimmed(rows: npt.NDArray[Any], fraction: Ints, whole: int) -> npt.NDArray[Any] | pa.Array:
    """The rows without trailing zeros of the fraction, and without its point when it is zero."""
    if rows.dtype.itemsize == whole:
        return rows.view(f"V{whole}")
    matrix = rows.view(np.uint8).reshape(len(rows), whole + 7)
    zeros = sum((fraction % power == 0).astype(np.int64) for power in (10, 100, 1000, 10**4, 10**5))
    lengths = np.where(fraction == 0, whole, whole + 7 - zeros)
    return binary_array(matrix[np.arange(whole + 7) < lengths[:, None]], lengths)


def _with_offsets(texts: npt.NDArray[Any] | pa.Array, offsets: Ints) -> npt.NDArray[Any] | pa.Array:
    """The texts, each followed by its offset."""
    few, which = np.unique(offsets, return_inverse=True)
    written = np.array([offset_text(seconds).encode() for seconds in few.tolist()])
    widths = {len(text) for text in written.tolist()}
    if isinstance(texts, np.ndarray) and len(widths) <= 1:
        rows = np.empty(len(texts), [("text", texts.dtype), ("offset", written.dtype)])
        rows["text"], rows["offset"] = texts, written[which]
        return rows.view(f"V{rows.dtype.itemsize}")
    if isinstance(texts, np.ndarray):
        width = texts.dtype.itemsize
        texts = binary_array(texts, np.full(len(texts), width))
    suffixes = pa.array(written.tolist(), pa.binary()).take(pa.array(which))
    return pa.compute.binary_join_element_wise(texts, suffixes, b"")


# One value at a time.


def date_text(days: int) -> bytes:
    """Text of a date given in days since 1970-01-01.

    >>> date_text(0), date_text(-719163), date_text(2**31 - 1)
    (b'1970-01-01', b'0001-12-31 BC', b'infinity')
    """
    if days in (DATE_INFINITY, DATE_MINUS_INFINITY):
        return b"infinity" if days > 0 else b"-infinity"
    text, era = _date_and_era(days)
    return (text + era).encode()


def time_text(micros: int) -> bytes:
    """Text of a time given in microseconds since midnight.

    >>> time_text(0), time_text(86_399_900_000), time_text(86_400_000_000)
    (b'00:00:00', b'23:59:59.9', b'24:00:00')
    """
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    return f"{text}.{fraction:06d}".rstrip("0").encode() if fraction else text.encode()


def timestamp_text(micros: int, zone: str | None = None) -> bytes:
    """Text of one timestamp; the arguments are those of `timestamp_texts`.

    >>> timestamp_text(1_500_000), timestamp_text(0, "Europe/Berlin")
    (b'1970-01-01 00:00:01.5', b'1970-01-01 01:00:00+01')
    """
    if micros in (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY):
        return b"infinity" if micros > 0 else b"-infinity"
    seconds = 0 if zone is None else utc_offset_seconds(micros, zone)
    days, rest = divmod(micros + seconds * 1_000_000, DAY)
    text, era = _date_and_era(days)
    offset = "" if zone is None else offset_text(seconds)
    return f"{text} {time_text(rest).decode()}{offset}{era}".encode()


def _date_and_era(days: int) -> tuple[str, str]:
    """`YYYY-MM-DD` and, for years before 1, ` BC`; years beyond 9999 have more digits."""
    eras, rest = divmod(days - _FIRST_DAY, ERA_DAYS)
    date = EPOCH.replace(year=1) + timedelta(days=rest)
    year = date.year + eras * _ERA_YEARS
    era = "" if year > 0 else " BC"
    return f"{year if year > 0 else 1 - year:04d}-{date.month:02d}-{date.day:02d}", era


def interval_text(months: int, days: int, micros: int) -> bytes:
    """Text of an interval in IntervalStyle postgres.

    >>> interval_text(14, -3, 14_706_789_000), interval_text(0, 0, 0), interval_text(-1, 2, 0)
    (b'1 year 2 mons -3 days +04:05:06.789', b'00:00:00', b'-1 mons +2 days')
    """
    parts: list[str] = []
    before = 0  # sign of the part before: a positive one after a negative one gets its plus
    years = int(months / 12)
    for value, unit in ((years, "year"), (months - 12 * years, "mon"), (days, "day")):
        if value:
            parts.append(
                f"{'+' if before < 0 < value else ''}{value} {unit}{'' if value == 1 else 's'}"
            )
            before = value
    if micros or not parts:
        sign = "-" if micros < 0 else "+" if before < 0 else ""
        parts.append(sign + time_text(abs(micros)).decode())
    return " ".join(parts).encode()
