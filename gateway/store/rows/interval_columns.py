"""Intervals as a column keeps them: whole microseconds, cut to its fields and digits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.inputs.interval_input import cut_to
from gateway.sql.inputs.precision import interval_fields
from gateway.store.definitions.definitions import Column


def duration_to_interval(values: pa.Array, column: Column) -> pa.Array:
    """Months and days 0, as subtracting two moments gives in the engine."""
    nanos = values.cast(pa.duration("ns")).cast(pa.int64())
    parts = np.zeros(len(values), np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")]))
    parts["nanos"] = pc.fill_null(nanos, 0).to_numpy(zero_copy_only=False)
    valid = pc.is_valid(values).cast(pa.uint8()).to_numpy(zero_copy_only=False)
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    data = pa.py_buffer(parts.tobytes())
    made = pa.Array.from_buffers(column.arrow, len(values), [bitmap, data])
    return whole_micros(made, column)


def whole_micros(values: pa.Array, column: Column) -> pa.Array:
    """Intervals with their nanoseconds cut to the microseconds that are kept, to their fields."""
    whole = _cut_nanoseconds(values)
    fields, digits = interval_fields(column.typmod)
    if not fields and digits is None:
        return whole
    parts = [None if v is None else (v.months, v.days, v.nanoseconds // 1000) for v in
             whole.to_pylist()]  # fmt: skip
    cut = [None if each is None else cut_to(each, fields, digits) for each in parts]
    made = [None if each is None else (each[0], each[1], each[2] * 1000) for each in cut]
    return pa.array(made, column.arrow)


def _cut_nanoseconds(values: pa.Array) -> pa.Array:
    """Intervals (Arrow month_day_nano) rounded toward zero to whole microseconds."""
    dtype = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])
    buffers = values.buffers()
    parts = np.frombuffer(buffers[1], dtype)[values.offset : values.offset + len(values)].copy()
    parts["nanos"] = (parts["nanos"] / 1000).astype(np.int64) * 1000
    valid = pc.is_valid(values).cast(pa.uint8()).to_numpy(zero_copy_only=False)
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    data = pa.py_buffer(parts.tobytes())
    return pa.Array.from_buffers(values.type, len(values), [bitmap, data])
