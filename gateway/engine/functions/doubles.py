"""Doubles as numerics: PostgreSQL takes the first 15 digits of one (float8_numeric)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.errors import FeatureNotSupported, NumericValueOutOfRange

_NUMERIC = pa.decimal128(38, 10)
_EXACT = 9.0e14  # below this a double holds a number of 15 digits, and a half beside it
_wide = Context(prec=400)


def numeric_of_double(values: pa.Array, digits: pa.Array) -> pa.Array:
    """Each rounded half away from zero to so many digits after the point, ten at most.

    Raises:
        FeatureNotSupported: 0A000, NaN and infinities. NumericValueOutOfRange: 22003, above 28
            digits before the point.
    """
    if not len(values):
        return pa.array([], _NUMERIC)
    given = values.to_numpy(zero_copy_only=False)
    none = np.asarray(values.is_null())
    if not np.isfinite(given[~none]).all():
        raise FeatureNotSupported(
            "a numeric NaN or infinity cannot be held here", hint="Use double precision."
        )
    scale = digits[0].as_py()
    size = np.where(none, 0.0, np.abs(given)) * 10.0**scale
    if (size < _EXACT).all() and (size * 10.0 ** (_NUMERIC.scale - scale) < 9.0e18).all():
        whole = np.floor(_fifteen(size) + 0.5).astype(np.int64)
        whole = np.where(np.signbit(given), -whole, whole) * 10 ** (_NUMERIC.scale - scale)
        column = pa.array(whole, pa.int64(), mask=none).cast(pa.decimal128(38, 0))
        return pa.Array.from_buffers(_NUMERIC, len(column), column.buffers())
    try:
        return pa.array([_one(value, scale) for value in values.to_pylist()], _NUMERIC)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("numeric field overflow", detail=str(error)) from error


def _fifteen(size: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Numbers of at most 15 digits before the point, to 15 digits in all."""
    known = size > 0
    above = np.floor(np.log10(size, where=known, out=np.zeros_like(size)))
    power = 10.0 ** np.clip(14 - above, 0, 22)
    found: npt.NDArray[np.float64] = np.where(known, np.rint(size * power) / power, size)
    return found


def _one(value: float | None, scale: int) -> Decimal | None:
    if value is None:
        return None
    return Decimal(f"{value:.14e}").quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _wide)


Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]

DOUBLES: tuple[Columnar, ...] = (
    ("numeric_of_double", [pa.float64(), pa.int64()], _NUMERIC, numeric_of_double),
)
