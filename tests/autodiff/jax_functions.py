"""What every function with a rule means, in JAX, in double precision; NULL as SQL has it.

One line a function. A rule without a line here fails `test_jax`, which names it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

jax = pytest.importorskip("jax", reason="JAX is not installed; it comes with the extra `oracle`")
jnp = pytest.importorskip("jax.numpy")
special = pytest.importorskip("jax.scipy.special")

jax.config.update("jax_enable_x64", True)

Value = tuple[Any, Any]  # number, whether it is missing

# What stands in for a missing number: any that no function minds.
HARMLESS = 0.75


def constant(text: str | None, columns: Mapping[str, Value]) -> Value:
    """A number, or NULL, in every row."""
    numbers, missing = next(iter(columns.values()))
    value = HARMLESS if text is None else float(text)
    return jnp.full(jnp.shape(numbers), value), jnp.full(jnp.shape(missing), text is None)


def _log(*arguments: Any) -> Any:
    if len(arguments) == 1:
        return jnp.log10(arguments[0])
    base, x = arguments
    return jnp.log(x) / jnp.log(base)


def _round(x: Any, digits: Any = 0) -> Any:
    return jnp.round(x * 10.0**digits) / 10.0**digits


def _trunc(x: Any, digits: Any = 0) -> Any:
    return jnp.trunc(x * 10.0**digits) / 10.0**digits


def _abs(x: Any) -> Any:
    """JAX itself gives 1 for the slope at 0; the contract is 0."""
    return jnp.where(x == 0.0, 0.0, jnp.abs(x))


def _is_less(a: Any, b: Any) -> Any:
    """NaN is above all numbers (PostgreSQL manual, 8.1.3)."""
    return jnp.logical_or(a < b, jnp.logical_and(jnp.isnan(b), jnp.logical_not(jnp.isnan(a))))


def _is_equal(a: Any, b: Any) -> Any:
    return jnp.logical_or(a == b, jnp.logical_and(jnp.isnan(a), jnp.isnan(b)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    # operators
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": jnp.fmod,
    "^": jnp.power,
    "neg": lambda a: -a,
    "double": lambda a: a,
    "<": lambda a, b: _is_less(a, b),
    "<=": lambda a, b: jnp.logical_not(_is_less(b, a)),
    ">": lambda a, b: _is_less(b, a),
    ">=": lambda a, b: jnp.logical_not(_is_less(a, b)),
    "=": lambda a, b: _is_equal(a, b),
    "<>": lambda a, b: jnp.logical_not(_is_equal(a, b)),
    # smooth
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tan": jnp.tan,
    "cot": lambda x: 1.0 / jnp.tan(x),
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "atan": jnp.arctan,
    "atan2": jnp.arctan2,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "tanh": jnp.tanh,
    "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh,
    "atanh": jnp.arctanh,
    "exp": jnp.exp,
    "ln": jnp.log,
    "log2": jnp.log2,
    "log10": jnp.log10,
    "log": _log,
    "sqrt": jnp.sqrt,
    "cbrt": jnp.cbrt,
    "power": jnp.power,
    "degrees": jnp.degrees,
    "radians": jnp.radians,
    "sind": lambda x: jnp.sin(jnp.radians(jnp.fmod(x, 360.0))),
    "cosd": lambda x: jnp.cos(jnp.radians(jnp.fmod(x, 360.0))),
    "tand": lambda x: jnp.tan(jnp.radians(jnp.fmod(x, 360.0))),
    "cotd": lambda x: 1.0 / jnp.tan(jnp.radians(jnp.fmod(x, 360.0))),
    "atand": lambda x: jnp.degrees(jnp.arctan(x)),
    "atan2d": lambda y, x: jnp.degrees(jnp.arctan2(y, x)),
    "asind": lambda x: jnp.degrees(jnp.arcsin(x)),
    "acosd": lambda x: jnp.degrees(jnp.arccos(x)),
    "erf": special.erf,
    "erfc": special.erfc,
    # piecewise, and steps
    "abs": _abs,
    "mod": jnp.fmod,
    "div": lambda a, b: jnp.trunc(a / b),
    "signum": jnp.sign,
    "floor": jnp.floor,
    "ceil": jnp.ceil,
    "round": _round,
    "rint": jnp.rint,
    "trunc": _trunc,
}


def _winner(wins: Callable[[Any, Any], Any], *values: Value) -> Value:
    """The mean of those that are not missing and that no other wins over: they are equal."""
    best, missing = values[0]
    for number, absent in values[1:]:
        taken = jnp.logical_or(
            missing, jnp.logical_and(wins(number, best), jnp.logical_not(absent))
        )
        best, missing = jnp.where(taken, number, best), jnp.logical_and(missing, absent)
    total, count = jnp.zeros_like(best), jnp.zeros_like(best)
    for number, absent in values:
        among = jnp.logical_and(_is_equal(number, best), jnp.logical_not(absent))
        total, count = total + jnp.where(among, number, 0.0), count + jnp.where(among, 1.0, 0.0)
    return _harmless(total / jnp.maximum(count, 1.0), missing)


def _greatest(*values: Value) -> Value:
    return _winner(lambda a, b: _is_less(b, a), *values)


def _least(*values: Value) -> Value:
    return _winner(_is_less, *values)


def _coalesce(first: Value, *rest: Value) -> Value:
    if not rest:
        return first
    other = _coalesce(*rest)
    return jnp.where(first[1], other[0], first[0]), jnp.logical_and(first[1], other[1])


def _nvl2(asked: Value, there: Value, missing: Value) -> Value:
    return choose(negation(is_null(asked)), there, missing)


def _nullif(first: Value, second: Value) -> Value:
    same = jnp.logical_and(_is_equal(first[0], second[0]), jnp.logical_not(second[1]))
    return _harmless(first[0], jnp.logical_or(first[1], same))


def _harmless(number: Any, missing: Any) -> Value:
    return jnp.where(missing, HARMLESS, number), missing


def _nanvl(first: Value, second: Value) -> Value:
    nan = jnp.isnan(first[0])
    return choose((nan, first[1]), second, first)


# Functions that look at NULL; every other is NULL when an argument is.
NULL_AWARE: dict[str, Callable[..., Value]] = {
    "greatest": _greatest,
    "least": _least,
    "coalesce": _coalesce,
    "nvl": _coalesce,
    "nvl2": _nvl2,
    "nullif": _nullif,
    "nanvl": _nanvl,
}


def call(name: str, values: list[Value]) -> Value:
    """The function's value."""
    if name in NULL_AWARE:
        return NULL_AWARE[name](*values)
    missing = functools.reduce(jnp.logical_or, [absent for _, absent in values])
    return FUNCTIONS[name](*(number for number, _ in values)), missing


# Conditions have three values (PostgreSQL manual, 9.1).


def is_null(value: Value) -> Value:
    return value[1], jnp.zeros_like(value[1])


def negation(value: Value) -> Value:
    return jnp.logical_not(value[0]), value[1]


def both(left: Value, right: Value) -> Value:
    false = jnp.logical_or(_is_false(left), _is_false(right))
    missing = jnp.logical_and(jnp.logical_or(left[1], right[1]), jnp.logical_not(false))
    return jnp.logical_not(false), missing


def either(left: Value, right: Value) -> Value:
    return negation(both(negation(left), negation(right)))


def _is_false(value: Value) -> Any:
    return jnp.logical_and(jnp.logical_not(value[0]), jnp.logical_not(value[1]))


def choose(condition: Value, value: Value, otherwise: Value) -> Value:
    """One branch of a CASE: `value` where the condition is true, and neither false nor NULL."""
    taken = jnp.logical_and(condition[0], jnp.logical_not(condition[1]))
    return jnp.where(taken, value[0], otherwise[0]), jnp.where(taken, value[1], otherwise[1])
