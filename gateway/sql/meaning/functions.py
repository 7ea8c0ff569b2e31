"""What a function of a user's own is: a name, arguments with types, one expression.

PostgreSQL manual, 38.5 "Query Language (SQL) Functions" and CREATE FUNCTION. Only a function that
is one expression is known here, because a call is inlined: `inlining` puts the expression where
the call stood. `routines` reads the statements that make and drop functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InvalidFunctionDefinition,
)
from gateway.sql.meaning.literals import keep_literals
from gateway.sql.names.scope import AGGREGATES
from gateway.sql.text.dialect import parse
from gateway.types import Type


@dataclass(frozen=True, slots=True, order=True)
class FunctionName:
    """Where a function is found: overloads differ in their number of arguments."""

    schema: str
    name: str
    arity: int


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; the name is empty where none was given."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it was declared.

    Args:
        schema: Its schema.
        name: Its name, folded unless it was quoted.
        arguments: In order.
        returns: The type of its result.
        body: The expression, or for the form AS 'text' the SELECT, as it was sent.
        strict: Whether a NULL argument makes the result NULL whatever the body says.
        volatility: "immutable", "stable" or "volatile".
        bound: The functions that the body calls, each with the schema that the call names ("" for
            none), as they were found when it was made; None: they are found anew at each call.
        hidden: The engine has a function of this name that takes these arguments, and a call
            means that one unless it names the schema.
    """

    schema: str
    name: str
    arguments: tuple[Argument, ...]
    returns: Type
    body: str
    strict: bool = False
    volatility: str = "volatile"
    bound: tuple[tuple[str, FunctionName], ...] | None = None
    hidden: bool = False

    @property
    def key(self) -> FunctionName:
        """Where it is found."""
        return FunctionName(self.schema, self.name, len(self.arguments))

    def shown(self, home: str) -> str:
        """Name and argument types for a message; the schema too, unless it is public or `home`."""
        types = ", ".join(argument.type.sql for argument in self.arguments)
        place = "" if self.schema in ("public", home) else f"{self.schema}."
        return f"{place}{self.name}({types})"

    def __str__(self) -> str:
        """Name and argument types, as messages have them for one who found it."""
        return self.shown(self.schema)


# (schema or "", name, number of arguments) -> the function that a call means; None: none of a
# user's own.
Functions = Callable[[str, str, int], Function | None]

_HINT = "A function is one expression here: RETURN expression, or AS 'SELECT expression'."
_REFUSED: dict[type[exp.Expr], str] = {
    exp.Query: "a subquery",
    exp.Window: "a window function",
    exp.Unnest: "a set-returning function",
    exp.Star: "*",
}
_SETS = frozenset({"unnest", "generate_series", "range", "generate_subscripts"})


@lru_cache(maxsize=1024)
def body_of(function: Function) -> exp.Expr:
    """The tree of the body, to be copied before it is changed; its nodes have no positions.

    Raises:
        GatewayError: 42601, 42P13 or 0A000: it is not one expression that can be inlined.
    """
    text = function.body if function.bound is None else f"SELECT {function.body}"
    try:
        tree = _expression(text, function)
    except GatewayError as error:
        error.position = 0
        raise
    keep_literals(tree)
    for node in tree.walk():
        node.meta.pop("start", None)
        _refuse(node, function)
    return tree


def _expression(text: str, function: Function) -> exp.Expr:
    trees = parse(text)
    if not trees:
        raise _mismatch(
            function, "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING."
        )
    if len(trees) > 1:
        raise FeatureNotSupported(f"function {function.name} has several statements", hint=_HINT)
    tree = trees[0]
    if not isinstance(tree, exp.Select):
        raise FeatureNotSupported(f"the body of function {function.name} is no SELECT", hint=_HINT)
    clauses = [key for key, value in tree.args.items() if value and key not in _PLAIN]
    if clauses:
        words = clauses[0].strip("_").upper()
        message = f"{words} in the body of function {function.name} is not supported"
        raise FeatureNotSupported(message, hint=_HINT)
    if len(tree.expressions) != 1:
        raise _mismatch(function, "Final statement must return exactly one column.")
    item: exp.Expr = tree.expressions[0].unalias()
    item.pop()
    return item


def _mismatch(function: Function, detail: str) -> InvalidFunctionDefinition:
    return InvalidFunctionDefinition(
        f"return type mismatch in function declared to return {function.returns.sql}",
        detail=detail,
    )


# The arguments of a SELECT of expressions and nothing else.
_PLAIN = frozenset({"expressions", "kind", "hint"})


def _refuse(node: exp.Expr, function: Function) -> None:
    what = next((words for kind, words in _REFUSED.items() if isinstance(node, kind)), "")
    if isinstance(node, exp.Anonymous):
        name = node.name.lower()
        if name in AGGREGATES:
            what = f"aggregate {name}"
        elif name in _SETS:
            what = f"set-returning function {name}"
    if what:
        raise FeatureNotSupported(
            f"{what} in the body of function {function.name} is not supported",
            hint="Aggregate in the query, and hand the result to the function.",
        )
