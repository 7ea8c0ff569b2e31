"""INSERT of many rows of parameters: what is read in one pass, and that it changes nothing."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from gateway.sql.writes.parameter_rows import ParameterRows, read
from gateway.types import by_name
from tests.conftest import Connect

HEAD = "INSERT INTO t (a, b) VALUES "
FOUR = "($1, $2), ($3, $4), ($5, $6), ($7, $8)"

# Text -> shape, width and count; None where it is read as it stands.
READ: list[tuple[str, tuple[str, int, int] | None]] = [
    (HEAD + FOUR, (HEAD + "($1, $2)", 2, 4)),
    (HEAD + FOUR + " ;\n", (HEAD + "($1, $2)", 2, 4)),
    ('insert into "S"."t"values\n($1),($2) ,\n( $3 ),($4)', ('insert into "S"."t"values\n($1)', 1, 4)),  # noqa: E501
    (HEAD + "($1, $2), ($3, $4)", None),  # few
    (HEAD + "($1, $2), ($3, $4), ($5, $6), ($8, $7)", None),
    (HEAD + "($1, $2), ($3, $4), ($5, $6), ($1, $2)", None),
    (HEAD + "($1, $2), ($3, $4), ($5, $6), ($7)", None),
    (HEAD + "($1, $2), ($3, $4), ($5, $6), ($7, 8)", None),
    (HEAD + "($1, $2), ($3, $4), ($5, $6), ($7, DEFAULT)", None),
    (HEAD + "($1, $2), ($3, $4), ($5, $6), ($7, $8),", None),
    (HEAD + FOUR + " RETURNING a", None),
    (HEAD + FOUR + " ON CONFLICT DO NOTHING", None),
    (HEAD + FOUR + "; SELECT 1", None),
    (HEAD + FOUR + " -- so", None),
    (HEAD + "($1::int, $2), ($3, $4), ($5, $6), ($7, $8)", None),
    ("INSERT INTO t SELECT $1", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), READ, ids=range(len(READ)))
def test_rows_of_parameters(text: str, wanted: tuple[str, int, int] | None) -> None:
    assert read(text) == (None if wanted is None else ParameterRows(*wanted))


INT2, INT4, TEXT = (by_name(name) for name in ("int2", "int4", "text"))


def test_types_of_a_column_agree() -> None:
    rows = ParameterRows("", 2, 2)
    assert rows.declared({}) == {}
    assert rows.declared({1: INT2, 3: INT4}) == {1: INT2}
    assert rows.declared({1: INT2, 3: TEXT}) is None
    assert rows.declared({2: TEXT}) is None
    assert rows.types({1: INT2, 3: INT4}, [INT2, TEXT]) == (INT2, TEXT, INT4, TEXT)


TABLE = "(n int PRIMARY KEY, a float8 NOT NULL DEFAULT 0, s varchar(5), d numeric(6, 2), t date)"

# What is inserted -> its rows of values.
INSERTS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "widths": ("(n, a)", [(1, 1.5), (70_000, -2.5), (3, 0.0), (4, 1e300)]),
    "nulls": ("(n, s)", [(1, None), (2, "b"), (3, None), (4, "d")]),
    "nulls alone": ("(n, s)", [(n, None) for n in range(4)]),
    "texts": ("(n, t)", [(1, "2024-02-29"), (2, None), (3, "1999-12-31"), (4, "2000-01-01")]),
    "whole rows": ("", [(n, n / 3, f"x{n}", n, None) for n in range(200)]),
    "a duplicate": ("(n)", [(1,), (2,), (3,), (2,)]),
    "a null where none may be": ("(n, a)", [(1, 1.0), (2, None), (3, 1.0), (4, 1.0)]),
    "too long": ("(n, s)", [(1, "a"), (2, "b"), (3, "too long"), (4, "d")]),
    "too large": ("(n, d)", [(1, 1), (2, 2), (3, 10_000), (4, 4)]),
    "beyond integer": ("(n)", [(1,), (2,), (2**31,), (4,)]),
    "several kinds": ("(n, d)", [(1, 1), (2, 2.5), (3, 3), (4, 4)]),
    "no number": ("(n, d)", [(1, "1"), (2, "x"), (3, "3"), (4, "4")]),
    "no date": ("(n, t)", [(1, "2024-02-29"), (2, "2023-02-29"), (3, None), (4, None)]),
    "no such column": ("(n, missing)", [(n, n) for n in range(4)]),
    "too many": ("(n)", [(n, n) for n in range(4)]),
    "too few": ("(n, a)", [(n,) for n in range(4)]),
}


def outcome(connection: psycopg.Connection[Any], text: str, values: list[Any]) -> object:
    """What comes of an INSERT: tag and rows, or the error."""
    connection.execute("TRUNCATE spread")
    try:
        tag = connection.execute(text.encode(), values).statusmessage
    except psycopg.Error as error:
        diag = error.diag
        tag = (diag.sqlstate, diag.message_primary, diag.message_detail, diag.statement_position)
    return tag, connection.execute("SELECT * FROM spread ORDER BY n").fetchall()


@pytest.mark.parametrize("name", INSERTS)
def test_they_come_to_what_they_come_to_as_they_stand(connect: Connect, name: str) -> None:
    columns, rows = INSERTS[name]
    marks = ", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows)
    text = f"INSERT INTO spread {columns} VALUES {marks}"
    values = [value for row in rows for value in row]
    connection = connect()
    connection.execute(f"CREATE TEMP TABLE spread {TABLE}".encode())
    assert outcome(connection, text, values) == outcome(connection, f"{text} --", values)


def test_a_prepared_one_runs_again_and_by_execute(connect: Connect) -> None:
    connection = connect(prepare_threshold=0)
    connection.execute("CREATE TEMP TABLE spread (n int, s text)")
    marks = ", ".join(["(%s, %s)"] * 4)
    for start in (0, 100):
        values = [each for n in range(start, start + 4) for each in (n, str(n))]
        connection.execute(f"INSERT INTO spread VALUES {marks}".encode(), values)
    prepared = "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'INSERT%%'"
    name = connection.execute(prepared.encode(), ()).fetchone()
    assert name is not None
    connection.execute(f"EXECUTE \"{name[0]}\" (1, 'a', 2, 'b', 3, 'c', 4, 'd')".encode())
    found = connection.execute("SELECT count(*), count(DISTINCT s) FROM spread").fetchone()
    assert found == (12, 12)


def test_one_comes_between_executions_that_are_gathered(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TEMP TABLE spread (n int, s text)")
    one, several = "(%s, %s)", ", ".join(["(%s, %s)"] * 4)
    with connection.pipeline():
        for n in range(3):
            connection.execute(f"INSERT INTO spread VALUES {one}".encode(), (n, "x"))
        values = [each for n in range(3, 7) for each in (n, "y")]
        done = connection.execute(f"INSERT INTO spread VALUES {several}".encode(), values)
        for n in range(7, 10):
            connection.execute(f"INSERT INTO spread VALUES {one}".encode(), (n, "x"))
    assert done.statusmessage == "INSERT 0 4"
    found = connection.execute("SELECT n FROM spread").fetchall()
    assert found == [(n,) for n in range(10)]
