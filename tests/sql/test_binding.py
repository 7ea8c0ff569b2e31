"""Which column a name means: the rows and the names that PostgreSQL itself gives."""

from __future__ import annotations

import pytest

from gateway.errors import AmbiguousColumn, UndefinedTable
from tests.autodiff.relations import rewritten, run
from tests.conftest import Connect

ROWS: dict[str, dict[str, list[object]]] = {
    "t": {"x": [1.5, None, 2.0], "y": [0.5, 0.25, None], "z": [1.0, 2.0, 3.0], "n": [3, 7, None]},
    "u": {"x": [1.5, 9.0], "w": [2.0, 3.0], "k": [5, 6]},
}
TABLES = """
CREATE TABLE t (x float8, y float8, z float8, n bigint, r real, s text, c float8);
CREATE TABLE u (x float8, w float8, "2m_temperature" float8, k bigint);
CREATE VIEW waves AS SELECT x, sin(x) AS e, y FROM t;
INSERT INTO t (x, y, z, n, c) VALUES
  (1.5, 0.5, 1, 3, 0), (NULL, 0.25, 2, 7, 0), (2, NULL, 3, NULL, 0);
INSERT INTO u (x, w, k) VALUES (1.5, 2, 5), (9, 3, 6);
"""

QUERIES = [
    # USING and NATURAL: the merged column.
    "SELECT x FROM t FULL JOIN u USING (x)",
    "SELECT x, y, w FROM t RIGHT JOIN u USING (x)",
    "SELECT * FROM t FULL JOIN u USING (x)",
    "SELECT * FROM t RIGHT JOIN u USING (x)",
    "SELECT * FROM t LEFT JOIN u USING (x)",
    "SELECT x, w FROM t JOIN u USING (x) WHERE x > 1 ORDER BY x",
    "SELECT x, sum(w) FROM t JOIN u USING (x) WHERE x > 1 GROUP BY x HAVING x < 2 ORDER BY x + 1",
    "SELECT x, count(*) FROM t FULL JOIN u USING (x) WHERE x > 1.6 GROUP BY x ORDER BY x",
    "SELECT a.w, b.k, x FROM u a FULL JOIN u b USING (x) FULL JOIN t USING (x)",
    "SELECT x, c.w FROM u a RIGHT JOIN u b USING (x) JOIN u c USING (x)",
    "SELECT * FROM t NATURAL FULL JOIN (SELECT x FROM u) b",
    "SELECT w FROM u WHERE EXISTS (SELECT 1 FROM (SELECT x AS q FROM t) s WHERE q = x)",
    # Repeated names.
    "SELECT * FROM (SELECT x, y AS x, 1, 2 FROM t) s",
    "SELECT *, 1 FROM (SELECT s.* FROM (SELECT x, y AS x FROM t) s) s",
    "WITH s AS (SELECT x, y AS x FROM t) SELECT * FROM s",
    "WITH s(a, b) AS (SELECT x, y AS x FROM t) SELECT b, * FROM s",
    "SELECT a.*, b.* FROM u a, u b",
    # Alias lists that name the first columns alone; relations without a name of their own.
    "SELECT p.a, p.y, p.* FROM t AS p(a)",
    "SELECT * FROM (SELECT x, y, z FROM t) AS s(a)",
    "WITH s(a) AS (SELECT x, y FROM t) SELECT * FROM s AS q(b)",
    "SELECT * FROM generate_series(1, 2)",
    "SELECT g, * FROM generate_series(1, 2) AS g",
    "SELECT * FROM unnest(ARRAY[1, 2])",
    # Names of what has none.
    "SELECT interval '1 day' FROM t WHERE false",
    "SELECT trim(' a '), CAST(x AS bigint), -x, x IS NULL, count(*) OVER () FROM t",
    # A view's tables are its own, whatever a CTE is called; columns under their schema's name.
    "WITH t AS (SELECT 7.0::float8 AS x) SELECT t.x, waves.y FROM waves, t",
    "SELECT public.t.x, public.waves.y FROM t, waves",
    # ORDER BY: a name alone is an output.
    "SELECT -z AS z FROM t ORDER BY z",
    "SELECT -z AS z FROM t ORDER BY -z",
    "SELECT n, -max(z) AS z FROM t GROUP BY n ORDER BY -max(z)",
    "SELECT DISTINCT CASE WHEN z > 1 THEN n END AS n FROM t ORDER BY CASE WHEN z > 1 THEN n END",
    "SELECT -z AS z FROM t ORDER BY z + 0",
    "SELECT n, -max(z) AS z FROM t GROUP BY n ORDER BY max(z)",
]  # fmt: skip

AMBIGUOUS = [
    "SELECT x FROM (SELECT x, y AS x FROM t) s",
    "SELECT s.x FROM (SELECT x, y AS x FROM t) s",
    "SELECT 1 FROM (SELECT x, y AS x FROM t) s WHERE x > 1",
    "SELECT x FROM t, u",
]

# Columns of relations that are not in FROM, or go by another name there.
MISSING = ["SELECT other.t.x FROM t", "SELECT public.t.x FROM t AS a, u AS t"]


@pytest.fixture(scope="module")
def tables(postgres: Connect) -> Connect:
    with postgres() as connection:
        connection.execute(TABLES)
    return postgres


@pytest.mark.parametrize("query", QUERIES)
def test_as_postgresql(query: str, tables: Connect) -> None:
    with tables() as connection:
        cursor = connection.execute(query)
        expected, names = cursor.fetchall(), [column.name for column in cursor.description or ()]
    assert list(rewritten(query).names or ()) == names
    found = [tuple(row.values()) for row in run(query, ROWS)]
    if " ORDER BY " in query:
        assert found == expected
    else:
        assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("query", AMBIGUOUS)
def test_ambiguous(query: str) -> None:
    with pytest.raises(AmbiguousColumn):
        run(query, ROWS)


@pytest.mark.parametrize("query", MISSING)
def test_missing(query: str) -> None:
    with pytest.raises(UndefinedTable) as refusal:
        rewritten(query)
    assert refusal.value.position == len("SELECT ") + 1
