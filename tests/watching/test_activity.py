"""pg_stat_activity, column by column, beside PostgreSQL's: what each client is at."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[Any]
Connect = Callable[..., Connection]
Row = dict[str, Any]

TIMES = ("backend_start", "xact_start", "query_start", "state_change")
NEVER = ("leader_pid", "client_hostname", "query_id")  # of clients, by default

#    what it did                                     state                              began xact
AT_REST = [
    ([],                                             "idle",                            False),
    (["SELECT 1"],                                   "idle",                            False),
    (["BEGIN"],                                      "idle in transaction",             True),
    (["BEGIN", "SELECT count(*) FROM watched"],      "idle in transaction",             True),
    (["BEGIN", "SELECT 1 / 0"],                      "idle in transaction (aborted)",   False),
    (["BEGIN", "UPDATE watched SET b = 2", "ROLLBACK"],  "idle",                        False),
]  # fmt: skip

BY = [pytest.param("connect", id="gradwire"), pytest.param("postgres", id="PostgreSQL")]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Connect:
    """Connects to the server that the test's row names."""
    found: Connect = request.getfixturevalue(request.param)
    return found


@contextmanager
def watched(server: Connect) -> Iterator[tuple[Connection, Connection]]:
    """A table, who watches, and who is watched."""
    with ExitStack() as closing:
        watcher, client = (
            closing.enter_context(server(application_name=name)) for name in ("watcher", "watched")
        )
        watcher.execute("CREATE TABLE watched (a int PRIMARY KEY, b int)")
        watcher.execute("INSERT INTO watched VALUES (1, 1)")
        try:
            yield watcher, client
        finally:
            client.close()
            watcher.execute("DROP TABLE watched")


def seen(watcher: Connection, client: Connection) -> Row:
    cursor = watcher.execute(
        "SELECT * FROM pg_stat_activity WHERE pid = %s",
        [client.info.backend_pid],
    )
    names = [column.name for column in cursor.description or ()]
    return dict(zip(names, cursor.fetchone() or (), strict=True))


def blockers(watcher: Connection, client: Connection) -> list[int]:
    asked = watcher.execute("SELECT pg_blocking_pids(%s)", [client.info.backend_pid])
    return (asked.fetchone() or ([],))[0]


def check_who(row: Row, client: Connection) -> None:
    """The columns that tell whose the connection is, and the order of its times."""
    assert (row["usename"], row["datname"]) == (client.info.user, client.info.dbname)
    assert row["application_name"] == "watched" and row["backend_type"] == "client backend"
    assert str(row["client_addr"]) == "127.0.0.1" and row["client_port"] > 0
    assert row["usesysid"] is not None and row["datid"] is not None
    assert [name for name in NEVER if row[name] is not None] == []
    times: list[datetime] = [row[name] for name in TIMES if row[name] is not None]
    assert all(row["backend_start"] <= each <= datetime.now(UTC) for each in times)
    if row["query_start"] is not None:
        assert row["query_start"] <= row["state_change"]


@pytest.mark.parametrize("server", BY, indirect=True)
@pytest.mark.parametrize(("statements", "state", "began"), AT_REST)
def test_a_client_at_rest(server: Connect, statements: list[str], state: str, began: bool) -> None:
    with watched(server) as (watcher, client):
        for statement in statements:
            try:
                client.execute(statement)
            except psycopg.errors.DivisionByZero:
                assert "aborted" in state
        while (row := seen(watcher, client))["wait_event"] != "ClientRead":
            pass  # for a moment after an answer a client is active, then idle and not reading yet
        check_who(row, client)
        assert (row["state"], row["wait_event_type"]) == (state, "Client")
        assert row["query"] == (statements[-1] if statements else "")
        assert (row["query_start"] is not None) == bool(statements)
        assert (row["xact_start"] is not None) == began


@pytest.mark.parametrize("server", BY, indirect=True)
def test_a_client_that_waits_for_a_lock(server: Connect) -> None:
    with watched(server) as (watcher, client), server() as holder:
        holder.execute("BEGIN; UPDATE watched SET b = 2")
        sql = "UPDATE watched SET b = 3"
        thread = threading.Thread(target=client.execute, args=[sql])
        thread.start()
        while (row := seen(watcher, client))["wait_event_type"] != "Lock":
            assert thread.is_alive()
        check_who(row, client)
        assert (row["state"], row["query"]) == ("active", sql)
        # PostgreSQL waits for the row's writer, we for the table.
        assert row["wait_event"] in ("transactionid", "relation")
        assert row["xact_start"] is not None
        assert blockers(watcher, client) == [holder.info.backend_pid]
        assert blockers(watcher, holder) == blockers(watcher, watcher) == []
        holder.execute("COMMIT")
        thread.join()


@pytest.mark.parametrize("server", BY, indirect=True)
def test_a_client_that_waits_for_an_advisory_lock(server: Connect) -> None:
    with watched(server) as (watcher, client), server() as holder:
        for each in (holder, watcher):
            each.execute("SELECT pg_advisory_lock_shared(1)")
        thread = threading.Thread(target=client.execute, args=["SELECT pg_advisory_lock(1)"])
        thread.start()
        while (row := seen(watcher, client))["wait_event_type"] != "Lock":
            assert thread.is_alive()
        assert row["wait_event"] == "advisory"
        holders = [each.info.backend_pid for each in (holder, watcher)]
        assert sorted(blockers(watcher, client)) == sorted(holders)
        for each in (holder, watcher):
            each.execute("SELECT pg_advisory_unlock_shared(1)")
        thread.join()


@pytest.mark.parametrize("server", BY, indirect=True)
def test_who_asks_is_active(server: Connect) -> None:
    with watched(server) as (_, client):
        row = seen(client, client)
        check_who(row, client)
        assert (row["state"], row["wait_event_type"], row["wait_event"]) == ("active", None, None)
        assert row["xact_start"] is not None
        assert row["query"].startswith("SELECT * FROM pg_stat_activity")


LOCKS = """SELECT CASE pid WHEN %s THEN 'holder' ELSE 'waiter' END, locktype,
    CASE WHEN locktype = 'relation' THEN relation::regclass::text END, classid::bigint,
    objid::bigint, objsubid, mode, granted
FROM pg_locks WHERE locktype = 'advisory' OR mode = 'ExclusiveLock' AND locktype = 'relation'
ORDER BY 1, 2, 4, 5"""
HELD = [
    ("holder", "advisory", None, 0, 5, 1, "ExclusiveLock", True),
    ("holder", "advisory", None, 7, 4294967293, 2, "ShareLock", True),
    ("holder", "advisory", None, 4294967295, 4294967294, 1, "ShareLock", True),
    ("holder", "relation", "watched", None, None, None, "ExclusiveLock", True),
]


@pytest.mark.parametrize("server", BY, indirect=True)
def test_locks_held_and_waited_for(server: Connect) -> None:
    with watched(server) as (watcher, client), server() as holder:
        holder.execute("SELECT pg_advisory_lock(5), pg_advisory_lock_shared(-2)")
        holder.execute("BEGIN; LOCK TABLE watched IN EXCLUSIVE MODE")
        holder.execute("SELECT pg_advisory_xact_lock_shared(7, -3)")
        asked = [holder.info.backend_pid]
        assert watcher.execute(LOCKS, asked).fetchall() == HELD
        sql = "LOCK TABLE watched IN EXCLUSIVE MODE"
        thread = threading.Thread(target=client.execute, args=[f"BEGIN; {sql}; COMMIT"])
        thread.start()
        while len(found := watcher.execute(LOCKS, asked).fetchall()) == len(HELD):
            assert thread.is_alive()
        assert found == [*HELD, ("waiter", *HELD[-1][1:-1], False)]
        holder.execute("COMMIT; SELECT pg_advisory_unlock_all()")
        thread.join()
        assert watcher.execute(LOCKS, asked).fetchall() == []
