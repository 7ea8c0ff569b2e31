"""The arrays that a statement brings as those of a column: `assignment` does their elements.

A column keeps arrays of the dimensions that it was declared with (`int[][]`: two), since the engine
and the store have a type for each. To PostgreSQL they are all one type.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import ArraySubscriptError, DatatypeMismatch, FeatureNotSupported
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
