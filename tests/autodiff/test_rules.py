"""Every rule against a central difference that the engine computes, and at the edges of its domain.

A new row of the table is tested the moment it is typed: its points come from `DOMAIN`, and a rule
without a line there gets the ordinary points.
"""

from __future__ import annotations

import math

import pytest

from gateway.autodiff.rules.functions import RULES, SYNONYMS, Rule
from gateway.autodiff.rules.piecewise import EXPANSIONS
from gateway.sql.names.scope import AGGREGATES
from tests.autodiff.relations import run

ORDINARY = [0.313, 0.717, 1.119, 1.931, 2.627]
DOMAIN = {
    "asin": [-0.9, -0.3, 0.2, 0.8],
    "acos": [-0.9, -0.3, 0.2, 0.8],
    "asind": [-0.9, -0.3, 0.2, 0.8],
    "acosd": [-0.9, -0.3, 0.2, 0.8],
    "atanh": [-0.9, -0.3, 0.2, 0.8],
    "acosh": [1.1, 1.9, 3.5],
    "signum": [-1.5, 0.4, 2.5],
    "abs": [-1.5, 0.4, 2.5],
    "cbrt": [-1.5, 0.4, 2.5],
    "floor": [-1.5, 0.4, 2.5],
    "ceil": [-1.5, 0.4, 2.4],
    "round": [-1.612, 0.413, 2.718],
    "trunc": [-1.517, 0.413, 2.519],
    "log": [1.3, 1.7, 2.6],
}
STEP = 1e-6

CASES = [
    pytest.param(rule, index, id=f"{rule.call} by {argument}")
    for rule in RULES
    for index, argument in enumerate(rule.arguments)
    if argument != "n"  # round(x, n), trunc(x, n): the number of digits is an integer
]


def call(rule: Rule, *arguments: str) -> str:
    return f"{rule.name}({', '.join(arguments)})"


@pytest.mark.parametrize(("rule", "index"), CASES)
def test_agrees_with_a_central_difference(rule: Rule, index: int) -> None:
    names = ["x", "y"][: len(rule.arguments)]
    if rule.arguments[-1] == "n":
        names[-1] = "2"
    wrt = names[index]
    low, high = (
        call(rule, *(f"({name} {sign} {STEP})" if name == wrt else name for name in names))
        for sign in ("-", "+")
    )
    points = DOMAIN.get(rule.name, ORDINARY)
    query = (
        f"SELECT grad({call(rule, *names)}, {wrt}) AS g, ({high} - {low}) / {2 * STEP} AS d FROM t"
    )
    rows = run(query, {"t": {"x": points, "y": [p + 0.15 for p in reversed(points)]}})
    for row in rows:
        assert row["g"] == pytest.approx(row["d"], rel=1e-7, abs=1e-7)


# Where the function has a value, so has its derivative: call, point, derivative.
EDGES = [
    ("sqrt(x)", 0.0, math.inf),
    ("power(x, 0.5)", 0.0, math.inf),
    ("power(x, 0)", 0.0, 0.0),
    ("power(x, 1)", 0.0, 1.0),
    ("power(x, 2)", 0.0, 0.0),
    ("power(x, 1.5)", 0.0, 0.0),
    ("power(x, 3)", -2.0, 12.0),
    ("power(x, -1)", -2.0, -0.25),
    ("cbrt(x)", 0.0, math.inf),
    ("abs(x)", 0.0, 0.0),
    ("asin(x)", 1.0, math.inf),
    ("acos(x)", -1.0, -math.inf),
    ("asin(x)", 2.0, math.nan),
    ("acos(x)", -2.0, math.nan),
    ("acosh(x)", 0.5, math.nan),
    ("acosh(x)", 1.0, math.inf),
    ("atanh(x)", 2.0, math.nan),
    ("atanh(x)", 1.0, math.inf),
    ("ln(x)", 0.0, math.inf),
    ("ln(x)", -1.0, math.nan),
    ("log2(x)", -1.0, math.nan),
    ("log10(x)", -1.0, math.nan),
    ("log2(x)", 0.0, math.inf),
    ("log10(x)", 0.0, math.inf),
    ("log(x)", -1.0, math.nan),
    ("log(x)", 0.0, math.inf),
    ("log(x)", 0.5, 2.0 / math.log(10.0)),
    ("log(2.0, x)", -1.0, math.nan),
    ("log(2.0, x)", 0.0, math.inf),
    ("log(2.0, x)", 0.5, 2.0 / math.log(2.0)),
    ("tanh(x)", 800.0, 0.0),
    ("1.0 / x", 0.0, -math.inf),
    ("floor(x)", 2.0, 0.0),
    ("exp(x)", 1000.0, math.inf),
    ("mod(x, 0.0)", 1.0, math.nan),
    ("mod(5.0, x)", 0.0, math.nan),
    ("mod(-5.5, x)", 2.0, 2.0),
    ("mod(x, -2.0)", 5.0, 1.0),
    ("erf(x)", 30.0, 0.0),
    ("erfc(x)", 0.0, -2.0 / math.sqrt(math.pi)),
]


@pytest.mark.parametrize(("function", "point", "expected"), EDGES)
def test_total_over_the_domain(function: str, point: float, expected: float) -> None:
    (row,) = run(f"SELECT {function} AS f, grad({function}, x) AS g FROM t", {"t": {"x": [point]}})
    assert row["f"] is not None
    assert row["g"] == pytest.approx(expected, nan_ok=True)


COLUMN_EXPONENTS = [
    (0.0, 0.0, 0.0),
    (0.0, 1.0, 1.0),
    (0.0, 2.0, 0.0),
    (0.0, 0.5, math.inf),
    (-2.0, 3.0, 12.0),
    (2.0, 0.0, 0.0),
]


@pytest.mark.parametrize(("base", "exponent", "expected"), COLUMN_EXPONENTS)
def test_power_with_a_column_as_exponent(base: float, exponent: float, expected: float) -> None:
    (row,) = run("SELECT grad(x ^ y, x) AS g FROM t", {"t": {"x": [base], "y": [exponent]}})
    assert row["g"] == pytest.approx(expected)


# x, y, d/dx d/dx x^y, d/dy d/dx x^y
SECOND = [
    (0.0, 2.0, 2.0, 0.0),
    (0.0, 3.0, 0.0, 0.0),
    (0.0, 1.5, math.inf, 0.0),
    (2.0, 0.0, 0.0, 0.5),
    (2.0, 1.0, 0.0, 1.0 + math.log(2.0)),
    (2.0, 3.0, 12.0, 4.0 + 12.0 * math.log(2.0)),
    (-2.0, 2.0, 2.0, math.nan),
]


@pytest.mark.parametrize(("base", "exponent", "by_base", "mixed"), SECOND)
def test_power_again(base: float, exponent: float, by_base: float, mixed: float) -> None:
    query = "SELECT grad(grad(x ^ y, x), x) AS g, grad(grad(x ^ y, x), y) AS h FROM t"
    (row,) = run(query, {"t": {"x": [base], "y": [exponent]}})
    assert row["g"] == pytest.approx(by_base)
    assert row["h"] == pytest.approx(mixed, nan_ok=True)


BY_EXPONENT = [
    (0.0, 0.0, 0.0),
    (0.0, 0.5, 0.0),
    (0.0, 2.0, 0.0),
    (2.0, 0.0, math.log(2.0)),
    (2.0, -1.0, math.log(2.0) / 2.0),
]


@pytest.mark.parametrize(("base", "exponent", "expected"), BY_EXPONENT)
def test_power_by_its_exponent(base: float, exponent: float, expected: float) -> None:
    (row,) = run("SELECT grad(x ^ y, y) AS g FROM t", {"t": {"x": [base], "y": [exponent]}})
    assert row["g"] == pytest.approx(expected)


def test_third_derivative_of_a_square_at_zero() -> None:
    (row,) = run("SELECT grad(grad(grad(x ^ 2, x), x), x) AS g FROM t", {"t": {"x": [0.0]}})
    assert row["g"] == 0.0


def test_synonyms_lead_to_rules() -> None:
    names = {rule.name for rule in RULES}
    assert set(SYNONYMS.values()) <= names | set(EXPANSIONS)
    assert not set(SYNONYMS) & names


def test_aggregates_are_the_engine_s_own() -> None:
    import datafusion

    context = datafusion.SessionContext(datafusion.SessionConfig().with_information_schema(True))
    query = """SELECT DISTINCT routine_name AS n FROM information_schema.routines
               WHERE function_type = 'AGGREGATE'"""
    # variance is PostgreSQL's name of var_samp.
    assert {*context.sql(query).to_pydict()["n"], "variance"} == AGGREGATES
