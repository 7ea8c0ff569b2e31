"""JSON's operators (manual, 9.16), as the engine computes them.

A json value is text to the engine, so it is the types that tell which operator is meant.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import UndefinedFunction
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import cast_copy
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import GIVES, JSONB, Types
from gateway.types import BOOL, BY_NAME, INTEGER, TEXT, Type

JSON = BY_NAME["json"]
JSONS = (JSON, JSONB)

# Operator -> the functions for a key or path, and for a number; whether it gives text.
_PARTS: dict[type[exp.Expr], tuple[str, str, bool]] = {
    exp.JSONExtract: ("json_field", "json_element", False),
    exp.JSONExtractScalar: ("json_field_text", "json_element_text", True),
    exp.JSONBExtract: ("json_path", "", False),
    exp.JSONBExtractScalar: ("json_path_text", "", True),
}
PARTS = tuple(_PARTS)


def called(name: str, *arguments: exp.Expr, gives: Type | None = None) -> exp.Anonymous:
    call = exp.Anonymous(this=name, expressions=[each.copy() for each in arguments])
    if gives is not None:
        call.meta[GIVES] = gives
    return call


def take_part(node: exp.Expr, known: Types) -> exp.Expr:
    """`->`, `->>`, `#>`, `#>>`.

    Raises:
        UndefinedFunction: 42883, the left side is no JSON.
    """
    by_name, by_number, as_text = _PARTS[type(node)]
    kind = known.of(node.this)
    if kind not in JSONS:
        raise UndefinedFunction(
            "operator does not exist: JSON's operators take json and jsonb",
            hint="Cast the left side to jsonb.",
            position=position_of(node),
        )
    step, step_kind = node.expression, known.of(node.expression)
    name = by_name
    if by_number and step_kind is not None and step_kind.name in INTEGER:
        name = by_number if kind is JSON else by_number.replace("json", "jsonb")
    elif not by_number:
        _refuse_text(node, step_kind)
        step = exp.Cast(this=step.copy(), to=data_type("text[]"))
    return called(name, node.this, step, gives=TEXT if as_text else kind)


def _refuse_text(node: exp.Expr, kind: Type | None) -> None:
    """Refuse a text where a path stands, but for a literal."""
    if kind is TEXT and not node.expression.is_string:
        raise UndefinedFunction(
            "operator does not exist: it takes the path as text[]",
            hint="Cast the right side to text[].",
            position=position_of(node),
        )


def compare(node: exp.Expr, known: Types) -> exp.Expr | None:
    """`@>`, `<@`, `||`, `-` where a side is jsonb; None where none is."""
    left, right = node.this, node.expression
    if JSONB not in (known.of(left), known.of(right)):
        return None
    if isinstance(node, exp.ArrayContainsAll):
        return called("json_contains", as_jsonb(left), as_jsonb(right), gives=BOOL)
    if isinstance(node, exp.ArrayContainedBy):
        return called("json_contains", as_jsonb(right), as_jsonb(left), gives=BOOL)
    if isinstance(node, exp.DPipe):
        sides = [(side, known.of(side)) for side in (left, right)]
        if any(kind is not None and kind.element is JSONB for _, kind in sides):
            return None  # an item of an array
        if any(kind is TEXT and not side.is_string for side, kind in sides):
            return None  # a text beside it makes a text
        return called("json_joined", as_jsonb(left), as_jsonb(right), gives=JSONB)
    if isinstance(node, exp.Sub) and known.of(left) is JSONB:
        return _without(left, right, known)
    return None


def _without(left: exp.Expr, right: exp.Expr, known: Types) -> exp.Expr | None:
    kind = known.of(right)
    if kind is not None and kind.name in INTEGER:
        return called("json_without_element", left, right, gives=JSONB)
    if kind is not None and kind.element is TEXT:
        return called("json_without_keys", left, right, gives=JSONB)
    text = kind is TEXT or isinstance(right, exp.Null | exp.Parameter)
    return called("json_without", left, cast_copy(right, "text"), gives=JSONB) if text else None


# Operator -> its function, the type of its right side and of what it gives.
KEYS: dict[type[exp.Expr], tuple[str, str, Type]] = {
    exp.JSONBContains: ("json_has", "text", BOOL),
    exp.JSONBContainsAnyTopKeys: ("json_has_any", "text[]", BOOL),
    exp.JSONBContainsAllTopKeys: ("json_has_all", "text[]", BOOL),
    exp.JSONBDeleteAtPath: ("json_without_path", "text[]", JSONB),
}


def look_for_keys(node: exp.Expr, known: Types) -> exp.Expr:
    """`?`, `?|`, `?&`, `#-`.

    Raises:
        UndefinedFunction: 42883, the left side is no jsonb.
    """
    name, kind, gives = KEYS[type(node)]
    if not (node.this.is_string or known.of(node.this) is JSONB):
        raise UndefinedFunction(
            "operator does not exist: it takes jsonb",
            hint="Cast the left side to jsonb.",
            position=position_of(node),
        )
    if kind == "text[]":
        _refuse_text(node, known.of(node.expression))
    keys = cast_copy(node.expression, kind)
    return called(name, as_jsonb(node.this), keys, gives=gives)


def as_jsonb(value: exp.Expr) -> exp.Expr:
    """The value, which is jsonb where it is a literal or a parameter of no type."""
    if not value.is_string and not isinstance(value, exp.Parameter):
        return value
    return exp.Cast(this=value.copy(), to=data_type("jsonb"))
