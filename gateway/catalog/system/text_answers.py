"""Texts of plain values that catalogue queries ask for: to_char, and what is read of JSON.

A row each: name, DuckDB's types of the arguments, what answers with a text. Moments come as
microseconds since 1970, numbers as text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pyarrow import MonthDayNano

from gateway.engine.functions.datetime_text import instant_to_char, moment_to_char
from gateway.engine.functions.interval_text import interval_to_char
from gateway.engine.functions.number_text import number_to_char
from gateway.errors import InvalidParameterValue
from gateway.sql.inputs import json_parts
from gateway.sql.inputs.jsontext import read_json, read_jsonb

_START = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(microseconds: int, template: str, zone: str) -> str | None:
    return instant_to_char(_START + timedelta(microseconds=microseconds), template, zone)


def _moment(microseconds: int, template: str) -> str | None:
    start = _START.replace(tzinfo=None)
    return moment_to_char(start + timedelta(microseconds=microseconds), template)


def _interval(months: int, days: int, microseconds: int, template: str) -> str | None:
    return interval_to_char(MonthDayNano([months, days, microseconds * 1000]), template)


def _number(text: str, template: str) -> str:
    return number_to_char(Decimal(text), template)


def _listed(parts: Callable[[str], list[Any]]) -> Callable[[str], str]:
    """The parts as one JSON array of texts."""

    def listed(text: str) -> str:
        try:
            return json.dumps(parts(text))
        except ValueError as error:
            raise InvalidParameterValue(str(error)) from error

    return listed


_TEXT, _NUMBER, _PLACE = "VARCHAR", "BIGINT", "INTEGER"
TEXT_ANSWERS: tuple[tuple[str, tuple[str, ...], Callable[..., Any]], ...] = (
    ("json",              (_TEXT,),         read_json),
    ("jsonb",             (_TEXT,),         read_jsonb),
    ("json_items",        (_TEXT,),         _listed(json_parts.array_elements)),
    ("json_texts",        (_TEXT,),         _listed(json_parts.array_texts)),
    ("json_field",        (_TEXT, _TEXT),   json_parts.field),
    ("json_field_text",   (_TEXT, _TEXT),   json_parts.field_text),
    ("json_element",      (_TEXT, _PLACE), json_parts.element),
    ("json_element_text", (_TEXT, _PLACE), json_parts.element_text),
    ("instant_to_char",  (_NUMBER, _TEXT, _TEXT),            _instant),
    ("moment_to_char",   (_NUMBER, _TEXT),                   _moment),
    ("interval_to_char", (_NUMBER, _NUMBER, _NUMBER, _TEXT), _interval),
    ("number_to_char",   (_TEXT, _TEXT),                     _number),
)  # fmt: skip
