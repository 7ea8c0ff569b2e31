"""The same questions to this gateway and to others, on the same arrays.

``python -m tests.bench.data`` makes 3.9 million rows in memory and 26 million in a Zarr store, and
prints the median of some runs of 13 queries in milliseconds, all contenders taking turns:

    gradwire     a session: text in, Arrow out; chunk cache as configured by default
    xarray-sql   in a Python of its own (--peer-python), for it needs DataFusion 54
    datafusion   this DataFusion over Parquet
    duckdb       over Parquet
    polars       over Parquet, lazily; left out where it is not installed
    xarray       plain xarray or pandas

Times in one run are comparable with one another, and no more. `--rows` chooses memory, zarr or
both; `--runs` how often; `--only` which queries. `--cpu` counts processor time, of all threads
together, which other work on the machine disturbs less.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import datafusion
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import xarray

from gateway.config.settings import Settings
from gateway.engine.embedded import Embedded
from gateway.session.gateway import Gateway
from gateway.sources.grid.grid import GridTable
from gateway.sources.opening.opening import open_dataset
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.table import TableName
from gateway.store.tables import Store
from gateway.wire.encoding.casts import TEXT_CASTS

DIMS = ("time", "latitude", "longitude")
SHAPES = {"memory": (371, 73, 144), "zarr": (2480, 73, 144)}
CHUNK = (31, 73, 144)
Run = Callable[[str], int]  # a query's name -> how many rows came

YEAR = "time >= TIMESTAMP '1970-01-01 00:00:00' AND time < TIMESTAMP '1971-01-01 00:00:00'"
CURVE = "sum(2 * uwnd * vwnd + 3 * uwnd * uwnd)"
QUERIES = {
    "count": "SELECT count(*) AS n FROM t",
    "sum": "SELECT sum(uwnd) AS s FROM t",
    "all columns": "SELECT * FROM t",
    "time range": f"SELECT avg(uwnd) AS m FROM t WHERE {YEAR}",
    "latitude band": "SELECT avg(uwnd) AS m FROM t WHERE latitude BETWEEN 30 AND 60",
    "point": "SELECT time, uwnd FROM t WHERE latitude = 30 AND longitude = 30",
    "by lat-lon": "SELECT latitude, longitude, avg(uwnd) AS m FROM t GROUP BY 1, 2",
    "by time": "SELECT time, avg(uwnd) AS m FROM t GROUP BY 1",
    "polynomial": f"SELECT latitude, {CURVE} AS s FROM t GROUP BY 1",
    "by month": "SELECT date_trunc('month', time) AS m, avg(uwnd) AS a FROM t GROUP BY 1",
    "top ten": "SELECT * FROM t ORDER BY uwnd DESC LIMIT 10",
    "order by": "SELECT time, latitude, uwnd FROM t WHERE longitude = 30 ORDER BY uwnd",
    "anomaly": "SELECT max(t.uwnd - c.m) AS d FROM t JOIN (SELECT latitude, longitude, "
    "avg(uwnd) AS m FROM t GROUP BY latitude, longitude) AS c "
    "ON t.latitude = c.latitude AND t.longitude = c.longitude",
}


def grid(shape: tuple[int, ...] = SHAPES["memory"]) -> xarray.Dataset:
    """Two variables of single precision on a global grid, every five days."""
    random = np.random.default_rng(1)
    times = np.datetime64("1948-01-01", "ns") + np.arange(shape[0]) * np.timedelta64(5, "D")
    if shape == SHAPES["memory"]:
        times = np.datetime64("1948-01-01", "ns") + np.arange(shape[0]) * np.timedelta64(30, "D")
    return xarray.Dataset(
        {name: (DIMS, random.standard_normal(shape, "f4")) for name in ("uwnd", "vwnd")},
        {
            "time": times,
            "latitude": np.linspace(90, -90, shape[1], dtype="f4"),
            "longitude": np.arange(shape[2], dtype="f4") * 2.5,
        },
    )


def plain_xarray(d: xarray.Dataset) -> Run:
    """What one would write with xarray and numpy."""
    u, v = d.uwnd, d.vwnd

    def top() -> int:
        values = u.values.ravel()
        best = np.argpartition(values, -10)[-10:]
        return len(d.isel(dict(zip(DIMS, map(xarray.DataArray, np.unravel_index(
            best, u.shape)), strict=True))).to_dataframe())  # fmt: skip

    ways: dict[str, Callable[[], object]] = {
        "count": lambda: [u.size],
        "sum": lambda: [u.astype("f8").sum().values],
        "all columns": lambda: d.to_dataframe().reset_index(),
        "time range": lambda: [u.sel(time="1970").mean().values],
        "latitude band": lambda: [u.sel(latitude=slice(60, 30)).mean().values],
        "point": lambda: u.sel(latitude=30, longitude=30).values,
        "by lat-lon": lambda: u.mean("time").values.ravel(),
        "by time": lambda: u.mean(("latitude", "longitude")).values,
        "polynomial": lambda: (2 * u * v + 3 * u * u).sum(("time", "longitude")).values,
        "by month": lambda: u.resample(time="MS").mean(...).values,
        "top ten": lambda: range(top()),
        "order by": lambda: u.sel(longitude=30).to_dataframe().sort_values("uwnd"),
        "anomaly": lambda: [(u - u.mean("time")).max().values],
    }
    return lambda name: len(ways[name]())  # type: ignore[arg-type]


def gradwire(dataset: xarray.Dataset) -> Run:
    """A session over the dataset, as a client has it, but for the wire."""
    cache = ChunkCache(Settings().chunk_cache_bytes)
    table = GridTable(dataset, ["uwnd", "vwnd"], DIMS, name="t").cached(cache)
    engine = Embedded(None, TEXT_CASTS)
    gateway = Gateway(engine, Store(None), {TableName("public", "t"): table})
    session = gateway.new_session()
    session.start("bench", "bench", {})

    def run(name: str) -> int:
        return sum(b.num_rows for r in session.run_simple(QUERIES[name]) for b in r.take())

    return run


def over_parquet(path: Path) -> dict[str, Run]:
    """DataFusion and DuckDB, and Polars where it is installed."""
    context = datafusion.SessionContext()
    context.register_parquet("t", str(path))
    duck = duckdb.connect()
    duck.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{path}')")
    found: dict[str, Run] = {
        "datafusion": lambda name: sum(b.num_rows for b in context.sql(QUERIES[name]).collect()),
        "duckdb": lambda name: duck.sql(QUERIES[name]).to_arrow_table().num_rows,
    }
    if find_spec("polars") is not None:
        found["polars"] = polars_over(path)
    return found


def polars_over(path: Path) -> Run:
    """Polars' own language, lazily."""
    import polars as pl

    t = pl.scan_parquet(path)
    u, v, c = pl.col("uwnd"), pl.col("vwnd"), pl.col
    year = (c("time") >= pl.datetime(1970, 1, 1)) & (c("time") < pl.datetime(1971, 1, 1))
    place = ["latitude", "longitude"]
    ways = {
        "count": t.select(pl.len()),
        "sum": t.select(u.cast(pl.Float64).sum()),
        "all columns": t,
        "time range": t.filter(year).select(u.mean()),
        "latitude band": t.filter(c("latitude").is_between(30, 60)).select(u.mean()),
        "point": t.filter((c("latitude") == 30) & (c("longitude") == 30)).select("time", "uwnd"),
        "by lat-lon": t.group_by(place).agg(u.mean()),
        "by time": t.group_by("time").agg(u.mean()),
        "polynomial": t.group_by("latitude").agg((2 * u * v + 3 * u * u).cast(pl.Float64).sum()),
        "by month": t.group_by(c("time").dt.truncate("1mo")).agg(u.mean()),
        "top ten": t.top_k(10, by="uwnd"),
        "order by": t.filter(c("longitude") == 30).select("time", "latitude", "uwnd").sort("uwnd"),
        "anomaly": t.join(t.group_by(place).agg(u.mean().alias("m")), on=place).select(
            (u - c("m")).max()
        ),
    }
    return lambda name: ways[name].collect().height


class Peer:
    """xarray-sql in another process: a query's name on a line in, milliseconds and rows out."""

    def __init__(self, python: str, kind: str, path: Path, clock: Callable[[], float]) -> None:
        script = Path(__file__).with_name("data_peer.py")
        self._process = subprocess.Popen(
            [python, str(script), kind, str(path), clock.__name__],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def ask(self, sql: str) -> tuple[float, int]:
        """How long it took in milliseconds, and how many rows came; NaN where it refused."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(sql, file=self._process.stdin, flush=True)
        took, rows = self._process.stdout.readline().split()
        return float(took), int(rows)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def timed(run: Run, name: str, clock: Callable[[], float]) -> tuple[float, int]:
    start = clock()
    rows = run(name)
    return (clock() - start) * 1000, rows


def compare(
    kind: str,
    runs: int,
    queries: list[str],
    peer_python: str | None,
    folder: Path,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Prints one table."""
    made = grid(SHAPES[kind])
    zarr, parquet = folder / f"{kind}.zarr", folder / f"{kind}.parquet"
    chunks = {name: {"chunks": CHUNK} for name in ("uwnd", "vwnd")}
    made.to_zarr(zarr, zarr_format=3, consolidated=False, encoding=chunks)
    opened = open_dataset(zarr)
    assert isinstance(opened, xarray.Dataset)
    used = made if kind == "memory" else opened
    write_parquet(GridTable(made, ["uwnd", "vwnd"], DIMS), parquet)
    peer = Peer(peer_python, kind, zarr, clock) if peer_python else None
    contenders: dict[str, Callable[[str], tuple[float, int]]] = {}

    def add(label: str, run: Run) -> None:
        contenders[label] = lambda name: timed(run, name, clock)

    add("gradwire", gradwire(used))
    if peer is not None:
        contenders["xarray-sql"] = lambda name: peer.ask(QUERIES[name])
    for label, run in over_parquet(parquet).items():
        add(label, run)
    add("xarray", plain_xarray(used))
    print(f"\n{kind}: {made.uwnd.size} rows, {runs} runs")
    print(f"{'':14}" + "".join(f"{label:>12}" for label in contenders), flush=True)
    for name in queries:
        took: dict[str, list[float]] = {label: [] for label in contenders}
        rows = {label: ask(name)[1] for label, ask in contenders.items()}  # and warm up
        for _ in range(runs):
            for label, ask in contenders.items():
                took[label].append(ask(name)[0])
        cells = [f"{statistics.median(times):12.1f}" for times in took.values()]
        counts = {n for n in rows.values() if n}
        print(f"{name:14}" + "".join(cells) + ("" if len(counts) == 1 else f" rows differ {rows}"))
    if peer is not None:
        peer.close()


def write_parquet(table: GridTable, path: Path) -> None:
    schema = pa.schema([field.remove_metadata() for field in table.schema])
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for part in table.partitions(None):
            for batch in part.scan(schema.names, None):
                writer.write_batch(batch)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", choices=("memory", "zarr", "both"), default="both")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(QUERIES), help="some queries")
    parser.add_argument("--peer-python", help="a Python that has xarray-sql 0.6.0")
    parser.add_argument("--cpu", action="store_true", help="count processor time")
    options = parser.parse_args()
    clock = time.process_time if options.cpu else time.perf_counter
    kinds = ["memory", "zarr"] if options.rows == "both" else [options.rows]
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            compare(kind, options.runs, options.only, options.peer_python, Path(folder), clock)


if __name__ == "__main__":
    main()
