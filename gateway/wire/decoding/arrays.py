"""Array parameters: `{1,NULL,"a b"}` and PostgreSQL's binary form, to nested Python lists."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from math import prod
from typing import Any

from gateway.errors import DatatypeMismatch, InvalidBinaryRepresentation
from gateway.sql.inputs.array_input import check_depth, read_array
from gateway.sql.inputs.notation import Notation
from gateway.types import Type

Decode = Callable[[bytes, Type, int, Notation], Any]

_INTEGERS = re.compile(r"\{-?[0-9]{1,19}(?:,-?[0-9]{1,19})*\}")
_BOUNDS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


def from_text(text: str, element: Type, decode: Decode, notation: Notation) -> list[Any]:
    """The elements, each read by its type's text input; NULL, unquoted, is None.

    An array of several dimensions is a list of lists.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        StatementTooComplex: 54001, too many dimensions.
        FeatureNotSupported: 0A000, a lower bound.
    """

    bound = _BOUNDS.get(element.name)
    if bound is not None and _INTEGERS.fullmatch(text):  # as clients send thousands of keys
        numbers = list(map(int, text[1:-1].split(",")))
        if -bound <= min(numbers) and max(numbers) < bound:
            return numbers

    def read(part: Any) -> Any:
        if isinstance(part, list):
            return [read(each) for each in part]
        return None if part is None else decode(part.encode(), element, 0, notation)

    values: list[Any] = read(read_array(text))
    return values


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
        check_depth(dimensions)
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
