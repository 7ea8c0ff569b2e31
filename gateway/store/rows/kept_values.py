"""Arrays, intervals and identifiers that a statement brings as those of a column.

A column keeps arrays of the dimensions that it was declared with (`int[][]`: two), since the engine
and the store have a type for each. To PostgreSQL they are all one type.

Intervals are kept in whole microseconds, cut to the fields and digits of their column.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import (
    ArraySubscriptError,
    DatatypeMismatch,
    FeatureNotSupported,
    NumericValueOutOfRange,
)
from gateway.sql.inputs.interval_input import cut_to
from gateway.sql.inputs.precision import interval_fields
from gateway.sql.inputs.value_input import NAME_BYTES, read_letter, read_name
from gateway.store.definitions.columntypes import spelt
from gateway.store.definitions.definitions import Column
from gateway.types import array_of, dimensions, from_arrow, with_dimensions

Assign = Callable[[pa.Array, Column], pa.Array]


def assign_array(values: pa.Array, column: Column, assign: Assign, is_list: bool) -> pa.Array:
    """`values` as arrays of `column`; NULL stays NULL.

    Args:
        values: What a statement computed.
        column: One of an array type.
        assign: Does the same with elements.
        is_list: Whether the values are arrays at all.

    Raises:
        DatatypeMismatch: 42804, they are none. ArraySubscriptError: 2202E, no rectangle.
        FeatureNotSupported: 0A000, other dimensions than the column keeps, or text.
    """
    element, wanted = column.type.element, dimensions(column.type)
    if not is_list or element is None:
        raise _refusal(values.type, column)
    if dimensions_of(values.type) != wanted:
        return _empty(values, column)
    lists = values.cast(pa.list_(values.type.value_type))
    inside = element
    if wanted > 1:
        refuse_ragged(lists)
        inside = with_dimensions(array_of(element), wanted - 1)
    # flatten() leaves out what lies under NULL lists, so the offsets are counted anew.
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets),
        assign(lists.flatten(), Column(column.name, inside, column.typmod)),
        type=column.arrow,
        mask=pc.is_null(lists),
    )


def dimensions_of(arrow: pa.DataType) -> int:
    """How many dimensions such a list has; 0 for what is no list.

    >>> dimensions_of(pa.list_(pa.list_(pa.int32()))), dimensions_of(pa.int32())
    (2, 0)
    """
    depth = 0
    while _is_list(arrow):
        depth, arrow = depth + 1, arrow.value_type
    return depth


def _is_list(arrow: pa.DataType) -> bool:
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(arrow) for is_kind in kinds)


def refuse_ragged(lists: pa.Array) -> None:
    """Refuse arrays whose parts differ in length or are NULL; PostgreSQL has rectangles.

    Raises:
        ArraySubscriptError: 2202E.
    """
    parts, rows = lists.flatten(), pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(parts), -1).to_numpy(zero_copy_only=False)
    same = rows[1:] == rows[:-1]
    if (lengths < 0).any() or (same & (lengths[1:] != lengths[:-1])).any():
        raise ragged()


def ragged() -> ArraySubscriptError:
    """What is told of an array that is no rectangle."""
    return ArraySubscriptError(
        "multidimensional arrays must have array expressions with matching dimensions"
    )


def _empty(values: pa.Array, column: Column) -> pa.Array:
    """Empty arrays and NULLs, which have no dimensions."""
    kept, given = dimensions(column.type), dimensions_of(values.type)
    if pc.any(pc.greater(pc.list_value_length(values), 0)).as_py():
        raise FeatureNotSupported(
            f'column "{column.name}" keeps arrays of {kept} '
            f"dimension{'s' * (kept > 1)}, not of {given}",
            hint=f"Declare it {spelt(column.type, -1)}{'[]' * (given - 1)}.",
        )
    return pa.array([None if v is None else [] for v in values.to_pylist()], column.arrow)


def _refusal(given: pa.DataType, column: Column) -> Exception:
    shown = spelt(column.type, -1)
    if from_arrow(given).name == "text":
        return FeatureNotSupported(
            f'text cannot be read into column "{column.name}" of type {shown}',
            hint="Write ARRAY[...].",
        )
    return DatatypeMismatch(
        f'column "{column.name}" is of type {shown}'
        f" but expression is of type {from_arrow(given).sql}",
        hint="You will need to rewrite or cast the expression.",
    )


def fitting(texts: pa.Array, column: Column) -> pa.Array:
    """Of each text the 63 bytes that a name keeps (namein), or the one of a "char" (charin).

    Raises:
        FeatureNotSupported: 0A000, a "char" that is a part of a character.
    """
    one = column.type.name == "char"
    most, read = (1, read_letter) if one else (NAME_BYTES, read_name)
    if not pc.any(pc.greater(pc.binary_length(texts), most), min_count=0).as_py():
        return texts
    fitted = [None if text is None else read(text) for text in texts.to_pylist()]
    return pa.array(fitted, pa.string())


def to_oid(values: pa.Array, column: Column) -> pa.Array:
    """A smallint and an integer are taken as unsigned, a bigint must be an oid (pg_cast).

    Raises:
        NumericValueOutOfRange: 22003.
    """
    if pa.types.is_signed_integer(values.type) and values.type.bit_width < 64:
        return values.cast(pa.int32()).view(column.arrow)
    try:
        return values.cast(column.arrow)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange("OID out of range") from error


def duration_to_interval(values: pa.Array, column: Column) -> pa.Array:
    """Months and days 0, as subtracting two moments gives in the engine."""
    nanos = values.cast(pa.duration("ns")).cast(pa.int64())
    parts = np.zeros(len(values), _PARTS)
    parts["nanos"] = pc.fill_null(nanos, 0).to_numpy(zero_copy_only=False)
    return whole_micros(_intervals(parts, values, column.arrow), column)


_PARTS = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")])


def _intervals(parts: np.ndarray, values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Intervals of these parts, NULL where `values` are."""
    valid = pc.is_valid(values).cast(pa.uint8()).to_numpy(zero_copy_only=False)
    bitmap = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(values), [bitmap, pa.py_buffer(parts.tobytes())])


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
    data = np.frombuffer(values.buffers()[1], _PARTS)
    parts = data[values.offset : values.offset + len(values)].copy()
    parts["nanos"] = (parts["nanos"] / 1000).astype(np.int64) * 1000
    return _intervals(parts, values, values.type)
