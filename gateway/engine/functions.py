"""PostgreSQL's functions that DataFusion lacks and no expression of its own gives exactly.

A row of FUNCTIONS is a name, the types of its arguments and result, and what computes one value.
A NULL argument makes the result NULL. erf and erfc are the C library's own, value by value
(about 0.1 us each): a polynomial over whole columns would not give the same last digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from datafusion import ScalarUDF, SessionContext, udf

_DOUBLE, _BIGINT, _INTEGER = pa.float64(), pa.int64(), pa.int32()


def _width_bucket(value: float, low: float, high: float, count: int) -> int:
    """PostgreSQL manual, 9.3: the number of the bucket of [low, high) that holds `value`."""
    if count <= 0:
        raise ValueError("count must be greater than zero")
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        raise ValueError("operand, lower bound, and upper bound cannot be NaN")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError("lower and upper bounds must be finite")
    if low == high:
        raise ValueError("lower bound cannot equal upper bound")
    if low > high:
        value, low, high = -value, -low, -high
    if value < low:
        return 0
    if value >= high:
        return count + 1
    return min(int(count * ((value - low) / (high - low))), count - 1) + 1


FUNCTIONS: tuple[tuple[str, Callable[..., Any], list[pa.DataType], pa.DataType], ...] = (
    ("erf", math.erf, [_DOUBLE], _DOUBLE),
    ("erfc", math.erfc, [_DOUBLE], _DOUBLE),
    ("width_bucket", _width_bucket, [_DOUBLE, _DOUBLE, _DOUBLE, _BIGINT], _INTEGER),
)


def _over_columns(compute: Callable[..., Any], result: pa.DataType) -> Callable[..., pa.Array]:
    def computed(*columns: pa.Array) -> pa.Array:
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        return pa.array([None if None in row else compute(*row) for row in rows], result)

    return computed


_UDFS: list[ScalarUDF] = [
    udf(_over_columns(compute, result), arguments, result, "immutable", name)
    for name, compute, arguments, result in FUNCTIONS
]


def register_functions(context: SessionContext) -> None:
    """Let the statements of `context` call them."""
    for function in _UDFS:
        context.register_udf(function)
