"""The order of two arrays: rows of `registry`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pyarrow as pa

Key = Callable[[Any], Any]


def _of_double(value: float) -> tuple[bool, float]:
    """NaN is one value above all numbers."""
    return (True, 0.0) if value != value else (False, value)


def _order(key: Key, one: list[Any], other: list[Any]) -> int:
    """Below 0, 0 or above it (array_cmp in PostgreSQL's arrayfuncs.c): NULL is above all items."""
    for left, right in zip(one, other, strict=False):
        if left is None or right is None:
            found = (left is None) - (right is None)
        else:
            found = (key(left) > key(right)) - (key(left) < key(right))
        if found:
            return found
    return (len(one) > len(other)) - (len(one) < len(other))


# What stands after array_order_ -> the items, and what they are compared by.
ORDERED: dict[str, tuple[pa.DataType, Key]] = {
    "bigint": (pa.int64(), int),
    "double": (pa.float64(), _of_double),
    "numeric": (pa.string(), Decimal),
    "text": (pa.string(), str.encode),
    "timestamp": (pa.timestamp("us"), lambda moment: moment),
}
ROWS = tuple(
    (f"array_order_{name}", partial(_order, key), [pa.list_(kind)] * 2, pa.int32())
    for name, (kind, key) in ORDERED.items()
)
