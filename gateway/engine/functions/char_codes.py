"""Integers and the `"char"` of which each is the code: what `typed_casts` writes for a cast."""

from __future__ import annotations

import pyarrow as pa

from gateway.engine.functions.rows import Columnar
from gateway.errors import FeatureNotSupported, NumericValueOutOfRange


def _letters(codes: pa.Array) -> pa.Array:
    """The `"char"` of each code, empty of 0 (src/backend/utils/adt/char.c, i4tochar).

    Raises:
        NumericValueOutOfRange: 22003, no byte.
        FeatureNotSupported: 0A000, a byte that is no character of UTF8.
    """
    return pa.array([None if c is None else _letter(c) for c in codes.to_pylist()], pa.string())


def _letter(code: int) -> str:
    if not -128 <= code <= 127:
        raise NumericValueOutOfRange('"char" out of range')
    if code < 0:
        raise FeatureNotSupported(f'the "char" of {code} is no character and cannot be held here')
    return chr(code) if code else ""


def _codes(letters: pa.Array) -> pa.Array:
    """The first byte of each with its sign, 0 of an empty one (chartoi4)."""
    return pa.array([None if c is None else _code(c) for c in letters.to_pylist()], pa.int32())


def _code(letter: str) -> int:
    first = letter.encode()[:1]
    return int.from_bytes(first, "big", signed=True)


LETTERS: tuple[Columnar, ...] = (
    ("letter_of_code", [pa.int64()], pa.string(), _letters),
    ("code_of_letter", [pa.string()], pa.int32(), _codes),
)
