"""JSON taken apart: PostgreSQL manual, 9.16. Values are texts, and so are the parts of them.

A part of a json value is given as it was written, blanks included; one of a jsonb value is in
jsonb's one form, because the whole is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # as CPython has it
from typing import Any

from gateway.errors import InvalidParameterValue
from gateway.sql.inputs.json_reading import loads, refuse_depth
from gateway.sql.inputs.jsontext import quoted, read_jsonb

_DECODER = json.JSONDecoder()
_BLANKS = " \t\n\r"


def _start(text: str, place: int = 0) -> int:
    while place < len(text) and text[place] in _BLANKS:
        place += 1
    return place


def _end(text: str, place: int) -> int:
    return int(_DECODER.raw_decode(text, place)[1])


def members(text: str) -> Iterator[tuple[str, str]]:
    """(key, value as it is written) of each member of an object."""
    refuse_depth(text)
    place = _start(text, _start(text) + 1)
    while text[place] != "}":
        key, place = scanstring(text, place + 1, True)
        start = _start(text, _start(text, place) + 1)
        place = _end(text, start)
        yield key, text[start:place]
        place = _start(text, place)
        if text[place] == ",":
            place = _start(text, place + 1)


def elements(text: str) -> list[str]:
    """The elements of an array, as they are written."""
    refuse_depth(text)
    found, place = [], _start(text, _start(text) + 1)
    while text[place] != "]":
        end = _end(text, place)
        found.append(text[place:end])
        place = _start(text, end)
        if text[place] == ",":
            place = _start(text, place + 1)
    return found


def _scalar(text: str, wanted: str, target: str) -> str:
    """The text of a scalar of the wanted kind.

    Raises:
        InvalidParameterValue: 22023, it is of another kind.
    """
    found = kind(text)
    if found != wanted:
        shown = {"number": "numeric"}.get(found, found)
        raise InvalidParameterValue(f"cannot cast jsonb {shown} to type {target}")
    return text.strip()


def number(text: str, target: str) -> str:
    """A number of jsonb, to be cast to `target`."""
    return _scalar(text, "number", target)


def boolean(text: str, target: str) -> str:
    """A truth value of jsonb."""
    return _scalar(text, "boolean", target)


def kind(text: str) -> str:
    """json_typeof."""
    first = text[_start(text)]
    kinds = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean"}
    return kinds.get(first, "null" if first == "n" else "number")


def field(text: str, key: str) -> str | None:
    """json -> 'key'; the last member of that name."""
    if kind(text) != "object":
        return None
    return dict(members(text)).get(key)


def element(text: str, number: int) -> str | None:
    """json -> number; below 0 it counts from the end."""
    if kind(text) != "array":
        return None
    found = elements(text)
    return found[number] if -len(found) <= number < len(found) else None


def element_of_jsonb(text: str, number: int) -> str | None:
    """jsonb -> number; a scalar is held as an array of itself, and there it is the one element."""
    if kind(text) in ("array", "object"):
        return element(text, number)
    return text.strip() if number in (0, -1) else None


def at_path(text: str, path: list[str | None]) -> str | None:
    """json #> path."""
    found: str | None = text
    for step in path:
        if found is None or step is None:
            return None
        if kind(found) == "array":
            whole = step.lstrip("+-").isdigit()
            found = element(found, int(step)) if whole else None
        else:
            found = field(found, step)
    return found


def plain(text: str | None) -> str | None:
    """What ->> gives of a part: a string without its quotes, null as NULL."""
    if text is None or kind(text) == "null":
        return None
    return str(loads(text)) if kind(text) == "string" else text


def field_text(text: str, key: str) -> str | None:
    """json ->> 'key'."""
    return plain(field(text, key))


def element_text(text: str, number: int) -> str | None:
    """json ->> number."""
    return plain(element(text, number))


def text_of_jsonb(text: str, number: int) -> str | None:
    """jsonb ->> number."""
    return plain(element_of_jsonb(text, number))


def text_at_path(text: str, path: list[str | None]) -> str | None:
    """json #>> path."""
    return plain(at_path(text, path))


def array_length(text: str) -> int:
    """json_array_length."""
    if kind(text) != "array":
        raise ValueError(f"cannot get array length of {_non_array(text)}")
    return len(elements(text))


def _non_array(text: str) -> str:
    return "a non-array" if kind(text) == "object" else "a scalar"


def array_elements(text: str) -> list[str]:
    """json_array_elements."""
    if kind(text) != "array":
        what = "an object" if kind(text) == "object" else "a scalar"
        raise ValueError(f"cannot extract elements from {what}")
    return elements(text)


def array_texts(text: str) -> list[str | None]:
    """json_array_elements_text."""
    return [plain(each) for each in array_elements(text)]


def object_keys(text: str) -> list[str]:
    """json_object_keys."""
    if kind(text) != "object":
        what = "an array" if kind(text) == "array" else "a scalar"
        raise ValueError(f"cannot call json_object_keys on {what}")
    return [key for key, _ in members(text)]


def contains(left: str, right: str) -> bool:
    """jsonb @> jsonb (manual, 8.14.3)."""
    return _contains(loads(left), loads(right), top=True)


def _contains(left: Any, right: Any, *, top: bool = False) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return all(key in left and _contains(left[key], right[key]) for key in right)
    if isinstance(left, list) and isinstance(right, list):
        return all(any(_contains(a, b) for a in left) for b in right)
    if top and isinstance(left, list) and not isinstance(right, dict | list):
        return any(_contains(each, right) for each in left)
    return (type(left) is type(right) and bool(left == right)) or _same_number(left, right)


def _same_number(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    return isinstance(left, int | float) and isinstance(right, int | float) and left == right


def has_key(text: str, key: str) -> bool:
    """jsonb ? 'key': a member, or an element that is that string."""
    value = loads(text)
    return key in value if isinstance(value, dict | list) else value == key


def joined(left: str, right: str) -> str:
    """jsonb || jsonb."""
    if kind(left) == kind(right) == "object":
        merged = dict(members(left)) | dict(members(right))
        inside = (f"{quoted(key)}: {value}" for key, value in merged.items())
        return read_jsonb("{" + ", ".join(inside) + "}")
    parts = [*(elements(left) if kind(left) == "array" else [left]),
             *(elements(right) if kind(right) == "array" else [right])]  # fmt: skip
    return "[" + ", ".join(parts) + "]"


def without_key(text: str, key: str) -> str:
    """jsonb - 'key'."""
    if kind(text) == "object":
        inside = (f"{quoted(k)}: {v}" for k, v in members(text) if k != key)
        return "{" + ", ".join(inside) + "}"
    if kind(text) == "array":
        return "[" + ", ".join(each for each in elements(text) if each != quoted(key)) + "]"
    raise ValueError("cannot delete from scalar")


def pretty(text: str) -> str:
    """jsonb_pretty."""
    return _pretty(text, 0)


def _pretty(text: str, depth: int) -> str:
    inner, outer = "\n" + "    " * (depth + 1), "\n" + "    " * depth
    if kind(text) == "object":
        parts = [f"{inner}{quoted(k)}: {_pretty(v, depth + 1)}" for k, v in members(text)]
        return "{" + ",".join(parts) + outer + "}"
    if kind(text) == "array":
        parts = [inner + _pretty(each, depth + 1) for each in elements(text)]
        return "[" + ",".join(parts) + outer + "]"
    return text
