"""Random expressions in every shape, against the complex step; NULLs, jvp and vjp by their laws."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from tests.autodiff.expressions import Expression, expressions
from tests.autodiff.relations import run
from tests.examples import examples

POINTS = [{"x": -1.3, "y": 0.4}, {"x": 0.2, "y": -0.9}, {"x": 1.7, "y": 1.1}]
ROWS = {"t": {name: [point[name] for point in POINTS] for name in ("x", "y")}}

# f stands for the expression, g for one over its value in the inner query.
SHAPES = {
    "select": "SELECT grad({f}, x) AS g FROM t",
    "derived": "SELECT grad(e, x) AS g FROM (SELECT x, y, {f} AS e FROM t) AS s",
    "deeper": "SELECT grad(e, v) AS g FROM (SELECT e, x AS v FROM (SELECT x, {f} AS e FROM t) AS a)"
    " AS b",
    "cte": "WITH c(e, p, q) AS (SELECT {f}, x, y FROM t) SELECT grad(e, p) AS g FROM c",
    "aggregate": "SELECT avg(grad({f}, x)) AS g FROM t GROUP BY x, y ORDER BY x",
    "filter": "SELECT grad({f}, x) AS g FROM t WHERE grad({f}, x) IS NOT NULL",
}
ordinary = examples(40, suppress_health_check=[HealthCheck.filter_too_much])


def sane(values: list[float]) -> bool:
    return all(math.isfinite(value) and abs(value) < 1e8 for value in values)


def slopes(
    expression: Expression, wrt: str = "x", points: Sequence[Mapping[str, float]] = POINTS
) -> list[float]:
    """The witness at each point; a function that overflows there is no example."""
    try:
        found = [expression.slope(point, wrt) for point in points]
    except (OverflowError, ZeroDivisionError):
        found = [math.nan]
    assume(sane(found))
    return found


def mixed_difference(expression: Expression, step: float) -> list[float]:
    """The slope by x, differentiated by y with a central difference."""
    low, high = (
        slopes(expression, "x", [{**point, "y": point["y"] + move} for point in POINTS])
        for move in (-step, step)
    )
    return [(b - a) / (2 * step) for a, b in zip(low, high, strict=True)]


def column_of(query: str, name: str = "g") -> list[object]:
    return [row[name] for row in run(query, ROWS)]


@pytest.mark.parametrize("shape", SHAPES)
@given(expression=expressions("x", "y"))
@ordinary
def test_first_derivative(shape: str, expression: Expression) -> None:
    expected = slopes(expression)
    found = column_of(SHAPES[shape].format(f=expression.sql))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(outer=expressions("e", "x"), inner=expressions("x", "y"))
@ordinary
def test_total_derivative_through_a_subquery(outer: Expression, inner: Expression) -> None:
    composed = Expression("", lambda point: outer.value({"e": inner.value(point), "x": point["x"]}))
    expected = slopes(composed)
    query = f"SELECT grad({outer.sql}, x) AS g FROM (SELECT x, {inner.sql} AS e FROM t) AS s"
    assert column_of(query) == pytest.approx(expected, rel=1e-8, abs=1e-8)


@given(expression=expressions("x", "y"))
@ordinary
def test_second_derivatives_commute_and_agree(expression: Expression) -> None:
    f = expression.sql
    expected, coarser = (mixed_difference(expression, step) for step in (1e-5, 2e-5))
    # A difference that moves with its step says little about the derivative.
    assume(coarser == pytest.approx(expected, rel=1e-4, abs=1e-4))
    assume(sane(expected))
    rows = run(f"SELECT grad(grad({f}, x), y) AS g, grad(grad({f}, y), x) AS h FROM t", ROWS)
    assert [r["g"] for r in rows] == pytest.approx([r["h"] for r in rows], rel=1e-7, abs=1e-7)
    assert [r["g"] for r in rows] == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(expression=expressions("x", "y"), t=st.floats(-3, 3), u=st.floats(-3, 3))
@ordinary
def test_jvp_and_vjp_are_products_with_the_gradient(
    expression: Expression, t: float, u: float
) -> None:
    f = expression.sql
    by_x, by_y = slopes(expression, "x"), slopes(expression, "y")
    rows = run(f"SELECT jvp({f}, x, {t!r}, y, {u!r}) AS j, vjp({f}, y, {u!r}) AS v FROM t", ROWS)
    pairs = list(zip(by_x, by_y, strict=True))
    assert [r["j"] for r in rows] == pytest.approx([t * a + u * b for a, b in pairs], abs=1e-7)
    assert [r["v"] for r in rows] == pytest.approx([u * b for _, b in pairs], abs=1e-7)


NULLS = {"t": {"x": [1.5, None, 1.5, None], "y": [0.5, 0.5, None, None], "z": [1.0, 2.0, 3.0, 4.0]}}


@pytest.mark.parametrize(
    "f",
    [
        "x", "y", "x + y", "x - x", "0.0 * y", "x ^ y", "x ^ 0", "sin(x) * 0.0 + y",
        "CASE WHEN z > 2 THEN x * y WHEN z > 1 THEN y END", "y + CASE WHEN z < 3 THEN x END",
        "abs(x) + floor(y)", "y / 2.0", "grad(x * y, y)", "CASE WHEN x > 1 THEN x ELSE y END",
        "CASE WHEN x IS NULL THEN 1.0 ELSE x END", "CASE z WHEN 1 THEN 2.0 END", "round(x) * y",
        "greatest(x % y)", "grad(greatest(x % y), x)", "greatest(z % x)", "coalesce(x % y)",
    ],
)  # fmt: skip
def test_null_exactly_where_the_function_is(f: str) -> None:
    for row in run(f"SELECT {f} AS f, grad({f}, x) AS g FROM t", NULLS):
        assert (row["f"] is None) == (row["g"] is None)


# Every choice of a number, NULL and NaN for three columns.
EDGES = list(itertools.product([1.5, None, math.nan], repeat=3))
NANS = {
    "t": {name: list(values) for name, values in zip("xyz", zip(*EDGES, strict=True), strict=True)}
}

# JAX gives 1 for the first.
KEEP_NAN = [
    "x", "x + y", "x * y", "x - z", "y", "floor(x) + y", "abs(x) * z", "x ^ 2 + y", "x ^ 1 * y",
    "greatest(x, y)", "least(x, y) + z", "coalesce(x, y)", "nullif(x, y)", "nanvl(x, y)",
    "CASE WHEN y > 1 THEN x ELSE z END", "CASE WHEN y > 1 THEN x END * z", "y / 2.0 + ln(x)",
    "grad(x * x * y, x) + z", "CASE WHEN isnan(y) THEN x * x ELSE x + y END", "x % y", "degrees(x)",
    "CAST(x AS real) + y", "round(x) + y", "y * 3 + power(x, 1)", "(x * y) ^ 3",
]  # fmt: skip


@pytest.mark.parametrize("f", KEEP_NAN)
def test_nan_where_a_nan_makes_the_function_nan(f: str) -> None:
    for row in run(f"SELECT {f} AS f, grad({f}, x) AS g, grad(grad({f}, x), x) AS h FROM t", NANS):
        for name in "gh":
            assert (row["f"] is None) == (row[name] is None)
            if row["f"] is not None:
                assert math.isnan(row["f"]) == math.isnan(row[name])


@given(expression=expressions("x", "y"))
@ordinary
def test_nan_where_a_nan_makes_a_random_function_nan(expression: Expression) -> None:
    f = expression.sql
    for row in run(f"SELECT {f} AS f, grad({f}, x) AS g, grad({f}, z) AS h FROM t", NANS):
        assert {row["f"] is None} == {row["g"] is None, row["h"] is None}
        if row["f"] is not None and math.isnan(row["f"]):
            assert math.isnan(row["g"]) and math.isnan(row["h"])


@given(expression=expressions("x", "y"))
@ordinary
def test_null_exactly_where_a_random_function_is(expression: Expression) -> None:
    f = expression.sql
    for row in run(f"SELECT {f} AS f, grad({f}, x) AS g, grad({f}, z) AS h FROM t", NULLS):
        assert {row["f"] is None} == {row["g"] is None, row["h"] is None}
