"""Moments that must not be infinite, and the digits and fields that a type keeps of one.

`lowered.values.infinities` writes the first around operands, `lowered.values.casting` the others
around what is cast to timestamp(p), time(p) or an interval with fields or a precision.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import MonthDayNano

from gateway.engine.functions.rows import Columnar
from gateway.errors import DatetimeFieldOverflow
from gateway.sql.inputs import far_moments
from gateway.sql.inputs.interval_input import cut_to
from gateway.sql.inputs.precision import rounded


def _finite(ends: pa.Array, moments: pa.Array, what: pa.Array) -> pa.Array:
    """The moments as they are.

    Raises:
        DatetimeFieldOverflow: 22008, `cannot` and the words in `what`: one is infinite.
    """
    if pc.any(pc.is_in(moments.cast(ends.type), value_set=ends)).as_py():
        raise DatetimeFieldOverflow(f"cannot {what[0].as_py()}")
    return moments


def values_of(column: pa.Array, *, infinite: bool) -> list[Any]:
    """The column's values in Python; `infinite` lets an infinite timestamp be None.

    A time of day is its microseconds: Python has none for 24:00:00.

    Raises:
        DatetimeFieldOverflow: 22008, a timestamp that is infinite or of a year before 0001 or
            after 9999.
    """
    if infinite and pa.types.is_timestamp(column.type):
        ends = pc.is_in(column.cast(pa.int64()), value_set=_MICROS)
        column = pc.if_else(ends, pa.scalar(None, column.type), column)
    if pa.types.is_time64(column.type):
        column = column.cast(pa.int64())
    try:
        values: list[Any] = column.to_pylist()
    except (OverflowError, ValueError) as error:
        raise DatetimeFieldOverflow("timestamp out of range") from error
    return values


_DAYS = pa.array([far_moments.DATE_INFINITY, far_moments.DATE_MINUS_INFINITY], pa.int32())
_MICROS = pa.array(
    [far_moments.TIMESTAMP_INFINITY, far_moments.TIMESTAMP_MINUS_INFINITY], pa.int64()
)
_TYPES = (
    ("date", pa.date32(), _DAYS),
    ("timestamp", pa.timestamp("us"), _MICROS),
    ("timestamptz", pa.timestamp("us", "UTC"), _MICROS),
)

FINITE: tuple[Columnar, ...] = tuple(
    (f"finite_{name}", [kind, pa.string()], kind, partial(_finite, ends))
    for name, kind, ends in _TYPES
)


def _rounded(moments: pa.Array, digits: pa.Array) -> pa.Array:
    """Moments, or times of day, to so many digits of a second: a literal's."""
    micros = moments.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    near = rounded(micros, digits[0].as_py() if len(digits) else 6, pa.types.is_time(moments.type))
    return pa.array(near, pa.int64(), mask=np.asarray(moments.is_null())).cast(moments.type)


PRECISIONS: tuple[Columnar, ...] = tuple(
    (f"rounded_{name}", [kind, pa.int64()], kind, _rounded)
    for name, kind in (
        ("timestamp", pa.timestamp("us")),
        ("timestamptz", pa.timestamp("us", "UTC")),
        ("time", pa.time64("us")),
    )
)


def cut_interval(interval: MonthDayNano, fields: str, digits: int) -> MonthDayNano:
    """The interval as a type with fields and a precision keeps it; -1 digits: all."""
    parts = (interval.months, interval.days, interval.nanoseconds // 1000)
    months, days, micros = cut_to(parts, fields, None if digits < 0 else digits)
    return MonthDayNano([months, days, micros * 1000])
