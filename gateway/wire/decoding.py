"""One bound parameter: field bytes to an Arrow scalar, as the type's input functions read them.

Texts are read by `sql.inputs.value_input`; `_BINARY` has one row per type, and a type without a
row takes any text.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any
from uuid import UUID

import pyarrow as pa

from gateway.errors import (
    DatatypeMismatch,
    DatetimeFieldOverflow,
    FeatureNotSupported,
    InvalidBinaryRepresentation,
    NameTooLong,
    ProtocolViolation,
)
from gateway.sql.inputs import literals, networks
from gateway.sql.inputs.array_input import check_depth, dimensions_of
from gateway.sql.inputs.encodings import UTF8
from gateway.sql.inputs.far_moments import (
    DATE_INFINITY,
    DATE_MINUS_INFINITY,
    DAY_MICROS,
    END_DAY,
    END_MICROS,
    FIRST_DAY,
    FIRST_MICROS,
    TIMESTAMP_INFINITY,
    TIMESTAMP_MINUS_INFINITY,
)
from gateway.sql.inputs.jsontext import read_json, read_jsonb
from gateway.sql.inputs.notation import PLAIN, Notation
from gateway.sql.inputs.value_input import (
    NAME_BYTES,
    month_day_nano,
    read_elements,
    read_letter,
    read_value,
    refuse_dimensions,
)
from gateway.types import BY_NAME, INT2, REGISTERED, TEXTS, Type, array_of
from gateway.wire.encoding.binary import EPOCH_DAYS, EPOCH_MICROS
from gateway.wire.encoding.numeric_bytes import (
    numeric_list_type,
    numeric_scalar,
    read_numeric_binary,
)


def decode_parameter(
    data: bytes | None, kind: Type, form: int, notation: Notation = PLAIN
) -> pa.Scalar:
    """The value as a scalar of `kind.arrow`; a numeric has the scale it was written with.

    Args:
        data: The field, or None for NULL.
        kind: The parameter's type.
        form: 0 for text, 1 for binary.
        notation: The session's TimeZone, for a timestamptz written without an offset; how it
            reads dates that are numbers alone, and intervals with one sign; its encoding.

    Raises:
        InvalidTextRepresentation: 22P02, InvalidDatetimeFormat: 22007, text of another form.
        NumericValueOutOfRange: 22003, DatetimeFieldOverflow: 22008, beyond the type's bounds.
        InvalidBinaryRepresentation: 22P03, bytes of another form.
        CharacterNotInRepertoire: 22021, text that is not of the client's encoding, or a zero byte.
        UntranslatableCharacter: 22P05, a character that Unicode does not have.

    >>> from gateway.types import BY_NAME
    >>> decode_parameter(b" 42 ", BY_NAME["int4"], 0).as_py()
    42
    """
    if data is None:
        return pa.scalar(None, kind.arrow)
    if kind.element is not None:
        return _array_scalar(_array(data, kind, form, notation), kind, kind.element)
    value = decode_value(data, kind, form, notation)
    return numeric_scalar(value) if kind.name == "numeric" else pa.scalar(value, kind.arrow)


def decode_parameters(
    fields: Sequence[bytes | None],
    types: Sequence[Type],
    formats: Sequence[int],
    notation: Notation,
) -> list[pa.Scalar]:
    """The values of all parameters of a Bind; see `decode_parameter`.

    Raises:
        InvalidBinaryRepresentation: 22P03, naming the parameter. GatewayError: as one of them.
    """
    values: list[pa.Scalar] = []
    for data, kind, form in zip(fields, types, formats, strict=True):
        try:
            values.append(decode_parameter(data, kind, form, notation))
        except InvalidBinaryRepresentation as error:
            raise InvalidBinaryRepresentation(
                f"incorrect binary data format in bind parameter {len(values) + 1}"
            ) from error
    return values


def _array_scalar(values: list[Any], kind: Type, element: Type) -> pa.Scalar:
    """An array of any dimensions; one of numerics has the scale of its elements."""
    depth = dimensions_of(values)
    if depth > 1 and element.name not in _NESTED:
        raise FeatureNotSupported(
            f"a parameter of type {kind.sql} of more than one dimension is not supported"
        )
    numeric = element.name == "numeric"
    arrow = numeric_list_type(_leaves(values)) if numeric else pa.list_(element.arrow)
    if depth == 1:  # a scalar of a list is made in a hundred times the time of an array
        column = pa.array(values, arrow.value_type)
        return pa.ListArray.from_arrays(pa.array([0, len(column)], pa.int32()), column)[0]
    for _ in range(depth - 1):
        arrow = pa.list_(arrow)
    return pa.scalar(values, arrow)


# Of which the engine keeps arrays of several dimensions apart from texts.
_NESTED = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bytea",
     "date", "time", "timestamp", "timestamptz", "interval"}
)  # fmt: skip


def _leaves(values: list[Any]) -> list[Any]:
    """The elements of all dimensions."""
    while values and isinstance(values[0], list):
        values = [each for part in values for each in part]
    return values


def _array(data: bytes, kind: Type, form: int, notation: Notation) -> list[Any]:
    assert kind.element is not None
    if form:
        return _array_binary(data, kind, partial(decode_value, notation=notation))
    text = (notation.foreign or UTF8).decode(data)
    return read_elements(text, kind.element, notation)


def decode_value(data: bytes, kind: Type, form: int, notation: Notation = PLAIN) -> Any:
    """The value as Python's `pa.scalar(value, kind.arrow)` takes it.

    Raises:
        FeatureNotSupported: 0A000, an array of other dimensions than `kind` has.
    """
    if kind.element is not None:
        values = _array(data, kind, form, notation)
        refuse_dimensions(values, kind)
        return values
    foreign = notation.foreign
    if form:
        if foreign is not None and kind.name in TEXTS:
            data = foreign.decode(data).encode()
        if kind.is_enum:
            return literals.label_of(text_of(data), kind)
        return _BINARY.get(kind.name, text_of)(data)
    text = text_of(data) if foreign is None else foreign.decode(data)
    return read_value(text, kind, notation)


def text_of(data: bytes) -> str:
    """The field as text.

    Raises:
        CharacterNotInRepertoire: 22021, not UTF-8, or a zero byte.
    """
    return UTF8.decode(data)


def _char_binary(data: bytes) -> str:
    """One byte, of which zero stands for the empty text."""
    return "" if _exactly(data, 1) == b"\0" else read_letter(data.decode("latin-1"))


def _name_binary(data: bytes) -> str:
    text = text_of(data)
    if len(data) > NAME_BYTES:
        raise NameTooLong(
            "identifier too long",
            detail=f"Identifier must be less than {NAME_BYTES + 1} characters.",
        )
    return text


def _registered_binary(data: bytes) -> dict[str, Any]:
    number = _packed("I")(data)
    return {"oid": number, "text": str(number)}


def _packed(code: str) -> Callable[[bytes], Any]:
    form = struct.Struct(">" + code)

    def convert(data: bytes) -> Any:
        return form.unpack(_exactly(data, form.size))[0]

    return convert


def _real(code: str) -> Callable[[bytes], float]:
    """A NaN has no sign, which the engine would tell it from others by."""
    read = _packed(code)

    def convert(data: bytes) -> float:
        value: float = read(data)
        return value if value == value else math.nan

    return convert


def _uuid_binary(data: bytes) -> str:
    return str(UUID(bytes=_exactly(data, 16)))


def _jsonb_binary(data: bytes) -> str:
    if data[:1] != b"\x01":
        raise InvalidBinaryRepresentation("unsupported jsonb version number")
    return read_jsonb(text_of(data[1:]))


def _vector(element: Type) -> Callable[[bytes], Any]:
    return lambda data: _array_binary(data, array_of(element), decode_value)


def _interval_binary(data: bytes) -> pa.MonthDayNano:
    """Of microseconds, days and months."""
    micros, days, months = struct.unpack(">qii", _exactly(data, 16))
    return month_day_nano(months, days, micros)


def _exactly(data: bytes, size: int) -> bytes:
    """The field, if it has that many bytes.

    Raises:
        ProtocolViolation: 08P01, fewer; PostgreSQL's word for it.
        InvalidBinaryRepresentation: 22P03, more.
    """
    if len(data) < size:
        raise ProtocolViolation("insufficient data left in message")
    if len(data) > size:
        raise InvalidBinaryRepresentation("incorrect binary data format")
    return data


def _date_binary(data: bytes) -> int:
    """Days since 1970-01-01 of PostgreSQL's days since 2000-01-01."""
    days: int = _packed("i")(data)
    if days in (DATE_INFINITY, DATE_MINUS_INFINITY):
        return days
    if days + EPOCH_DAYS >= END_DAY or days + EPOCH_DAYS < FIRST_DAY:
        raise DatetimeFieldOverflow("date out of range")
    return days + EPOCH_DAYS


def _time_binary(data: bytes) -> int:
    """Microseconds since midnight."""
    micros: int = _packed("q")(data)
    if not 0 <= micros <= DAY_MICROS:
        raise DatetimeFieldOverflow("time out of range")
    return micros


def _timestamp_binary(data: bytes) -> int:
    """Microseconds since 1970 of PostgreSQL's microseconds since 2000-01-01."""
    micros: int = _packed("q")(data)
    if micros in (TIMESTAMP_INFINITY, TIMESTAMP_MINUS_INFINITY):
        return micros
    moved = micros + EPOCH_MICROS
    if not FIRST_MICROS <= moved < END_MICROS:
        raise DatetimeFieldOverflow("timestamp out of range")
    return moved


def _array_binary(data: bytes, kind: Type, decode: Callable[[bytes, Type, int], Any]) -> list[Any]:
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


_BINARY: dict[str, Callable[[bytes], Any]] = {
    "bool": lambda data: _packed("b")(data) != 0,
    "bytea": bytes,
    "char": _char_binary,
    "name": _name_binary,
    "int2": _packed("h"),
    "int4": _packed("i"),
    "int8": _packed("q"),
    "oid": _packed("I"),
    "int2vector": _vector(INT2),
    "oidvector": _vector(BY_NAME["oid"]),
    "xid": _packed("I"),
    "cid": _packed("I"),
    "json": lambda data: read_json(text_of(data)),
    "float4": _real("f"),
    "float8": _real("d"),
    "date": _date_binary,
    "time": _time_binary,
    "timestamp": _timestamp_binary,
    "timestamptz": _timestamp_binary,
    "interval": _interval_binary,
    "numeric": read_numeric_binary,
    "uuid": _uuid_binary,
    "inet": networks.from_bytes,
    "jsonb": _jsonb_binary,
    **dict.fromkeys(REGISTERED, _registered_binary),
}
