"""Rows that are drawn are the same rows wherever they are read, or the statement is refused."""

from __future__ import annotations

import psycopg
import pytest

DRAWN = "(SELECT random() AS r FROM generate_series(1, 50))"
# One row per query: what PostgreSQL 15 answers, whatever is drawn.
ANSWERED = {
    f"SELECT count(*) FROM {DRAWN} s WHERE r < 0.5 AND r - 0.5 >= 0": 0,
    f"WITH s AS {DRAWN} SELECT count(*) FROM s WHERE r < 0.5 AND r >= 0.5": 0,
    f"WITH s AS MATERIALIZED {DRAWN}, t AS (SELECT r, r AS q FROM s)"
    " SELECT max(abs(r - q)) FROM t": 0,
    f"SELECT max(abs(l.q - r)) FROM {DRAWN} s, LATERAL (SELECT r AS q) l": 0,
    "WITH s AS (SELECT now() AS m) SELECT count(*) FROM s a JOIN s b USING (m)": 1,
    "WITH s AS (SELECT 1 AS v) SELECT count(*), random() FROM s a, s b": 1,
    "WITH s AS (SELECT v, (SELECT count(*) FROM generate_series(1, 3) g WHERE g < v) AS n"
    " FROM (VALUES (2), (3)) t(v)) SELECT count(*) FROM s a JOIN s b USING (v, n)": 2,
    f"WITH s AS {DRAWN} SELECT count(*) FROM s a JOIN s b USING (r)": 50,
    f"WITH s AS {DRAWN} SELECT count(*) FROM s WHERE r > (SELECT max(r) FROM s)": 0,
    f"WITH s AS {DRAWN}, train AS (SELECT * FROM s WHERE r < 0.8), test AS (SELECT * FROM s"
    " WHERE r >= 0.8) SELECT count(*) FROM (TABLE train UNION ALL TABLE test) q": 50,
    f"WITH s AS {DRAWN}, t AS (SELECT r FROM s)"
    " SELECT count(DISTINCT r) FROM (SELECT r FROM t UNION ALL SELECT r FROM t) q": 50,
    f"WITH s AS {DRAWN} SELECT sum((SELECT count(*) FROM (VALUES (0.5)) t(v) WHERE v > r + v * 0)"
    " - (r < 0.5)::int) FROM s": 0,
}  # fmt: skip
# One row per query that would read rows twice which are not the same: the function it names.
REFUSED = {
    f"WITH s AS {DRAWN} SELECT sum(grad(a.r * b.r, a.r)) FROM s a JOIN s b USING (r)": "random",
    f"SELECT r, (SELECT sum(v * r) FROM (VALUES (1), (2)) t(v)) FROM {DRAWN} s": "random",
    f"SELECT r, l.c FROM {DRAWN} s, LATERAL (SELECT sum(v * r) AS c FROM (VALUES (1), (2)) t(v)) l":
        "random",
}  # fmt: skip


@pytest.mark.parametrize("query", ANSWERED)
def test_rows_are_drawn_once(connect, query: str) -> None:
    with connect() as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    assert row[0] == ANSWERED[query]


@pytest.mark.parametrize("query", ANSWERED)
def test_postgresql_answers_so(postgres, query: str) -> None:
    with postgres() as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    assert row[0] == ANSWERED[query]


@pytest.mark.parametrize("query", REFUSED)
def test_rows_that_would_be_drawn_twice(connect, query: str) -> None:
    with connect() as connection, pytest.raises(psycopg.errors.FeatureNotSupported) as raised:
        connection.execute(query.encode())
    assert f"calls {REFUSED[query]}()" in str(raised.value)
    assert "CREATE TEMP TABLE" in (raised.value.diag.message_hint or "")
