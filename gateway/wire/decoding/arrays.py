"""Array parameters in PostgreSQL's binary form, to nested Python lists."""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import prod
from typing import Any

from gateway.errors import DatatypeMismatch, InvalidBinaryRepresentation
from gateway.sql.inputs.array_input import check_depth
from gateway.types import Type


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
