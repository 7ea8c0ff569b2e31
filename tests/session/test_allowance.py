"""What one session may keep: the texts of its prepared statements, its open portals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.session.computation import Described
from gateway.session.portals import portals, prepared
from tests.conftest import Connect


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connections to a gateway that lets a client keep as little as can be set."""
    with App(Settings(port=0, prepared_bytes=2**16, portal_bytes=2**16)) as app:
        host, port = app.address
        made: list[psycopg.Connection[Any]] = []

        def open_connection(**options: Any) -> psycopg.Connection[Any]:
            place = {"host": host, "port": port, "user": "tester", "dbname": "gradwire"}
            made.append(psycopg.connect(**place, autocommit=True, **options))
            return made[-1]

        yield open_connection
        for connection in made:
            connection.close()


def test_prepared_statements_have_an_end(connect: Connect) -> None:
    connection, other = connect(prepare_threshold=None), connect()
    with pytest.raises(psycopg.errors.OutOfMemory, match="prepared") as refusal:
        for number in range(100):
            connection.execute(f"PREPARE p{number} AS SELECT {number}")
    assert "65536 bytes (prepared_bytes of the configuration)" in str(
        refusal.value.diag.message_detail
    )
    assert other.execute("SELECT 1").fetchone() == (1,)
    for _ in range(20):  # what was freed does not count
        assert connection.execute("DEALLOCATE ALL") is not None
        connection.execute("PREPARE again AS SELECT 1")
        assert connection.execute("EXECUTE again").fetchone() == (1,)


def test_open_portals_have_an_end(connect: Connect) -> None:
    connection, other = connect(), connect()
    for _ in range(3):  # what was closed does not count
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.OutOfMemory, match="portals"):
            for number in range(100):
                connection.execute(f"DECLARE c{number} CURSOR FOR SELECT 1")
        assert other.execute("SELECT 1").fetchone() == (1,)
        connection.execute("ROLLBACK")


def test_parameters_count_for_the_portal_that_holds_them() -> None:
    text, words = pa.scalar("x" * 5000), pa.scalar(["y" * 3000, None])
    none = pa.scalar(None, pa.string())
    statement = prepared.Prepared(None, Described())
    assert 9000 <= portals.Portal(statement, [text, words, none, pa.scalar(1)]).nbytes < 10_000
