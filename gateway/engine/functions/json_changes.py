"""JSON changed, and made of arrays: PostgreSQL manual, 9.16. Values are texts.

What changes a jsonb value gives one in jsonb's form again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from gateway.errors import (
    InvalidParameterValue,
    InvalidTextRepresentation,
    NullValueNotAllowed,
)
from gateway.sql.inputs.json_parts import elements, kind, members, plain
from gateway.sql.inputs.json_reading import loads
from gateway.sql.inputs.jsontext import quoted, read_jsonb

Path = list[str | None]


def member_keys(text: str) -> list[str]:
    """The keys of json_each."""
    return [key for key, _ in _members(text)]


def member_values(text: str) -> list[str]:
    """The values of json_each."""
    return [value for _, value in _members(text)]


def member_texts(text: str) -> list[str | None]:
    """The values of json_each_text."""
    return [plain(value) for _, value in _members(text)]


def _members(text: str) -> list[tuple[str, str]]:
    if kind(text) != "object":
        what = "an array" if kind(text) == "array" else "a scalar"
        raise InvalidParameterValue(f"cannot deconstruct {what}")
    return list(members(text))


def has_any(text: str, keys: Path) -> bool:
    """jsonb ?| keys."""
    return any(key in _names(text) for key in keys if key is not None)


def has_all(text: str, keys: Path) -> bool:
    """jsonb ?& keys."""
    return all(key in _names(text) for key in keys if key is not None)


def _names(text: str) -> set[str]:
    value = loads(text)
    if isinstance(value, dict):
        return set(value)
    items = value if isinstance(value, list) else [value]
    return {item for item in items if isinstance(item, str)}


def without_element(text: str, number: int) -> str:
    """jsonb - number: below 0 it counts from the end."""
    if kind(text) == "object":
        raise InvalidParameterValue("cannot delete from object using integer index")
    if kind(text) != "array":
        raise InvalidParameterValue("cannot delete from scalar")
    items = elements(text)
    if -len(items) <= number < len(items):
        del items[number]
    return _array(items)


def without_keys(text: str, keys: Path) -> str:
    """jsonb - keys."""
    if kind(text) == "object":
        return _object([(k, v) for k, v in members(text) if k not in keys])
    if kind(text) != "array":
        raise InvalidParameterValue("cannot delete from scalar")
    words = {quoted(key) for key in keys if key is not None}
    return _array([each for each in elements(text) if each not in words])


def without_path(text: str, path: Path) -> str:
    """jsonb #- path."""
    if kind(text) not in ("object", "array"):
        raise InvalidParameterValue("cannot delete path in scalar")
    return _changed(text, path, 1, lambda old: None) if path else text


def replaced(text: str, path: Path, value: str, missing: bool) -> str:
    """jsonb_set."""
    if kind(text) not in ("object", "array"):
        raise InvalidParameterValue("cannot set path in scalar")
    if not path:
        return text
    return read_jsonb(_changed(text, path, 1, lambda old: [value], [value] if missing else None))


def set_null(text: str, path: Path, missing: bool, of_null: str) -> str:
    """jsonb_set_lax of NULL: what it does is told by a word."""
    match of_null:
        case "use_json_null":
            return replaced(text, path, "null", missing)
        case "delete_key":
            return without_path(text, path)
        case "return_target":
            return text
        case "raise_exception":
            raise NullValueNotAllowed(
                "JSON value must not be null",
                detail='Exception was raised because null_value_treatment is "raise_exception".',
                hint="To avoid, either change the null_value_treatment argument "
                "or ensure that an SQL NULL is not passed.",
            )
    raise InvalidParameterValue(
        'null_value_treatment must be "delete_key", "return_target", "use_json_null", '
        'or "raise_exception"'
    )


def assigned(text: str, path: Path, value: str, grows_array: bool) -> str:
    """A jsonb with a part assigned by its subscripts (manual, 8.14.5): what is not there is made.

    Args:
        text: The jsonb; empty where it is NULL.
        path: The subscripts.
        value: What is assigned.
        grows_array: Whether a NULL becomes an array.
    """
    if None in path:
        raise NullValueNotAllowed("jsonb subscript in assignment must not be null")
    steps = [step for step in path if step is not None]
    return read_jsonb(_put(text or ("[]" if grows_array else "{}"), steps, value, 1))


def _put(text: str, path: list[str], value: str, place: int) -> str:
    if not path:
        return value
    step, *rest = path
    if kind(text) == "object":
        found = dict(members(text))
        found[step] = (
            _put(found[step], rest, value, place + 1) if step in found else _made(rest, value)
        )
        return _object([*found.items()])
    if kind(text) != "array":
        raise InvalidParameterValue(
            "cannot replace existing key",
            detail="The path assumes key is a composite object, but it is a scalar value.",
        )
    items = elements(text)
    number = _number(step, place)
    if number < -len(items):
        raise InvalidParameterValue(f"path element at position {place} is out of range: {number}")
    if number < len(items):
        items[number] = _put(items[number], rest, value, place + 1)
        return _array(items)
    return _array([*items, *["null"] * (number - len(items)), _made(rest, value)])


def _made(path: list[str], value: str) -> str:
    """The objects and arrays that a path leads through, which were not there."""
    for step in reversed(path):
        whole = re.fullmatch(r"\s*[-+]?\d+", step)
        value = _array([*["null"] * int(step), value]) if whole else _object([(step, value)])
    return value


def inserted(text: str, path: Path, value: str, after: bool) -> str:
    """jsonb_insert."""
    if kind(text) not in ("object", "array"):
        raise InvalidParameterValue("cannot set path in scalar")

    def put(old: str) -> list[str]:
        return [old, value] if after else [value, old]

    if not path:
        return text
    return read_jsonb(_changed(text, path, 1, put, [value], inserts=True))


Change = Callable[[str], "list[str] | None"]


def _changed(
    text: str,
    path: Path,
    place: int,
    change: Change,
    missing: list[str] | None = None,
    inserts: bool = False,
) -> str:
    """The value with what is at the path replaced by no, one or two values."""
    step, *rest = path
    if step is None:
        raise InvalidParameterValue(f"path element at position {place} is null")
    if kind(text) == "object":
        found = list(members(text))
        inside = [n for n, (key, _) in enumerate(found) if key == step]
        if not inside:
            more = [(step, missing[0])] if missing is not None and not rest else []
            return _object([*found, *more])
        if not rest:
            if inserts:
                raise InvalidParameterValue("cannot replace existing key")
            made = change(found[inside[0]][1])
            found[inside[0] : inside[0] + 1] = [(step, made[0])] if made else []
            return _object(found)
        key, old = found[inside[0]]
        found[inside[0]] = key, _changed(old, rest, place + 1, change, missing, inserts)
        return _object(found)
    if kind(text) != "array":
        return text
    items = elements(text)
    number = _number(step, place)
    if not -len(items) <= number < len(items):
        if missing is not None and not rest:
            items = [*missing, *items] if number < 0 else [*items, *missing]
        return _array(items)
    if rest:
        items[number] = _changed(items[number], rest, place + 1, change, missing, inserts)
    else:
        number %= len(items)
        items[number : number + 1] = change(items[number]) or []
    return _array(items)


def _number(step: str, place: int) -> int:
    try:
        return int(step)
    except ValueError as error:
        raise InvalidTextRepresentation(
            f'path element at position {place} is not an integer: "{step}"'
        ) from error


def stripped(text: str) -> str:
    """json_strip_nulls: members that are null left out, at any depth."""
    match kind(text):
        case "object":
            kept = ((k, v) for k, v in members(text) if kind(v) != "null")
            return "{" + ",".join(f"{quoted(k)}:{stripped(v)}" for k, v in kept) + "}"
        case "array":
            return "[" + ",".join(map(stripped, elements(text))) + "]"
    return text.strip()


def object_of(texts: Path) -> str:
    """json_object of keys and values in turn."""
    if len(texts) % 2:
        raise InvalidParameterValue("array must have even number of elements")
    return object_of_two(texts[::2], texts[1::2])


def object_of_two(keys: Path, values: Path) -> str:
    """json_object of keys and of values."""
    if len(keys) != len(values):
        raise InvalidParameterValue("mismatched array dimensions")
    parts = []
    for key, value in zip(keys, values, strict=True):
        if key is None:
            raise InvalidParameterValue("null value not allowed for object key")
        parts.append(f"{quoted(key)} : {'null' if value is None else quoted(value)}")
    return "{" + ", ".join(parts) + "}"


def _object(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{quoted(key)}: {value}" for key, value in pairs) + "}"


def _array(items: Sequence[Any]) -> str:
    return "[" + ", ".join(items) + "]"
