"""Columns as fields of format 1, binary: each type as its `typsend` function in PostgreSQL.

One row of `BINARY` per type; a type without a row goes out as the bytes of its text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.zone_offsets import DAY
from gateway.errors import DatetimeFieldOverflow
from gateway.sql.inputs import networks
from gateway.sql.inputs.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from gateway.types import REGISTERED, Type
from gateway.wire.encoding.columns import (
    Encoded,
    Fixed,
    Ints,
    as_binary,
    binary_array,
    int_values,
    numbers,
    validity,
    with_nulls,
)
from gateway.wire.encoding.numeric_bytes import numeric_binaries

EPOCH_DAYS = 10957  # 2000-01-01, from which PostgreSQL counts, in days since 1970-01-01
EPOCH_MICROS = EPOCH_DAYS * DAY


def binary_column(array: pa.Array, kind: Type) -> Encoded:
    """The fields of a normal column (see `columns.normal_column`) in binary."""
    return BINARY.get(kind.name, _text)(array)


def _text(array: pa.Array) -> Encoded:
    return as_binary(array)


def _bool(array: pa.Array) -> Encoded:
    return Fixed(numbers(array.cast(pa.uint8()), "u1"), "u1", validity(array))


def _number(native: str, wire: str) -> Callable[[pa.Array], Encoded]:
    def encode(array: pa.Array) -> Encoded:
        return Fixed(numbers(array, native), wire, validity(array))

    return encode


def _date(array: pa.Array) -> Encoded:
    days = int_values(array)
    infinite = (days == DATE_INFINITY) | (days == DATE_MINUS_INFINITY)
    values = np.where(infinite, days, days - EPOCH_DAYS)
    if (values < DATE_MINUS_INFINITY).any():
        raise DatetimeFieldOverflow("date out of range")
    return Fixed(values, ">i4", validity(array))


def _timestamp(array: pa.Array) -> Encoded:
    micros = int_values(array)
    infinite = (micros == TIMESTAMP_INFINITY) | (micros == TIMESTAMP_MINUS_INFINITY)
    if ((micros < TIMESTAMP_MINUS_INFINITY + EPOCH_MICROS) & ~infinite).any():
        raise DatetimeFieldOverflow("timestamp out of range")
    return Fixed(np.where(infinite, micros, micros - EPOCH_MICROS), ">i8", validity(array))


def interval_parts(array: pa.Array) -> tuple[Ints, Ints, Ints]:
    """Months, days and microseconds of each interval; zeros where it is NULL.

    A duration is a difference of two timestamps, whose 24 hours PostgreSQL calls a day.
    """
    if pa.types.is_duration(array.type):
        micros = int_values(array)
        days = np.sign(micros) * (np.abs(micros) // DAY)
        return np.zeros_like(days), days, micros - days * DAY
    parts = numbers(array, np.dtype([("months", "<i4"), ("days", "<i4"), ("nanos", "<i8")]))
    valid = validity(array)
    months, days, nanos = (parts[name].astype(np.int64) for name in ("months", "days", "nanos"))
    if valid is not None:
        months, days, nanos = (np.where(valid, part, 0) for part in (months, days, nanos))
    return months, days, np.where(nanos < 0, -(-nanos // 1000), nanos // 1000)


def _interval(array: pa.Array) -> Encoded:
    months, days, micros = interval_parts(array)
    rows = np.empty(len(array), [("micros", ">i8"), ("days", ">i4"), ("months", ">i4")])
    rows["micros"], rows["days"], rows["months"] = micros, days, months
    return Fixed(rows.view("V16"), "V16", validity(array))


def _uuid(array: pa.Array) -> Encoded:
    digits = pc.replace_substring(array, "-", "")
    data = [None if text is None else bytes.fromhex(text) for text in digits.to_pylist()]
    return pa.array(data, pa.binary())


def _inet(array: pa.Array) -> Encoded:
    data = [None if text is None else networks.to_bytes(text) for text in array.to_pylist()]
    return pa.array(data, pa.binary())


def _jsonb(array: pa.Array) -> Encoded:
    return pc.binary_join_element_wise(b"\x01", as_binary(array), b"")


def _char(array: pa.Array) -> Encoded:
    return as_binary(pc.if_else(pc.equal(array, ""), "\0", array))


def _void(array: pa.Array) -> Encoded:
    return with_nulls(binary_array(b"", np.zeros(len(array), np.int64)), validity(array))


def _vector(element: int, code: str) -> Callable[[pa.Array], Encoded]:
    """An array whose subscripts begin at 0 (int.c, buildint2vector)."""
    size = struct.calcsize(f">{code}")

    def field(row: list[int] | None) -> bytes | None:
        if row is None:
            return None
        items = b"".join(struct.pack(f">i{code}", size, value) for value in row)
        return struct.pack(">iiIii", 1, 0, element, len(row), 0) + items

    return lambda array: pa.array([field(row) for row in array.to_pylist()], pa.binary())


_oid = _number("<u4", ">u4")


def _registered(array: pa.Array) -> Encoded:
    return _oid(pc.struct_field(array, "oid"))


BINARY: dict[str, Callable[[pa.Array], Encoded]] = {
    "bool": _bool,
    "char": _char,
    "int2": _number("<i2", ">i2"),
    "int4": _number("<i4", ">i4"),
    "int8": _number("<i8", ">i8"),
    "xid8": _number("<i8", ">i8"),
    "oid": _oid,
    "xid": _oid,
    "cid": _oid,
    "int2vector": _vector(21, "h"),
    "oidvector": _vector(26, "I"),
    **dict.fromkeys(REGISTERED, _registered),
    "float4": _number("<f4", ">f4"),
    "float8": _number("<f8", ">f8"),
    "numeric": numeric_binaries,
    "date": _date,
    "time": _number("<i8", ">i8"),
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "interval": _interval,
    "uuid": _uuid,
    "inet": _inet,
    "jsonb": _jsonb,
    "void": _void,
}
