"""Scans of a grid through the engine, beside plain xarray and pandas on the same arrays.

``python -m tests.bench.data`` prints the median of some runs of each query in milliseconds, in
memory and from a Zarr store. Times in one run are comparable with one another, and no more.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import datafusion
import numpy as np
import xarray

from gateway.engine.provider import as_dataset
from gateway.sources.grid import GridTable
from gateway.sources.opening import open_dataset

RUNS = 5
SHAPE = (371, 73, 144)
DIMS = ("time", "latitude", "longitude")


def grid() -> xarray.Dataset:
    """3.9 million rows of two variables, single precision."""
    random = np.random.default_rng(1)
    times = np.datetime64("1948-01-01", "ns") + np.arange(SHAPE[0]) * np.timedelta64(30, "D")
    return xarray.Dataset(
        {name: (DIMS, random.standard_normal(SHAPE, "f4")) for name in ("uwnd", "vwnd")},
        {
            "time": times,
            "latitude": np.linspace(90, -90, SHAPE[1], dtype="f4"),
            "longitude": np.arange(SHAPE[2], dtype="f4") * 2.5,
        },
    )


Xarray = Callable[[xarray.Dataset], object]

YEAR = "time >= TIMESTAMP '1970-01-01' AND time < TIMESTAMP '1971-01-01'"
BAND = "latitude BETWEEN 30 AND 60"
POINT = "latitude = 30 AND longitude = 30"
CURVE = "sum(2 * uwnd * vwnd + 3 * uwnd * uwnd)"


def curve(d: xarray.Dataset) -> object:
    return (2 * d.uwnd * d.vwnd + 3 * d.uwnd * d.uwnd).sum(("time", "longitude")).values


# Name, SQL, the same in xarray or pandas.
QUERIES: list[tuple[str, str, Xarray]] = [
    ("count", "SELECT count(*) FROM t", lambda d: d.uwnd.size),
    ("sum", "SELECT sum(uwnd::float8) FROM t", lambda d: d.uwnd.astype("f8").sum().values),
    ("all columns", "SELECT * FROM t", lambda d: d.to_dataframe().reset_index()),
    (
        "time range",
        f"SELECT avg(uwnd) FROM t WHERE {YEAR}",
        lambda d: d.uwnd.sel(time="1970").mean().values,
    ),
    (
        "band",
        f"SELECT avg(uwnd) FROM t WHERE {BAND}",
        lambda d: d.uwnd.sel(latitude=slice(60, 30)).mean().values,
    ),
    (
        "point",
        f"SELECT time, uwnd FROM t WHERE {POINT}",
        lambda d: d.uwnd.sel(latitude=30, longitude=30).values,
    ),
    (
        "by place",
        "SELECT latitude, longitude, avg(uwnd) FROM t GROUP BY 1, 2",
        lambda d: d.uwnd.mean("time").values,
    ),
    (
        "by time",
        "SELECT time, avg(uwnd) FROM t GROUP BY 1",
        lambda d: d.uwnd.mean(("latitude", "longitude")).values,
    ),
    ("polynomial", f"SELECT latitude, {CURVE} FROM t GROUP BY 1", curve),
    (
        "top ten",
        "SELECT * FROM t ORDER BY uwnd DESC LIMIT 10",
        lambda d: np.argpartition(d.uwnd.values.ravel(), -10),
    ),
    (
        "value filter",
        "SELECT count(*) FROM t WHERE uwnd > 2::real",
        lambda d: (d.uwnd > 2).sum().values,
    ),
]


def median_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def compare(title: str, dataset: xarray.Dataset) -> None:
    context = datafusion.SessionContext()
    table = GridTable(dataset, ["uwnd", "vwnd"], DIMS)
    context.register_dataset("t", as_dataset(table))
    print(f"{title}: {table.rows} rows, blocks of {table.block_shape}")
    print(f"  {'query':14}{'gateway ms':>12}{'xarray ms':>12}")
    for name, sql, plain in QUERIES:
        ours = median_ms(lambda sql=sql: context.sql(sql).collect())  # type: ignore[misc]
        theirs = median_ms(lambda plain=plain: plain(dataset))  # type: ignore[misc]
        print(f"  {name:14}{ours:12.1f}{theirs:12.1f}")


def main() -> None:
    dataset = grid()
    compare("in memory", dataset)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grid.zarr"
        chunks = {name: {"chunks": (31, 73, 144)} for name in ("uwnd", "vwnd")}
        dataset.to_zarr(path, zarr_format=3, consolidated=False, encoding=chunks)
        opened = open_dataset(path)
        assert isinstance(opened, xarray.Dataset)
        compare("zarr", opened)


if __name__ == "__main__":
    main()
