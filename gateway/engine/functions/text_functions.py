"""Functions over texts, patterns and JSON: rows of `registry`."""

from __future__ import annotations

import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from gateway.engine.functions import (
    array_order,
    bytes_values,
    json_changes,
    jsonpath,
    matches,
    regexps,
)
from gateway.engine.functions.rows import Row
from gateway.errors import ArraySubscriptError, NumericValueOutOfRange, OutOfMemory
from gateway.sql.inputs import json_parts
from gateway.sql.inputs.escapes import unistr
from gateway.sql.inputs.jsontext import quoted, read_json, read_jsonb
from gateway.sql.inputs.literals import bytea, like_pattern, similar_pattern
from gateway.sql.text.quoting import identifier, literal

_DOUBLE, _BIGINT, _BOOL, _TEXT = pa.float64(), pa.int64(), pa.bool_(), pa.string()
_INTEGER = pa.int32()
_TEXTS = pa.list_(_TEXT)
_BYTES = pa.binary()
_NUMERIC = pa.decimal128(38, 10)
_MOST_ITEMS = 10_000_000  # some 160 MB
# The types over which mode() is computed.
MODES = {"bigint": _BIGINT, "double": _DOUBLE, "text": _TEXT, "date": pa.date32(),
         "timestamp": pa.timestamp("us"), "boolean": _BOOL}  # fmt: skip


def _normalized(text: str, form: str) -> str:
    if form.upper() not in ("NFC", "NFD", "NFKC", "NFKD"):
        raise ValueError(f"invalid normalization form: {form}")
    return unicodedata.normalize(form.upper(), text)  # type: ignore[arg-type]


def _of_float(text: str) -> str:
    return f'"{text}"' if text.endswith(("y", "N")) else text


_HOURS = re.compile(r"[+-]\d\d(?=$| BC$)")  # an offset without minutes


def _of_moment(text: str) -> str:
    """A timestamp's text as JSON has it: ISO 8601, minutes of the offset included."""
    if text.endswith("infinity"):
        return f'"{text}"'
    day, _, rest = text.partition(" ")
    rest = _HOURS.sub(r"\g<0>:00", rest)
    return f'"{day}T{rest}"'


def _of_texts(values: list[str | None]) -> str:
    return _array("null" if value is None else quoted(value) for value in values)


_WORDS = {"NULL": "null", "t": "true", "f": "false"}


_ITEM = re.compile(r"[^{},]+")


def _of_array(text: str) -> str:
    """The text of an array of numbers or booleans."""
    items = _ITEM.sub(lambda found: _WORDS.get(found[0]) or _of_float(found[0]), text)
    return items.replace("{", "[").replace("}", "]")


def _array(parts: Iterable[str]) -> str:
    return "[" + ",".join(parts) + "]"


def _most_frequent(values: list[Any]) -> Any:
    """mode(): of those that are there most often the first; `values` are in order."""
    same = (math.nan if value != value else value for value in values)  # one NaN, told by identity
    counts = Counter(value for value in same if value is not None)
    return max(counts, key=lambda value: counts[value]) if counts else None


def _series(first: str, last: str, by: str) -> list[Decimal]:
    """generate_series of numerics, whose scales differ: they come as texts."""
    start, stop, step = Decimal(first), Decimal(last), Decimal(by)
    if not step:
        raise ValueError("step size cannot equal zero")
    count = max(int((stop - start) / step) + 1, 0) if (stop - start) / step >= 0 else 0
    if count > _MOST_ITEMS:
        raise ValueError("generate_series of numerics would give too many rows")
    return [start + n * step for n in range(count)]


def _record(fields: list[str | None]) -> str:
    """The text of a row: NULL is nothing, and what could be misread stands in quotes."""
    return "(" + ",".join("" if each is None else _field(each) for each in fields) + ")"


def _field(text: str) -> str:
    if text and not re.search(r'[(),"\\\s]', text):
        return text
    doubled = text.replace("\\", "\\\\").replace('"', '""')
    return f'"{doubled}"'


def _bucket(value: float, bounds: list[float | None]) -> int:
    """width_bucket: how many bounds, in order, are not above the value; NaN is above all."""
    if None in bounds:
        raise ValueError("thresholds array must not contain NULLs")
    return bisect_right(bounds, value if value == value else math.inf)  # type: ignore[type-var]


def _factorial(number: int) -> Decimal:
    """factorial, as far as a numeric has digits here: up to 33."""
    if number < 0:
        raise NumericValueOutOfRange("factorial of a negative number is undefined")
    if number > _MOST_FACTORS:
        raise NumericValueOutOfRange("value overflows numeric format")
    return Decimal(math.factorial(number))


_MOST_FACTORS = 33


def _scale(number: str) -> int:
    """How many digits of a numeric are after the point."""
    return len(number.partition(".")[2])


def _kept(count: int, trimmed: int) -> int:
    """How many elements trim_array leaves."""
    if not 0 <= trimmed <= count:
        raise ArraySubscriptError(f"number of elements to trim must be between 0 and {count}")
    return count - trimmed


_SPECIFIER = re.compile(r"%(?:(\d+)\$)?(-)?(?:(\d+)|\*(?:(\d+)\$)?)?([a-zA-Z%]?)")


_WIDEST = 2**24  # characters
_MOST = 2**28  # of one value: before more than that is put together it is refused


def format_text(template: str, arguments: list[str | None]) -> str:
    """The template with its specifiers filled in.

    Raises:
        ValueError: it is wrong, or has more specifiers than there are arguments.
        OutOfMemory: 53200, it makes or pads to more characters than there is room for.

    >>> print(format_text("%s: %I = %L, %2$s", ["a", "b c", "d'e"]))
    a: "b c" = 'd''e', b c
    """
    place, room = 0, _Room()

    def argument(number: str | None) -> str | None:
        nonlocal place
        place = int(number) if number is not None else place + 1
        if place == 0:
            raise ValueError("format specifies argument 0, but arguments are numbered from 1")
        if place > len(arguments):
            raise ValueError("too few arguments for format()")
        return arguments[place - 1]

    def filled(match: re.Match[str]) -> str:
        number, minus, width, width_from, kind = match.groups()
        if kind == "%" and match[0] == "%%":
            return "%"
        if not kind:
            raise ValueError("unterminated format() type specifier")
        if kind not in "sIL":
            raise ValueError(f'unrecognized format() type specifier "{kind}"')
        if "*" in match[0]:
            width = argument(width_from) or "0"
            minus, width = (minus, width) if int(width) >= 0 else ("-", str(-int(width)))
        text = _shown(kind, argument(number))
        return room.padded(text, int(width or 0), left=bool(minus))

    return _SPECIFIER.sub(filled, template)


class _Room:
    """For one value."""

    def __init__(self) -> None:
        self._made = 0

    def padded(self, text: str, width: int, *, left: bool) -> str:
        """A part of the value, where there is room for it."""
        if width > _WIDEST:
            raise OutOfMemory(f"out of memory: format would pad to {width} characters")
        self._made += max(len(text), width)
        if self._made > _MOST:
            raise OutOfMemory(f"out of memory: format would make more than {_MOST} characters")
        return text.ljust(width) if left else text.rjust(width)


def _shown(kind: str, value: str | None) -> str:
    if kind == "s":
        return value or ""
    if kind == "L":
        return "NULL" if value is None else literal(value)
    if value is None:
        raise ValueError("null values cannot be formatted as an SQL identifier")
    return identifier(value)


MORE: tuple[Row, ...] = (
    ("format_text", format_text, [_TEXT, _TEXTS], _TEXT),
    ("unistr", unistr, [_TEXT], _TEXT),
    ("similar_pattern", similar_pattern, [_TEXT, _TEXT], _TEXT),
    ("like_escape", like_pattern, [_TEXT, _TEXT], _TEXT),
    ("normalize_text", _normalized, [_TEXT, _TEXT], _TEXT),
    ("one_match", lambda found: [found], [_TEXTS], pa.list_(_TEXTS)),
    ("json_field", json_parts.field, [_TEXT, _TEXT], _TEXT),
    ("json_field_text", json_parts.field_text, [_TEXT, _TEXT], _TEXT),
    ("json_element", json_parts.element, [_TEXT, _BIGINT], _TEXT),
    ("json_element_text", json_parts.element_text, [_TEXT, _BIGINT], _TEXT),
    ("jsonb_element", json_parts.element_of_jsonb, [_TEXT, _BIGINT], _TEXT),
    ("jsonb_element_text", json_parts.text_of_jsonb, [_TEXT, _BIGINT], _TEXT),
    ("json_path", json_parts.at_path, [_TEXT, _TEXTS], _TEXT),
    ("json_path_text", json_parts.text_at_path, [_TEXT, _TEXTS], _TEXT),
    ("json_number", json_parts.number, [_TEXT, _TEXT], _TEXT),
    ("json_boolean", json_parts.boolean, [_TEXT, _TEXT], _TEXT),
    ("json_length", json_parts.array_length, [_TEXT], _INTEGER),
    ("json_kind", json_parts.kind, [_TEXT], _TEXT),
    ("json_items", json_parts.array_elements, [_TEXT], _TEXTS),
    ("json_texts", json_parts.array_texts, [_TEXT], _TEXTS),
    ("json_keys", json_parts.object_keys, [_TEXT], _TEXTS),
    ("json_pretty", json_parts.pretty, [_TEXT], _TEXT),
    ("json_quoted", quoted, [_TEXT], _TEXT),
    ("json_contains", json_parts.contains, [_TEXT, _TEXT], _BOOL),
    ("json_has", json_parts.has_key, [_TEXT, _TEXT], _BOOL),
    ("json_joined", json_parts.joined, [_TEXT, _TEXT], _TEXT),
    ("json_without", json_parts.without_key, [_TEXT, _TEXT], _TEXT),
    ("record_of", _record, [_TEXTS], _TEXT),
    ("json_key", array_order.sort_key, [_TEXT], _TEXT),
    ("bits_of", bytes_values.count_bits, [_BYTES], _BIGINT),
    ("bytes_length", len, [_BYTES], _INTEGER),
    ("byte_of", bytes_values.byte, [_BYTES, _BIGINT], _INTEGER),
    ("bit_of", bytes_values.bit, [_BYTES, _BIGINT], _INTEGER),
    ("with_byte", bytes_values.with_byte, [_BYTES, _BIGINT, _BIGINT], _BYTES),
    ("with_bit", bytes_values.with_bit, [_BYTES, _BIGINT, _BIGINT], _BYTES),
    ("bytes_part", bytes_values.part, [_BYTES, _BIGINT, _BIGINT], _BYTES),
    ("bytes_rest", bytes_values.rest, [_BYTES, _BIGINT], _BYTES),
    ("bytes_position", bytes_values.position, [_BYTES, _BYTES], _INTEGER),
    ("bytes_overlaid", bytes_values.overlaid, [_BYTES, _BYTES, _BIGINT, _BIGINT], _BYTES),
    ("bytes_trimmed", bytes_values.trimmed, [_BYTES, _BYTES], _BYTES),
    ("bytes_trimmed_left", bytes_values.trimmed_left, [_BYTES, _BYTES], _BYTES),
    ("bytes_trimmed_right", bytes_values.trimmed_right, [_BYTES, _BYTES], _BYTES),
    ("bytes_written", bytes_values.written, [_BYTES, _TEXT], _TEXT),
    ("bytes_read", bytes_values.read, [_TEXT, _TEXT], _BYTES),
    ("converted_from", bytes_values.converted_from, [_BYTES, _TEXT], _TEXT),
    ("converted_to", bytes_values.converted_to, [_TEXT, _TEXT], _BYTES),
    ("converted", bytes_values.converted, [_BYTES, _TEXT, _TEXT], _BYTES),
    ("numbers_between", _series, [_TEXT] * 3, pa.list_(_NUMERIC)),
    ("bucket_among", _bucket, [_DOUBLE, pa.list_(_DOUBLE)], _INTEGER),
    ("json_has_any", json_changes.has_any, [_TEXT, _TEXTS], _BOOL),
    ("json_has_all", json_changes.has_all, [_TEXT, _TEXTS], _BOOL),
    ("json_without_element", json_changes.without_element, [_TEXT, _BIGINT], _TEXT),
    ("json_without_keys", json_changes.without_keys, [_TEXT, _TEXTS], _TEXT),
    ("json_without_path", json_changes.without_path, [_TEXT, _TEXTS], _TEXT),
    ("json_replaced", json_changes.replaced, [_TEXT, _TEXTS, _TEXT, _BOOL], _TEXT),
    ("json_assigned", json_changes.assigned, [_TEXT, _TEXTS, _TEXT, _BOOL], _TEXT),
    ("json_inserted", json_changes.inserted, [_TEXT, _TEXTS, _TEXT, _BOOL], _TEXT),
    ("json_stripped", json_changes.stripped, [_TEXT], _TEXT),
    ("json_object_of", json_changes.object_of, [_TEXTS], _TEXT),
    ("json_object_of_two", json_changes.object_of_two, [_TEXTS, _TEXTS], _TEXT),
    ("json_member_keys", json_changes.member_keys, [_TEXT], _TEXTS),
    ("json_member_values", json_changes.member_values, [_TEXT], _TEXTS),
    ("json_member_texts", json_changes.member_texts, [_TEXT], _TEXTS),
    ("json_of_float", _of_float, [_TEXT], _TEXT),
    ("json_of_moment", _of_moment, [_TEXT], _TEXT),
    ("json_of_texts", _of_texts, [_TEXTS], _TEXT),
    ("json_of_array", _of_array, [_TEXT], _TEXT),
    *(
        (f"most_frequent_{name}", _most_frequent, [pa.list_(kind)], kind)
        for name, kind in MODES.items()
    ),
    *regexps.ROWS,
    *matches.ROWS,
    *jsonpath.ROWS,
    ("json_set_null", json_changes.set_null, [_TEXT, _TEXTS, _BOOL, _TEXT], _TEXT),
    ("factorial_of", _factorial, [_BIGINT], pa.decimal128(38, 0)),
    ("digits_after", _scale, [_TEXT], _INTEGER),
    ("digits_needed", lambda text: _scale(text.rstrip("0")), [_TEXT], _INTEGER),
    ("items_kept", _kept, [_BIGINT, _BIGINT], _BIGINT),
    ("json_form", read_json, [_TEXT], _TEXT),
    ("jsonb_form", read_jsonb, [_TEXT], _TEXT),
    ("bytes_of_text", bytea, [_TEXT], _BYTES),
)
