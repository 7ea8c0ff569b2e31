"""Arguments that PostgreSQL's functions do not take, refused; literals among them, typed.

The engine turns numbers into texts for `upper` and texts into numbers for `sin`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import DatatypeMismatch, UndefinedFunction
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import Types, is_untyped
from gateway.sql.types.numerals import is_pointed
from gateway.sql.types.placing import ARGUMENTS
from gateway.sql.types.results import is_of_reals
from gateway.types import ENUM, FLOAT8, INT4, INT8, INTEGER, NUMERIC, TEXT, Type

NO_FUNCTION = (
    "No function matches the given name and argument types. You might need to add explicit type "
    "casts."
)
# What is a text to no function, until it is cast to one.
_NO_TEXTS = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "time", "timestamp",
     "timestamptz", "interval", "uuid", ENUM}
)  # fmt: skip
_OF_MOMENT = ("date_trunc", "date_part")  # their second argument is no text
# Functions whose first argument is a text.
_OF_TEXT = frozenset(
    {"lower", "upper", "initcap", "length", "char_length", "character_length", "octet_length",
     "bit_length", "strpos", "btrim", "ltrim", "rtrim", "trim", "replace", "reverse", "md5",
     "translate", "ascii", "string_to_array", "regexp_match", "regexp_matches", "regexp_replace",
     "starts_with", "left", "right", "repeat", "lpad", "rpad", "split_part", "string_agg"}
)  # fmt: skip
_DOCUMENTS = ("json", "jsonb")
# Those of them that take bytes, too.
_OF_BYTES = frozenset(
    {"length", "octet_length", "bit_length", "btrim", "ltrim", "rtrim", "trim", "md5",
     "string_agg"}
)  # fmt: skip
# Aggregates -> types of their argument that they do not take.
_NOT = {
    **dict.fromkeys(("max", "min"), frozenset({"bool", "uuid", "json", "jsonb", "bytea"})),
    **dict.fromkeys(
        ("sum", "avg", "corr"), frozenset({"bool", "text", "varchar", "date", "uuid", ENUM})
    ),
}


def check_arguments(call: exp.Expr, known: Types) -> None:
    """Refuse a call whose first argument is of a type that the function does not take.

    Raises:
        UndefinedFunction: 42883.
    """
    given = call.expressions
    if len(given) == 1 and isinstance(given[0], exp.Distinct):
        given = given[0].expressions
    if given:
        _type_arguments(call.name, given, known)
        if _is_refused(call.name, given, known):
            raise no_function(call, given, known)


def _is_refused(name: str, given: Sequence[exp.Expr], known: Types) -> bool:
    place = 1 if name in _OF_MOMENT and len(given) > 1 else 0
    if is_untyped(given[place].unnest()):
        return False
    kind = known.of(given[place])
    if kind is None:
        return False
    if name in _OF_MOMENT or name == "unnest":
        return kind.name in ("text", "varchar") or (name == "unnest" and kind.name in _NO_TEXTS)
    if name in _OF_TEXT:
        other = kind.name in _DOCUMENTS or (kind.name == "bytea" and name not in _OF_BYTES)
        return other or kind.name in _NO_TEXTS or kind.element is not None
    return kind.name in _NOT.get(name, ())


def _type_arguments(name: str, given: Sequence[exp.Expr], known: Types) -> None:
    """Quoted literals become what the function takes."""
    if is_of_reals(name):
        _type_literals(given, FLOAT8)
    elif name == "generate_series":
        ends = next((kind for each in given if (kind := known.of(each)) not in (None, TEXT)), None)
        if ends is not None and ends.name in INTEGER:
            _type_literals(given, ends)
    row = () if name == "substring" else ARGUMENTS.get(name, ())  # whose second may be a pattern
    for value, kind in zip(given, row, strict=False):
        if kind in (INT4, INT8):
            _type_literals([value], kind)


def _type_literals(given: Sequence[exp.Expr], kind: Type) -> None:
    for value in given:
        if value.is_string:
            to = data_type(kind)
            value.replace(exp.Cast(this=value.copy(), to=to))


def no_function(call: exp.Expr, given: Sequence[exp.Expr], known: Types) -> UndefinedFunction:
    """PostgreSQL's words for a function that takes no such arguments."""
    types = ", ".join(_spelt(each, known) for each in given)
    return UndefinedFunction(
        f"function {call.name}({types}) does not exist",
        hint=NO_FUNCTION,
        position=position_of(call),
    )


def _spelt(value: exp.Expr, known: Types) -> str:
    while isinstance(value, exp.Order):  # of an aggregate's arguments
        value = value.this
    if is_untyped(value.unnest()):
        return "unknown"
    kind: Type | None = NUMERIC if is_pointed(value) else known.of(value)
    return "unknown" if kind is None else kind.sql


def check_subscript(node: exp.Expr, known: Types) -> None:
    """Refuse an item of what is no array.

    Raises:
        DatatypeMismatch: 42804.
    """
    kind = known.of(node.this)
    if isinstance(node.this, exp.Bracket):  # of an array of several dimensions
        return
    if kind is not None and (kind.name in _NO_TEXTS or kind.name == "text"):
        raise DatatypeMismatch(
            f"cannot subscript type {kind.sql} because it does not support subscripting",
            position=position_of(node),
        )
