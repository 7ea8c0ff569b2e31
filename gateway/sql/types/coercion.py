"""Which type turns into which by itself, as PostgreSQL's pg_cast has it, and the cast as a tree.

Types come from `inference`, for which a literal with a point is a double and an integer literal
any integer, so that within the integers and within the fractions everything goes.

What the engine casts and PostgreSQL has not is refused (`check_cast`): a bigint to a boolean, an
integer to a date. What is not in pg_cast is cast through text alone; a type without a row there
(oids, records) is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import CannotCoerce
from gateway.sql.names.scope import place_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import Types, is_untyped
from gateway.sql.types.numerals import is_pointed
from gateway.types import INTEGER, NUMBERS, NUMERIC, REGISTERED, STRINGS, Type

_FRACTIONS = NUMBERS - INTEGER
# Each turns into those after it by itself, into those before it on assignment.
_TIMES: Sequence[str] = ("date", "timestamp", "timestamptz")


def is_same(known: Type | None, target: Type) -> bool:
    """Whether a value of the one needs no cast to be of the other."""
    return known is not None and (
        known.name == target.name or {known.name, target.name} <= {"text", "varchar", "name"}
    )


def is_implicit(value: exp.Expr, known: Type | None, target: Type) -> bool:
    """Whether a call may hand `value` to an argument of type `target`; True when not known."""
    if known is None or is_same(known, target) or _is_untyped(value):
        return True
    if known.name in INTEGER:
        return target.name in INTEGER or target.name in _FRACTIONS
    if known.name in _FRACTIONS:
        return target.name in _FRACTIONS
    if known.name in STRINGS:
        return target.name in STRINGS
    if known.name in _TIMES and target.name in _TIMES:
        return _TIMES.index(known.name) < _TIMES.index(target.name)
    return False


def is_assignable(value: exp.Expr, known: Type | None, target: Type) -> bool:
    """Whether the result of a function may be of type `target`; True when not known."""
    if is_implicit(value, known, target) or target.name in STRINGS:
        return True
    assert known is not None
    times = (*_TIMES, "time")
    numbers = INTEGER | _FRACTIONS
    return any(known.name in group and target.name in group for group in (times, numbers))


def _is_untyped(value: exp.Expr) -> bool:
    """A literal in quotes or NULL takes the type that is asked of it."""
    bare = value.unnest()
    return isinstance(bare, exp.Null | exp.Parameter) or bare.is_string


def as_type(value: exp.Expr, known: Type | None, target: Type) -> exp.Expr:
    """`value` as `target`: itself where it is that already, else a cast around it."""
    bare = value.this if isinstance(value, exp.Neg) else value
    if is_same(known, target):
        if target.name == "float8" and isinstance(bare, exp.Literal):
            bare.type = exp.DataType.build("double")  # a literal rounds as a double, not a numeric
        return value
    if target.name == "float8" and bare.is_int and len(bare.name) <= 15:
        bare.replace(point := exp.Literal.number(f"{bare.name}.0"))
        return value if bare is not value else point
    if known is not None and known.name in INTEGER:
        value.type = data_type("bigint")  # then the printer need not round
    return exp.Cast(this=value, to=data_type(target))


# Operators and functions that give NULL for a NULL argument.
_STRICT = (
    exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Pow, exp.Cast,
    exp.Column, exp.Literal, exp.Identifier, exp.DataType, exp.DataTypeParam,
)  # fmt: skip
_STRICT_FUNCTIONS = frozenset(
    {
        "sin", "cos", "tan", "cot", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh",
        "asinh", "acosh", "atanh", "exp", "ln", "log", "log2", "log10", "sqrt", "cbrt",
        "degrees", "radians", "floor", "ceil", "trunc", "round", "power", "pow", "abs",
    }
)  # fmt: skip


def propagates_null(body: exp.Expr, arguments: int) -> bool:
    """Whether `body` is NULL as soon as one of its arguments is, by its form alone."""
    for node in body.walk():
        strict = isinstance(node, exp.Anonymous) and node.name.lower() in _STRICT_FUNCTIONS
        if not (strict or isinstance(node, _STRICT)):
            return False
    return len({column.name for column in body.find_all(exp.Column)}) == arguments


_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "unknown"})
_NUMBERS = "int2 int4 int8 float4 float8 numeric"
_OIDS = " ".join(("oid", *REGISTERED))
_CASTS: dict[str, frozenset[str]] = {
    name: frozenset(targets.split())
    for name, targets in {
        "bool":        "int4",
        "int2":        f"{_NUMBERS} {_OIDS}",
        "int4":        f"{_NUMBERS} {_OIDS} bool char",
        "int8":        f"{_NUMBERS} {_OIDS}",
        "float4":      _NUMBERS,
        "float8":      _NUMBERS,
        "numeric":     _NUMBERS,
        "date":        "timestamp timestamptz",
        "time":        "interval",
        "timestamp":   "date time timestamptz",
        "timestamptz": "date time timestamp",
        "interval":    "time",
        "json":        "jsonb",
        "jsonb":       f"json bool {_NUMBERS}",
        "uuid":        "",
        "inet":        "",
        "bytea":       "",
        "char":        "int4",
        "oid":         f"int4 int8 {_OIDS}",
        **dict.fromkeys(REGISTERED, "int4 int8 oid"),
        **dict.fromkeys(("regproc", "regprocedure"), "int4 int8 oid regproc regprocedure"),
        **dict.fromkeys(("regoper", "regoperator"), "int4 int8 oid regoper regoperator"),
    }.items()
}  # fmt: skip


def check_cast(node: exp.Expr, known: Types) -> None:
    """Refuse a cast that PostgreSQL has not.

    Raises:
        CannotCoerce: 42846.
    """
    value = node.this.unnest()
    if is_untyped(value) or isinstance(value, exp.Parameter):
        return
    kind, target = known.of(node.this), known.of(node)
    if kind is None or target is None or _may_cast(kind, target):
        return
    shown = NUMERIC if is_pointed(value) else kind
    raise CannotCoerce(f"cannot cast type {shown.sql} to {target.sql}", position=place_of(node))


def _may_cast(kind: Type, target: Type) -> bool:
    if kind is target or {kind.name, target.name} & _TEXTS:
        return True
    if kind.is_enum or target.is_enum:  # an enum is cast through text alone
        return False
    if kind.element is not None and target.element is not None:
        return _may_cast(kind.element, target.element)
    if kind.element is not None or target.element is not None:
        # One of them is an array: of the other it is only known whether it is a value.
        return (target if kind.element is not None else kind).name not in _CASTS
    if kind.name not in _CASTS or target.name not in _CASTS:
        return True
    return target.name in _CASTS[kind.name]
