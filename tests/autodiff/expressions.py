"""Random smooth expressions, as SQL and as a Python function of complex numbers.

The second witness of a derivative: for an analytic f, Im f(x + ih) / h is f'(x) to the last digit
(Squire and Trapp, SIAM Review 40, 1998), with nothing of our own in it.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

Point = Mapping[str, complex]
STEP = 1e-30


@dataclass(frozen=True)
class Expression:
    """SQL text (already in parentheses), and what it means."""

    sql: str
    value: Callable[[Point], complex]

    def slope(self, point: Mapping[str, float], wrt: str) -> float:
        """The derivative at a point, by a complex step."""
        moved = {name: complex(x, STEP if name == wrt else 0.0) for name, x in point.items()}
        return self.value(moved).imag / STEP


def column(name: str) -> Expression:
    return Expression(name, lambda point: point[name])


def constant(value: float) -> Expression:
    return Expression(repr(value), lambda _: complex(value))


def _unary(sql: str, function: Callable[[complex], complex]) -> Callable[[Expression], Expression]:
    return lambda inner: Expression(
        sql.format(inner.sql), lambda point: function(inner.value(point))
    )


# Each is defined and smooth for every real argument.
UNARY = [
    _unary("sin({})", cmath.sin),
    _unary("cos({})", cmath.cos),
    _unary("atan({})", cmath.atan),
    _unary("tanh({})", cmath.tanh),
    _unary("asinh({})", cmath.asinh),
    _unary("exp(-({0}) * ({0}))", lambda v: cmath.exp(-v * v)),
    _unary("ln(1.0 + ({0}) * ({0}))", lambda v: cmath.log(1.0 + v * v)),
    _unary("sqrt(1.0 + ({0}) * ({0}))", lambda v: cmath.sqrt(1.0 + v * v)),
    _unary("(-({}))", lambda v: -v),
    _unary("({}) ^ 2", lambda v: v * v),
    _unary("power({}, 3)", lambda v: v * v * v),
    _unary("1.0 / (2.0 + sin({}))", lambda v: 1.0 / (2.0 + cmath.sin(v))),
]


def _binary(
    sql: str, function: Callable[[complex, complex], complex]
) -> Callable[[Expression, Expression], Expression]:
    return lambda left, right: Expression(
        sql.format(left.sql, right.sql),
        lambda point: function(left.value(point), right.value(point)),
    )


BINARY = [
    _binary("({} + {})", lambda a, b: a + b),
    _binary("({} - {})", lambda a, b: a - b),
    _binary("({}) * ({})", lambda a, b: a * b),
    _binary("({}) / (1.5 + cos({}))", lambda a, b: a / (1.5 + cmath.cos(b))),
    _binary("(1.0 + ({0}) * ({0})) ^ ({1})", lambda a, b: (1.0 + a * a) ** b),
]


def expressions(*names: str) -> st.SearchStrategy[Expression]:
    """Expressions over columns of these names."""
    leaves = st.one_of(
        st.sampled_from([column(name) for name in names]),
        st.sampled_from([constant(value) for value in (0.5, 1.0, 2.0, 3.25)]),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda make, a: make(a), st.sampled_from(UNARY), inner),
            st.builds(lambda make, a, b: make(a, b), st.sampled_from(BINARY), inner, inner),
        ),
        max_leaves=6,
    )
