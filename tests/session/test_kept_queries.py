"""What a server remembers of earlier statements never changes an answer.

Random statements of three clients go to a server that remembers and to one that does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import strategies as st

from tests.examples import examples
from tests.session.worlds import World

_CLIENTS = ("admin", "alice", "bob")

_SETUP = """
    CREATE SCHEMA one; CREATE SCHEMA two;
    GRANT ALL ON SCHEMA one TO alice; GRANT USAGE ON SCHEMA two TO alice;
    CREATE TABLE one.t (id int PRIMARY KEY, a int, s text, at timestamptz);
    INSERT INTO one.t VALUES (1, 10, 'x', '2020-07-01 12:00+00'), (2, 20, 'y', NULL);
    CREATE TABLE two.t (id int, a int, s text, at timestamptz);
    INSERT INTO two.t VALUES (1, 77, 'z', '2020-01-01 23:30+00');
    CREATE TABLE one.u (id int, b float8); INSERT INTO one.u VALUES (1, 0.5), (2, -0.0);
    CREATE VIEW one.v AS SELECT id, a + 1 AS a FROM one.t;
    GRANT SELECT ON one.t, one.v TO alice;
    CREATE FUNCTION one.f(x double precision) RETURNS double precision LANGUAGE sql RETURN x * 2
"""
_CLEAN = "DROP SCHEMA IF EXISTS one CASCADE; DROP SCHEMA IF EXISTS two CASCADE"

# Sent as they stand.
_QUERIES = (
    "SELECT 1",
    "SELECT $1",  # which tells nothing of its value
    "SELECT * FROM t",
    "SELECT a FROM t WHERE id = 1",
    "SELECT a FROM t WHERE id = 2",
    "SELECT a FROM t WHERE id = 3",
    "SELECT sum(a), count(*) FROM t",
    "SELECT a FROM v WHERE id = 1",
    "SELECT t.a, u.b FROM t JOIN u ON t.id = u.id",
    "SELECT at, extract(hour FROM at), at::date FROM t WHERE id = 1",
    "SELECT one.f(id) FROM t",
    "SELECT current_user, current_schema",
    "SELECT relname FROM pg_class WHERE relname IN ('t', 'v', 'mine') ORDER BY 1",
    "SELECT count(*) FROM ncep.winds WHERE uwnd > 3",
)
# The same with values: text, the types that the client declares, values for them.
_BOUND = (
    ("SELECT $1", ("int4",), st.integers(-9, 9)),
    ("SELECT $1", ("text",), st.sampled_from(["", "1", "it's"])),
    ("SELECT $1", ("float8",), st.sampled_from([0.0, -0.0, 1.5])),
    ("SELECT $1::int, $2::int4 AS b", ("int4", "int4"), st.integers(-9, 9)),
    ("SELECT a FROM t WHERE $1 = id AND $1 = id", ("int4",), st.integers(0, 3)),
    ("SELECT $1 + 1", ("int4",), st.sampled_from([1, 2**31 - 1])),
    ("SELECT 10 / $1", ("int4",), st.integers(-1, 1)),
    ("SELECT * FROM t WHERE id = $1", ("int4",), st.integers(0, 3)),
    ("SELECT * FROM t WHERE id = $1", ("int8",), st.sampled_from([1, 2**40])),
    ("SELECT s, a FROM t WHERE s = $1 AND a > 5", ("text",), st.sampled_from(["x", "y", "z"])),
    ("SELECT s, sum(a) FROM t WHERE a < $1 GROUP BY s", ("int4",), st.sampled_from([5, 15, 99])),
    ("SELECT a FROM t ORDER BY a LIMIT $1", ("int8",), st.integers(0, 2)),
    ("SELECT a FROM v WHERE a > $1", ("int4",), st.integers(9, 22)),
    ("SELECT t.a FROM t JOIN u USING (id) WHERE u.b > $1", ("float8",), st.sampled_from([-1.0, 0])),
    ("SELECT CASE WHEN a > $1 THEN $1 END FROM t", ("int4",), st.integers(0, 30)),
    ("UPDATE t SET a = $1 WHERE id = 1", ("int4",), st.integers(0, 40)),
    ("INSERT INTO t VALUES ($1, 1, 's', NULL)", ("int4",), st.integers(1, 9)),
    ("DELETE FROM t WHERE id = $1", ("int4",), st.integers(1, 9)),
)
_CHANGES = (
    "SET search_path TO one", "SET search_path TO two, one", "RESET search_path",
    "SET TimeZone TO 'Asia/Tokyo'", "SET TimeZone TO 'UTC'",
    "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "COMMIT", "ROLLBACK",
    "SET LOCAL search_path TO two", "SAVEPOINT p", "ROLLBACK TO p",
    "BEGIN READ ONLY", "SET TRANSACTION READ WRITE", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "SET ROLE alice", "RESET ROLE",
    "UPDATE one.t SET a = a + 1", "INSERT INTO one.t VALUES (3, 30, 'x', NULL)",
    "DELETE FROM one.t WHERE id = 2", "UPDATE one.u SET b = b + 1", "TRUNCATE one.u",
    "GRANT SELECT ON one.u, two.t TO alice", "REVOKE SELECT ON one.t FROM alice",
    "REVOKE SELECT ON one.v FROM alice", "REVOKE ALL ON SCHEMA one FROM alice",
    "GRANT ALL ON SCHEMA one TO alice", "GRANT UPDATE ON one.t TO alice",
    "CREATE TEMP TABLE t AS SELECT 1 AS id, 500 AS a, 'q' AS s, NULL::timestamptz AS at",
    "CREATE TEMP TABLE mine (id int)", "DISCARD TEMP", "DROP TABLE IF EXISTS pg_temp.t",
    "ALTER TABLE one.t RENAME COLUMN a TO c", "ALTER TABLE one.t RENAME COLUMN c TO a",
    "ALTER TABLE one.t ALTER COLUMN a TYPE int8", "ALTER TABLE one.t ADD COLUMN more int DEFAULT 4",
    "ALTER TABLE one.u RENAME TO w", "ALTER TABLE one.w RENAME TO u",
    "CREATE OR REPLACE VIEW one.v AS SELECT id, a + 2 AS a FROM one.t",
    "DROP TABLE one.t CASCADE; CREATE TABLE one.t AS SELECT 30 AS a, 1 AS id, 's' AS s, now() AS at"
    " WHERE false",
    "CREATE OR REPLACE FUNCTION one.f(x double precision) RETURNS double precision LANGUAGE sql"
    " RETURN x * 3",
    "SELECT nextval('one.n')", "CREATE SEQUENCE one.n", "DROP SEQUENCE IF EXISTS one.n",
)  # fmt: skip

_asked = st.tuples(st.just("ask"), st.sampled_from(_QUERIES))


@st.composite
def _bound(draw: st.DrawFn) -> tuple[object, ...]:
    text, kinds, values = draw(st.sampled_from(_BOUND))
    given = st.tuples(*(values | st.none() for _ in kinds))
    return "bind", text, kinds, (draw(given), draw(given)), draw(st.booleans())


def _sent(queries: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """What is sent of queries: those with values one after the other with either."""
    for how, text, *more in queries:
        if more:
            kinds, both, named = more
            yield from ((how, text, kinds, values, named) for values in both)
        else:
            yield how, text


_change = st.tuples(st.sampled_from(_CLIENTS), st.sampled_from(_CHANGES))


@pytest.fixture(scope="module")
def worlds() -> Iterator[tuple[World, World]]:
    with World(remembers=True) as one, World(remembers=False) as other:
        yield one, other


_T, _V = ("ask", "SELECT a FROM t WHERE id = 1"), ("ask", "SELECT a FROM v WHERE id = 1")
_AT = ("ask", "SELECT at, extract(hour FROM at), at::date FROM t WHERE id = 1")
_STAR = ("bind", "SELECT * FROM t WHERE id = $1", ("int4",), ((1,), (2,)), False)
_TEMPORARY = "CREATE TEMP TABLE t AS SELECT 1 AS id, 500 AS a, 'q' AS s, NULL::timestamptz AS at"


@given(
    st.sampled_from(_CLIENTS),
    st.lists(_asked | _bound(), min_size=2, max_size=4),
    st.lists(_change, min_size=1, max_size=8),
)
@example("admin", [_T, _AT], [("admin", "SET search_path TO two, one")])
@example("admin", [_AT], [("admin", "SET TimeZone TO 'Asia/Tokyo'")])
@example("admin", [_T], [("admin", _TEMPORARY), ("admin", "DISCARD TEMP")])
@example("bob", [_T, _V], [("admin", "REVOKE SELECT ON one.t FROM alice")])
@example(
    "admin", [_T], [("admin", "SET ROLE bob"), ("admin", "REVOKE ALL ON SCHEMA one FROM alice")]
)
@example("admin", [("bind", "SELECT $1", ("int4",), ((1,), (2,)), True), ("ask", "SELECT $1")], [])
@example(
    "admin",
    [_STAR],
    [("admin", "UPDATE one.t SET a = a + 1"), ("admin", "DELETE FROM one.t WHERE id = 2")],
)
@example("admin", [_STAR], [("admin", "ALTER TABLE one.t ALTER COLUMN a TYPE int8")])
@example("alice", [_T, _V], [("admin", "UPDATE one.t SET a = a + 1"), ("alice", "BEGIN")])
@example(
    "admin",
    [_T, _STAR],
    [
        ("admin", "BEGIN"),
        ("admin", "UPDATE one.t SET a = a + 1"),
        ("admin", "SELECT 1 / 0"),
        ("admin", "ROLLBACK"),
    ],
)
@example(
    "alice",
    [_STAR],
    [
        ("alice", "BEGIN"),
        ("admin", "UPDATE one.t SET a = a + 1"),
        ("alice", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
        ("admin", "REVOKE SELECT ON one.t FROM alice"),
    ],
)
@examples(
    8,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_is_remembered_changes_no_answer(worlds, watcher, queries, changes) -> None:
    for world in worlds:
        world.leave()
        world.ask("admin", _CLEAN)
        assert world.ask("admin", _SETUP)[-1] == "I"
        for client in _CLIENTS:
            world.ask(client, "SET search_path TO one; SET lock_timeout TO '5ms'")

    def send(client, how, *sent) -> None:
        one, other = (getattr(world, how)(client, *sent) for world in worlds)
        assert one == other, (client, sent)

    for sent in _sent(queries * 3):  # a query is kept by steps
        send(watcher, *sent)
    for client, change in changes:
        send(client, "ask", change)
        for sent in _sent(queries * 2):
            send(watcher, *sent)
