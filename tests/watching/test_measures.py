"""Counters of tables, beside PostgreSQL's, and sizes, which are those of another store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
import pytest

Connect = Callable[..., psycopg.Connection[Any]]

DONE = """
CREATE TABLE measured (a int PRIMARY KEY, b text);
CREATE TABLE untouched (a int);
INSERT INTO measured SELECT n, 'text ' || n FROM generate_series(1, 1000) AS s(n);
UPDATE measured SET b = 'x' WHERE a <= 10;
UPDATE measured SET b = 'y' WHERE a = 5;
UPDATE measured SET b = 'y' WHERE a = -5;
DELETE FROM measured WHERE a = 6;
DELETE FROM measured WHERE a > 990;
INSERT INTO measured VALUES (1, 'z'), (1001, 'z') ON CONFLICT (a) DO UPDATE SET b = 'q';
INSERT INTO measured VALUES (2, 'z') ON CONFLICT DO NOTHING;
BEGIN; INSERT INTO measured VALUES (1002, ''), (1003, ''); ROLLBACK;
COPY measured FROM STDIN;
"""
#            inserted  updated  deleted
COUNTED = [("measured", 1006, 12, 11), ("untouched", 0, 0, 0)]


@pytest.mark.parametrize("name", ["connect", "postgres"])
def test_changed_rows_are_counted(name: str, request: pytest.FixtureRequest) -> None:
    server: Connect = request.getfixturevalue(name)
    with server() as client:
        *statements, copy = [each.strip() for each in DONE.split(";") if each.strip()]
        for statement in statements:
            client.execute(statement)
        with client.cursor().copy(copy) as rows:
            rows.write("2001\tx\n2002\ty\n2003\tz\n")
        try:
            with suppress(psycopg.errors.UndefinedFunction, psycopg.errors.FeatureNotSupported):
                client.execute("SELECT pg_stat_force_next_flush()")  # PostgreSQL's own
            counted = client.execute(
                "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables"
                " WHERE relname IN ('measured', 'untouched') ORDER BY 1"
            ).fetchall()
            assert counted == COUNTED
            whole = client.execute(
                "SELECT tup_inserted >= 1006, tup_updated >= 12, tup_deleted >= 11,"
                " xact_commit > 3, xact_rollback > 0, pg_database_size(datname) > 10000"
                " FROM pg_stat_database WHERE datname = current_database()"
            ).fetchone()
            assert whole == (True,) * 6
            client.execute("ANALYZE measured")
            sizes = client.execute(
                "SELECT pg_table_size('measured') BETWEEN 8192 AND 1000000,"
                " pg_relation_size('measured') > 0,"
                " pg_total_relation_size('measured') >= pg_table_size('measured'),"
                " pg_relation_size('untouched'), n_live_tup BETWEEN 980 AND 1020,"
                " reltuples BETWEEN 980 AND 1020"
                " FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid"
                " WHERE c.relname = 'measured'"
            ).fetchone()
            assert sizes == (True, True, True, 0, True, True)
        finally:
            client.execute("DROP TABLE measured, untouched")
