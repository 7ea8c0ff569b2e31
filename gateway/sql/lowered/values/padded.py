"""character(n): the blanks at its end are no part of the value (manual, 8.3).

They are left out where such a value is compared, becomes text, or is given to a function of texts.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.values.jsoncalls import MAKERS
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BY_NAME

_PADDED = BY_NAME["bpchar"]
# What takes the value as it is; every other function takes text.
_AS_IT_IS = frozenset(
    {
        *MAKERS, *(name.replace("json", "jsonb") for name in MAKERS),
        "array_agg", "coalesce", "concat", "concat_ws", "count", "field_name", "first_value",
        "format", "format_text", "greatest", "json_quoted", "lag", "last_value", "lead", "least",
        "max", "min", "nth_value", "nullif", "octet_length", "pg_typeof", "row", "rtrim",
    }
)  # fmt: skip


def unpad_sides(node: exp.Expr, known: Types) -> None:
    """Leave the blanks out of what is compared or joined to a text, in place.

    A quoted literal and a parameter that are compared with such a value are of its type.
    """
    sides: list[exp.Expr] = []
    for key in ("this", "expression", "low", "high", "expressions"):
        held = node.args.get(key)
        each = held if isinstance(held, list) else [held]
        sides += [value for value in each if isinstance(value, exp.Expr)]
    if not any(known.of(side) is _PADDED for side in sides):
        return
    joined = isinstance(node, exp.DPipe)
    for side in sides:
        if side.is_string and not joined:
            side.set("this", side.name.rstrip(" "))
        elif isinstance(side, exp.Parameter) and not joined and known.of(side) is None:
            told = exp.Cast(this=side.copy(), to=exp.DataType(this=exp.DType.BPCHAR))
            side.replace(_trimmed(told))
        else:
            _unpad(side, known)


def unpad_arguments(node: exp.Anonymous, known: Types) -> None:
    """Leave the blanks out of what a function of texts is given, in place."""
    if node.name not in _AS_IT_IS:
        for value in node.expressions:
            _unpad(value, known)


def unpad_cast(node: exp.Cast, known: Types) -> None:
    """Leave the blanks out of what becomes text, in place."""
    to = node.args["to"].this
    if to in (exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.NAME):
        _unpad(node.this, known)


def _unpad(value: exp.Expr, known: Types) -> None:
    if known.of(value) is _PADDED:
        value.replace(_trimmed(value))


def _trimmed(value: exp.Expr) -> exp.Expr:
    trimmed = exp.Anonymous(this="rtrim", expressions=[value.copy()])
    trimmed.meta[GIVES] = _PADDED  # a parameter beside it is of that type
    return trimmed
