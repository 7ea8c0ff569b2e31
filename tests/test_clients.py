"""psql, asyncpg and psycopg (text, binary, pipelined, server-side) run the main job alike."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import psycopg
import pytest

from tests.conftest import Connect

Address = tuple[str, int]

# The five items of the main job, a statement each; `{schema}` is the client's own.
SCRIPT = [
    "CREATE SCHEMA {schema}",
    "SET search_path TO {schema}, public",
    "SELECT count(*), sum(g) FROM (SELECT grad(uwnd * uwnd + vwnd * vwnd, uwnd) AS g"
    " FROM ncep.winds) AS s",
    "SELECT x, grad(grad(sin(x), x), x), grad(grad(grad(x ^ 3, x), x), x), jvp(x * x, x, 2.0),"
    " vjp(x * x, x, 2.0) FROM (VALUES (0.5), (1.5)) AS p(x) ORDER BY x",
    "CREATE TABLE params (step int, a double precision, b double precision)",
    "INSERT INTO params VALUES (0, 0, 0)",
    *["INSERT INTO params SELECT cur.step + 1,"
      " cur.a - 0.4 * AVG(grad(power(d.sst - (cur.a * d.latitude / 90 + cur.b), 2), cur.a)),"
      " cur.b - 0.4 * AVG(grad(power(d.sst - (cur.a * d.latitude / 90 + cur.b), 2), cur.b))"
      " FROM (SELECT * FROM params ORDER BY step DESC LIMIT 1) AS cur CROSS JOIN ncep.sst AS d"
      " WHERE d.sst IS NOT NULL GROUP BY cur.step, cur.a, cur.b"] * 3,
    "SELECT step, a, b FROM params ORDER BY step",
    "WITH RECURSIVE newton(n, x) AS (SELECT 0, 1.0 UNION ALL SELECT n + 1,"
    " x - (x * x - 2) / grad(x * x - 2, x) FROM newton WHERE n < 5) SELECT n, x FROM newton",
    "UPDATE params SET a = grad(b * b, b) WHERE step = 2",
    "DELETE FROM params WHERE grad(step * step, step) > 5",
    "CREATE VIEW slopes AS SELECT step, grad(a * a, a) AS slope FROM params",
    "SELECT step, slope FROM slopes WHERE slope IS NOT NULL ORDER BY step",
    "SELECT p.step, max(grad(p.b * w.uwnd, p.b)) FROM params AS p CROSS JOIN ncep.winds AS w"
    " GROUP BY p.step ORDER BY p.step",
    "DROP SCHEMA {schema} CASCADE",
]  # fmt: skip

Answers = list[list[tuple[Any, ...]]]


def script(schema: str) -> list[str]:
    return [statement.format(schema=schema) for statement in SCRIPT]


@pytest.fixture(scope="module")
def answers(gateway_address: Address) -> Answers:
    """What psycopg reads, in text."""
    host, port = gateway_address
    with psycopg.connect(host=host, port=port, user="me", autocommit=True) as connection:
        return [run(connection, statement) for statement in script("by_psycopg")]


def run(connection: psycopg.Connection[Any], statement: str, **how: Any) -> list[tuple[Any, ...]]:
    cursor = connection.execute(statement, **how)
    return cursor.fetchall() if cursor.description else []


def test_the_answers_themselves(answers: Answers) -> None:
    assert answers[2][0][0] == 126_144
    assert answers[3][0][1:] == pytest.approx((-0.479425538604203, 6.0, 2.0, 2.0))
    assert [row[0] for row in answers[9]] == [0, 1, 2, 3]
    assert answers[10][-1][1] == pytest.approx(2**0.5)


def test_psycopg_in_binary_and_prepared(connect: Connect, answers: Answers) -> None:
    connection = connect(prepare_threshold=0)
    found = [run(connection, s, binary=True) for s in script("by_binary")]
    assert found == answers


def test_psycopg_in_one_transaction(connect: Connect, answers: Answers) -> None:
    connection = connect(autocommit=False)
    found = [run(connection, statement) for statement in script("in_one")]
    connection.rollback()
    assert found == answers


def test_psycopg_in_a_pipeline(connect: Connect, answers: Answers) -> None:
    connection = connect()
    statements = script("in_pipeline")
    with connection.pipeline():
        cursors = [connection.execute(statement) for statement in statements]
        found = [
            cursor.fetchall() if statement.startswith(("SELECT", "WITH")) else []
            for cursor, statement in zip(cursors, statements, strict=True)
        ]
    assert found == answers


def test_parameters_inside_a_derivative(connect: Connect) -> None:
    connection = connect()
    query = "SELECT grad(x ^ %s * y, x) FROM (VALUES (%s::float8, %s::float8)) AS t(x, y)"
    for binary in (False, True):
        row = connection.execute(query, (3, 2.0, 5.0), binary=binary).fetchone()
        assert row == (60.0,)


def in_asyncpg(address: Address, work: Callable[[asyncpg.Connection], Awaitable[Any]]) -> Any:
    async def connected() -> Any:
        host, port = address
        connection = await asyncpg.connect(host=host, port=port, user="me", database="db")
        try:
            return await work(connection)
        finally:
            await connection.close()

    return asyncio.run(connected())


def test_asyncpg(gateway_address: Address, answers: Answers) -> None:
    async def work(connection: asyncpg.Connection) -> Answers:
        found = [await connection.fetch(statement) for statement in script("by_asyncpg")]
        return [[tuple(row) for row in rows] for rows in found]

    assert in_asyncpg(gateway_address, work) == answers


def test_asyncpg_infers_parameters(gateway_address: Address) -> None:
    async def work(connection: asyncpg.Connection) -> Any:
        return await connection.fetchrow(
            "SELECT count(*), avg(grad(uwnd * uwnd, uwnd)) FROM ncep.winds"
            " WHERE latitude > $1 AND time = $2 LIMIT $3",
            80.0,
            datetime(1970, 1, 1),
            5,
        )

    assert in_asyncpg(gateway_address, work)[0] == 4 * 144


def test_psql(gateway_address: Address, answers: Answers) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    host, port = gateway_address
    done = subprocess.run(
        ["psql", "-h", host, "-p", str(port), "-U", "me", "-d", "db", "-X", "-q", "-A", "-t",
         "-v", "ON_ERROR_STOP=1"],
        input=";\n".join(script("by_psql")) + ";\n",
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    notice = "NOTICE:  drop cascades to 2 other objects\n"
    detail = (
        "DETAIL:  drop cascades to table by_psql.params\ndrop cascades to view by_psql.slopes\n"
    )
    assert (done.returncode, done.stderr) == (0, notice + detail)
    expected = [[str(value) for value in row] for rows in answers for row in rows]
    found = [line.split("|") for line in done.stdout.splitlines()]
    assert len(found) == len(expected)
    for line, row in zip(found, expected, strict=True):
        assert [float(v) for v in line] == [float(v) for v in row]
