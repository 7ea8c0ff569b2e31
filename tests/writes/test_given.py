"""Constants and parameters written as they stand: what PostgreSQL makes of them.

Each is written three times: by VALUES, which no engine computes; beside an expression, for which
the engine computes the row; and as one of several rows. PostgreSQL keeps the same each time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Connect

#   column type           constants
CONSTANTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("smallint", ("1", "-32768", "32768", "'7'", "' -7 '", "'x'", "NULL", "true", "2.5", "-2.5")),
    ("integer", ("2147483647", "-2147483648", "2147483648", "'0x1'", "3.5", "1e2", "'1.5'")),
    ("bigint", ("9223372036854775807", "-9223372036854775808", "9223372036854775808", "4.5")),
    ("real", ("1.1", "16777217", "'NaN'", "'-Infinity'", "1e39", "1e-46")),
    ("double precision", ("0.1", "1e308", "-1.5e-300", "'1e400'", "'NaN'", "9007199254740993")),
    ("numeric(30, 10)", ("1.10", "-0.0000000001", "12345678901234567890.5", "1e3", "'1.5'")),
    ("numeric(5, 2)", ("1.005", "-1.005", "999.994", "999.995", "1000", "'12.345'")),
    ("text", ("'a'", "''", "'it''s'", "1", "true", "'é漢'", r"'a\n'", r"E'a\n'", "NULL")),
    ("varchar(3)", ("'abc'", "'abc  '", "'abcd'", "1234")),
    ("char(3)", ("'ab'", "'ab  '", "'abcd'")),
    ("boolean", ("true", "false", "'t'", "'off'", "'maybe'", "1", "NULL")),
    ("date", ("'2020-02-29'", "'2019-02-29'", "'0001-01-01'", "1")),
    ("time", ("'12:34:56.789'", "'25:00'", "'24:00:00'")),
    ("timestamp", ("'2020-01-02 03:04:05.678901'", "'2020-01-02'", "'9999-12-31 23:59:59'")),
    ("timestamptz", ("'2020-01-02 03:04:05+02'", "'2020-01-02 03:04:05'", "'x'")),
    ("bytea", (r"'\x00ff'", "'abc'", r"'\x0'")),
    ("uuid", ("'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'nope'")),
    ("jsonb", ("""'{"b": 1, "a": [null]}'""", "'{'")),
    ("interval", ("'1 day'", "'1 mon -3:04:05.5'")),
    ("integer[]", ("'{1,2,NULL}'", "'{}'")),
)

NAIVE = datetime(2020, 7, 1, 2, 3, 4)
AWARE = NAIVE.replace(tzinfo=UTC)

#   column type    parameters, as psycopg sends them
PARAMETERS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("smallint", (1, 40_000, "7", None)),
    ("bigint", (1, 2**40, 2**62, "9")),
    ("double precision", (1, 0.1, float("nan"), float("-inf"), "1.5")),
    ("real", (0.1, 1e39)),
    (
        "text",
        (
            "a",
            "",
            "it's",
            "\\",
            "é漢",
            5,
            1e20,
            Decimal("1.50"),
            True,
            AWARE,
            NAIVE,
            AWARE.date(),
            NAIVE.time(),
            timedelta(1, 5),
            [1, 2],
            ["a", None],
            b"ab",
            UUID(int=5),
        ),
    ),
    ("varchar(3)", ("abc", "abcd", 1e20, AWARE)),
    ("boolean", (True, "no")),
    ("bytea", (b"\x00\xff", b"")),
    ("date", ("2020-02-30", "2020-02-29", AWARE, NAIVE)),
    ("timestamp", (AWARE, NAIVE, AWARE.date())),
    ("timestamptz", ("2020-01-02 03:04:05.678+02", AWARE, NAIVE, AWARE.date())),
    ("time", ("12:34:56.789", "x", AWARE, NAIVE)),
    ("interval", ("1 mon -3:04:05.5",)),
    ("numeric", (Decimal("1.5"), 5, 2**70, "x")),
    ("uuid", ("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "nope")),
    ("json", ('{"b": 1}', "{")),
    ("jsonb", ('{"b": 1,   "a": [null]}', "{")),
    ("integer[]", ([1, None, 3], [])),
)


def kept(
    connection: psycopg.Connection[Any], values: str, given: Any = None, shown: str = "v::text"
) -> object:
    """What is in the table afterwards, or the SQLSTATE."""
    try:
        connection.execute(f"INSERT INTO given_rows VALUES {values}".encode(), given)
        query = f"SELECT {shown}, v IS NULL FROM given_rows ORDER BY n"
        rows = connection.execute(query.encode()).fetchall()
    except psycopg.Error as error:
        return error.sqlstate
    finally:
        connection.execute("DELETE FROM given_rows")
    return rows


@pytest.mark.parametrize(("kind", "constants"), CONSTANTS, ids=[kind for kind, _ in CONSTANTS])
def test_constants_are_kept_as_postgresql_keeps_them(
    kind: str, constants: tuple[str, ...], connect: Connect, postgres: Connect
) -> None:
    ours = connect()
    with postgres(user="postgres", dbname="postgres") as theirs:
        for connection in (ours, theirs):
            connection.execute("DROP TABLE IF EXISTS given_rows")
            connection.execute(f"CREATE TABLE given_rows (n int, v {kind})".encode())
            connection.execute("SET TimeZone TO 'UTC'")
        shown = "v" if kind == "bytea" else "v::text"
        for constant in constants:
            forms = (f"(1, {constant})", f"(1 + 0, {constant})", f"(1, {constant}), (2, NULL)")
            for values in forms:
                wanted = kept(theirs, values, shown=shown)
                assert (values, kept(ours, values, shown=shown)) == (values, wanted)
        theirs.execute("DROP TABLE given_rows")
    ours.execute("DROP TABLE given_rows")


@pytest.mark.parametrize(("kind", "values"), PARAMETERS, ids=[kind for kind, _ in PARAMETERS])
def test_parameters_are_kept_as_postgresql_keeps_them(
    kind: str, values: tuple[Any, ...], connect: Connect, postgres: Connect
) -> None:
    ours = connect()
    with postgres(user="postgres", dbname="postgres") as theirs:
        for connection in (ours, theirs):
            connection.execute("DROP TABLE IF EXISTS given_rows")
            connection.execute(f"CREATE TABLE given_rows (n int, v {kind})".encode())
            connection.execute("SET TimeZone TO 'America/Chicago'")
            connection.execute("SET DateStyle TO German")
        shown = "v" if kind == "bytea" else "v::text"
        for value in values:
            cast = f"%s::{kind.partition('(')[0]}"
            rows = [
                ("(1, %s)", (value,)),
                ("(2, %s), (1, %s)", (value, value)),
                ("(2, %s), (1, %s)", (value, None)),
                (f"(1, {cast})", (value,)),
                (f"(2, {cast}), (1::int, {cast})", (value, value)),
            ]
            if kind == "real":  # the engine's cast of a double that is too large gives infinity
                del rows[2:]
            for text, given in rows:
                wanted = kept(theirs, text, given, shown)
                assert (given, kept(ours, text, given, shown)) == (given, wanted)
        theirs.execute("DROP TABLE given_rows")
    ours.execute("DROP TABLE given_rows")
