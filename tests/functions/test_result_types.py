"""Every function, operator and cast over columns of every type: types, typmods and fields.

tests/functions/result_types.txt: a line per expression over the table of SETUP: the expression, and
what PostgreSQL 15 answers: the types of its columns with their typmods, then its rows; or the
SQLSTATE of its refusal. `pytest --rewrite` writes what a real PostgreSQL says.
They are what pg_operator, pg_proc and pg_cast of PostgreSQL 15 have for these types, numbers of
other types in each place besides; functions of types that are not here are left out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg

RECORD = Path(__file__).parent / "result_types.txt"

SETUP = r"""
SET TimeZone TO 'UTC';
CREATE TABLE edge (
    id int, o bool, s int2, a int4, b int8, r float4, f float8, n numeric, p numeric(10, 2), t text,
    v varchar(7), c char(3), y bytea, d date, m timestamp, z timestamptz, i interval, e time,
    u uuid, j jsonb, k json, x int[], w text[], fa float8[], na numeric[], ra real[], nm name,
    oi oid
);
INSERT INTO edge VALUES
  (1, true, 2, 3, 4, 0.5, 0.25, 0.75, 1.50, 'abc', 'abc', 'ab', '\x616263', '2020-02-29',
   '2020-02-29 12:34:56.5', '2020-02-29 12:34:56.5+00', '1 mon 2 days 03:04:05', '12:34:56',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1.50, "b": [1, null]}',
   '{"a": 1.50, "b": [1, null]}', '{1,2}', '{a,b}', '{1.5,2}', '{1.5,2}', '{1.5,0.1}', 'nam', 25),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, false, 1, 2, 1, 1.5, 1.25, 1, 2, 'b c', '1', '1', '\x31', '1999-12-31',
   '1999-12-31 23:59:59', '1999-12-31 23:59:59+00', '-1 day', '00:00',
   '00000000-0000-0000-0000-000000000000', '[1, 2]', '[1, 2]', '{3}', '{x}', '{0}', '{0.10}',
   '{3}', 'x', 1)
"""


def answer(connection: psycopg.Connection[Any], expression: str) -> str:
    """What it comes to over the table, in a line."""
    query = f"SELECT {expression} FROM edge".encode()
    try:
        result = connection.execute(query, prepare=False).pgresult
    except psycopg.Error as error:
        return f"ERROR {error.sqlstate}"
    assert result is not None
    rows = [result.get_value(row, 0) for row in range(result.ntuples)]
    fields = ["NULL" if row is None else row.decode() for row in rows]
    told = f"{result.ftype(0)} {result.fmod(0)} {' ; '.join(fields)}"
    return told.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").rstrip()


def recorded() -> dict[str, str]:
    """Expression -> answer."""
    pairs = (line.split("\t", 1) for line in RECORD.read_text().split("\n")[:-1])
    return {expression: said for expression, said in pairs}


def _make(connection: psycopg.Connection[Any]) -> None:
    for statement in SETUP.split(";\n"):
        connection.execute(statement.strip().encode())


def test_as_postgresql_answers(client: psycopg.Connection[Any]) -> None:
    _make(client)
    right = recorded()
    found = {expression: answer(client, expression) for expression in right}
    assert {e: (found[e], right[e]) for e in right if found[e] != right[e]} == {}


def test_the_record_is_postgresqls(real: psycopg.Connection[Any], rewriting: bool) -> None:
    _make(real)
    found = {expression: answer(real, expression) for expression in recorded()}
    if rewriting:
        RECORD.write_text("".join(f"{text}\t{said}\n" for text, said in found.items()))
    assert found == recorded()
