"""What a jsonpath gives of a jsonb value: jsonb_path_query and its like (manual, 9.16.2)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

from gateway.engine.functions.jsonpath_walk import FAULTS, Walk
from gateway.engine.functions.rows import Row
from gateway.errors import InvalidParameterValue, SqlJsonFault
from gateway.sql.inputs.json_reading import loads
from gateway.sql.inputs.jsonpath import read_jsonpath
from gateway.sql.inputs.jsontext import quoted


def exists(text: str, path: str, variables: str, silent: bool) -> bool | None:
    """Whether the path gives anything; NULL where that cannot be told and is to be silent."""
    try:
        return bool(_items(text, path, variables))
    except FAULTS:
        if not silent:
            raise
        return None


def matches(text: str, path: str, variables: str, silent: bool) -> bool | None:
    """What a path that is a predicate comes to."""
    try:
        found = _items(text, path, variables)
        if len(found) == 1 and (found[0] is None or isinstance(found[0], bool)):
            return found[0]
        raise SqlJsonFault("single boolean result is expected")
    except FAULTS:
        if not silent:
            raise
        return None


def items(text: str, path: str, variables: str, silent: bool) -> list[str]:
    """What the path gives, each as jsonb."""
    try:
        return [_written(each) for each in _items(text, path, variables)]
    except FAULTS:
        if not silent:
            raise
        return []


def array(text: str, path: str, variables: str, silent: bool) -> str:
    """The same as one array."""
    return "[" + ", ".join(items(text, path, variables, silent)) + "]"


def _read(text: str) -> Any:
    return loads(text, parse_float=Decimal)


def _items(text: str, path: str, variables: str) -> list[Any]:
    given = _read(variables)
    if not isinstance(given, dict):
        raise InvalidParameterValue(
            '"vars" argument is not an object',
            detail='Jsonpath parameters should be encoded as key-value pairs of "vars" object.',
        )
    read = read_jsonpath(path)
    value = _read(text)
    return Walk(read, value, given).of(read.root)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        inside = (f"{quoted(key)}: {_written(each)}" for key, each in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value)


_TEXT, _BOOL = pa.string(), pa.bool_()
_GIVEN = [_TEXT, _TEXT, _TEXT, _BOOL]
ROWS: tuple[Row, ...] = (
    ("json_path_exists", exists, _GIVEN, _BOOL),
    ("json_path_matches", matches, _GIVEN, _BOOL),
    ("json_path_items", items, _GIVEN, pa.list_(_TEXT)),
    ("json_path_array", array, _GIVEN, _TEXT),
)
