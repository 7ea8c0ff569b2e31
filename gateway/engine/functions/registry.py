"""PostgreSQL's functions that DataFusion lacks and no expression of its own gives exactly.

A row of FUNCTIONS is a name, the types of its arguments and result, and what computes one value.
A NULL argument makes the result NULL. erf and erfc are the C library's own, value by value
(about 0.1 us each): a polynomial over whole columns would not give the same last digit.

Users write to_char, age and their like; `sql.lowered.overloads` tells by the types of the arguments
which row is meant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datafusion import ScalarUDF, SessionContext, udf

from gateway.engine.functions import intervals
from gateway.engine.functions.addresses import ADDRESSES
from gateway.engine.functions.array_order import ARRAY_KEYS
from gateway.engine.functions.char_codes import LETTERS
from gateway.engine.functions.date_truncation import TRUNCATIONS
from gateway.engine.functions.datetime_arithmetic import MOVED
from gateway.engine.functions.datetime_construction import (
    MAKING,
    make_time,
    make_timestamp,
    zone_of_text,
)
from gateway.engine.functions.datetime_reading import read_date, read_moment
from gateway.engine.functions.datetime_text import instant_to_char, moment_to_char
from gateway.engine.functions.degrees import DEGREES
from gateway.engine.functions.doubles import DOUBLES
from gateway.engine.functions.interval_text import interval_to_char
from gateway.engine.functions.letter_case import LETTER_CASES
from gateway.engine.functions.matches import LIKES
from gateway.engine.functions.moments import FINITE, PRECISIONS, cut_interval, values_of
from gateway.engine.functions.number_text import (
    double_to_char,
    integer_to_char,
    number_to_char,
    numeric_to_char,
    read_number,
    real_to_char,
)
from gateway.engine.functions.numeric_calls import NUMERIC_CALLS
from gateway.engine.functions.quotients import QUOTIENTS
from gateway.engine.functions.result_sizes import AT_RUN_TIME, MOST_BYTES, ROOMS
from gateway.engine.functions.row_counts import ROW_COUNTS
from gateway.engine.functions.rows import Columnar, Row
from gateway.engine.functions.text_functions import MORE
from gateway.engine.functions.texts_read import NUMBER_TEXTS, TEXTS_READ
from gateway.engine.functions.variances import SPREADS
from gateway.engine.functions.zone_offsets import LOCAL_TIMES
from gateway.errors import (
    ArraySubscriptError,
    CardinalityViolation,
    DatetimeFieldOverflow,
    FeatureNotSupported,
    InvalidParameterValue,
    InvalidWidthBucketArgument,
    NullValueNotAllowed,
    NumericValueOutOfRange,
    OutOfMemory,
)

_DOUBLE, _BIGINT, _INTEGER, _TEXT = pa.float64(), pa.int64(), pa.int32(), pa.string()
_TIMESTAMP, _INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")
_DATE, _TIME, _INTERVAL = pa.date32(), pa.time64("us"), pa.month_day_nano_interval()
_NUMERIC = pa.decimal128(38, 10)


def _width_bucket(value: float, low: float, high: float, count: int) -> int:
    """PostgreSQL manual, 9.3: the number of the bucket of [low, high) that holds `value`."""
    if count <= 0:
        raise InvalidWidthBucketArgument("count must be greater than zero")
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        raise InvalidWidthBucketArgument("operand, lower bound, and upper bound cannot be NaN")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidWidthBucketArgument("lower and upper bounds must be finite")
    if low == high:
        raise InvalidWidthBucketArgument("lower bound cannot equal upper bound")
    if low > high:
        value, low, high = -value, -low, -high
    if value < low:
        return 0
    if value >= high:
        return count + 1
    return min(int(count * ((value - low) / (high - low))), count - 1) + 1


FUNCTIONS: tuple[Row, ...] = (
    ("erf", math.erf, [_DOUBLE], _DOUBLE),
    ("erfc", math.erfc, [_DOUBLE], _DOUBLE),
    ("width_bucket", _width_bucket, [_DOUBLE, _DOUBLE, _DOUBLE, _BIGINT], _INTEGER),
    ("to_char_timestamp", moment_to_char, [_TIMESTAMP, _TEXT], _TEXT),
    ("to_char_timestamptz", instant_to_char, [_INSTANT, _TEXT, _TEXT], _TEXT),
    ("to_char_interval", interval_to_char, [_INTERVAL, _TEXT], _TEXT),
    ("to_char_bigint", number_to_char, [_BIGINT, _TEXT], _TEXT),
    ("to_char_integer", integer_to_char, [_BIGINT, _TEXT], _TEXT),
    ("to_char_double", double_to_char, [_DOUBLE, _TEXT], _TEXT),
    ("to_char_real", real_to_char, [_DOUBLE, _TEXT], _TEXT),
    ("to_char_numeric", numeric_to_char, [_TEXT, _TEXT], _TEXT),
    ("to_timestamp_text", read_moment, [_TEXT, _TEXT], _TIMESTAMP),
    ("to_date_text", read_date, [_TEXT, _TEXT], _DATE),
    ("to_number_text", read_number, [_TEXT, _TEXT], _NUMERIC),
    ("age_timestamp", intervals.age, [_TIMESTAMP, _TIMESTAMP], _INTERVAL),
    ("interval_times", intervals.times, [_INTERVAL, _DOUBLE], _INTERVAL),
    ("interval_over", intervals.over, [_INTERVAL, _DOUBLE], _INTERVAL),
    ("interval_length", intervals.length, [_INTERVAL], _BIGINT),
    ("interval_key", intervals.key, [_INTERVAL], _TEXT),
    ("interval_of_key", intervals.of_key, [_TEXT], _INTERVAL),
    ("truncated_interval", intervals.truncate, [_TEXT, _INTERVAL], _INTERVAL),
    ("justify_days", intervals.justify_days, [_INTERVAL], _INTERVAL),
    ("justify_hours", intervals.justify_hours, [_INTERVAL], _INTERVAL),
    ("justify_interval", intervals.justify_interval, [_INTERVAL], _INTERVAL),
    ("make_interval_parts", intervals.make_interval, [*[_BIGINT] * 6, _DOUBLE], _INTERVAL),
    ("interval_of_text", intervals.of_text, [_TEXT, _TEXT], _INTERVAL),
    ("cut_interval", cut_interval, [_INTERVAL, _TEXT, _BIGINT], _INTERVAL),
    ("interval_of_time", intervals.of_time, [_TIME], _INTERVAL),
    ("time_of_interval", intervals.time_of_day, [_INTERVAL], _TIME),
    ("make_time_parts", make_time, [_BIGINT, _BIGINT, _DOUBLE], _TIME),
    ("make_timestamp_parts", make_timestamp, [*[_BIGINT] * 5, _DOUBLE], _TIMESTAMP),
    ("zone_of_text", zone_of_text, [_TEXT], _TEXT),
)


def _exactly(compute: Callable[[pa.Array, pa.Array], pa.Array]) -> Callable[..., pa.Array]:
    """Arithmetic of whole columns that raises where 64 bits do not hold the result."""

    def computed(left: pa.Array, right: pa.Array) -> pa.Array:
        try:
            return compute(left, right)
        except pa.ArrowInvalid as error:
            raise NumericValueOutOfRange("bigint out of range") from error

    return computed


# Under PostgreSQL's own names for them, which its users may call too.
_EXACT = (
    ("int8pl", pc.add_checked),
    ("int8mi", pc.subtract_checked),
    ("int8mul", pc.multiply_checked),
)


def _over_columns(compute: Callable[..., Any], result: pa.DataType) -> Callable[..., pa.Array]:
    infinite = compute in (moment_to_char, instant_to_char)

    def computed(*columns: pa.Array) -> pa.Array:
        if result in _GROWING:
            _refuse_long_lists(columns)
        rows = zip(*(values_of(column, infinite=infinite) for column in columns), strict=True)
        values = (None if None in row else compute(*row) for row in rows)
        return pa.array(list(_bounded(values) if result in _GROWING else values), result)

    return computed


_GROWING = (pa.string(), pa.list_(pa.string()), pa.list_(pa.list_(pa.string())))


def _refuse_long_lists(columns: Sequence[pa.Array]) -> None:
    """Refuse to take apart what format() and its like put together, where it is too much."""
    if any(pa.types.is_list(column.type) and column.nbytes > MOST_BYTES for column in columns):
        raise _too_much()


def _too_much() -> OutOfMemory:
    return OutOfMemory("out of memory: a function would make more than 256 MiB for a batch")


def _bounded(values: Iterable[Any]) -> Iterator[Any]:
    """The values, as long as there is room for them in one batch."""
    made = 0
    for value in values:
        made += 0 if value is None else len(value)
        if made > MOST_BYTES:
            raise _too_much()
        yield value


_UDFS: list[ScalarUDF] = [
    udf(_over_columns(compute, result), arguments, result, "immutable", name)
    for name, compute, arguments, result in (*FUNCTIONS, *MORE, *ADDRESSES)
] + [
    udf(_exactly(compute), [_BIGINT, _BIGINT], _BIGINT, "immutable", name)
    for name, compute in _EXACT
]


def _rint(values: pa.Array) -> pa.Array:
    """Whole numbers, ties to even; NULL of NULL."""
    rounded = np.rint(values.to_numpy(zero_copy_only=False))
    return pa.array(rounded, _DOUBLE, mask=np.asarray(values.is_null()))


def _significant(digits: int, values: pa.Array) -> pa.Array:
    """Each number to so many significant digits: a double always holds 15, a real 6."""
    given = values.to_numpy(zero_copy_only=False)
    known = np.isfinite(given) & (given != 0)
    size = np.floor(np.log10(np.abs(given), where=known, out=np.zeros_like(given)))
    places = np.clip(digits - 1 - size, -300, 300)
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    found = np.where(known, np.rint(given * up / down) / up * down, given)
    return pa.array(found, _DOUBLE, mask=np.asarray(values.is_null()))


def _object_key(keys: pa.Array, refusals: pa.Array) -> pa.Array:
    """The keys of an object, of which none may be NULL; else the refusal is raised."""
    if keys.null_count:
        raise InvalidParameterValue(refusals[0].as_py())
    return keys


def _is_one_row(counts: pa.Array) -> pa.Array:
    """True of a subquery that is a value and gives one row; more of them are an error."""
    if pc.any(pc.greater(counts, 1)).as_py():
        raise CardinalityViolation("more than one row returned by a subquery used as an expression")
    return pc.equal(counts, 1)


def _one_of_each(values: pa.Array, counts: pa.Array, refusals: pa.Array) -> pa.Array:
    """The values of keys that have one row; else the refusal is raised."""
    several = pc.greater(counts, 1)
    if pc.any(several).as_py():
        raise CardinalityViolation(pc.filter(refusals, several)[0].as_py())
    return values


def _subscript_to_assign(subscripts: pa.Array, lengths: pa.Array) -> pa.Array:
    """Where an item of an array is assigned; arrays begin at 1 here, and PostgreSQL's need not."""
    if subscripts.null_count:
        raise NullValueNotAllowed("array subscript in assignment must not be null")
    if pc.any(pc.less(subscripts, 1)).as_py():
        raise FeatureNotSupported(
            "an item cannot be assigned before the first of an array",
            hint="Arrays begin at 1 here: put it before the others with ||.",
        )
    first = pc.or_(pc.greater(lengths, 0), pc.equal(subscripts, 1))
    if not pc.all(first, min_count=0).as_py():
        raise FeatureNotSupported(
            "an empty array cannot be given an item beyond the first",
            hint="Arrays begin at 1 here: assign item 1 first.",
        )
    return subscripts


def _subscript_within(subscripts: pa.Array, lengths: pa.Array) -> pa.Array:
    """Where an item of an array of several dimensions is assigned: these do not grow."""
    if subscripts.null_count:
        raise NullValueNotAllowed("array subscript in assignment must not be null")
    empty = pc.equal(lengths, 0)
    if pc.any(pc.and_(empty, pc.not_equal(subscripts, 1))).as_py():
        return _subscript_to_assign(subscripts, lengths)
    beyond = pc.or_(pc.less(subscripts, 1), pc.greater(subscripts, lengths))
    if pc.any(pc.and_(pc.invert(empty), beyond)).as_py():
        raise ArraySubscriptError("array subscript out of range")
    return subscripts


def _bound_of_slice(bounds: pa.Array, lengths: pa.Array) -> pa.Array:
    """A bound of a slice that is not written, which an array without items has none of."""
    if pc.any(pc.equal(lengths, 0)).as_py():
        raise ArraySubscriptError("array slice subscript must provide both boundaries")
    return bounds


def _length_of_slice(lower: pa.Array, upper: pa.Array, given: pa.Array) -> pa.Array:
    """How many items a slice takes; more may be given, and of a NULL it is not asked."""
    if lower.null_count or upper.null_count:
        raise NullValueNotAllowed("array subscript in assignment must not be null")
    if pc.any(pc.less(upper, lower)).as_py():
        raise ArraySubscriptError("upper bound cannot be less than lower bound")
    lengths = pc.add(pc.subtract(upper, lower), 1)
    if pc.any(pc.less(given, lengths)).as_py():
        raise ArraySubscriptError("source array too small")
    return lengths


def _moment_of_seconds(seconds: pa.Array) -> pa.Array:
    """The moment so many seconds after 1970, rounded to microseconds."""
    micros = np.rint(seconds.to_numpy(zero_copy_only=False) * 1e6)
    if np.any(np.abs(micros) > 2.0**62):
        raise DatetimeFieldOverflow("timestamp out of range")
    known = np.isfinite(micros)
    if np.any(~known & ~np.asarray(seconds.is_null())):
        raise FeatureNotSupported("a timestamp that is infinite is not supported")
    whole = np.where(known, micros, 0).astype("int64")
    return pa.array(whole, pa.int64(), mask=~known).cast(_INSTANT)


_COLUMNAR: list[Columnar] = [
    ("moment_of_seconds", [_DOUBLE], _INSTANT, _moment_of_seconds),
    ("interval_between", [_BIGINT], _INTERVAL, intervals.between),
    ("rint", [_DOUBLE], _DOUBLE, _rint),
    ("fifteen_digits", [_DOUBLE], _DOUBLE, partial(_significant, 15)),
    ("six_digits", [_DOUBLE], _DOUBLE, partial(_significant, 6)),
    ("object_key", [_TEXT, _TEXT], _TEXT, _object_key),
    ("is_one_row", [_BIGINT], pa.bool_(), _is_one_row),
    ("one_of_each", [_DOUBLE, _BIGINT, _TEXT], _DOUBLE, _one_of_each),
    ("subscript_to_assign", [_BIGINT, _BIGINT], _BIGINT, _subscript_to_assign),
    ("subscript_within", [_BIGINT, _BIGINT], _BIGINT, _subscript_within),
    ("bound_of_slice", [_BIGINT, _BIGINT], _BIGINT, _bound_of_slice),
    ("length_of_slice", [_BIGINT, _BIGINT, _BIGINT], _BIGINT, _length_of_slice),
]


def made(functions: Iterable[Columnar]) -> list[ScalarUDF]:
    """The functions as the engine takes them; made once, for they cost more than to register."""
    return [
        udf(compute, arguments, result, "immutable", name)
        for name, arguments, result, compute in functions
    ]


_TIMES: tuple[Columnar, ...] = (
    *FINITE,
    *MAKING,
    *LOCAL_TIMES,
    *PRECISIONS,
    *TRUNCATIONS,
    *MOVED,
)
_WHOLE = made(
    [
        *_COLUMNAR,
        *ARRAY_KEYS,
        *LIKES,
        *DEGREES,
        *ROOMS,
        *QUOTIENTS,
        *ROW_COUNTS,
        *_TIMES,
        *NUMBER_TEXTS,
        *TEXTS_READ,
        *LETTERS,
        *LETTER_CASES,
        *NUMERIC_CALLS,
        *DOUBLES,
        *SPREADS,
    ]
)


def register_functions(context: SessionContext, more: Iterable[ScalarUDF] = ()) -> None:
    """Let the statements of `context` call PostgreSQL's functions, and `text_functions`."""
    for function in (*_UDFS, *_WHOLE, *AT_RUN_TIME, *more):
        context.register_udf(function)
