"""Array parameters: `{1,NULL,"a b"}` and PostgreSQL's binary form, to nested Python lists."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

from gateway.errors import (
    DatatypeMismatch,
    FeatureNotSupported,
    InvalidBinaryRepresentation,
    InvalidTextRepresentation,
)
from gateway.types import Type

Decode = Callable[[bytes, Type, int, str, str], Any]

# One token: a brace or comma, a quoted element, or a bare one (backslash escapes in both).
_TOKEN = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|((?:[^\s{},"\\]|\\.)(?:[^{},"\\]|\\.)*))', re.DOTALL
)
_BOUNDS = re.compile(r"\s*(?:\[[+-]?\d+(?::[+-]?\d+)?\]\s*)+=")


def from_text(text: str, element: Type, decode: Decode, zone: str, order: str) -> list[Any]:
    """The elements, each read by its type's text input; NULL, unquoted, is None.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        FeatureNotSupported: 0A000, more than one dimension, or a lower bound.
    """
    if _BOUNDS.match(text):
        raise FeatureNotSupported("an array with lower bounds of its own cannot be held here")
    tokens = list(_tokens(text))
    kinds = [kind for kind, _ in tokens]
    if kinds[:1] != ["{"] or kinds[-1:] != ["}"]:
        raise _malformed(text, 'Array value must start with "{" and end with "}".')
    inside = tokens[1:-1]
    if any(kind == "{" for kind, _ in inside):
        raise FeatureNotSupported("an array parameter of more than one dimension")
    wanted = [",", "value"]
    if inside and (
        len(inside) % 2 == 0
        or any(kind != wanted[(n + 1) % 2] for n, (kind, _) in enumerate(inside))
    ):
        raise _malformed(text, "Elements are separated by one comma each.")
    words = [word for _, word in inside[::2]]
    return [
        None if word is None else decode(word.encode(), element, 0, zone, order) for word in words
    ]


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed array literal: "{text}"', detail=detail)


def _tokens(text: str) -> Iterator[tuple[str, str | None]]:
    """Each brace or comma as itself, each element as `("value", its text)`, NULL as None."""
    place, text_end = 0, len(text.rstrip())
    while place < text_end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise _malformed(text, "Unexpected array element.")
        place = match.end()
        mark, quoted, bare = match.groups()
        if mark:
            yield mark, None
        elif quoted is not None:
            yield "value", re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        else:
            bare = bare.rstrip()
            null = bare.upper() == "NULL"
            yield "value", None if null else re.sub(r"\\(.)", r"\1", bare, flags=re.DOTALL)


def from_binary(data: bytes, kind: Type, decode: Callable[[bytes, Type, int], Any]) -> list[Any]:
    """The elements of PostgreSQL's binary array form.

    Raises:
        InvalidBinaryRepresentation: 22P03, the bytes are no such form.
        DatatypeMismatch: 42804, elements of another type.
        FeatureNotSupported: 0A000, more than one dimension.
    """
    assert kind.element is not None
    try:
        dimensions, _, oid = struct.unpack_from(">iiI", data)
        if oid != kind.element.oid:
            raise DatatypeMismatch(
                f"binary data has array element type {oid} instead of expected {kind.element.oid}"
            )
        if dimensions == 0:
            return []
        if dimensions > 1:
            raise FeatureNotSupported("an array parameter of more than one dimension")
        count, _ = struct.unpack_from(">ii", data, 12)
        values, place = _elements(data, count, kind.element, decode)
    except struct.error as error:
        raise InvalidBinaryRepresentation("insufficient data left in message") from error
    if place != len(data):
        raise InvalidBinaryRepresentation(f"incorrect binary data format for type {kind.sql}")
    return values


def _elements(
    data: bytes, count: int, element: Type, decode: Callable[[bytes, Type, int], Any]
) -> tuple[list[Any], int]:
    values: list[Any] = []
    place = 20
    for _ in range(count):
        (length,) = struct.unpack_from(">i", data, place)
        place += 4
        if length < 0:
            values.append(None)
            continue
        if place + length > len(data):
            raise InvalidBinaryRepresentation("insufficient data left in message")
        values.append(decode(data[place : place + length], element, 1))
        place += length
    return values, place
