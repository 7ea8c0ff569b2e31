"""Columns of COPY's text fields -> Arrow values, as the types' input functions read them.

Where Arrow reads a text at all, it reads these types as PostgreSQL does, but for what `_TEXT`
checks besides; whatever it refuses is read value by value by `decode`, which knows all spellings
and words the errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import GatewayError
from gateway.sql.inputs.notation import Notation
from gateway.store.rows.textinput import exact_decimal, wide_decimal
from gateway.types import Type
from gateway.wire.decoding.parameters import decode_value
from gateway.wire.encoding.columns import int_values, numbers, validity

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_DAY_LENGTH, _MINUTE_LENGTH = 10, 16  # of 2024-01-02 and 2024-01-02 03:04
_FIRST_DAY = -719162  # 0001-01-01, in days since 1970; before it PostgreSQL's years are BC
_MICROSECONDS_A_DAY = 86_400_000_000


class Unread(Exception):
    """Text that is better read value by value."""


def read_texts(texts: pa.Array, kind: Type, notation: Notation) -> pa.Array:
    """Values of `kind` for fields (Arrow string, valid UTF-8 without zero bytes); NULL stays NULL.

    Args:
        texts: The fields.
        kind: The column's type.
        notation: How the session reads moments and intervals.

    Raises:
        GatewayError: 22P02, 22007, ...: some field is no value of the type.
    """
    if pa.types.is_string(kind.arrow) and kind.name not in _TEXT and kind.name not in _CHECKED:
        return texts
    read = _TEXT.get(kind.name)
    if read is not None:
        try:
            return read(texts, kind)
        except (Unread, pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    return _each(texts, kind, notation)


# Text to us, and more than that to PostgreSQL.
_CHECKED = frozenset({"json", "jsonb", "char"})


def _each(texts: pa.Array, kind: Type, notation: Notation) -> pa.Array:
    values = [
        None if text is None else decode_value(text.encode(), kind, 0, notation)
        for text in texts.to_pylist()
    ]
    if kind.name == "numeric":
        # Not written out: 1e999999999 has too many digits for that.
        return wide_decimal(pa.array([None if v is None else str(v) for v in values], pa.string()))
    return pa.array(values, kind.arrow)


def holds(texts: pa.Array, letters: bytes) -> bool:
    """Whether any of these bytes is in the texts' buffer; may be wrong on the side of yes."""
    data = texts.buffers()[2]
    if data is None:
        return False
    view = bytes(data)
    return any(letter in view for letter in letters)


def _integer(texts: pa.Array, kind: Type) -> pa.Array:
    if holds(texts, b"xX"):  # Arrow reads hexadecimal
        raise Unread
    return texts.cast(kind.arrow)


def _float(texts: pa.Array, kind: Type) -> pa.Array:
    """Infinities and zeros may be numbers out of range; their texts are looked at again."""
    values = texts.cast(kind.arrow)
    found = numbers(values, "<f4" if kind.name == "float4" else "<f8")
    with np.errstate(invalid="ignore"):
        odd = ~np.isfinite(found) | (found == 0)
    valid = validity(values)
    odd = odd if valid is None else odd & valid
    if odd.any():
        plain = pc.match_substring_regex(
            texts.filter(pa.array(odd)), r"(?i)^([+-]?(0*\.?0*(e[+-]?\d+)?|inf(inity)?)|nan)$"
        )
        if not pc.all(plain).as_py():
            raise Unread
    return values


_TRUE, _FALSE = ("t", "true", "1", "y", "yes", "on"), ("f", "false", "0", "n", "no", "off")
_WORDS = pa.array((*_TRUE, *_FALSE))


def _bool(texts: pa.Array, kind: Type) -> pa.Array:
    places = pc.index_in(texts, _WORDS)
    if places.null_count != texts.null_count:
        raise Unread
    return pc.less(places, len(_TRUE))


def _numeric(texts: pa.Array, kind: Type) -> pa.Array:
    return exact_decimal(texts, 38)


def _date(texts: pa.Array, kind: Type) -> pa.Array:
    days = texts.cast(kind.arrow)
    _refuse_before(days, _FIRST_DAY)
    return days


def _refuse_before(values: pa.Array, first: int) -> None:
    found, valid = int_values(values), validity(values)
    if (found < first).any() if valid is None else ((found < first) & valid).any():
        raise Unread


def _refuse_short(texts: pa.Array) -> None:
    """Arrow also reads an hour without its minutes."""
    lengths = np.asarray(pc.fill_null(pc.binary_length(texts), _DAY_LENGTH))
    if ((lengths != _DAY_LENGTH) & (lengths < _MINUTE_LENGTH)).any():
        raise Unread


def _timestamp(texts: pa.Array, kind: Type) -> pa.Array:
    _refuse_short(texts)
    moments = texts.cast(kind.arrow)
    _refuse_before(moments, _FIRST_DAY * _MICROSECONDS_A_DAY)
    return moments


def _time(texts: pa.Array, kind: Type) -> pa.Array:
    return texts.cast(kind.arrow)


def _uuid(texts: pa.Array, kind: Type) -> pa.Array:
    if not pc.all(pc.match_substring_regex(texts, _UUID), min_count=0).as_py():
        raise Unread
    return texts


_TEXT: dict[str, Callable[[pa.Array, Type], Any]] = {
    "bool": _bool,
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "float4": _float,
    "float8": _float,
    "numeric": _numeric,
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "uuid": _uuid,
}


def first_failure(
    convert: Callable[[slice], object], count: int
) -> tuple[int, GatewayError] | None:
    """The first of `count` rows that `convert` refuses, and how; None when it refuses none."""
    low, high = 0, count
    try:
        convert(slice(0, count))
        return None
    except GatewayError as error:
        fault = error
    while high - low > 1:
        middle = (low + high) // 2
        try:
            convert(slice(low, middle))
            low = middle
        except GatewayError:
            high = middle
    try:
        convert(slice(low, low + 1))
    except GatewayError as error:
        fault = error
    return low, fault
