"""How far scans raise a server's memory: run in a process of its own by `test_memory`.

``python -m tests.session.scan_memory STORE BOUND`` serves the Zarr store under that bound and
prints, for each of `QUERIES`, by how many bytes the process grew at the most while it ran.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psycopg

from gateway.app import App
from gateway.config import Dataset, Settings

QUERIES = (
    "SELECT sum(v) FROM g",
    "SELECT time, lat, lon, v FROM g WHERE v > 1",
    "SELECT time, v FROM g ORDER BY v, time LIMIT 5",
    "SELECT sum(differentiate(v, time)) FROM g",
    "SELECT sum(integrate(v, time)) FROM g",
    "SELECT avg(v) FROM g WHERE time BETWEEN 100 AND 300",
    "SELECT avg(v) FROM g WHERE lat BETWEEN 20 AND 60",
    "SELECT lat, lon, avg(v) FROM g GROUP BY lat, lon",
    "SELECT time, avg(v) FROM g GROUP BY time",
    "SELECT lat, avg(v * v * v + 2 * v) FROM g GROUP BY lat",
    "SELECT lat, v FROM g WHERE lon = 3 ORDER BY v, lat LIMIT 1000",
    "SELECT v * 2 FROM g WHERE v >= 0 LIMIT 10 OFFSET 10000000",
)

# What spills: ten million rows, of which the last are sent. Run once before it is measured, for the
# engine's allocator keeps what its threads have freed.
SORTS = (
    "SELECT time, lat, lon, v FROM g WHERE time < 80 ORDER BY v, lat OFFSET 10485750",
    "SELECT lat, lag(v) OVER (PARTITION BY lat, lon ORDER BY time) FROM g WHERE time < 80"
    " OFFSET 10485750",
    "SELECT lat, sum(v) OVER (PARTITION BY lat, lon ORDER BY time) FROM g WHERE time < 80"
    " OFFSET 10485750",
)

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def held(what: str) -> int:
    """VmRSS, what the process holds, or VmHWM, the most it held since that was reset."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024


def main() -> None:
    store, bound = sys.argv[1], int(sys.argv[2])
    settings = Settings(
        port=0, threads=2, memory_bytes=bound, chunk_cache_bytes=bound // 4,
        datasets=[Dataset(name="g", uri=store)],
    )  # fmt: skip
    with App(settings) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as client:
            for sql in QUERIES:  # what is imported and compiled is not of the scan
                client.execute(sql.replace("FROM g", "FROM (SELECT * FROM g WHERE time = 0) AS g"))
            grown = {}
            for sql in (*QUERIES, *SORTS):
                if sql in SORTS:
                    client.execute(sql).fetchall()
                PEAK.write_text("5")
                before = held("VmRSS")
                client.execute(sql).fetchall()
                grown[sql] = held("VmHWM") - before
    print(json.dumps(grown))


if __name__ == "__main__":
    main()
