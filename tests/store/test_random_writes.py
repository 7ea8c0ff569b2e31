"""Random schemas and writes to the gateway and to PostgreSQL 15: same counts, errors and rows.

`WRITES=200 pytest tests/store/test_random_writes.py` tries as many other schemas.
"""

from __future__ import annotations

import os
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.store.random_writes import Writes


def outcome(connection: psycopg.Connection[Any], statement: str) -> object:
    """The command tag and the rows, or the SQLSTATE of the error."""
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    rows = sorted(cursor.fetchall(), key=repr) if cursor.description else []
    return cursor.statusmessage, rows


def alike(one: object, other: object) -> bool:
    """The same answer; of several broken constraints another may be told, of another row.

    A value that its type cannot hold may be met before a row that a constraint refuses, or after;
    so may a second row of one key.
    """
    both = (str(one)[:2], str(other)[:2])
    return one == other or all(each in ("21", "22", "23", "44") for each in both)


def rows(connection: psycopg.Connection[Any], table: str) -> list[tuple[Any, ...]]:
    found = connection.execute(f"SELECT * FROM {table}".encode()).fetchall()
    return sorted(found, key=repr)


# Of the schemas with these numbers none is tried in the ordinary run.
SEEDS = range(1000, 1000 + int(os.environ.get("WRITES", "0"))) or range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_writes_do_the_same(
    seed: int, connect: Connect, postgres: psycopg.Connection[Any]
) -> None:
    writes, ours = Writes(seed, f"rw{seed}"), connect()
    postgres.execute("ROLLBACK")  # of what another seed left
    postgres.execute("CREATE SCHEMA IF NOT EXISTS public")
    for statement in writes.creation():
        assert outcome(ours, statement) == outcome(postgres, statement), statement
    for number in range(16):
        for statement in writes.block() if number % 4 == 3 else [writes.statement()]:
            mine, theirs = outcome(ours, statement), outcome(postgres, statement)
            assert alike(mine, theirs), (statement, mine, theirs)
        for table in (writes.parent, writes.child):
            assert rows(ours, table) == rows(postgres, table), statement
    for connection in (ours, postgres):
        connection.execute(f"DROP TABLE {writes.child}, {writes.parent} CASCADE".encode())
