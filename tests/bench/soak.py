"""Many clients do everything at once: no error but those expected, memory flat, sums exact.

    python -m tests.bench.soak --minutes 10 --clients 32

A server of its own runs over the bundled dataset. Each client does one thing after another, chosen
at random: steps of a training loop, transfers between accounts, scans with derivatives, cursors,
COPY both ways, cancelled statements, broken connections, definitions, catalogue queries. At the end
the accounts hold what they held, the journal has the transfers that were acknowledged and no other,
and the memory of the server is told as a slope over the second half. Exit code 1 when anything is
not as it should be.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import numpy as np
import psycopg

Connection = psycopg.Connection[Any]

ACCOUNTS, BALANCE = 50, 1000
# A slope above this is a leak: the caches are full by the second half.
MOST_MB_A_MINUTE = 15.0

SCHEMA = f"""
CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE journal (id serial PRIMARY KEY, source int, target int, amount bigint);
CREATE TABLE model (client int, step int, a float8, loss float8);
CREATE TABLE copied (client int, n int, v float8);
INSERT INTO account SELECT n, {BALANCE} FROM generate_series(1, {ACCOUNTS}) AS s(n)
"""

STEP = """
INSERT INTO model
SELECT %(me)s, %(step)s, m.a - 0.1 * avg(grad(power(w.uwnd::float8 - m.a, 2), a)),
       avg(power(w.uwnd::float8 - m.a, 2))
FROM (SELECT a FROM model WHERE client = %(me)s ORDER BY step DESC LIMIT 1) AS m, ncep.winds AS w
WHERE w.latitude = 50 AND w.time < '1970-03-01' GROUP BY m.a
"""

SCANS = (
    "SELECT latitude, avg(grad(uwnd * uwnd + vwnd * vwnd, uwnd)) FROM ncep.winds GROUP BY latitude",
    "SELECT count(*), sum(sst) FROM ncep.sst WHERE latitude BETWEEN -5 AND 5",
    "SELECT time, avg(differentiate(uwnd, longitude)) FROM ncep.winds WHERE latitude = 30"
    " GROUP BY time",
    "SELECT longitude, uwnd FROM ncep.winds WHERE time = '1970-01-01' ORDER BY uwnd DESC LIMIT 20",
)

CATALOGUE = (
    "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    " WHERE a.attnum > 0 AND c.relkind IN ('r', 'f')",
    "SELECT table_name, column_name, data_type FROM information_schema.columns",
    "SELECT pid, state, query FROM pg_stat_activity",
    "SELECT query, calls FROM gradwire.statements ORDER BY total_time DESC LIMIT 5",
    "SELECT pid, chunks_read, chunks_to_read FROM gradwire.progress",
)

# What may happen to a client: another wrote first, it was cancelled, a deadlock was broken.
EXPECTED = {"40001", "40P01", "57014"}


class Client:
    """One client, in a thread of its own."""

    def __init__(self, number: int, where: dict[str, Any], tally: Tally) -> None:
        self.number, self.where, self.tally = number, where, tally
        self.random = random.Random(number)
        self.connection = self.connected()
        self.steps = self.transfers = 0
        self.connection.execute("INSERT INTO model VALUES (%s, 0, 0.0, NULL)", [number])

    def connected(self) -> Connection:
        return psycopg.connect(autocommit=True, **self.where)

    def run(self, until: float) -> None:
        while time.monotonic() < until:
            name, deed = self.random.choice(DEEDS)
            try:
                deed(self)
                self.tally.done[name] += 1
            except psycopg.Error as error:
                code = error.sqlstate or type(error).__name__
                if code in EXPECTED:
                    self.tally.expected[code] += 1
                else:
                    self.tally.wrong.append(f"{name}: {code} {error}")
                if self.connection.closed:
                    self.connection = self.connected()
                else:
                    self.connection.execute("ROLLBACK")

    def train(self) -> None:
        self.connection.execute(STEP, {"me": self.number, "step": self.steps + 1})
        self.steps += 1

    def transfer(self) -> None:
        source, target = self.random.sample(range(1, ACCOUNTS + 1), 2)
        amount = self.random.randint(1, 20)
        undone = self.random.random() < 0.2
        with self.connection.transaction():
            move = "UPDATE account SET balance = balance + %s WHERE id = %s"
            self.connection.execute(move, [-amount, source])
            self.connection.execute(move, [amount, target])
            self.connection.execute(
                "INSERT INTO journal (source, target, amount) VALUES (%s, %s, %s)",
                [source, target, amount],
            )
            if undone:
                raise psycopg.Rollback
        if not undone:
            self.transfers += 1

    def scan(self) -> None:
        self.connection.execute(self.random.choice(SCANS)).fetchall()

    def cursor(self) -> None:
        with self.connection.transaction(), self.connection.cursor("c") as cursor:
            cursor.execute("SELECT time, latitude, longitude, sst FROM ncep.sst")
            for _ in range(self.random.randint(1, 5)):
                cursor.fetchmany(500)

    def copy_in(self) -> None:
        with (
            self.connection.cursor() as cursor,
            cursor.copy("COPY copied FROM STDIN") as copy,
        ):
            for n in range(200):
                copy.write_row((self.number, n, n / 3))
        self.connection.execute("DELETE FROM copied WHERE client = %s", [self.number])

    def copy_out(self) -> None:
        with (
            self.connection.cursor() as cursor,
            cursor.copy("COPY (SELECT * FROM ncep.winds WHERE latitude = 10) TO STDOUT") as copy,
        ):
            for _ in copy:
                pass

    def cancel(self) -> None:
        """By a request, or by the time limit where the request comes before the statement."""
        timer = threading.Timer(self.random.uniform(0.01, 0.3), self.connection.cancel)
        self.connection.execute("SET statement_timeout = '3s'")
        timer.start()
        try:
            self.connection.execute("SELECT count(*) FROM generate_series(1, 10000000000) AS s(n)")
        finally:
            timer.cancel()
            timer.join()  # a late request would hit the next statement
            self.connection.execute("RESET statement_timeout")

    def vanish(self) -> None:
        """Leave in the middle of a transaction, or of an answer."""
        self.connection.execute("BEGIN")
        self.connection.execute("UPDATE account SET balance = balance - 999 WHERE id = 1")
        self.connection.pgconn.send_query(b"SELECT * FROM ncep.winds")
        self.connection.pgconn.finish()
        self.connection = self.connected()

    def define(self) -> None:
        name = f"t{self.number}"
        self.connection.execute(f"CREATE TABLE {name} (a int PRIMARY KEY, b text DEFAULT 'x')")
        self.connection.execute(
            f"CREATE VIEW v{name} AS SELECT a, grad(a * 2.0, a) AS d FROM {name}"
        )
        self.connection.execute(f"INSERT INTO {name} VALUES (1), (2)")
        self.connection.execute(f"SELECT * FROM v{name}").fetchall()
        self.connection.execute(f"DROP TABLE {name} CASCADE")

    def look(self) -> None:
        self.connection.execute(self.random.choice(CATALOGUE)).fetchall()


#     what                times as often
DEEDS: list[tuple[str, Callable[[Client], None]]] = [
    *[("train", Client.train)] * 4,
    *[("transfer", Client.transfer)] * 6,
    *[("scan", Client.scan)] * 3,
    *[("cursor", Client.cursor)] * 2,
    *[("copy in", Client.copy_in)] * 2,
    ("copy out", Client.copy_out),
    ("cancel", Client.cancel),
    ("vanish", Client.vanish),
    ("define", Client.define),
    *[("look", Client.look)] * 3,
]


class Tally:
    """What happened to all clients."""

    def __init__(self) -> None:
        self.done: collections.Counter[str] = collections.Counter()
        self.expected: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []


def memory_mb(metrics: str) -> float:
    """The server's resident memory, from its own /metrics."""
    with urlopen(metrics) as answer:
        text = answer.read().decode()
    found = re.search(r"^process_resident_memory_bytes (\S+)$", text, re.M)
    assert found is not None
    return float(found[1]) / 2**20


def faults(connection: Connection, every: list[Client]) -> list[str]:
    """What is not exact after so many steps and transfers were acknowledged."""
    found = []
    transfers = sum(each.transfers for each in every)
    steps = connection.execute(
        "SELECT client, max(step), count(*) FROM model GROUP BY 1"
    ).fetchall()
    if sorted(steps) != [(each.number, each.steps, each.steps + 1) for each in every]:
        found.append(f"the models have {sorted(steps)} steps")
    total = connection.execute("SELECT sum(balance) FROM account").fetchone()
    if total is None or total[0] != ACCOUNTS * BALANCE:
        found.append(f"the accounts hold {total}, not {ACCOUNTS * BALANCE}")
    noted = connection.execute("SELECT count(*) FROM journal").fetchone()
    if noted != (transfers,):
        found.append(f"the journal has {noted}, acknowledged were {transfers}")
    wrong = connection.execute(
        "SELECT a.id, a.balance, j.moved FROM account AS a JOIN"
        " (SELECT id, sum(amount) AS moved FROM (SELECT target AS id, amount FROM journal"
        " UNION ALL SELECT source, -amount FROM journal) AS both_sides GROUP BY id) AS j"
        f" ON j.id = a.id WHERE a.balance <> {BALANCE} + j.moved"
    ).fetchall()
    found += [f"account {row[0]} holds {row[1]}, the journal moved {row[2]}" for row in wrong]
    left = connection.execute("SELECT count(*) FROM copied").fetchone()
    if left != (0,):
        found.append(f"{left} copied rows are left")
    return found


def soak(minutes: float, clients: int, directory: Path) -> int:
    command = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--metrics-port", "0",
               "--data-dir", str(directory)]  # fmt: skip
    env = {"GRADWIRE_DATASETS": '[{name: ncep, uri: "bundled:ncep"}]', "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout is not None
            lines = itertools.takewhile(lambda line: "listening" not in line, process.stdout)
            metrics = next(
                re.findall(r"http://\S+", line)[0] for line in lines if "metrics" in line
            )
            port = int(process.stdout.readline().rpartition(":")[2])
            where = {"host": "127.0.0.1", "port": port, "user": "soak", "dbname": "gradwire"}
            return measured(minutes, clients, where, metrics)
        finally:
            process.terminate()


def measured(minutes: float, clients: int, where: dict[str, Any], metrics: str) -> int:
    tally = Tally()
    with psycopg.connect(autocommit=True, **where) as watcher:
        watcher.execute(SCHEMA)
        until = time.monotonic() + minutes * 60
        every = [Client(number, where, tally) for number in range(clients)]
        threads = [threading.Thread(target=each.run, args=[until]) for each in every]
        for thread in threads:
            thread.start()
        seen: list[tuple[float, float]] = []
        while any(thread.is_alive() for thread in threads):
            seen.append((time.monotonic(), memory_mb(metrics)))
            threads[0].join(1.0) if threads[0].is_alive() else time.sleep(1.0)
        for each in every:
            with suppress(psycopg.Error):
                each.connection.close()
        wrong = [*tally.wrong, *faults(watcher, every)]
    half = seen[len(seen) // 2 :]
    began = seen[0][0]
    each_minute = {int((when - began) // 60): held for when, held in seen}
    slope = float(np.polyfit(*zip(*half, strict=True), 1)[0]) * 60 if len(half) > 2 else 0.0
    print(f"{clients} clients, {minutes:g} minutes: {sum(tally.done.values())} deeds")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(tally.done.items())))
    print(f"  expected errors: {dict(tally.expected)}")
    print(f"  memory: {seen[0][1]:.0f} MB, {half[0][1]:.0f} MB at half time, {half[-1][1]:.0f} MB"
          f" at the end: {slope:+.1f} MB a minute in the second half")  # fmt: skip
    print("  at the end of each minute: "
          + ", ".join(f"{held:.0f}" for held in each_minute.values()))  # fmt: skip
    for text, count in collections.Counter(wrong).most_common(20):
        print(f"  WRONG, {count} times: {text}")
    if slope > MOST_MB_A_MINUTE:
        print(f"  WRONG: memory grows by more than {MOST_MB_A_MINUTE} MB a minute")
    return int(bool(wrong) or slope > MOST_MB_A_MINUTE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=32)
    given = parser.parse_args()
    with TemporaryDirectory() as directory:
        return soak(given.minutes, given.clients, Path(directory))


if __name__ == "__main__":
    sys.exit(main())
