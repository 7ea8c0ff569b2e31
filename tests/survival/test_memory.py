"""What is over is let go of: sessions that have ended, and what they had."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from gateway.session.session import Session

# What a client did before it left, statement by statement; each through a function, a plan or a
# cursor of its session's that the engine, the store or the catalogue might keep.
LEFT = {
    "nothing":             [],
    "a query":             ["SELECT 1 AS one"],
    "a function":          ["SELECT pg_sleep(0), nextval('s')", "SELECT setval('s', nextval('s'))"],
    "a table":             ["SELECT sum(a) FROM t", "INSERT INTO t VALUES (1)"],
    "the catalogue":       ["SELECT relname, pg_table_is_visible(oid) FROM pg_class"],
    "the catalogue lent":  ["SELECT a, 't'::regclass, format_type(a, NULL) FROM t"],
    "an error":            ["SELECT 1 / (a - a) FROM t", "SELEKT"],
    "a transaction":       ["BEGIN", "INSERT INTO t VALUES (2)"],
    "a savepoint":         ["BEGIN", "SAVEPOINT a", "DELETE FROM t", "ROLLBACK TO a"],
    "a cursor":            ["BEGIN", "DECLARE c CURSOR FOR SELECT n FROM generate_series(1, 100000)"
                            " AS s(n)", "FETCH 2 FROM c"],
    "a prepared query":    ["PREPARE p AS SELECT a + $1 FROM t WHERE a = $1"]
                           + ["EXECUTE p(1)", "EXECUTE p(2)"] * 2,
    "a listener":          ["LISTEN here", "NOTIFY here"],
    "a temporary table":   ["CREATE TEMP TABLE mine (a int)", "INSERT INTO mine VALUES (1)"],
    "settings":            ["SET TimeZone = 'Asia/Tokyo'", "SELECT now(), a FROM t"],
    "a derivative":        ["SELECT grad(a * a * 2.0, a) FROM t"],
}  # fmt: skip

CLIENTS = 5
PATIENCE_SECONDS = 300  # on a busy machine; what is let go of is seen at once


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with App(Settings(port=0)) as running, connected(running) as connection:
        connection.execute("CREATE TABLE t (a int); CREATE SEQUENCE s; INSERT INTO t VALUES (1)")
        yield running


@pytest.fixture
def sessions(app: App, monkeypatch: pytest.MonkeyPatch) -> WeakSet[Session]:
    """The sessions of clients that connect from now on, while anything holds them."""
    made: WeakSet[Session] = WeakSet()
    create = app.gateway.create_session

    def noted() -> Session:
        made.add(session := create())
        return session

    monkeypatch.setattr(app.gateway, "create_session", noted)
    return made


def connected(app: App) -> psycopg.Connection[Any]:
    host, port = app.address
    return psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True)


@pytest.mark.parametrize("statements", LEFT.values(), ids=LEFT)
def test_nothing_of_a_client_stays(
    app: App, sessions: WeakSet[Session], statements: list[str]
) -> None:
    for _ in range(CLIENTS):
        connection = connected(app)
        for statement in statements:
            try:
                connection.execute(statement)
            except psycopg.Error:
                assert statement == "SELEKT" or "/" in statement
        assert len(sessions) > 0
        connection.close()
    until = time.monotonic() + PATIENCE_SECONDS
    while sessions and time.monotonic() < until:
        app_is_idle(app)
        gc.collect()
    assert not sessions


# What one client does again and again.
AGAIN = {
    **LEFT,
    "definitions":  ["CREATE TABLE made (a int PRIMARY KEY, b text DEFAULT 'x')",
                     "CREATE VIEW seen AS SELECT a, grad(a * 2.0, a) AS d FROM made",
                     "INSERT INTO made VALUES (1), (2)", "SELECT * FROM seen",
                     "DROP TABLE made CASCADE"],
    "a transfer":   ["BEGIN", "UPDATE t SET a = a + 1", "INSERT INTO t VALUES (3)", "ROLLBACK"],
}  # fmt: skip
# Caches of the catalogue's answers grow to their bounds; the others leave names behind.
_BESIDE = (
    "the catalogue",
    "the catalogue lent",
    "a prepared query",
    "a temporary table",
    "a cursor",
)
for _name in _BESIDE:
    del AGAIN[_name]

ROUNDS = 12


@pytest.mark.parametrize("statements", AGAIN.values(), ids=AGAIN)
def test_nothing_grows_that_clients_do_again(app: App, statements: list[str]) -> None:
    """Objects of this server's own and of its parser's, by type: none more with each round."""

    def rounds() -> None:
        with connected(app) as connection:
            for _ in range(ROUNDS):
                for statement in statements:
                    try:
                        connection.execute(statement)
                    except psycopg.Error:
                        assert statement == "SELEKT" or "/" in statement
                connection.execute("ROLLBACK")
        app_is_idle(app)

    rounds()
    before = _objects()
    rounds()
    until = time.monotonic() + PATIENCE_SECONDS
    while (grown := _grown(before)) and time.monotonic() < until:
        app_is_idle(app)
    assert grown == {}


def _grown(before: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in (_objects() - before).items() if n >= ROUNDS}


def _objects() -> Counter[str]:
    """How many objects there are of each type of the server's own, and of sqlglot's trees."""
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    ours = ("gateway.", "sqlglot.")
    return Counter({f"{k.__module__}.{k.__name__}": n for k, n in kinds.items()
                    if str(k.__module__).startswith(ours)})  # fmt: skip


def app_is_idle(app: App) -> None:
    """Wait until a client that left is none any more, which takes its thread a moment."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(app._server.backends.all()) > 1 and time.monotonic() < until:
        pass
