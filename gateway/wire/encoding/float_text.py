"""Floating-point columns in PostgreSQL's notation, shortest digits that read back the same.

PostgreSQL (src/common/d2s.c, f2s.c) writes fixed notation while the decimal exponent is in
-4 .. 14 (real: -4 .. 5) and `d.ddde-NN` with at least two exponent digits otherwise; a whole
number has no point. It refuses digits that lie halfway between two floats, as those of 1e23 do;
only whole numbers from 2**53 on (real: 2**24) can. orjson finds the digits at 13-30 ns a value,
but changes notation at other exponents, so its text is edited here, the whole column at once.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gateway.wire.encoding.columns import Ints, binary_array

# First power of ten that is written with an exponent.
FIRST_SCIENTIFIC = {"float8": 1e15, "float4": 1e6}

_COMMA, _POINT, _ZERO, _E = b",.0e"


def float_texts(values: npt.NDArray[Any], first_scientific: float) -> pa.Array:
    """Text of each value, as a binary array without nulls.

    >>> float_texts(np.array([1.0, 1e-8, 1e15, -0.0, np.nan]), 1e15).cast("string").to_pylist()
    ['1', '1e-08', '1e+15', '-0', 'NaN']
    """
    if not len(values):
        return pa.array([], pa.binary())
    texts = _shortest(values)
    size = np.abs(values)
    with np.errstate(invalid="ignore"):
        respelt = ((size >= first_scientific) | (size < 1e-4)) & (size != 0)
        if values.dtype == np.float64:  # beyond these orjson has written an exponent already
            respelt &= (size >= 1e-5) & (size < 1e16)
    places = np.flatnonzero(respelt)
    if len(places):
        texts = _respell(texts, values, places, first_scientific)
    lowest, highest = _HALFWAY[values.dtype.itemsize]
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero((size >= lowest) & (size <= highest))
    halfway = [place for place in far.tolist() if _is_halfway(str(values[place]), values[place])]
    if halfway:
        spelt = [float_text(values[place], first_scientific) for place in halfway]
        mask = np.zeros(len(values), np.bool_)
        mask[halfway] = True
        texts = pc.replace_with_mask(texts, pa.array(mask), pa.array(spelt, pa.binary()))
    if not np.isfinite(values).all():
        for which, word in (
            (np.isnan(values), b"NaN"),
            (values == np.inf, b"Infinity"),
            (values == -np.inf, b"-Infinity"),
        ):
            texts = pc.if_else(pa.array(which), pa.scalar(word, pa.binary()), texts)
    return texts


def _shortest(values: npt.NDArray[Any]) -> pa.Array:
    """orjson's text of each, without `.0` at the end and with two exponent digits.

    The edits are made at the ends of the values only, so that one pass over the bytes, which
    takes the commas out, is all there is beside orjson's own.
    """
    json = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    text = np.frombuffer(bytearray(json), np.uint8)[1:]
    text[-1] = _COMMA
    ends = np.flatnonzero(text == _COMMA)
    lengths = np.diff(ends, prepend=-1) - 1
    # `12.0,` becomes `12,,,`
    whole = (text[ends - 2] == _POINT) & (text[ends - 1] == _ZERO)
    text[ends[whole] - 1] = text[ends[whole] - 2] = _COMMA
    # `1e-8,` becomes `1e-08`; orjson always signs an exponent
    short = text[ends - 3] == _E
    text[ends[short]] = text[ends[short] - 1]
    text[ends[short] - 1] = _ZERO
    return binary_array(text.tobytes().translate(None, b","), lengths - 2 * whole + short)


def _respell(texts: pa.Array, values: npt.NDArray[Any], places: Ints, limit: float) -> pa.Array:
    """The texts with PostgreSQL's notation at `places`, where orjson's may be another."""
    if len(places) * 100 > len(texts):
        fixed = np.zeros(len(texts), np.bool_)
        fixed[places] = True
        mask = pc.and_(pa.array(fixed), pc.invert(pc.match_substring(texts, "e")))
        return pc.replace_with_mask(texts, mask, _scientific(texts.filter(mask)))
    pieces, done = [], 0
    for place in places.tolist():
        text = float_text(values[place], limit)
        pieces += [texts.slice(done, place - done), pa.array([text], pa.binary())]
        done = place + 1
    return pa.concat_arrays([*pieces, texts.slice(done)])


def _scientific(texts: pa.Array) -> pa.Array:
    """`123.4` as `1.234e+02`; each text is a nonzero number in fixed notation."""
    text = texts.cast(pa.string())
    sign = pc.utf8_slice_codeunits(text, 0, 1)
    sign = pc.if_else(pc.equal(sign, "-"), "-", "")
    unsigned = pc.utf8_ltrim(text, "-")
    point = pc.find_substring(unsigned, ".")
    whole = pc.if_else(pc.less(point, 0), pc.utf8_length(unsigned), point)
    places = pc.utf8_replace_slice(unsigned, 0, 0, "")
    places = pc.replace_substring(places, ".", "", max_replacements=1)
    digits = pc.utf8_ltrim(places, "0")
    zeros = pc.subtract(pc.utf8_length(places), pc.utf8_length(digits))
    exponent = pc.subtract(pc.subtract(whole, zeros), 1)
    digits = pc.utf8_rtrim(digits, "0")
    rest = pc.utf8_slice_codeunits(digits, 1)
    point_text = pc.if_else(pc.equal(rest, ""), "", ".")
    power = pc.utf8_lpad(pc.cast(pc.abs(exponent), pa.string()), 2, "0")
    power_sign = pc.if_else(pc.less(exponent, 0), "e-", "e+")
    first = pc.utf8_slice_codeunits(digits, 0, 1)
    joined = pc.binary_join_element_wise(sign, first, point_text, rest, power_sign, power, "")
    return joined.cast(pa.binary())


# By the bytes of a float: between which sizes the shortest digits may lie halfway to another one.
# These are d * 10**q with 17 digits d (real: 9), which 5**q divides where it is 54 bits (25) wide.
_HALFWAY = {8: (2.0**53, 1e41), 4: (2.0**24, 1e20)}


def _is_halfway(text: str, value: Any) -> bool:
    """Whether digits that read back as a large float are as near to the next one."""
    digits, own = Decimal(text), int(value)
    if digits == own:
        return False
    beside = np.nextafter(value, type(value)(math.inf if digits > own else -math.inf))
    return 2 * abs(digits - own) == abs(int(beside) - own)


def _digits(value: Any) -> str:
    """Python's text of a finite float, with more digits where its own lie halfway."""
    text = str(value)
    lowest, highest = _HALFWAY[4 if isinstance(value, np.float32) else 8]
    if not lowest <= abs(value) <= highest or not _is_halfway(text, value):
        return text
    longer = (f"{float(value):.{count}e}" for count in range(1, 17))
    kind = type(value)
    return next(t for t in longer if kind(t) == value and not _is_halfway(t, value))


def float_text(value: Any, first_scientific: float) -> bytes:
    """Text of one value, a float or a numpy.float32.

    >>> float_text(0.1, 1e15), float_text(1e-7, 1e15), float_text(np.float32(1.5e6), 1e6)
    (b'0.1', b'1e-07', b'1.5e+06')
    """
    if not math.isfinite(value):
        return b"NaN" if value != value else b"Infinity" if value > 0 else b"-Infinity"
    text = _digits(value)
    if value == 0 or (1e-4 <= abs(value) < first_scientific and "e" not in text):
        return text.removesuffix(".0").encode()
    # Python writes repr(1e15) as 1000000000000000.0 and numpy 1500000.0: take the digits apart.
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    digits = whole + fraction
    exponent = int(power or 0) + len(whole) - 1 - (len(digits) - len(digits.lstrip("0")))
    digits = digits.strip("0")
    sign = "-" if value < 0 else ""
    if exponent == -4:  # numpy compares as double: float32(1e-4) is a little less
        return f"{sign}0.000{digits}".encode()
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e{exponent:+03d}".encode()
