"""What is worked out once and used again never tells of a state that has passed.

Each change is made between two runs of one statement, by the same client or by another; a real
PostgreSQL is asked the same where it is installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import tuple_row

from gateway.app import App
from gateway.config import Settings
from gateway.recent import Recent
from gateway.session.gateway import limits_of
from gateway.session.queries.statement_cache import Circumstances, StatementCache
from gateway.sql.statements.statement import Statement
from tests.conftest import Connect


@dataclass(frozen=True, slots=True)
class Change:
    """A statement's rows before and after something changed.

    Args:
        made: What is made beforehand, in schema rc; schema rd is there too.
        query: The statement; `{x}` is where the value 1 stands, as a literal or a parameter.
        change: What happens between its two runs.
        before, after: Its one value, as text.
        own: Whether the client that asks does it itself; else another.
    """

    made: str
    query: str
    change: str
    before: str | None
    after: str | None
    own: bool = False


_VIEW = "CREATE VIEW v AS SELECT 10 AS a"
_TABLE = "CREATE TABLE t AS SELECT 1 AS id, 10 AS a"
_MOMENT = "CREATE TABLE m AS SELECT 1 AS id, TIMESTAMPTZ '2020-07-01 12:00+00' AS t"
_FUNCTION = (
    "CREATE OR REPLACE FUNCTION f(x double precision) RETURNS double precision LANGUAGE sql"
    " RETURN x * {}"
)

CHANGES = {
    "a view is replaced": Change(
        _VIEW, "SELECT a + {x} FROM v", "CREATE OR REPLACE VIEW v AS SELECT 20 AS a", "11", "21",
    ),
    "a view's table is made anew": Change(
        f"{_TABLE}; CREATE VIEW v AS SELECT * FROM t", "SELECT a FROM v WHERE id = {x}",
        f"DROP TABLE t CASCADE; {_TABLE}; CREATE OR REPLACE VIEW v AS SELECT id, a + 2 AS a FROM t",
        "10", "12",
    ),
    "a row comes": Change(
        _TABLE, "SELECT sum(a) FROM t WHERE id >= {x}", "INSERT INTO t VALUES (2, 5)", "10", "15",
    ),
    "a row changes": Change(
        _TABLE, "SELECT a FROM t WHERE id = {x}", "UPDATE t SET a = 11", "10", "11",
    ),
    "a row goes": Change(
        _TABLE, "SELECT max(a) FROM t WHERE id = {x}", "DELETE FROM t", "10", None,
    ),
    "a row of its own changes": Change(
        _TABLE, "SELECT a FROM t WHERE id = {x}", "UPDATE t SET a = 11", "10", "11", own=True,
    ),
    "a table is made anew": Change(
        _TABLE, "SELECT a FROM t WHERE id = {x}",
        "DROP TABLE t; CREATE TABLE t AS SELECT 30 AS a, 1 AS id", "10", "30",
    ),
    "a table comes to be a view": Change(
        _TABLE, "SELECT a FROM t WHERE id = {x}",
        "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS id, 31 AS a", "10", "31",
    ),
    "search_path leads elsewhere": Change(
        f"{_TABLE}; CREATE TABLE rd.t AS SELECT 1 AS id, 20 AS a",
        "SELECT a FROM t WHERE id = {x}", "SET search_path TO rd", "10", "20", own=True,
    ),
    "a table comes before another": Change(
        "CREATE TABLE rd.t AS SELECT 1 AS id, 20 AS a", "SELECT a FROM t WHERE id = {x}",
        _TABLE, "20", "10",
    ),
    "TimeZone, of a moment's hour": Change(
        _MOMENT, "SELECT CAST(extract(hour FROM t) AS integer) FROM m WHERE id = {x}",
        "SET TimeZone TO 'Asia/Tokyo'", "12", "21", own=True,
    ),
    "TimeZone, of a cast": Change(
        _MOMENT,
        "SELECT CAST(extract(hour FROM CAST(t AS timestamp)) AS integer) FROM m WHERE id = {x}",
        "SET TimeZone TO 'Asia/Tokyo'", "12", "21", own=True,
    ),
    "a function is replaced": Change(
        _FUNCTION.format(10), "SELECT CAST(f({x}) AS integer)", _FUNCTION.format(20), "10", "20",
    ),
    "a temporary table hides a table": Change(
        _TABLE, "SELECT a FROM t WHERE id = {x}",
        "CREATE TEMPORARY TABLE t AS SELECT 1 AS id, 50 AS a", "10", "50", own=True,
    ),
    "another's temporary table hides nothing": Change(
        _TABLE, "SELECT a FROM t WHERE id = {x}",
        "CREATE TEMPORARY TABLE t AS SELECT 1 AS id, 50 AS a", "10", "10",
    ),
    "a temporary table goes": Change(
        f"{_TABLE}; CREATE TEMPORARY TABLE t AS SELECT 1 AS id, 50 AS a",
        "SELECT a FROM t WHERE id = {x}", "DISCARD TEMPORARY", "50", "10", own=True,
    ),
    "columns change names": Change(
        "CREATE TABLE t AS SELECT 1 AS id, 10 AS a, 60 AS b", "SELECT a FROM t WHERE id = {x}",
        "ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t RENAME COLUMN b TO a", "10", "60",
    ),
    "tables change names": Change(
        f"{_TABLE}; CREATE TABLE u AS SELECT 1 AS id, 61 AS a", "SELECT a FROM t WHERE id = {x}",
        "ALTER TABLE t RENAME TO v; ALTER TABLE u RENAME TO t", "10", "61",
    ),
    "a materialized view is refreshed": Change(
        f"{_TABLE}; CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
        "SELECT a FROM v WHERE id = {x}",
        "UPDATE t SET a = 62; REFRESH MATERIALIZED VIEW v", "10", "62",
    ),
    "a setting": Change(
        "SET application_name TO 'a'",
        "SELECT current_setting('application_name') || CAST({x} AS text)",
        "SET application_name TO 'b'", "a1", "b1", own=True,
    ),
}  # fmt: skip


def _simple(connection: psycopg.Connection[Any], query: str) -> str | None:
    return _first(connection.execute(query.format(x="1")))


def _parsed(connection: psycopg.Connection[Any], query: str) -> str | None:
    return _first(connection.execute(query.format(x="%s"), _values(query), prepare=False))


def _prepared(connection: psycopg.Connection[Any], query: str) -> str | None:
    return _first(connection.execute(query.format(x="%s"), _values(query), prepare=True))


def _values(query: str) -> tuple[int, ...]:
    return (1,) if "{x}" in query else ()


def _first(cursor: psycopg.Cursor[Any]) -> str | None:
    value = cursor.fetchall()[0][0]
    return None if value is None else str(value)


ASKED = {"simple": _simple, "parsed": _parsed, "prepared": _prepared}


@contextmanager
def _two_clients(connect: Connect) -> Iterator[tuple[psycopg.Connection[Any], ...]]:
    with connect(row_factory=tuple_row) as client, connect() as other:
        for connection in (client, other):
            connection.execute("SET search_path TO rc, rd")
            connection.execute("SET TimeZone TO 'UTC'")
        client.execute("CREATE SCHEMA rc")
        client.execute("CREATE SCHEMA rd")
        try:
            yield client, other
        finally:
            client.execute("DROP SCHEMA rc CASCADE")
            client.execute("DROP SCHEMA rd CASCADE")


def _outcome(connect: Connect, case: Change, how: str) -> tuple[str | None, str | None]:
    """The value before the change, asked for twice, and after it."""
    ask = ASKED[how]
    with _two_clients(connect) as (client, other):
        client.execute(case.made)
        before = {ask(client, case.query) for _ in range(2)} | {ask(client, case.query)}
        (client if case.own else other).execute(case.change)
        after = {ask(client, case.query) for _ in range(2)}
        return before.pop() if len(before) == 1 else "?", after.pop() if len(after) == 1 else "?"


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen_at_once(connect: Connect, name: str, how: str) -> None:
    case = CHANGES[name]
    assert _outcome(connect, case, how) == (case.before, case.after)


@pytest.mark.parametrize("name", CHANGES)
def test_postgresql_sees_the_same(postgres: Connect, name: str) -> None:
    case = CHANGES[name]
    assert _outcome(postgres, case, "simple") == (case.before, case.after)


def test_other_columns_than_were_prepared_are_refused(connect: Connect) -> None:
    with _two_clients(connect) as (client, other):
        client.execute(_TABLE)
        query = "SELECT * FROM t WHERE id = %s"
        for _ in range(2):
            assert client.execute(query, (1,), prepare=True).fetchall() == [(1, 10)]
        other.execute("DROP TABLE t; CREATE TABLE t AS SELECT 1 AS id, 'x' AS a")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="must not change result"):
            client.execute(query, (1,), prepare=True)
        assert client.execute(query, (1,), prepare=False).fetchall() == [(1, "x")]


def test_what_a_transaction_has_not_committed_is_its_own(connect: Connect) -> None:
    with _two_clients(connect) as (client, other):
        client.execute(_VIEW)
        assert [_simple(c, "SELECT a + {x} FROM v") for c in (client, other)] == ["11", "11"]
        with client.transaction(force_rollback=True):
            client.execute("CREATE OR REPLACE VIEW v AS SELECT 20 AS a")
            assert [_simple(c, "SELECT a + {x} FROM v") for c in (client, other)] == ["21", "11"]
        assert [_simple(c, "SELECT a + {x} FROM v") for c in (client, other)] == ["11", "11"]


@pytest.mark.parametrize("how", ASKED)
@pytest.mark.parametrize("query", ["SELECT now()", "SELECT current_timestamp", "SELECT random()"])
def test_what_changes_by_itself_is_asked_for_anew(connect: Connect, query: str, how: str) -> None:
    client = connect()
    assert len({ASKED[how](client, query) for _ in range(4)}) == 4


@pytest.mark.parametrize("how", ASKED)
def test_a_sequence_goes_on(connect: Connect, how: str) -> None:
    with _two_clients(connect) as (client, other):
        client.execute("CREATE SEQUENCE s; CREATE TABLE t (id serial, a integer)")
        values = [ASKED[how](c, "SELECT nextval('s')") for c in (client, other, client, other)]
        assert values == ["1", "2", "3", "4"]
        for each in (client, other, client):
            each.execute("INSERT INTO t (a) VALUES (7)")
        assert client.execute("SELECT id FROM t ORDER BY id").fetchall() == [(1,), (2,), (3,)]


def test_two_users_are_two_users(connect: Connect) -> None:
    asked = "SELECT current_user, session_user, pg_backend_pid()"
    both = [connect(user=user).execute(asked).fetchone() for user in ("ann", "bob")]
    assert [row and row[:2] for row in both] == [("ann", "ann"), ("bob", "bob")]
    assert both[0] and both[1] and both[0][2] != both[1][2]


# Trees are shared, so nobody may change them.

SHARED = (
    "SELECT grad(uwnd * uwnd, uwnd) AS g, uwnd FROM ncep.winds WHERE time >= '2013-06-01' LIMIT 3",
    "WITH w AS (SELECT * FROM ncep.winds) SELECT count(*) FROM w WHERE uwnd > 3",
    "EXPLAIN SELECT current_user, now()",
    "SELECT 1 AS x UNION SELECT 2 ORDER BY x",
    "INSERT INTO rc_trees (a, b) VALUES (1 + 1, DEFAULT), (2, 'two') RETURNING a, *",
    "UPDATE rc_trees SET a = a + 1, b = DEFAULT WHERE a > 1 RETURNING b",
    "DELETE FROM rc_trees AS r WHERE r.a = 2 RETURNING r.*",
    "PREPARE rc_p AS SELECT $1 + a FROM rc_trees; EXECUTE rc_p (1); DEALLOCATE rc_p",
    "BEGIN; DECLARE rc_c CURSOR FOR SELECT 7 AS n; FETCH 1 FROM rc_c; COMMIT",
)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("text", SHARED)
def test_a_tree_is_left_as_it_was(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, text: str, zone: str
) -> None:
    seen: list[list[Statement]] = []
    read = StatementCache.read

    def reads(statement_cache: StatementCache[Any], sent: str) -> list[Statement]:
        found = read(statement_cache, sent)
        if sent == text:
            seen.append(found)
        return found

    monkeypatch.setattr(StatementCache, "read", reads)
    client = connect()
    client.execute(f"SET TimeZone TO '{zone}'")
    client.execute("CREATE TABLE rc_trees (a integer, b text DEFAULT 'none')")
    try:
        for _ in range(2):
            client.execute(text)
    finally:
        client.execute("DROP TABLE rc_trees")
    assert seen[0] is seen[1]
    assert repr(seen[0]) == repr(limits_of(Settings()).read(text))


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 6), st.booleans()), max_size=40)
)
def test_recent_keeps_what_was_used_last(steps: list[tuple[str, int, bool]]) -> None:
    recent: Recent[int] = Recent(10, 5)
    model: dict[str, int] = {}  # least recently used first
    for key, weight, puts in steps:
        if puts and weight <= 5:
            recent.put(key, weight, weight)
            model.pop(key, None)
            model[key] = weight
            while sum(model.values()) > 10:
                del model[next(iter(model))]
        elif puts:
            recent.put(key, weight, weight)
        else:
            assert recent.get(key) == model.get(key)
            if key in model:
                model[key] = model.pop(key)
    assert {key: recent.get(key) for key in "abcdef"} == {key: model.get(key) for key in "abcdef"}


def test_a_plain_query_is_recalled(connect: Connect, gateway_app: App) -> None:
    before = set(gateway_app.gateway.statement_cache.trees._entries)
    connect().execute("SELECT 'recalled' AS test_a_plain_query_is_recalled")
    assert set(gateway_app.gateway.statement_cache.trees._entries) - before


def test_a_query_is_kept_once_whatever_the_catalogue_goes_through(gateway_app: App) -> None:
    """What was worked out before a change is asked for by nobody after it, and makes room."""
    session = gateway_app.gateway.create_session()
    trees = gateway_app.gateway.statement_cache.trees

    def run(text: str) -> None:
        for result in session.run_simple(text):
            list(result.take())
            result.end()
        session.sync()

    try:
        session.start("u", "d", {})
        kept = []
        for number in range(5):
            run(f"CREATE TABLE rc_kept_{number} (a int)")
            run(f"DROP TABLE rc_kept_{number}")
            run("SELECT count(*) AS rc_kept FROM ncep.sst")
            run("VALUES ('rc_kept')")
            kept.append(len(trees._entries))
        assert kept == kept[:1] * 5
    finally:
        gateway_app.gateway.close_session(session)


def test_what_an_older_moment_is_told_stays_with_it() -> None:
    """A transaction that sees an older catalogue puts nothing in the place of newer work."""
    statement_cache: StatementCache[str] = StatementCache(limits_of(Settings()))
    tree = object()
    old, new = Circumstances((1, 0), "public"), Circumstances((2, 0), "public")
    statement_cache.keep(tree, old, "old", 1)
    assert (statement_cache.query(tree, old), statement_cache.query(tree, new)) == ("old", None)
    statement_cache.keep(tree, new, "new", 1)
    statement_cache.keep(tree, old, "old", 1)
    assert (statement_cache.query(tree, old), statement_cache.query(tree, new)) == (None, "new")
    assert (statement_cache.trees.hits, statement_cache.trees.misses) == (2, 2)
    other = Circumstances((2, 0), "elsewhere")
    statement_cache.keep(tree, other, "other", 1)
    assert statement_cache.query(tree, new) == "new"
    assert statement_cache.query(tree, other) == "other"
