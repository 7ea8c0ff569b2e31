"""A gateway and a PostgreSQL with the same tables, for what both should answer alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from tests.catalog.clients import TABLES
from tests.catalog.objects import OBJECTS, UNMADE
from tests.wire import postgres as real

Address = tuple[str, int]


@pytest.fixture(scope="module")
def catalogue_address() -> Iterator[Address]:
    """A gateway with the clients' tables, and a dataset beside them only where a test adds one."""
    with App(Settings(port=0, datasets=[])) as app:
        host, port = app.address
        with psycopg.connect(
            host=host, port=port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            _make(connection)
        yield app.address


@pytest.fixture(scope="module")
def ours(catalogue_address: Address) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to that gateway, as the user postgres."""
    host, port = catalogue_address
    with psycopg.connect(
        host=host, port=port, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        yield connection


@pytest.fixture(scope="package")
def own_postgres() -> Iterator[int]:
    """The port of a PostgreSQL that holds nothing but what the tests here make."""
    reason = real.missing()
    if reason is not None:
        pytest.skip(reason)
    with real.running() as port:
        yield port


@pytest.fixture(scope="module")
def theirs(own_postgres: int) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to PostgreSQL, with the same tables."""
    with psycopg.connect(
        host="127.0.0.1", port=own_postgres, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        _make(connection)
        yield connection
        connection.execute("DROP SCHEMA era5 CASCADE")
        connection.execute("DROP TABLE public.air")


@pytest.fixture(scope="module")
def objects(own_postgres: int) -> Iterator[tuple[int, int]]:
    """Ports of a gateway and of PostgreSQL with the same objects of every kind."""
    with App(Settings(port=0, datasets=[])) as app:
        ports = app.address[1], own_postgres
        for port in ports:
            _execute(port, OBJECTS)
        yield ports
    _execute(own_postgres, UNMADE)


def _execute(port: int, statements: Sequence[str]) -> None:
    with psycopg.connect(
        host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement)


def _make(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    for statement in TABLES.split(";"):
        if statement.strip():
            connection.execute(statement)
