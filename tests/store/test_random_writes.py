"""Random schemas and writes to the gateway and to PostgreSQL 15: same counts, errors and rows."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.store.random_writes import Writes


def outcome(connection: psycopg.Connection[Any], statement: str) -> str | None:
    """The command tag, or the SQLSTATE of the error."""
    try:
        return connection.execute(statement.encode()).statusmessage
    except psycopg.Error as error:
        return error.sqlstate


def alike(one: str | None, other: str | None) -> bool:
    """The same answer; of several broken constraints another may be told, of another row."""
    return one == other or all(str(each).startswith("23") for each in (one, other))


def rows(connection: psycopg.Connection[Any], table: str) -> list[tuple[Any, ...]]:
    found = connection.execute(f"SELECT * FROM {table}".encode()).fetchall()
    return sorted(found, key=repr)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_writes_do_the_same(
    seed: int, connect: Connect, postgres: psycopg.Connection[Any]
) -> None:
    writes, ours = Writes(seed, f"rw{seed}"), connect()
    postgres.execute("CREATE SCHEMA IF NOT EXISTS public")
    for statement in writes.creation():
        assert outcome(ours, statement) == outcome(postgres, statement), statement
    for _ in range(20):
        statement = writes.statement()
        assert alike(outcome(ours, statement), outcome(postgres, statement)), statement
        for table in (writes.parent, writes.child):
            assert rows(ours, table) == rows(postgres, table), statement
    for connection in (ours, postgres):
        connection.execute(f"DROP TABLE {writes.child}, {writes.parent}".encode())
