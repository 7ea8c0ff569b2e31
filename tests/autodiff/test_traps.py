"""Queries whose derivative is easy to get silently wrong; the values are worked out by hand."""

from __future__ import annotations

import math

import pytest

from gateway.autodiff.statements import hoist
from gateway.errors import (
    AmbiguousColumn,
    GatewayError,
    InvalidColumnReference,
    NotDifferentiable,
    SyntaxFault,
    UndefinedFunction,
)
from tests.autodiff.relations import run

ROWS: dict[str, dict[str, list[object]]] = {
    "t": {"x": [1.5], "y": [0.5], "z": [2.0], "n": [7], "s": ["abc"], "c": [1.0]},
    "u": {"x": [1.5], "w": [3.0], "k": [5]},
}

VALUES = [
    # What is constant for the inner marker may vary with the outer one, integers too.
    ("SELECT grad(grad(n * n * x, x), n) AS g FROM t", 14.0),
    ("SELECT grad(grad(coalesce(y, 0.0) * x, x), y) AS g FROM t", 1.0),
    ("SELECT grad(jvp(x * x, x, coalesce(x, 0.0)), x) AS g FROM t", 6.0),
    ("SELECT grad(vjp(x * y, x, n * n), n) AS g FROM t", 7.0),
    ("SELECT grad(jvp(x * x, x, x), x) AS g FROM t", 6.0),
    # A division is one of integers, or not, as in the function itself.
    ("SELECT grad(x * ((SELECT count(*) FROM u) / 2), x) AS g FROM t", 0.0),
    ("SELECT grad(x * (length(s) / 2), x) AS g FROM t", 1.0),
    ("SELECT grad(x * (i / 2), x) AS g FROM t, generate_series(7, 7) AS p(i)", 3.0),
    ("SELECT grad(x * (i / 2), x) AS g FROM t, (SELECT 7 AS i UNION SELECT 7) AS p", 3.0),
    ("SELECT grad(x * (n / 2), x) AS g FROM t", 3.0),
    ("SELECT grad(x * (n / 2.0), x) AS g FROM t", 3.5),
    # A cast in a subquery is as smooth as one in a marker; one to whole numbers is a step.
    ("SELECT grad(e, x) AS g FROM (SELECT x, x::real * y AS e FROM t) AS q", 0.5),
    ("SELECT grad(e, x) AS g FROM (SELECT x, x::numeric * n AS e FROM t) AS q", 7.0),
    ("SELECT grad(e, n) AS g FROM (SELECT n, n::real::numeric * 2 AS e FROM t) AS q", 2.0),
    ("SELECT grad(e * n, n) AS g FROM (SELECT n, ceil(n::numeric / 2) AS e FROM t) AS q", 4.0),
    ("SELECT grad(sign(x::numeric) * x::numeric(9, 0) * x, x) AS g FROM t", 2.0),
    # Markers inside what is not differentiated.
    ("SELECT grad(floor(grad(x * x * x, x)) * x, x) AS g FROM t", 6.0),
    ("SELECT grad(CASE WHEN grad(x * x, x) > 1 THEN x * x ELSE x END, x) AS g FROM t", 3.0),
    ("SELECT grad(coalesce(grad(y * y, y), 0) * x, x) AS g FROM t", 1.0),
    # Numbers at the ends of what a double holds.
    ("SELECT grad(x * 1e400, x) AS g FROM t", math.inf),
    ("SELECT grad(x * 1e-4000, x) AS g FROM t", 0.0),
    ("SELECT grad(x * (100000000000000000000 / 8), x) AS g FROM t", 1.25e19),
    ("SELECT grad(x ^ .5 * 4., x) AS g FROM t", 2 / math.sqrt(1.5)),
]

REFUSED = [
    "SELECT grad(a * b, a) FROM (SELECT max(x) AS a, max(x) * 2 AS b FROM t) AS s",
    "SELECT grad(a * b, a) FROM (SELECT DISTINCT x + 1 AS a, sin(x + 1) AS b FROM t) AS s",
    "SELECT grad(length(lpad(s, n::int)) * x, n) FROM t",
    "SELECT grad(grad((n / 2) * x, x), n) FROM t",
    "SELECT grad(CASE WHEN random() > 0.5 THEN x ELSE -x END, x) FROM t",
    "SELECT grad(coalesce(random(), 1.0) * x, x) FROM t",
]


@pytest.mark.parametrize(("query", "expected"), VALUES)
def test_value(query: str, expected: float) -> None:
    (row,) = run(query, ROWS)
    assert row["g"] == pytest.approx(expected)


@pytest.mark.parametrize("query", REFUSED)
def test_refused(query: str) -> None:
    with pytest.raises(NotDifferentiable) as refusal:
        run(query, ROWS)
    assert refusal.value.position and refusal.value.hint


def test_what_cannot_be_computed_is_refused_as_outside_a_marker() -> None:
    with pytest.raises(UndefinedFunction, match=r"double precision . text") as refusal:
        run("SELECT grad(x * s, x) FROM t", ROWS)
    assert refusal.value.position and refusal.value.hint


# Not one expression, or a column that may be two.
NOT_ONE = [
    ("x, y", "x"), ("", "x"), ("x * x", ""), ("x * x", "x, y"), ("*", "x"), ("x AS y", "x"),
    ("x FROM t WHERE x > 1", "x"), ("x; DROP TABLE t", "x"), ("x UNION SELECT y", "x"),
    ("DISTINCT x", "x"), ("x) + (y", "x"), ("SELECT x", "x"), ("x * y", "t.x"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "column"), NOT_ONE)
def test_differentiate_sql_takes_one_expression(expression: str, column: str) -> None:
    with pytest.raises((SyntaxFault, AmbiguousColumn)):
        run(f"SELECT differentiate_sql('{expression}', '{column}')", ROWS)


def test_differentiate_sql_takes_comments() -> None:
    (row,) = run("SELECT differentiate_sql('x * x -- a', '/* b */ x') AS g", ROWS)
    assert row["g"] == "2.0 * x"


def product(x: str, y: str) -> str:
    """A function whose derivative is too large to be printed in one expression."""
    return " * ".join(f"sin({x} * 0.{n}3 + cos({y} * 0.{n}1))" for n in range(1, 10))


# Over a tape as in one expression: the rows that a CASE keeps from a root, keys and aggregates.
LARGE = [
    f"SELECT CASE WHEN x > 2 THEN grad({product('sqrt(x - 2)', 'y')}, x) END AS g FROM t",
    f"SELECT x, grad({product('x', 'y')}, x) AS g FROM t GROUP BY x, y",
    f"SELECT grad({product('c', 'sum(y)')}, c) AS g FROM t GROUP BY c",
    f"SELECT grad({product('c', 'c')} * max(z), c) AS g FROM t GROUP BY c",
    f"SELECT CASE WHEN x < 1 THEN grad({product('asind(x)', 'y')}, x) END AS g FROM t",
]


# A part that is shared, with a condition that the tape moves in the user's own text besides.
CHOSEN = "CASE WHEN y > 0 THEN sin(c * y) + cos(c * y * 2) * sin(c * 3) ELSE sin(c) END"
LARGE += [
    f"SELECT grad(e, c) AS g FROM (SELECT c, y, {CHOSEN} * sin({CHOSEN}) AS e FROM t) AS s",
    f"SELECT grad(e, c) AS g FROM (SELECT c, avg({CHOSEN} * sin({CHOSEN})) AS e FROM t GROUP BY c)"
    " AS s",
]


# Subqueries whose columns have the names of the outer table's.
LARGE += [
    f"SELECT grad({product('x', 'y')} * {inner}, x) AS g FROM t"
    for inner in (
        "(SELECT sum(x) FROM u)",
        "(SELECT sum(w * x * grad(x * x, x)) FROM u)",
        "CASE (SELECT sum(x) FROM u) WHEN 1.5 THEN 2 ELSE 3 END",
        "CASE y WHEN (SELECT sum(x) FROM u) - 1 THEN 2 ELSE 3 END",
        "nullif(y, (SELECT sum(x) FROM u))",
        "nvl2((SELECT sum(x) FROM u), y, 1)",
    )
]


@pytest.mark.parametrize("query", LARGE)
def test_large_as_small(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for nodes in (20, 1_000_000):
        monkeypatch.setattr(hoist, "INLINE_NODES", nodes)
        found.append(run(query, ROWS)[0]["g"])
    assert found[0] == (None if found[1] is None else pytest.approx(found[1]))


# A CASE keeps rows from what would raise for them; so must what asks whether the derivative is NULL
# or NaN there.
GUARDED = [
    ("grad(CASE WHEN x > 2 THEN y + (10 / (n - 7)) END * 0.0, y)", None),
    ("grad(CASE WHEN x > 2 THEN coalesce(sqrt(x - 2) * y, 1.0) END * 0.0, y)", None),
    ("grad(grad(power(x * (y - y), CASE WHEN n > 0 THEN y ELSE x END), x), z)", math.nan),
    ("grad(asind(CASE WHEN n > 0 THEN c ELSE y END), x)", 0.0),  # 0 times an infinite slope is NaN
]


@pytest.mark.parametrize(("asked", "expected"), GUARDED)
def test_nothing_is_computed_that_a_case_keeps_back(asked: str, expected: float | None) -> None:
    (row,) = run(f"SELECT {asked} AS g FROM t", ROWS)
    assert row["g"] == (None if expected is None else pytest.approx(expected, nan_ok=True))


@pytest.mark.parametrize("variable", ["s", "length(s) || s"])
def test_a_variable_is_a_column_of_numbers(variable: str) -> None:
    with pytest.raises(InvalidColumnReference) as refusal:
        run(f"SELECT grad(x * y, {variable}) FROM t", ROWS)
    assert refusal.value.position and refusal.value.hint


def test_what_the_engine_cannot_multiply_is_not_cast_into_numbers() -> None:
    with pytest.raises(GatewayError):
        run("SELECT x * now() FROM t", ROWS)
    with pytest.raises(GatewayError):
        run("SELECT grad(x * now(), x) FROM t", ROWS)


def test_a_tape_inside_a_tape_reads_its_own_columns() -> None:
    big = "x * y"
    for _ in range(24):
        big = f"1.0 / (2.0 + sin({big}))"
    inner = f"(SELECT sum(grad({big.replace('x', 'u.w')}, u.w) * t.x) FROM u)"
    inner = inner.replace(" * y", " * 0.5")
    query = f"SELECT {inner} AS i, grad({big}, x) AS g FROM t"
    alone = (
        f"SELECT sum(grad({big.replace('x', 'w').replace(' * y', ' * 0.5')}, w)) * 1.5 AS i FROM u"
    )
    try:
        (row,) = run(query, ROWS)
    except GatewayError as error:  # the engine has no such correlated subquery, and says so
        assert error.code == "0A000"
        return
    assert row["i"] == pytest.approx(run(alone, ROWS)[0]["i"])
