"""What the catalogue tells while it changes: two sessions look after each step, as on PostgreSQL.

The same texts are asked again and again, so what is kept of them from one moment to the next would
show: answers, the relations' tables in DuckDB and what functions look up.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pytest
import xarray

from gateway.app import App
from gateway.catalog.system.entries import Contents
from gateway.catalog.system.names import Moment
from gateway.catalog.system.queries import CatalogueDatabase
from gateway.catalog.system.readers import Readers, Stopping
from gateway.config import Role, Settings
from gateway.sql.text.dialect import parse

Connection = psycopg.Connection[Any]

LOOKS = (
    "SELECT left(n.nspname, 7), c.relname, c.relkind, c.relhasindex, c.relchecks FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname LIKE 'mom%' "
    "AND (c.relpersistence = 'p' OR pg_table_is_visible(c.oid)) ORDER BY 1, 2",
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum) FROM pg_attribute a "
    "JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid "
    "AND d.adnum = a.attnum WHERE c.relname LIKE 'mom%' AND a.attnum > 0 "
    "AND (c.relpersistence = 'p' OR pg_table_is_visible(c.oid)) "
    "AND NOT a.attisdropped ORDER BY c.relname, a.attnum, 2",
    "SELECT table_name, column_name, ordinal_position, data_type, is_nullable "
    "FROM information_schema.columns WHERE table_name LIKE 'mom%' ORDER BY 1, 3, 2",
    "SELECT relname, oid::regclass::text, pg_table_is_visible(oid) FROM pg_class "
    "WHERE relname LIKE 'mom%' AND (relpersistence = 'p' OR pg_table_is_visible(oid)) "
    "ORDER BY 1, 2",
    "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid::regclass::text LIKE '%mom%' ORDER BY 1",
    "SELECT to_regclass('mom1')::text, to_regclass('mom2')::text, current_schema(), "
    "obj_description(to_regclass('mom1'), 'pg_class')",
    "SELECT table_name, table_type FROM information_schema.tables WHERE table_name LIKE 'mom%' "
    "ORDER BY 1, 2",
    "SELECT tablename, hasindexes FROM pg_tables WHERE tablename LIKE 'mom%' "
    "AND schemaname = 'public' ORDER BY 1, 2",
)
# Here two transactions never both change the catalogue, and on PostgreSQL information_schema waits
# for a transaction that drops a table.
SCRIPT = (
    ("a", "CREATE TABLE mom1 (a int PRIMARY KEY, b text DEFAULT 'x')"),
    ("b", "CREATE TABLE mom2 (c float8 CHECK (c > 0), d int REFERENCES mom1)"),
    ("a", "COMMENT ON COLUMN mom1.b IS 'of b'"),
    ("a", "COMMENT ON TABLE mom1 IS 'of one'"),
    ("a", "BEGIN"),
    ("a", "CREATE TABLE mom3 (e numeric(8,2), f varchar(7))"),
    ("a", "ALTER TABLE mom3 ADD COLUMN h bigint NOT NULL DEFAULT 5"),
    ("b", "SET search_path = pg_catalog, public"),
    ("a", "COMMENT ON TABLE mom1 IS 'not to stay'"),
    ("b", "RESET search_path"),
    ("a", "ROLLBACK"),
    ("b", "CREATE TABLE mom4 (g date)"),
    ("b", "ALTER TABLE mom4 ADD COLUMN i int"),
    ("a", "BEGIN"),
    ("a", "CREATE TABLE mom6 (k int)"),
    ("a", "COMMENT ON TABLE mom1 IS NULL"),
    ("a", "COMMIT"),
    ("a", "DROP TABLE mom2, mom6"),
    ("b", "CREATE VIEW momv AS SELECT g FROM mom4"),
    ("a", "CREATE TEMPORARY TABLE mom1 (t text)"),
    ("a", "SET search_path = m, public"),
    ("b", "CREATE SCHEMA m"),
    ("b", "CREATE TABLE m.mom4 (j int)"),
    ("a", "DROP TABLE pg_temp.mom1"),
    ("b", "ALTER TABLE mom4 RENAME TO mom5"),
    ("b", "SET search_path = m"),
    ("a", "ALTER TABLE public.mom1 ALTER COLUMN b SET NOT NULL"),
    ("a", "RESET search_path"),
    ("b", "CREATE INDEX momi ON public.mom1 (b)"),
    ("b", "ALTER TABLE public.mom1 DROP COLUMN b"),
)  # fmt: skip


@contextmanager
def sessions(port: int, database: str = "postgres") -> Iterator[dict[str, Connection]]:
    target = {"host": "127.0.0.1", "port": port, "user": "postgres", "dbname": database}
    with (
        psycopg.connect(**target, autocommit=True, prepare_threshold=None) as a,
        psycopg.connect(**target, autocommit=True, prepare_threshold=None) as b,
    ):
        yield {"a": a, "b": b}


def seen(port: int, database: str = "postgres") -> list[tuple[str, str, str, list[Any]]]:
    """Each step, who looked, at what, and what was seen."""
    found = []
    with sessions(port, database) as both:
        for who, step in SCRIPT:
            both[who].execute(step)
            for name, connection in both.items():
                for look in LOOKS:
                    found.append((step, name, look, connection.execute(look).fetchall()))
    return found


def test_two_sessions_see_what_they_see_on_postgresql(own_postgres: int) -> None:
    with App(Settings(port=0, datasets=[])) as app:
        ours = seen(app.address[1])
    with database_of(own_postgres) as name:
        assert ours == seen(own_postgres, name)


# What one session sees of a temporary table of another, who has none himself, then one.
OTHERS = (
    "SELECT relname, relkind, relpersistence, nspname LIKE 'pg_temp_%' FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = relnamespace WHERE relname LIKE 'tempo%' ORDER BY 1",
    "SELECT table_name, table_type FROM information_schema.tables WHERE table_name LIKE 'tempo%'",
    "SELECT column_name FROM information_schema.columns WHERE table_name LIKE 'tempo%'",
    "SELECT attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid"
    " WHERE relname = 'tempo_a' AND attnum > 0 ORDER BY attnum",
    "SELECT relname, pg_table_is_visible(oid), pg_is_other_temp_schema(relnamespace),"
    " relnamespace = pg_my_temp_schema(), has_table_privilege(oid, 'SELECT')"
    " FROM pg_class WHERE relname LIKE 'tempo%' ORDER BY 1",
    "SELECT to_regclass('tempo_a'), to_regclass('tempo_b')",
)


def seen_of_others(port: int, database: str = "postgres") -> list[list[Any]]:
    with sessions(port, database) as both:
        both["a"].execute("CREATE TEMP TABLE tempo_a (x int PRIMARY KEY, y text)")
        found = [both["b"].execute(look).fetchall() for look in OTHERS]
        both["b"].execute("CREATE TEMP TABLE tempo_b (z int)")
        return found + [both["b"].execute(look).fetchall() for look in OTHERS]


def test_temporary_tables_of_others_are_seen_as_on_postgresql(own_postgres: int) -> None:
    with App(Settings(port=0, datasets=[])) as app:
        ours = seen_of_others(app.address[1])
    with database_of(own_postgres) as name:
        assert ours == seen_of_others(own_postgres, name)


@contextmanager
def database_of(port: int) -> Iterator[str]:
    """A database of PostgreSQL's for a while: schemas for temporary tables stay in one."""
    with sessions(port) as both:
        both["a"].execute("CREATE DATABASE moments")
        yield "moments"
        both["a"].execute("DROP DATABASE moments WITH (FORCE)")


def test_datasets_come_and_go_and_change(tmp_path: Path) -> None:
    look = (
        "SELECT a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.relkind = 'f' AND a.attnum > 0 AND a.attname IN ('v', 'w') ORDER BY 1"
    )
    place = tmp_path / "d.nc"
    xarray.Dataset({"v": ("x", np.arange(3.0))}).to_netcdf(place)
    settings = Settings(port=0, datasets=[], superusers=["postgres"], dataset_roots=[str(tmp_path)])
    with App(settings) as app, sessions(app.address[1]) as both:

        def looks() -> list[Any]:
            first, second = (each.execute(look).fetchall() for each in both.values())
            assert first == second
            return first

        assert looks() == []
        both["a"].execute(f"ATTACH '{place}' AS d")
        assert looks() == [("v",)]
        place.unlink()
        xarray.Dataset({"w": ("x", np.arange(3.0))}).to_netcdf(place)
        both["b"].execute("REFRESH d")
        assert looks() == [("w",)]
        both["a"].execute("DETACH d")
        assert looks() == []


@pytest.fixture
def guarded() -> Iterator[App]:
    settings = Settings(port=0, datasets=[], superusers=["postgres"], roles={"guest": Role()})
    with App(settings) as app:
        yield app


def test_grants_and_roles_are_seen_at_once(guarded: App) -> None:
    look = (
        "SELECT relname, relacl::text, pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'g'"
    )
    whose = "SELECT current_user, session_user, relname FROM pg_class WHERE relname = 'g'"
    with sessions(guarded.address[1]) as both:
        one, other = both.values()

        def looks() -> list[Any]:
            first, second = (each.execute(look).fetchall() for each in (one, other))
            assert first == second
            return first

        one.execute("CREATE TABLE g (a int)")
        assert looks() == [("g", None, "postgres")]
        one.execute("GRANT SELECT ON g TO guest")
        assert looks() == [("g", "{postgres=arwdDxt/postgres,guest=r/postgres}", "postgres")]
        assert one.execute(whose).fetchall() == [("postgres", "postgres", "g")]
        one.execute("SET ROLE guest")
        assert one.execute(whose).fetchall() == [("guest", "postgres", "g")]
        one.execute("RESET ROLE")
        one.execute("REVOKE SELECT ON g FROM guest")
        assert looks() == [("g", "{postgres=arwdDxt/postgres}", "postgres")]
        one.execute("ALTER TABLE g OWNER TO guest")
        assert looks() == [("g", "{guest=arwdDxt/guest}", "guest")]


def test_settings_are_not_kept() -> None:
    look = "SELECT setting, current_setting('search_path') FROM pg_settings WHERE name = 'TimeZone'"
    with App(Settings(port=0, datasets=[])) as app, sessions(app.address[1]) as both:
        one, other = both.values()
        before = other.execute(look).fetchall()
        one.execute("SET TimeZone = 'Asia/Tokyo'")
        one.execute("SET search_path = a")
        assert one.execute(look).fetchall() == [("Asia/Tokyo", "a")]
        assert other.execute(look).fetchall() == before
        one.execute("RESET ALL")
        assert one.execute(look).fetchall() == before


def test_nothing_stays_of_a_moment_that_was_asked_after_it_was_let_go() -> None:
    database = CatalogueDatabase()
    held = Contents({"public": 2200}, {}, [], (), {}, "pg_temp_1")
    text = "SELECT count(*) FROM pg_class WHERE relname = 'pg_class'::name"

    def moment(version: int) -> Moment:
        return database.moment(version, lambda: held, "u", "d", ["public"])

    def asked(late: Moment) -> list[weakref.ref[Any]]:
        query = database.translate(late, text, parse(text)[0], {})
        rows = database.run(late, query, {}, {}, Stopping())
        assert rows.to_pylist() == [{"c1": 1}]
        return [weakref.ref(late), weakref.ref(rows)]

    late = moment(0)
    for version in range(1, 40):  # other clients change the catalogue, and look
        moment(version)
    kept = asked(late)
    del late
    for version in range(40, 80):
        moment(version)
    gc.collect()
    assert [each() for each in kept] == [None, None]
    database.close()


def test_a_reader_is_lent_to_one_query_at_a_time_and_not_again_once_it_has_variables() -> None:
    with duckdb.connect(":memory:") as connection:
        readers = Readers(connection)
        first, second = readers.take(), readers.take()
        assert first.place != second.place
        assert first.query("SELECT 1", {}) is first.query("SELECT 1", {})
        second.set_variable("pid", 7)
        for reader in (first, second):
            readers.give_back(reader)
        assert readers.take() is first
        assert readers.take() is not second
