"""Derivatives in every place of a statement, beside central differences of the statement itself.

In a row of STATEMENTS `<f; x>` is the derivative of f by x. Its difference is what the statement
gives with f in that place over rows whose x is a little larger, less what it gives over rows whose
x is as much smaller.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

H = 1e-5
ROWS = "(1, 1, 0.5, 1.5), (2, 1, -1.25, 2), (3, 2, 2, -0.5), (4, 2, 0.25, 3), (5, 2, 1.75, 1)"
_MARKED = re.compile("<([^;]*); ([^>]*)>")
# Of which the derivative is computed over sub-selects.
_LARGE = functools.reduce(lambda f, _: f"1.0 / (2.0 + sin({f}))", range(24), "d.x * d.y")

_SUMMED_UP = (
    "p AS (SELECT x AS w FROM d WHERE id = 1 LIMIT 1), r(n, h, s) AS (SELECT 0, 1.0::float8,"
    " 0.0::float8 UNION ALL SELECT n + 1, w * h, s + sin(h) FROM r, p WHERE 4 > n)"
)
_ROW = "q AS (SELECT a, sin(a) AS f FROM (SELECT x AS a FROM d WHERE id = 1 LIMIT 1) p)"
_STACKED = (
    "SELECT id, x, sin(x) FROM d WHERE id < 3 UNION ALL SELECT 0, 5, 0 UNION ALL"
    " (SELECT -id, x, x ^ 3 FROM d ORDER BY id LIMIT 2) UNION ALL"
    " SELECT 20 + id, x, sum(x * h) FROM d, (SELECT y AS h FROM d) e WHERE id = 1 GROUP BY id, x"
)
STATEMENTS = (
    # where a value stands
    "SELECT id, <x * x * y; x> FROM d",
    "SELECT id, 2 * <sin(x) * y; x> + 1 - 1 FROM d",
    "SELECT id, CASE WHEN g = 1 THEN <x ^ 3; x> ELSE <exp(x); x> END FROM d",
    "SELECT id, coalesce(<x / y; x>, 0) FROM d",
    "SELECT id, <CASE WHEN y > 1 THEN x * x ELSE -x END; x> FROM d",
    "SELECT id, <greatest(x * y, -5); x> FROM d",
    "SELECT id, (ARRAY[<x * y; x>, 0])[1] FROM d",
    # aggregates
    "SELECT g, sum(<x * x * y; x>) FROM d GROUP BY g",
    "SELECT g, sum(<x * x; x>) FILTER (WHERE y > 0) FROM d GROUP BY g",
    "SELECT g, avg(<x * x; x>) FROM d GROUP BY ROLLUP (g)",
    "SELECT g, sum(<x * y; x>) FROM d GROUP BY GROUPING SETS ((g), ())",
    "SELECT g, sum(DISTINCT <x * x * x; x>) FROM d GROUP BY g",
    "SELECT g, sum(<ln(x * x + 1); x> * id) FROM d GROUP BY g HAVING count(*) > 1",
    "SELECT g, (array_agg(<x * x; x> ORDER BY id))[2] FROM d GROUP BY g",
    # windows
    "SELECT id, sum(<x * x; x>) OVER (PARTITION BY g ORDER BY id) FROM d",
    "SELECT id, avg(<x * y; x>) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) FROM d",
    "SELECT id, sum(<x * y; x>) OVER (ORDER BY g GROUPS 1 PRECEDING) FROM d",
    "SELECT id, lag(<x ^ 2; x>, 1, 0) OVER w FROM d WINDOW w AS (PARTITION BY g ORDER BY id)",
    "SELECT id, first_value(<x * y * y; x>) OVER (PARTITION BY g ORDER BY id DESC) FROM d",
    # FROM
    "SELECT id, <q.x * q.x; q.x> FROM (SELECT id, x FROM d) q",
    "SELECT id, <q.u * q.u; q.x> FROM (SELECT id, x, sin(x) AS u FROM d) q",
    "SELECT id, <q.u * q.x; q.x> FROM (SELECT DISTINCT ON (g) id, x, sin(x) AS u FROM d"
    " ORDER BY g, id DESC) q",
    "SELECT d.id, l.v FROM d, LATERAL (SELECT <d.x * e.y; d.x> AS v FROM d e WHERE e.id = 3) l",
    "SELECT d.id, l.v FROM d LEFT JOIN LATERAL (SELECT sum(<d.x * d.x * e.y; d.x>) AS v FROM d e"
    " WHERE e.g = d.g) l ON true",
    "SELECT d.id, <d.x * d.x * e.y; d.x> FROM d JOIN (SELECT g, max(y) AS y FROM d GROUP BY g) e"
    " USING (g)",
    "SELECT id, <x * n; x> FROM d, generate_series(1, 1) AS s(n)",
    "SELECT d.id, <v.a * d.x ^ 2; d.x> FROM d, LATERAL (VALUES (d.y)) v(a)",
    # subqueries
    "SELECT id, (SELECT sum(<d.x * e.y; d.x>) FROM d e WHERE e.id <= d.id) FROM d",
    "SELECT id, (SELECT max(v) FROM (SELECT <d.x ^ 2 * e.y; d.x> AS v FROM d e WHERE e.id = 1) q)"
    " FROM d",
    "SELECT id, <x * (SELECT max(e.y) FROM d e WHERE e.g = d.g); x> FROM d",
    "SELECT id, <x * (SELECT avg((e.y - d.x * e.id) ^ 2) FROM d e WHERE e.g = d.g); x> FROM d",
    "SELECT id, <l.v * x; x> FROM d, LATERAL (SELECT sum(sin(d.x * e.y)) AS v FROM d e) l",
    "SELECT g, max(<(SELECT corr(e.y, exp(d.x * e.id)) FROM d e); x>) FROM d GROUP BY g",
    # WITH
    "WITH q AS (SELECT id, x, y FROM d) SELECT id, <x * y; x> FROM q",
    "WITH q AS (SELECT id, <exp(x) * y; x> AS v FROM d) SELECT a.id, a.v + b.v - b.v FROM q a, q b"
    " WHERE b.id = 1",
    "WITH q AS MATERIALIZED (SELECT id, <x * y * y; x> AS v FROM d) SELECT id, v FROM q",
    "WITH q AS (SELECT id, x, x * y AS u FROM d) SELECT id, <u * u; x> FROM q",
    # a column that a join merged is that of both sides
    "SELECT id, <s * c + x; x> FROM (SELECT id, x, sin(x) AS s FROM d) p JOIN (SELECT x, cos(x) AS"
    " c FROM d) q USING (x)",
    "SELECT id, <s * coalesce(c, x); x> FROM (SELECT id, x, exp(x) AS s FROM d) p NATURAL LEFT JOIN"
    " (SELECT x, cos(x) AS c FROM d WHERE g = 1) q",
    "SELECT x > 0, <sum(p.x * q.s); x> FROM d p JOIN (SELECT x, x * x AS s FROM d) q USING (x)"
    " GROUP BY x HAVING x > 1.9",
    # WITH, where a query of one row is read again inside another
    "WITH p AS (SELECT x AS a FROM d WHERE id = 1 LIMIT 1), m AS (SELECT id, sin(id * a) AS v"
    " FROM (SELECT id FROM d) e, p) SELECT id, <v * a + exp(v); a> FROM m, p",
    "WITH p AS (SELECT x AS a FROM d WHERE id = 1 LIMIT 1), m AS (SELECT id, y - id * a AS r FROM"
    " (SELECT id, y FROM d) e, p), loss AS (SELECT avg(r * r) AS l FROM m)"
    " SELECT 1, <l + 0.5 * a * a; a> FROM loss, (SELECT a FROM p) q",
    "WITH p AS (SELECT x AS a, y AS b FROM d WHERE id = 1 LIMIT 1), m AS (SELECT g, sum(y * a) AS s"
    " FROM (SELECT g, y FROM d) e, p GROUP BY g) SELECT g, <s * s * a * p.b; p.a> FROM m, p",
    "WITH RECURSIVE r(id, n, v) AS (SELECT id, 1, <x * x; x> FROM d UNION ALL"
    " SELECT id, n + 1, v * 0.5 FROM r WHERE n < 3) SELECT id, n, v FROM r",
    "WITH RECURSIVE r(id, n, v) AS (SELECT id, 1, x FROM d UNION ALL SELECT id, n + 1, (SELECT"
    " sum(<r.v * r.v * e.y; r.v>) FROM d e WHERE e.id <= r.id) FROM r WHERE n < 2)"
    " SELECT id, v FROM r WHERE n = 2",
    "WITH RECURSIVE r(id, n, v) AS (SELECT g, 1, x FROM d UNION SELECT id, n + 1, l.v FROM r,"
    " LATERAL (SELECT avg(<exp(r.v) * e.y; r.v>) AS v FROM d e) l WHERE n < 2)"
    " SELECT id, row_number() OVER (ORDER BY v), v FROM r WHERE n = 2",
    # through a recursive query
    "WITH RECURSIVE r(id, n, v, x) AS (SELECT id, 0, y, x FROM d UNION ALL SELECT id, n + 1,"
    " v * x - sin(v), x FROM r WHERE 3 > n) SELECT id, n, <v * x; x> FROM r",
    "WITH RECURSIVE r(id, n, u, v, w) AS (SELECT id, 0, 1.0::float8, x * y, x FROM d UNION ALL"
    " SELECT id, n + 1, u + 0.1 * v, v - 0.1 * w * w * sin(u), w FROM r WHERE 5 > n)"
    " SELECT o.i, o.j, <o.p * o.q + o.r; o.r> FROM r AS o(i, j, p, q, r)",
    "WITH RECURSIVE p AS (SELECT x AS a FROM d WHERE id = 1 LIMIT 1), r(n, v) AS (SELECT 0, a * a"
    " FROM p UNION ALL SELECT n + 1, v - 0.1 * grad(v ^ 4 * a - v, v) FROM r, p WHERE 4 > n)"
    " SELECT n, <v + a; a> FROM r, p",
    "WITH RECURSIVE p AS (SELECT x AS a FROM d WHERE id = 1 LIMIT 1), r(n, v, w) AS (SELECT 0,"
    " 1.0::float8, 2.0::float8 UNION ALL SELECT n + 1, o.v * u, w FROM (SELECT n, v, w, v + a AS u"
    " FROM r, p) o WHERE 3 > n), last AS (SELECT n, v * v AS f FROM r) SELECT n, <f * w; a>"
    " FROM last JOIN r USING (n), p",
    "WITH RECURSIVE p AS (SELECT x AS r FROM d WHERE id = 1 LIMIT 1), fit(n, a) AS (SELECT 0,"
    " 1.0::float8 UNION ALL SELECT n + 1, a - 0.1 * r * avg(grad((e.y - a * e.id) ^ 2, a)) FROM"
    " fit, (SELECT id, y FROM d) e, p WHERE 3 > n GROUP BY n, a, r), last AS (SELECT avg((e.y"
    " - a * e.id) ^ 2) AS l FROM fit, (SELECT id, y FROM d) e WHERE n = 3)"
    " SELECT 1, <l * r; r> FROM last, p",
    # what a step sums up of other columns of the step before
    f"WITH RECURSIVE {_SUMMED_UP} SELECT n, <s * s; w> FROM r, p",
    f"WITH RECURSIVE {_SUMMED_UP} SELECT 1, <sum(s); w> FROM r, p GROUP BY w",
    f"WITH RECURSIVE {_SUMMED_UP}, z(n, v) AS (SELECT 0, 0.0::float8 UNION ALL SELECT z.n + 1,"
    " v + r.s FROM z JOIN r ON r.n = z.n WHERE 4 > z.n) SELECT n, <v; w> FROM z, p",
    "WITH RECURSIVE r(id, n, h, s, w) AS (SELECT id, 0, 1.0::float8, y, x FROM d UNION ALL SELECT"
    " id, n + 1, w * h, s + h, w FROM r WHERE 4 > n) SELECT id, n, <s; w> FROM r",
    "WITH RECURSIVE q AS (SELECT id, x, (SELECT sum(d.x * e.y) FROM (SELECT y FROM d) e) AS f FROM"
    " d), r(id, n, x, v) AS (SELECT id, 0, x, f FROM q UNION ALL SELECT id, n + 1, x, sin(v) FROM r"
    " WHERE 3 > n), s AS (SELECT id, x, v FROM r WHERE n = 2) SELECT id, <v; x> FROM s",
    # of second and third order
    f"WITH RECURSIVE {_SUMMED_UP} SELECT n, <grad(s * h, w); w> FROM r, p",
    f"WITH RECURSIVE {_SUMMED_UP} SELECT n, <grad(grad(s, w), w) + grad(h, w); w> FROM r, p",
    "WITH RECURSIVE r(id, n, v, x, y) AS (SELECT id, 0, y, x, y FROM d UNION ALL SELECT id, n + 1,"
    " v * x - sin(v * y), x, y FROM r WHERE 3 > n) SELECT id, n, <grad(v, y); x> FROM r",
    "WITH RECURSIVE p AS (SELECT x AS r FROM d WHERE id = 1 LIMIT 1), fit(n, a) AS (SELECT 0,"
    " 1.0::float8 UNION ALL SELECT n + 1, a - 0.1 * r * avg(grad((e.y - a * e.id) ^ 4, a)) FROM"
    " fit, (SELECT id, y FROM d WHERE 3 > id) e, p WHERE 2 > n GROUP BY n, a, r)"
    " SELECT n, <grad(a, r); r> FROM fit, p",
    # another column of the variable's one row, read once more
    f"WITH {_ROW}, r AS (SELECT 2 * f AS v FROM q) SELECT 1, <v; a> FROM r, q",
    f"WITH {_ROW}, r AS (SELECT sum(e.y * c) AS v FROM q AS o(b, c), (SELECT y FROM d) e)"
    " SELECT 1, <v * f; q.a> FROM r, q",
    f"WITH RECURSIVE {_ROW}, r(n, v) AS (SELECT 0, f FROM q UNION ALL SELECT n + 1, v * f FROM r, q"
    " WHERE 3 > n) SELECT n, <v; a> FROM r, q",
    # through LIMIT and UNION ALL
    "SELECT id, <e * x; x> FROM (SELECT id, x, sin(x) AS e FROM d ORDER BY id DESC LIMIT 3) q",
    "SELECT id, <l.m; x> FROM d, LATERAL (SELECT d.x ^ 2 * e.y AS m FROM (SELECT y FROM d) e"
    " ORDER BY e.y LIMIT 1) l",
    f"SELECT i, <e * x; x> FROM ({_STACKED}) u(i, x, e)",
    f"SELECT i, <grad(e * x, x); x> FROM ({_STACKED}) u(i, x, e)",
    f"WITH {_ROW}, u(i, v) AS (SELECT id, y * f * a FROM d, q UNION ALL SELECT -id, y FROM d UNION"
    " ALL SELECT 0, a ^ 2 FROM q) SELECT i, <v; a> FROM u, q",
    f"WITH {_ROW}, u(i, v) AS (SELECT id, y * f * a FROM d, q UNION ALL SELECT 0, a ^ 2 FROM q)"
    " SELECT 1, <sum(v * v); a> FROM u, q GROUP BY a",
    # sets, orders and limits
    "SELECT id, <x * x; x> FROM d UNION ALL SELECT id + 10, <y * x; x> FROM d",
    "SELECT DISTINCT ON (g) g, <x * x * y; x> FROM d ORDER BY g, id DESC",
    "SELECT DISTINCT id, <x * y; x> FROM d",
    "SELECT id, <x * x; x> FROM d ORDER BY id LIMIT 3",
    "SELECT id, <x * x; x> FROM d ORDER BY g DESC FETCH FIRST 2 ROWS WITH TIES",
    # writes
    "INSERT INTO kept SELECT id, <x * x * y; x> FROM d RETURNING id, v",
    "UPDATE kept SET v = <d.x ^ 3; d.x> FROM d WHERE kept.id = d.id RETURNING kept.id, kept.v",
    f"UPDATE kept SET v = <{_LARGE}; d.x> FROM d WHERE kept.id = d.id RETURNING kept.id, kept.v",
    "UPDATE d SET y = y RETURNING id, <x * x * y; x>",
    "DELETE FROM kept USING d WHERE kept.id = d.id RETURNING kept.id, <d.x * d.x; d.x>",
    "INSERT INTO kept SELECT id, 0 FROM d ON CONFLICT DO NOTHING RETURNING id, v",
)  # fmt: skip
# Where there can be no derivative, and what it is refused with.
REFUSED = {
    "CREATE TABLE checked (x float8 CHECK (grad(x * x, y) > 0))": "42703",
    "SELECT grad(x, x) FROM d GROUP BY g": "42803",
    "SELECT grad(nonsense(x), x) FROM d": "42883",
    "SELECT grad(x, z) FROM d": "42703",
    # 0 by the letter: what the rows of d that a subquery reads for itself count
    "SELECT grad(q.s, d.x) FROM d, (SELECT sum(x * x) AS s FROM d) q": "0A000",
    "WITH q AS (SELECT sum(x) AS s FROM d) SELECT jvp(s, x, 2) FROM q, (SELECT x FROM d)": "0A000",
    "SELECT grad((SELECT max(e.x) FROM d e), x) FROM d": "0A000",
    "WITH RECURSIVE r(n, v, a) AS (SELECT 0, 1.0, 0.5 UNION ALL SELECT n + 1, v * a, a * 0.9 FROM r"
    " WHERE n < 2) SELECT grad(v, a) FROM r": "0A000",
    # what a table computes from the variable, and stores
    "SELECT grad(e * x, x) FROM made": "0A000",
    "SELECT grad(b, a) FROM (SELECT * FROM made AS m(a, b)) q": "0A000",
    "WITH l AS (SELECT sum(e) FROM made) SELECT grad(l, x) FROM made": "0A000",
    f"WITH RECURSIVE {_SUMMED_UP.replace(' ALL', '')} SELECT grad(s, w) FROM r, p": "0A000",
    "WITH RECURSIVE p(w) AS (VALUES (0.5::float8)), r(n, h, s) AS (SELECT 0, 1.0::float8,"
    " 0.0::float8 UNION ALL SELECT n + 1, max(w * h), max(s + h) FROM r, p WHERE 4 > n GROUP BY"
    " n + 1) SELECT grad(s, w) FROM r, p": "0A000",
    "WITH RECURSIVE r(n, h, s, w) AS (SELECT 0, 1.0::float8, 0.0::float8, 0.5::float8 UNION SELECT"
    " n + 1, w * h, s + h, w FROM r WHERE 4 > n) SELECT grad(s, w) FROM r": "0A000",
    "SELECT grad(e, x) FROM (SELECT x, sin(x) FROM d UNION SELECT x, x FROM d) u(x, e)": "0A000",
    "SELECT grad(e, x) FROM (SELECT x, x FROM d UNION ALL SELECT x + 1, x FROM d) u(x, e)": "0A000",
    "SELECT grad(e, x) FROM (SELECT x, x FROM d EXCEPT ALL SELECT 0, 0) u(x, e)": "0A000",
    # what a recursive query hides: it can carry no tangents, or is run step by step
    "WITH RECURSIVE r(n, v, a) AS (SELECT 0, 1.0, 0.5 UNION SELECT n + 1, v * a, a FROM r"
    " WHERE n < 2) SELECT grad(v * a, a) FROM r": "0A000",
    "WITH RECURSIVE r(n, v, a) AS (SELECT 0, x, 0.5 FROM d UNION ALL SELECT n + 1, sum(v * a), a"
    " FROM r WHERE n < 2 GROUP BY n, a) SELECT grad(v * a, a) FROM r": "0A000",
    "WITH RECURSIVE r(n, v, a) AS (SELECT 0, 1.0, 0.5 UNION ALL SELECT n + 1, sum(v * a), a FROM r,"
    " d WHERE n < 2 GROUP BY n, a, d.g) SELECT grad(v * a, a) FROM r": "0A000",
    "WITH RECURSIVE r(n, v, a) AS (SELECT 0, b, 2 * b FROM (VALUES (0.5)) q(b) UNION ALL"
    " SELECT n + 1, v * a, a FROM r WHERE n < 2) SELECT grad(v, a) FROM r": "0A000",
    "WITH RECURSIVE r(n, v, a) AS (SELECT 0, 1.0::float8, 0.5::float8 UNION ALL SELECT n + 1,"
    " (SELECT sum(r.v * r.a * d.x) FROM d), a FROM r WHERE n < 2)"
    " SELECT grad(v * a, a) FROM r": "0A000",
    "WITH RECURSIVE p(a) AS (VALUES (0.5::float8)), r(n, v) AS (SELECT 0, 1.0::float8 UNION ALL"
    " SELECT n + 1, (SELECT sum(r.v * a * d.x) FROM d) FROM r, p WHERE n < 2)"
    " SELECT grad(v * a, a) FROM r, p": "0A000",
}


@pytest.fixture(scope="module")
def shifted(gateway_address: tuple[str, int]) -> Iterator[psycopg.Connection[Any]]:
    """A connection, in whose schemas less, same and more x is apart by H."""
    host, port = gateway_address
    place = {"host": host, "port": port, "user": "tester", "dbname": "gradwire"}
    with psycopg.connect(**place, autocommit=True) as connection:
        for schema, shift in (("less", -H), ("same", 0), ("more", H)):
            connection.execute(
                f"CREATE SCHEMA {schema}; SET search_path TO {schema};"
                "CREATE TABLE d (id int, g int, x float8, y float8);"
                f"INSERT INTO d VALUES {ROWS}; UPDATE d SET x = x + {shift};"
                "CREATE TABLE kept (id int, v float8);"
                "CREATE TABLE made (x float8, e float8 GENERATED ALWAYS AS (x * x) STORED);"
                "INSERT INTO kept SELECT id, 0 FROM d".encode()
            )
        yield connection
        connection.execute(b"DROP SCHEMA less, same, more CASCADE")


def _rows(connection: psycopg.Connection[Any], schema: str, statement: str) -> dict[Any, float]:
    with connection.transaction(force_rollback=True):  # writes too find what the fixture made
        connection.execute(f"SET search_path TO {schema}".encode())
        rows = connection.execute(statement.encode()).fetchall()
    return {row[:-1]: row[-1] for row in rows}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_as_the_difference(statement: str, shifted: psycopg.Connection[Any]) -> None:
    derived = _rows(shifted, "same", _MARKED.sub(r"grad(\1, \2)", statement))
    plain = _MARKED.sub(r"(\1)", statement)
    less, more = (_rows(shifted, schema, plain) for schema in ("less", "more"))
    wanted = {
        key: None if value is None else (value - less[key]) / (2 * H) for key, value in more.items()
    }
    assert derived == {
        key: pytest.approx(value, rel=1e-5, abs=1e-6) for key, value in wanted.items()
    }


@pytest.mark.parametrize("statement", REFUSED)
def test_refused(statement: str, shifted: psycopg.Connection[Any]) -> None:
    shifted.execute(b"SET search_path TO same")
    with pytest.raises(psycopg.Error) as raised:
        shifted.execute(statement.encode())
    assert raised.value.sqlstate == REFUSED[statement]


# What a derivative takes for a constant although its query reads the variable, too.
NOTED = {
    "SELECT grad(q.s + d.x, d.x) FROM d, (SELECT sum(x) AS s FROM d) q": ["s of q by x of d"],
    "INSERT INTO kept WITH q AS (SELECT avg(x) AS m FROM d)"
    " SELECT id, jvp(x * m, y, 1, x, 2) FROM q, d": ["m of q by x of d"],
    "WITH q AS (SELECT avg(x) AS m FROM d) SELECT grad(x * m, x), grad(m * x, x) FROM q, d":
        ["m of q by x of d"],
    "SELECT grad(x + (SELECT max(e.x) FROM d e), x) FROM d": ["x of e by x of d"],
    "SELECT grad(a.x * b.x, a.x) FROM d a, d b": [],
    "SELECT grad(x * (SELECT max(y) FROM d), x) FROM d": [],
    "WITH p(a) AS (VALUES (1.5)), q AS (SELECT a * a AS s FROM p) SELECT grad(s + a, a) FROM p, q":
        [],
    "SELECT grad(uwnd * vwnd, latitude) FROM ncep.winds": ["uwnd along latitude"],
    "WITH w AS (TABLE ncep.winds) SELECT grad(avg(uwnd), latitude) FROM w GROUP BY latitude":
        ["uwnd along latitude"],
    "SELECT grad(uwnd * latitude, latitude), grad(uwnd, vwnd) FROM ncep.winds": [],
}  # fmt: skip
_NOTICES = {
    'column "(.*)" of "(.*)" does not change with "(.*)" of "(.*)", as': "{} of {} by {} of {}",
    'the derivative is 0: "(.*)" of a row does not change with "(.*)"': "{} along {}",
}


@pytest.mark.parametrize("statement", NOTED)
def test_noted(statement: str, shifted: psycopg.Connection[Any]) -> None:
    told: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        primary = notice.message_primary or ""
        matched = ((re.match(pattern, primary), form) for pattern, form in _NOTICES.items())
        assert notice.message_hint
        told.extend(form.format(*found.groups()) for found, form in matched if found)

    shifted.add_notice_handler(hear)
    try:
        shifted.execute(b"SET search_path TO same")
        for _ in range(3):  # however well it is known by then
            told.clear()
            shifted.execute(statement.encode())
            assert told == NOTED[statement]
    finally:
        shifted.remove_notice_handler(hear)
