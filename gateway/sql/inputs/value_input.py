"""Texts of single values, as the types' input functions read them.

Parameters, COPY, casts of texts and values that meet a column are the same texts, so all are read
here; whole columns of them by `text_columns`, a statement's own literals by `literals`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from gateway.errors import DatetimeFieldOverflow, FeatureNotSupported
from gateway.sql.inputs import literals, moment_values, networks
from gateway.sql.inputs.array_input import dimensions_of, read_array
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.inputs.jsontext import read_json, read_jsonb
from gateway.sql.inputs.notation import Notation
from gateway.sql.inputs.number_input import (
    read_bool,
    read_float4,
    read_float8,
    read_int2,
    read_int4,
    read_int8,
    read_numeric,
    read_oid,
)
from gateway.types import REGISTERED, Type, dimensions


def read_value(text: str, kind: Type, notation: Notation) -> Any:
    """The value as `pa.scalar(value, kind.arrow)` takes it; of a type without a row, the text.

    Raises:
        GatewayError: 22P02, 22007, 22008, 22009, 22003, ...: it is no value of the type.
    """
    if (moment := _MOMENTS.get(kind.name)) is not None:
        return moment(text, notation)
    if kind.is_enum:
        return literals.label_of(text, kind)
    read = _VALUES.get(kind.name)
    return text if read is None else read(text)


def read_elements(text: str, element: Type, notation: Notation) -> list[Any]:
    """The elements of an array, each read as its type is; NULL, unquoted, is None.

    An array of several dimensions is a list of lists.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        StatementTooComplex: 54001, too many dimensions.
        FeatureNotSupported: 0A000, a lower bound.
        GatewayError: an element is no value of the type.
    """
    bound = _BOUNDS.get(element.name)
    if bound is not None and _INTEGERS.fullmatch(text):  # as clients send thousands of keys
        numbers = list(map(int, text[1:-1].split(",")))
        if -bound <= min(numbers) and max(numbers) < bound:
            return numbers

    def read(part: Any) -> Any:
        if isinstance(part, list):
            return [read(each) for each in part]
        return None if part is None else read_value(part, element, notation)

    values: list[Any] = read(read_array(text))
    return values


def refuse_dimensions(values: list[Any], kind: Type) -> None:
    """Refuse an array of other dimensions than its type has here; an empty one is of any.

    Raises:
        FeatureNotSupported: 0A000.
    """
    given, kept = dimensions_of(values), dimensions(kind)
    if values and given != kept:
        raise FeatureNotSupported(
            f"an array of {given} dimensions is not one of {kept}",
            hint=f"Declare the column {kind.sql}{'[]' * (given - 1)}.",
        )


def read_letter(text: str) -> str:
    """The one byte of a `"char"`, as a character.

    Raises:
        FeatureNotSupported: 0A000, it is a part of a character.
    """
    if not (letter := literals.char(text)).isascii():
        raise FeatureNotSupported('a "char" beyond ASCII is not supported', hint="Use text.")
    return letter


def read_name(text: str) -> str:
    """The whole characters in the first bytes of a text, as many as a name keeps (namein)."""
    return text.encode()[:NAME_BYTES].decode(errors="ignore")


def month_day_nano(months: int, days: int, micros: int) -> pa.MonthDayNano:
    """An interval as Arrow holds it, its time in nanoseconds.

    Raises:
        DatetimeFieldOverflow: 22008, a part that does not fit; the time part holds 292 years.
    """
    nanos = micros * 1000
    if max(abs(months), abs(days)) >= 2**31 or abs(nanos) >= 2**63:
        raise DatetimeFieldOverflow("interval out of range")
    return pa.MonthDayNano([months, days, nanos])


NAME_BYTES = 63  # NAMEDATALEN less its end
_INTEGERS = re.compile(r"\{-?[0-9]{1,19}(?:,-?[0-9]{1,19})*\}")
_BOUNDS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


def _registered(text: str) -> dict[str, Any]:
    """A number, or a name, of which the catalogue knows the number."""
    return {"oid": read_oid(text) if text.strip().isdigit() else None, "text": text}


# Types whose text is read by the session's TimeZone, DateStyle and IntervalStyle.
_MOMENTS: dict[str, Callable[[str, Notation], Any]] = {
    "date": lambda text, by: moment_values.date(text, by.zone, by.order),
    "timestamp": lambda text, by: moment_values.timestamp(text, by.zone, by.order),
    "timestamptz": lambda text, by: moment_values.timestamptz(text, by.zone, by.order),
    "time": lambda text, by: moment_values.time(text, by.zone, by.order),
    "interval": lambda text, by: month_day_nano(*read_interval(text, by.intervals)),
}

_VALUES: dict[str, Callable[[str], Any]] = {
    "bool": read_bool,
    "bytea": literals.bytea,
    "char": read_letter,
    "name": read_name,
    "int2": read_int2,
    "int4": read_int4,
    "int8": read_int8,
    "oid": read_oid,
    "xid": read_oid,
    "cid": read_oid,
    "int2vector": lambda text: [read_int2(word) for word in text.split()],
    "oidvector": lambda text: [read_oid(word) for word in text.split()],
    "json": read_json,
    "float4": read_float4,
    "float8": read_float8,
    "numeric": read_numeric,
    "uuid": literals.uuid,
    "inet": networks.canonical,
    "jsonb": read_jsonb,
    **dict.fromkeys(REGISTERED, _registered),
}
