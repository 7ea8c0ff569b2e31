"""The training loop: a thousand one-row INSERT ... SELECT steps against the same SELECTs.

Each step joins 20,000 rows to the newest parameters and averages two gradients:
`python -m tests.bench.training [steps]`. The goal: the loop takes at most three times as long as
its SELECTs alone; a one-row autocommit INSERT at most twice an fsync and 1 ms.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from gateway.app import App
from gateway.config import Settings

ROWS = 20_000

STEP = """
SELECT p.step + 1,
       p.a - 0.05 * avg(grad(power(d.y - (p.a * d.x + p.b), 2), p.a)),
       p.b - 0.05 * avg(grad(power(d.y - (p.a * d.x + p.b), 2), p.b))
FROM training AS d, (SELECT step, a, b FROM params ORDER BY step DESC LIMIT 1) AS p
GROUP BY p.step, p.a, p.b
"""


def prepare(connection: psycopg.Connection[Any]) -> None:
    """The tables of the loop."""
    connection.execute("CREATE TABLE training (x double precision, y double precision)")
    connection.execute(
        "INSERT INTO training SELECT sin(n), 2 * sin(n) + 0.5 + 0.01 * cos(7 * n)"
        f" FROM generate_series(1, {ROWS}) AS g(n)".encode()
    )
    connection.execute("CREATE TABLE params (step int PRIMARY KEY, a float8, b float8)")
    connection.execute("INSERT INTO params VALUES (0, 0.0, 0.0)")


def seconds(connection: psycopg.Connection[Any], statement: str, steps: int) -> float:
    """How long `steps` executions take."""
    start = time.perf_counter()
    for _ in range(steps):
        connection.execute(statement.encode())
    return time.perf_counter() - start


def fsync_seconds(directory: Path) -> float:
    """The median time of one small write with fsync."""
    times = []
    with (directory / "fsync").open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 100)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def main(steps: int) -> None:
    """Measure, and print a line for each goal."""
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(port=0, data_dir=Path(place) / "data")
        with App(settings) as app:
            host, port = app.address
            with psycopg.connect(
                host=host, port=port, user="u", dbname="d", autocommit=True
            ) as connection:
                prepare(connection)
                seconds(connection, STEP, 20)
                reading = seconds(connection, STEP, steps)
                writing = seconds(connection, f"INSERT INTO params {STEP}", steps)
                found = connection.execute(
                    "SELECT step, a, b FROM params ORDER BY step DESC LIMIT 1"
                ).fetchone()
                print(
                    f"{steps} SELECTs {reading:.2f} s, with INSERT {writing:.2f} s:"
                    f" {writing / reading:.2f} times (goal 3); parameters {found}"
                )
                connection.execute("CREATE TABLE one (n int)")
                seconds(connection, "INSERT INTO one VALUES (1)", 50)
                each = seconds(connection, "INSERT INTO one VALUES (1)", 300) / 300
                synced = fsync_seconds(Path(place))
                goal = 2 * synced + 0.001
                print(
                    f"one-row INSERT {1e3 * each:.2f} ms; an fsync {1e3 * synced:.2f} ms,"
                    f" goal {1e3 * goal:.2f} ms"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
