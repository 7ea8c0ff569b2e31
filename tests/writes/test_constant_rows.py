"""INSERT ... VALUES of constants, read in one pass: the same rows and errors as read as a tree."""

from __future__ import annotations

import random
import time
from typing import Any

import psycopg
import pytest

from gateway.sql.writes.constant_rows import read
from tests.conftest import Connect

TAKEN: tuple[tuple[str, str, list[tuple[str, ...]]], ...] = (
    ("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES ($1)", [("1",)]),
    (
        """ insert into "S"."T"("a b", c) values (-1.5e3, 'it''s'),\n( NULL ,'')\t; """,
        """ insert into "S"."T"("a b", c) values ($1, $2)""",
        [("-1.5e3", "NULL"), ("'it''s'", "''")],
    ),
    (
        "INSERT INTO t VALUES (.5,true),(1.,FALSE)",
        "INSERT INTO t VALUES ($1, $2)",
        [(".5", "1."), ("true", "FALSE")],
    ),
    ("INSERT INTO t VALUES (1), (2) RETURNING a", "INSERT INTO t VALUES ($1) RETURNING a",
     [("1", "2")]),
    (
        "INSERT INTO t (a, b) SELECT p0::INT, p1::VARCHAR FROM (VALUES (1, 'x, 1), (', 0), (2,"
        " NULL, 1)) AS v(p0, p1, n) ORDER BY n RETURNING t.a;",
        "INSERT INTO t (a, b) VALUES ($1, $2) RETURNING t.a",
        [("1", "2"), ("'x, 1), ('", "NULL")],
    ),
    ("INSERT INTO t VALUES ('(1), (2)')", "INSERT INTO t VALUES ($1)", [("'(1), (2)'",)]),
)  # fmt: skip

LEFT_ALONE = (
    "INSERT INTO t VALUES (1, 2), (3)",
    "INSERT INTO t VALUES (1),",
    "INSERT INTO t VALUES (1) (2)",
    "INSERT INTO t VALUES (1); SELECT 1",
    "INSERT INTO t VALUES (1) RETURNING $1",
    "INSERT INTO t (a) SELECT p FROM (VALUES (1, 0), (2, 0)) AS v(p, n) ORDER BY n",
    "INSERT INTO t (a) SELECT p FROM (VALUES (1, 0), (2, 1)) AS v(n, p) ORDER BY n",
    "INSERT INTO t (a) SELECT p FROM (VALUES (1, 0), (2, 1)) AS v(p, n) ORDER BY p",
    "INSERT INTO t (a) SELECT p FROM (VALUES (1, 0), (2, 1)) AS v(p, n) WHERE true ORDER BY n",
    "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
    "INSERT INTO t VALUES (E'a')",
    r"INSERT INTO t VALUES ('a\b')",
    "INSERT INTO t VALUES ('a' 'b')",
    "INSERT INTO t VALUES ('a'::text)",
    "INSERT INTO t VALUES (1 + 1)",
    "INSERT INTO t VALUES (- 1)",
    "INSERT INTO t VALUES (1.5.2)",
    "INSERT INTO t VALUES (1a)",
    "INSERT INTO t VALUES (1e)",
    "INSERT INTO t VALUES (DEFAULT)",
    "INSERT INTO t VALUES (null1)",
    "INSERT INTO t VALUES ($1)",
    "INSERT INTO t VALUES (now())",
    "INSERT INTO t VALUES (1 /* one */)",
    "INSERT INTO t AS u VALUES (1)",
    "INSERT INTO t SELECT 1",
    "INSERT INTO tVALUES (1)",
)


@pytest.mark.parametrize(("text", "shape", "columns"), TAKEN)
def test_constants_are_taken(text: str, shape: str, columns: list[tuple[str, ...]]) -> None:
    found = read(text)
    assert found is not None
    assert (found.shape, list(found.columns)) == (shape, columns)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_more_is_left_alone(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO t VALUES (1)" + " " * 300_000 + "x",
        "INSERT INTO t VALUES (1), (" + "1" * 300_000 + "x",
        "INSERT INTO t VALUES (1), ('" + "''" * 150_000,
        "INSERT INTO t VALUES (" + "1, " * 100_000,
        "INSERT INTO t VALUES (1), " + "(1" * 100_000,
        "INSERT INTO t (" + "a, " * 100_000,
    ],
    ids=["blanks", "digits", "quotes", "columns", "brackets", "names"],
)
def test_a_text_takes_as_long_as_it_is(text: str) -> None:
    """Where something is given back and tried anew these take minutes."""
    start = time.process_time()
    assert read(text) is None
    assert time.process_time() - start < 30


MOMENTS = ("date", "timestamp", "timestamptz")
KINDS = ("smallint", "int", "bigint", "float8", "real", "numeric(8, 3)", "text", "varchar(4)",
         "boolean", "uuid", "jsonb", "bytea", "interval", "int[]", *MOMENTS)  # fmt: skip
CELLS = ("1", "-7", "0", "2.5", "-2.5", "1e3", "32768", "9223372036854775808", "1234567890.5678",
         "NULL", "true", "FALSE", "'x'", "'12'", "'it''s'", "'2020-01-02'", "'2020-01-02 03:04:05'",
         "'tomorrow'", "'{}'", "'[1, \"a\"]'", "'1 day'", "'t'", "'long one'", "''",
         "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "-0.0", "-0")  # fmt: skip


def outcome(link: psycopg.Connection[Any], text: str) -> tuple[object, ...]:
    """The tag, or what the error tells, and the rows that are there then."""
    try:
        with link.transaction():
            told: object = link.execute(text.encode()).statusmessage
    except psycopg.Error as error:
        shown = error.diag
        told = (
            error.sqlstate,
            shown.message_primary,
            shown.message_detail,
            shown.statement_position,
        )
    rows = link.execute("SELECT a::text, b::text FROM read_twice").fetchall()
    link.execute("DELETE FROM read_twice")
    return told, rows


@pytest.mark.parametrize(("zone", "kinds"), [("UTC", KINDS), ("Asia/Tokyo", MOMENTS)])
def test_they_are_what_the_tree_gives(
    zone: str, kinds: tuple[str, ...], connect: Connect, tries: int = 5
) -> None:
    """A comment after the rows keeps a text from being read in one pass; more `tries` try more."""
    rng, link = random.Random(zone), connect()
    link.execute(f"SET TimeZone TO '{zone}'".encode())
    for kind in kinds:
        link.execute(f"CREATE TABLE read_twice (a {kind}, b {rng.choice(KINDS)})".encode())
        for cell in rng.sample(CELLS, tries):
            others = [rng.choice(CELLS) for _ in range(3)]
            rows = rng.choice((f"({cell}, NULL)", f"({cell}, {others[0]}), ({others[1]}, NULL)"))
            text = f"INSERT INTO read_twice VALUES {rows}"
            assert outcome(link, text) == outcome(link, f"{text} --"), (kind, text)
        link.execute("DROP TABLE read_twice")


def test_a_hundred_thousand_rows_are_one_statement(connect: Connect) -> None:
    link = connect()
    link.execute("CREATE TABLE long_list (n int PRIMARY KEY, a float8, s text)")
    values = ", ".join(f"({n}, {n / 8}, 'row {n}')" for n in range(100_000))
    text = f"INSERT INTO long_list VALUES {values}".encode()
    assert link.execute(text).rowcount == 100_000
    query = "SELECT count(*), sum(n), sum(a), max(s) FROM long_list"
    wanted = (100_000, 4_999_950_000, 4_999_950_000 / 8, "row 99999")
    assert link.execute(query).fetchone() == wanted
    with pytest.raises(psycopg.errors.UniqueViolation):
        link.execute(text)
    assert link.execute(query).fetchone() == wanted
    link.execute("DROP TABLE long_list")


def test_a_failed_transaction_stays_failed_and_a_savepoint_saves(connect: Connect) -> None:
    link = connect()
    link.execute("CREATE TABLE saved (n int PRIMARY KEY)")
    for statement, wanted in (
        ("BEGIN", "BEGIN"),
        ("INSERT INTO saved VALUES (1), (2)", "INSERT 0 2"),
        ("SAVEPOINT s", "SAVEPOINT"),
        ("INSERT INTO saved VALUES (3), (1)", "23505"),
        ("INSERT INTO saved VALUES (4)", "25P02"),
        ("ROLLBACK TO s", "ROLLBACK"),
        ("INSERT INTO saved VALUES (3)", "INSERT 0 1"),
        ("COMMIT", "COMMIT"),
    ):
        try:
            told = link.execute(statement.encode()).statusmessage
        except psycopg.Error as error:
            told = error.sqlstate
        assert (statement, told) == (statement, wanted)
    assert link.execute("SELECT n FROM saved ORDER BY n").fetchall() == [(1,), (2,), (3,)]
    link.execute("DROP TABLE saved")
