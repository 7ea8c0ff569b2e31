"""Arguments that PostgreSQL's functions do not take, refused; literals among them, typed.

The engine turns numbers into texts for `upper` and texts into numbers for `sin`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import AmbiguousFunction, DatatypeMismatch, UndefinedFunction
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import Types, is_untyped
from gateway.sql.types.numerics_as_doubles import is_derived, written_type
from gateway.sql.types.placing import ARGUMENTS
from gateway.sql.types.results import is_scalar_function
from gateway.sql.types.signatures import UNKNOWN, meant, signatures
from gateway.types import (
    ENUM,
    FLOAT4,
    FLOAT8,
    INT4,
    INT8,
    INTEGER,
    NUMBERS,
    NUMERIC,
    STRINGS,
    Type,
    by_name,
)

NO_FUNCTION = (
    "No function matches the given name and argument types. You might need to add explicit type "
    "casts."
)
# What is a text to no function, until it is cast to one.
_NO_TEXTS = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "time", "timestamp",
     "timestamptz", "interval", "uuid", "inet", ENUM}
)  # fmt: skip
DOCUMENTS = frozenset({"json", "jsonb"})
# Types by which a function is found; a value of another goes to whoever knows it.
_JUDGED = NUMBERS | STRINGS | DOCUMENTS | frozenset(
    {"bool", "date", "time", "timestamp", "timestamptz", "interval", "uuid", "inet", "bytea", ENUM}
)  # fmt: skip
# Of integers they give a numeric.
_OF_NUMERICS = frozenset({"round", "trunc", "div"})
# Of reals, too, in a statement with a derivative.
_OF_REALS = frozenset({"mod", "div", "round", "trunc", "log", "gcd", "lcm"})
# Aggregates of nearly any type -> types of their argument that they do not take.
_NOT = dict.fromkeys(("max", "min"), frozenset({"bool", "uuid", "bytea"}) | DOCUMENTS)


def check_arguments(call: exp.Expr, known: Types) -> None:
    """Refuse a call of arguments that no function of that name takes.

    Quoted literals that are numbers get their type, and reals that are taken for doubles, in place.

    Raises:
        UndefinedFunction: 42883. AmbiguousFunction: 42725.
    """
    given = [_unordered(each) for each in call.expressions]
    if len(given) == 1 and isinstance(given[0], exp.Distinct):
        given = given[0].expressions
    if not given or any(isinstance(each, exp.Star | exp.Kwarg) for each in given):
        return
    if call.name in signatures():
        if not call.args.get("resolved"):
            _settle(call, given, known)
        return
    for value, kind in zip(given, ARGUMENTS.get(call.name, ()), strict=False):
        if kind in (INT4, INT8) and value.is_string:
            _cast(value, kind)
    first = None if is_untyped(given[0].unnest()) else known.of(given[0])
    if first is None:
        return
    if first.name in (_NO_TEXTS if call.name == "unnest" else _NOT.get(call.name, ())):
        raise no_function(call, given, known)


def _unordered(value: exp.Expr) -> exp.Expr:
    while isinstance(value, exp.Order):  # of an aggregate's arguments
        value = value.this
    return value


def _settle(call: exp.Expr, given: Sequence[exp.Expr], known: Types) -> None:
    """Find the function that is meant, and give arguments the types that it takes."""
    kinds = [None if is_untyped(each.unnest()) else known.of(each) for each in given]
    written = [written_type(each, known) or kind for each, kind in zip(given, kinds, strict=True)]
    names = [
        UNKNOWN if kind is None or there is None else there.name
        for kind, there in zip(kinds, written, strict=True)
    ]
    found = meant(call.name, names)
    if len(found) != 1:
        judged = (_is_judged(each, kind, known) for each, kind in zip(given, kinds, strict=True))
        if all(judged) and not (call.name in _OF_REALS and is_derived(call)):
            raise (not_unique if found else no_function)(call, given, known)
        return
    if call.name == "log" and found[0].takes == ("float8",):
        call.set("this", "log10")  # of one argument the engine's divides two logarithms
    scalar = is_scalar_function(call.name)
    for value, kind, taken in zip(given, kinds, found[0].takes, strict=True):
        if value.is_string and taken in NUMBERS:
            _cast(value, by_name(taken))
        elif scalar and kind is FLOAT4 and taken == "float8":
            _cast(value, FLOAT8)
        elif call.name in _OF_NUMERICS and taken == "numeric" and kind and kind.name in INTEGER:
            _cast(value, NUMERIC)


def _is_judged(value: exp.Expr, kind: Type | None, known: Types) -> bool:
    """Whether PostgreSQL's type of it is known for sure."""
    if kind is None:
        return is_untyped(value.unnest()) or isinstance(value.unnest(), exp.Parameter)
    inside = kind.element or kind
    return inside.name in _JUDGED and written_type(value, known) is not None


def _cast(value: exp.Expr, kind: Type) -> None:
    value.replace(exp.Cast(this=value.copy(), to=data_type(kind)))


def not_unique(call: exp.Expr, given: Sequence[exp.Expr], known: Types) -> AmbiguousFunction:
    """PostgreSQL's words for a call that several functions take."""
    return AmbiguousFunction(
        f"function {call.name}({_types(given, known)}) is not unique",
        hint="Could not choose a best candidate function. You might need to add explicit type "
        "casts.",
        position=position_of(call),
    )


def no_function(call: exp.Expr, given: Sequence[exp.Expr], known: Types) -> UndefinedFunction:
    """PostgreSQL's words for a function that takes no such arguments."""
    return UndefinedFunction(
        f"function {call.name}({_types(given, known)}) does not exist",
        hint=NO_FUNCTION,
        position=position_of(call),
    )


def _types(given: Sequence[exp.Expr], known: Types) -> str:
    return ", ".join(_spelt(_unordered(each), known) for each in given)


def _spelt(value: exp.Expr, known: Types) -> str:
    if is_untyped(value.unnest()):
        return "unknown"
    kind = written_type(value, known) or known.of(value)
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
