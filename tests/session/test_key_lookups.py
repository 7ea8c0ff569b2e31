"""Queries by key of a table that was just changed: the rows that PostgreSQL gives."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.conftest import Connect

SETUP = (
    "CREATE TABLE looked (k int PRIMARY KEY, a int, c char(4), s varchar UNIQUE, t timestamptz,"
    " n numeric(6, 2), d date, l int[], f float8)",
    "CREATE TABLE pairs (a int, b text, v int, PRIMARY KEY (a, b))",
    "INSERT INTO looked SELECT g, g, 'ab', 's' || g, '2020-01-01 12:00+02', g / 4.0, '0044-03-15',"
    " ARRAY[g, NULL], g / 3.0 FROM generate_series(1, 9) q(g)",
    "INSERT INTO pairs SELECT g % 3, 'x' || g, g FROM generate_series(1, 9) q(g)",
    "CREATE VIEW through AS SELECT k, a + 1 AS b FROM looked",
)
CHANGE = ("UPDATE looked SET a = a + 1 WHERE k = 3", "UPDATE pairs SET v = v + 1 WHERE b = 'x3'")

#   query, parameters
QUERIES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("SELECT a FROM looked WHERE k = 3", ()),
    ("SELECT a FROM looked WHERE k = %s", (3,)),
    ("SELECT a FROM looked WHERE k = %s", (33,)),
    ("SELECT a FROM looked WHERE k = %s", (2**40,)),
    ("SELECT a FROM looked WHERE k = NULL", ()),
    ("SELECT * FROM looked WHERE s = 's3'", ()),
    ("SELECT x.s, a AS b, a, s FROM looked x WHERE x.k = 3", ()),
    ("SELECT c, t, d, f FROM looked WHERE k = 3 AND a > 0", ()),
    ("SELECT k, l FROM looked WHERE k IN (3, 4, 99) ORDER BY k DESC", ()),
    ("SELECT a FROM looked WHERE k = 3 AND k = 4", ()),
    ("SELECT a FROM looked WHERE k = 3 OR k = 4", ()),
    ("SELECT a FROM looked WHERE NOT k = 3", ()),
    ("SELECT a + 1 FROM looked WHERE k = 3", ()),
    ("SELECT count(*), sum(a) FROM looked WHERE k = 3", ()),
    ("SELECT count(*) FROM looked WHERE k = 33", ()),
    ("SELECT DISTINCT a FROM looked WHERE k IN (3, 4) ORDER BY a LIMIT 1 OFFSET 1", ()),
    ("SELECT a, (SELECT max(a) FROM looked) FROM looked WHERE k = 3", ()),
    ("SELECT q.k FROM looked AS q (a, k) WHERE k = 3", ()),
    ("SELECT b FROM through WHERE k = 3", ()),
    ("SELECT x.a, y.v FROM looked x, pairs y WHERE x.k = 3 AND y.a = 0 AND y.b = 'x3'", ()),
    ("SELECT v FROM pairs WHERE a = 0 AND b = 'x3'", ()),
    ("SELECT v FROM pairs WHERE a = %s AND b = %s", (0, "x3")),
    ("SELECT v FROM pairs WHERE a = 0", ()),
    ("SELECT a FROM looked WHERE k = 3 UNION ALL SELECT v FROM pairs WHERE a = 0 AND b = 'x9'", ()),
    ("WITH looked AS (SELECT 3 AS k, 77 AS a) SELECT a FROM looked WHERE k = 3", ()),
    ("SELECT a FROM looked WHERE k = 3 FOR UPDATE", ()),
)


def outcome(connection: psycopg.Connection[Any], text: str, given: tuple[Any, ...]) -> object:
    """Names, types and rows; or the SQLSTATE."""
    try:
        cursor = connection.execute(text.encode(), given or None)
    except psycopg.Error as error:
        return error.sqlstate
    return [(c.name, c.type_code) for c in cursor.description or ()], sorted(
        map(repr, cursor.fetchall())
    )


def told(link: psycopg.Connection[Any]) -> list[object]:
    """What each query tells after a change, twice."""
    found = []
    for text, given in (query for query in QUERIES for _ in range(2)):
        for change in CHANGE:
            link.execute(change.encode())
        found.append((text, outcome(link, text, given)))
    return found


def test_rows_are_looked_up(connect: Connect, postgres: Connect) -> None:
    with postgres(user="postgres", dbname="postgres") as theirs:
        answers = []
        for link in (connect(), theirs):
            for statement in SETUP:
                link.execute(statement.encode())
            alone = told(link)
            link.execute("BEGIN")
            answers.append((alone, told(link)))
            link.execute("COMMIT; DROP TABLE looked, pairs CASCADE")
    assert answers[0] == answers[1]


def test_a_row_is_looked_up_before_all_are_read(connect: Connect) -> None:
    link = connect()
    link.execute("CREATE TABLE once_more (k int PRIMARY KEY, a int)")
    link.execute("INSERT INTO once_more SELECT g, g FROM generate_series(1, 99) q(g)")
    for number in range(1, 100):  # first they are looked up, then they are in memory
        found = link.execute("SELECT a FROM once_more WHERE k = %s", (number,)).fetchall()
        assert found == [(number,)]
    other = connect()
    other.execute("UPDATE once_more SET a = 0 WHERE k = 7")
    assert link.execute("SELECT a FROM once_more WHERE k = 7").fetchall() == [(0,)]
    other.execute("ALTER TABLE once_more RENAME COLUMN a TO b")
    assert link.execute("SELECT b FROM once_more WHERE k = 7").fetchall() == [(0,)]
    other.execute("DROP TABLE once_more")
