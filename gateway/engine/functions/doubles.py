"""Doubles and texts as numerics; PostgreSQL takes the first 15 digits of a double."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import partial
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.numeric_calls import COMPUTED, cut
from gateway.engine.functions.rows import Columnar
from gateway.engine.functions.texts_read import nested, over_items
from gateway.errors import FeatureNotSupported, NumericValueOutOfRange
from gateway.sql.inputs.notation import PLAIN
from gateway.sql.inputs.text_columns import read_texts, wide_decimal
from gateway.types import NUMERIC

_NUMERIC = NUMERIC.arrow
_EXACT = 9.0e14  # below this a double holds a number of 15 digits, and a half beside it
# Between these a double has 15 digits of which none is beyond 28 after the point, or 38 before it.
_LEAST, _MOST = 1e-13, 1e37
_wide = Context(prec=400)


def numeric_of_double(values: pa.Array, digits: pa.Array) -> pa.Array:
    """Each rounded half away from zero to so many digits after the point, ten at most.

    Raises:
        FeatureNotSupported: 0A000, NaN and infinities. NumericValueOutOfRange: 22003, above 28
            digits before the point.
    """
    if not len(values):
        return pa.array([], _NUMERIC)
    given, none = _finite(values)
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


def _finite(values: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    given = values.to_numpy(zero_copy_only=False)
    none = np.asarray(values.is_null())
    if not np.isfinite(given[~none]).all():
        raise FeatureNotSupported(
            "a numeric NaN or infinity cannot be held here", hint="Use double precision."
        )
    return given, none


def numeric_of_float(values: pa.Array, digits: int = 15) -> pa.Array:
    """Each with its first digits, of which at most 28 stand after the point; of a real they are 6.

    Raises:
        FeatureNotSupported: 0A000, NaN and infinities. NumericValueOutOfRange: 22003, above 48
            digits before the point, or so small that fewer than 8 digits are left.
    """
    given, none = _finite(values)
    if not len(given):
        return pa.array([], COMPUTED)
    plain = pa.array(
        np.char.mod(f"%.{digits}g", np.where(none, 0.0, given)), pa.string(), mask=none
    )
    size = np.abs(given[~none])
    if ((size < _MOST) & ((size >= _LEAST) | (size == 0))).all():
        return _cut(wide_decimal(plain), COMPUTED.scale).cast(COMPUTED)
    try:
        found = [None if text is None else cut(Decimal(text)) for text in plain.to_pylist()]
        return pa.array(found, COMPUTED)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("numeric field overflow", detail=str(error)) from error


def numeric_of_text(texts: pa.Array) -> pa.Array:
    """Each as it is written, of at most 28 digits after the point.

    Raises:
        InvalidTextRepresentation: 22P02. FeatureNotSupported: 0A000, NaN and infinities.
        NumericValueOutOfRange: 22003, of more digits.
    """
    wide = read_texts(texts, NUMERIC, PLAIN)
    return _all_of(wide, COMPUTED.scale).cast(COMPUTED)


def _cut(wide: pa.Array, digits: int) -> pa.Array:
    return pc.round(wide, ndigits=digits, round_mode="half_towards_infinity")


def _all_of(values: pa.Array, digits: int) -> pa.Array:
    """The values, which have no more digits after the point than these.

    Raises:
        NumericValueOutOfRange: 22003.
    """
    rounded = _cut(values, digits)
    if pc.any(pc.not_equal(values, rounded)).as_py():
        raise NumericValueOutOfRange(
            f"a numeric computed here has {digits} digits after the point, too few for this one",
            hint="Cast it to numeric(precision, scale), or to double precision.",
        )
    return rounded


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


def _as_item(values: pa.Array) -> pa.Array:
    """Items of an array with ten digits, or refused: the engine compares none of 256 bits.

    Raises:
        NumericValueOutOfRange: 22003.
    """
    try:
        return _all_of(values, _NUMERIC.scale).cast(_NUMERIC)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("numeric field overflow") from error


def _item_of_text(texts: pa.Array) -> pa.Array:
    return _as_item(numeric_of_text(texts))


def _depths(kind: pa.DataType) -> Iterator[tuple[int, tuple[pa.DataType, pa.DataType]]]:
    """Arrays of one dimension to six, of `kind` and of numerics without digits."""
    return enumerate(islice(zip(nested(kind), nested(_NUMERIC), strict=True), 6), 1)


DOUBLES: tuple[Columnar, ...] = (
    ("numeric_of_double", [pa.float64(), pa.int64()], _NUMERIC, numeric_of_double),
    ("numeric_of_float", [pa.float64()], COMPUTED, numeric_of_float),
    ("numeric_of_text", [pa.string()], COMPUTED, numeric_of_text),
    (
        "numerics_of_floats",
        [pa.list_(pa.float64())],
        pa.list_(_NUMERIC),
        partial(over_items, lambda values: _as_item(numeric_of_float(values))),
    ),
    (
        "numerics_of_reals",
        [pa.list_(pa.float32())],
        pa.list_(_NUMERIC),
        partial(over_items, lambda values: _as_item(numeric_of_float(values, 6))),
    ),
    *(
        (f"numerics_of_texts_{depth}d", [texts], numbers, partial(over_items, _item_of_text))
        for depth, (texts, numbers) in _depths(pa.string())
    ),
    *(
        (f"numerics_of_items_{depth}d", [items], numbers, partial(over_items, _as_item))
        for depth, (items, numbers) in _depths(COMPUTED)
    ),
)
