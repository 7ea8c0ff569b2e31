"""Cursors, prepared statements and settings as clients use them."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
import psycopg
import pytest
from psycopg import generators
from psycopg.pq.abc import PGresult

from tests.conftest import Connect

Address = tuple[str, int]
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


def received(connection: psycopg.Connection[Any]) -> PGresult:
    """The last result; libpq's own waiting calls would stop this process, server and all."""
    return connection.wait(generators.execute(connection.pgconn))[-1]


@pytest.mark.parametrize("binary", [False, True])
def test_a_server_cursor_reads_a_derivative_in_pieces(connect: Connect, binary: bool) -> None:
    query = "SELECT uwnd::float8 AS u, grad(uwnd * uwnd, uwnd) AS g FROM ncep.winds"
    connection = connect(autocommit=False)
    with connection.cursor(name="c", binary=binary) as cursor:
        cursor.itersize = 5000
        cursor.execute(query)
        assert [column.name for column in cursor.description or ()] == ["u", "g"]
        rows = np.array(cursor.fetchmany(10) + list(cursor))
    assert rows.shape == (126_144, 2)
    assert np.array_equal(2.0 * rows[:, 0], rows[:, 1])


def test_a_server_cursor_with_parameters_scrolls(connect: Connect) -> None:
    connection = connect(autocommit=False)
    with connection.cursor(name="c", scrollable=True) as cursor:
        cursor.execute("SELECT n FROM generate_series(1, 99) AS g(n) WHERE n <= %s", [10])
        assert cursor.fetchmany(3) == [(1,), (2,), (3,)]
        cursor.scroll(-2)
        assert cursor.fetchone() == (2,)
        cursor.scroll(8, mode="absolute")
        assert cursor.fetchall() == [(9,), (10,)]


def test_a_cursor_and_writes_side_by_side(connect: Connect) -> None:
    connection = connect(autocommit=False)
    connection.execute("CREATE TABLE session_beside (n int)")
    connection.execute("INSERT INTO session_beside SELECT * FROM generate_series(1, 1000)")
    with connection.cursor(name="c") as cursor:
        cursor.execute("SELECT n FROM session_beside ORDER BY n")
        first = cursor.fetchmany(10)
        connection.execute("DELETE FROM session_beside WHERE n > 5")
        rest = cursor.fetchall()
    assert [n for (n,) in first + rest] == list(range(1, 1001))
    assert connection.execute("SELECT count(*) FROM session_beside").fetchone() == (5,)
    connection.rollback()


def test_a_portal_and_a_cursor_are_one_thing(connect: Connect) -> None:
    connection = connect()
    connection.execute("BEGIN")
    connection.execute("DECLARE c CURSOR FOR SELECT n FROM generate_series(1, 4) AS g(n)")
    connection.pgconn.send_describe_portal(b"c")
    assert received(connection).fname(0) == b"n"
    connection.execute("CLOSE c")
    connection.pgconn.send_describe_portal(b"c")
    assert b'portal "c" does not exist' in received(connection).error_message


def test_prepared_by_the_protocol_executed_by_sql(connect: Connect) -> None:
    connection = connect()
    connection.pgconn.send_prepare(b"p", b"SELECT $1::int4 + 1 AS n")
    received(connection)
    assert connection.execute("EXECUTE p(41)").fetchone() == (42,)
    connection.execute("DEALLOCATE p")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        connection.execute("EXECUTE p(1)")


def test_a_prepared_derivative(connect: Connect) -> None:
    connection = connect()
    connection.execute(
        "PREPARE slope(float8) AS SELECT grad(x * x * $1, x) AS g FROM (VALUES (3.0)) AS v(x)"
    )
    assert connection.execute("EXECUTE slope(0.5)").fetchone() == (3.0,)
    assert connection.execute("EXECUTE slope(1 + 1)").fetchone() == (12.0,)
    plan = connection.execute("EXPLAIN (rewrite) EXECUTE slope(0.5)").fetchall()
    assert "grad(" not in str(plan)


def test_a_changed_table_is_noticed(connect: Connect) -> None:
    connection = connect()
    connection.execute("CREATE TABLE session_changed (a int)")
    connection.execute("PREPARE s AS SELECT * FROM session_changed")
    connection.execute("DROP TABLE session_changed")
    connection.execute("CREATE TABLE session_changed (a text)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change"):
        connection.execute("EXECUTE s")
    connection.execute("DROP TABLE session_changed")


def test_psql_reads_in_pieces(gateway_address: Address) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not installed")
    host, port = gateway_address
    done = subprocess.run(
        [psql, "-XAtq", "-h", host, "-p", str(port), "-U", "tester", "-d", "gradwire",
         "-v", "FETCH_COUNT=7", "-c", "SELECT n FROM generate_series(1, 100) AS g(n)"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    assert done.stdout.split() == [str(n) for n in range(1, 101)]


def test_sqlalchemy_streams_results(gateway_address: Address) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
    host, port = gateway_address
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://tester@{host}:{port}/gradwire")
    with engine.connect().execution_options(stream_results=True, max_row_buffer=50) as connection:
        rows = connection.execute(sqlalchemy.text("SELECT n FROM generate_series(1, 500) AS g(n)"))
        assert [n for (n,) in rows] == list(range(1, 501))
    engine.dispose()


def test_asyncpg_cursors_settings_and_introspection(gateway_address: Address) -> None:
    async def talk() -> None:
        host, port = gateway_address
        connection = await asyncpg.connect(host=host, port=port, user="tester", database="gradwire")
        try:
            row = await connection.fetchrow(
                "SELECT current_setting('jit') AS cur, set_config('jit', 'on', false) AS new"
            )
            assert tuple(row) == ("off", "on")
            assert await connection.fetchval("SHOW jit") == "on"
            setting = "SELECT set_config($1,$2,$3)"
            assert await connection.fetchval(setting, "my.own", "7", False) == "7"
            assert await connection.fetchval("SELECT current_setting($1)", "my.own") == "7"
            async with connection.transaction():
                query = "SELECT n FROM generate_series(1, 999) AS g(n) WHERE n <= $1"
                rows = [row["n"] async for row in connection.cursor(query, 120, prefetch=50)]
            assert rows == list(range(1, 121))
            for numbers in ([Decimal("1.50")], None, [None, Decimal("2.25")], []):
                assert await connection.fetchval("SELECT $1::numeric[]", numbers) == numbers
        finally:
            await connection.close()

    asyncio.run(talk())


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "UTC"])
@pytest.mark.parametrize("binary", [False, True])
def test_moments_in_any_zone(connect: Connect, zone: str, binary: bool) -> None:
    connection = connect(options=f"-c TimeZone={zone}")
    assert connection.info.parameter_status("TimeZone") == zone
    cursor = connection.cursor(binary=binary)
    cursor.execute("SELECT %s::timestamptz, '2024-07-01 12:00'::timestamptz", [NOON])
    row = cursor.fetchone()
    assert row == (NOON, NOON.replace(tzinfo=ZoneInfo(zone)))
    assert row[0].utcoffset() == NOON.astimezone(ZoneInfo(zone)).utcoffset()


FIXED = {"2": "<+02>-02", "-7.5": "<-07:30>+07:30", "'<+03>-03'": "<+03>-03", "0": "<+00>-00"}
SHOWN = {
    "2": "2024-07-01 14:00:00+02",
    "-7.5": "2024-07-01 04:30:00-07:30",
    "'<+03>-03'": "2024-07-01 15:00:00+03",
    "0": "2024-07-01 12:00:00+00",
}


@pytest.mark.parametrize("written", FIXED)
def test_fixed_offsets(connect: Connect, written: str) -> None:
    connection = connect()
    connection.execute(f"SET TIME ZONE {written}")
    assert connection.info.parameter_status("TimeZone") == FIXED[written]
    connection.pgconn.send_query(b"SELECT '2024-07-01 12:00+00'::timestamptz")
    assert received(connection).get_value(0, 0) == SHOWN[written].encode()


def test_a_numeric_parameter_keeps_its_digits_and_its_type(connect: Connect) -> None:
    cursor = connect().execute("SELECT %s AS x", [Decimal("0.123456789012345678")])
    assert cursor.fetchone() == (Decimal("0.123456789012345678"),)
