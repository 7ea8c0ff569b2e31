"""Catalogue queries over 200 tables of 50 columns: `python -m tests.bench.catalogue`.

The goal is 20 ms a query. Each is sent ten times over one connection and read to its end; the
median is told, and what the first one took, which is translated and finds the tables changed.
"""

from __future__ import annotations

import statistics
import time

import psycopg

from gateway.app import App
from gateway.config import Settings

TABLES, COLUMNS = 200, 50
QUERIES = {
    "psql \\dt": (
        "SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_get_userbyid(c.relowner) "
        "FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r','p','') AND n.nspname <> 'pg_catalog' "
        "AND n.nspname !~ '^pg_toast' AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2"
    ),
    "psql \\d of one table": (
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT "
        "pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE "
        "d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull "
        "FROM pg_catalog.pg_attribute a WHERE a.attrelid = 't7'::regclass AND a.attnum > 0 "
        "AND NOT a.attisdropped ORDER BY a.attnum"
    ),
    "columns of one table": (
        "SELECT column_name, data_type, is_nullable FROM information_schema.columns "
        "WHERE table_name = 't7' ORDER BY ordinal_position"
    ),
    "tables": "SELECT table_schema, table_name, table_type FROM information_schema.tables",
    "all columns, three of each": (
        "SELECT c.relname, a.attname, a.atttypid FROM pg_class c JOIN pg_attribute a "
        "ON a.attrelid = c.oid WHERE c.relkind = 'r' AND a.attnum > 0"
    ),
}


def main() -> None:
    with App(Settings(port=0, datasets=[])) as app:
        host, port = app.address
        with psycopg.connect(
            host=host, port=port, user="bench", dbname="bench", autocommit=True
        ) as connection:
            columns = ", ".join(f"c{n} float8" for n in range(COLUMNS))
            connection.execute("BEGIN")
            for n in range(TABLES):
                connection.execute(f"CREATE TABLE t{n} ({columns})")
            connection.execute("COMMIT")
            for name, sql in QUERIES.items():
                taken = [_milliseconds(connection, sql) for _ in range(11)]
                usual = statistics.median(taken[1:])
                print(f"{name:28} first {taken[0]:7.1f} ms, then {usual:6.1f} ms")


def _milliseconds(connection: psycopg.Connection[tuple[object, ...]], sql: str) -> float:
    start = time.perf_counter()
    connection.execute(sql).fetchall()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
