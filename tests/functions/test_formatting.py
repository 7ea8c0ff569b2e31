"""PostgreSQL's functions that depend on the types of their arguments, value by value.

tests/golden/functions/*.test: an expression, `----`, its value as PostgreSQL 15 sends it as text,
or the SQLSTATE of its refusal. `pytest --rewrite` writes what a real PostgreSQL says, never what
the gateway does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.engine.functions import registry
from tests import goldens
from tests.conftest import Connect

FILES = goldens.files("functions")


def value(connection: psycopg.Connection[Any], expression: str) -> str:
    try:
        result = connection.execute(f"SELECT {expression}").pgresult
    except psycopg.Error as error:
        return f"ERROR {error.sqlstate}"
    assert result is not None
    found = [result.get_value(row, 0) for row in range(result.ntuples)]
    return "\n".join("NULL" if field is None else f"|{field.decode()}|" for field in found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_as_postgresql_sends_it(file: Path, connect: Connect) -> None:
    connection = connect()
    recorded = goldens.cases(file)
    found = [(text, value(connection, text)) for text, _ in recorded]
    assert found == recorded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_record_is_postgresqls(file: Path, postgres: Connect, rewriting: bool) -> None:
    with postgres() as connection:
        goldens.check(file, lambda text: value(connection, text), rewriting)


@pytest.mark.parametrize(
    "call",
    ["to_char(p, 'YYYY')", "age(p)", "to_char(ARRAY[1], '9')", "justify_days(1)", "age(1, 2)"],
)
def test_refused_by_name(call: str, connect: Connect) -> None:
    connection = connect()
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(f"SELECT {call} FROM (SELECT ARRAY[1] || 2 AS p) AS t")
    assert caught.value.sqlstate in ("42883", "0A000")
    assert call.partition("(")[0] in str(caught.value)


def test_moments_are_shown_and_read_in_the_sessions_zone(connect: Connect) -> None:
    connection = connect()
    connection.execute("SET TimeZone TO 'America/New_York'")
    row = connection.execute(
        "SELECT to_char(timestamptz '2013-07-02 03:04:05+00', 'YYYY-MM-DD HH24:MI TZ OF'),"
        " to_timestamp('2013-07-01 23:04', 'YYYY-MM-DD HH24:MI') = '2013-07-02 03:04:00+00'"
    ).fetchone()
    assert row == ("2013-07-01 23:04 EDT -04", True)


def test_pg_typeof_of_a_column_and_of_an_aggregate(connect: Connect) -> None:
    connection = connect()
    types = connection.execute("SELECT pg_typeof(time), pg_typeof(uwnd) FROM ncep.winds LIMIT 1")
    assert types.fetchall() == [("timestamp without time zone", "real")]
    of_groups = connection.execute("SELECT pg_typeof(avg(uwnd)), count(*) FROM ncep.winds")
    assert of_groups.fetchall() == [("double precision", 126_144)]


def test_lists_that_are_too_long_are_not_taken_apart(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    monkeypatch.setattr(registry, "MOST_BYTES", 1000)
    monkeypatch.setattr(registry, "values_of", lambda *_, **__: taken.append("some"))
    with pytest.raises(psycopg.errors.OutOfMemory):
        connect().execute("SELECT format('%s', repeat('x', n)) FROM generate_series(1, 99) t(n)")
    assert not taken
