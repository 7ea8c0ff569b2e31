"""Array columns: the elements are encoded once, as a column, then joined row by row.

Text is `{1,NULL,"a b"}`; binary (src/backend/utils/adt/arrayfuncs.c, array_send) is the number of
dimensions, a flag for NULLs, the element's oid, size and lower bound of each dimension, then the
elements as length and bytes. An array of arrays is one array of more dimensions; they must be
rectangular, as in PostgreSQL.
"""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.store.rows.kept_values import ragged, refuse_ragged
from gateway.types import Type
from gateway.wire.encoding.columns import Encoded, Fixed, binary_array, validity, with_nulls

# Elements that array_out quotes: empty, the word NULL, and whatever holds one of its own letters.
_NEEDS_QUOTES = r'^$|^(?i:null)$|[\s{},"\\]'
_NEVER_QUOTED = frozenset({"bool", "int2", "int4", "int8", "oid", "numeric", "float4", "float8"})


def array_texts(array: pa.Array, elements: pa.Array, element: Type) -> pa.Array:
    """Text of each array.

    Raises:
        ArraySubscriptError: 2202E, an array of arrays of different lengths.

    Args:
        array: The normal list column; its lists begin at offset 0.
        elements: The innermost values as text fields, in order, NULL for NULL.
        element: The elements' type.
    """
    if pa.types.is_list(array.type.value_type):
        refuse_ragged(array)
        inner = array_texts(array.values, elements, element)
    else:
        inner = _quoted(elements, element)
    inner = pc.fill_null(inner, b"NULL")
    offsets = array.offsets
    lists = pa.ListArray.from_arrays(offsets, inner)
    joined = pc.binary_join(lists, b",")
    return with_nulls(pc.binary_join_element_wise(b"{", joined, b"}", b""), validity(array))


def _quoted(elements: pa.Array, element: Type) -> pa.Array:
    if element.name in _NEVER_QUOTED:
        return elements
    text = elements.cast(pa.string())
    quotes = pc.fill_null(pc.match_substring_regex(text, _NEEDS_QUOTES), False)
    if not pc.any(quotes).as_py():
        return elements
    escaped = pc.replace_substring_regex(text, r'([\\"])', r"\\\1")
    spelt = pc.binary_join_element_wise('"', escaped, '"', "")
    return pc.if_else(quotes, spelt, text).cast(pa.binary())


def array_binaries(array: pa.Array, elements: pa.Array, element: Type) -> pa.Array:
    """Binary form of each array; the arguments are those of `array_texts`.

    Raises:
        ArraySubscriptError: 2202E, an array of arrays of different lengths.
    """
    fields = fields_with_length(elements)
    nulls = np.asarray(elements.is_null().to_numpy(zero_copy_only=False))
    levels = [np.asarray(array.offsets)]
    level = array.values
    while pa.types.is_list(level.type):
        levels.append(np.asarray(level.offsets))
        level = level.values
    headers, starts = _headers(levels, nulls, element.oid, len(array))
    bodies = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts, pa.int32()), fields), b"")
    joined = pc.binary_join_element_wise(pa.array(headers, pa.binary()), bodies, b"")
    return with_nulls(joined, validity(array))


def _headers(
    levels: list[np.ndarray], nulls: np.ndarray, oid: int, rows: int
) -> tuple[list[bytes], list[int]]:
    """The bytes before each array's elements, and where its elements begin."""
    headers, starts = [], [0]
    before_nulls = np.concatenate([[0], np.cumsum(nulls)])
    for row in range(rows):
        first, last = row, row + 1
        dimensions: list[int] = []
        for offsets in levels:
            sizes = {int(b - a) for a, b in pairwise(offsets[first : last + 1])}
            if len(sizes) > 1:
                raise ragged()
            dimensions += sizes
            first, last = int(offsets[first]), int(offsets[last])
        starts.append(last)
        if first == last:
            headers.append(struct.pack(">iiI", 0, 0, oid))
            continue
        flag = int(before_nulls[last] > before_nulls[first])
        sizes_and_bounds = [part for size in dimensions for part in (size, 1)]
        header = (len(dimensions), flag, oid, *sizes_and_bounds)
        headers.append(struct.pack(f">iiI{len(sizes_and_bounds)}i", *header))
    return headers, starts


def fields_with_length(elements: pa.Array) -> pa.Array:
    """Each value as its length and its bytes; NULL as length -1."""
    lengths = pc.fill_null(pc.binary_length(elements), -1).to_numpy(zero_copy_only=False)
    prefix = binary_array(lengths.astype(">i4"), np.full(len(elements), 4))
    return pc.binary_join_element_wise(
        prefix, elements, b"", null_handling="replace", null_replacement=b""
    )


def as_array(column: Encoded) -> pa.Array:
    """The fields as an Arrow binary array, whatever their lengths."""
    if not isinstance(column, Fixed):
        return column
    data = np.ascontiguousarray(column.values.astype(column.wire, copy=False))
    lengths = np.full(len(data), data.dtype.itemsize)
    return with_nulls(binary_array(data, lengths), column.valid)
