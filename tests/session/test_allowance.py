"""What one session may keep: the texts of its prepared statements, its open portals."""

from __future__ import annotations

import psycopg
import pyarrow as pa
import pytest

from gateway.session.computation import Described
from gateway.session.portals import portals, prepared
from tests.conftest import Connect


def test_prepared_statements_have_an_end(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_KEPT_BYTES", 10_000)
    connection, other = connect(prepare_threshold=None), connect()
    with pytest.raises(psycopg.errors.OutOfMemory, match="prepared"):
        for number in range(20):
            connection.execute(f"PREPARE p{number} AS SELECT {number}")
    assert other.execute("SELECT 1").fetchone() == (1,)
    for _ in range(20):  # what was freed does not count
        assert connection.execute("DEALLOCATE ALL") is not None
        connection.execute("PREPARE again AS SELECT 1")
        assert connection.execute("EXECUTE again").fetchone() == (1,)


def test_open_portals_have_an_end(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portals, "MOST_OPEN_BYTES", 10_000)
    connection, other = connect(), connect()
    for _ in range(3):  # what was closed does not count
        connection.execute("BEGIN")
        with pytest.raises(psycopg.errors.OutOfMemory, match="portals"):
            for number in range(20):
                connection.execute(f"DECLARE c{number} CURSOR FOR SELECT 1")
        assert other.execute("SELECT 1").fetchone() == (1,)
        connection.execute("ROLLBACK")


def test_parameters_count_for_the_portal_that_holds_them() -> None:
    text, words = pa.scalar("x" * 5000), pa.scalar(["y" * 3000, None])
    none = pa.scalar(None, pa.string())
    statement = prepared.Prepared(None, Described())
    assert 9000 <= portals.Portal(statement, [text, words, none, pa.scalar(1)]).nbytes < 10_000
