"""What a session may keep: the texts of its prepared statements, open portals, rows of cursors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from gateway.app import App
from gateway.config import Role, Settings
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


@pytest.fixture
def small() -> Iterator[Connect]:
    """Makes connections to a server whose cursors may keep 4 MiB together, and bob's 1 MiB."""
    roles = {"bob": Role(memory_bytes=2**22)}
    with App(Settings(port=0, memory_bytes=2**24, roles=roles)) as app:
        host, port = app.address
        made: list[psycopg.Connection[Any]] = []

        def open_connection(**options: Any) -> psycopg.Connection[Any]:
            place = {"host": host, "port": port, "user": "tester", "dbname": "gradwire"}
            made.append(psycopg.connect(**{**place, **options}))
            return made[-1]

        yield open_connection
        for connection in made:
            connection.close()


# 800 kB of numbers.
_DECLARE = "DECLARE {} SCROLL CURSOR FOR SELECT n FROM generate_series(1, {}) AS s (n) ORDER BY n"
_FITS, _TOO_MANY = 100_000, 1_000_000


def test_rows_that_a_cursor_keeps_have_an_end(small: Connect) -> None:
    connection = small()
    for _ in range(3):  # what was kept is let go
        connection.execute(_DECLARE.format("c", _TOO_MANY))
        with pytest.raises(psycopg.errors.OutOfMemory, match='cursor "c" keeps') as refusal:
            connection.execute("FETCH LAST FROM c")
        assert "4194304 bytes" in str(refusal.value.diag.message_detail)
        assert "NO SCROLL" in str(refusal.value.diag.message_hint)
        connection.rollback()
    connection.execute(_DECLARE.format("c", _FITS))
    assert connection.execute("FETCH LAST FROM c").fetchone() == (_FITS,)
    assert connection.execute("FETCH PRIOR FROM c").fetchone() == (_FITS - 1,)


def test_cursors_of_all_clients_keep_so_much_together(small: Connect) -> None:
    ready: list[psycopg.Connection[Any]] = []
    with pytest.raises(psycopg.errors.OutOfMemory):
        for _ in range(8):
            ready.append(small())
            ready[-1].execute(_DECLARE.format("c", _FITS))
            ready[-1].execute("MOVE FORWARD ALL IN c")
    assert len(ready) > 2
    ready[0].execute("CLOSE c")
    ready[-1].rollback()
    ready[-1].execute(_DECLARE.format("c", _FITS))
    assert ready[-1].execute("FETCH LAST FROM c").fetchone() == (_FITS,)
    assert ready[1].execute("FETCH FIRST FROM c").fetchone() == (1,)


def test_cursors_of_a_role_keep_a_share_of_its_memory(small: Connect) -> None:
    connection = small(user="bob")
    connection.execute(_DECLARE.format("a", _FITS))
    assert connection.execute("FETCH LAST FROM a").fetchone() == (_FITS,)
    connection.execute(_DECLARE.format("b", _FITS))
    with pytest.raises(psycopg.errors.OutOfMemory, match='cursor "b" keeps') as refusal:
        connection.execute("FETCH LAST FROM b")
    assert "1048576 bytes" in str(refusal.value.diag.message_detail)


def test_what_nobody_said_may_turn_round_goes_on_without_room(small: Connect) -> None:
    connection = small()
    connection.execute(_DECLARE.format("c", _TOO_MANY).replace("SCROLL ", ""))
    assert connection.execute("MOVE FORWARD ALL IN c").statusmessage == f"MOVE {_TOO_MANY}"
    connection.execute("SAVEPOINT s")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="scan forward"):
        connection.execute("FETCH PRIOR FROM c")
