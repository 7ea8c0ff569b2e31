"""LISTEN, NOTIFY and pg_notify, as clients use them; what they see is what PostgreSQL shows."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import asyncpg
import psycopg
import pytest

from tests.conftest import Connect

Address = tuple[str, int]

# What a listener to x and "Y y" does, and what others do meanwhile, in turn.
MINE, OTHERS = "mine", "others"
SCRIPT = (
    (MINE, "LISTEN x"),
    (MINE, 'LISTEN "Y y"'),
    (MINE, "SELECT pg_listening_channels()"),
    (MINE, "SELECT * FROM pg_listening_channels() AS c WHERE c <> 'x'"),
    (OTHERS, "NOTIFY x, 'hello'"),
    (OTHERS, "NOTIFY nobody"),
    (OTHERS, "SELECT pg_notify('Y y', 'p' || n) FROM generate_series(1, 3) AS g(n)"),
    (MINE, "SELECT 1"),
    # Told once each, in order, to the sender too, and only once it is committed.
    (MINE, "BEGIN; NOTIFY x, '1'; NOTIFY x, '2'; NOTIFY x, '1'; NOTIFY x; COMMIT"),
    (MINE, "NOTIFY x, 'one'; NOTIFY X, 'message'"),
    (MINE, "NOTIFY x, 'lost'; SELECT 1 / 0"),
    (MINE, "BEGIN; NOTIFY x, 'lost'; SELECT pg_notify('x', 'too'); ROLLBACK"),
    (MINE, "BEGIN; NOTIFY x, 'a'; SAVEPOINT s; NOTIFY x, 'lost'; ROLLBACK TO s; "
           "NOTIFY x, 'c'; SAVEPOINT t; NOTIFY x, 'd'; RELEASE t; COMMIT"),
    (MINE, "BEGIN; LISTEN z; NOTIFY z, 'at once'; SELECT pg_listening_channels()"),
    (MINE, "COMMIT"),
    (MINE, "BEGIN; LISTEN lost; UNLISTEN x; ROLLBACK; SELECT pg_listening_channels()"),
    # Not in the middle of a transaction of the listener's.
    (MINE, "BEGIN"),
    (OTHERS, "NOTIFY x, 'later'"),
    (MINE, "SELECT 1"),
    (MINE, "COMMIT"),
    (MINE, "NOTIFY x, E'tab\\there'; NOTIFY x, $$dollars$$"),
    (MINE, "NOTIFY"),
    (MINE, "NOTIFY x, 5"),
    (MINE, "LISTEN"),
    (MINE, "SELECT pg_notify(c, p) FROM (VALUES ('x', 'of a column')) AS t(c, p)"),
    (MINE, "SELECT pg_notify('', 'a')"),
    (MINE, "SELECT pg_notify(repeat('x', 64), 'a')"),
    (MINE, "SELECT pg_notify('x', repeat('y', 8000))"),
    (MINE, "SELECT length(repeat('y', 7999)), pg_notify('x', NULL), pg_sleep(0)"),
    (MINE, f"LISTEN {'long' * 16}; NOTIFY {'long' * 20}, 'cut'"),
    (MINE, "SELECT pg_notification_queue_usage()"),
    (MINE, "UNLISTEN x; UNLISTEN nobody"),
    (OTHERS, "NOTIFY x, 'unheard'"),
    (MINE, "SELECT pg_listening_channels()"),
    (MINE, "DISCARD ALL"),
    (MINE, "SELECT pg_listening_channels()"),
)  # fmt: skip


def told(connection: psycopg.Connection[Any], text: str) -> list[object]:
    try:
        cursor, found = connection.execute(text), []
        while True:
            columns = [(c.name, c.type_code) for c in cursor.description or ()]
            found.append((cursor.statusmessage, columns, cursor.fetchall() if columns else None))
            if not cursor.nextset():
                return found
    except psycopg.Error as error:
        return [(error.sqlstate, error.diag.message_primary, error.diag.statement_position)]


def transcript(connect: Connect) -> list[object]:
    options = {"user": "postgres", "dbname": "postgres", "prepare_threshold": None}
    clients = {MINE: connect(**options), OTHERS: connect(**options)}
    numbers = {each.info.backend_pid: name for name, each in clients.items()}
    said: list[object] = []
    clients[MINE].add_notify_handler(
        lambda n: said.append((n.channel, n.payload, numbers.get(n.pid)))
    )
    for who, text in SCRIPT:
        said.append((text, told(clients[who], text)))
    for client in clients.values():
        client.close()
    return said


def test_listeners_hear_what_those_of_postgresql_hear(connect: Connect, postgres: Connect) -> None:
    ours, theirs = transcript(connect), transcript(postgres)
    assert ours == theirs
    assert ("x", "hello", OTHERS) in ours


def test_one_who_waits_is_woken(connect: Connect) -> None:
    listener, other = connect(), connect()
    listener.execute("LISTEN woken")
    heard = []
    waiting = threading.Thread(
        target=lambda: heard.extend(listener.notifies(timeout=600, stop_after=2))
    )
    waiting.start()
    other.execute("SELECT pg_notify('woken', 'first')")
    other.execute("NOTIFY woken, 'second'")
    waiting.join(300)
    assert [(n.channel, n.payload, n.pid) for n in heard] == [
        ("woken", each, other.info.backend_pid) for each in ("first", "second")
    ]
    assert listener.execute("SELECT 1").fetchone() == (1,)


def test_one_who_is_told_to_go_goes_while_it_listens(connect: Connect) -> None:
    listener, other = connect(), connect()
    listener.execute("LISTEN ended")
    number = listener.info.backend_pid
    assert other.execute("SELECT pg_terminate_backend(%s)", [number]).fetchone() == (True,)
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        listener.execute("SELECT 1")
    other.execute("NOTIFY ended, 'to nobody'")


def test_a_listener_has_its_idle_session_timeout(connect: Connect) -> None:
    listener = connect()
    listener.execute("LISTEN idle")
    listener.execute("SET idle_session_timeout = '50ms'")
    with pytest.raises(psycopg.OperationalError):  # libpq has no place for its words here
        list(listener.notifies(timeout=600))


def test_asyncpg_hears(gateway_address: Address) -> None:
    async def run() -> tuple[str, str, bool]:
        place = dict(zip(("host", "port"), gateway_address, strict=True))
        options = {"user": "tester", "database": "gradwire", **place}
        listener, other = await asyncpg.connect(**options), await asyncpg.connect(**options)
        heard: asyncio.Future[tuple[str, str, bool]] = asyncio.get_running_loop().create_future()

        def hear(_: object, pid: int, channel: str, payload: str) -> None:
            heard.set_result((channel, payload, pid == other.get_server_pid()))

        await listener.add_listener("async", hear)
        async with other.transaction():
            await other.execute("SELECT pg_notify('async', $1)", "payload")
        try:
            return await asyncio.wait_for(heard, 30)
        finally:
            await listener.remove_listener("async", hear)
            await listener.close()
            await other.close()

    assert asyncio.run(run()) == ("async", "payload", True)
