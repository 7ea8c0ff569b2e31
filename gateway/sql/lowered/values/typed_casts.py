"""Casts that the engine has not, or has otherwise, by the type of what is cast.

A time of day and an interval become one another (manual, 9.9); a scalar of jsonb becomes a number
or a boolean (8.14), anything else in it is refused. An integer and a `"char"` are one another's
code, and a numeric has six digits of a real, and fifteen of a double.
"""

from __future__ import annotations

import json

from sqlglot import exp

from gateway.sql.text.datatypes import data_type
from gateway.sql.text.grammar import Marker
from gateway.sql.types.inference import GIVES, Types, bare
from gateway.sql.types.modifiers import cast_modifier, modifier_digits
from gateway.types import BOOL, BY_NAME, ENUM, FLOAT4, FLOAT8, FLOATING, INTEGER, NUMERIC, Type

_JSONB = BY_NAME["jsonb"]
# What is cast and to what -> the function that does it.
_CALLS = {
    ("time", "interval"): "interval_of_time",
    ("interval", "time"): "time_of_interval",
    ("int4", "char"): "letter_of_code",
    ("char", "int4"): "code_of_letter",
}


def spell_cast(node: exp.Cast, known: Types) -> None:
    """Write the cast as a call, in place."""
    kind = known.of(node.this)
    if kind is not None and kind.name in _TEXTS:
        _read_text(node, known)
        return
    target = known.of(node)
    if _read_items(node, known, kind, target):
        return
    if kind is None and target is not None and target.is_enum:
        _read_text(node, known)
        return
    if kind is None or target is None or target is kind:
        return
    made: exp.Expr | None = None
    if (function := _CALLS.get((kind.name, target.name))) is not None:
        made = exp.Anonymous(this=function, expressions=[node.this.copy()])
    elif kind in (FLOAT4, FLOAT8) and target is NUMERIC:
        made = _of_single(node) if kind is FLOAT4 else _of_double(node)
    elif kind is NUMERIC and target.name in INTEGER:
        made = _rounded(node)
    elif kind is _JSONB:
        made = _of_json(node, target)
    if made is not None:
        made.meta[GIVES] = target
        node.replace(made)


def _of_single(node: exp.Cast) -> exp.Expr:
    value = exp.Anonymous(this="six_digits", expressions=[node.this.copy()])
    value.meta[GIVES] = FLOAT8
    return exp.Cast(this=value, to=node.args["to"].copy())


def _of_double(node: exp.Cast) -> exp.Expr | None:
    """A double as the numeric of its first 15 digits; None of a literal, and under a derivative."""
    typmod = cast_modifier(node)
    digits = _KEPT if typmod < 0 else modifier_digits(typmod)[1]
    written = bare(node.this)
    while isinstance(written, exp.Neg):
        written = bare(written.this)
    if digits > _KEPT or isinstance(written, exp.Literal) or node.find_ancestor(Marker):
        return None
    given = [node.this.copy(), exp.Literal.number(max(digits, 0))]
    value = exp.Anonymous(this="numeric_of_double", expressions=given)
    value.meta[GIVES] = NUMERIC
    return exp.Cast(this=value, to=node.args["to"].copy())


# Digits after the point of a numeric without digits.
_KEPT = 10
_TEXTS = ("text", "varchar", "bpchar")


def _read_items(node: exp.Cast, known: Types, kind: Type | None, target: Type | None) -> bool:
    """Read the items of what is cast to an array of an enum or numerics; whether it is that."""
    element = None if target is None else target.element
    if target is not None and element is NUMERIC and kind is not None:
        return _read_numbers(node, kind, target)
    if target is None or element is None or not element.is_enum:
        return False
    value = node.this.unnest()
    if isinstance(value, exp.Literal | exp.Null) or (kind is not None and kind.element is element):
        return True
    if isinstance(value, exp.Array) and not any(each.find(exp.Array) for each in value.expressions):
        for each in list(value.expressions):
            item = exp.Cast(this=each.copy(), to=data_type(element))
            each.replace(item)
            spell_cast(item, known)
        return True
    given = exp.Cast(this=node.this.copy(), to=data_type("text[]"))
    made = exp.Anonymous(this="enums_of_texts", expressions=[given, _told(element)])
    made.meta[GIVES] = target
    node.replace(made)
    return True


def _read_numbers(node: exp.Cast, kind: Type, target: Type) -> bool:
    """Read an array of texts for one of numerics, in place; whether it is that."""
    if kind.element is None or kind.element.name not in _TEXTS:
        return False
    wanted = node.args["to"]
    depth = len(list(wanted.find_all(exp.DataType))) - 1
    given = exp.Cast(this=node.this.copy(), to=data_type("text" + "[]" * depth))
    made = exp.Anonymous(this=f"numbers_of_texts_{depth}d", expressions=[given])
    made.meta[GIVES] = target
    node.replace(exp.Cast(this=made, to=node.args["to"].copy()))
    return True


def _told(kind: Type) -> exp.Expr:
    """An enum's name and labels, as the engine's functions take them."""
    return exp.Literal.string(json.dumps([kind.sql, *kind.labels]))


def _read_text(node: exp.Cast, known: Types) -> None:
    """A text that is no literal, read as PostgreSQL reads it, where the engine would not.

    What the session's settings say of it is put in as the second argument, with what else is
    written by them.
    """
    kind, value = known.of(node), node.this.unnest()
    function = _READERS.get(kind.name) if kind is not None else None
    if function is None or isinstance(value, exp.Literal):
        return
    if function in MOMENTS_OF_TEXT and isinstance(value, exp.Parameter):
        return
    text = exp.Cast(this=node.this.copy(), to=data_type("text"))
    made = exp.Anonymous(this=function, expressions=[text])
    if kind is not None and kind.is_enum:
        made.append("expressions", _told(kind))
    made.meta[GIVES] = kind
    further = kind is NUMERIC or node.args["to"].expressions
    node.replace(exp.Cast(this=made, to=node.args["to"].copy()) if further else made)


INTERVAL_OF_TEXT = "interval_of_text"
_MOMENTS = {name: f"{name}_of_text" for name in ("date", "time", "timestamp", "timestamptz")}
MOMENTS_OF_TEXT = frozenset(_MOMENTS.values())
_READERS = {
    "interval": INTERVAL_OF_TEXT,
    "bytea": "bytes_of_text",
    ENUM: "enum_of_text",
    "numeric": "number_of_text",  # a text, too, which the engine reads
    "json": "json_form",
    "jsonb": "jsonb_form",
    **_MOMENTS,
    **{name: f"{name}_of_text" for name in ("int2", "int4", "int8", "bool")},
}


def _rounded(node: exp.Cast) -> exp.Expr:
    """A numeric to an integer: half away from zero, and no digit lost on the way."""
    value = exp.Anonymous(this="round", expressions=[node.this.copy()])
    value.meta[GIVES] = NUMERIC
    value.type = data_type("bigint")  # then the printer need not round
    return exp.Cast(this=value, to=node.args["to"].copy())


def _of_json(node: exp.Cast, target: Type) -> exp.Expr | None:
    if target is BOOL:
        of = "boolean"
    elif target is NUMERIC or target.name in (*INTEGER, *FLOATING):
        of = "number"
    else:
        return None
    arguments = [node.this.copy(), exp.Literal.string(target.sql)]
    text: exp.Expr = exp.Anonymous(this=f"json_{of}", expressions=arguments)
    if target.name in INTEGER:  # which rounds
        text = exp.Cast(this=text, to=data_type("numeric"))
        text.meta[GIVES] = NUMERIC
    return exp.Cast(this=text, to=node.args["to"].copy())
