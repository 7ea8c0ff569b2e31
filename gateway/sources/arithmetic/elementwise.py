"""Arithmetic on arrays: an expression over the columns of one grid, element by element.

What stands inside `differentiate` and `integrate` is computed here, where the neighbours of a row
are. Arithmetic is xarray's: what is missing and what has no value are both NaN, and a row that
ends as NaN is NULL. Truth is a number too: 1, 0, and NaN for SQL's unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A constant; whole numbers leave single precision as it is."""

    value: float | int


@dataclass(frozen=True, slots=True)
class Call:
    """A row of FUNCTIONS, or `case`: condition, value, ..., and the value of ELSE."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Column | Number | Call


def _unknown_beside(compare: Callable[[Values, Values], Any]) -> Callable[[Values, Values], Values]:
    """A comparison that is neither true nor false beside a missing value."""
    return lambda a, b: np.where(np.isnan(a) | np.isnan(b), np.nan, compare(a, b))


def _and(a: Values, b: Values) -> Values:
    return np.where((a == 0) | (b == 0), 0.0, a * b)


def _or(a: Values, b: Values) -> Values:
    return np.where((a == 1) | (b == 1), 1.0, a + b)


def _first(*values: Values) -> Values:
    """The first that is not missing."""
    found = values[0]
    for other in values[1:]:
        found = np.where(np.isnan(found), other, found)
    return found


def _log(base: Values, x: Values) -> Values:
    return np.asarray(np.log(x) / np.log(base))


# SQL's name -> how many arguments (None: one or more), and the function over arrays. A missing
# row: the function cannot stand inside differentiate or integrate, and is refused by name.
FUNCTIONS: dict[tuple[str, int | None], Callable[..., Any]] = {
    ("+", 2): np.add,
    ("-", 2): np.subtract,
    ("*", 2): np.multiply,
    ("/", 2): np.divide,
    ("neg", 1): np.negative,
    ("power", 2): np.power,
    ("mod", 2): np.fmod,
    ("abs", 1): np.abs,
    ("signum", 1): np.sign,
    ("sqrt", 1): np.sqrt,
    ("cbrt", 1): np.cbrt,
    ("exp", 1): np.exp,
    ("ln", 1): np.log,
    ("log", 1): np.log10,
    ("log", 2): _log,
    ("log2", 1): np.log2,
    ("log10", 1): np.log10,
    ("sin", 1): np.sin,
    ("cos", 1): np.cos,
    ("tan", 1): np.tan,
    ("cot", 1): lambda x: 1 / np.tan(x),
    ("asin", 1): np.arcsin,
    ("acos", 1): np.arccos,
    ("atan", 1): np.arctan,
    ("atan2", 2): np.arctan2,
    ("sinh", 1): np.sinh,
    ("cosh", 1): np.cosh,
    ("tanh", 1): np.tanh,
    ("asinh", 1): np.arcsinh,
    ("acosh", 1): np.arccosh,
    ("atanh", 1): np.arctanh,
    ("degrees", 1): np.degrees,
    ("radians", 1): np.radians,
    ("pi", 0): lambda: np.float64(math.pi),
    ("floor", 1): np.floor,
    ("ceil", 1): np.ceil,
    ("trunc", 1): np.trunc,
    ("greatest", None): lambda *values: _reduced(np.fmax, values),
    ("least", None): lambda *values: _reduced(np.fmin, values),
    ("coalesce", None): _first,
    ("nullif", 2): lambda a, b: np.where(a == b, np.nan, a),
    ("float8", 1): lambda x: np.asarray(x, np.float64),
    ("float4", 1): lambda x: np.asarray(x, np.float32),
    ("=", 2): _unknown_beside(np.equal),
    ("<>", 2): _unknown_beside(np.not_equal),
    ("<", 2): _unknown_beside(np.less),
    ("<=", 2): _unknown_beside(np.less_equal),
    (">", 2): _unknown_beside(np.greater),
    (">=", 2): _unknown_beside(np.greater_equal),
    ("and", 2): _and,
    ("or", 2): _or,
    ("not", 1): lambda a: 1.0 - a,
    ("is null", 1): lambda a: np.isnan(a).astype(np.float64),
}
_INFIX = frozenset({"+", "-", "*", "/", "=", "<>", "<", "<=", ">", ">=", "and", "or"})


def has_function(name: str, arity: int) -> bool:
    """Whether FUNCTIONS has a row for a call."""
    return (name, arity) in FUNCTIONS or (arity > 0 and (name, None) in FUNCTIONS)


def evaluate(expression: Expression, column: Callable[[str], Values]) -> Values:
    """The values of `expression`; what has none is NaN.

    Args:
        expression: What to compute.
        column: The values of a column; the arrays it gives broadcast against one another.

    >>> half = Call("/", (Column("x"), Number(2)))
    >>> evaluate(half, lambda name: np.array([1.0, np.nan])).tolist()
    [0.5, nan]
    """
    with np.errstate(all="ignore"):
        return np.asarray(_evaluate(expression, column))


def _evaluate(expression: Expression, column: Callable[[str], Values]) -> Any:
    if isinstance(expression, Column):
        return column(expression.name)
    if isinstance(expression, Number):
        value = expression.value
        return value if isinstance(value, int) else np.float64(value)
    arguments = [_evaluate(argument, column) for argument in expression.arguments]
    if expression.function == "case":
        return _case(arguments)
    arity = len(arguments)
    row = FUNCTIONS.get((expression.function, arity)) or FUNCTIONS[expression.function, None]
    return row(*arguments)


def _case(arguments: list[Any]) -> Values:
    *branches, result = arguments
    for condition, value in reversed(list(zip(branches[::2], branches[1::2], strict=True))):
        result = np.where(np.equal(condition, 1), value, result)
    return np.asarray(result)


def _reduced(function: Callable[[Any, Any], Any], values: tuple[Any, ...]) -> Any:
    found = values[0]
    for other in values[1:]:
        found = function(found, other)
    return found


def names(expression: Expression) -> Iterator[str]:
    """The columns in `expression`, each as often as it stands there."""
    if isinstance(expression, Column):
        yield expression.name
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from names(argument)


def written(expression: Expression) -> str:
    """`expression` as SQL, for people; equal expressions are written alike.

    >>> written(Call("*", (Column("u"), Call("cos", (Column("lat"),)))))
    'u * cos(lat)'
    """
    if isinstance(expression, Column):
        return expression.name
    if isinstance(expression, Number):
        return repr(expression.value)
    arguments = [written(argument) for argument in expression.arguments]
    if expression.function not in _INFIX:
        return f"{expression.function}({', '.join(arguments)})"
    sides = [
        f"({text})" if isinstance(side, Call) and side.function in _INFIX else text
        for side, text in zip(expression.arguments, arguments, strict=True)
    ]
    return f" {expression.function} ".join(sides)
