"""Transaction blocks as clients write them: two sessions take turns, statement by statement."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.engine.embedded import Embedded
from gateway.errors import GatewayError
from gateway.session.gateway import Gateway
from gateway.session.session import Session
from gateway.store.tables import Store
from tests.store.answers import answer

# Who sends what; what comes back (rows, or the command's tag, or the SQLSTATE) and the state after.
Turn = tuple[str, str, object, str]

SETUP = "create table t (n int primary key, v int); create table u (n int)"

SCRIPTS: dict[str, list[Turn]] = {
    "temporary tables are a session's own": [
        ("a", "create temp table mine (n int)", "CREATE TABLE", "I"),
        ("a", "create temp sequence own", "CREATE SEQUENCE", "I"),
        ("a", "insert into pg_temp_1.mine values (5)", "INSERT 0 1", "I"),
        ("b", "select * from pg_temp_1.mine", "42P01", "I"),
        ("b", "insert into pg_temp_1.mine values (1)", "42P01", "I"),
        ("b", "drop table pg_temp_1.mine", "42P01", "I"),
        ("b", "alter table pg_temp_1.mine add column m int", "42P01", "I"),
        ("b", "truncate pg_temp_1.mine", "42P01", "I"),
        ("b", "select nextval('pg_temp_1.own')", "42P01", "I"),
        ("b", "drop sequence pg_temp_1.own", "42P01", "I"),
        ("b", "create table pg_temp_1.other (n int)", "42P16", "I"),
        ("b", "alter table t set schema pg_temp_1", "42P16", "I"),
        ("b", "set search_path to pg_temp_1, public", "SET", "I"),
        ("b", "select * from mine", "42P01", "I"),
        ("b", "create table other (n int)", "42P16", "I"),
        ("a", "select * from mine", [(5,)], "I"),
    ],
    "a foreign key waits for nobody who is done, and holds": [
        ("a", "create table c (n int references t)", "CREATE TABLE", "I"),
        ("a", "insert into t values (1, 1), (2, 2)", "INSERT 0 2", "I"),
        ("a", "begin", "BEGIN", "T"),
        ("a", "insert into c values (1)", "INSERT 0 1", "T"),
        ("a", "insert into c values (3)", "23503", "E"),
        ("b", "delete from t where n = 1", "DELETE 1", "I"),
        ("a", "rollback", "ROLLBACK", "I"),
        ("a", "insert into c values (1)", "23503", "I"),
        ("a", "insert into c values (2)", "INSERT 0 1", "I"),
        ("b", "delete from t where n = 2", "23503", "I"),
    ],
    "commit": [
        ("a", "begin", "BEGIN", "T"),
        ("a", "insert into t values (1, 0)", "INSERT 0 1", "T"),
        ("a", "update t set v = v + 1", "UPDATE 1", "T"),
        ("b", "select * from t", [], "I"),
        ("a", "commit", "COMMIT", "I"),
        ("b", "select * from t", [(1, 1)], "I"),
    ],
    "many changes of single rows are done again as they were": [
        ("a", "insert into t select n, 0 from generate_series(1, 80) as s(n)", "INSERT 0 80", "I"),
        ("a", "begin", "BEGIN", "T"),
        *[("a", f"update t set v = v + {n} where n = {n}", "UPDATE 1", "T") for n in range(1, 71)],
        ("a", "update t set v = v + 100 where n = 1", "UPDATE 1", "T"),
        ("a", "update t set v = v * 2 where n = 1", "UPDATE 1", "T"),
        *[("a", f"update t set v = v * 2 where n = {n}", "UPDATE 1", "T") for n in range(2, 71)],
        ("a", "savepoint s", "SAVEPOINT", "T"),
        *[
            turn
            for n in (72, 2)
            for turn in [
                ("a", "update t set v = 0", "UPDATE 80", "T"),
                ("a", "rollback to s", "ROLLBACK", "T"),
                ("a", f"update t set v = v * 2 where n = {n}", "UPDATE 1", "T"),
                ("a", "savepoint s", "SAVEPOINT", "T"),
            ]
        ],
        ("a", "select 1 / 0", "22012", "E"),
        ("a", "rollback to s", "ROLLBACK", "T"),
        ("a", "commit", "COMMIT", "I"),
        (
            "b",
            "select v from t where n in (1, 2, 70, 72) order by n",
            [(202,), (8,), (140,), (0,)],
            "I",
        ),
        ("b", "select sum(v) from t", [(5174,)], "I"),
    ],
    "several statements are one transaction": [
        ("a", "insert into t values (1, 1); insert into t values (1, 2)", "23505", "I"),
        ("a", "select * from t", [], "I"),
        ("a", "insert into t values (1, 1); insert into u values (2)", "INSERT 0 1", "I"),
        ("b", "select * from t, u", [(1, 1, 2)], "I"),
    ],
    "several tables are dropped or none": [
        ("a", "drop table t, nowhere", "42P01", "I"),
        ("b", "select * from t", [], "I"),
        ("a", "drop table t, u", "DROP TABLE", "I"),
        ("b", "select * from u", "42P01", "I"),
    ],
    "begin makes what came before in the message part of the block": [
        ("a", "insert into u values (1); begin; insert into u values (2)", "INSERT 0 1", "T"),
        ("b", "select * from u", [], "I"),
        ("a", "rollback", "ROLLBACK", "I"),
        ("b", "select * from u", [], "I"),
    ],
    "failed block": [
        ("a", "begin", "BEGIN", "T"),
        ("a", "insert into u values (1)", "INSERT 0 1", "T"),
        ("a", "select 1 / 0", "22012", "E"),
        ("b", "insert into u values (2)", "INSERT 0 1", "I"),  # the lock is free
        ("a", "select 1", "25P02", "E"),
        ("a", "savepoint s", "25P02", "E"),
        ("a", "commit", "ROLLBACK", "I"),
        ("a", "select * from u", [(2,)], "I"),
    ],
    "savepoints": [
        ("a", "savepoint s", "25P01", "I"),
        ("a", "release s", "25P01", "I"),
        ("a", "rollback to s", "25P01", "I"),
        ("a", "begin", "BEGIN", "T"),
        ("a", "insert into u values (1)", "INSERT 0 1", "T"),
        ("a", "savepoint s", "SAVEPOINT", "T"),
        ("a", "insert into u values (2)", "INSERT 0 1", "T"),
        ("a", "savepoint s", "SAVEPOINT", "T"),
        ("a", "insert into t values (1, 1), (1, 1)", "23505", "E"),
        ("a", "rollback to s", "ROLLBACK", "T"),
        ("a", "select n from u order by n", [(1,), (2,)], "T"),
        ("a", "release savepoint s", "RELEASE", "T"),
        ("a", "rollback to savepoint s", "ROLLBACK", "T"),
        ("a", "select n from u", [(1,)], "T"),
        ("a", "release s", "RELEASE", "T"),
        ("a", "rollback to s", "3B001", "E"),
        ("a", "rollback", "ROLLBACK", "I"),
        ("b", "select n from u", [], "I"),
    ],
    "definitions": [
        ("a", "begin", "BEGIN", "T"),
        ("a", "create table w as select 1 as x", "SELECT 1", "T"),
        ("a", "create view y as select x + 1 as z from w", "CREATE VIEW", "T"),
        ("a", "drop table u", "DROP TABLE", "T"),
        ("a", "select * from w, y", [(1, 2)], "T"),
        ("b", "select * from w", "42P01", "I"),
        ("b", "select * from u", [], "I"),
        ("a", "rollback", "ROLLBACK", "I"),
        ("a", "select * from y", "42P01", "I"),
        ("a", "select * from u", [], "I"),
    ],
}


@pytest.fixture
def sessions(store: Store) -> Iterator[dict[str, Session]]:
    gateway = Gateway(Embedded(), store, {})
    made = {name: gateway.new_session() for name in "ab"}
    for session in made.values():
        session.start("me", "db", {})
    answer(made["a"], SETUP)
    yield made
    for session in made.values():
        session.close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_script(sessions: dict[str, Session], script: str) -> None:
    for who, text, wanted, status in SCRIPTS[script]:
        assert (text, answer(sessions[who], text), sessions[who].status) == (text, wanted, status)


def test_writes_until_sync_are_one_transaction(sessions: dict[str, Session]) -> None:
    a, b = sessions["a"], sessions["b"]
    for key in (1, 2):
        a.parse("", f"insert into t values ({key}, 0)", [])
        a.bind("", "", [])
        a.execute("")
        assert answer(b, "select * from t") == []
    a.sync()
    assert answer(b, "select n from t order by n") == [(1,), (2,)]
    for key in (3, 1):
        a.parse("", f"insert into t values ({key}, 0)", [])
        a.bind("", "", [])
        try:
            a.execute("")
        except GatewayError as error:
            a.fail(error)
    assert answer(b, "select n from t order by n") == [(1,), (2,)]
