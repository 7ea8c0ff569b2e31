"""Writes of rows that are named by their values: the rows that PostgreSQL writes."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.conftest import Connect

SETUP = (
    "DROP TABLE IF EXISTS named_rows",
    "CREATE TABLE named_rows (k int PRIMARY KEY, g int8, s text, v float8)",
    "INSERT INTO named_rows SELECT n, n % 3, 's' || (n % 4), n * 0.5"
    " FROM generate_series(1, 12) q(n)",
    "INSERT INTO named_rows VALUES (100, NULL, NULL, NULL)",
)

#   statement, parameters
WRITES: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("UPDATE named_rows SET v = 7 WHERE k = 3", ()),
    ("UPDATE named_rows SET v = 7, s = 'new' WHERE k IN (3, 4, 99) AND s = 's3'", ()),
    ("UPDATE named_rows SET v = v + 1 WHERE k = %s", (5,)),
    ("UPDATE named_rows SET v = %s, g = %s WHERE k = %s", (1.5, None, 6)),
    ("UPDATE named_rows SET v = 1 WHERE k = %s", (None,)),
    ("UPDATE named_rows SET v = 1 WHERE s = %s AND g = 1", ("s1",)),
    ("UPDATE named_rows SET v = %s::float8, s = %s::varchar WHERE k = %s::int", (1.5, "b", 6)),
    ("UPDATE named_rows SET v = v + %s, g = g + %s::int WHERE k = %s::bigint", (0.5, 7, 6)),
    ("UPDATE named_rows SET v = v + %s::float8 WHERE k = %s::smallint", (2, 70_000)),
    ("UPDATE named_rows SET g = g * %s::int WHERE k = 3", (2**40,)),
    ("UPDATE named_rows SET v = 1 WHERE k = %s::int", (2**40,)),
    ("UPDATE named_rows SET v = 1 WHERE k = %s::int AND s = %s::varchar(1)", (6, "s2")),
    ("UPDATE named_rows SET v = 1 WHERE k = %s::int AND s = %s::text", ("6", 2)),
    ("SELECT v, s FROM named_rows WHERE k = %s::int", (6,)),
    ("SELECT v, s FROM named_rows WHERE k = %s::int", (2**40,)),
    ("DELETE FROM named_rows WHERE k = %s::int", (2**40,)),
    ("UPDATE named_rows SET v = 1 WHERE k = 3 OR k = 4", ()),
    ("UPDATE named_rows SET v = 1 WHERE k = 3 AND k = 4", ()),
    ("UPDATE named_rows SET v = 1 WHERE 3 = k AND v > 100", ()),
    ("UPDATE named_rows SET k = 50 WHERE k = 3", ()),
    ("UPDATE named_rows SET v = (SELECT sum(v) FROM named_rows) WHERE k = 3", ()),
    ("UPDATE named_rows a SET v = b.v FROM named_rows b WHERE a.k = 3 AND b.k = 4", ()),
    (
        "UPDATE named_rows a SET v = q.x FROM (VALUES (1, 5.5)) q(k, x) WHERE a.k = 3 AND q.k = 1",
        (),
    ),
    ("UPDATE named_rows SET v = 9 WHERE g = 2 RETURNING k, v", ()),
    ("UPDATE named_rows SET v = -v WHERE k = 2 RETURNING v + 1 AS w", ()),
    ("UPDATE named_rows SET v = 1 WHERE NOT k = 3", ()),
    ("UPDATE named_rows SET v = 1 WHERE s = ''", ()),
    ("UPDATE named_rows SET v = 1 WHERE k = -5", ()),
    ("UPDATE named_rows SET s = 's' WHERE v = 1.5", ()),
    ("DELETE FROM named_rows WHERE k = 3", ()),
    ("DELETE FROM named_rows WHERE k = %s AND g = %s RETURNING *", (7, 1)),
    ("DELETE FROM named_rows WHERE s IN ('s1', 's2') AND k > 4 RETURNING k", ()),
    ("DELETE FROM named_rows a USING named_rows b WHERE a.k = 3 AND b.g = a.k", ()),
    ("DELETE FROM named_rows WHERE k = 3 AND v < (SELECT max(v) FROM named_rows)", ()),
    ("INSERT INTO named_rows VALUES (3, 0, 'x', 1) ON CONFLICT (k) DO UPDATE SET v = 8", ()),
    ("INSERT INTO named_rows VALUES (200, 0, 'x', 1) ON CONFLICT (k) DO UPDATE SET v = 8", ()),
    (
        "INSERT INTO named_rows AS t VALUES (3, 0, 'x', 1), (4, 1, 'y', 2) ON CONFLICT (k)"
        " DO UPDATE SET v = t.v + excluded.v WHERE t.k = 4 RETURNING k, v",
        (),
    ),
    (
        "INSERT INTO named_rows VALUES (3, 0, 'x', 1) ON CONFLICT (k)"
        " DO UPDATE SET v = (SELECT max(v) FROM named_rows)",
        (),
    ),
    ("INSERT INTO named_rows VALUES (3, 0, 'x', 1) ON CONFLICT DO NOTHING RETURNING k", ()),
)


def outcome(connection: psycopg.Connection[Any], text: str, given: tuple[Any, ...]) -> object:
    """What the statement tells, and what is in the table after it."""
    try:
        with connection.transaction():
            cursor = connection.execute(text.encode(), given or None)
        told: object = cursor.statusmessage, sorted(cursor.fetchall() if cursor.description else ())
    except psycopg.Error as error:
        told = error.sqlstate
    rows = connection.execute("SELECT * FROM named_rows ORDER BY k").fetchall()
    return told, rows


def test_the_rows_that_are_named_are_written(connect: Connect, postgres: Connect) -> None:
    ours = connect()
    with postgres(user="postgres", dbname="postgres") as theirs:
        for connection in (ours, theirs):
            for statement in SETUP:
                connection.execute(statement.encode())
        for text, given in WRITES:
            found = []
            for connection in (ours, theirs):
                # Twice: over rows that are committed, and over rows of the transaction's own.
                told = []
                for before in ("SELECT 1", "UPDATE named_rows SET v = v * 2, k = k + 0"):
                    with connection.transaction(force_rollback=True):
                        connection.execute(before.encode())
                        told.append(outcome(connection, text, given))
                found.append(told)
            assert (text, found[0]) == (text, found[1])
        theirs.execute("DROP TABLE named_rows")
    ours.execute("DROP TABLE named_rows")
