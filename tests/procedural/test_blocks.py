"""Blocks that DO runs, beside PostgreSQL: what they say, and what is in the tables then.

tests/golden/blocks/*.test: statements, apart by lines of `then`; `----`; what PostgreSQL 15 tells
of each: notices, rows, the command tag or the error. `pytest --rewrite` writes what a real
PostgreSQL says, never what the gateway does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.session.procedural import embedded
from tests import goldens
from tests.conftest import Connect
from tests.functions.conftest import in_schema

Connection = psycopg.Connection[Any]
FILES = goldens.files("blocks")
TABLES = """
CREATE TABLE emp (id int PRIMARY KEY, name text, salary numeric(8,2));
INSERT INTO emp VALUES (1, 'Ann', 100), (2, 'Bob', 80.5), (3, 'Cy', NULL);
CREATE TABLE log (id serial PRIMARY KEY, what text)
"""


@pytest.fixture
def client(connect: Connect) -> Iterator[Connection]:
    yield from in_schema(connect(), "blocks")


@pytest.fixture
def real(postgres: Connect) -> Iterator[Connection]:
    with postgres() as connection:
        yield from in_schema(connection, "blocks")


def told(connection: Connection, text: str) -> str:
    """What a client is told of some statements, each in a line or several."""
    lines: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        parts = (notice.severity, notice.sqlstate, notice.message_primary)
        lines.append(" ".join(part or "" for part in parts))

    connection.add_notice_handler(note)
    try:
        for statement in text.split("\nthen\n"):
            lines += _answers(connection, statement)
    finally:
        connection.remove_notice_handler(note)
    return "\n".join(lines)


def _answers(connection: Connection, statement: str) -> list[str]:
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        return _refusal(error.diag)
    if cursor.description is None:
        return [cursor.statusmessage or ""]
    return [" | ".join("NULL" if cell is None else str(cell) for cell in row) for row in cursor]


def _refusal(error: psycopg.errors.Diagnostic) -> list[str]:
    rest = (("DETAIL", error.message_detail), ("HINT", error.message_hint))
    told = [f"ERROR {error.sqlstate} {error.message_primary}"]
    told += [f"{word} {text}" for word, text in rest if text]
    named = (error.schema_name, error.table_name, error.column_name, error.constraint_name)
    return [*told, f"NAMES {' '.join(map(str, named))}"] if any(named) else told


def _make(connection: Connection) -> None:
    for statement in TABLES.split(";\n"):
        connection.execute(statement.encode())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_as_postgresql_tells(file: Path, client: Connection) -> None:
    _make(client)
    recorded = goldens.cases(file)
    found = {text: told(client, text) for text, _ in recorded}
    differing = {text: (found[text], right) for text, right in recorded if found[text] != right}
    assert not differing


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_record_is_postgresqls(file: Path, real: Connection, rewriting: bool) -> None:
    _make(real)
    goldens.check(file, lambda text: told(real, text), rewriting)


@pytest.mark.parametrize(
    ("block", "sqlstate"),
    [
        ("BEGIN " * 20_000 + "END; " * 20_000, "54001"),
        ("DECLARE t text := repeat('x', 1000); BEGIN LOOP t := t || t; END LOOP; END", "54000"),
        ("BEGIN LOOP NULL; END LOOP; END", "57014"),
        (
            "BEGIN LOOP BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP;"
            " END",
            "57014",
        ),
    ],
)
def test_a_block_without_end_ends(
    block: str, sqlstate: str, client: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "MOST_BYTES", 1_000_000)
    client.execute(f"SET statement_timeout = {'1s' if sqlstate == '57014' else '100s'!r}")
    client.execute("SET client_min_messages = warning")
    with pytest.raises(psycopg.Error) as raised:
        client.execute(f"DO $$ {block} $$".encode())
    assert raised.value.sqlstate == sqlstate
    assert client.execute("SELECT 1").fetchone() == (1,)


def test_others_see_a_block_whole(connect: Connect) -> None:
    one, other = connect(), connect()
    one.execute("CREATE TABLE whole (a int)")
    try:
        with pytest.raises(psycopg.errors.DivisionByZero):
            one.execute("DO $$ BEGIN INSERT INTO whole VALUES (1); PERFORM 1/0; END $$")
        assert other.execute("SELECT count(*) FROM whole").fetchone() == (0,)
        one.execute("DO $$ BEGIN FOR i IN 1..5 LOOP INSERT INTO whole VALUES (i); END LOOP; END $$")
        assert other.execute("SELECT sum(a) FROM whole").fetchone() == (15,)
    finally:
        one.execute("DROP TABLE whole")


def test_an_error_tells_its_line(client: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero) as raised:
        client.execute("DO $$ BEGIN\n  NULL;\n  PERFORM 1/0;\nEND $$")
    assert (raised.value.diag.context or "").splitlines() == [
        'SQL statement "SELECT 1/0"',
        "PL/pgSQL function inline_code_block line 3 at PERFORM",
    ]


def test_a_syntax_error_tells_its_place(client: Connection) -> None:
    text = "DO $$ BEGIN\n  SELEC 1;\nEND $$"
    with pytest.raises(psycopg.errors.SyntaxError) as raised:
        client.execute(text.encode())
    assert raised.value.diag.statement_position == str(text.index("SELEC") + 1)


def test_training_in_a_block(client: Connection) -> None:
    client.execute("CREATE TABLE p (x float8, y float8)")
    client.execute("INSERT INTO p SELECT g, 2 * g + 1 FROM generate_series(0, 4) AS s(g)")
    client.execute("CREATE TABLE found (w float8, b float8)")
    client.execute(
        """DO $$ DECLARE w float8 := 0; b float8 := 0; dw float8; db float8; BEGIN
             FOR i IN 1..20 LOOP
               SELECT avg(grad((w * x + b - y) ^ 2, w)), avg(grad((w * x + b - y) ^ 2, b))
                 INTO dw, db FROM p;
               w := w - 0.1 * dw; b := b - 0.1 * db;
             END LOOP;
             INSERT INTO found VALUES (w, b);
           END $$"""
    )
    w = b = 0.0
    points = [(x, 2 * x + 1) for x in range(5)]
    for _ in range(20):
        dw = sum(2 * (w * x + b - y) * x for x, y in points) / 5
        db = sum(2 * (w * x + b - y) for x, y in points) / 5
        w, b = w - 0.1 * dw, b - 0.1 * db
    assert client.execute("SELECT w, b FROM found").fetchone() == pytest.approx((w, b), rel=1e-9)


def test_messages_arrive_while_the_block_runs(client: Connection) -> None:
    arrived: list[float] = []
    client.add_notice_handler(lambda notice: arrived.append(time.monotonic()))
    client.execute("DO $$ BEGIN RAISE NOTICE 'now'; PERFORM pg_sleep(0.5); END $$")
    assert time.monotonic() - arrived[0] > 0.3
