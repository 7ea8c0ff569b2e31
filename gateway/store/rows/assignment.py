"""PostgreSQL's assignment casts, a column of Arrow values at a time.

INSERT and UPDATE bring values of whatever type the engine computed; `assign` makes them values
of the column, or refuses as PostgreSQL does (manual, "CREATE CAST": AS ASSIGNMENT and AS
IMPLICIT). Checked against PostgreSQL 15 by tests/store/test_assignment.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import (
    CharacterNotInRepertoire,
    DatatypeMismatch,
    FeatureNotSupported,
    NumericValueOutOfRange,
    StringTooLong,
)
from gateway.sql.inputs.jsontext import READERS
from gateway.sql.inputs.literals import label_of
from gateway.sql.inputs.notation import PLAIN
from gateway.sql.inputs.precision import MOST_DIGITS, rounded
from gateway.sql.inputs.text_columns import read_texts, wide_decimal
from gateway.store.definitions.columntypes import numeric_digits, spelt, text_length
from gateway.store.definitions.definitions import Column
from gateway.store.rows import kept_values
from gateway.store.rows.kept_values import assign_array, duration_to_interval, whole_micros
from gateway.store.rows.rounding import check_rounded
from gateway.types import SHOWN, from_arrow

Cast = Callable[[pa.Array, Column], pa.Array]

# Wide enough for every decimal(38, s) at any scale, so that rounding never overflows on the way.
_WIDE_DIGITS = 76


def assign(values: pa.Array, column: Column) -> pa.Array:
    """`values` as values of `column`, of Arrow type `column.arrow`; NULL stays NULL.

    Raises:
        DatatypeMismatch: 42804, PostgreSQL has no assignment cast between the two types.
        NumericValueOutOfRange: 22003.
        StringTooLong: 22001.
        InvalidTextRepresentation: 22P02, InvalidDatetimeFormat: 22007, DatetimeFieldOverflow:
            22008: text that is no value of the type.
        FeatureNotSupported: 0A000, a cast that PostgreSQL has and this server has not.
    """
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), column.arrow)
    source = _family(values.type)
    if column.type.element is not None:
        return assign_array(values, column, assign, is_list=source == "list")
    if column.type.is_enum and source == "text":
        return _to_labels(values, column)
    cast = _CASTS.get((source, column.type.name))
    if cast is None:
        raise DatatypeMismatch(
            f'column "{column.name}" is of type {spelt(column.type, -1)}'
            f" but expression is of type {from_arrow(values.type).sql}",
            hint="You will need to rewrite or cast the expression.",
        )
    return cast(values, column)


# Arrow's predicates -> the families of the table below, in the order they are asked.
_FAMILIES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "bool"),
    (pa.types.is_integer, "int"),
    (pa.types.is_floating, "float"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_string, "text"),
    (pa.types.is_large_string, "text"),
    (pa.types.is_string_view, "text"),
    (pa.types.is_binary, "bytea"),
    (pa.types.is_large_binary, "bytea"),
    (pa.types.is_binary_view, "bytea"),
    (pa.types.is_date, "date"),
    (pa.types.is_time, "time"),
    (lambda t: pa.types.is_timestamp(t) and t.tz is None, "timestamp"),
    (pa.types.is_timestamp, "timestamptz"),
    (pa.types.is_duration, "duration"),
    (lambda t: t == pa.month_day_nano_interval(), "interval"),
    (pa.types.is_list, "list"),
    (pa.types.is_large_list, "list"),
    (pa.types.is_fixed_size_list, "list"),
)


def _family(arrow: pa.DataType) -> str:
    for belongs, name in _FAMILIES:
        if belongs(arrow):
            return name
    raise FeatureNotSupported(f"a value of type {arrow} cannot be kept in a table")


def _as_stored(values: pa.Array, column: Column) -> pa.Array:
    return values.cast(column.arrow, safe=False)


def _to_double(values: pa.Array, column: Column) -> pa.Array:
    """No NaN is kept with a sign: the engine would sort it below all numbers."""
    kept = _as_stored(values, column)
    total = pc.sum(kept).as_py()
    if total is None or total == total:
        return kept
    return pc.if_else(pc.is_nan(kept), pa.scalar(math.nan, kept.type), kept)


def _out_of_range(column: Column) -> NumericValueOutOfRange:
    return NumericValueOutOfRange(f"{column.type.sql} out of range")


def _to_integer(values: pa.Array, column: Column) -> pa.Array:
    try:
        return values.cast(column.arrow)
    except pa.ArrowInvalid as error:
        raise _out_of_range(column) from error


def _float_to_integer(values: pa.Array, column: Column) -> pa.Array:
    """Rounded half to even, as rint(); compared as doubles, where both bounds are exact."""
    whole = pc.round(values.cast(pa.float64()), round_mode="half_to_even")
    bound = float(2 ** (column.arrow.bit_width - 1))
    inside = pc.and_(pc.greater_equal(whole, -bound), pc.less(whole, bound))
    if not pc.all(inside, min_count=0).as_py():  # NaN compares false
        raise _out_of_range(column)
    return whole.cast(column.arrow, safe=False)


def _decimal_to_integer(values: pa.Array, column: Column) -> pa.Array:
    return _to_integer(_rounded(_widened(values), 0), column)


def _widened(values: pa.Array) -> pa.Array:
    if values.type == SHOWN:
        return _numbers(values)
    return values.cast(pa.decimal256(_WIDE_DIGITS, max(values.type.scale, 0)))


def _numbers(values: pa.Array) -> pa.Array:
    """Decimals without the two digits of `SHOWN` that are no part of the number."""
    if values.type != SHOWN:
        return values
    return pc.round(values, ndigits=SHOWN.scale - 2, round_mode="towards_zero")


def _rounded(wide: pa.Array, digits: int) -> pa.Array:
    return pc.round(wide, ndigits=digits, round_mode="half_towards_infinity")


def _integer_to_float(values: pa.Array, column: Column) -> pa.Array:
    return values.cast(column.arrow, safe=False)


def _to_real(values: pa.Array, column: Column) -> pa.Array:
    """A finite double that becomes infinite or zero in float4 is refused, as float8's dtof does."""
    narrow = _to_double(values, column)
    lost = pc.and_(pc.is_finite(values), pc.is_inf(narrow))
    if pc.any(lost).as_py():
        raise NumericValueOutOfRange("value out of range: overflow")
    if pc.any(pc.and_(pc.equal(narrow, 0), pc.not_equal(values, 0))).as_py():
        raise NumericValueOutOfRange("value out of range: underflow")
    return narrow


def _decimal_to_real(values: pa.Array, column: Column) -> pa.Array:
    # A double between would round twice; 39 digits never overflow a float4 (3.4e38) but at its
    # very end, where the text route would say the same.
    return _to_real(_numbers(values).cast(pa.float64()), column)


def _decimal_to_float(values: pa.Array, column: Column) -> pa.Array:
    # Arrow multiplies by a power of ten; the digits read back are the nearest double.
    return _numbers(values).cast(pa.string()).cast(column.arrow)


def _integer_to_numeric(values: pa.Array, column: Column) -> pa.Array:
    return to_numeric(values.cast(pa.decimal256(_WIDE_DIGITS, 0)), column)


def _decimal_to_numeric(values: pa.Array, column: Column) -> pa.Array:
    return to_numeric(_widened(values), column)


def _float_to_numeric(values: pa.Array, column: Column) -> pa.Array:
    """Through decimal digits, 15 of a double and 6 of a real, as float8_numeric does."""
    if not pc.all(pc.is_finite(values), min_count=0).as_py():
        raise FeatureNotSupported(
            f'NaN and Infinity cannot be kept in column "{column.name}" of type numeric',
            hint="Declare the column double precision.",
        )
    digits = "%.15g" if values.type == pa.float64() else "%.6g"
    plain = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    texts = pa.array(np.char.mod(digits, plain), pa.string(), mask=_nulls(values))
    return to_numeric(wide_decimal(texts), column, binary=True)


def _nulls(values: pa.Array) -> np.ndarray:
    return np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False))


def to_numeric(wide: pa.Array, column: Column, *, binary: bool = False) -> pa.Array:
    """decimal256 values rounded half away from zero to the column's digits.

    A column without digits takes what it can hold as it is (`rounding`), and refuses the rest.
    """
    precision, scale = numeric_digits(column.typmod)
    rounded = _rounded(wide, scale)
    if column.typmod < 0:
        check_rounded(wide, rounded, column.name, scale, binary=binary)
    try:
        return rounded.cast(pa.decimal256(_WIDE_DIGITS, scale)).cast(column.arrow)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A field with precision {precision}, scale {scale} must round to an absolute"
            f" value less than {f'10^{precision - scale}' if precision > scale else '1'}.",
        ) from error


def check_kept(values: pa.Array, column: Column) -> None:
    """Go on if a column that was made for these decimals has all their digits, as `rounding` says.

    Raises:
        NumericValueOutOfRange: 22003.
    """
    _, scale = numeric_digits(column.typmod)
    if values.type.scale > scale:
        wide = _widened(values)
        check_rounded(wide, _rounded(wide, scale), column.name, scale)


def _bool_to_text(values: pa.Array, column: Column) -> pa.Array:
    return _to_text(pc.if_else(values, "true", "false"), column)


def _to_text(values: pa.Array, column: Column) -> pa.Array:
    """Text cut or refused at the column's length.

    char(n) is kept without its trailing blanks, which PostgreSQL ignores when it compares and
    the engine would not.
    """
    texts = values.cast(pa.string())
    if column.type.name == "bpchar":
        texts = pc.utf8_rtrim(texts, characters=" ")
    if (limit := text_length(column.typmod)) is not None:
        cut = pc.utf8_slice_codeunits(texts, 0, limit)
        same = pc.equal(pc.utf8_rtrim(texts, " "), pc.utf8_rtrim(cut, " "))
        if not pc.all(same, min_count=0).as_py():
            raise StringTooLong(f"value too long for type {spelt(column.type, column.typmod)}")
        texts = cut
    if pc.any(pc.match_substring(texts, "\0")).as_py():
        raise CharacterNotInRepertoire('invalid byte sequence for encoding "UTF8": 0x00')
    return texts


def _to_name(values: pa.Array, column: Column) -> pa.Array:
    return kept_values.fitting(_to_text(values, column), column)


def _bool_to_name(values: pa.Array, column: Column) -> pa.Array:
    """As boolout writes it; a text has a cast of its own."""
    return pc.if_else(values, "t", "f")


def _no_text_form(values: pa.Array, column: Column) -> pa.Array:
    raise FeatureNotSupported(
        f'column "{column.name}" is of type {spelt(column.type, -1)}'
        f" but expression is of type {from_arrow(values.type).sql}",
        hint="Cast the expression to text.",
    )


def _to_moment(values: pa.Array, column: Column) -> pa.Array:
    """Dates and timestamps to timestamps; the time zone is UTC."""
    return _to_precision(values.cast(column.arrow, safe=False), column)


def _between_zones(values: pa.Array, column: Column) -> pa.Array:
    # From or to a zone, the number of microseconds since 1970 in UTC stays.
    micros = values.cast(pa.timestamp("us", values.type.tz), safe=False).cast(pa.int64())
    return _to_precision(micros.cast(column.arrow), column)


def _to_clock(values: pa.Array, column: Column) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        values = _utc_micros(values)
    return _to_precision(values.cast(column.arrow, safe=False), column)


def _to_day(values: pa.Array, column: Column) -> pa.Array:
    return _utc_micros(values).cast(column.arrow, safe=False)


def _utc_micros(values: pa.Array) -> pa.Array:
    micros = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    return micros.cast(pa.int64()).cast(pa.timestamp("us"))


def _to_precision(values: pa.Array, column: Column) -> pa.Array:
    """timestamp(p), time(p): to the nearest, half away from PostgreSQL's epoch."""
    if not 0 <= column.typmod < MOST_DIGITS:
        return values
    micros = pc.fill_null(values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    near = rounded(micros, column.typmod, column.type.name == "time")
    return pa.array(near, pa.int64(), mask=_nulls(values)).cast(column.arrow)


def _from_text(values: pa.Array, column: Column) -> pa.Array:
    texts = values.cast(pa.string())
    # A session's own notation is read before.
    read = read_texts(texts, column.type, PLAIN.unsettled)
    if column.type.name == "numeric":
        return to_numeric(read, column)
    return _to_precision(read, column) if column.type.name.startswith("time") else read


def _to_labels(values: pa.Array, column: Column) -> pa.Array:
    texts = values.cast(pa.string())
    labels = pa.array([*column.type.labels, None], pa.string())
    wrong = texts.filter(pc.invert(pc.is_in(texts, labels)))
    if len(wrong):
        label_of(wrong[0].as_py(), column.type)  # raises
    return texts


def _to_json(values: pa.Array, column: Column) -> pa.Array:
    read = READERS[column.type.name]
    texts = values.cast(pa.string()).to_pylist()
    return pa.array([None if text is None else read(text) for text in texts], pa.string())


_TEXTS = ("text", "varchar", "bpchar")
_INTEGERS = ("int2", "int4", "int8")
_READ = (*_INTEGERS, "oid", "float4", "float8", "numeric", "bool", "bytea", "uuid", "inet",
         "interval")  # fmt: skip
_MOMENTS = ("date", "time", "timestamp", "timestamptz")

# (family of the value, type of the column) -> cast. A missing row is a cast that PostgreSQL does
# not make by assignment: 42804.
_CASTS: dict[tuple[str, str], Cast] = {
    ("bool", "bool"): _as_stored,
    **{("int", name): _to_integer for name in _INTEGERS},
    ("int", "float4"): _integer_to_float,
    ("int", "float8"): _integer_to_float,
    ("int", "numeric"): _integer_to_numeric,
    **{("float", name): _float_to_integer for name in _INTEGERS},
    ("float", "float4"): _to_real,
    ("float", "float8"): _to_double,
    ("float", "numeric"): _float_to_numeric,
    **{("decimal", name): _decimal_to_integer for name in _INTEGERS},
    ("decimal", "float4"): _decimal_to_real,
    ("decimal", "float8"): _decimal_to_float,
    ("decimal", "numeric"): _decimal_to_numeric,
    **{("text", name): _from_text for name in (*_READ, *_MOMENTS)},
    **{("text", name): _to_json for name in ("json", "jsonb")},
    **{(kind, name): _to_text for kind in ("text", "int", "date") for name in _TEXTS},
    ("text", "char"): _to_name,
    **{(kind, "name"): _to_name for kind in ("text", "int", "date")},
    ("bool", "name"): _bool_to_name,
    ("int", "oid"): kept_values.to_oid,
    **{("bool", name): _bool_to_text for name in _TEXTS},
    **{
        (kind, name): _no_text_form
        for kind in ("float", "decimal", "bytea", "time", "timestamp", "timestamptz", "interval")
        for name in _TEXTS
    },
    ("bytea", "bytea"): _as_stored,
    ("date", "date"): _as_stored,
    ("date", "timestamp"): _to_moment,
    ("date", "timestamptz"): _to_moment,
    ("time", "time"): _to_clock,
    ("timestamp", "timestamp"): _to_moment,
    ("timestamp", "timestamptz"): _between_zones,
    ("timestamp", "date"): _to_day,
    ("timestamp", "time"): _to_clock,
    ("timestamptz", "timestamptz"): _between_zones,
    ("timestamptz", "timestamp"): _between_zones,
    ("timestamptz", "date"): _to_day,
    ("timestamptz", "time"): _to_clock,
    ("interval", "interval"): whole_micros,
    ("duration", "interval"): duration_to_interval,
}
