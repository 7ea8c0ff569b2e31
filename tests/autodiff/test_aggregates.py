"""Derivatives of aggregates against a central difference that the engine computes.

A new row of the table is tested the moment it is typed.
"""

from __future__ import annotations

from typing import Any

import pytest

from gateway.autodiff.rules.aggregates import (
    AGGREGATE_RULES,
    WINDOW_FUNCTIONS,
    AggregateRule,
    aggregate_rule,
)
from gateway.errors import NotDifferentiable
from gateway.sql.names.scope import AGGREGATES
from gateway.sql.types.results import AGGREGATE_SYNONYMS
from tests.autodiff.relations import run

# Four groups: many rows, some of them not there; two that count; one; none.
ROWS: dict[str, dict[str, list[object]]] = {
    "t": {
        "n": [1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4],
        "x": [0.3, 1.7, None, -0.6, 2.2, 0.9, 1.1, None, 0.4, 0.8, None, None],
        "y": [1.0, None, 0.2, 2.5, -0.7, 1.9, 0.1, 1.0, 2.0, 0.7, 1.0, 1.0],
        "z": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 2.0, 3.0, 1.0, 2.0, 1.0],
    },
    "u": {"w": [0.7, 1.3], "k": [1, 2]},
}
ARGUMENTS = {"y": "sin(w * y) + y", "x": "exp(0.3 * w * t.x) * t.x", "n": "1", "c": "0.5"}
STEP = 1e-5

PLAIN = [rule for rule in AGGREGATE_RULES if rule.name not in WINDOW_FUNCTIONS]
OVER = [rule for rule in AGGREGATE_RULES if not rule.takes_winners]


def call(rule: AggregateRule, move: float = 0.0) -> str:
    moved = [ARGUMENTS[name].replace("w", f"(w + {move!r})") for name in rule.arguments]
    return f"{rule.name}({', '.join(moved)})"


def difference(f: str, low: str, high: str) -> str:
    return f"{f} AS f, grad({f}, w) AS g, ({high} - {low}) / {2 * STEP!r} AS d"


def compare(query: str) -> list[dict[str, Any]]:
    rows = run(query, ROWS)
    for row in rows:
        assert (row["g"] is None) == (row["f"] is None)
        if row["d"] is not None:
            assert row["g"] == pytest.approx(row["d"], rel=1e-6, abs=1e-6)
    return rows


def named(rules: list[AggregateRule]) -> list[Any]:
    return [pytest.param(rule, id=rule.call) for rule in rules]


FILTERS = ["", " FILTER (WHERE z < 4.5)"]


@pytest.mark.parametrize("filtered", FILTERS)
@pytest.mark.parametrize("rule", named(PLAIN))
def test_in_groups(rule: AggregateRule, filtered: str) -> None:
    calls = [call(rule, move) + filtered for move in (0.0, -STEP, STEP)]
    rows = compare(f"SELECT {difference(*calls)} FROM t, u GROUP BY n, w")
    assert len(rows) == 8


@pytest.mark.parametrize("filtered", FILTERS)
@pytest.mark.parametrize("rule", named(OVER))
def test_over_windows(rule: AggregateRule, filtered: str) -> None:
    if rule.name in WINDOW_FUNCTIONS and filtered:
        pytest.skip(f"{rule.name} takes no FILTER")
    over = " OVER (PARTITION BY n, w ORDER BY z)"
    calls = [call(rule, move) + filtered + over for move in (0.0, -STEP, STEP)]
    rows = compare(f"SELECT {difference(*calls)} FROM t, u")
    assert len(rows) == 24


@pytest.mark.parametrize("rule", named(PLAIN))
def test_second_derivative(rule: AggregateRule) -> None:
    """Against the difference of first derivatives."""
    low, high = (f"grad({call(rule, move)}, w)" for move in (-STEP, STEP))
    f = call(rule)
    query = f"""SELECT {f} AS f, grad(grad({f}, w), w) AS g, ({high} - {low}) / {2 * STEP!r} AS d
                FROM t, u GROUP BY n, w"""
    compare(query)


def test_synonyms_lead_to_rules() -> None:
    names = {rule.name for rule in AGGREGATE_RULES}
    assert set(AGGREGATE_SYNONYMS.values()) <= names
    assert not set(AGGREGATE_SYNONYMS) & names
    assert names - WINDOW_FUNCTIONS <= AGGREGATES


# Values worked out by hand.

VALUES = [
    # At a tie those that win share evenly.
    ("SELECT grad(max(w * least(z, 4.0)), w) AS g FROM t, u WHERE n = 1 AND k = 1 GROUP BY w", 4.0),
    ("SELECT grad(max(abs(w * v)), w) AS g FROM u, (VALUES (1.0), (-1.0)) AS p(v) WHERE k = 1"
     " GROUP BY w", 1.0),
    ("SELECT grad(max(v + w * q), w) AS g FROM (VALUES (1.0, 2.0), (1.0, 5.0), (0.0, 9.0))"
     " AS d(v, q), (VALUES (0.0)) AS p(w)", 3.5),
    # A standard deviation of 0 has slope 0, and one of one row is none.
    ("SELECT grad(stddev_pop(w * z), w) AS g FROM t, u WHERE n = 4 AND k = 1 GROUP BY w", 0.0),
    ("SELECT grad(stddev(w * z), w) AS g FROM t, u WHERE n = 4 AND k = 1 GROUP BY w", None),
    ("SELECT grad(stddev_samp(w * v), w) AS g FROM (VALUES (2.0), (2.0)) AS d(v),"
     " (VALUES (0.5)) AS p(w)", 0.0),
    # One group stays one, whatever is left of its aggregates.
    ("SELECT grad(count(w * z), w) AS g FROM t, (SELECT 2.0 AS w) AS p WHERE n = 2", 0.0),
    ("SELECT grad(count(w * z), w) AS g FROM t, (SELECT 2.0 AS w) AS p WHERE n = 9", 0.0),
    ("SELECT grad(coalesce(sum(z), 0.0), w) AS g FROM t, (SELECT 2.0 AS w) AS p", 0.0),
    # Nothing counted.
    ("SELECT grad(sum(w * z), w) AS g FROM t, (SELECT 2.0 AS w) AS p WHERE n = 9", None),
    ("SELECT grad(count(*) * sum(z * w), w) AS g FROM t, (SELECT 2.0 AS w) AS p WHERE n = 2", 18.0),
    # What the argument does not change with.
    ("SELECT grad(w * avg(z), w) AS g FROM t, u WHERE n = 2 AND k = 1 GROUP BY w", 2.0),
    ("SELECT grad(w * median(z), w) AS g FROM t, u WHERE n = 2 AND k = 1 GROUP BY w", 2.0),
    ("SELECT grad(w * count(DISTINCT z), w) AS g FROM t, u WHERE n = 2 AND k = 1 GROUP BY w", 3.0),
    # Parameters that are constant: of one row, of a query around.
    ("SELECT grad(sum(a * z), a) AS g FROM (VALUES (0.5)) AS p(a), t WHERE n = 2", 6.0),
    ("WITH p(a) AS (SELECT 0.5) SELECT grad(sum(a * z), a) AS g FROM t, p WHERE n = 2", 6.0),
    ("WITH p(a) AS (VALUES (0.5)) SELECT grad(sum(a * z), a) AS g FROM t, p WHERE n = 2", 6.0),
    ("SELECT grad(sum(a * z), a) AS g FROM t, (SELECT w AS a FROM u ORDER BY k LIMIT 1) AS p"
     " WHERE n = 2", 6.0),
    ("SELECT grad(sum(a * z), a) AS g FROM t, (SELECT avg(w) AS a FROM u) AS p WHERE n = 2", 6.0),
    ("SELECT grad(sum(p.a * z), p.a) AS g FROM t CROSS JOIN (SELECT 1.0 AS a) AS p"
     " WHERE n = 2", 6.0),
    # Keys by number, by alias and by a merged name.
    ("SELECT w AS v, grad(sum(w * z), w) AS g FROM t, u WHERE n = 2 AND k = 1 GROUP BY 1", 6.0),
    ("SELECT w AS v, grad(sum(w * z), w) AS g FROM t, u WHERE n = 2 AND k = 1 GROUP BY v", 6.0),
    ("SELECT grad(sum(k * z), k) AS g FROM (SELECT z, n AS k FROM t) AS s JOIN u USING (k)"
     " WHERE k = 2 GROUP BY k", 6.0),
    # Through subqueries that group.
    ("SELECT grad(m * w, w) AS g FROM (SELECT w, sum(w * z) AS m FROM t, u WHERE n = 2 AND k = 1"
     " GROUP BY w) AS s", 2 * 0.7 * 6.0),
    ("WITH s(q, m) AS (SELECT w, max(w * z) FROM t, u WHERE n = 2 AND k = 1 GROUP BY w)"
     " SELECT grad(m * m, q) AS g FROM s", 2 * 0.7 * 9.0),
    ("SELECT grad(e, v) AS g FROM (SELECT m + v AS e, v FROM (SELECT w AS v, avg(w * w * z) AS m"
     " FROM t, u WHERE n = 2 AND k = 1 GROUP BY w HAVING count(*) > 1) AS a) AS b",
     1 + 2 * 0.7 * 2),
    ("WITH l AS (SELECT w, avg(w * z) AS m FROM t, u WHERE n = 2 AND k = 1 GROUP BY w)"
     " SELECT grad(a.m * b.m, b.w) AS g FROM l AS a, l AS b", 2.8),
    # In what chooses, and in an order of its own.
    ("SELECT grad(CASE WHEN count(*) > 2 THEN avg(w * z) ELSE sum(z) END, w) AS g FROM t, u"
     " WHERE n = 2 AND k = 1 GROUP BY w", 2.0),
    ("SELECT grad(coalesce(avg(w * z), 0.0) + greatest(max(w * z), 1.0), w) AS g FROM t, u"
     " WHERE n = 2 AND k = 1 GROUP BY w", 5.0),
    ("SELECT grad(sum(w * z ORDER BY z), w) AS g FROM t, u WHERE n = 2 AND k = 1 GROUP BY w", 6.0),
    # Aggregates in windows, derivatives in aggregates.
    ("SELECT grad(sum(avg(w * z)) OVER (PARTITION BY w), w) AS g FROM t, u WHERE k = 1 AND n < 3"
     " GROUP BY w, n ORDER BY g LIMIT 1", 5.5),
    ("SELECT grad(avg(grad(w * w * z, w)), w) AS g FROM t, u WHERE n = 2 AND k = 1"
     " GROUP BY w", 4.0),
    ("SELECT grad(max(grad(w * w * z, w)), w) AS g FROM t, u WHERE n = 2 AND k = 1"
     " GROUP BY w", 6.0),
    ("SELECT grad(z - lag(w * z, 1, 7) OVER (PARTITION BY w ORDER BY z), w) AS g FROM t, u"
     " WHERE n = 2 AND k = 1 ORDER BY g LIMIT 1", -2.0),
    ("SELECT grad(lag(w * t.x) OVER v, w) AS g FROM t, u WHERE n = 2 AND k = 1"
     " WINDOW v AS (PARTITION BY w ORDER BY z) ORDER BY g LIMIT 1", 1.1),
    ("SELECT jvp(sum(w * b * z), w, 2.0, b, 3.0) AS g FROM t, (SELECT 0.5 AS w, 0.25 AS b) AS p"
     " WHERE n = 2", 6 * (0.25 * 2 + 0.5 * 3)),
    ("SELECT vjp(sum(w * z), w, count(*)) AS g FROM t, (SELECT 0.5 AS w) AS p WHERE n = 2", 18.0),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), VALUES)
def test_value(query: str, expected: float | None) -> None:
    (row,) = run(query, ROWS)
    assert row["g"] == (None if expected is None else pytest.approx(expected))


REFUSED = [
    ("avg(w * t.x)", "t, u", "may differ from row to row within a group of avg(...)"),
    ("avg(t.x)", "t GROUP BY n", "may differ from row to row within a group of avg(...)"),
    ("sum(w * t.x) OVER (PARTITION BY n)", "t, u", "within a window of sum(...)"),
    ("t.x - lag(t.x) OVER (ORDER BY z)", "t", "within a window of lag(...)"),
    ("avg(w * t.x)", "t, u GROUP BY ROLLUP (w)", "within a group of avg(...)"),
    ("avg(w * t.x)", "t LEFT JOIN (SELECT 1.0 AS w) AS p ON t.x > 1", "within a group of avg(...)"),
    ("avg(w * t.x)", "t, (VALUES (1.0), (2.0)) AS p(w)", "within a group of avg(...)"),
    ("avg(w * t.x)", "t, (SELECT w FROM u LIMIT 2) AS p", "within a group of avg(...)"),
    ("avg(w * t.x)", "t, (SELECT unnest(ARRAY[1.0, 2.0]) AS w) AS p", "within a group of avg(...)"),
    ("sum(DISTINCT w * t.x)", "t, u GROUP BY w", "sum(DISTINCT ...) has no derivative rule"),
    ("median(w * t.x)", "t, u GROUP BY w", "median(...) has no derivative rule"),
    ("percentile_cont(0.5) WITHIN GROUP (ORDER BY w * t.x)", "t, u GROUP BY w", "percentile_cont"),
    ("approx_median(w * t.x)", "t, u GROUP BY w", "approx_median(...) has no derivative rule"),
    ("max(w * t.x) OVER (PARTITION BY w)", "t, u", "max(...) OVER has no derivative rule"),
    ("rank() OVER (ORDER BY w * t.x) * w", "t, u", "rank(...) OVER has no derivative rule"),
    (
        "sum(t.x) FILTER (WHERE t.x > w)",
        "t, u GROUP BY w",
        'which rows sum(...) counts depends on "w"',
    ),
    (
        "count(*) FILTER (WHERE t.x > w)",
        "t, u GROUP BY w",
        "which rows count(...) counts depends on",
    ),
    (
        "sum(w * t.x)",
        "t, u GROUP BY w, floor(w * t.x)",
        'which rows sum(...) counts depends on "w"',
    ),
    ("sum(w * t.x) OVER (PARTITION BY w ORDER BY w * t.x)", "t, u", "which rows sum(...) counts"),
    ("max(w * t.x)", "t, (VALUES (1.0)) AS p(w) GROUP BY CUBE (n)", "max(...) has no derivative"),
]


@pytest.mark.parametrize(("function", "source", "message"), REFUSED)
def test_refused(function: str, source: str, message: str) -> None:
    wrt = "w" if "w" in source or "u" in source else "t.x"
    with pytest.raises(NotDifferentiable) as refusal:
        run(f"SELECT grad({function}, {wrt}) FROM {source}", ROWS)
    error = refusal.value
    assert message in str(error)
    assert error.position and error.hint


def test_the_table_holds_no_other_call() -> None:
    assert aggregate_rule("sum", 2) is None
    assert aggregate_rule("median", 1) is None
