"""Columns of texts -> Arrow values, as the types' input functions read them.

Where Arrow reads a text at all, it reads these types as PostgreSQL does, but for what `_PLAIN`
checks besides; whatever it refuses is read value by value by `read_value`, which knows all
spellings and words the errors.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_05UP, Context, Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import NumericValueOutOfRange
from gateway.sql.inputs.notation import Notation
from gateway.sql.inputs.number_input import refuse_overflow
from gateway.sql.inputs.value_input import read_elements, read_value, refuse_dimensions
from gateway.types import Type

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_DAY_LENGTH, _MINUTE_LENGTH = 10, 16  # of 2024-01-02 and 2024-01-02 03:04
_FIRST_DAY = -719162  # 0001-01-01, in days since 1970; before it PostgreSQL's years are BC
_MICROSECONDS_A_DAY = 86_400_000_000


class Unread(Exception):
    """Text that is better read value by value."""


def read_texts(texts: pa.Array, kind: Type, notation: Notation) -> pa.Array:
    """Values of `kind` for texts (Arrow string, without zero bytes); NULL stays NULL.

    Args:
        texts: The texts.
        kind: The type; a numeric comes as decimal256(76, 38).
        notation: How the session reads moments and intervals.

    Raises:
        GatewayError: 22P02, 22007, ...: some text is no value of the type.
    """
    if pa.types.is_string(kind.arrow) and kind.name not in _PLAIN and not _is_checked(kind):
        return texts
    read = _PLAIN.get(kind.name)
    if read is not None:
        try:
            return read(texts, kind)
        except (Unread, pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    return _each(texts, kind, notation)


def _is_checked(kind: Type) -> bool:
    """Whether it is text to us, and more than that to PostgreSQL."""
    return kind.name in ("json", "jsonb", "char", "inet") or kind.is_enum


def _each(texts: pa.Array, kind: Type, notation: Notation) -> pa.Array:
    known: dict[str | None, object] = {None: None}
    given = texts.to_pylist()
    for text in given:
        if text not in known:
            known[text] = _value(text, kind, notation)
    values = [known[text] for text in given]
    if kind.name == "numeric":
        # Not written out: 1e999999999 has too many digits for that.
        return wide_decimal(pa.array([None if v is None else str(v) for v in values], pa.string()))
    return pa.array(values, kind.arrow)


def _value(text: str, kind: Type, notation: Notation) -> object:
    if kind.element is None:
        return read_value(text, kind, notation)
    values = read_elements(text, kind.element, notation)
    refuse_dimensions(values, kind)
    return values


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


def _oid(texts: pa.Array, kind: Type) -> pa.Array:
    if holds(texts, b"-xX"):
        raise Unread
    return texts.cast(kind.arrow)


def _float(texts: pa.Array, kind: Type) -> pa.Array:
    """Infinities and zeros may be numbers out of range; their texts are looked at again."""
    values = texts.cast(kind.arrow)
    odd = texts.filter(pc.or_(pc.invert(pc.is_finite(values)), pc.equal(values, 0)))
    plain = r"(?i)^([+-]?(0*\.?0*(e[+-]?\d+)?|inf(inity)?)|nan)$"
    if len(odd) and not pc.all(pc.match_substring_regex(odd, plain)).as_py():
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
    _refuse_before(days.cast(pa.int32()), _FIRST_DAY)
    return days


def _refuse_before(values: pa.Array, first: int) -> None:
    if pc.any(pc.less(values, first)).as_py():
        raise Unread


def _refuse_short(texts: pa.Array) -> None:
    """Arrow also reads an hour without its minutes."""
    lengths = np.asarray(pc.fill_null(pc.binary_length(texts), _DAY_LENGTH))
    if ((lengths != _DAY_LENGTH) & (lengths < _MINUTE_LENGTH)).any():
        raise Unread


def _timestamp(texts: pa.Array, kind: Type) -> pa.Array:
    _refuse_short(texts)
    moments = texts.cast(kind.arrow)
    _refuse_before(moments.cast(pa.int64()), _FIRST_DAY * _MICROSECONDS_A_DAY)
    return moments


def _time(texts: pa.Array, kind: Type) -> pa.Array:
    return texts.cast(kind.arrow)


def _uuid(texts: pa.Array, kind: Type) -> pa.Array:
    if not pc.all(pc.match_substring_regex(texts, _UUID), min_count=0).as_py():
        raise Unread
    return texts


_PLAIN: dict[str, Callable[[pa.Array, Type], pa.Array]] = {
    "bool": _bool,
    "int2": _integer,
    "int4": _integer,
    "int8": _integer,
    "oid": _oid,
    "float4": _float,
    "float8": _float,
    "numeric": _numeric,
    "date": _date,
    "time": _time,
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "uuid": _uuid,
}


def wide_decimal(texts: pa.Array) -> pa.Array:
    """decimal256(76, 38) for texts in the form of a number, of which digits past the 38th are cut.

    The last is no 0 or 5 where others were: so it may be rounded again, and is told from 0.

    Raises:
        NumericValueOutOfRange: 22003, more than 38 digits before the point.
    """
    scale = 38
    try:
        return exact_decimal(texts, scale)
    except pa.ArrowInvalid as error:
        # Python's decimal reads any length and exponent, and such text is rare.
        return _long_decimals(texts, scale, error)


# At most 38 digits before the point. Arrow makes other numbers of 1e69, 1e1000 or 61 nines.
_SHORT = r"^([^eE]{0,38}([eE]-[0-9]{1,2})?|[^eE]{0,18}[eE][+]?[01]?[0-9])$"


def exact_decimal(texts: pa.Array, scale: int) -> pa.Array:
    """decimal256(76, scale) for texts that Arrow surely reads rightly; NULL stays NULL.

    Raises:
        ArrowInvalid: A text is no number, or long, or has a large exponent or too many digits.
    """
    if not pc.all(pc.match_substring_regex(texts, _SHORT), min_count=0).as_py():
        raise pa.ArrowInvalid("long")
    return texts.cast(pa.decimal256(76, scale))


def _long_decimals(texts: pa.Array, scale: int, cause: Exception) -> pa.Array:
    try:
        values = [None if text is None else _rounded(text, scale) for text in texts.to_pylist()]
        return pa.array(values, pa.decimal256(76, scale))
    except (pa.ArrowInvalid, ArithmeticError) as error:
        raise NumericValueOutOfRange("value overflows numeric format") from (error or cause)


def _rounded(text: str, scale: int) -> Decimal:
    refuse_overflow(text)
    context = Context(prec=2000, rounding=ROUND_05UP)
    return context.create_decimal(text).quantize(Decimal(1).scaleb(-scale), context=context)
