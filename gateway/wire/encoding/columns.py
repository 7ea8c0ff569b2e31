"""Result columns in the one Arrow form the encoders know, and as numpy sees them.

An engine may hand over views, dictionaries, large offsets, other widths or time units than the
field's own type; here each becomes `Type.arrow`, or is refused because a value does not fit.
What its bytes look like on the wire is left to `encode_text` and `encode_binary`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, isnan
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import CharacterNotInRepertoire, InternalError, NumericValueOutOfRange
from gateway.types import NUMERIC, Type

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A column whose fields all have the same number of bytes.

    `wire` is the numpy type of the field's bytes (`>f8`, `V10`), to which `values` are assigned;
    `valid` is False where the field is NULL, or None when none is.
    """

    values: npt.NDArray[Any]
    wire: str
    valid: npt.NDArray[np.bool_] | None = None


# A column of encoded fields: of equal length, or an Arrow binary array, NULL for NULL.
Encoded = Fixed | pa.Array


def normal_column(array: pa.Array, wanted: Type) -> pa.Array:
    """The column as an array of `wanted.arrow`; NULL stays NULL.

    Numeric keeps its own precision and scale, a duration keeps being one (in microseconds), an
    array has normal elements. Digits below a microsecond are cut off towards minus infinity.

    Raises:
        NumericValueOutOfRange: 22003, a value that the field's type cannot hold.
        CharacterNotInRepertoire: 22021, text that is not UTF-8.
        InternalError: XX000, the column is of another kind than its field.
    """
    if array.type == wanted.arrow and wanted.element is None:
        return array
    try:
        return _converted(array, wanted)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise CharacterNotInRepertoire(
                'invalid byte sequence for encoding "UTF8"', detail=str(error)
            ) from error
        raise NumericValueOutOfRange(f"{wanted.sql} out of range", detail=str(error)) from error
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise InternalError(
            f"a column of Arrow type {array.type} cannot be sent as {wanted.sql}"
        ) from error


def _converted(array: pa.Array, wanted: Type) -> pa.Array:
    if isinstance(array.type, pa.BaseExtensionType):
        return _converted(array.storage, wanted)
    if pa.types.is_dictionary(array.type):
        return _converted(array.dictionary_decode(), wanted)
    if pa.types.is_null(array.type) and not pa.types.is_null(wanted.arrow):
        return pa.nulls(len(array), wanted.arrow)
    if wanted.element is not None:
        return _normal_list(array, wanted.element)
    if wanted.name == "numeric":
        if pa.types.is_floating(array.type):
            return _as_numeric(array, wanted.arrow.scale)
        normal = _normal_numeric(array)
        return normal.cast(wanted.arrow) if normal.type == NUMERIC.arrow else normal
    if wanted.name == "interval" and pa.types.is_duration(array.type):
        return _in_microseconds(array, pa.duration("us"))
    if wanted.name == "uuid" and pa.types.is_fixed_size_binary(array.type):
        return _uuid_text(array)
    if pa.types.is_temporal(array.type) and getattr(array.type, "unit", "") == "ns":
        return _in_microseconds(array, wanted.arrow)
    _check_kind(array.type, wanted)
    return array.cast(wanted.arrow)


def _check_kind(found: pa.DataType, wanted: Type) -> None:
    """Arrow would print or parse to cast between kinds; only PostgreSQL's own notation will do."""
    texts = pa.types.is_string(wanted.arrow) or pa.types.is_binary(wanted.arrow)
    from_text = (
        pa.types.is_string(found)
        or pa.types.is_large_string(found)
        or pa.types.is_string_view(found)
        or pa.types.is_binary(found)
        or pa.types.is_large_binary(found)
        or pa.types.is_binary_view(found)
        or pa.types.is_fixed_size_binary(found)
    )
    if texts != from_text:
        raise pa.ArrowTypeError(f"{found} is not {wanted.sql}")


def _in_microseconds(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if array.type.unit != "ns":
        return array.cast(wanted)
    micros = int_values(array) // 1000
    mask = None if (valid := validity(array)) is None else ~valid
    return pa.array(micros, pa.int64(), mask=mask).cast(wanted)


def _normal_numeric(array: pa.Array) -> pa.Array:
    if pa.types.is_decimal(array.type):
        return (
            array
            if array.type.bit_width >= 128
            else array.cast(pa.decimal128(18, array.type.scale))
        )
    if pa.types.is_integer(array.type):
        return array.cast(pa.decimal128(20, 0))
    raise pa.ArrowTypeError(f"{array.type} is not numeric")


def _as_numeric(array: pa.Array, scale: int) -> pa.Array:
    """Doubles as numerics of that scale; as their texts where one is infinite or very large."""
    values = array.to_numpy(zero_copy_only=False)
    whole = np.rint(values * 10.0**scale)
    with np.errstate(invalid="ignore"):
        small = np.abs(whole) < _EXACT_DOUBLES
    valid = validity(array)
    if (small if valid is None else small | ~valid).all():
        mask = None if valid is None else ~valid
        unscaled = pa.array(np.where(small, whole, 0).astype(np.int64), mask=mask)
        wide = unscaled.cast(pa.decimal128(38, 0))
        return pa.Array.from_buffers(pa.decimal128(38, scale), len(wide), wide.buffers())
    return pa.array([None if v is None else _numeric_text(v, scale) for v in array.to_pylist()])


_EXACT_DOUBLES = 2**53


def _numeric_text(value: float, scale: int) -> str:
    if not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return f"{Decimal(repr(value)):.{scale}f}"


def _uuid_text(array: pa.Array) -> pa.Array:
    return pa.array([None if v is None else str(UUID(bytes=v)) for v in array.to_pylist()])


def _normal_list(array: pa.Array, element: Type) -> pa.Array:
    """A list array from offset 0 whose child is normal; the levels of an array of arrays stay."""
    if not (pa.types.is_list(array.type) and array.offset == 0):
        value_type = array.type.value_type
        array = array.cast(pa.list_(value_type))
    first, last = (array.offsets[0].as_py(), array.offsets[-1].as_py()) if len(array) else (0, 0)
    child = array.values.slice(first, last - first)
    nested = hasattr(child.type, "value_type") and not pa.types.is_dictionary(child.type)
    values = _normal_list(child, element) if nested else normal_column(child, element)
    offsets = pa.array(np.asarray(array.offsets)[: len(array) + 1] - first, pa.int32())
    if not len(array):
        return pa.array([], pa.list_(values.type))
    return pa.ListArray.from_arrays(offsets, values, mask=array.is_null())


def validity(array: pa.Array) -> npt.NDArray[np.bool_] | None:
    """True where there is a value; None when there is one everywhere."""
    if not array.null_count:
        return None
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def numbers(array: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values buffer of a fixed-width array as numpy `dtype`; anything where it is NULL."""
    if not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def int_values(array: pa.Array) -> Ints:
    """Days, microseconds or whatever a 64 or 32 bit array counts in, as int64; 0 where NULL."""
    wide = array.type.bit_width == 64
    values = numbers(array, "<i8" if wide else "<i4").astype(np.int64, copy=False)
    valid = validity(array)
    return values if valid is None else np.where(valid, values, 0)


def binary_array(
    data: Any, lengths: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """A binary array of len(lengths) values that lie one after another in `data`."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    large = offsets[-1] >= 2**31
    buffers = [
        None if valid is None else pa.array(valid).buffers()[1],
        pa.py_buffer(offsets if large else offsets.astype(np.int32)),
        pa.py_buffer(data),
    ]
    arrow = pa.large_binary() if large else pa.binary()
    return pa.Array.from_buffers(arrow, len(lengths), buffers)


def as_binary(array: pa.Array) -> pa.Array:
    """Text as the bytes it is made of, without a copy."""
    return array if pa.types.is_binary(array.type) else array.cast(pa.binary())


def with_nulls(array: pa.Array, valid: npt.NDArray[np.bool_] | None) -> pa.Array:
    """The array with NULL where `valid` is false."""
    return (
        array if valid is None else pc.if_else(pa.array(valid), array, pa.scalar(None, array.type))
    )
