"""A whole server writes and shows no value that a client sent: its streams, /metrics, statements.

What libraries, native code and Python's own warnings write goes to the same streams, so the server
is a process of its own here, and everything that it wrote is searched.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

SECRET, NUMBER = "hunter2", "31415926"

TABLES = """
CREATE TABLE parent (id int PRIMARY KEY, a text UNIQUE CHECK (a <> 'none'), d date, j jsonb);
CREATE TABLE child (parent int REFERENCES parent, n int NOT NULL, v varchar(3));
INSERT INTO parent VALUES (1, 'one', '2020-01-01', '{}')
"""

# Each brings a value by another way: a literal that is read, assigned, compared or refused, a
# row that breaks a constraint, a name made of text, an argument of a function.
STATEMENTS = (
    f"SELECT '{SECRET}' AS a, {NUMBER} AS b, E'\\x41{SECRET}' AS c, U&'{SECRET}' AS d",
    f"SELECT $t${SECRET}$t$ AS a, B'101' AS b, X'1F' AS c /* {SECRET} */ -- {SECRET}",
    f"SELEKT '{SECRET}'",
    f"SELECT 'unterminated {SECRET}",
    f"SELECT '{SECRET}' '{SECRET}'",
    f"SELECT '{SECRET}'::int AS a",
    f"SELECT CAST('{SECRET}' AS date) AS a",
    f"SELECT '{SECRET}'::uuid AS a",
    f"SELECT '{{{SECRET}'::json AS a",
    f"SELECT '{SECRET}'::interval AS a",
    f"SELECT '{{{SECRET}}}'::int[] AS a",
    f"SELECT a::int AS a FROM (VALUES ('{SECRET}')) AS t(a)",
    f"SELECT {NUMBER}::int2 AS a",
    f"SELECT {NUMBER}{NUMBER}{NUMBER}::int AS a",
    f"SELECT {NUMBER} / (id - 1) AS a FROM parent",
    f"SELECT '{SECRET}' ~ '({SECRET}' AS a",
    f"SELECT to_timestamp('{SECRET}', 'YYYY-MM-DD') AS a",
    f"SELECT to_number('{SECRET}', '999') AS a",
    f"SELECT format('%{SECRET}', 1) AS a",
    f"SELECT set_config('{SECRET}', '1', false) AS a",
    f"SELECT nosuch('{SECRET}')",
    f"SELECT nosuch FROM parent WHERE a = '{SECRET}'",
    f"SELECT repeat('{SECRET}', 2000000000) AS a",
    f"SELECT '{SECRET}'::regclass AS a",
    f"SELECT pg_sleep(0), '{SECRET}' AS a",
    f"SELECT grad('{SECRET}', id) AS g FROM parent",
    f"SELECT grad(id * {NUMBER}.5, id) AS g FROM parent WHERE a <> '{SECRET}'",
    f"INSERT INTO parent (id, a) VALUES (2, '{SECRET}')",
    f"INSERT INTO parent (id, a) VALUES ({NUMBER}, '{SECRET}')",
    f"INSERT INTO parent (id, a) SELECT 3, '{SECRET}' FROM parent WHERE id = 1",
    f"INSERT INTO parent (id, d) VALUES (4, '{SECRET}')",
    f"INSERT INTO parent (id, j) VALUES (5, '{SECRET}')",
    f"INSERT INTO child VALUES ({NUMBER}, 1, 'x')",
    f"INSERT INTO child VALUES (1, 1, '{SECRET}')",
    f"INSERT INTO child VALUES (1, NULL, '{SECRET[:3]}')",
    f"INSERT INTO parent VALUES (2, '{SECRET}') ON CONFLICT (id) DO UPDATE SET a = excluded.a"
    f" || '{SECRET}'",
    f"UPDATE parent SET a = '{SECRET}' WHERE id = {NUMBER} OR a = '{SECRET}' RETURNING a",
    f"UPDATE parent SET id = '{SECRET}'",
    f"DELETE FROM parent WHERE a = '{SECRET}' AND id > {NUMBER}",
    f"MERGE INTO parent USING (SELECT '{SECRET}' AS s) AS q ON a = s WHEN MATCHED THEN DELETE",
    f"WITH q AS (INSERT INTO parent (id, a) VALUES (9, '{SECRET}') RETURNING a) SELECT * FROM q",
    f"COPY (SELECT '{SECRET}' AS a) TO '/tmp/{SECRET}'",
    f"COPY parent FROM PROGRAM '{SECRET}'",
    f"CREATE TABLE made (a text DEFAULT '{SECRET}' CHECK (a <> '{SECRET}x'))",
    f"CREATE VIEW seen AS SELECT '{SECRET}' AS a",
    "SELECT * FROM seen",
    f"CREATE TABLE taken AS SELECT '{SECRET}' AS a",
    f"COMMENT ON TABLE parent IS '{SECRET}'",
    f"ALTER TABLE parent ADD COLUMN e text DEFAULT '{SECRET}'",
    f"ALTER TABLE parent ALTER COLUMN a TYPE int USING ('{SECRET}'::int)",
    f"CREATE FUNCTION told() RETURNS text LANGUAGE sql RETURN '{SECRET}'",
    "SELECT told()",
    f"CREATE USER someone PASSWORD '{SECRET}'",
    f"ALTER ROLE someone PASSWORD '{SECRET}'",
    f"SET statement_timeout = '{SECRET}'",
    f"SET TimeZone = '{SECRET}'",
    f"SET my.own TO '{SECRET}'",
    f"PREPARE p (text) AS SELECT $1 || '{SECRET}' AS a; EXECUTE p('{SECRET}'); DEALLOCATE p",
    f"BEGIN; DECLARE c CURSOR FOR SELECT '{SECRET}' AS a; FETCH c; COMMIT",
    f"BEGIN; INSERT INTO parent VALUES (1, '{SECRET}'); COMMIT",
    f"NOTIFY here, '{SECRET}'",
    f"EXPLAIN (REWRITE) SELECT '{SECRET}' AS a",
    f"EXPLAIN ANALYZE SELECT id FROM parent WHERE a = '{SECRET}'",
    f"DO $$ {SECRET} $$",
    f"ATTACH DATASET '/nowhere/{SECRET}.zarr' AS g",
    f"SELECT relname FROM pg_class WHERE relname = '{SECRET}'",
    f"SELECT '{SECRET}'::int AS a FROM pg_class",
    f"SET statement_timeout = '1ms'; SELECT '{SECRET}' AS a, count(*) FROM"
    " generate_series(1, 10000000000) AS s(n)",
)  # fmt: skip


def test_nothing_that_a_client_sent_leaves_the_server(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--metrics-port", "0",
             "--data-dir", str(tmp_path / "data")]  # fmt: skip
    env = {"PATH": "/usr/bin:/bin", "GRADWIRE_LOG_LEVEL": "debug", "RUST_LOG": "debug",
           "GRADWIRE_LOG_MIN_DURATION_STATEMENT": "0", "PYTHONWARNINGS": "always"}  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=stream, text=True, env=env)
    try:
        port, metrics = _addresses(server)
        where = f"host=127.0.0.1 port={port} user=u dbname=d"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(TABLES)
            for statement in STATEMENTS:
                with suppress(psycopg.Error):
                    connection.execute(statement)
                connection.execute("ROLLBACK; RESET statement_timeout")
            _send_otherwise(connection)
            query = "SELECT query FROM gradwire.statements"
            shown = [text or "" for (text,) in connection.execute(query)]
        with urlopen(metrics) as answer:
            shown.append(answer.read().decode())
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=600)
    written = log.read_text() + said
    assert written.count(" gateway.statements: ") > len(STATEMENTS)
    assert len(shown) > 40
    told = [line for line in [*written.splitlines(), *shown] if SECRET in line or NUMBER in line]
    assert told == []


def _send_otherwise(connection: psycopg.Connection[object]) -> None:
    """Values that are in no text: parameters in both formats, rows of COPY, a batch."""
    for wrong in ("SELECT %s::int AS a", "INSERT INTO parent (id, d) VALUES (6, %s)"):
        with pytest.raises(psycopg.Error):
            connection.execute(wrong, [SECRET])
    connection.execute("SELECT %b::text AS a, %b::int8 AS b", [SECRET, int(NUMBER)])
    with pytest.raises(psycopg.Error), connection.cursor() as cursor:
        cursor.executemany("INSERT INTO parent (id, a) VALUES (%s, %s)", [(7, SECRET)] * 2)
    with (
        pytest.raises(psycopg.Error),
        connection.cursor() as cursor,
        cursor.copy("COPY parent FROM STDIN") as copy,
    ):
        copy.write(f"{SECRET}\t{NUMBER}\n")


def _addresses(server: subprocess.Popen[str]) -> tuple[int, str]:
    """The port that it listens on, and where /metrics is; once it says so."""
    metrics = ""
    assert server.stdout is not None
    for line in server.stdout:
        if "http://" in line:
            metrics = line[line.index("http://") :].split()[0]
        if "listening on" in line:
            return int(line.rpartition(":")[2]), metrics
    raise AssertionError("it did not start")
