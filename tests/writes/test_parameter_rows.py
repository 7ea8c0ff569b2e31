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

COUNTED = (
    "INSERT INTO t (a, b) SELECT p0::INTEGER, p1::FLOAT FROM (VALUES ($1::INTEGER, $2, 0),"
    " ($3::INTEGER, $4, 1), ($5::INTEGER, $6, 2), ($7::INTEGER, $8, 3)) AS v (p0, p1, n) ORDER BY n"
    " RETURNING t.a, t.a AS b"
)

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
    (HEAD + FOUR + " RETURNING a ; ", (HEAD + "($1, $2) RETURNING a", 2, 4)),
    (HEAD + FOUR + " RETURNING $9", None),
    (COUNTED, (HEAD + "($1, $2) RETURNING t.a, t.a AS b", 2, 4)),
    (COUNTED.replace(", 3)", ", 2)"), None),
    (COUNTED.replace("BY n", "BY p0"), None),
    (COUNTED.replace("BY n", "BY n DESC"), None),
    (COUNTED.replace("(p0, p1, n)", "(p1, p0, n)"), None),
    (COUNTED.replace("p1::FLOAT", "p1 + 1"), None),
    (COUNTED.replace("p1::FLOAT", "p1::FLOAT, 1"), None),
    (COUNTED.replace("p0::INTEGER", "p0::TEXT"), None),
    (COUNTED.replace(") AS v", ", ($9, $10, 4)) AS v").replace("$10", "9"), None),
    (HEAD + FOUR + " ON CONFLICT DO NOTHING", None),
    (HEAD + FOUR + "; SELECT 1", None),
    (HEAD + FOUR + " -- so", None),
    (HEAD + "($1::int, $2), ($3, $4), ($5, $6), ($7, $8)", None),
    (HEAD + "($1::int, $2), ($3::int, $4), ($5::int8, $6), ($7::int, $8)", None),
    (HEAD + "($1::int[], $2), ($3::int[], $4), ($5::int[], $6), ($7::int[], $8)", None),
    (HEAD + "($1::varchar(3), $2), ($3, $4), ($5, $6), ($7, $8)", None),
    ("INSERT INTO t SELECT $1", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), READ, ids=range(len(READ)))
def test_rows_of_parameters(text: str, wanted: tuple[str, int, int] | None) -> None:
    found = read(text)
    shown = None if found is None else (found.shape, found.width, found.count)
    assert shown == wanted


def test_casts_of_a_column() -> None:
    found = read(
        HEAD + ", ".join(f"(${n}::BIGINT, ${n + 1} :: double  precision)" for n in (1, 3, 5, 7))
    )
    assert found is None  # one space between the words
    found = read(
        HEAD + ", ".join(f"(${n}::BIGINT, ${n + 1} ::double precision )" for n in (1, 3, 5, 7))
    )
    assert found == ParameterRows(HEAD + "($1, $2)", 2, 4, ("BIGINT", "double precision"))
    first = [INT8, FLOAT8]
    assert found.settled({1: INT2}, [INT2, FLOAT8], first) == first
    assert found.settled({}, first, [INT4, FLOAT8]) is None  # another column
    assert found.settled({3: TEXT}, first, first) is None  # what is declared is no integer


INT2, INT4, INT8, TEXT, FLOAT8 = (
    by_name(name) for name in ("int2", "int4", "int8", "text", "float8")
)


def test_types_of_a_column_agree() -> None:
    rows, columns = ParameterRows("", 2, 2, ("", "")), [INT4, TEXT]
    assert rows.settled({}, columns, columns) == columns
    assert rows.settled({1: INT2, 3: INT4}, [INT2, TEXT], columns) == [INT2, TEXT]
    assert rows.settled({1: INT2, 3: TEXT}, [INT2, TEXT], columns) is None
    assert rows.settled({1: INT2}, [INT2, TEXT], columns) == columns  # $3 is of its column's type
    assert rows.settled({1: FLOAT8}, [FLOAT8, TEXT], columns) is None
    assert rows.types({1: INT2, 3: INT4}, [INT2, TEXT]) == (INT2, TEXT, INT4, TEXT)


TABLE = "(n int PRIMARY KEY, a float8 NOT NULL DEFAULT 0, s varchar(5), d numeric(6, 2), t date)"

# What is inserted -> its rows of values.
INSERTS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "widths": ("(n, a)", [(1, 1.5), (70_000, -2.5), (3, 0.0), (4, 1e300)]),
    "nulls": ("(n, s)", [(1, None), (2, "b"), (3, None), (4, "d")]),
    "a null first": ("(n, d)", [(1, None), (2, 1.5), (3, None), (4, 700.5)]),
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


# What is inserted -> what each of its columns is cast to.
CASTS = {
    "widths": ("int", "double precision"),
    "nulls": ("INTEGER", "VARCHAR"),
    "a null first": ("INTEGER", "NUMERIC"),
    "texts": ("INTEGER", "DATE"),
    "whole rows": ("INTEGER", "FLOAT", "VARCHAR", "NUMERIC", "DATE"),
    "a duplicate": ("bigint",),
    "too long": ("INTEGER", "text"),
    "too large": ("int4", "numeric"),
    "beyond integer": ("integer",),
    "several kinds": ("int", "numeric"),
    "no number": ("int", "numeric"),
    "no date": ("int", "date"),
    "no such column": ("int", "int"),
    "too few": ("int",),
}
WAYS = [(name, None) for name in INSERTS] + [(name, CASTS[name]) for name in CASTS]


@pytest.mark.parametrize(("name", "casts"), WAYS)
def test_they_come_to_what_they_come_to_as_they_stand(
    connect: Connect, name: str, casts: tuple[str, ...] | None
) -> None:
    columns, rows = INSERTS[name]
    cells = [f"%s::{cast}" for cast in casts] if casts else ["%s"] * len(rows[0])
    marks = ", ".join([f"({', '.join(cells)})"] * len(rows))
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
