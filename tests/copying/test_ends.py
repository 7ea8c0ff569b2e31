"""How a COPY FROM ends when it does not end well: nothing of it stays, and the table is free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.wire.client import Client

TABLE = "copy_ends"


@pytest.fixture
def connection(connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    made = connect()
    made.execute(f"CREATE TABLE {TABLE} (a int, b text)".encode())
    yield made
    made.execute(f"DROP TABLE {TABLE}".encode())


def count(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(f"SELECT count(*) FROM {TABLE}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_a_client_that_vanishes_leaves_nothing(
    connection: psycopg.Connection[Any], gateway_address: tuple[str, int]
) -> None:
    with Client(gateway_address[1]) as client:
        client.start()
        client.send(f'Query "COPY {TABLE} FROM STDIN"')
        assert client.hear().startswith("CopyInResponse")
        client.send(*[f'CopyData "1\\t{"x" * 9000}\\n"'] * 400)
    # Writing waits for the table's lock, which the vanished client's COPY gives up.
    connection.execute(f"INSERT INTO {TABLE} VALUES (7, 'after')".encode())
    assert count(connection) == 1


def test_a_cancelled_copy_leaves_nothing(
    connection: psycopg.Connection[Any], gateway_address: tuple[str, int]
) -> None:
    port = gateway_address[1]
    rows = [f'CopyData "1\\t{"x" * 9000}\\n"'] * 200
    with Client(port) as client:
        client.start()
        client.send(f'Query "COPY {TABLE} FROM STDIN"')
        assert client.hear().startswith("CopyInResponse")
        client.send(*rows)
        with Client(port) as canceller:
            number, key = int.from_bytes(client.key[:4], "big"), client.key[4:].hex()
            canceller.send(f'CancelRequest {number} {{"hex": "{key}"}}')
            assert canceller.hear() == "(closed)"
        client.send(*rows, "CopyDone")
        assert '"57014"' in client.hear()
        assert client.hear() == 'ReadyForQuery "I"'
    assert count(connection) == 0


def test_a_cancel_is_heard_within_a_line(
    connection: psycopg.Connection[Any], gateway_address: tuple[str, int]
) -> None:
    port = gateway_address[1]
    with Client(port) as client:
        client.start()
        client.send(f'Query "COPY {TABLE} FROM STDIN (FORMAT csv)"')
        assert client.hear().startswith("CopyInResponse")
        client.send('CopyData "1,\\"begins"')
        with Client(port) as canceller:
            number, key = int.from_bytes(client.key[:4], "big"), client.key[4:].hex()
            canceller.send(f'CancelRequest {number} {{"hex": "{key}"}}')
            assert canceller.hear() == "(closed)"
        client.send('CopyData "and goes on"')  # and neither ends
        assert '"57014"' in client.hear()
        assert client.hear() == 'ReadyForQuery "I"'
    assert count(connection) == 0


def test_a_late_error_undoes_what_went_before(connection: psycopg.Connection[Any]) -> None:
    """The first megabytes are in the store when the last row turns out to be wrong."""
    with (
        pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught,
        connection.cursor().copy(f"COPY {TABLE} FROM STDIN".encode()) as copy,
    ):
        for number in range(30_000):
            copy.write(f"{number}\t{'y' * 100}\n".encode())
        copy.write(b"z\tlast\n")
    assert caught.value.diag.context == f'COPY {TABLE}, line 30001, column a: "z"'
    assert count(connection) == 0


def test_an_error_in_a_large_block_names_its_line(connection: psycopg.Connection[Any]) -> None:
    rows = [f"{number}\ttext\n" for number in range(20_000)]
    rows[12_345] = "12345\tone\ttoo many\n"
    with (
        pytest.raises(psycopg.errors.BadCopyFileFormat) as caught,
        connection.cursor().copy(f"COPY {TABLE} FROM STDIN".encode()) as copy,
    ):
        copy.write("".join(rows).encode())
    assert caught.value.diag.context == (f'COPY {TABLE}, line 12346: "12345\tone\ttoo many"')


@pytest.mark.parametrize("target", ["ncep.winds", "pg_catalog.pg_class"])
def test_what_is_no_table_of_the_users_takes_no_rows(connect: Connect, target: str) -> None:
    with (
        pytest.raises(psycopg.Error),
        connect().cursor().copy(f"COPY {target} FROM STDIN".encode()),
    ):
        pass
