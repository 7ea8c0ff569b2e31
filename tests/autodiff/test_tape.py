"""Large derivatives: over a tape of sub-selects, in every shape, against the complex step."""

from __future__ import annotations

import functools
import operator

import pytest
from hypothesis import HealthCheck, assume, given
from sqlglot import exp

from tests.autodiff.expressions import UNARY, Expression, column, expressions
from tests.autodiff.relations import rewritten, run
from tests.autodiff.test_random import slopes
from tests.bench.derivatives import Way, perceptron
from tests.examples import examples

POINTS = [{"x": -1.3, "y": 0.4}, {"x": 0.2, "y": -0.9}, {"x": 1.7, "y": 1.1}]
ROWS = {
    "t": {"x": [p["x"] for p in POINTS], "y": [p["y"] for p in POINTS], "n": [1, 2, 2]},
    "u": {"x": [p["x"] for p in POINTS], "w": [1.0, 2.0, 3.0], "k": [1, 2, 3]},
}


def deep(variable: str, depth: int) -> Expression:
    """sin(1 / (2 + sin(... x y ...))): each level is used twice by the derivative."""
    made = Expression(f"({variable} * y)", lambda point: point[variable] * point["y"])
    for level in range(depth):
        made = UNARY[(0, 11, 4, 6, 3)[level % 5]](made)
    return made


F = deep("x", 25)

# What follows SELECT, with {f} for the function; the rows come in the order of x.
SHAPES = {
    "plain": "grad({f}, x) AS g FROM t ORDER BY t.x",
    "two variables": "grad({f}, x) AS g, grad({f}, y) AS h, x FROM t ORDER BY x",
    "filtered": "grad({f}, x) AS g FROM t WHERE x > -10 AND y IS NOT NULL ORDER BY x",
    "aliases": "grad({f}, t.x) AS g, -x AS x FROM t ORDER BY x DESC",
    "another name": "grad({f}, t.x) AS g, -x AS o FROM t ORDER BY o DESC",
    "a number": "grad({f}, t.x) AS g, -x FROM t ORDER BY 2 DESC",
    "joined": "grad({f}, t.x) AS g, w FROM t JOIN (SELECT x AS k, w FROM u) b ON x = k ORDER BY w",
    "merged": "grad({f}, y) * 0 + grad({f}, x) AS g, x FROM t JOIN u USING (x) ORDER BY x",
    "grouped": "x, avg(grad({f}, x)) AS g FROM t GROUP BY x ORDER BY x",
    "having": "x, max(grad({f}, x)) AS g FROM t GROUP BY x HAVING count(*) > 0 ORDER BY 1",
    "window": "sum(grad({f}, x)) OVER (PARTITION BY t.x) AS g FROM t ORDER BY t.x",
    "distinct": "DISTINCT ON (x) grad({f}, x) AS g, x FROM t ORDER BY x",
    "derived": "grad(e, x) AS g FROM (SELECT x, {f} AS e FROM t) AS s ORDER BY s.x",
    "renamed": "grad(e, v) AS g FROM (SELECT {f}, x FROM t) AS s(e, v) ORDER BY v",
    "subquery": "(SELECT max(w) FROM u WHERE u.x = t.x) AS m, grad({f}, x) AS g FROM t ORDER BY x",
    "inside a case": "CASE WHEN x > -9 THEN grad({f}, x) END AS g FROM t ORDER BY x",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_value(shape: str) -> None:
    query = f"SELECT {SHAPES[shape].format(f=F.sql)}"
    assert " AS tape" in rewritten(query).text
    found = run(query, ROWS)
    expected = [F.slope(point, "x") for point in POINTS]
    assert [row["g"] for row in found] == pytest.approx(expected, rel=1e-9)


def test_a_tape_was_laid() -> None:
    text = rewritten(f"SELECT grad({F.sql}, x) FROM t").text
    assert "AS v1" in text and "AS tape" in text


def test_names_types_and_other_columns_stay() -> None:
    query = f"SELECT *, grad({F.sql}, x) AS g, count(*) OVER () FROM t"
    assert rewritten(query).names == ("x", "y", "z", "n", "r", "s", "c", "g", "count")
    (row, *_) = run(query, ROWS)
    assert (row["x"], row["n"], row["s"]) == (-1.3, 1, None)


def test_inside_a_recursive_term() -> None:
    f = deep("v", 20)
    query = f"""WITH RECURSIVE walk(i, v) AS (
        SELECT 0, 0.5 UNION ALL
        SELECT i + 1, v - 0.1 * grad({f.sql.replace(" y", " 0.7")}, v) FROM walk WHERE i < 3)
        SELECT v FROM walk ORDER BY i"""
    v, expected = 0.5, [0.5]
    for _ in range(3):
        v -= 0.1 * f.slope({"v": v, "y": 0.7}, "v")
        expected.append(v)
    assert [row["v"] for row in run(query, {})] == pytest.approx(expected)


def test_null_rows_stay_null() -> None:
    rows = {"t": {"x": [None, 0.5, 0.5], "y": [0.5, None, 0.5]}}
    found = run(f"SELECT grad({F.sql}, x) AS g FROM t", rows)
    assert [row["g"] is None for row in found] == [True, True, False]


def test_what_may_raise_stays_behind_its_condition() -> None:
    big = deep("x", 12).sql
    f = f"CASE WHEN x > 0 THEN sqrt(x) * {big} * sqrt(x) * {big} ELSE {big} END"
    found = run(f"SELECT grad({f}, x) AS g, grad({f}, y) AS h FROM t", ROWS)
    assert all(row["g"] is not None for row in found)


def test_all_partials_of_a_product() -> None:
    names = ["x", "y", "z", "c"]
    factors = [f"({name} + {k}.5)" for k in range(8) for name in names]
    f = functools.reduce(lambda a, b: f"({a} * {b})", factors)
    values = {"x": [0.1], "y": [0.2], "z": [0.3], "c": [0.4]}
    (row,) = run(
        f"SELECT {', '.join(f'grad({f}, {n}) AS {n}' for n in names)} FROM t", {"t": values}
    )
    whole = functools.reduce(
        operator.mul, [values[n][0] + k + 0.5 for k in range(8) for n in names]
    )
    for name in names:
        slope = sum(whole / (values[name][0] + k + 0.5) for k in range(8))
        assert row[name] == pytest.approx(slope)


@given(inner=expressions("x", "y"))
@examples(25, suppress_health_check=[HealthCheck.filter_too_much])
def test_random_large_functions(inner: Expression) -> None:
    made = inner
    for level in range(12):
        made = UNARY[(0, 3, 11, 4)[level % 4]](made)
    slopes(inner)  # no example where it overflows
    assume(all(abs(inner.value(point)) < 1e3 for point in POINTS))  # the sine of 1e10 is noise
    expected = slopes(made)
    found = run(f"SELECT grad({made.sql}, x) AS g, grad({made.sql}, y) AS h FROM t", ROWS)
    assert [row["g"] for row in found] == pytest.approx(expected, rel=1e-8, abs=1e-12)


def test_seventh_derivative_is_small() -> None:
    f = "exp(sin(x)) * x / (1 + x * x)"
    nested = functools.reduce(lambda inner, _: f"grad({inner}, x)", range(7), f)
    query = rewritten(f"SELECT {nested} AS g FROM t")
    assert sum(1 for _ in query.tree.walk()) < 2_500
    sixth = functools.reduce(lambda inner, _: f"grad({inner}, x)", range(6), f)
    row, low, high = (
        run(f"SELECT {text} AS g FROM t", {"t": {"x": [x]}})[0]["g"]
        for text, x in ((nested, 0.5), (sixth, 0.5 - 1e-4), (sixth, 0.5 + 1e-4))
    )
    assert row == pytest.approx((high - low) / 2e-4, rel=1e-5)


@pytest.mark.parametrize("aggregate", [True, False])
def test_no_layer_computes_what_none_above_reads(aggregate: bool) -> None:
    case = perceptron(1, aggregate)
    tree = Way(case.tables).rewrite(case.ours).tree
    tapes = list(tree.find_all(exp.Subquery))
    assert len(tapes) > 1
    for tape in tapes:
        outer = tape.find_ancestor(exp.Select)
        assert outer is not None and isinstance(tape.this, exp.Select)
        read = {c.name for item in outer.expressions for c in item.find_all(exp.Column)}
        assert {item.alias_or_name for item in tape.this.expressions} <= read


def test_a_column_used_once_needs_no_tape() -> None:
    assert "tape" not in rewritten("SELECT grad(sin(x) * y, x) FROM t").text
    assert column("x").sql == "x"


PRIMALS = [
    "SELECT {f} AS f, grad({f}, x) AS g FROM t ORDER BY x",
    "SELECT avg({f}) AS f, avg(grad({f}, x)) AS g FROM t GROUP BY x ORDER BY x",
    "SELECT {f} AS f, max(grad({f}, x)) AS g FROM t GROUP BY {f} ORDER BY min(x)",
    "SELECT DISTINCT {f} AS f, grad({f}, x) AS g FROM t ORDER BY {f}",
]


@pytest.mark.parametrize("query", PRIMALS)
def test_the_function_itself_keeps_its_value(query: str) -> None:
    found = [row["f"] for row in run(query.format(f=F.sql), ROWS)]
    expected = [F.value(point).real for point in POINTS]
    assert sorted(found) == pytest.approx(sorted(expected), rel=1e-14)


def test_the_function_itself_is_read_from_the_tape() -> None:
    text = rewritten(f"SELECT {F.sql} AS f, grad({F.sql}, x) FROM t").text
    assert text.startswith("SELECT\n  tape.")
