"""lock_timeout and statement_timeout: what they end, and what they leave alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import psycopg
import pyarrow as pa
import pytest

from gateway.app import App
from gateway.errors import QueryCanceled
from gateway.session import client as clients
from gateway.session.activity import deadline
from gateway.session.activity.deadline import Deadline
from gateway.session.result import Field, Result
from gateway.types import INT8
from tests.conftest import Connect


def test_lock_timeout_ends_a_wait_for_a_table(connect: Connect) -> None:
    holder, waiter = connect(), connect()
    holder.execute("CREATE TABLE waited_for (a integer)")
    try:
        holder.execute("BEGIN")
        holder.execute("INSERT INTO waited_for VALUES (1)")
        waiter.execute("SET lock_timeout = 10")
        with pytest.raises(psycopg.errors.LockNotAvailable, match="due to lock timeout"):
            waiter.execute("INSERT INTO waited_for VALUES (2)")
        holder.execute("COMMIT")
        waiter.execute("INSERT INTO waited_for VALUES (3)")
        assert waiter.execute("SELECT a FROM waited_for ORDER BY a").fetchall() == [(1,), (3,)]
    finally:
        holder.execute("DROP TABLE waited_for")


def queries(connection: psycopg.Connection[Any], seconds: float) -> Iterator[Any]:
    """One query after another until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield connection.execute("SELECT sum(n * 1.5) FROM generate_series(1, 100000) AS s(n)")


def test_the_clock_of_a_statement_without_rows_ends_with_it(connect: Connect) -> None:
    connection, milliseconds = connect(), 500
    while not made_within(connection, milliseconds):
        milliseconds *= 2
    assert all(cursor.fetchone() for cursor in queries(connection, milliseconds / 1000 + 0.2))


def made_within(connection: psycopg.Connection[Any], milliseconds: int) -> bool:
    """Whether a table was made and filled in that time, which a busy machine may not manage."""
    connection.execute(f"SET statement_timeout = {milliseconds}".encode())
    try:
        connection.execute("CREATE TEMP TABLE timed (a integer)")
        connection.execute("INSERT INTO timed VALUES (1)")
    except psycopg.errors.QueryCanceled:
        return False
    finally:
        is_over = False
        while not is_over:
            with suppress(psycopg.errors.QueryCanceled):
                connection.execute("SET statement_timeout = 0")
                is_over = True
        connection.execute("DROP TABLE IF EXISTS timed")
    return True


def test_the_clock_of_a_suspended_portal_cancels_nothing_else(
    gateway_address: tuple[str, int],
) -> None:
    async def ask(milliseconds: int) -> tuple[int, int]:
        host, port = gateway_address
        connection = await asyncpg.connect(host=host, port=port, user="tester", database="gradwire")
        async with connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = {milliseconds}")
            rows = await connection.cursor("SELECT n FROM generate_series(1, 1000000) AS s(n)")
            (first,) = await rows.fetchrow()
            await connection.execute("SET LOCAL statement_timeout = 0")
            began.append(milliseconds)
            end = time.monotonic() + milliseconds / 1000 + 0.2
            while time.monotonic() < end:
                await connection.fetch("SELECT sum(n) FROM generate_series(1, 100000) AS s(n)")
            (second,) = await rows.fetchrow()
        await connection.close()
        return first, second

    began: list[int] = []
    milliseconds, told = 500, None
    while told is None:
        try:
            told = asyncio.run(ask(milliseconds))
        except asyncpg.QueryCanceledError:  # before its first row was there, on a busy machine
            assert not began
            milliseconds *= 2
    assert told == (1, 2)


def test_statement_timeout_ends_what_runs_too_long(connect: Connect) -> None:
    connection = connect(autocommit=False)
    connection.execute("SET LOCAL statement_timeout = 1000")
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r"
    with pytest.raises(psycopg.errors.QueryCanceled, match="due to statement timeout"):
        connection.execute(f"SELECT max(n) FROM ({endless}) AS t")
    connection.rollback()  # and the setting with it
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_reading_of_a_statement_counts(gateway_address: tuple[str, int]) -> None:
    long = f"SELECT 1 WHERE 1 IN ({', '.join(map(str, range(1500)))})"

    async def ask() -> int:
        host, port = gateway_address
        connection = await asyncpg.connect(host=host, port=port, user="tester", database="gradwire")
        try:
            with pytest.raises(asyncpg.QueryCanceledError, match="due to statement timeout"):
                async with connection.transaction():
                    await connection.execute("SET LOCAL statement_timeout = 20")
                    await connection.prepare(long)  # no more than read and described
            await connection.prepare(long)
            return int(await connection.fetchval("SELECT 1"))
        finally:
            await connection.close()

    assert asyncio.run(ask()) == 1


class Passing:
    """A session's clock, which is a second later each time that it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now


LONG = f"SELECT 1 WHERE 1 IN ({', '.join(map(str, range(300)))})"


@pytest.mark.parametrize("seconds", [1, 5, 100, 280, 320, 600])
def test_the_time_of_a_statement_is_looked_at_while_it_is_read(
    gateway_app: App, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """However much there is, it ends before anything of it runs."""
    session = gateway_app.gateway.new_session()
    session.start("tester", "gradwire", {"statement_timeout": f"{seconds}s"})
    clock = Passing()
    monkeypatch.setattr(deadline, "time", clock)
    monkeypatch.setattr(clients, "time", clock)
    with pytest.raises(QueryCanceled, match="due to statement timeout"):
        list(session.run_simple(f"{LONG} -- {seconds}"))
    assert clock.now <= seconds + 3  # at the first look after its time was up
    session.close()


@pytest.mark.parametrize("looks", [1, 2, 150, 310, 450, 600])
def test_a_cancel_is_heard_while_a_statement_is_read(
    gateway_app: App, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    session = gateway_app.gateway.new_session()
    session.start("tester", "gradwire", {})
    client, done = session._client, 0

    def look() -> None:
        nonlocal done
        done += 1
        if done == looks:
            session.cancel()
        wanted()

    wanted = client.check_wanted
    monkeypatch.setattr(client, "check_wanted", look)
    with pytest.raises(QueryCanceled, match="due to user request"):
        list(session.run_simple(f"{LONG} -- cancelled {looks}"))
    assert done == looks
    rows = [row for result in session.run_simple("SELECT 7") for row in result.take()]
    assert rows[0].column(0).to_pylist() == [7]
    session.close()


def test_a_statement_whose_time_is_up_is_not_run() -> None:
    cancelled: list[bool] = []
    with pytest.raises(QueryCanceled, match="due to statement timeout"):
        Deadline(1, lambda: cancelled.append(True), time.monotonic() - 2)
    Deadline(100, lambda: cancelled.append(True), time.monotonic() - 2).stop()
    assert not cancelled


@pytest.mark.parametrize(("limit", "ends"), [(0, True), (1, False)])
def test_time_that_is_up_while_rows_are_sent_ends_the_statement(limit: int, ends: bool) -> None:
    """Not between two Executes: the limit begins anew with the next."""
    clock = Deadline(1000, lambda: pytest.fail("nothing is computed"), time.monotonic())
    batches = iter([pa.record_batch({"n": [n]}) for n in range(3)])
    result = Result("SELECT", (Field("n", INT8),), batches)
    clock.follow(result)
    rows = result.take(limit)
    assert next(rows).num_rows == 1
    if not ends:
        assert not list(rows)
    clock._pass()
    if ends:
        with pytest.raises(QueryCanceled, match="due to statement timeout"):
            next(rows)
    else:
        assert sum(batch.num_rows for batch in result.take()) == 2
    clock.stop()
