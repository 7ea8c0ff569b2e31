"""Two sessions in turn, at the gateway and at PostgreSQL 15: each statement ends the same way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.session.two_sessions import AFTER, SCHEDULES, SETUP

_WAITS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


def outcome(connection: psycopg.Connection[Any], statement: str) -> object:
    """The tag and the rows, or the SQLSTATE and the message."""
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary
    return cursor.statusmessage, cursor.fetchall() if cursor.description else []


def run(connect: Callable[[], psycopg.Connection[Any]], schedule: str) -> list[object]:
    """What each statement of a schedule comes to, and what is there afterwards."""
    with ExitStack() as stack:
        watcher = connect()
        for statement in SETUP:
            watcher.execute(statement.encode())
        sessions = {name: connect() for name in ("1", "2")}
        workers = {name: stack.enter_context(ThreadPoolExecutor(1)) for name in sessions}
        running: list[Future[object]] = []
        last: dict[str, Future[object]] = {}
        for line in filter(None, schedule.replace("\n            ", " ").splitlines()):
            name, _, statement = line.strip().partition(" ")
            if name in last:
                last[name].result()
            session = sessions[name]
            last[name] = workers[name].submit(outcome, session, statement)
            running.append(last[name])
            while not last[name].done():
                if watcher.execute(_WAITS, [session.info.backend_pid]).fetchone():
                    break
        wait(running)
        told = [each.result() for each in running]
        return [*told, *(outcome(watcher, statement) for statement in AFTER)]


def settled(told: list[object]) -> list[object]:
    """Of a deadlock either one is the victim."""
    if any(each[0] == "40P01" for each in told if isinstance(each, tuple)):
        return sorted(map(repr, told))
    return told


@pytest.mark.parametrize("name", SCHEDULES)
def test_two_sessions_come_to_the_same(name: str, connect: Connect, postgres: Connect) -> None:
    with ExitStack() as stack:

        def real() -> psycopg.Connection[Any]:
            return stack.enter_context(postgres(user="postgres", dbname="postgres"))

        theirs = settled(run(real, SCHEDULES[name]))
    assert settled(run(lambda: connect(user="postgres"), SCHEDULES[name])) == theirs
