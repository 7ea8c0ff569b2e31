"""What a catalogue query does not compute, since DuckDB computes it otherwise than PostgreSQL.

Such a query is one for the engine (`system.answers`), which has all functions: there the relations
of the catalogue are tables as others.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.catalog.translation.resolution import (
    BOOL,
    BYTEA,
    INET,
    JSON_TYPES,
    NUMERIC,
    Resolved,
    element_of,
)
from gateway.catalog.translation.terms import Term
from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import position_of

# Of JSON, which is a text there, these alone are looked up.
_OF_JSON = ("->", "->>", "=", "<>")
_OTHERWISE = ("^", "#")


def check_call(name: str, found: Resolved, arguments: Sequence[Term], node: exp.Expr) -> None:
    """Refuse a call over values that are kept otherwise.

    Raises:
        FeatureNotSupported: 0A000, it is one for the engine.
    """
    types = [argument.type for argument in arguments]
    inexact = NUMERIC in types and (found.result == NUMERIC or found.routine.kind == "a")
    words = name == "array_to_string" and element_of(types[0]) == BOOL
    if inexact or words or BYTEA in types or INET in types:
        raise _refusal(f"function {name}", node)


def check_operator(symbol: str, types: Sequence[int], result: int, node: exp.Expr) -> None:
    """The same of an operator."""
    of_json = any(kind in JSON_TYPES for kind in types) and symbol not in _OF_JSON
    inexact = result == NUMERIC and NUMERIC in types
    odd = BYTEA in types or INET in types or symbol in _OTHERWISE
    if inexact or odd or of_json:
        raise _refusal(f"operator {symbol}", node)


def _refusal(what: str, node: exp.Expr) -> FeatureNotSupported:
    return FeatureNotSupported(
        f"{what} of these types is not supported in a catalogue query", position=position_of(node)
    )
