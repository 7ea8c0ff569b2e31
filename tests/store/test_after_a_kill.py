"""Everything of the catalogue is there after kill -9, and in a copy that was made while serving."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.store.disk.backup import back_up
from tests.store.crash import serving

MADE = """
CREATE SCHEMA lab;
COMMENT ON SCHEMA lab IS 'a room';
CREATE SEQUENCE lab.tickets START 7 INCREMENT 3;
CREATE TABLE lab.run (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(9) UNIQUE,
    rate float8 DEFAULT 0.5 CHECK (rate > 0), twice float8 GENERATED ALWAYS AS (rate * 2) STORED);
CREATE TABLE lab.step (run int REFERENCES lab.run ON DELETE CASCADE DEFERRABLE, n int,
    at timestamptz);
CREATE UNIQUE INDEX step_once ON lab.step (run, n);
CREATE INDEX step_at ON lab.step (at DESC);
CREATE UNIQUE INDEX run_name ON lab.run (lower(name)) WHERE rate > 0;
CREATE TABLE lab.held (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, x int,
    UNIQUE NULLS NOT DISTINCT (x));
INSERT INTO lab.held VALUES (1, NULL), (2, -5);
ALTER TABLE lab.held ADD CONSTRAINT positive CHECK (x > 0) NOT VALID;
COMMENT ON TABLE lab.run IS 'runs';
COMMENT ON COLUMN lab.run.rate IS 'per step';
INSERT INTO lab.run (name) VALUES ('first'), ('second');
INSERT INTO lab.step VALUES (1, 1, '2020-01-01'), (1, 2, NULL);
CREATE VIEW lab.slopes (run, slope) AS SELECT id, grad(rate * rate, rate) FROM lab.run;
CREATE MATERIALIZED VIEW lab.counted AS SELECT run, count(*) AS n FROM lab.step GROUP BY run;
CREATE MATERIALIZED VIEW lab.empty AS SELECT 1 AS x WITH NO DATA;
CREATE FUNCTION lab.square(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN x * x;
GRANT USAGE ON SCHEMA lab TO PUBLIC;
GRANT SELECT, INSERT ON lab.run TO PUBLIC;
GRANT SELECT ON lab.slopes TO PUBLIC;
SELECT nextval('lab.tickets');
ATTACH 'bundled:ncep' AS weather;
"""

ASKED = (
    "SELECT nspname, obj_description(oid, 'pg_namespace'), nspacl::text FROM pg_namespace"
    " WHERE nspname = 'lab'",
    "SELECT relname, relkind, relacl::text, relispopulated, obj_description(oid, 'pg_class')"
    " FROM pg_class WHERE relnamespace = 'lab'::regnamespace ORDER BY relname",
    "SELECT attrelid::regclass::text, attname, atttypid::regtype::text, attnotnull, attidentity,"
    " attgenerated, attacl::text, col_description(attrelid, attnum) FROM pg_attribute"
    " WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'lab'::regnamespace)"
    " AND attnum > 0 ORDER BY 1, 2",
    "SELECT pg_get_indexdef(indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = indrelid"
    " WHERE relnamespace = 'lab'::regnamespace ORDER BY 1",
    "SELECT conname, contype, condeferrable, convalidated, pg_get_constraintdef(oid)"
    " FROM pg_constraint WHERE connamespace = 'lab'::regnamespace ORDER BY 1",
    "SELECT * FROM lab.run ORDER BY id",
    "SELECT * FROM lab.step ORDER BY n",
    "SELECT * FROM lab.slopes ORDER BY run",
    "SELECT * FROM lab.counted",
    "SELECT lab.square(3)",
    "SELECT count(*) FROM weather.winds",
)


def told(where: str) -> list[list[tuple[Any, ...]]]:
    """What a server tells of it all."""
    with psycopg.connect(where, autocommit=True) as connection:
        return [connection.execute(query.encode()).fetchall() for query in ASKED]


def holds(where: str) -> None:
    """What is declared goes on: values of sequences, keys, checks, and what is not populated."""
    refused = (
        ("INSERT INTO lab.run (name) VALUES ('first')", "23505"),
        ("INSERT INTO lab.run (rate) VALUES (-1)", "23514"),
        ("INSERT INTO lab.run (name) VALUES ('FIRST')", "23505"),
        ("INSERT INTO lab.held VALUES (1, 9)", "23505"),
        ("INSERT INTO lab.held VALUES (3, NULL)", "23505"),
        ("INSERT INTO lab.held VALUES (3, -1)", "23514"),
        ("INSERT INTO lab.step VALUES (99, 1, NULL)", "23503"),
        ("INSERT INTO lab.step VALUES (1, 1, NULL)", "23505"),
        ("SELECT * FROM lab.empty", "55000"),
    )
    with psycopg.connect(where, autocommit=True) as connection:
        for statement, code in refused:
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(statement.encode())
            assert (statement, caught.value.sqlstate) == (statement, code)
        (ticket,) = connection.execute("SELECT nextval('lab.tickets')").fetchone() or (0,)
        assert ticket > 7 and (ticket - 7) % 3 == 0
        made = "INSERT INTO lab.run (name) VALUES ('next') RETURNING id, rate, twice"
        number, *others = connection.execute(made).fetchone() or (0,)
        assert number > 2 and others == [0.5, 1.0]


def test_the_catalogue_outlives_a_kill_and_is_in_a_copy(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy"
    with serving(data) as (server, where):
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in MADE.split(";\n"):
                if statement.strip():
                    connection.execute(statement.encode())
        before = told(where)
        assert all(before)
        back_up(data, copy)
        server.send_signal(signal.SIGKILL)
        server.wait()
    for place in (data, copy):
        with serving(place) as (_, where):
            assert told(where) == before
            holds(where)
