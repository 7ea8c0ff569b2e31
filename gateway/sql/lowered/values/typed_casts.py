"""Casts that the engine has not, or has otherwise, by the type of what is cast.

A time of day and an interval become one another (manual, 9.9); a scalar of jsonb becomes a number
or a boolean (8.14), anything else in it is refused. An integer and a `"char"` are one another's
code, and a numeric has six digits of a real, and fifteen of a double.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.inputs.number_input import read_float4
from gateway.sql.lowered.values.addresses import address_text
from gateway.sql.lowered.values.array_casts import (
    MOMENTS,
    MOMENTS_OF_TEXTS,
    PLAIN_TEXTS,
    spell_array_cast,
    told_enum,
)
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.grammar import Marker
from gateway.sql.types.inference import GIVES, Types, bare
from gateway.sql.types.modifiers import cast_modifier, modifier_digits
from gateway.sql.types.numeric_forms import kept_digits
from gateway.sql.types.untold_columns import is_untold
from gateway.types import (
    BOOL,
    BY_NAME,
    ENUM,
    FLOAT4,
    FLOAT8,
    FLOATING,
    INET,
    INTEGER,
    NUMERIC,
    TEXT,
    Type,
)

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
    kind, target = known.of(node.this), known.of(node)
    if kind is None and is_untold(node.this.unnest(), known.block):
        kind = TEXT
    if target is not None and target.element is not None:
        spell_array_cast(node, kind, target, lambda item: spell_cast(item, known))
        return
    if kind is not None and kind.name in PLAIN_TEXTS:
        _read_text(node, known)
        return
    if kind is None and target is not None and target.is_enum:
        _read_text(node, known)
        return
    if kind is NUMERIC is target and cast_modifier(node) < 0 and not _is_written(node.this):
        node.replace(exp.paren(node.this.copy()))
        return
    if kind is None or target is None or target is kind:
        return
    made = _made(node, kind, target)
    if made is not None:
        made.meta[GIVES] = target
        node.replace(made)


def _made(node: exp.Cast, kind: Type, target: Type) -> exp.Expr | None:
    """What the cast of one type to another is; None where it is the engine's own."""
    if (function := _CALLS.get((kind.name, target.name))) is not None:
        return exp.Anonymous(this=function, expressions=[node.this.copy()])
    if kind in (FLOAT4, FLOAT8) and target is NUMERIC:
        return _of_single(node) if kind is FLOAT4 else _of_double(node)
    if target is FLOAT4 and kind in (FLOAT8, NUMERIC):
        return _narrowed(node)
    if kind is INET and target.name in PLAIN_TEXTS:
        return exp.Cast(this=address_text(node.this), to=node.args["to"].copy())
    if kind is NUMERIC and target.name in INTEGER:
        return None if _is_written(node.this) else _rounded(node)
    return _of_json(node, target) if kind is _JSONB else None


def _of_single(node: exp.Cast) -> exp.Expr:
    value = exp.Anonymous(this="six_digits", expressions=[node.this.copy()])
    value.meta[GIVES] = FLOAT8
    if cast_modifier(node) < 0 and not node.find_ancestor(Marker):
        return exp.Anonymous(this="numeric_of_float", expressions=[value])
    return exp.Cast(this=value, to=node.args["to"].copy())


def _of_double(node: exp.Cast) -> exp.Expr | None:
    """A double as the numeric of its first 15 digits; None of a literal, and under a derivative."""
    if _is_written(node.this) or node.find_ancestor(Marker):
        return None
    typmod = cast_modifier(node)
    digits = _rounded_to(node) if typmod < 0 else modifier_digits(typmod)[1]
    if digits is None:
        return exp.Anonymous(this="numeric_of_float", expressions=[node.this.copy()])
    if digits > _KEPT:
        return None
    given = [node.this.copy(), exp.Literal.number(max(digits, 0))]
    value = exp.Anonymous(this="numeric_of_double", expressions=given)
    value.meta[GIVES] = NUMERIC
    return exp.Cast(this=value, to=node.args["to"].copy())


def _rounded_to(node: exp.Cast) -> int | None:
    """How many digits round() leaves of a cast without digits, where nothing else is made of it."""
    call = node.parent
    if not isinstance(call, exp.Anonymous) or call.name.lower() != "round" or node.index:
        return None
    kept = kept_digits(call.expressions[1]) if len(call.expressions) == 2 else 0
    return kept if kept is not None and 0 <= kept <= _KEPT else None


def _is_written(value: exp.Expr) -> bool:
    """Whether it is a literal, with a sign or without: those are read where they are printed."""
    value = bare(value)
    while isinstance(value, exp.Neg):
        value = bare(value.this)
    return isinstance(value, exp.Literal)


def _narrowed(node: exp.Cast) -> exp.Expr | None:
    """A double as a real, which it may be too large for; None of a literal, which is looked at.

    Raises:
        NumericValueOutOfRange: 22003, the literal.
    """
    written = bare(node.this)
    while isinstance(written, exp.Neg):
        written = bare(written.this)
    if isinstance(written, exp.Literal):
        read_float4(written.name)
        return None
    if node.find_ancestor(Marker):
        return None
    value = exp.Cast(this=node.this.copy(), to=data_type("double precision"))
    return exp.Anonymous(this="real_of_double", expressions=[value])


# The most digits after the point to which a double is rounded at once.
_KEPT = 10


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
    if kind is NUMERIC and cast_modifier(node) < 0:
        node.replace(_numeric_of(text))
        return
    made = exp.Anonymous(this=function, expressions=[text])
    if kind is not None and kind.is_enum:
        made.append("expressions", told_enum(kind))
    made.meta[GIVES] = kind
    further = kind is NUMERIC or node.args["to"].expressions
    node.replace(exp.Cast(this=made, to=node.args["to"].copy()) if further else made)


INTERVAL_OF_TEXT = "interval_of_text"
_MOMENTS = {name: f"{name}_of_text" for name in MOMENTS}
MOMENTS_OF_TEXT = frozenset(_MOMENTS.values())
# Which are told the session's notation as they are written.
BY_NOTATION = MOMENTS_OF_TEXT | MOMENTS_OF_TEXTS
_READERS = {
    "interval": INTERVAL_OF_TEXT,
    "bytea": "bytes_of_text",
    ENUM: "enum_of_text",
    "numeric": "number_of_text",  # a text, too, which the engine reads
    "json": "json_form",
    "jsonb": "jsonb_form",
    **_MOMENTS,
    **{name: f"{name}_of_text" for name in (*INTEGER, *FLOATING, "bool", "oid", "uuid", "inet")},
}


def _numeric_of(text: exp.Expr) -> exp.Expr:
    made = exp.Anonymous(this="numeric_of_text", expressions=[text])
    made.meta[GIVES] = NUMERIC
    return made


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
    if target.name in FLOATING:
        return exp.Anonymous(this=_READERS[target.name], expressions=[text])
    if target is NUMERIC and cast_modifier(node) < 0:
        return _numeric_of(text)
    if target.name in INTEGER:
        return _rounded(exp.Cast(this=_numeric_of(text), to=node.args["to"].copy()))
    return exp.Cast(this=text, to=node.args["to"].copy())
