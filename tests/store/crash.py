"""Kill the server at random moments, start it again, and look for anything lost or half done.

`python -m tests.store.crash 50` kills it fifty times; `test_crash.py` a handful.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

TABLES = """
CREATE TABLE parent (id serial PRIMARY KEY, note text);
CREATE TABLE child (parent int REFERENCES parent, v int CHECK (v >= 0), PRIMARY KEY (parent, v));
CREATE TABLE total (k int PRIMARY KEY, n int NOT NULL);
INSERT INTO total VALUES (1, 0);
CREATE TABLE gathered (step int, n int, PRIMARY KEY (step, n))
"""
# Rows of one executemany, which the server gathers and does together.
TOGETHER = 300


@contextmanager
def serving(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server over a data directory, in a process of its own; and where it listens."""
    words = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--data-dir", str(directory)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "listening on" in line)
        yield server, f"host=127.0.0.1 port={int(line.rpartition(':')[2])} user=u dbname=d"
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def work(where: str, acknowledged: list[int], begun: threading.Event) -> None:
    """One transaction after another, each noted when its COMMIT was answered, until it dies."""
    with psycopg.connect(where) as connection:
        while True:
            step = acknowledged[-1] + 1
            with connection.transaction():
                cursor = connection.execute("INSERT INTO parent (note) VALUES ('x') RETURNING id")
                (parent,) = cursor.fetchone() or (0,)
                for v in (0, 1):
                    connection.execute("INSERT INTO child VALUES (%s, %s)", (parent, v))
                if step % 7 == 0:
                    connection.execute("ALTER TABLE child ADD COLUMN extra int DEFAULT 3")
                    connection.execute("ALTER TABLE child DROP COLUMN extra")
                if step % 3 == 0:
                    rows = [(step, n) for n in range(TOGETHER)]
                    cursor.executemany("INSERT INTO gathered VALUES (%s, %s)", rows)
                connection.execute(
                    "INSERT INTO total VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET n = total.n + 1"
                )
            acknowledged.append(step)
            begun.set()


def check(connection: psycopg.Connection[Any], last: int) -> int:
    """The steps that are there: those acknowledged, at most one more, each whole."""

    def ask(query: str) -> Any:
        row = connection.execute(query).fetchone()
        return row[0] if row is not None else None

    steps = ask("SELECT n FROM total")
    assert steps in (last, last + 1), f"{last} steps were acknowledged, {steps} are there"
    assert ask("SELECT count(*) FROM parent") == steps
    assert ask("SELECT count(*) FROM child") == 2 * steps
    assert ask("SELECT count(*) FROM gathered") == steps // 3 * TOGETHER
    lost = "SELECT count(*) FROM child LEFT JOIN parent ON parent = id WHERE id IS NULL"
    assert ask(lost) == 0
    assert ask("SELECT nextval('parent_id_seq')") > (ask("SELECT max(id) FROM parent") or 0)
    return int(steps)


def run(kills: int, directory: Path, seed: int) -> int:
    """Kill `kills` times; how many steps were done.

    Raises:
        AssertionError: something was lost, or half done.
    """
    chance = random.Random(seed)
    steps = -1
    for _ in range(kills + 1):
        with serving(directory) as (server, where):
            with psycopg.connect(where, autocommit=True) as connection:
                if steps < 0:
                    connection.execute(TABLES.encode())
                    steps = 0
                steps = check(connection, steps)
            acknowledged, begun = [steps], threading.Event()

            def die() -> None:
                try:
                    work(where, acknowledged, begun)  # noqa: B023
                except psycopg.Error:  # the server was killed
                    return

            worker = threading.Thread(target=die)
            worker.start()
            begun.wait(300)
            threading.Event().wait(chance.uniform(0, 0.5))
            server.send_signal(signal.SIGKILL)
            worker.join(300)
            steps = acknowledged[-1]
    return steps


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
        done = run(count, Path(place) / "data", random.randrange(2**31))
        print(f"killed {count} times in {done} transactions: nothing lost, nothing half done")
