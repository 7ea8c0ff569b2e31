"""Many clients ask one Zarr store for points and ranges: is that as much as one client gets?

``python -m tests.bench.many`` serves a store of 6.5 million rows from a process of its own and lets
1 and 16 clients ask in turn, a third of the queries for one value, a third for a range of days at
one latitude, a third for the mean of a band over some days. It prints, for either number of
clients, the median of some runs: queries a second, CPU milliseconds of the server for one, half and
19 of 20 answers within how many milliseconds, and the fewest and the most that a client got.
Exit code 1 where 16 clients get less than one does.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from tests.bench.data import CHUNK, grid

STEPS, CLIENTS = 620, (1, 16)
QUERIES = (
    "SELECT uwnd FROM far WHERE time = {day} AND latitude = {latitude} AND longitude = {longitude}",
    "SELECT time, longitude, uwnd FROM far WHERE time BETWEEN {day} AND {day} + interval '20 days'"
    " AND latitude = {latitude}",
    "SELECT avg(uwnd), max(vwnd) FROM far WHERE time >= {day} AND time < {day} + interval '60 days'"
    " AND latitude BETWEEN {latitude} - 10 AND {latitude} + 10",
)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Told:
    """What some clients got in a run."""

    rate: float
    cpu_ms: float
    took_ms: list[float]
    each: list[int]

    def line(self) -> str:
        twentieths = statistics.quantiles(self.took_ms, n=20)
        return (
            f"{self.rate:12.0f}{self.cpu_ms:10.2f}{twentieths[9]:10.1f}{twentieths[18]:10.1f}"
            f"{min(self.each):10}{max(self.each):8}"
        )


def question(chance: random.Random) -> str:
    day = f"timestamp '1948-01-01' + {5 * chance.randrange(STEPS - 12)} * interval '1 day'"
    latitude, longitude = 90 - 2.5 * chance.randrange(73), 2.5 * chance.randrange(144)
    return chance.choice(QUERIES).format(day=day, latitude=latitude, longitude=longitude)


def ask(port: int, seed: int, until: float, took_ms: list[float]) -> None:
    """One client: a query after the other; how long each took goes into `took_ms`."""
    chance = random.Random(seed)
    with psycopg.connect(
        host="127.0.0.1", port=port, user="many", dbname="gradwire", autocommit=True
    ) as client:
        client.execute("SELECT 1")
        while time.monotonic() < until:
            start = time.perf_counter()
            assert client.execute(question(chance)).fetchall()
            took_ms.append((time.perf_counter() - start) * 1000)


def run(port: int, server: int, clients: int, seconds: float) -> Told:
    took: list[list[float]] = [[] for _ in range(clients)]
    start, spent = time.monotonic(), _cpu_seconds(server)
    threads = [
        threading.Thread(target=ask, args=(port, n, start + seconds, took[n]))
        for n in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = sum(map(len, took))
    rate, cpu = done / (time.monotonic() - start), _cpu_seconds(server) - spent
    return Told(
        rate, 1000 * cpu / done, [each for one in took for each in one], list(map(len, took))
    )


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def compare(port: int, server: int, runs: int, seconds: float) -> bool:
    """Prints the table; whether many clients got as much as one."""
    found: dict[int, list[Told]] = {clients: [] for clients in CLIENTS}
    run(port, server, CLIENTS[-1], seconds)  # warm up
    for _ in range(runs):
        for clients in CLIENTS:
            found[clients].append(run(port, server, clients, seconds))
    print("clients    queries/s    CPU ms    median    19/20    fewest    most")
    medians = {}
    for clients, told in found.items():
        middle = sorted(told, key=lambda each: each.rate)[len(told) // 2]
        medians[clients] = middle.rate
        print(f"{clients:7}  {middle.line()}", flush=True)
    return medians[CLIENTS[-1]] >= medians[CLIENTS[0]]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        store, settings = Path(folder, "far.zarr"), Path(folder, "gradwire.yaml")
        chunks = {name: {"chunks": CHUNK} for name in ("uwnd", "vwnd")}
        grid((STEPS, *CHUNK[1:])).to_zarr(store, zarr_format=3, consolidated=False, encoding=chunks)
        settings.write_text(f"datasets: [{{name: far, uri: {store}}}]\n")
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(settings), "--port",
                   "0", "--data-dir", str(Path(folder, "data"))]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                port = int(server.stdout.readline().rpartition(":")[2])
                return 0 if compare(port, server.pid, options.runs, options.seconds) else 1
            finally:
                server.terminate()


if __name__ == "__main__":
    sys.exit(main())
