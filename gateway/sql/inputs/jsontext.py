"""JSON as PostgreSQL keeps it: json as it was written, jsonb in one form (manual, 8.14)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from gateway.errors import InvalidTextRepresentation, UntranslatableCharacter
from gateway.sql.inputs.json_reading import loads
from gateway.sql.inputs.number_input import refuse_overflow


def read_json(text: str) -> str:
    """The text itself, once it is JSON.

    Raises:
        InvalidTextRepresentation: 22P02. StatementTooComplex: 54001, it is nested too deeply.
    """
    _parsed(text)
    return text


def read_jsonb(text: str) -> str:
    """The text in jsonb's form: no needless blanks, each key once and in order, plain numbers.

    Raises:
        InvalidTextRepresentation: 22P02. UntranslatableCharacter: 22P05, `\\u0000`.
        NumericValueOutOfRange: 22003, a number of more digits than a numeric has.
        StatementTooComplex: 54001, it is nested too deeply.

    >>> read_jsonb('{"bb": 1e2, "a" : [1.50, null], "a": 2}')
    '{"a": 2, "bb": 100}'
    """
    return _written(_parsed(text))


READERS = {"json": read_json, "jsonb": read_jsonb}


def _parsed(text: str) -> Any:
    try:
        found = loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse)
        text.encode()
        return found
    except ValueError as error:
        raise InvalidTextRepresentation(
            "invalid input syntax for type json", detail=str(error)
        ) from error


def _refuse(word: str) -> NoReturn:
    raise ValueError(f'Token "{word}" is invalid.')


def _written(value: Any) -> str:
    match value:
        case dict():
            # By length, then by bytes (jsonb_util.c, lengthCompareJsonbStringValue).
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            inside = (f"{_string(key)}: {_written(value[key])}" for key in keys)
            return "{" + ", ".join(inside) + "}"
        case list():
            return "[" + ", ".join(map(_written, value)) + "]"
        case str():
            return _string(value)
        case Decimal():
            refuse_overflow(str(value))
            return format(value if value else abs(value), "f")  # a numeric has no -0
        case bool():
            return "true" if value else "false"
    return "null"


def quoted(text: str) -> str:
    """A text as a JSON string, escaped as PostgreSQL does (json.c, escape_json)."""
    return json.dumps(text, ensure_ascii=False)


def _string(value: str) -> str:
    if "\0" in value:
        raise UntranslatableCharacter(
            "unsupported Unicode escape sequence", detail="\\u0000 cannot be converted to text."
        )
    if any(0xD800 <= ord(letter) < 0xE000 for letter in value):
        raise InvalidTextRepresentation(
            "invalid input syntax for type json",
            detail="A half of a surrogate pair stands alone.",
        )
    return quoted(value)
