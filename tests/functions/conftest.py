"""A schema of the test's own, here and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect

Connection = psycopg.Connection[Any]


def in_schema(connection: Connection, name: str) -> Iterator[Connection]:
    """The connection, in a schema of that name, which is dropped afterwards."""
    connection.execute(f'CREATE SCHEMA "{name}"')
    connection.execute(f'SET search_path TO "{name}", public')
    yield connection
    connection.execute("ROLLBACK")
    connection.execute(f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture
def client(connect: Connect, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A connection to the shared gateway, in a schema of the test's own."""
    yield from in_schema(connect(), f"functions_{abs(hash(request.node.nodeid))}")


@pytest.fixture
def real(postgres: Connect, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The same over PostgreSQL 15."""
    with postgres() as connection:
        yield from in_schema(connection, f"functions_{abs(hash(request.node.nodeid))}")
