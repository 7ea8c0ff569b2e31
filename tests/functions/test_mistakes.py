"""What newcomers write, and what they are told: SQLSTATE, position, message, detail and hint.

tests/golden/mistakes/*.test: a statement, `----`, all that the gateway says of it, and below what a
real PostgreSQL 15 says where that has another SQLSTATE, position or message. `pytest --rewrite`
writes both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import goldens
from tests.conftest import Connect
from tests.functions.conftest import in_schema

Connection = psycopg.Connection[Any]

SETUP = """
CREATE TABLE stations (id int PRIMARY KEY, name text NOT NULL, "2m_temperature" float8,
    height float8, "Wind" float8, seen date, at timestamptz);
INSERT INTO stations VALUES (1, 'a', 1, 2, 3, '2020-01-01', '2020-01-01 00:00+00');
CREATE TABLE fits (x float8, y float8, n int, name text, ok bool, at timestamp);
INSERT INTO fits VALUES (1, 2, 3, 'a', true, '2020-01-01');
"""
FILES = {file.stem: file for file in goldens.files("mistakes")}
_OTHERWISE = "postgresql: "


@pytest.fixture
def client(connect: Connect) -> Iterator[Connection]:
    yield from in_schema(connect(), "mistakes")


@pytest.fixture
def real(postgres: Connect) -> Iterator[Connection]:
    with postgres() as connection:
        yield from in_schema(connection, "mistakes")


def _told(connection: Connection, statement: str) -> list[str]:
    """SQLSTATE, position and message, detail, hint; what the statement did is undone."""
    connection.execute("BEGIN")
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        diag = error.diag
        place = f" at {diag.statement_position}" if diag.statement_position else ""
        lines = [f"{diag.sqlstate}{place}: {diag.message_primary}"]
        lines += [f"detail: {diag.message_detail}"] if diag.message_detail else []
        return [*lines, *([f"hint: {diag.message_hint}"] if diag.message_hint else [])]
    finally:
        connection.execute("ROLLBACK")
    return ["accepted"]


@pytest.mark.parametrize("name", FILES)
def test_mistakes_are_told(name: str, client: Connection, rewriting: bool) -> None:
    recorded = dict(goldens.cases(FILES[name]))
    client.execute(SETUP)

    def told(statement: str) -> str:
        others = [line for line in recorded[statement].split("\n") if line.startswith(_OTHERWISE)]
        return "\n".join([*_told(client, statement), *others])

    goldens.check(FILES[name], told, rewriting)


def test_the_record_is_postgresqls(real: Connection, rewriting: bool) -> None:
    recorded = dict(goldens.cases(FILES["postgresql"]))
    real.execute(SETUP)

    def compared(statement: str) -> str:
        ours = [line for line in recorded[statement].split("\n") if not line.startswith(_OTHERWISE)]
        first = _told(real, statement)[0]
        return "\n".join([*ours, *([] if first == ours[0] else [_OTHERWISE + first])])

    goldens.check(FILES["postgresql"], compared, rewriting)


def test_our_own_mistakes_have_hints() -> None:
    cases = goldens.cases(FILES["gradwire"])
    assert len(cases) >= 40
    assert [text for text, output in cases if "\nhint: " not in output] == []
