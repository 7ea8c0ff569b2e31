"""JSON read and taken apart in catalogue queries.

A row each: name, DuckDB's types of the arguments, what answers with a text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from gateway.errors import InvalidParameterValue
from gateway.sql.inputs import json_parts
from gateway.sql.inputs.jsontext import read_json, read_jsonb


def _listed(parts: Callable[[str], list[Any]]) -> Callable[[str], str]:
    """The parts as one JSON array of texts."""

    def listed(text: str) -> str:
        try:
            return json.dumps(parts(text))
        except ValueError as error:
            raise InvalidParameterValue(str(error)) from error

    return listed


_TEXT, _NUMBER = "VARCHAR", "INTEGER"
JSON_ANSWERS: tuple[tuple[str, tuple[str, ...], Callable[..., Any]], ...] = (
    ("json",              (_TEXT,),         read_json),
    ("jsonb",             (_TEXT,),         read_jsonb),
    ("json_items",        (_TEXT,),         _listed(json_parts.array_elements)),
    ("json_texts",        (_TEXT,),         _listed(json_parts.array_texts)),
    ("json_field",        (_TEXT, _TEXT),   json_parts.field),
    ("json_field_text",   (_TEXT, _TEXT),   json_parts.field_text),
    ("json_element",      (_TEXT, _NUMBER), json_parts.element),
    ("json_element_text", (_TEXT, _NUMBER), json_parts.element_text),
)  # fmt: skip
