"""timestamp(p), timestamptz(p), time(p) and intervals with fields or a precision.

`sql.lowered.values.casting` writes these around what is cast to such a type.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from pyarrow import MonthDayNano

from gateway.sql.inputs.interval_input import cut_to
from gateway.sql.inputs.precision import rounded

Columnar = tuple[str, list[pa.DataType], pa.DataType, Callable[..., pa.Array]]


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
