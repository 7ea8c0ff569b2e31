"""Numeric columns as text and as PostgreSQL's binary form: digits in base 10,000.

Binary (src/backend/utils/adt/numeric.c, numeric_send): number of base-10,000 digits, weight of
the first one, sign, number of decimal digits shown after the point; then the digits. Leading and
trailing zero digits are not sent. Arrow's decimals have neither NaN nor infinities.
"""

from __future__ import annotations

import struct
from decimal import Context, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import FeatureNotSupported, InvalidBinaryRepresentation, NumericValueOutOfRange
from gateway.types import NUMERIC, SHOWN
from gateway.wire.encoding.columns import binary_array, numbers, validity, with_nulls

_NEGATIVE, _SPECIAL = 0x4000, 0xC000
_WHOLE_GROUPS = 5  # base-10,000 digits in the whole part of an int64
_MOST_DIGITS = 76  # of a decimal256
# Of numerics without a scale, and of sums and products of them, zeros at the end are not shown.
_OWN_SCALES = (NUMERIC.arrow, pa.decimal256(76, NUMERIC.arrow.scale))
_COMPUTED_SCALES = (28, 56)
_TOLD = 2  # digits of `SHOWN` that say how many others are shown
_exact = Context(prec=20000)


def numeric_texts(array: pa.Array) -> pa.Array:
    """Text of each number with all the digits of its scale, as a binary array.

    >>> numeric_texts(pa.array([Decimal("-0.05"), Decimal("12.30"), None])).to_pylist()
    [b'-0.05', b'12.30', None]
    """
    if pa.types.is_string(array.type):  # with an infinity among them
        return array.cast(pa.binary())
    if array.type == SHOWN:
        return _shown_texts(array)
    scale = array.type.scale
    if scale < 0:
        array, scale = array.cast(pa.decimal256(76, 0)), 0
    # Arrow prints small decimals with an exponent; as whole numbers it does not.
    width = array.type.bit_width
    whole_type = (pa.decimal128 if width == 128 else pa.decimal256)(array.type.precision, 0)
    text = pa.Array.from_buffers(whole_type, len(array), array.buffers(), offset=array.offset).cast(
        pa.string()
    )
    if scale:
        sign = pc.if_else(pc.starts_with(text, "-"), b"-", b"")
        digits = pc.ascii_lpad(pc.ascii_ltrim(text, "-"), scale + 1, "0").cast(pa.binary())
        whole, fraction = pc.binary_slice(digits, 0, -scale), pc.binary_slice(digits, -scale)
        text = pc.binary_join_element_wise(sign, whole, b".", fraction, b"").cast(pa.string())
    trimmed = _is_own(array.type)
    return (pc.ascii_rtrim(pc.ascii_rtrim(text, "0"), ".") if trimmed else text).cast(pa.binary())


def _is_own(kind: pa.DataType) -> bool:
    computed = pa.types.is_decimal256(kind) and kind.scale in _COMPUTED_SCALES
    return computed or kind in _OWN_SCALES


def _shown_texts(array: pa.Array) -> pa.Array:
    """Text of numbers each of which says how many of its digits after the point are shown."""
    whole = pa.Array.from_buffers(
        pa.decimal256(array.type.precision, 0), len(array), array.buffers(), offset=array.offset
    ).cast(pa.string())
    negative = pc.starts_with(whole, "-")
    # As bytes: to count characters takes Arrow eight times as long.
    digits = pc.ascii_lpad(pc.ascii_ltrim(whole, "-"), array.type.scale + 1, "0").cast(pa.binary())
    shown = pc.binary_slice(digits, -_TOLD).cast(pa.string()).cast(pa.int8())
    before = pc.binary_slice(digits, 0, -array.type.scale)
    after = pc.binary_slice(digits, -array.type.scale, -_TOLD)
    found = pa.nulls(len(array), pa.binary())
    for count in (counts := pc.unique(shown.drop_null()).to_pylist()):
        cut = pc.binary_slice(after, 0, count)
        text = pc.binary_join_element_wise(before, cut, b"." if count else b"")
        found = text if len(counts) == 1 else pc.if_else(pc.equal(shown, count), text, found)
    if not pc.any(negative).as_py():
        return found
    nonzero = pc.match_substring_regex(found, "[1-9]")
    sign = pc.if_else(pc.and_(negative, nonzero), b"-", b"")
    return pc.binary_join_element_wise(sign, found, b"")


def numeric_binaries(array: pa.Array) -> pa.Array:
    """Binary form of each number, as a binary array."""
    if pa.types.is_string(array.type) or array.type == SHOWN or _is_own(array.type):
        texts = numeric_texts(array).to_pylist()
        return pa.array([None if t is None else _binary_of(t.decode()) for t in texts], pa.binary())
    scale = array.type.scale
    small = _int64_or_none(array) if 0 <= scale <= 16 else None
    if small is not None:
        return with_nulls(_from_int64(small, scale), validity(array))
    return pa.array(
        [None if v is None else numeric_binary(v) for v in array.to_pylist()], pa.binary()
    )


def _int64_or_none(array: pa.Array) -> npt.NDArray[Any] | None:
    """The unscaled integers when all of them fit into 64 bits."""
    if array.type.bit_width != 128 or not len(array):
        return None
    halves = numbers(array, np.dtype([("low", "<i8"), ("high", "<i8")]))
    low = halves["low"]
    if (valid := validity(array)) is not None:
        low = np.where(valid, low, 0)
        fits = (halves["high"] == low >> 63) | ~valid
    else:
        fits = halves["high"] == low >> 63
    return low if fits.all() and (low > np.iinfo(np.int64).min).all() else None


def _from_int64(unscaled: npt.NDArray[Any], scale: int) -> pa.Array:
    fraction_groups = -(-scale // 4)
    groups = _WHOLE_GROUPS + fraction_groups
    size = np.abs(unscaled)
    whole = size // 10**scale
    fraction = (size - whole * 10**scale) * 10 ** (4 * fraction_groups - scale)
    matrix = np.zeros((len(unscaled), 4 + groups), ">u2")
    digits = matrix[:, 4:]
    for group in reversed(range(_WHOLE_GROUPS)):
        digits[:, group] = whole % 10_000
        whole //= 10_000
    for group in reversed(range(_WHOLE_GROUPS, groups)):
        digits[:, group] = fraction % 10_000
        fraction //= 10_000
    filled = digits != 0
    any_digit = filled.any(axis=1)
    first = np.where(any_digit, filled.argmax(axis=1), _WHOLE_GROUPS - 1)
    last = np.where(any_digit, groups - 1 - filled[:, ::-1].argmax(axis=1), _WHOLE_GROUPS - 2)
    count = last - first + 1
    matrix[:, 0] = count
    matrix[:, 1] = (_WHOLE_GROUPS - 1 - first).astype(np.int16).view(np.uint16)
    matrix[:, 2] = np.where(unscaled < 0, _NEGATIVE, 0)
    matrix[:, 3] = scale
    places = np.arange(groups)
    kept = np.ones(matrix.shape, np.bool_)
    kept[:, 4:] = (places >= first[:, None]) & (places <= last[:, None])
    return binary_array(matrix[kept], 8 + 2 * count)


def _binary_of(text: str) -> bytes:
    special = _SPECIALS.get(text)
    return numeric_binary(Decimal(text)) if special is None else special


# numeric_send of what is no number: sign, and the scale that the sign's bits are taken for.
_SPECIALS = {
    "NaN": struct.pack(">HhHH", 0, 0, 0xC000, 0),
    "Infinity": struct.pack(">HhHH", 0, 0, 0xD000, 32),
    "-Infinity": struct.pack(">HhHH", 0, 0, 0xF000, 32),
}


def numeric_binary(value: Decimal) -> bytes:
    """Binary form of one number.

    >>> numeric_binary(Decimal("-12345.60")).hex(" ", 2)
    '0003 0001 4000 0002 0001 0929 1770'
    """
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)  # Arrow's decimals are finite
    scale = max(-exponent, 0)
    unscaled = int("".join(map(str, digits))) * 10 ** (exponent + scale)
    fraction_groups = -(-scale // 4)
    unscaled *= 10 ** (4 * fraction_groups - scale)
    groups: list[int] = []
    while unscaled:
        unscaled, group = divmod(unscaled, 10_000)
        groups.append(group)
    weight = len(groups) - fraction_groups - 1 if groups else 0
    while groups and not groups[0]:
        del groups[0]
    groups.reverse()
    header = (len(groups), weight, _NEGATIVE if sign and groups else 0, scale)
    return struct.pack(f">HhHH{len(groups)}H", *header, *groups)


def read_numeric_binary(data: bytes) -> Decimal:
    """The number that PostgreSQL's binary form holds, with its scale.

    Raises:
        InvalidBinaryRepresentation: 22P03, the bytes are no such form.
        FeatureNotSupported: 0A000, NaN or an infinity.
    """
    if len(data) < 8:
        raise InvalidBinaryRepresentation("insufficient data left in message")
    count, weight, sign, scale = struct.unpack_from(">HhHH", data)
    if len(data) != 8 + 2 * count:
        raise InvalidBinaryRepresentation("incorrect binary data format for type numeric")
    if sign & _SPECIAL == _SPECIAL:
        raise FeatureNotSupported("a numeric NaN or infinity cannot be held here")
    groups = struct.unpack_from(f">{count}H", data, 8)
    if sign not in (0, _NEGATIVE):
        raise InvalidBinaryRepresentation('invalid sign in external "numeric" value')
    if any(group > 9999 for group in groups):
        raise InvalidBinaryRepresentation('invalid digit in external "numeric" value')
    unscaled = 0
    for group in groups:
        unscaled = unscaled * 10_000 + group
    size = Decimal(unscaled).scaleb(4 * (weight - count + 1), _exact)
    value = size.quantize(Decimal(1).scaleb(-scale), context=_exact)
    return value.copy_negate() if sign else value


def numeric_scalar(value: Decimal) -> pa.Scalar:
    """The number as an Arrow decimal with just the scale it has.

    Raises:
        NumericValueOutOfRange: 22003, more digits than a decimal256 holds.
    """
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    scale = max(-exponent, 0)
    precision = max(len(digits) + max(exponent, 0), scale, 1)
    if precision > _MOST_DIGITS:
        raise NumericValueOutOfRange(
            f"a numeric value has at most {_MOST_DIGITS} digits",
            detail=f"This one has {precision}.",
        )
    if exponent > 0:
        value = value.quantize(Decimal(1), context=_exact)
    return pa.scalar(value, (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale))


def numeric_list_type(values: list[Decimal | None]) -> pa.DataType:
    """The type of a list of the numbers; all get the largest scale among them.

    Raises:
        NumericValueOutOfRange: 22003, more digits than a decimal256 holds.
    """
    kinds = [numeric_scalar(value).type for value in values if value is not None]
    scale = max((kind.scale for kind in kinds), default=0)
    whole = max((kind.precision - kind.scale for kind in kinds), default=0)
    if whole + scale > _MOST_DIGITS:
        raise NumericValueOutOfRange(f"a numeric value has at most {_MOST_DIGITS} digits")
    element = (pa.decimal128 if whole + scale <= 38 else pa.decimal256)(
        max(whole + scale, 1), scale
    )
    return pa.list_(element)
