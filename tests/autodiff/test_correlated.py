"""Derivatives inside subqueries that look at the query around them: rows by hand, and as a join."""

from __future__ import annotations

import pytest

from gateway.errors import NotDifferentiable
from tests.autodiff.relations import rewritten, run

ROWS = {
    "t": {"x": [0.5, 1.0, None, -2.0], "y": [0.0, 2.0, 1.0, None], "c": [1.0, 2.0, 3.0, 4.0]},
    "u": {"x": [0.1, 0.2, 3.0, None], "w": [1.3, 1.6, -2.0, 0.5], "k": [1, 2, 3, 4]},
}
# One row per query: the same with the derivative written out, which the engine runs as it is.
PAIRS = {
    "SELECT (SELECT avg(grad((t.x * u.w + y) ^ 2, t.x)) FROM u) AS g FROM t":
        "SELECT avg(2 * (t.x * u.w + y) * u.w) AS g FROM t CROSS JOIN u GROUP BY t.c, t.x, t.y",
    "SELECT (SELECT sum(grad(u.w * c, c)) FROM u WHERE u.k < t.c) AS g FROM t":
        "SELECT sum(u.w) AS g FROM t LEFT JOIN u ON u.k < t.c GROUP BY t.c",
    "SELECT c - 0.1 * (SELECT avg(grad((c * u.w - k) ^ 2, c)) FROM u) AS g FROM t":
        "SELECT c - 0.1 * avg(2 * (c * u.w - k) * u.w) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT c AS g FROM t WHERE EXISTS (SELECT 1 FROM u WHERE grad(u.w ^ 2 * c, u.w) > 5)":
        "SELECT DISTINCT c AS g FROM t JOIN u ON 2 * u.w * c > 5",
    "SELECT l.g FROM t, LATERAL (SELECT max(grad(u.w * sin(c), c)) AS g FROM u) l":
        "SELECT max(u.w * cos(c)) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT (SELECT grad(u.w * c ^ 2, c) FROM u WHERE u.k = t.c) AS g FROM t":
        "SELECT u.w * 2 * c AS g FROM t LEFT JOIN u ON u.k = t.c",
    "SELECT grad(c ^ 2, c) * (SELECT min(jvp(u.w * c, u.w, 2.0)) FROM u) AS g FROM t":
        "SELECT 2 * c * min(c * 2.0) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT (SELECT sum(v.d) FROM (SELECT grad(u.w ^ 2 * c, c) AS d FROM u ORDER BY k LIMIT 2) v)"
    " AS g FROM t": "SELECT 1.3::float8 ^ 2 + 1.6::float8 ^ 2 AS g FROM t",
    "SELECT (SELECT max(u.w * c) FROM u) + (SELECT max(grad(u.w * c, c)) FROM u) AS g FROM t":
        "SELECT max(u.w * c) + max(u.w) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad((SELECT sum(sin(u.w * c) * y) FROM u), c) AS g FROM t":
        "SELECT sum(cos(u.w * c) * u.w * y) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad(grad((SELECT avg((u.w * c - k) ^ 2) FROM u WHERE k < 4), c), c) * c AS g FROM t":
        "SELECT avg(2 * u.w ^ 2) * c AS g FROM t CROSS JOIN u WHERE k < 4 GROUP BY c",
    "SELECT jvp(c * (SELECT exp(u.w * t.x) FROM u WHERE u.k = t.c), t.x, y + 1) AS g FROM t":
        "SELECT exp(u.w * t.x) * c * u.w * (y + 1) AS g FROM t LEFT JOIN u ON u.k = t.c",
    "SELECT grad(coalesce((SELECT sum(u.w * c) FROM u WHERE k > 9), c ^ 2), c) AS g FROM t":
        "SELECT 2 * c AS g FROM t",
    "SELECT grad(b + c, c) AS g FROM (SELECT c, l.b FROM t, LATERAL (SELECT max(u.w * t.c) AS b"
    " FROM u) AS l) AS q": "SELECT 1 + 1.6::float8 AS g FROM t",
    "SELECT grad(l.b * c, c) AS g FROM t, LATERAL (SELECT stddev(u.w * t.c) AS b FROM u) AS l":
        "SELECT 2 * c * stddev(u.w) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad(l.b, c) AS g FROM t, LATERAL (WITH q AS (SELECT u.w * t.c AS e FROM u)"
    " SELECT sum(e ^ 2) AS b FROM q) AS l":
        "SELECT sum(2 * u.w ^ 2 * c) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad((SELECT sum(h * w) FROM (SELECT sin(u.w * c) AS h, w FROM u) AS q), c) AS g"
    " FROM t":
        "SELECT sum(cos(u.w * c) * u.w ^ 2) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad(grad((WITH q AS (SELECT u.w * t.c AS e FROM u) SELECT sum(e ^ 3) FROM q), c), c)"
    " AS g FROM t": "SELECT sum(6 * u.w ^ 3 * c) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad((SELECT avg(grad(h * h * w, w)) FROM (SELECT u.w * c AS h, w FROM u) AS q), c)"
    " AS g FROM t": "SELECT avg(6 * u.w ^ 2 * c) AS g FROM t CROSS JOIN u GROUP BY c",
    "SELECT grad(l.b ^ 2, c) AS g FROM t LEFT JOIN LATERAL (SELECT u.w * t.c AS b FROM u"
    " WHERE u.k = t.c) AS l ON true":
        "SELECT 2 * u.w ^ 2 * c AS g FROM t LEFT JOIN u ON u.k = t.c",
}  # fmt: skip


# A subquery that looks at the variable, behind another SELECT and its alias.
BEHIND = (
    "SELECT grad((SELECT sum(h) FROM (SELECT w * t.c AS h FROM u WHERE w < t.c) q), c) AS g FROM t",
    "SELECT grad((SELECT sum(h) FROM (SELECT DISTINCT w * c AS h FROM u) q), c) AS g FROM t",
    "SELECT grad((SELECT sum(h) FROM (VALUES (c), (2.0 * c)) AS q(h)), c) AS g FROM t",
    "SELECT grad(b + c, c) AS g FROM (SELECT c, (SELECT max(u.w * t.c) FROM u) AS b FROM t) AS q",
    "WITH q AS (SELECT c, (SELECT sum(u.w) FROM u WHERE u.w < t.c) AS b FROM t)"
    " SELECT grad(b * c, c) AS g FROM q",
    "SELECT grad((SELECT sum(u.w * c) FROM u WHERE u.w < t.c), c) AS g FROM t",
    "SELECT grad(b, c) AS g FROM t, LATERAL (SELECT sum(u.w * t.c) AS b FROM u WHERE u.w < c) l",
    "SELECT grad(l.b, c) AS g FROM t, LATERAL (SELECT DISTINCT u.w * t.c AS b FROM u) l",
    "SELECT grad((SELECT u.w * c FROM u ORDER BY u.w LIMIT 1), c) AS g FROM t",
    "SELECT grad((SELECT max(u.w * c) FROM u), c) AS g FROM t",
    "SELECT grad(b + c, c) AS g FROM (SELECT c, CARDINALITY(ARRAY(SELECT u.w * t.c FROM u)) AS b"
    " FROM t) AS q",
)


@pytest.mark.parametrize("query", BEHIND)
def test_what_looks_at_the_variable_is_refused(query: str) -> None:
    with pytest.raises(NotDifferentiable):
        rewritten(query)


def test_what_looks_at_something_else_is_constant() -> None:
    query = """SELECT grad(b * x, x) - b AS g FROM (SELECT x, (SELECT max(u.w * t.c) FROM u) AS b
        FROM t) AS q"""
    assert _values(query) == ([0.0, 0.0, 0.0], 1)


def _values(query: str) -> tuple[list[float], int]:
    """The numbers in order, and how many NULLs there are."""
    found = [row["g"] for row in run(query, ROWS)]
    numbers = sorted(value for value in found if isinstance(value, float))
    return numbers, found.count(None)


@pytest.mark.parametrize("query", PAIRS)
def test_as_written_out(query: str) -> None:
    (found, nulls), (wanted, wanted_nulls) = _values(query), _values(PAIRS[query])
    assert nulls == wanted_nulls
    assert found == pytest.approx(wanted, rel=1e-12)
    assert len(found) > 1
