"""AT TIME ZONE: what the clocks of a zone show at a moment, and the moment at which they show it.

The engine's own knows no rules after 2100, and takes none but a literal for a zone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from gateway.engine.functions.zone_offsets import Ints, offsets_at_local, utc_offsets
from gateway.errors import InvalidParameterValue
from gateway.sql.inputs import far_moments

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
