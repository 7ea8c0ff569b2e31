"""JSON that a catalogue query makes of its values, with PostgreSQL's blanks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.catalog.translation import resolution
from gateway.catalog.translation.coercing import quoted
from gateway.catalog.translation.resolution import JSON_TYPES, NAME, RECORD, TEXT, element_of
from gateway.catalog.translation.terms import Call, Term

if TYPE_CHECKING:
    from gateway.catalog.translation.expressions import Expressions

_JSON, _JSONB = 114, 3802
# oid, xid, cid and the reg types: numbers that JSON writes as texts.
WRITTEN_AS_TEXT = frozenset({26, 28, 29, 24, 2202, 2203, 2204, 2205, 2206, 4089, 4096, 4191})
# Types that JSON writes in quotes.
_TEXTS = (NAME, 18, TEXT, resolution.VARCHAR, resolution.BPCHAR)


def json_object(call: Call) -> Term:
    """json_build_object: {"a" : 1, "b" : null}; jsonb's has no blank before a colon."""
    terms = [call.within.settled(term) for term in call.terms()]
    keys = [f"to_json({call.within.cast(key, TEXT).sql})" for key in terms[::2]]
    plain = call.name == "json_build_object"
    values = [value_text(call.within, value, compact=plain) for value in terms[1::2]]
    body = _joined(keys, values, " : " if plain else ": ", ", ")
    return Term(body, _JSON) if plain else Term(jsonb_form(call.within, body), _JSONB)


def json_array(call: Call) -> Term:
    """json_build_array: [1, "a", null]."""
    terms = [call.within.settled(term) for term in call.terms()]
    values = [value_text(call.within, value, compact=True) for value in terms]
    joined = " || ', ' || ".join(values or ["''"])
    body = f"('[' || {joined} || ']')"
    plain = call.name == "json_build_array"
    return Term(body, _JSON) if plain else Term(jsonb_form(call.within, body), _JSONB)


def json_of(call: Call) -> Term:
    """row_to_json, to_json, to_jsonb: of a row, an object with the names of its columns."""
    value = call.within.settled(call.term())
    kind = _JSONB if call.name == "to_jsonb" else _JSON
    if is_row(value):
        text = row_text(call.within, value, compact=kind == _JSON)
        return Term(text if kind == _JSON else jsonb_form(call.within, text), kind)
    if value.type in JSON_TYPES:
        return Term(f"CAST({value.sql} AS VARCHAR)", kind)
    if element_of(value.type) in JSON_TYPES:
        return Term(_array_text(value), kind)
    if value.type in WRITTEN_AS_TEXT:
        value = call.within.cast(value, TEXT)
    return Term(f"CAST(to_json({value.sql}) AS VARCHAR)", kind)


def jsonb_form(within: Expressions, text: str) -> str:
    """A JSON text in jsonb's one form: shorter names first, each once."""
    return within.lookup("jsonb", text)


def _array_text(array: Term) -> str:
    """An array of JSON as JSON."""
    items = f"list_transform({array.sql}, lambda v: COALESCE(v, 'null'))"
    return f"('[' || array_to_string({items}, ',') || ']')"


def is_row(value: Term) -> bool:
    """Whether it is a row whose columns are known."""
    return value.type == RECORD and bool(value.fields)


def row_text(within: Expressions, row: Term, *, compact: bool) -> str:
    """A row as an object: `compact` as json's is; jsonb's has blanks, and shorter names first."""
    if not compact:
        fields = sorted(row.fields, key=lambda field: (len(field[0].encode()), field[0].encode()))
        row = replace(row, fields=tuple(fields))
    keys = [f"to_json({quoted(name)})" for name, _ in row.fields]
    values = [value_text(within, within.settled(term), compact=compact) for _, term in row.fields]
    colon, comma = (":", ",") if compact else (": ", ", ")
    return _joined(keys, values, colon, comma)


def _joined(keys: Sequence[str], values: Sequence[str], colon: str, comma: str) -> str:
    pairs = [f"{key} || '{colon}' || {value}" for key, value in zip(keys, values, strict=True)]
    body = f" || '{comma}' || ".join(pairs) if pairs else "''"
    return f"('{{' || {body} || '}}')"


def value_text(within: Expressions, value: Term, *, compact: bool) -> str:
    """The text of a value inside an object."""
    if is_row(value):
        return row_text(within, value, compact=compact)
    if value.type in _TEXTS:
        return f"COALESCE(to_json({value.sql}), 'null')"
    if value.type in JSON_TYPES:
        return f"COALESCE(CAST({value.sql} AS VARCHAR), 'null')"
    if element_of(value.type) in JSON_TYPES:
        return f"COALESCE({_array_text(value)}, 'null')"
    if value.type in WRITTEN_AS_TEXT:
        return f"COALESCE(to_json({within.cast(value, TEXT).sql}), 'null')"
    return f"COALESCE(CAST(to_json({value.sql}) AS VARCHAR), 'null')"
