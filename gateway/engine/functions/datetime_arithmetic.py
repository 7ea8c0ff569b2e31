"""A moment moved by an interval, on the clocks of a zone (manual, 9.9).

Months and days go by local time: the same hour of another day; the rest is so much later. The
engine's own fails where the clocks skip that hour, and knows no rules for summer after 2100.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from gateway.engine.functions.zone_offsets import DAY, Ints, offsets_at_local, utc_offsets
from gateway.errors import DatetimeFieldOverflow
from gateway.sql.inputs.far_moments import (
    FIRST_MICROS,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)

_SECOND = 1_000_000
_PARTS = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])


def _moved(moments: pa.Array, intervals: pa.Array, zones: pa.Array, signs: pa.Array) -> pa.Array:
    """Each moment later, or earlier with the sign -1; NULL of NULL, and infinity as it is.

    Raises:
        DatetimeFieldOverflow: 22008, beyond PostgreSQL's years.
    """
    if not len(moments):
        return moments
    given: Ints = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    infinite = (given == TIMESTAMP_INFINITY) | (given == TIMESTAMP_MINUS_INFINITY)
    zone, sign = zones[0].as_py(), signs[0].as_py()
    buffer = intervals.buffers()[1]
    parts = np.frombuffer(buffer, _PARTS)[intervals.offset : intervals.offset + len(intervals)]
    absent = np.asarray(moments.is_null()) | np.asarray(intervals.is_null())
    still = infinite | absent
    months, days = (np.where(still, 0, sign * parts[name].astype(np.int64)) for name in
                    ("months", "days"))  # fmt: skip
    micros = np.where(still, 0, sign * (parts["nanos"] // 1000))
    found = np.where(still, 0, given)
    if months.any():
        found = np.where(months != 0, _by_months(found, months, zone), found)
    if days.any():
        local = found + utc_offsets(found, zone) * _SECOND + days * DAY
        found = np.where(days != 0, local - offsets_at_local(local, zone) * _SECOND, found)
    later = found + micros
    if np.any(later < FIRST_MICROS) or np.any((micros > 0) & (later < found)):
        raise DatetimeFieldOverflow("timestamp out of range")
    return pa.array(np.where(infinite, given, later), pa.int64(), mask=absent).cast(moments.type)


def _by_months(moments: Ints, months: Ints, zone: str) -> Ints:
    """The same day of another month, or its last one."""
    local = moments + utc_offsets(moments, zone) * _SECOND
    days, clock = local // DAY, local % DAY
    start = days.astype("datetime64[D]").astype("datetime64[M]")
    place = days - start.astype("datetime64[D]").astype(np.int64)
    there = start + months
    first = there.astype("datetime64[D]").astype(np.int64)
    length = (there + 1).astype("datetime64[D]").astype(np.int64) - first
    moved: Ints = (first + np.minimum(place, length - 1)) * DAY + clock
    return moved - offsets_at_local(moved, zone) * _SECOND


_MOMENT = pa.timestamp("us", "UTC")
MOVED = (
    (
        "moved_timestamptz",
        [_MOMENT, pa.month_day_nano_interval(), pa.string(), pa.int64()],
        _MOMENT,
        _moved,
    ),
)
