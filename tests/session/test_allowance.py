"""What one session may keep: the texts of its prepared statements."""

from __future__ import annotations

import psycopg
import pytest

from gateway.session import prepared
from tests.conftest import Connect


def test_prepared_statements_have_an_end(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_KEPT_BYTES", 1000)
    connection, other = connect(prepare_threshold=None), connect()
    with pytest.raises(psycopg.errors.OutOfMemory, match="prepared"):
        for number in range(20):
            connection.execute(f"PREPARE p{number} AS SELECT {number}")
    assert other.execute("SELECT 1").fetchone() == (1,)
    for _ in range(20):  # what was freed does not count
        assert connection.execute("DEALLOCATE ALL") is not None
        connection.execute("PREPARE again AS SELECT 1")
        assert connection.execute("EXECUTE again").fetchone() == (1,)
