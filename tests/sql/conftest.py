"""What the tests of the SQL floor share: a real PostgreSQL, when there is one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.wire import postgres


@pytest.fixture(scope="session")
def real() -> Iterator[psycopg.Connection]:
    """A connection to a real PostgreSQL 15, each statement on its own."""
    reason = postgres.missing()
    if reason is not None:
        pytest.skip(reason)
    with (
        postgres.running() as port,
        psycopg.connect(f"host=127.0.0.1 port={port} user=postgres", autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def rewriting(request: pytest.FixtureRequest) -> bool:
    """Whether `pytest --rewrite` asked for what came out to be written down."""
    return bool(request.config.getoption("--rewrite", default=False))
