"""Quotients of numerics with as many digits as PostgreSQL shows of each.

It gives every quotient at least 16 significant digits, counted in groups of four, so that two rows
of a column have more or fewer of them after the point (src/backend/utils/adt/numeric.c,
select_div_scale). Arrow's decimals have one scale for a column: here the last two digits of the
column's scale say how many of the others are shown (`gateway.types.SHOWN`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import NumericValueOutOfRange
from gateway.types import SHOWN

_CUT = pa.decimal256(76, 34)  # as the engine gives a quotient, cut off
_MOST_SHOWN = 33  # one fewer, so that the last can be rounded
_SIGNIFICANT = 16
_GROUP = 4

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def _leading(values: Floats) -> tuple[Ints, Floats]:
    """The place of the first group of four digits that is not zero, and what it says."""
    size = np.abs(values)
    known = np.isfinite(size) & (size > 0)
    size = np.where(known, size, 1.0)
    place = np.floor(np.log10(size) / _GROUP)
    place -= size < 10.0 ** (_GROUP * place)
    place += size >= 10.0 ** (_GROUP * (place + 1))
    first = np.floor(size / 10.0 ** (_GROUP * place))
    return np.where(known, place, 0).astype(np.int64), np.where(known, first, 0.0)


def _scales(dividends: Floats, divisors: Floats, least: int) -> Ints:
    place, first = _leading(dividends)
    other_place, other_first = _leading(divisors)
    groups = place - other_place - (first <= other_first)
    found: Ints = np.clip(_SIGNIFICANT - groups * _GROUP, least, _MOST_SHOWN)
    return found


def shown_quotient(
    quotients: pa.Array, dividends: pa.Array, divisors: pa.Array, least: pa.Array
) -> pa.Array:
    """Each quotient, cut after 34 digits, rounded to what PostgreSQL shows; NULL of NULL.

    Raises:
        NumericValueOutOfRange: 22003, more than 34 digits before the point.
    """
    if not len(quotients):
        return pa.array([], SHOWN)
    above, below = (each.to_numpy(zero_copy_only=False) for each in (dividends, divisors))
    scales = _scales(above, below, least[0].as_py())
    rounded = _rounded(quotients, scales)
    try:
        wide = rounded.cast(SHOWN)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("numeric field overflow", detail=str(error)) from error
    return _told(wide, scales)


def _rounded(values: pa.Array, scales: Ints) -> pa.Array:
    found = None
    for scale in np.unique(scales).tolist():
        rounded = pc.round(values, scale, round_mode="half_towards_infinity")
        here = pa.array(scales == scale)
        found = rounded if found is None else pc.if_else(here, rounded, found)
    return found


def _told(values: pa.Array, scales: Ints) -> pa.Array:
    """The same with their scales in the last two digits, whatever the sign."""
    words = np.frombuffer(values.buffers()[1], np.uint64).reshape(-1, 4)
    words = words[values.offset : values.offset + len(values)].copy()
    negative = words[:, 3] >> np.uint64(63) == 1
    added = np.where(negative, -scales, scales).astype(np.int64).view(np.uint64)
    carry = np.zeros(len(words), np.uint64)
    sign = np.where(negative & (scales > 0), np.uint64(2**64 - 1), np.uint64(0))
    for place in range(4):
        term = added if place == 0 else sign
        first = words[:, place] + term
        total = first + carry
        carry = ((first < term) | (total < first)).astype(np.uint64)
        words[:, place] = total
    mask = values.is_null().to_numpy(zero_copy_only=False)
    data = pa.py_buffer(words.tobytes())
    valid = pa.array(~mask).buffers()[1] if mask.any() else None
    return pa.Array.from_buffers(SHOWN, len(words), [valid, data])


QUOTIENTS = (
    ("shown_quotient", [_CUT, pa.float64(), pa.float64(), pa.int64()], SHOWN, shown_quotient),
)
