"""What test_python runs: `PSYCOPG_IMPL=python python -m tests.clients.pure_psycopg HOST PORT`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import psycopg

LONG = "SELECT sum(n) FROM generate_series(1, 1000000000000) AS t(n)"


async def canceled(options: dict[str, Any]) -> bool:
    """Whether a statement is, over the connection that the system's libpq makes for it."""
    connection = await psycopg.AsyncConnection.connect(**options, autocommit=True)
    async with connection:
        task = asyncio.create_task(connection.execute(LONG))
        while not task.done():  # the first may come before the statement does
            await connection.cancel_safe()
            await asyncio.sleep(0.01)
        return isinstance(task.exception(), psycopg.errors.QueryCanceled)


def main(host: str, port: str) -> None:
    assert psycopg.pq.__impl__ == "python"
    options: dict[str, Any] = {"host": host, "port": int(port), "user": "me", "dbname": "d"}
    assert asyncio.run(canceled(options))
    with psycopg.connect(**options, autocommit=True) as connection:
        for binary in (False, True):
            query = "SELECT grad(x * x, x), %s::text, %s::int4[] FROM (VALUES (%s::float8)) AS t(x)"
            row = connection.execute(query, ("a", [1, 2], 2.5), binary=binary).fetchone()
            assert row == (5.0, "a", [1, 2]), row
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s + 1", [number]) for number in range(20)]
            assert [cursor.fetchone() for cursor in cursors] == [(n + 1,) for n in range(20)]
        try:
            connection.execute("SELECT 1 / 0")
        except psycopg.errors.DivisionByZero:
            print("python ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
