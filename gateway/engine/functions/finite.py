"""Moments that must not be infinite: `lowered.values.infinities` writes these around operands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import DatetimeFieldOverflow
from gateway.sql.inputs import far_moments

Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]


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
