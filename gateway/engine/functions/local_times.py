"""AT TIME ZONE: what the clocks of a zone show at a moment, and the moment at which they show it.

The engine's own knows no rules after 2100, and takes none but a literal for a zone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from gateway.engine.functions.zone_offsets import DAY, Ints, utc_offsets
from gateway.errors import InvalidParameterValue
from gateway.sql.text import far_moments

_LOCAL, _MOMENT, _TEXT = pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.string()
_SECOND = 1_000_000


def _in_zones(
    moments: pa.Array, zones: pa.Array, move: Callable[[Ints, str], Ints], result: pa.DataType
) -> pa.Array:
    """Each value moved by the offset of its zone; NULL of NULL, and infinity as it is."""
    numbers = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    names = np.asarray(zones.fill_null("UTC").to_pylist(), object)
    infinite = (numbers == far_moments.TIMESTAMP_INFINITY) | (
        numbers == far_moments.TIMESTAMP_MINUS_INFINITY
    )
    moved = numbers.copy()
    for name in sorted(set(names.tolist())):
        rows = np.flatnonzero((names == name) & ~infinite)
        try:
            # An offset alone is one of POSIX, in which west is positive.
            posix = f"<x>{name}" if name.startswith(("+", "-")) else name
            moved[rows] = move(numbers[rows], posix)
        except InvalidParameterValue as error:
            raise InvalidParameterValue(f'time zone "{name}" not recognized') from error
    absent = np.asarray(moments.is_null()) | np.asarray(zones.is_null())
    return pa.array(moved, pa.int64(), mask=absent).cast(result)


def _shown(moments: Ints, zone: str) -> Ints:
    return moments + utc_offsets(moments, zone) * _SECOND


def _meant(local: Ints, zone: str) -> Ints:
    """Where the clocks show a time twice it is the later one; where never, as before the change."""
    before, after = (utc_offsets(local + days * DAY, zone) * _SECOND for days in (-1, 1))
    later = local - after
    shows = later + utc_offsets(later, zone) * _SECOND == local
    return np.where(shows, later, local - before)


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
