"""Columns as fields of format 0, text: each type as its `typoutput` function in PostgreSQL.

One row of `TEXT` per type; a type without a row is text already. DateStyle is ISO, IntervalStyle
postgres, bytea_output hex, extra_float_digits 1: PostgreSQL's own defaults. What another value of
these changes has a row of `STYLED`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.sql.inputs.notation import Notation
from gateway.types import REGISTERED, Type
from gateway.wire.encoding.binary import interval_parts
from gateway.wire.encoding.columns import (
    Encoded,
    Fixed,
    as_binary,
    binary_array,
    int_values,
    numbers,
    validity,
    with_nulls,
)
from gateway.wire.encoding.datetime_text import (
    date_texts,
    interval_text,
    time_texts,
    timestamp_texts,
)
from gateway.wire.encoding.float_text import FIRST_SCIENTIFIC, float_texts
from gateway.wire.encoding.numeric_bytes import numeric_texts
from gateway.wire.encoding.styled_text import (
    escaped_bytes,
    rounded_float,
    styled_date,
    styled_interval,
    styled_timestamp,
)

_HEX = np.array([b"%02x" % n for n in range(256)]).view(np.uint16)


def text_column(array: pa.Array, kind: Type, notation: Notation) -> Encoded:
    """The fields of a normal column (see `columns.normal_column`) as text.

    Args:
        array: The column.
        kind: Its type; not an array type.
        notation: How its values are written.
    """
    styled = None if notation.is_plain else STYLED.get(kind.name)
    if styled is not None and (found := styled(array, notation)) is not None:
        return found
    if kind.name == "timestamptz":
        return _either(timestamp_texts(int_values(array), notation.zone), array)
    return TEXT.get(kind.name, as_binary)(array)


def _either(texts: npt.NDArray[Any] | pa.Array, array: pa.Array) -> Encoded:
    if isinstance(texts, np.ndarray):
        return Fixed(texts, texts.dtype.str, validity(array))
    return with_nulls(texts, validity(array))


def _bool(array: pa.Array) -> Encoded:
    letters = np.where(numbers(array.cast(pa.uint8()), "u1") != 0, ord("t"), ord("f"))
    return Fixed(letters, "u1", validity(array))


def _integer(array: pa.Array) -> Encoded:
    return array.cast(pa.string()).cast(pa.binary())


def _float4(array: pa.Array) -> Encoded:
    texts = float_texts(numbers(array, "<f4"), FIRST_SCIENTIFIC["float4"])
    return with_nulls(texts, validity(array))


def _float8(array: pa.Array) -> Encoded:
    texts = float_texts(numbers(array, "<f8"), FIRST_SCIENTIFIC["float8"])
    return with_nulls(texts, validity(array))


def _bytea(array: pa.Array) -> Encoded:
    offsets = numbers_of_offsets(array)
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    hexed = binary_array(_HEX[data], np.diff(offsets) * 2)
    prefix, between = (pa.scalar(word, hexed.type) for word in (b"\\x", b""))
    return with_nulls(pc.binary_join_element_wise(prefix, hexed, between), validity(array))


def numbers_of_offsets(array: pa.Array) -> npt.NDArray[np.int64]:
    """Where each value of a binary array begins, and where the last one ends."""
    buffer = array.buffers()[1]
    if not len(array) or buffer is None:
        return np.zeros(len(array) + 1, np.int64)
    offsets = np.frombuffer(buffer, np.int32)[array.offset : array.offset + len(array) + 1]
    return offsets.astype(np.int64)


def _date(array: pa.Array) -> Encoded:
    return _either(date_texts(int_values(array)), array)


def _time(array: pa.Array) -> Encoded:
    return _either(time_texts(int_values(array)), array)


def _timestamp(array: pa.Array) -> Encoded:
    return _either(timestamp_texts(int_values(array)), array)


def _interval(array: pa.Array) -> Encoded:
    parts = (part.tolist() for part in interval_parts(array))
    texts = [interval_text(*row) for row in zip(*parts, strict=True)]
    return with_nulls(pa.array(texts, pa.binary()), validity(array))


def _styled_moment(
    array: pa.Array, notation: Notation, write: Callable[[int, Notation], bytes]
) -> Encoded | None:
    if notation.dates == "ISO":
        return None
    texts = [write(value, notation) for value in int_values(array).tolist()]
    return with_nulls(pa.array(texts, pa.binary()), validity(array))


def _styled_interval(array: pa.Array, notation: Notation) -> Encoded:
    parts = (part.tolist() for part in interval_parts(array))
    texts = [styled_interval(m, d, u, notation.intervals) for m, d, u in zip(*parts, strict=True)]
    return with_nulls(pa.array(texts, pa.binary()), validity(array))


def _rounded(array: pa.Array, notation: Notation, digits: int, dtype: str) -> Encoded | None:
    if int(notation.digits) > 0:
        return None
    kept = max(digits + int(notation.digits), 1)
    texts = [rounded_float(value, kept) for value in numbers(array, dtype).tolist()]
    return with_nulls(pa.array(texts, pa.binary()), validity(array))


def _escaped(array: pa.Array, notation: Notation) -> Encoded | None:
    if notation.bytea == "hex":
        return None
    values = array.to_pylist()
    return pa.array([None if v is None else escaped_bytes(v) for v in values], pa.binary())


def _void(array: pa.Array) -> Encoded:
    return with_nulls(pa.array([b""] * len(array), pa.binary()), validity(array))


def _vector(array: pa.Array) -> Encoded:
    texts = [None if row is None else " ".join(map(str, row)) for row in array.to_pylist()]
    return pa.array(texts, pa.string()).cast(pa.binary())


def _registered(array: pa.Array) -> Encoded:
    return as_binary(pc.struct_field(array, "text"))


TEXT: dict[str, Callable[[pa.Array], Encoded]] = {
    "bool": _bool,
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "xid8": _integer,
    "oid": _integer,
    "xid": _integer,
    "cid": _integer,
    "int2vector": _vector,
    "oidvector": _vector,
    **dict.fromkeys(REGISTERED, _registered),
    "float4": _float4,
    "float8": _float8,
    "numeric": numeric_texts,
    "bytea": _bytea,
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "interval": _interval,
    "void": _void,
}

# Types whose text a setting changes -> the column as it asks; None where this is the usual form.
# Of floats the digits that they hold for certain (float.c: FLT_DIG, DBL_DIG).
STYLED: dict[str, Callable[[pa.Array, Notation], Encoded | None]] = {
    "date": partial(_styled_moment, write=styled_date),
    "timestamp": partial(_styled_moment, write=partial(styled_timestamp, zoned=False)),
    "timestamptz": partial(_styled_moment, write=partial(styled_timestamp, zoned=True)),
    "interval": _styled_interval,
    "float4": partial(_rounded, digits=6, dtype="<f4"),
    "float8": partial(_rounded, digits=15, dtype="<f8"),
    "bytea": _escaped,
}
