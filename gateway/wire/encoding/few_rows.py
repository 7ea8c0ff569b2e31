"""A handful of rows, a value at a time in plain Python: what most statements return.

Only the everyday types have a row here; the others go through the column encoders. Of an engine's
column in another Arrow form integers alone are taken: to cast or to make one array takes as long as
ten rows, and gives the interpreter to another thread meanwhile.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from gateway.sql.inputs.encodings import Encoding
from gateway.sql.inputs.notation import Notation
from gateway.types import TEXTS, Type
from gateway.wire.encoding.columns import int_values, numbers, validity
from gateway.wire.encoding.datetime_text import date_text, timestamp_text
from gateway.wire.encoding.float_text import FIRST_SCIENTIFIC, float_text
from gateway.wire.encoding.text import STYLED

Fields = list[bytes | None]

_length = struct.Struct(">i").pack
_NULL = _length(-1)


def few_rows(columns: Iterable[Fields], kind: bytes = b"D") -> bytes:
    """DataRow messages, or others of that layout, of the fields, given a column at a time."""
    prefixed = [
        [_NULL if field is None else _length(len(field)) + field for field in column]
        for column in columns
    ]
    count = struct.pack(">h", len(prefixed))
    messages = []
    for row in zip(*prefixed, strict=True):
        body = b"".join(row)
        messages.append(kind + _length(6 + len(body)) + count + body)
    return b"".join(messages)


Convert = Callable[[pa.Array], Fields | None]


def few_converter(kind: Type, form: int, notation: Notation) -> Convert | None:
    """What gives the fields of a column of this type, or None when that takes a normal one first.

    None when the type has no row here.
    """
    convert = _converter(kind, form, notation)
    foreign = notation.foreign
    if convert is None or foreign is None or (form and kind.name not in TEXTS):
        return convert
    return lambda array: _recoded(convert(array), foreign)


def _recoded(fields: Fields | None, encoding: Encoding) -> Fields | None:
    if fields is None:
        return None
    return [None if field is None else encoding.recode(field) for field in fields]


def _converter(kind: Type, form: int, notation: Notation) -> Convert | None:
    if form == 0 and not notation.is_plain and kind.name in STYLED:
        return None
    if kind.name == "timestamptz" and form == 0:
        zoned = partial(timestamp_text, zone=notation.zone)
        return _of(kind.arrow, lambda array: _each(array, int_values(array).tolist(), zoned))
    convert = (_BINARY if form else _TEXT).get(kind.name)
    if convert is None:
        return None
    half = _HALF_RANGE.get(kind.name)
    return _of(kind.arrow, convert) if half is None else _within(half, kind.arrow, convert)


def _of(wanted: pa.DataType, convert: Callable[[pa.Array], Fields]) -> Convert:
    return lambda array: convert(array) if array.type == wanted else None


_HALF_RANGE = {"int2": 2**15, "int4": 2**31}


def _within(half: int, wanted: pa.DataType, convert: Callable[[pa.Array], Fields]) -> Convert:
    """The same of wider integers, if all of them fit."""

    def fields(array: pa.Array) -> Fields | None:
        if array.type == wanted:
            return convert(array)
        if array.type != _INT8:
            return None
        values = array.to_pylist()
        fit = all([value is None or -half <= value < half for value in values])
        return convert(array) if fit else None

    return fields


_INT8 = pa.int64()


def _each(array: pa.Array, values: list[Any], convert: Callable[[Any], bytes]) -> Fields:
    valid = validity(array)
    if valid is None:
        return [convert(value) for value in values]
    return [convert(v) if there else None for v, there in zip(values, valid.tolist(), strict=True)]


def _plain(convert: Callable[[Any], bytes]) -> Callable[[pa.Array], Fields]:
    def fields(array: pa.Array) -> Fields:
        return [None if value is None else convert(value) for value in array.to_pylist()]

    return fields


def _bytes(array: pa.Array) -> Fields:
    values: Fields = array.view(_BYTES).to_pylist()
    return values


_BYTES = pa.binary()


def _float4_text(array: pa.Array) -> Fields:
    limit = FIRST_SCIENTIFIC["float4"]
    return _each(array, list(numbers(array, "<f4")), lambda v: float_text(np.float32(v), limit))


def _packed(code: str) -> Callable[[pa.Array], Fields]:
    return _plain(struct.Struct(">" + code).pack)


_integer = _plain(lambda value: b"%d" % value)
_TEXT: dict[str, Callable[[pa.Array], Fields]] = {
    "bool": _plain(lambda value: b"t" if value else b"f"),
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "xid8": _integer,
    "oid": _integer,
    "float4": _float4_text,
    "float8": _plain(lambda value: float_text(value, FIRST_SCIENTIFIC["float8"])),
    "text": _bytes,
    "varchar": _bytes,
    "bpchar": _bytes,
    "name": _bytes,
    "char": _bytes,
    "unknown": _bytes,
    "json": _bytes,
    "jsonb": _bytes,
    "uuid": _bytes,
    "inet": _bytes,
    "bytea": _plain(lambda value: b"\\x" + value.hex().encode()),
    "date": lambda array: _each(array, int_values(array).tolist(), date_text),
    "timestamp": lambda array: _each(array, int_values(array).tolist(), timestamp_text),
}
_BINARY: dict[str, Callable[[pa.Array], Fields]] = {
    "bool": _plain(lambda value: b"\x01" if value else b"\x00"),
    "int2": _packed("h"),
    "int4": _packed("i"),
    "int8": _packed("q"),
    "xid8": _packed("q"),
    "oid": _packed("I"),
    "float4": _packed("f"),
    "float8": _packed("d"),
    "text": _bytes,
    "varchar": _bytes,
    "bpchar": _bytes,
    "name": _bytes,
    "unknown": _bytes,
    "json": _bytes,
    "bytea": _bytes,
}
