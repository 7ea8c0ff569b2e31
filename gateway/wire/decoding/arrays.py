"""Array parameters: `{1,NULL,"a b"}` and PostgreSQL's binary form, to nested Python lists."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from gateway.errors import (
    DatatypeMismatch,
    FeatureNotSupported,
    InvalidBinaryRepresentation,
    InvalidTextRepresentation,
    StatementTooComplex,
)
from gateway.types import Type

Decode = Callable[[bytes, Type, int, str, str], Any]

# One token: a brace or comma, a quoted element, or a bare one (backslash escapes in both).
_TOKEN = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|((?:[^\s{},"\\]|\\.)(?:[^{},"\\]|\\.)*))', re.DOTALL
)
_BOUNDS = re.compile(r"\s*(?:\[[+-]?\d+(?::[+-]?\d+)?\]\s*)+=")


# As PostgreSQL's MAXDIM.
_MOST_DIMENSIONS = 6


def from_text(text: str, element: Type, decode: Decode, zone: str, order: str) -> list[Any]:
    """The elements, each read by its type's text input; NULL, unquoted, is None.

    An array of several dimensions is a list of lists.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        StatementTooComplex: 54001, too many dimensions.
        FeatureNotSupported: 0A000, a lower bound.
    """
    if _BOUNDS.match(text):
        raise FeatureNotSupported("an array with lower bounds of its own cannot be held here")
    tokens = list(_tokens(text))
    if tokens[:1] != [("{", None)] or tokens[-1][0] != "}":
        raise _malformed(text, 'Array value must start with "{" and end with "}".')

    def read(word: str | None) -> Any:
        return None if word is None else decode(word.encode(), element, 0, zone, order)

    return _nested(tokens, text, read)


def _nested(
    tokens: list[tuple[str, str | None]], text: str, read: Callable[[str | None], Any]
) -> list[Any]:
    """The lists that the braces make, all of one depth equally long."""
    lists = _Lists(text)
    before = ","
    for kind, word in tokens:
        opens = kind in ("{", "value")
        if opens != (before in ("{", ",")) and (kind, before) != ("}", "{"):
            raise _malformed(text, "Elements are separated by one comma each.")
        if kind == "{":
            lists.open()
        elif kind == "}":
            lists.close()
        elif kind == "value":
            lists.add(read(word))
        before = kind
    return lists.whole()


class _Lists:
    """Lists in lists, as their braces come."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[list[Any]] = [[]]
        self._sizes: dict[int, int] = {}
        self._leaves = 0  # the depth at which elements stand

    def open(self) -> None:
        _check_depth(len(self._open))
        made: list[Any] = []
        self._open[-1].append(made)
        self._open.append(made)

    def add(self, value: Any) -> None:
        self._leaves = self._leaves or len(self._open)
        if len(self._open) != self._leaves:
            raise _malformed(self._text, _UNEVEN)
        self._open[-1].append(value)

    def close(self) -> None:
        if len(self._open) == 1:
            raise _malformed(self._text, "Junk after closing right brace.")
        closed, depth = self._open.pop(), len(self._open)
        if not closed and depth > 1:
            raise _malformed(self._text, 'Unexpected "}" character.')
        if self._sizes.setdefault(depth, len(closed)) != len(closed):
            raise _malformed(self._text, _UNEVEN)

    def whole(self) -> list[Any]:
        if len(self._open) > 1 or len(self._open[0]) != 1:
            raise _malformed(self._text, "Unexpected end of input.")
        return list(self._open[0][0])


_UNEVEN = "Multidimensional arrays must have sub-arrays with matching dimensions."


def _check_depth(depth: int) -> None:
    if depth > _MOST_DIMENSIONS:
        raise StatementTooComplex(
            f"number of array dimensions ({depth}) exceeds the maximum allowed ({_MOST_DIMENSIONS})"
        )


def dimensions_of(values: list[Any]) -> int:
    """How many dimensions an array that was read has.

    >>> dimensions_of([1]), dimensions_of([[1, 2], [3, 4]])
    (1, 2)
    """
    count = 1
    while values and isinstance(values[0], list):
        count, values = count + 1, values[0]
    return count


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
        StatementTooComplex: 54001, too many dimensions.
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
        _check_depth(dimensions)
        if dimensions < 0:
            raise InvalidBinaryRepresentation(f"invalid number of dimensions: {dimensions}")
        sizes = struct.unpack_from(">" + "ii" * dimensions, data, 12)[::2]
        if min(sizes) < 0 or prod(sizes) * 4 > len(data):
            raise InvalidBinaryRepresentation("insufficient data left in message")
        start = 12 + 8 * dimensions
        values, place = _elements(data, start, prod(sizes), kind.element, decode)
    except struct.error as error:
        raise InvalidBinaryRepresentation("insufficient data left in message") from error
    if place != len(data):
        raise InvalidBinaryRepresentation(f"incorrect binary data format for type {kind.sql}")
    for size in reversed(sizes[1:]):
        values = [values[n : n + size] for n in range(0, len(values), size)] if size else []
    return values


def _elements(
    data: bytes, place: int, count: int, element: Type, decode: Callable[[bytes, Type, int], Any]
) -> tuple[list[Any], int]:
    values: list[Any] = []
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
