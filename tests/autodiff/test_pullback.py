"""grad(f, w.v) of a whole query, in each row, against differences: the query is run over tables in
which that one value is moved."""

from __future__ import annotations

import math

import pytest

from gateway.autodiff.relational import pull_back
from gateway.errors import GatewayError, StatementTooComplex
from gateway.rewrite import passes, rewrite
from gateway.sql.text.dialect import parse
from tests.autodiff.relations import KEYS, lookup, rewritten, run

# w: k, x (a parameter in each row), w; t: data that rows of u are joined with by n = k.
ROWS: dict[str, dict[str, list[object]]] = {
    "u": {"k": [1, 2, 3, 4], "x": [0.3, -0.7, 1.1, None], "w": [0.5, 1.5, -0.25, 2.0]},
    "t": {
        "n": [1, 1, 2, 3, 3, 9],
        "x": [0.9, 1.7, -0.4, 2.2, 0.1, 5.0],
        "y": [1.0, -1.0, 0.5, None, 0.25, 1.0],
        "s": ["a", "a", "b", "b", None, "c"],
    },
}
STEP = 1e-6

# What WITH names f, by what it shows.
LOSSES = {
    "a sum": "f AS (SELECT sum(w * w * k) FROM u)",
    "a mean": "f AS (SELECT avg(sin(w)) AS loss FROM u)",
    "a column list": "f(loss) AS (SELECT avg(sin(w)) FROM u)",
    "an expression of aggregates": "f AS (SELECT sqrt(sum(w ^ 2)) / count(*) + max(k) FROM u)",
    "a ratio": "f AS (SELECT sum(w * x) / sum(w) FROM u)",
    "the greatest": "f AS (SELECT max(w * w) FROM u)",
    "the least": "f AS (SELECT exp(min(w)) FROM u)",
    "a variance": "f AS (SELECT var_pop(w) + variance(w * k) FROM u)",
    "a deviation": "f AS (SELECT stddev(w) * stddev_pop(w) FROM u)",
    "a variance of one row": "f AS (SELECT sum(w * coalesce(s, 1)) FROM (SELECT w, var_samp(w)"
    " OVER (PARTITION BY k < 2) AS s FROM u) AS q)",
    "covariances": "f AS (SELECT covar_pop(w, k) + covar_samp(w * k, w) * regr_sxy(x, w) FROM u)",
    "corr": "f AS (SELECT corr(w, w * k) + corr(w, x) FROM u)",
    "a line": "f AS (SELECT regr_slope(w, k) * regr_intercept(x, w) + regr_r2(w ^ 2, k) FROM u)",
    "regr": "f AS (SELECT regr_avgx(x, w) * regr_avgy(w, x) + regr_sxx(k, w) * regr_syy(w, w)"
    " + regr_count(w, x) FROM u)",
    "corr of groups": "g AS (SELECT s, corr(u.w * t.x, y * u.w) FILTER (WHERE n < 3) AS c,"
    " regr_slope(y, u.w * t.x) AS m FROM t, u WHERE k <= n GROUP BY s), "
    "f AS (SELECT sum(coalesce(c, 2) * coalesce(m, 0.5)) FROM g)",
    "corr over partitions": "f AS (SELECT sum(w * c) FROM (SELECT w, corr(w, k) OVER () AS c"
    " FROM u) AS q)",
    "FILTER": "f AS (SELECT sum(w ^ 3) FILTER (WHERE k > 1) + avg(w) FILTER (WHERE x > 0) FROM u)",
    "WHERE": "f AS (SELECT sum(w ^ 3) FROM u WHERE k <> 2)",
    "NULL": "f AS (SELECT avg(x * w) FROM u)",
    "a join": "f AS (SELECT avg((t.y - u.w * t.x) ^ 2) FROM t JOIN u ON t.n = u.k)",
    "a comma": "f AS (SELECT sum(u.w * t.x) FROM t, u WHERE t.n = u.k)",
    "USING": "f AS (SELECT sum(a.w * b.w) FROM u AS a JOIN u AS b USING (k))",
    "an outer join": "f AS (SELECT sum(coalesce(u.w, 1) * t.x) FROM t LEFT JOIN u ON t.n = u.k)",
    "the other side": "f AS (SELECT sum(u.w * coalesce(t.x, 3)) FROM t RIGHT JOIN u ON t.n = u.k)",
    "USING and a table": "f AS (SELECT sum(w * t.x) FROM u JOIN (SELECT n AS k, x FROM t) AS t"
    " USING (k))",
    "NATURAL": "f AS (SELECT sum(w * y) FROM u NATURAL JOIN (SELECT n AS k, y FROM t) AS t)",
    "USING of a subquery": "f AS (SELECT sum(e * y) FROM (SELECT k, w ^ 2 AS e FROM u) AS q"
    " JOIN (SELECT n AS k, y FROM t) AS t USING (k))",
    "a pair": "f AS (SELECT sum(a.w * b.w ^ 2) FROM u AS a JOIN u AS b ON b.k = a.k + 1)",
    "a subquery": "f AS (SELECT sum(e * w) FROM (SELECT w, exp(w) AS e FROM u) AS q)",
    "subqueries": "f AS (SELECT sum(p) FROM (SELECT e * 2 AS p FROM (SELECT sin(w) AS e FROM u)"
    " AS a WHERE e > 0) AS b)",
    "stars": "f AS (SELECT sum(q.e) FROM (SELECT *, w ^ 2 AS e FROM u) AS q)",
    "WITH": "e AS (SELECT k, w ^ 2 AS e FROM u), f AS (SELECT sum(e) FROM e WHERE k > 1)",
    "WITH twice": "e(i, v) AS (SELECT k, w ^ 2 FROM u), "
    "f AS (SELECT sum(a.v * b.v) FROM e AS a JOIN e AS b ON a.i < b.i)",
    "WITH inside": "f AS (WITH e AS (SELECT w ^ 2 AS e FROM u) SELECT sum(e) FROM e)",
    "WITH beside": "d AS (SELECT n, avg(x) AS m FROM t GROUP BY n), "
    "f AS (SELECT sum(w * m) FROM u JOIN d ON d.n = u.k)",
    "groups": "g AS (SELECT t.s, sum(t.x * u.w) AS p FROM t JOIN u ON t.n = u.k GROUP BY t.s), "
    "f AS (SELECT sum(p ^ 2) FROM g)",
    "an expression as key": "f AS (SELECT sum(p ^ 2) FROM (SELECT sum(w) AS p FROM u"
    " GROUP BY k % 2) AS q)",
    "a key by number": "f AS (SELECT sum(p ^ 2 * o) FROM (SELECT k % 2 AS o, sum(w) AS p FROM u"
    " GROUP BY 1) AS q)",
    "HAVING": "f AS (SELECT sum(p ^ 2) FROM (SELECT s, sum(t.x * u.w) AS p FROM t JOIN u ON n = k"
    " GROUP BY s HAVING count(*) > 1) AS q)",
    "values of groups": "g AS (SELECT s, avg(u.w) AS m, max(u.w * t.x) AS b FROM t, u WHERE n = k"
    " GROUP BY s), f AS (SELECT sum(m * b) + max(m) FROM g)",
    "groups of groups": "g AS (SELECT n, sum(u.w * t.x) AS h FROM t JOIN u ON k = n GROUP BY n), "
    "h AS (SELECT n % 2 AS o, sum(tanh(h)) AS h FROM g GROUP BY n % 2), "
    "f AS (SELECT avg((h - 1) ^ 2) FROM h)",
    "a loss and a penalty": "a AS (SELECT avg((y - w * t.x) ^ 2) AS a FROM t JOIN u ON n = k), "
    "b AS (SELECT sum(w ^ 2) AS b FROM u), f AS (SELECT a + 0.1 * b FROM a, b)",
    "beside the mean": "m AS (SELECT avg(w) AS m FROM u), f AS (SELECT sum((w - m) ^ 4) FROM u, m)",
    "softmax": "z AS (SELECT max(w) AS z FROM u), p AS (SELECT k, exp(w - z) AS e FROM u, z), "
    "s AS (SELECT sum(e) AS s FROM p), f AS (SELECT sum(k * e / s) FROM p, s)",
    "a penalty": "f AS (SELECT avg((y - w * t.x) ^ 2) + 0.1 * (SELECT sum(w ^ 2) FROM u) AS loss"
    " FROM t JOIN u ON n = k)",
    "a penalty and no rows": "f AS (SELECT count(y) + (SELECT sum(w ^ 2) FROM u) FROM t"
    " WHERE n > 99)",
    "numbers alone": "f AS (SELECT (SELECT sum(w ^ 2) FROM u) * (SELECT avg(w) FROM u))",
    "a number of a number": "f AS (SELECT (SELECT sum(w * (SELECT avg(w) FROM u)) FROM u) ^ 2)",
    "a number in each row": "f AS (SELECT sum(w * (SELECT avg(w) FROM u)) FROM u)",
    "numbers of a subquery": "f AS (SELECT sum(a * b) FROM (SELECT w ^ 2 AS a, w - (SELECT avg(w)"
    " FROM u) AS b FROM u) AS q)",
    "a number beside groups": "f AS (SELECT sum(p) FROM (SELECT k % 2 AS o, sum(w) * (SELECT"
    " avg(w ^ 2) FROM u) AS p FROM u GROUP BY 1) AS q)",
    "a query as a number": "m AS (SELECT avg(w) AS m FROM u), "
    "f AS (SELECT sum((w - (SELECT m FROM m)) ^ 4) FROM u)",
    "LATERAL": "f AS (SELECT sum(l.b + w) FROM u, LATERAL (SELECT sum(t.x * u.w * u.w) AS b FROM t)"
    " AS l)",
    "LATERAL in WITH": "g AS (SELECT l.b * w AS c FROM u, LATERAL (SELECT sum(t.x * u.w) AS b FROM"
    " t WHERE t.n = u.k) AS l), f AS (SELECT sum(c) FROM g)",
    "a number for each row": "f AS (SELECT avg(((SELECT sum(w * t.x) FROM u WHERE u.k >= t.n) - y)"
    " ^ 2) FROM t)",
    "a row for each row": "f AS (SELECT sum(w * (SELECT sin(v.w) FROM u AS v WHERE v.k = u.k))"
    " FROM u)",
    "a number of those before": "f AS (SELECT sum(w * (SELECT sum(v.w) FROM u AS v WHERE v.k <"
    " u.k)) FROM u)",
    "a number for each row of a query": "g AS (SELECT k, w ^ 2 AS e FROM u), f AS (SELECT sum(e *"
    " (SELECT sum(v.e) FROM g AS v WHERE v.k < g.k)) FROM g)",
    "a count and a number": "g AS (SELECT n, (SELECT count(*) + 0.1 * sum(w ^ 2) FROM u WHERE k < n"
    " AND k > 1) AS c FROM t), f AS (SELECT sum(coalesce(c, n)) FROM g)",
    "numbers beneath groups": "g AS (SELECT n % 2 AS o, sum(y * (SELECT max(w) FROM u WHERE"
    " k <= n)) AS p FROM t GROUP BY 1), f AS (SELECT sum(p ^ 2) FROM g)",
    "a number of a group": "g AS (SELECT n, sum(y) * (SELECT sum(w) FROM u WHERE k <= n) AS p"
    " FROM t GROUP BY n), f AS (SELECT sum(p ^ 2) FROM g)",
    "LATERAL over the table": "f AS (SELECT sum(y * l.b + l.c) FROM t, LATERAL (SELECT sum(t.x * w)"
    " AS b, count(*) AS c FROM u WHERE u.k < t.n) AS l)",
    "LATERAL rows": "f AS (SELECT sum(y * l.e) FROM t LEFT JOIN LATERAL (SELECT w ^ 2 AS e FROM u"
    " WHERE u.k <= t.n) AS l ON true)",
    "IN": "f AS (SELECT sum(w ^ 2) FROM u WHERE k IN (SELECT k FROM u WHERE k > 1))",
    "EXISTS": "f AS (SELECT sum(u.w ^ 2) FROM u WHERE NOT EXISTS (SELECT * FROM u AS v WHERE v.k ="
    " u.k + 1))",
    "DISTINCT keys": "f AS (SELECT sum(u.w * o) FROM u JOIN (SELECT DISTINCT k % 2 AS o FROM u)"
    " AS q ON u.k > o)",
    "over all": "p AS (SELECT k, exp(w) / sum(exp(w)) OVER () AS p FROM u), "
    "f AS (SELECT sum(k * p) FROM p)",
    "over partitions": "e AS (SELECT k % 2 AS o, k, exp(w - max(w) OVER (PARTITION BY k % 2)) AS e"
    " FROM u), p AS (SELECT k, e / sum(e) OVER (PARTITION BY o) AS p FROM e), "
    "f AS (SELECT sum(k * ln(p)) FROM p)",
    "over a partition of NULL": "f AS (SELECT sum(s * k) FROM (SELECT k, w * sum(w) OVER (PARTITION"
    " BY nullif(k % 3, 1)) AS s FROM u) AS q)",
    "over all and partitions": "f AS (SELECT sum(tanh(z) * k) FROM (SELECT k, (w -"
    " avg(w) OVER ()) / (0.1 + var_pop(w) OVER (PARTITION BY k < 3)) + count(*) OVER () AS z"
    " FROM u) AS q)",
    "over what is joined": "f AS (SELECT sum(s ^ 2) FROM (SELECT w * sum(w * y) FILTER (WHERE"
    " y > 0) OVER (PARTITION BY n) AS s FROM t LEFT JOIN u ON n = k WHERE n < 4) AS q)",
    "a union": "f AS (SELECT sum(e ^ 2) FROM (SELECT w AS e FROM u UNION ALL SELECT w * k FROM u)"
    " AS q)",
    "a union with data": "q(a, b) AS (SELECT y, 1 FROM t UNION ALL SELECT sin(w), k FROM u WHERE"
    " k > 1 UNION ALL (SELECT NULL, 2)), f AS (SELECT avg(a * b) FROM q)",
    "a union of groups": "f AS (SELECT sum(e ^ 3) FROM (SELECT sum(w) AS e FROM u GROUP BY k % 2"
    " UNION ALL SELECT avg(w) FROM u WHERE k > 9) AS q)",
    "a union that is joined": "q AS (SELECT k AS n, w FROM u UNION ALL SELECT k + 1, -w FROM u), "
    "f AS (SELECT sum(tanh(q.w) * t.x) FROM t JOIN q USING (n))",
    "terms": "f AS (SELECT sum(term) FROM (SELECT avg((y - w * t.x) ^ 2) AS term FROM t JOIN u"
    " ON n = k UNION ALL SELECT 0.1 * sum(w ^ 2) FROM u) AS terms)",
    "a derivative in it": "f AS (SELECT sum(grad(sin(w) * w, w)) FROM u)",
    "a derivative in groups": "f AS (SELECT sum(e ^ 2) FROM (SELECT sum(grad(w ^ 3, w)) AS e FROM u"
    " GROUP BY k % 2) AS q)",
    "CASE": "f AS (SELECT sum(CASE WHEN w > 0 THEN w ^ 2 ELSE -w END) FROM u)",
    "lag and lead": "f AS (SELECT sum(d * k) FROM (SELECT k, w * lag(w) OVER (ORDER BY k) +"
    " lead(sin(w), 1, 0.5) OVER (PARTITION BY k > 1 ORDER BY k DESC) AS d FROM u) AS q)",
    "the first of a partition": "f AS (SELECT sum(d ^ 2) FROM (SELECT w * first_value(w * k)"
    " OVER (PARTITION BY k % 2 ORDER BY k) AS d FROM u WHERE k < 4) AS q)",
    "running sums": "f AS (SELECT sum(w * s + r) FROM (SELECT w, sum(w ^ 2) OVER (ORDER BY k) AS s,"
    " var_pop(w) FILTER (WHERE k <> 2) OVER (PARTITION BY k > 1 ORDER BY k % 2) AS r FROM u) AS q)",
    "moving averages": "f AS (SELECT sum(tanh(a) * b * k) FROM (SELECT k, avg(w) OVER (ORDER BY k"
    " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS a, sum(w ^ 2) OVER (ORDER BY k % 3 GROUPS 1"
    " PRECEDING) AS b FROM u) AS q)",
    "frames without an end": "f AS (SELECT sum(a * k) FROM (SELECT k, sum(w ^ 3) OVER (ORDER BY k"
    " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS a FROM u) AS q)",
    "an order of groups": "g AS (SELECT k % 3 AS n, sum(w ^ 2) AS s FROM u GROUP BY k % 3),"
    " d AS (SELECT s - lag(s, 1, 0) OVER (ORDER BY n) AS e FROM g), f AS (SELECT sum(e * e)"
    " FROM d)",
    "LIMIT": "f AS (SELECT sum(w * w) FROM (SELECT w FROM u ORDER BY k DESC LIMIT 2 OFFSET 1) q)",
    "the first ones": "f AS (SELECT sum(v ^ 3) FROM (SELECT w AS v FROM u ORDER BY sin(w) DESC"
    " LIMIT 2) AS q)",
    "the first group by its sum": "g AS (SELECT k % 2 AS o, sum(w ^ 2) AS s FROM u GROUP BY 1), f"
    " AS (SELECT sum(s ^ 2) FROM (SELECT s FROM g ORDER BY s LIMIT 1) AS q)",
    "neighbours in an order that moves": "f AS (SELECT sum((w - p) ^ 2 * k) FROM (SELECT k, w,"
    " lag(w, 1, 0) OVER (ORDER BY w) AS p FROM u) AS q)",
    "sums in an order that moves": "f AS (SELECT sum(s ^ 2) FROM (SELECT sum(w) OVER (ORDER BY w)"
    " AS s FROM u) AS q)",
    "LIMIT of groups": "f AS (SELECT sum(s ^ 2) FROM (SELECT k % 3, sum(w) AS s FROM u GROUP BY"
    " k % 3 ORDER BY 1 FETCH FIRST 2 ROWS WITH TIES) AS q)",
    "ROLLUP": "f AS (SELECT sum(p * coalesce(g, 9)) FROM (SELECT k % 2 AS g, sum(w ^ 2) * (1 +"
    " grouping(k % 2)) AS p FROM u GROUP BY ROLLUP (1)) AS q)",
    "a key": "f AS (SELECT sum(e ^ 2) FROM (SELECT n, sum(t.x * u.w) + sin(u.w) * u.k AS e FROM t"
    " JOIN u ON k >= n GROUP BY n, u.k, u.w) AS q)",
    "a key of a subquery": "f AS (SELECT sum(e ^ 2) FROM (SELECT n, max(t.x) * v AS e FROM t JOIN"
    " (SELECT k, w AS v FROM u) AS s ON k = n GROUP BY 1, v HAVING v < 9) AS q)",
    "ROLLUP of some rows": "f AS (SELECT sum(p * coalesce(g, 9)) FROM (SELECT k % 2 AS g,"
    " sum(w ^ 2) FILTER (WHERE k % 2 = 1) AS p FROM u GROUP BY ROLLUP (1)) AS q)",
    "GROUPING SETS": "f AS (SELECT sum(p * coalesce(a, 5)) FROM (SELECT k + 1 AS a, x, max(w * k)"
    " AS p FROM u GROUP BY x, GROUPING SETS ((k), CUBE (k)) HAVING grouping(k) < 9) AS q)",
}


def value(loss: str, rows: dict[str, dict[str, list[object]]]) -> float:
    (row,) = run(f"WITH {loss} SELECT * FROM f", rows)
    found = next(iter(row.values()))
    assert isinstance(found, float)
    return found


# Where several rows have the same value, what else is read of them tells them apart. There the
# greatest and the least, and what is divided by a deviation, have no difference.
ALIKE: dict[str, dict[str, list[object]]] = {
    **ROWS,
    "u": {"k": [1, 2, 3, 4], "x": [0.3, 0.3, 1.1, 1.1], "w": [0.5] * 4},
}
KINKS = {
    "the greatest",
    "the least",
    "a deviation",
    "values of groups",
    "softmax",
    "numbers beneath groups",
    "corr",
    "a line",
    "corr over partitions",
    "the first ones",
    "the first group by its sum",
    "neighbours in an order that moves",
    "sums in an order that moves",
}


def moved(
    rows: dict[str, dict[str, list[object]]], place: int, step: float
) -> dict[str, dict[str, list[object]]]:
    changed = list(rows["u"]["w"])
    at = changed[place]
    assert isinstance(at, float)
    changed[place] = at + step
    return {**rows, "u": {**rows["u"], "w": changed}}


def gradient(loss: str, rows: dict[str, dict[str, list[object]]]) -> list[object]:
    query = f"WITH {loss} SELECT grad(f, w) AS g FROM u ORDER BY k"
    return [row["g"] for row in run(query, rows)]


@pytest.mark.parametrize("how", ["with layers", "alike", "by a key"])
@pytest.mark.parametrize("name", LOSSES)
def test_agrees_with_differences(name: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With layers that are kept, without any over rows that are alike, and over a primary key."""
    alike = how == "alike"
    if alike and name in KINKS:
        return
    if alike:
        monkeypatch.setattr(passes, "pull_back", lambda *known: pull_back(*known[:4]))
    if how == "by a key":
        monkeypatch.setitem(KEYS, "u", ("k",))
    loss, rows = LOSSES[name], ALIKE if alike else ROWS
    wanted = [
        (value(loss, moved(rows, place, STEP)) - value(loss, moved(rows, place, -STEP)))
        / (2 * STEP)
        for place in range(4)
    ]
    assert any(wanted)
    assert gradient(loss, rows) == pytest.approx(wanted, rel=1e-6, abs=1e-7)


# Losses whose gradient changes with w and is made of few enough parts.
TWICE = (
    "a mean", "a ratio", "a variance", "FILTER", "WHERE", "a join", "USING of a subquery", "a pair",
    "subqueries", "WITH twice", "groups", "HAVING", "values of groups", "groups of groups",
    "a loss and a penalty", "a number in each row", "a union", "a union that is joined", "terms",
    "a derivative in groups", "CASE", "covariances", "corr", "a line", "regr", "corr of groups",
    "a number for each row", "a row for each row", "a number of those before", "LATERAL rows",
    "LIMIT",
)  # fmt: skip


@pytest.mark.parametrize("name", TWICE)
def test_the_gradient_of_a_gradient_agrees_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hessian times a direction, over a table whose primary key tells its rows apart."""
    monkeypatch.setitem(KEYS, "u", ("k",))
    along = f"{LOSSES[name]}, along AS (SELECT sum(grad(f, w) * cos(k)) AS slope FROM u)"
    found = run(f"WITH {along} SELECT grad(along, w) AS g FROM u ORDER BY k", ROWS)

    def slope(place: int, step: float) -> float:
        (row,) = run(f"WITH {along} SELECT slope FROM along", moved(ROWS, place, step))
        return float(str(row["slope"]))

    step = 1e-5
    wanted = [(slope(place, step) - slope(place, -step)) / (2 * step) for place in range(4)]
    assert [row["g"] for row in found] == pytest.approx(wanted, rel=1e-5, abs=1e-5)


# Where a gradient stands: the statement, its rows.
PLACES = [
    (
        "WITH f AS (SELECT sum(w ^ 2) FROM u) SELECT k, w - 0.25 * grad(f, w) FROM u ORDER BY k",
        [(1, 0.25), (2, 0.75), (3, -0.125), (4, 1.0)],
    ),
    (
        "WITH f AS (SELECT sum(w * x) FROM u) "
        "SELECT p.k, grad(f, p.w), grad(f, p.x) FROM u AS p WHERE k < 3 ORDER BY k",
        [(1, 0.3, 0.5), (2, -0.7, 1.5)],
    ),
    (
        "WITH f AS (SELECT sum(w ^ 2) FROM u), g AS (SELECT sum(k * w) FROM u) "
        "SELECT k, grad(f, w) + grad(g, w), vjp(f, w, k) FROM u WHERE grad(f, w) > 1 ORDER BY k",
        [(2, 5.0, 6.0), (4, 8.0, 16.0)],
    ),
    (
        "WITH f AS (SELECT sum(w ^ 2) FROM u) SELECT sum(grad(f, w) ^ 2) FROM u",
        [(26.25,)],
    ),
    (
        "WITH w(i, v) AS (VALUES (0, 1.0::float8), (1, 2.0)), f AS (SELECT sum(v ^ 3) FROM w) "
        "SELECT i, grad(f, v) FROM w ORDER BY i",
        [(0, 3.0), (1, 12.0)],
    ),
    (
        "WITH f AS (SELECT sum(u.w * t.x) FROM t JOIN u ON n = k) "
        "SELECT t.n, u.k, grad(f, u.w) FROM t JOIN u ON t.n = u.k WHERE n = 1 ORDER BY t.x",
        [(1, 1, 2.6), (1, 1, 2.6)],
    ),
    (
        "SELECT * FROM (WITH f AS (SELECT sum(w ^ 2) FROM u) SELECT k, grad(f, w) FROM u) AS q "
        "ORDER BY k LIMIT 1",
        [(1, 1.0)],
    ),
    (
        "SELECT x, grad(wave, x) FROM t WHERE n = 2 UNION ALL SELECT grad(wave, x), 0 FROM t "
        "WHERE n = 2 ORDER BY 1",
        [(-0.4, pytest.approx(0.92106099)), (pytest.approx(0.92106099), 0.0)],
    ),
    # NULL with the loss; 0 where a row counts for nothing
    (
        "WITH f AS (SELECT sum(w) FROM u WHERE k > 9) SELECT grad(f, w) FROM u WHERE k = 1",
        [(None,)],
    ),
    ("WITH f AS (SELECT sum(w) FROM u WHERE k > 2) SELECT grad(f, w) FROM u WHERE k = 1", [(0.0,)]),
]


@pytest.mark.parametrize(("query", "wanted"), PLACES)
def test_stands_wherever_a_column_can(query: str, wanted: list[tuple[object, ...]]) -> None:
    found = [tuple(row.values()) for row in run(query, ROWS)]
    assert len(found) == len(wanted)
    for row, expected in zip(found, wanted, strict=True):
        assert row == pytest.approx(expected)


def test_rows_that_are_alike_share() -> None:
    rows: dict[str, dict[str, list[object]]] = {"t": {"x": [2.0, 2.0, 3.0], "y": [1.0, 1.0, 1.0]}}
    query = "WITH f AS (SELECT sum(x) ^ 2 FROM t) SELECT grad(f, x) AS g FROM t"
    assert [row["g"] for row in run(query, rows)] == [14.0] * 3
    tied = "WITH f AS (SELECT min(x) FROM t) SELECT grad(f, x) AS g FROM t ORDER BY x"
    assert [row["g"] for row in run(tied, rows)] == [0.5, 0.5, 0.0]


def test_a_column_may_have_any_name() -> None:
    query = """WITH w("d x", "own k", x) AS (VALUES (1, 2, 0.5::float8), (3, 2, 0.5)),
        g AS (SELECT "d x", "own k" AS "key 1", sum(x * "d x") AS "d x 1" FROM w GROUP BY 1, 2),
        f AS (SELECT sum("d x 1" ^ 2 * "key 1") FROM g)
        SELECT grad(f, x) AS g FROM w ORDER BY "d x\""""
    assert [row["g"] for row in run(query, {})] == [2.0, 18.0]


def test_not_a_number_stays_one() -> None:
    rows: dict[str, dict[str, list[object]]] = {"t": {"x": [2.0, math.nan], "y": [1.0, 3.0]}}
    query = "WITH f AS (SELECT sum(x * x * y) FROM t) SELECT grad(f, x) AS g FROM t"
    assert all(math.isnan(float(str(row["g"]))) for row in run(query, rows))


# What cannot be followed: the statement, SQLSTATE, a part of the message.
REFUSED = [
    ("f AS (SELECT w FROM u)", "42P10", '"f" is no query of one row and one column'),
    ("f AS (SELECT sum(w), 1 FROM u)", "42P10", "one row and one column"),
    ("f AS (SELECT sum(w) FROM u GROUP BY k)", "42P10", "one row and one column"),
    ("f AS (SELECT sum(x) FROM t)", "0A000", 'does not depend on "w" of "u"'),
    ("f AS (SELECT sum(x) FROM u)", "0A000", 'does not depend on "w" of "u"'),
    ("f AS (SELECT sum(DISTINCT w) FROM u)", "0A000", "sum(DISTINCT w)"),
    ("f AS (SELECT median(w) FROM u)", "0A000", "median(w)"),
    ("f AS (SELECT sum(w) FROM (SELECT DISTINCT w FROM u) AS q)", "0A000", "cannot be followed"),
    ("f AS (SELECT sum(w) FROM u WHERE w IN (SELECT w FROM u))", "0A000", "cannot be followed"),
    ("f AS (SELECT sum(w) FROM u WHERE k IN (SELECT k FROM u WHERE w > 0))", "0A000",
     "cannot be followed"),
    ("f AS (SELECT sum(w) FROM (SELECT first_value(w) OVER (PARTITION BY k) AS w FROM u) AS q)",
     "0A000", "OVER"),
    ("f AS (SELECT sum(w) FROM (TABLE u UNION TABLE u) AS q)", "0A000", "cannot be followed"),
    ("f AS (SELECT sum(w) FROM (TABLE u EXCEPT ALL TABLE u) AS q)", "0A000", "cannot be followed"),
    ("f AS (SELECT sum(p) FROM (SELECT sum(w) AS p FROM u GROUP BY w > 1) AS q)", "0A000", "w > 1"),
    ("f AS (SELECT sum(p) FROM (SELECT k + 0 * w AS p FROM u GROUP BY CUBE (k, w)) AS q)", "0A000",
     "GROUP"),
    ("f AS (SELECT sum(p) FROM (SELECT sum(w) OVER (ORDER BY k RANGE 1 PRECEDING) p FROM u) AS q)",
     "0A000", "OVER"),
    ("f AS (SELECT sum(w * random()) FROM u)", "0A000", "random() draws anew"),
    ("d AS (SELECT * FROM t LIMIT 2), f AS (SELECT sum(w * y) FROM u JOIN d ON n = k)", "0A000",
     "LIMIT without ORDER BY draws anew"),
    ("d AS (SELECT *, random() AS q FROM t), f AS (SELECT sum(w * q) FROM u JOIN d ON n = k)",
     "0A000", "random() draws anew"),
    ("g AS (SELECT k, sum(w) AS a, sum((SELECT max(t.x * u.w) FROM t)) AS b FROM u GROUP BY k), "
     "f AS (SELECT sum(a + b) FROM g)", "0A000", "a subquery that depends"),
    ("g AS (SELECT k, w, (SELECT max(t.x * u.w) FROM t) AS b FROM u), "
     "f AS (SELECT sum(w + b) FROM g)", "0A000", "a subquery that depends"),
    ("g AS (SELECT k, w, (SELECT sum(e.w * u.w) FROM u AS e) AS b FROM u), "
     "f AS (SELECT sum(b) FROM g)", "0A000", "looks at"),
    ("f AS (SELECT sum(l.b) FROM u, LATERAL (SELECT sum(e.w * u.w) AS b FROM u AS e) AS l)",
     "0A000", "looks at"),
    ("f AS (SELECT sum(z.w) FROM u AS z(w, x))", "0A000", "with a list of columns"),
    ("f AS (SELECT sum(length(w::text)) FROM u)", "0A000", "length"),
    ("f AS (SELECT sum(w) FROM u), u AS (TABLE t)", "42703", '"w"'),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "code", "words"), REFUSED)
def test_refuses_what_it_cannot_follow(loss: str, code: str, words: str) -> None:
    with pytest.raises(GatewayError) as caught:
        rewritten(f"WITH {loss} SELECT grad(f, w) FROM u")
    told = f"{caught.value} {caught.value.detail}"
    assert (caught.value.code, words in told) == (code, True), told


SLOPE = "WITH f AS (SELECT sum(w ^ 3) FROM u), e AS (SELECT sum(grad(f, w)) FROM u)"


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("WITH f AS (SELECT sum(w ^ 3) FROM u) SELECT grad(grad(f, w), w) FROM u", "k"),
        ("WITH f AS (SELECT sum(w ^ 3) FROM u) "
         "SELECT grad(q.g, q.w) FROM (SELECT w, grad(f, w) AS g FROM u) AS q", "k"),
        (f"{SLOPE} SELECT grad(e, w) FROM u", ""),
        # A marker would hold what the other rows count for constant, wherever it stands.
        ("WITH f AS (SELECT sum(w ^ 3) FROM u), e AS (SELECT sum(grad(grad(f, w), w)) FROM u) "
         "SELECT grad(e, w) FROM u", "k"),
        ("WITH f AS (SELECT sum(w ^ 3) FROM u), q AS (SELECT k, w, grad(f, w) AS g FROM u), "
         "e AS (SELECT sum(grad(q.g, q.w)) FROM q) SELECT grad(e, w) FROM u", "k"),
        ("WITH f AS (SELECT sum(w ^ 3) FROM u), q AS (SELECT k, w, grad(f, w) AS g FROM u), "
         "e AS (SELECT sum(g) FROM q) "
         "SELECT grad(q.g, q.w), (SELECT sum(grad(e, w)) FROM u) FROM q", "k"),
    ],
)  # fmt: skip
def test_a_second_derivative_is_refused(
    query: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key:
        monkeypatch.setitem(KEYS, "u", (key,))
    with pytest.raises(GatewayError, match='second derivative of the query "f"'):
        rewritten(query)


def test_a_third_derivative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEYS, "u", ("k",))
    query = """WITH f AS (SELECT sum(w ^ 4 * k) FROM u), e AS (SELECT sum(grad(f, w) * k) FROM u),
        d AS (SELECT sum(grad(e, w)) FROM u)
        SELECT grad(d, w) AS found, 24 * w * k * k AS wanted FROM u"""
    for row in run(query, ROWS):
        assert row["found"] == pytest.approx(row["wanted"])


def test_a_second_derivative_of_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KEYS, "u", ("k",))
    tree = parse(f"{SLOPE} SELECT grad(e, w) FROM u")[0]
    with pytest.raises(StatementTooComplex, match="second derivative"):
        rewrite(tree, lookup, most_nodes=100)


def test_a_column_is_meant_before_a_query() -> None:
    query = "WITH w AS (SELECT sum(x) FROM t) SELECT grad(w, w) AS g FROM u WHERE k = 1"
    assert [row["g"] for row in run(query, ROWS)] == [1.0]
