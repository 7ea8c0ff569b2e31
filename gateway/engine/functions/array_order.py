"""Texts that sort as arrays and jsonb do, and arrays of what items are compared by: `registry`.

PostgreSQL compares item by item, a NULL is above all others, and of two arrays that begin alike the
longer one is above (array_cmp in arrayfuncs.c). The engine takes a NULL for the least item, and the
sort that keeps the first rows alone loses rows over one.

Of jsonb (PostgreSQL 15, jsonb_util.c, compareJsonbContainers) objects come after arrays, booleans,
numbers, strings and null; what has more members is greater. Texts compare byte by byte as the
values do, and are the same for what is equal: 1 and 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions import intervals
from gateway.sql.inputs import networks
from gateway.sql.inputs.json_reading import loads

_VALUE, _NULL, _END = "\1", "\2", "\0"
_SIGN = np.uint64(1 << 63)
_DIGITS = np.array([list(f"{byte:02x}".encode()) for byte in range(256)], np.uint8)
_WIDTH = 1 + 16  # of a number


def array_key(key: Callable[[pa.Array], pa.Array], arrays: pa.ListArray) -> pa.Array:
    """What each array sorts by, as a text; NULL of NULL."""
    lengths = pc.fill_null(pc.list_value_length(arrays), 0)
    offsets = np.concatenate(([0], np.cumsum(lengths.to_numpy(zero_copy_only=False))))
    items = key(arrays.flatten())
    keys = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items)
    absent = pa.scalar(None, pa.string())
    return pc.if_else(arrays.is_null(), absent, pc.binary_join(keys, ""))


def item_keys(of: Callable[[Any], Any], kind: pa.DataType, arrays: pa.ListArray) -> pa.ListArray:
    """Each array with what its items are compared by in their place; NULL of NULL."""
    found = [
        None if array is None else [None if item is None else of(item) for item in array]
        for array in arrays.to_pylist()
    ]
    return pa.array(found, pa.list_(kind))


def _of_numbers(numbers: pa.Array) -> pa.Array:
    """Of 64 bits each, in hexadecimal digits."""
    bits = pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False)
    if bits.dtype == np.float64:
        # One zero, one NaN above all numbers; those below 0 are the higher the nearer they are.
        plain = np.where(np.isnan(bits), np.nan, bits + 0.0).view(np.uint64)
        found = np.where(plain & _SIGN, ~plain, plain | _SIGN)
    else:
        found = bits.view(np.uint64) ^ _SIGN
    written = np.empty((len(bits), _WIDTH), np.uint8)
    written[:, 0] = np.where(np.asarray(numbers.is_null()), ord(_NULL), ord(_VALUE))
    digits = _DIGITS[found.astype(">u8").view(np.uint8)]
    written[:, 1:] = digits.reshape(-1, _WIDTH - 1)
    places = np.arange(len(bits) + 1, dtype=np.int32) * _WIDTH
    buffers = [None, pa.py_buffer(places), pa.py_buffer(written.tobytes())]
    return pa.Array.from_buffers(pa.string(), len(bits), buffers)


def _of_moments(moments: pa.Array) -> pa.Array:
    return _of_numbers(moments.cast(pa.int64()))


def _of_days(days: pa.Array) -> pa.Array:
    return _of_numbers(days.cast(pa.int32()).cast(pa.int64()))


def _of_texts(texts: pa.Array) -> pa.Array:
    """Of texts, none of which holds a byte 0."""
    known = pc.binary_join_element_wise(_VALUE, texts, _END, "")
    return pc.fill_null(known, _NULL)


def _of_each(of: Callable[[Any], Any], kind: pa.DataType, items: pa.Array) -> pa.Array:
    """Of the text or the number that each item is sorted by."""
    values: Iterable[Any] = (None if item is None else of(item) for item in items.to_pylist())
    keys = pa.array(values, kind)
    return _of_numbers(keys) if kind == pa.int64() else _of_texts(keys)


def _of_numeric(text: str) -> str:
    return number_key(Decimal(text))


_END = "\x01"  # below every character that a string may go on with
_EXPONENT = 500_000  # above that of any numeric, so that no exponent is below 0
_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def sort_key(text: str) -> str:
    """The text that stands for a jsonb value in comparisons and orders."""
    value = loads(text, parse_float=Decimal, parse_int=Decimal)
    if isinstance(value, dict | list):
        return _key(value)
    # At the top a scalar is an array of one element, before every other of one.
    return f"4{1:08d}0{_key(value)}"


def _key(value: Any) -> str:
    match value:
        case None:
            return "0"
        case str():
            return f"1{value}{_END}"
        case bool():
            return f"3{int(value)}"
        case Decimal():
            return f"2{number_key(value)}"
        case list():
            return f"4{len(value):08d}1{''.join(map(_key, value))}"
    # Members in the order in which jsonb keeps them.
    items = sorted(value.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
    return f"5{len(items):08d}" + "".join(_key(key) + _key(inner) for key, inner in items)


def number_key(value: Decimal) -> str:
    """A text by which numbers sort: sign, exponent, digits; of one below 0 their complements."""
    if not value:
        return "1"
    plain = value.normalize()
    digits = "".join(map(str, plain.as_tuple().digits))
    size = f"{plain.adjusted() + _EXPONENT:06d}{digits}"
    if plain > 0:
        return f"2{size} "
    return f"0{size.translate(_COMPLEMENT)}~"


# What stands after array_key_ -> the items, and what they are sorted by.
_KEYS: dict[str, tuple[pa.DataType, Callable[[pa.Array], pa.Array]]] = {
    "bigint": (pa.int64(), _of_numbers),
    "double": (pa.float64(), _of_numbers),
    "date": (pa.date32(), _of_days),
    "timestamp": (pa.timestamp("us"), _of_moments),
    "text": (pa.string(), _of_texts),
    "numeric": (pa.string(), partial(_of_each, _of_numeric, pa.string())),
    "jsonb": (pa.string(), partial(_of_each, sort_key, pa.string())),
    "inet": (pa.string(), partial(_of_each, networks.key, pa.string())),
    "bytea": (pa.binary(), partial(_of_each, bytes.hex, pa.string())),
    "interval": (
        pa.month_day_nano_interval(),
        partial(_of_each, intervals.length, pa.int64()),
    ),
}
ARRAY_KEYS = [
    (f"array_key_{name}", [pa.list_(kind)], pa.string(), partial(array_key, key))
    for name, (kind, key) in _KEYS.items()
] + [
    (
        "interval_lengths",
        [pa.list_(pa.month_day_nano_interval())],
        pa.list_(pa.int64()),
        partial(item_keys, intervals.length, pa.int64()),
    ),
    (
        "json_item_keys",
        [pa.list_(pa.string())],
        pa.list_(pa.string()),
        partial(item_keys, sort_key, pa.string()),
    ),
]
