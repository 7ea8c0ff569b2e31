"""Random expressions of random aggregates, to second order, against JAX.

Two parameters `a` and `b` are the same in every row; `e` and `h` are aggregates of expressions over
the columns and the parameters, and what is differentiated is an expression over those.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from gateway.autodiff.rules.aggregates import AGGREGATE_RULES, WINDOW_FUNCTIONS, aggregate_rule
from tests.autodiff import jax_functions, relations
from tests.autodiff.jax_aggregates import AGGREGATES, Rows
from tests.autodiff.jax_functions import jax, jnp
from tests.autodiff.test_jax import _listed, derivative, examples, items
from tests.autodiff.trees import Tree, call, column, expressions, strict

# z is the group. The last one has a single row in which everything is there.
ROWS: dict[str, list[Any]] = {
    "z": [1.0] * 6 + [2.0] * 4 + [3.0] * 2,
    "x": [-1.3, 0.2, 1.7, None, 0.6, 0.5, 0.9, -0.4, 1.2, None, 0.7, None],
    "y": [0.4, -0.9, 1.1, 0.7, None, 0.5, 0.3, 1.4, -0.8, 0.2, 0.6, 1.0],
    "n": [1, -2, 3, 2, 2, 1, 2, 1, -1, None, 1, 2],
}
GROUPS = [1.0, 2.0, 3.0]
GROUPED = jnp.array([[z == group for z in ROWS["z"]] for group in GROUPS])
COLUMNS = {
    name: (
        jnp.array([jax_functions.HARMLESS if v is None else float(v) for v in ROWS[name]]),
        jnp.array([v is None for v in ROWS[name]]),
    )
    for name in ("x", "y", "n")
}
AT = {"a": jnp.array([0.7] * 3), "b": jnp.array([-0.4] * 3)}
P = "(SELECT 0.7 AS a, -0.4 AS b) AS p"
INNER = {"x": False, "y": False, "n": True, "a": False, "b": False}


@dataclass(frozen=True)
class Call:
    """An aggregate's call, and its value in JAX."""

    name: str
    arguments: tuple[Tree, ...]
    filtered: bool

    @property
    def sql(self) -> str:
        condition = " FILTER (WHERE y > 0)" if self.filtered else ""
        return f"{self.name}({', '.join(a.sql for a in self.arguments)}){condition}"

    def __repr__(self) -> str:
        return self.sql

    def rows(self, columns: dict[str, jax_functions.Value]) -> Rows:
        values = [argument.value(jax_functions, columns) for argument in self.arguments]
        y, missing = columns["y"]
        counted = ~missing & (y > 0) if self.filtered else jnp.ones_like(missing)
        for _, absent in values:
            counted = counted & ~absent
        return Rows(GROUPED & counted, *(value for value, _ in values))

    def value(self, columns: dict[str, jax_functions.Value]) -> jax_functions.Value:
        rows = self.rows(columns)
        rule = aggregate_rule(self.name, len(self.arguments))
        assert rule is not None
        least = 0 if rule.tangent is None else (rule.rows or 2)
        return AGGREGATES[self.name](rows), rows.n < least


def calls(names: list[str]) -> st.SearchStrategy[Call]:
    """Calls of these aggregates."""
    rules = {rule.name: rule for rule in AGGREGATE_RULES}

    def made(name: str, first: Tree, second: Tree, filtered: bool) -> Call:
        return Call(name, (first, second)[: len(rules[name].arguments)], filtered)

    inner = expressions(INNER, max_leaves=3)
    return st.builds(made, st.sampled_from(names), inner, inner, st.booleans())


def functions() -> st.SearchStrategy[Tree]:
    """Expressions over both aggregates and a parameter."""
    e, h = column("e"), column("h")
    loose = expressions({"e": False, "h": False, "a": False}, max_leaves=3)
    return loose.map(
        lambda g: strict("({} + {})", "+", strict("({} * {})", "*", e, g), call("sin", h))
    )


def columns_of(parameters: dict[str, Any]) -> dict[str, jax_functions.Value]:
    """The columns, a value for each row."""
    there = jnp.zeros(len(ROWS["z"]), bool)
    values = {name: (jnp.full(there.shape, 1.0) * parameters[name][0], there) for name in "ab"}
    return {**COLUMNS, **values}


def function_of(outer: Tree, e: Call, h: Call) -> Any:
    """The function's value in each group; the parameters come once for each group."""

    def function(parameters: dict[str, Any]) -> jax_functions.Value:
        columns = columns_of(parameters)
        known = {name: (parameters[name], jnp.zeros(len(GROUPS), bool)) for name in "ab"}
        return outer.value(jax_functions, {**known, "e": e.value(columns), "h": h.value(columns)})

    return function


DIVIDING = {"corr", "stddev_pop", "stddev_samp", "regr_slope", "regr_intercept", "regr_r2"}


def is_steady(made: Call) -> bool:
    """Whether what it divides by is not a rounding error."""
    if made.name not in DIVIDING:
        return True
    rows = made.rows(columns_of(AT))
    spread = [rows.moment(value, value) for value in (rows.y, rows.x)]
    return all(bool(jnp.all((rows.n < 2) | (moment > 1e-2))) for moment in spread)


SHAPES = {
    "groups": "SELECT z, {items} FROM t, {p} GROUP BY z, a, b",
    "keys": "SELECT z, {items} FROM t, (VALUES (0.7, -0.4), (0.2, 0.3)) AS p(a, b)"
    " GROUP BY b, a, z HAVING a > 0.5",
    "subquery": "SELECT z, {items} FROM (SELECT a, b, z, {e} AS e, {h} AS h FROM t, {p}"
    " GROUP BY a, b, z) AS s",
    "windows": "SELECT z, {items} FROM t, {p}",
}
WINNERS = ("max", "min")
NAMES = sorted({rule.name for rule in AGGREGATE_RULES} - WINDOW_FUNCTIONS)


def test_every_aggregate_has_its_function() -> None:
    assert set(NAMES) == AGGREGATES.keys()


ALL = calls(NAMES)
LINEAR = calls([name for name in NAMES if name not in WINNERS])
OUTER = functions()


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data(), wrt=st.tuples(*[st.sampled_from(["a", "b"])] * 2))
@examples(4)
def test_against_jax(shape: str, data: st.DataObject, wrt: tuple[str, str]) -> None:
    outer = data.draw(OUTER)
    e, h = (data.draw(LINEAR if shape == "windows" else ALL) for _ in "eh")
    with jax.disable_jit():
        assume(is_steady(e) and is_steady(h))
    check(shape, outer, e, h, wrt)


def check(shape: str, outer: Tree, e: Call, h: Call, wrt: tuple[str, str]) -> None:
    over = " OVER (PARTITION BY z)" if shape == "windows" else ""
    named = {"e": e.sql + over, "h": h.sql + over}
    inside = shape == "subquery"
    f = outer.sql if inside else re.sub(r"\b[eh]\b", lambda found: named[found[0]], outer.sql)
    expected = derivatives(function_of(outer, e, h), wrt)
    numbers = [v for found in expected for v in found if v is not None]
    assume(all(math.isfinite(v) and abs(v) < 1e5 for v in numbers))
    query = SHAPES[shape].format(items=items(f, wrt), p=P, e=e.sql, h=h.sql)
    note(query)
    rows = relations.run(query, {"t": ROWS})
    assert {row["z"] for row in rows} == set(GROUPS)
    scale = 1e-7 * max([1.0, *map(abs, numbers)])
    for row, name in itertools.product(rows, ("g0", "g1")):
        theirs = expected[("f", "g0", "g1").index(name)][GROUPS.index(row["z"])]
        expectation = None if theirs is None else pytest.approx(theirs, rel=1e-7, abs=scale)
        assert row[name] == expectation


def derivatives(function: Any, wrt: tuple[str, str]) -> list[list[float | None]]:
    """The value, the first derivative and the second, in each group."""
    first = derivative(function, wrt[0])
    with jax.disable_jit():
        return [_listed(f(AT)) for f in (function, first, derivative(first, wrt[1]))]
