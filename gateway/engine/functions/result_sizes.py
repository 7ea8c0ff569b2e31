"""Room for the results of functions that make much of little: repeat('x', 2000000000).

The engine asks for the memory of such a result at once, past any pool, and ends the process when
it is not there. So `sql.lowered.values.rooms` writes one of these around an argument of the call:
it gives its last argument back as it is, or refuses when the results for the rows at hand would be
too large. `text_joined` is `||` itself, `known_joined` concat() of two.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datafusion import ScalarUDF, udf
from numpy.typing import NDArray

from gateway.engine.functions.rows import Columnar
from gateway.errors import FeatureNotSupported, OutOfMemory

# What one call may make of one batch of rows. PostgreSQL lets a single value grow to four times
# that, and has one row at a time.
MOST_BYTES = 2**28
MOST_ELEMENTS = 2**24
# The same for arrays that are put together, which are there already: 8,192 rows of some thousands.
MOST_JOINED = 2**26
# And of texts, in bytes; a column of more than 2 GB the engine cannot make.
MOST_TEXT = 2**29

_TEXT, _BIGINT = pa.string(), pa.int64()
_MOMENT, _INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")
_INTERVAL = pa.month_day_nano_interval()


def admit(wanted: float, most: int, what: str) -> None:
    """Refuse what would take too much: 53200."""
    if wanted > most:
        raise OutOfMemory(
            f"out of memory: {what} would make {wanted:.3g}, of {most} at most for a batch of rows"
        )


def _numbers(values: pa.Array) -> NDArray[np.float64]:
    """Values as floats that cannot overflow; what is NULL or negative makes nothing."""
    found = pc.fill_null(values.cast(pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    kept: NDArray[np.float64] = np.clip(found, 0.0, None)
    return kept


def _repeated(text: pa.Array, count: pa.Array) -> pa.Array:
    total = np.dot(_numbers(pc.binary_length(text)), _numbers(count))
    admit(float(total), MOST_BYTES, "repeat, in bytes,")
    return count


def _text_repeated(text: pa.Array, count: pa.Array) -> pa.Array:
    """`repeat(text, count)`, where there is room for it; NULL where either is."""
    admitted = _repeated(text, count)
    return pc.binary_repeat(text, pc.max_element_wise(admitted, 0, skip_nulls=False))


def _padded(length: pa.Array) -> pa.Array:
    admit(float(_numbers(length).sum()), MOST_BYTES // 4, "padding, in characters,")
    return length


def _counted(count: pa.Array) -> pa.Array:
    admit(float(_numbers(count).sum()), MOST_ELEMENTS, "an array, in elements,")
    return count


def _nested(inside: pa.Array, count: pa.Array) -> pa.Array:
    total = np.dot(_numbers(inside), _numbers(count))
    admit(float(total), MOST_ELEMENTS, "an array of arrays, in elements,")
    return count


def _joined(count: pa.Array) -> pa.Array:
    admit(float(_numbers(count).sum()), MOST_JOINED, "joining arrays, in elements,")
    return count


def _text_joined(left: pa.Array, right: pa.Array) -> pa.Array:
    """`left || right`, where there is room for it; NULL where either is."""
    total = _numbers(pc.binary_length(left)).sum() + _numbers(pc.binary_length(right)).sum()
    admit(float(total), MOST_TEXT, "joining texts, in bytes,")
    return pc.binary_join_element_wise(left, right, "")


def _known_joined(left: pa.Array, right: pa.Array) -> pa.Array:
    """The same of what is not NULL, as concat() joins."""
    return _text_joined(pc.fill_null(left, ""), pc.fill_null(right, ""))


def _ranged(start: pa.Array, step: pa.Array, stop: pa.Array) -> pa.Array:
    first, last, by = (v.cast(pa.float64()) for v in (start, stop, step))
    steps = pc.divide(pc.subtract(last, first), pc.if_else(pc.equal(by, 0.0), 1.0, by))
    admit(float(_numbers(steps).sum()), MOST_ELEMENTS, "a series, in elements,")
    return stop


def _span(start: pa.Array, stop: pa.Array, step: pa.Array) -> pa.Array:
    """The room for a series of moments; the engine counts them in nanoseconds.

    Raises:
        FeatureNotSupported: 0A000, an end that so many nanoseconds cannot tell: the engine would
            give no row.
    """
    first, last = (_numbers_of(each) for each in (start, stop))
    by = np.array([_micros(each) for each in step.to_pylist()], np.float64)
    with np.errstate(all="ignore"):
        steps = np.nan_to_num((last - first) / np.where(by == 0, np.nan, by), nan=-1.0)
    far = np.fmax(np.abs(first), np.abs(last)) > _FARTHEST
    if np.any(far & (steps >= 0)):
        raise FeatureNotSupported(
            "a series of moments before 1677-09-22 or after 2262-04-11 is not supported",
            hint="Add the numbers of a series to a date: date '2300-01-01' + n.",
        )
    admit(float(np.clip(steps, 0.0, None).sum()), MOST_ELEMENTS, "a series, in elements,")
    return stop


# Microseconds from 1970 that 64 bits of nanoseconds hold.
_FARTHEST = 2.0**63 / 1000


def _numbers_of(moments: pa.Array) -> NDArray[np.float64]:
    """Microseconds from 1970; NaN for NULL."""
    found: NDArray[np.float64] = moments.cast(_BIGINT).to_numpy(zero_copy_only=False)
    return found.astype(np.float64)


def _micros(step: pa.MonthDayNano | None) -> float:
    """About how long an interval is; the shortest months, for the most steps."""
    if step is None:
        return float("nan")
    days: int = step.months * 28 + step.days
    nanoseconds: int = step.nanoseconds
    return days * 86_400e6 + nanoseconds / 1000


def _replaced(old: pa.Array, new: pa.Array, text: pa.Array) -> pa.Array:
    """What replace makes, at most; counted exactly where that is too much."""
    long, short, more = (_numbers(pc.binary_length(each)) for each in (text, old, new))
    most = np.where(short > 0, long / np.maximum(short, 1.0) * more, 0.0) + long
    if most.sum() > MOST_BYTES:
        rows = zip(*(each.to_pylist() for each in (text, old)), strict=True)
        found = [t.count(o) if t is not None and o else 0 for t, o in rows]
        admit(float(np.dot(found, more) + long.sum()), MOST_BYTES, "replace, in bytes,")
    return text


def _matched(new: pa.Array, text: pa.Array) -> pa.Array:
    """What regexp_replace makes at most: the new text at every place, matches quoted in it."""
    long, more = (_numbers(pc.binary_length(each)) for each in (text, new))
    quoted = _numbers(pc.count_substring(new, "\\"))
    most = (long + 1) * more + quoted * long
    admit(float(most.sum()), MOST_BYTES, "regexp_replace, in bytes,")
    return text


#    name              arguments                     the last of them   computation
ROOMS: tuple[Columnar, ...] = (
    ("room_to_repeat",  [_TEXT, _BIGINT],            _BIGINT,           _repeated),
    ("text_repeated",   [_TEXT, _BIGINT],            _TEXT,             _text_repeated),
    ("room_to_pad",     [_BIGINT],                   _BIGINT,           _padded),
    ("room_for_array",  [_BIGINT],                   _BIGINT,           _counted),
    ("room_for_arrays", [_BIGINT, _BIGINT],          _BIGINT,           _nested),
    ("room_to_join",    [_BIGINT],                   _BIGINT,           _joined),
    ("text_joined",     [_TEXT, _TEXT],              _TEXT,             _text_joined),
    ("known_joined",    [_TEXT, _TEXT],              _TEXT,             _known_joined),
    ("room_for_series", [_BIGINT, _BIGINT, _BIGINT], _BIGINT,           _ranged),
    ("room_for_moments", [_MOMENT, _MOMENT, _INTERVAL], _MOMENT,        _span),
    ("room_for_instants", [_INSTANT, _INSTANT, _INTERVAL], _INSTANT,    _span),
    ("room_to_replace", [_TEXT, _TEXT, _TEXT],       _TEXT,             _replaced),
    ("room_to_match",   [_TEXT, _TEXT],              _TEXT,             _matched),
)  # fmt: skip

# What they give is their argument, which the planner does not know: it computes nothing with it.
AT_RUN_TIME: tuple[ScalarUDF, ...] = (
    udf(lambda count: count, [_BIGINT], _BIGINT, "volatile", "at_run_time"),
    udf(lambda text: text, [_TEXT], _TEXT, "volatile", "text_at_run_time"),
)
