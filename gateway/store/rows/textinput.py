"""Text to values: what PostgreSQL's input functions accept, a column at a time.

A quoted literal that the engine typed as text reaches a column here. Each type has a pattern of
the spellings that are read; whatever else PostgreSQL reads ('yesterday', 'infinity' as a date)
is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_05UP, Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import (
    DatetimeFieldOverflow,
    FeatureNotSupported,
    GatewayError,
    InvalidDatetimeFormat,
    InvalidParameterValue,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
)
from gateway.sql.inputs.far_moments import DAY_MICROS
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.inputs.number_input import refuse_overflow
from gateway.types import BY_NAME, Type

_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
_ZONE = r"\s?(Z|[+-]\d{2}(:?\d{2})?)"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?"


def read(texts: pa.Array, type: Type) -> pa.Array:
    """Values of `type` for texts (Arrow string); NULL stays NULL.

    Raises:
        GatewayError: 22P02, 22007, 22008, 22003: the first text that is no value of the type.
        FeatureNotSupported: 0A000, this type is not read from text.
    """
    row = _INPUTS.get(type.name)
    if row is None:
        raise FeatureNotSupported(
            f"text cannot be read as {type.sql} here",
            hint=f"Write a typed literal: {type.sql.upper()} '...'.",
        )
    trimmed = pc.utf8_trim_whitespace(texts) if row.trims else texts
    matched = pc.match_substring_regex(trimmed, f"(?is)^({row.pattern})$")
    if (bad := _first(texts, pc.invert(matched))) is not None:
        raise row.malformed(f'invalid input syntax for type {_input_name(type)}: "{bad}"')
    return row.parse(trimmed, type)


def read_numeric(texts: pa.Array) -> pa.Array:
    """decimal256 values for texts of numbers.

    Raises:
        InvalidTextRepresentation: 22P02.
        FeatureNotSupported: 0A000, NaN or Infinity.
    """
    return read(texts, BY_NAME["numeric"])


def wide_decimal(texts: pa.Array) -> pa.Array:
    """decimal256(76, 38) for texts in the form of a number, of which digits past the 38th are cut.

    The last is no 0 or 5 where others were: so it may be rounded again, and is told from 0.

    Raises:
        NumericValueOutOfRange: 22003, more than 38 digits before the point.
    """
    scale = 38
    try:
        return exact_decimal(texts, scale)
    except pa.ArrowInvalid as error:
        # Python's decimal reads any length and exponent, and such text is rare.
        return _long_decimals(texts, scale, error)


# At most 38 digits before the point. Arrow makes other numbers of 1e69, 1e1000 or 61 nines.
_SHORT = r"^([^eE]{0,38}([eE]-[0-9]{1,2})?|[^eE]{0,18}[eE][+]?[01]?[0-9])$"


def exact_decimal(texts: pa.Array, scale: int) -> pa.Array:
    """decimal256(76, scale) for texts that Arrow surely reads rightly; NULL stays NULL.

    Raises:
        ArrowInvalid: A text is no number, or long, or has a large exponent or too many digits.
    """
    if not pc.all(pc.match_substring_regex(texts, _SHORT), min_count=0).as_py():
        raise pa.ArrowInvalid("long")
    return texts.cast(pa.decimal256(76, scale))


def _long_decimals(texts: pa.Array, scale: int, cause: Exception) -> pa.Array:
    try:
        values = [None if text is None else _rounded(text, scale) for text in texts.to_pylist()]
        return pa.array(values, pa.decimal256(76, scale))
    except (pa.ArrowInvalid, ArithmeticError) as error:
        raise NumericValueOutOfRange("value overflows numeric format") from (error or cause)


def _rounded(text: str, scale: int) -> Decimal:
    refuse_overflow(text)
    context = Context(prec=2000, rounding=ROUND_05UP)
    return context.create_decimal(text).quantize(Decimal(1).scaleb(-scale), context=context)


def cut_nanoseconds(values: pa.Array) -> pa.Array:
    """Intervals (Arrow month_day_nano) rounded toward zero to whole microseconds."""
    dtype = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
    buffers = values.buffers()
    parts = np.frombuffer(buffers[1], dtype)[values.offset : values.offset + len(values)].copy()
    parts["nanos"] = (parts["nanos"] / 1000).astype(np.int64) * 1000
    valid = pc.is_valid(values).cast(pa.uint8()).to_numpy(zero_copy_only=False)
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    data = pa.py_buffer(parts.tobytes())
    return pa.Array.from_buffers(values.type, len(values), [bitmap, data])


def _first(texts: pa.Array, chosen: pa.Array) -> str | None:
    """The first text where `chosen` is true."""
    found = texts.filter(chosen)
    return found[0].as_py() if len(found) else None


def _input_name(type: Type) -> str:
    """The name PostgreSQL's datetime input puts into its messages is the short one."""
    return type.sql if type.name == "timestamptz" else type.sql.removesuffix(" without time zone")


def _read_integer(texts: pa.Array, type: Type) -> pa.Array:
    plain = pc.replace_substring_regex(texts, r"^\+", "")
    try:
        return plain.cast(type.arrow)
    except pa.ArrowInvalid as error:
        bound = 2 ** (8 * type.size - 1)
        bad = next(t for t in texts.to_pylist() if t and not -bound <= int(t) < bound)
        raise NumericValueOutOfRange(
            f'value "{bad}" is out of range for type {type.sql}'
        ) from error


def _read_oid(texts: pa.Array, type: Type) -> pa.Array:
    """Unsigned, and what is negative as strtoul takes it."""
    numbers = _read_integer(texts, BY_NAME["int8"])
    outside = pc.or_(pc.less(numbers, -(2**31)), pc.greater_equal(numbers, 2**32))
    if (bad := _first(texts, outside)) is not None:
        raise NumericValueOutOfRange(f'value "{bad}" is out of range for type oid')
    return pc.bit_wise_and(numbers, 2**32 - 1).cast(type.arrow)


def _read_float(texts: pa.Array, type: Type) -> pa.Array:
    values = texts.cast(type.arrow)
    digits = pc.match_substring_regex(texts, r"^[+-]?[0-9.]")
    nonzero = pc.match_substring_regex(texts, r"(?i)^[^e]*[1-9]")
    lost = pc.or_(pc.and_(digits, pc.is_inf(values)), pc.and_(nonzero, pc.equal(values, 0.0)))
    if (bad := _first(texts, lost)) is not None:
        raise NumericValueOutOfRange(f'"{bad}" is out of range for type {type.sql}')
    return values


def _read_bool(texts: pa.Array, type: Type) -> pa.Array:
    return pc.match_substring_regex(texts, r"(?i)^(t|y|on|1)")


def _read_numeric(texts: pa.Array, type: Type) -> pa.Array:
    if pc.any(pc.match_substring_regex(texts, "(?i)^[+-]?(nan|inf)")).as_py():
        raise FeatureNotSupported(
            "NaN and Infinity cannot be kept as numeric",
            hint="Declare the column double precision.",
        )
    return wide_decimal(texts)


def _read_bytea(texts: pa.Array, type: Type) -> pa.Array:
    """Hexadecimal after a backslash and x; text without a backslash is its own UTF-8 bytes."""
    hexadecimal = pc.starts_with(texts, "\\x")
    digits = pc.if_else(hexadecimal, pc.utf8_slice_codeunits(texts, 2), "")
    if pc.any(pc.equal(pc.bit_wise_and(pc.utf8_length(digits), 1), 1)).as_py():
        raise InvalidParameterValue("invalid hexadecimal data: odd number of digits")
    lengths = pc.fill_null(pc.utf8_length(digits), 0).to_numpy(zero_copy_only=False) // 2
    data = bytes.fromhex("".join(pc.fill_null(digits, "").to_pylist()))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    decoded = pa.Array.from_buffers(
        pa.binary(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    return pc.if_else(hexadecimal, decoded, texts.cast(pa.binary()))


def _read_uuid(texts: pa.Array, type: Type) -> pa.Array:
    digits = pc.utf8_lower(pc.replace_substring_regex(texts, "[{}-]", ""))
    return pc.replace_substring_regex(digits, "^(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-")


def _cast_moment(texts: pa.Array, shown: pa.Array, target: pa.DataType) -> pa.Array:
    try:
        return texts.cast(target)
    except pa.ArrowInvalid as error:
        bad = next(
            (s for t, s in zip(texts, shown, strict=True) if not _parses(t, target)), shown[0]
        )
        raise DatetimeFieldOverflow(f'date/time field value out of range: "{bad}"') from error


def _parses(text: pa.Scalar, target: pa.DataType) -> bool:
    try:
        text.cast(target)
    except pa.ArrowInvalid:
        return False
    return True


def _read_date(texts: pa.Array, type: Type) -> pa.Array:
    return _cast_moment(pc.utf8_slice_codeunits(texts, 0, 10), texts, type.arrow)


def _read_time(texts: pa.Array, type: Type) -> pa.Array:
    """24:00:00 is the end of the day, and the only time of that hour."""
    late = pc.match_substring_regex(texts, r"^24:00(:00(\.0*)?)?$")
    clock = pc.if_else(late, "00:00", texts)
    day = pc.binary_join_element_wise("1970-01-01 ", clock, "")
    micros = _cast_moment(day, texts, pa.timestamp("us")).cast(pa.int64())
    return pc.if_else(late, DAY_MICROS, micros).cast(type.arrow)


def _read_timestamp(texts: pa.Array, type: Type) -> pa.Array:
    """A zone in the text of a timestamp without one is ignored, as the manual says (8.5.1.3)."""
    plain = pc.replace_substring_regex(texts, f"(?i)^({_DAY}[ T]{_CLOCK}){_ZONE}$", r"\1")
    return _cast_moment(plain, texts, type.arrow)


def _read_interval(texts: pa.Array, _: Type) -> pa.Array:
    parts = (None if text is None else read_interval(text) for text in texts.to_pylist())
    values = [p and pa.MonthDayNano([p[0], p[1], p[2] * 1000]) for p in parts]
    return pa.array(values, pa.month_day_nano_interval())


def _read_timestamptz(texts: pa.Array, type: Type) -> pa.Array:
    """Without a zone in the text it is UTC."""
    day_only = pc.match_substring_regex(texts, f"^{_DAY}$")
    whole = pc.if_else(day_only, pc.binary_join_element_wise(texts, "00:00", " "), texts)
    zoned = pc.match_substring_regex(whole, f"(?i)[ T]{_CLOCK}{_ZONE}$")
    close = pc.replace_substring_regex(whole, r"\s([Z+-])", r"\1")
    with_zone = pc.if_else(zoned, close, pc.binary_join_element_wise(whole, "Z", ""))
    return _cast_moment(pc.utf8_upper(with_zone), texts, type.arrow)


@dataclass(frozen=True, slots=True)
class _Input:
    """How one type reads text: the spellings it takes (any case), and what makes values of them."""

    pattern: str
    parse: Callable[[pa.Array, Type], pa.Array]
    malformed: type[GatewayError] = InvalidTextRepresentation
    trims: bool = True


_INTEGER = _Input(r"[+-]?\d+", _read_integer)
_FLOAT = _Input(rf"{_NUMBER}|[+-]?(inf|infinity)|[+-]?nan", _read_float)
_UUID_GROUP = r"[0-9a-f]{4}-?"
_MOMENT = f"{_DAY}([ T]{_CLOCK}({_ZONE})?)?"

_INPUTS = {
    "int2": _INTEGER,
    "int4": _INTEGER,
    "int8": _INTEGER,
    "oid": _Input(r"[+-]?\d+", _read_oid),
    "float4": _FLOAT,
    "float8": _FLOAT,
    "numeric": _Input(rf"{_NUMBER}|[+-]?(inf|infinity)|nan", _read_numeric),
    "bool": _Input(r"t|tr|tru|true|y|ye|yes|on|1|f|fa|fal|fals|false|n|no|of|off|0", _read_bool),
    "bytea": _Input(r"\\x([0-9a-f]*)|[^\\]*", _read_bytea, trims=False),
    "uuid": _Input(rf"\{{({_UUID_GROUP}){{7}}[0-9a-f]{{4}}\}}|({_UUID_GROUP}){{7}}[0-9a-f]{{4}}",
                   _read_uuid, trims=False),
    "date": _Input(_MOMENT, _read_date, InvalidDatetimeFormat),
    "time": _Input(_CLOCK, _read_time, InvalidDatetimeFormat),
    "timestamp": _Input(_MOMENT, _read_timestamp, InvalidDatetimeFormat),
    "timestamptz": _Input(_MOMENT, _read_timestamptz, InvalidDatetimeFormat),
    "interval": _Input(r".*", _read_interval, InvalidDatetimeFormat),
}  # fmt: skip
