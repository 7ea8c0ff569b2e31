"""Drivers in Python, each as its users use it: psycopg 3 both ways, psycopg2, pg8000, ODBC."""

from __future__ import annotations

import asyncio
import datetime
import io
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect

Address = tuple[str, int]
SLOPE = (
    "SELECT grad(x * x * y, x) FROM (VALUES (CAST({0} AS float8), CAST({0} AS float8))) AS t(x, y)"
)


def test_psycopg_without_its_c(gateway_address: Address) -> None:
    """The pure Python implementation over the system's libpq, in a process of its own."""
    host, port = gateway_address
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients.pure_psycopg", host, str(port)],
        env=os.environ | {"PSYCOPG_IMPL": "python"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if "no pq wrapper available" in done.stderr or "libpq library not found" in done.stderr:
        pytest.skip("the system has no libpq")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "python ok\n")


@pytest.mark.parametrize("protocol", ["3.0", "3.2"])
def test_psycopg_async_with_a_cancel(protocol: str, gateway_address: Address) -> None:
    """In 3.2 the key that a cancel needs is longer."""
    host, port = gateway_address
    if psycopg.pq.version() < 170000:
        # `test_psycopg_without_its_c` cancels with such a one, in a process of its own.
        pytest.skip("this libpq cancels under Python's lock, which the server here needs, too")
    options: dict[str, Any] = {"max_protocol_version": protocol}
    if psycopg.pq.version() < 180000:
        if protocol == "3.2":
            pytest.skip("this libpq speaks protocol 3.0 alone")
        options = {}

    async def work() -> Any:
        connection = await psycopg.AsyncConnection.connect(
            host=host, port=port, user="me", dbname="d", autocommit=True, **options
        )
        async with connection:
            if options:
                assert connection.pgconn.full_protocol_version == int(protocol[-1]) + 30000
            task = asyncio.create_task(
                connection.execute("SELECT sum(n) FROM generate_series(1, 1000000000000) AS t(n)")
            )
            while not task.done():  # the first may come before the statement does
                await connection.cancel_safe()
                await asyncio.sleep(0.01)
            with pytest.raises(psycopg.errors.QueryCanceled):
                await task
            cursor = await connection.execute(SLOPE.format("%s"), (3.0, 2.0))
            return await cursor.fetchone()

    assert asyncio.run(work()) == (12.0,)


@pytest.mark.parametrize("binary", [False, True])
def test_psycopg_types_both_ways(connect: Connect, binary: bool) -> None:
    connection = connect()
    values: list[Any] = [
        True, 7, 2**40, 1.5, "größe'\"\\", b"\x00\xff", datetime.date(1999, 1, 8),
        datetime.datetime(2013, 1, 2, 3, 4, 5, 6), datetime.time(4, 5, 6),
        datetime.timedelta(days=3, seconds=7), [1, None, 3], ["a", "b,c"], None,
    ]  # fmt: skip
    types = (
        *("boolean", "int4", "int8", "float8", "text", "bytea", "date", "timestamp", "time"),
        *("interval", "int4[]", "text[]", "text"),
    )
    for value, kind in zip(values, types, strict=True):
        row = connection.execute(f"SELECT %s::{kind}", [value], binary=binary).fetchone()
        assert row == (value,), kind


def test_psycopg_server_cursor_and_prepared(connect: Connect) -> None:
    connection = connect(autocommit=False, prepare_threshold=2)
    with connection.cursor(name="far") as cursor:
        cursor.itersize = 100
        cursor.execute("SELECT n FROM generate_series(1, 1000) AS t(n)")
        assert [row[0] for row in cursor] == list(range(1, 1001))
    for number in range(8):
        assert connection.execute(SLOPE.format("%s"), (number, 1.0)).fetchone() == (2.0 * number,)


def test_psycopg_settings_are_told_and_rolled_back(connect: Connect) -> None:
    connection = connect()
    status = connection.info.parameter_status
    told = (
        "server_version", "server_encoding", "client_encoding", "application_name", "DateStyle",
        "default_transaction_read_only", "in_hot_standby", "integer_datetimes", "IntervalStyle",
        "is_superuser", "session_authorization", "standard_conforming_strings", "TimeZone",
    )  # fmt: skip
    assert all(status(name) is not None for name in told)
    connection.execute("BEGIN")
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    assert status("TimeZone") == "Asia/Tokyo"
    connection.execute("SAVEPOINT s")
    connection.execute("SET application_name = 'within'")
    assert status("application_name") == "within"
    connection.execute("ROLLBACK TO s")
    assert status("application_name") == ""
    connection.execute("ROLLBACK")
    assert status("TimeZone") == "UTC"
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    connection.execute("RESET ALL")
    assert status("TimeZone") == "UTC"


def test_psycopg2(gateway_address: Address) -> None:
    psycopg2 = pytest.importorskip("psycopg2")
    host, port = gateway_address
    connection = psycopg2.connect(host=host, port=port, user="me", dbname="d")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(SLOPE.format("%s"), (3.0, 2.0))
            assert cursor.fetchall() == [(12.0,)]
            with pytest.raises(psycopg2.errors.UndefinedTable):
                cursor.execute("SELECT * FROM nowhere")
            connection.rollback()
            with connection.cursor(name="far") as far:
                far.itersize = 10
                far.execute("SELECT n FROM generate_series(1, 100) AS t(n)")
                assert sum(row[0] for row in far) == 5050
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "CREATE TEMP TABLE wide (n numeric(9,2), a text[], at timestamptz, x bytea)"
            )
            at = datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.UTC)
            row = (Decimal("1.50"), ["a", None, 'b"{'], at, b"\x00\xff")
            cursor.execute("INSERT INTO wide VALUES (%s, %s, %s, %s)", row)
            cursor.executemany("INSERT INTO wide (n) VALUES (%s)", [(n,) for n in range(3)])
            cursor.execute("SELECT * FROM wide WHERE a IS NOT NULL")
            *found, data = cursor.fetchone()
            assert (*found, bytes(data)) == row
            cursor.execute("SELECT n FROM generate_series(1, 50000) AS t(n)")
            assert len(cursor.fetchall()) == 50_000
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 50")
            with pytest.raises(psycopg2.errors.QueryCanceled):
                cursor.execute("SELECT sum(n) FROM generate_series(1, 1000000000000) AS t(n)")
            assert connection.info.transaction_status == 3
        connection.rollback()
        assert connection.info.transaction_status == 0
    finally:
        connection.close()


def test_pg8000(gateway_address: Address) -> None:
    pg8000 = pytest.importorskip("pg8000.native")
    host, port = gateway_address
    connection = pg8000.Connection("me", host=host, port=port, database="d")
    try:
        slope = SLOPE.format(":v")
        assert connection.run(slope, v=2.0) == [[8.0]]
        with pytest.raises(pg8000.DatabaseError) as refusal:
            connection.run("SELECT 1 / 0")
        assert refusal.value.args[0]["C"] == "22012"
        prepared = connection.prepare("SELECT CAST(:a AS int4) + 1 AS b")
        assert [prepared.run(a=number) for number in range(3)] == [[[1]], [[2]], [[3]]]
        day = datetime.date(1999, 1, 8)
        assert connection.run("SELECT CAST(:d AS date)", d=day) == [[day]]
        connection.run("CREATE TEMP TABLE wide (n numeric(9,2), a int[], at timestamp, t text)")
        at = datetime.datetime(2024, 2, 29, 1, 2, 3)
        row = [Decimal("1.50"), [1, None, 3], at, "größe"]
        connection.run("BEGIN")
        connection.run(
            "INSERT INTO wide VALUES (:n, :a, :at, :t)", n=row[0], a=row[1], at=at, t=row[3]
        )
        connection.run("COMMIT")
        assert connection.run("SELECT * FROM wide") == [row]
        connection.run("COPY wide (t) FROM STDIN", stream=io.BytesIO(b"one\ntwo\n"))
        out = io.BytesIO()
        connection.run("COPY (SELECT t FROM wide ORDER BY t) TO STDOUT", stream=out)
        assert out.getvalue().decode() == "größe\none\ntwo\n"
        connection.run("START TRANSACTION")
        connection.run("DELETE FROM wide")
        connection.run("ROLLBACK")
        assert connection.run("SELECT count(*) FROM wide") == [[3]]
        assert len(connection.run("SELECT n FROM generate_series(1, 50000) AS t(n)")) == 50_000
    finally:
        connection.close()


def test_odbc(gateway_address: Address) -> None:
    pyodbc = pytest.importorskip("pyodbc")
    drivers = sorted(Path("/usr/lib").glob("*/odbc/psqlodbcw.so"))
    if not drivers:
        pytest.skip("PostgreSQL's ODBC driver is not installed (Debian: odbc-postgresql)")
    host, port = gateway_address
    connection = pyodbc.connect(
        f"DRIVER={drivers[0]};SERVER={host};PORT={port};UID=me;DATABASE=d;SSLmode=disable"
    )
    try:
        cursor = connection.cursor()
        assert cursor.execute(SLOPE.format("?"), 3.0, 2.0).fetchall()[0][0] == 12.0
        with pytest.raises(pyodbc.Error, match="22012"):
            cursor.execute("SELECT 1 / 0").fetchall()
        connection.rollback()
        assert cursor.execute("SELECT 'größe', 7, NULL").fetchall()[0][0] == "größe"
    finally:
        connection.close()
