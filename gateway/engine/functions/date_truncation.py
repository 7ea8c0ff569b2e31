"""date_trunc with all of PostgreSQL's units, a column at a time, on the clocks of a zone.

The engine's own has no decade, century and millennium, takes its unit as a literal alone, and knows
no rules for summer after 2100. Here is also the unit of a date_part that a row tells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from gateway.engine.functions.zone_offsets import DAY, Ints, offsets_at_local, utc_offsets
from gateway.sql.inputs.far_moments import TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY
from gateway.sql.inputs.zones import known_zone
from gateway.sql.types.part_units import BELOW_DAY, UNITS, no_unit

_SECOND = 1_000_000
# Unit -> microseconds, for those of one length; a week begins four days before 1970.
_STEPS = {
    "microseconds": 1, "milliseconds": 1000, "second": _SECOND, "minute": 60 * _SECOND,
    "hour": 3600 * _SECOND, "day": DAY, "week": 7 * DAY,
}  # fmt: skip
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
# Years; a century begins in its year 1, as there is no year 0.
_YEARS = {"decade": (10, 0), "century": (100, 1), "millennium": (1000, 1)}


def truncated(micros: Ints, unit: str) -> Ints:
    """Local times in microseconds since 1970, what is below the unit left out.

    >>> truncated(np.array([DAY * 40]), "month").tolist() == [DAY * 31]
    True

    Raises:
        InvalidParameterValue: 22023, no such unit.
        FeatureNotSupported: 0A000, a unit that moments are not truncated to.
    """
    word = UNITS.get(unit.lower())
    if word in _STEPS:
        step = _STEPS[word]
        shift = 4 * DAY if word == "week" else 0
        return (micros - shift) // step * step + shift
    months = (micros // DAY).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    if word in _MONTHS:
        first = months // _MONTHS[word] * _MONTHS[word]
    elif word in _YEARS:
        years, start = _YEARS[word]
        year = months // 12 + 1970 - start
        first = (year // years * years + start - 1970) * 12
    else:
        raise no_unit(unit, "timestamp without time zone")
    days: Ints = first.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return days * DAY


def _numbers(moments: pa.Array) -> Ints:
    found: Ints = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return found


def _by_unit(
    units: pa.Array, moments: pa.Array, truncate: Callable[[Ints, str, Ints], Ints]
) -> pa.Array:
    """Each moment truncated to its unit; NULL of NULL, and infinity as it is."""
    numbers = _numbers(moments)
    infinite = (numbers == TIMESTAMP_INFINITY) | (numbers == TIMESTAMP_MINUS_INFINITY)
    given, found = np.where(infinite, 0, numbers), numbers.copy()
    encoded = units.dictionary_encode()
    places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for place, unit in enumerate(encoded.dictionary.to_pylist()):
        rows = np.flatnonzero((places == place) & ~infinite)
        if unit is not None:
            found[rows] = truncate(given[rows], unit, rows)
    absent = np.asarray(moments.is_null()) | np.asarray(units.is_null())
    return pa.array(found, pa.int64(), mask=absent).cast(moments.type)


def _plain(units: pa.Array, moments: pa.Array) -> pa.Array:
    return _by_unit(units, moments, lambda numbers, unit, rows: truncated(numbers, unit))


def _zoned(units: pa.Array, moments: pa.Array, zones: pa.Array) -> pa.Array:
    names = np.asarray(zones.fill_null("UTC").to_pylist(), object)

    def truncate(numbers: Ints, unit: str, rows: Ints) -> Ints:
        found = numbers.copy()
        for name in dict.fromkeys(names[rows].tolist()):
            here = np.flatnonzero(names[rows] == name)
            known_zone(name)
            offsets = utc_offsets(numbers[here], name) * _SECOND
            local = truncated(numbers[here] + offsets, unit)
            if UNITS[unit.lower()] not in BELOW_DAY:
                offsets = offsets_at_local(local, name) * _SECOND
            found[here] = local - offsets
        return found

    made = _by_unit(units, moments, truncate)
    return pa.compute.if_else(zones.is_null(), pa.scalar(None, made.type), made)


def _part_unit(units: pa.Array, kind: pa.Array, those: pa.Array) -> pa.Array:
    """Each unit as it is called in full, for a type and the units that it has; NULL of NULL.

    Raises:
        InvalidParameterValue: 22023, no such unit.
        FeatureNotSupported: 0A000, the type has no such unit.
    """
    encoded, names = units.dictionary_encode(), []
    for spelt in encoded.dictionary.to_pylist():
        names.append(UNITS.get(spelt.lower()))
        if names[-1] not in those[0].as_py().split(","):
            raise no_unit(spelt, kind[0].as_py())
    return pa.array(names, pa.string()).take(encoded.indices)


_LOCAL, _MOMENT, _TEXT = pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.string()
TRUNCATIONS = (
    ("truncated_timestamp", [_TEXT, _LOCAL], _LOCAL, _plain),
    ("part_unit", [_TEXT, _TEXT, _TEXT], _TEXT, _part_unit),
    ("truncated_timestamptz", [_TEXT, _MOMENT, _TEXT], _MOMENT, _zoned),
)
