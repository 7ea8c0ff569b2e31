"""Texts of plain values that catalogue queries ask for: to_char, and what is read of JSON.

A row each, as in `json_answers`: moments come as microseconds since 1970, numbers as text.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pyarrow import MonthDayNano

from gateway.catalog.system.json_answers import JSON_ANSWERS
from gateway.engine.functions.datetime_text import instant_to_char, moment_to_char
from gateway.engine.functions.interval_text import interval_to_char
from gateway.engine.functions.number_text import number_to_char

_START = datetime(1970, 1, 1, tzinfo=UTC)


def _instant(microseconds: int, template: str, zone: str) -> str:
    return instant_to_char(_START + timedelta(microseconds=microseconds), template, zone)


def _moment(microseconds: int, template: str) -> str:
    start = _START.replace(tzinfo=None)
    return moment_to_char(start + timedelta(microseconds=microseconds), template)


def _interval(months: int, days: int, microseconds: int, template: str) -> str:
    return interval_to_char(MonthDayNano([months, days, microseconds * 1000]), template)


def _number(text: str, template: str) -> str:
    return number_to_char(Decimal(text), template)


_TEXT, _NUMBER = "VARCHAR", "BIGINT"
TEXT_ANSWERS: tuple[tuple[str, tuple[str, ...], Callable[..., Any]], ...] = (
    *JSON_ANSWERS,
    ("instant_to_char",  (_NUMBER, _TEXT, _TEXT),            _instant),
    ("moment_to_char",   (_NUMBER, _TEXT),                   _moment),
    ("interval_to_char", (_NUMBER, _NUMBER, _NUMBER, _TEXT), _interval),
    ("number_to_char",   (_TEXT, _TEXT),                     _number),
)  # fmt: skip
