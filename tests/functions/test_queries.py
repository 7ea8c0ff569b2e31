"""Queries as PostgreSQL's users write them, over tables: columns, their types, every field.

tests/golden/queries/*.test: a query, `----`, what PostgreSQL 15 answers over TABLES and the tables
of the random queries: a line of
column:type, then a line for each row, or the SQLSTATE of its refusal. `pytest --rewrite` writes
what a real PostgreSQL says, never what the gateway does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.types import by_oid
from tests import goldens
from tests.differential.vocabulary import SETUP

FILES = goldens.files("queries")

TABLES = """
CREATE TABLE emp (id int PRIMARY KEY, name text, dept text, salary float8, hired date, boss int,
                  rating numeric(4,2), active bool);
INSERT INTO emp VALUES (1,'Ann','A',100,'2010-01-05',NULL,4.5,true),
  (2,'bob','A',80,'2011-02-06',1,3.25,false), (3,'Cy','B',120,'2012-03-07',1,NULL,true),
  (4,'dee','B',NULL,'2013-04-08',3,5,NULL), (5,'Eve',NULL,90,NULL,2,1.75,true);
COMMENT ON TABLE emp IS 'who works here';
COMMENT ON COLUMN emp.salary IS 'in pounds';
CREATE VIEW rich AS SELECT id, name FROM emp WHERE salary > 90;
CREATE TABLE ev (t timestamp, v float8, k int);
INSERT INTO ev SELECT timestamp '2013-01-01' + g * interval '7 hours', g * 1.5, g % 4
  FROM generate_series(0, 40) AS s(g);
CREATE TABLE doc (id int, j json, b jsonb, tags text[], nums int[]);
INSERT INTO doc VALUES
  (1, '{"a": {"b": [1, 2, {"c": "x"}]}, "n": null}', '{"a": 1, "b": "two", "c": [1, 2]}',
   '{red,green}', '{3,1,2}'),
  (2, '[10, "ten", true]', '[1, "a", null]', '{}', '{}'),
  (3, NULL, NULL, NULL, NULL);
CREATE TABLE code (c char(4), d char(2), v varchar(4), n numeric(6,3));
INSERT INTO code VALUES ('a','x','a',1.5), ('abcd','yy','abc',2), (NULL,NULL,NULL,NULL),
  ('é',' ','é',0);
CREATE TABLE lists (v int[]);
INSERT INTO lists VALUES ('{1,2}'), (NULL), ('{}'), ('{NULL}');
CREATE TABLE codes AS SELECT c, v, n, c || '|' AS t FROM code;
"""


def answer(connection: psycopg.Connection[Any], query: str) -> str:
    try:
        cursor = connection.execute(query.encode())
    except psycopg.Error as error:
        return f"ERROR {error.sqlstate}"
    result = cursor.pgresult
    assert result is not None
    if not result.nfields:
        return cursor.statusmessage or ""
    names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
    types = [by_oid(result.ftype(n)).name for n in range(result.nfields)]
    head = " ".join(f"{name}:{kind}" for name, kind in zip(names, types, strict=True))
    rows = [
        " | ".join(_field(result.get_value(row, n)) for n in range(result.nfields))
        for row in range(result.ntuples)
    ]
    return "\n".join([head, *rows])


def _field(value: bytes | None) -> str:
    return "NULL" if value is None else value.decode()


def _make(connection: psycopg.Connection[Any]) -> None:
    for statement in (TABLES + SETUP).split(";\n"):
        if statement.strip():
            connection.execute(statement.encode())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_as_postgresql_answers(file: Path, client: psycopg.Connection[Any]) -> None:
    _make(client)
    recorded = goldens.cases(file)
    found = {text: answer(client, text) for text, _ in recorded}
    differing = {text: (found[text], right) for text, right in recorded if found[text] != right}
    assert not differing


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_record_is_postgresqls(
    file: Path, real: psycopg.Connection[Any], rewriting: bool
) -> None:
    _make(real)
    goldens.check(file, lambda text: answer(real, text), rewriting)
