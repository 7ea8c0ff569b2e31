"""Texts of booleans and numbers as PostgreSQL's input functions read them.

Literals in a statement and parameters in text are the same text, so both are read here.
PostgreSQL 15, src/backend/utils/adt: boolin, pg_strtoint32, float8in, numeric_in.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from decimal import Decimal

from gateway.errors import (
    FeatureNotSupported,
    InvalidTextRepresentation,
    NumericValueOutOfRange,
)

_SPACES = " \t\n\r\v\f"


def _syntax(name: str, text: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'invalid input syntax for type {name}: "{text}"')


# boolin takes every unambiguous beginning of these words, in any case.
_WORDS = {
    **dict.fromkeys(("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1"), True),
    **dict.fromkeys(("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0"), False),
}


def read_bool(text: str) -> bool:
    """The truth value.

    Raises:
        InvalidTextRepresentation: 22P02.

    >>> read_bool(" Yes "), read_bool("off")
    (True, False)
    """
    value = _WORDS.get(text.strip(_SPACES).lower())
    if value is None:
        raise _syntax("boolean", text)
    return value


def _whole(digits: str) -> int | None:
    """The integer; None of one with more digits than any type has, which Python might not read."""
    written = digits.lstrip("+-").lstrip("0")
    if len(written) > _MOST_DIGITS:
        return None
    return int(written or 0) * (-1 if digits.startswith("-") else 1)


_MOST_DIGITS = 20


def _integer(sql: str, low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", text.strip(_SPACES), re.ASCII):
            raise _syntax(sql, text)
        value = _whole(text.strip(_SPACES))
        if value is None or not low <= value <= high:
            raise NumericValueOutOfRange(f'value "{text}" is out of range for type {sql}')
        return value

    return convert


# Each raises 22P02 for another form and 22003 beyond the type's bounds.
read_int2 = _integer("smallint", -(2**15), 2**15 - 1)
read_int4 = _integer("integer", -(2**31), 2**31 - 1)
read_int8 = _integer("bigint", -(2**63), 2**63 - 1)
_oid = _integer("oid", -(2**31), 2**32 - 1)


def read_oid(text: str) -> int:
    """An oid; a negative one counts from the end, as strtoul does.

    >>> read_oid("26"), read_oid("-1")
    (26, 4294967295)
    """
    return _oid(text) % 2**32


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
NO_NUMBER = {"nan", "infinity", "inf", "+infinity", "+inf", "-infinity", "-inf"}


_NO_FLOAT = NO_NUMBER | {"-nan", "+nan"}
_HEXADECIMAL = re.compile(r"[+-]?0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)", re.ASCII | re.IGNORECASE)


def _floating(sql: str, code: str) -> Callable[[str], float]:
    def convert(text: str) -> float:
        spelt = text.strip(_SPACES)
        if spelt.lower() in _NO_FLOAT:
            return math.nan if "nan" in spelt.lower() else float(spelt)  # of no sign
        if _HEXADECIMAL.fullmatch(spelt):  # which C's strtod takes
            return float.fromhex(spelt)
        if not _NUMBER.fullmatch(spelt):
            raise _syntax(sql, text)
        value = float(spelt)
        try:
            rounded = struct.unpack(code, struct.pack(code, value))[0]
        except OverflowError:
            rounded = float("inf")
        vanished = rounded == 0 and any(d in "123456789" for d in spelt.lower().partition("e")[0])
        if abs(rounded) == float("inf") or vanished:
            raise NumericValueOutOfRange(f'"{text}" is out of range for type {sql}')
        return value

    return convert


read_float4 = _floating("real", "f")
read_float8 = _floating("double precision", "d")


# What a numeric can have in PostgreSQL, whatever its declared digits are (manual, 8.1.2).
_MOST_BEFORE, _MOST_AFTER = 131072, 16383


def refuse_overflow(text: str, position: int = 0) -> None:
    """Refuse a number that has more digits than any numeric of PostgreSQL.

    Raises:
        NumericValueOutOfRange: 22003.

    >>> refuse_overflow("1.5e-16382")
    >>> refuse_overflow("1.55e-16382")
    Traceback (most recent call last):
    gateway.errors.data.NumericValueOutOfRange: value overflows numeric format
    """
    digits, _, exponent = text.strip(_SPACES).lower().partition("e")
    if not exponent and len(digits) <= _MOST_AFTER:
        return
    before, _, after = digits.lstrip("+-").partition(".")
    written = before + after
    known = _whole(exponent)
    power = _BEYOND if known is None else known
    first = len(written) - len(written.lstrip("0"))
    above = first < len(written) and len(before) - first + power > _MOST_BEFORE
    if above or len(after) - power > _MOST_AFTER or abs(power) >= _BEYOND:
        raise NumericValueOutOfRange("value overflows numeric format", position=position)


_BEYOND = 2**30 - 1  # INT_MAX / 2, as set_var_from_str has it


def read_numeric(text: str) -> Decimal:
    """The number, with the digits it was written with.

    Raises:
        InvalidTextRepresentation: 22P02.
        FeatureNotSupported: 0A000, NaN or an infinity.
        NumericValueOutOfRange: 22003, more digits than PostgreSQL reads.

    >>> read_numeric(" 1.50")
    Decimal('1.50')
    """
    spelt = text.strip(_SPACES)
    if spelt.lower() in NO_NUMBER:
        raise FeatureNotSupported(
            "a numeric NaN or infinity cannot be held here", hint="Use double precision."
        )
    if not _NUMBER.fullmatch(spelt):
        raise _syntax("numeric", text)
    refuse_overflow(spelt)
    return Decimal(spelt)
