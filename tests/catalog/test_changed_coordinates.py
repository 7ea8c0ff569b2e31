"""A coordinate that is changed in place, under queries that read no variable: 58030, not its old
values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
import xarray
import zarr

from gateway.app import App
from gateway.config import Dataset, Settings

# What has its answer from the coordinates alone, or finds in them that there are no rows.
READS_NO_VARIABLE = (
    "SELECT count(*) FROM {} WHERE time > 450",
    "SELECT v FROM {} WHERE time > 450",
    "SELECT sum(v) FROM {} WHERE time > 450",
    "SELECT max(time) FROM {}",
    "SELECT DISTINCT time FROM {}",
    "SELECT time FROM {} ORDER BY time DESC LIMIT 1",
    "SELECT count(*) FROM {}",
    "WITH late AS (SELECT time FROM {} WHERE time > 450) SELECT count(*) FROM late",
    "SELECT k FROM kept WHERE k IN (SELECT time FROM {})",
    "SELECT k, (SELECT max(time) FROM {}) FROM kept",
    "SELECT k FROM kept JOIN {} ON time = k",
    "EXPLAIN ANALYZE SELECT max(time) FROM {}",
    "INSERT INTO kept SELECT max(time) FROM {}",
    "UPDATE kept SET k = time FROM {} WHERE time > 450",
    "CREATE TABLE made AS SELECT max(time) FROM {}",
    "COPY (SELECT max(time) FROM {}) TO STDOUT",
)


def write(path: Path, rows: int, first: float) -> None:
    """500 times from `first` on; their values alone, where the store is there already."""
    times = np.arange(500) + first
    if path.suffix == ".zarr" and path.exists():
        zarr.open_array(path / "time", mode="r+")[:] = times
        return
    variables = {"v": (("time", "x"), np.ones((500, rows), "f4"))}
    dataset = xarray.Dataset(variables, {"time": times})
    if path.suffix == ".zarr":
        small = rows < 100
        encoding = {"v": {"chunks": (100, rows)}, "time": {"chunks": (500 if small else 100,)}}
        dataset.to_zarr(path, encoding=encoding, zarr_format=2 if small else 3, consolidated=small)
    else:
        made = path.with_suffix(".made")
        form = "NETCDF4" if path.suffix == ".nc" else "NETCDF3_64BIT"
        dataset.to_netcdf(made, engine="netcdf4", format=form)
        path.write_bytes(made.read_bytes())


# Small ones are planned as tables in memory are.
STORES = ("small.zarr", "large.zarr", "dask.zarr", "parts_*.zarr", "small.nc", "large.nc",
          "small.cdf", "dask.nc")  # fmt: skip


def rows_of(place: Path) -> int:
    """How many there are at each time."""
    return 3 if place.stem == "small" else 300


@pytest.fixture(params=STORES)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return tmp_path / str(request.param)


@pytest.fixture
def client(place: Path) -> Iterator[psycopg.Connection]:
    path = place.with_name(place.name.replace("*", "1"))
    write(path, rows_of(place), -100.0)
    chunks = {"time": 50} if place.stem == "dask" else None
    dataset = Dataset(name="a", uri=str(place), chunks=chunks)
    settings = Settings(port=0, datasets=[dataset], superusers=["u"])
    with App(settings) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as made:
            yield made


def test_what_reads_no_variable_tells_that_a_coordinate_has_changed(
    client: psycopg.Connection, place: Path
) -> None:
    client.execute("CREATE TABLE kept AS SELECT 100.0::float8 AS k")
    client.execute("CREATE VIEW seen AS SELECT max(time) AS last FROM a")
    client.prepare_threshold = 1
    for _ in range(3):  # so that plans are kept
        for sql in READS_NO_VARIABLE[:11]:
            client.execute(sql.format("a"))
        client.execute("SELECT count(*) FROM a WHERE time > %s", [450.0])
    assert client.execute("SELECT last FROM seen").fetchone() == (399.0,)
    write(place.with_name(place.name.replace("*", "1")), rows_of(place), 0.0)
    with client.cursor() as cursor:
        for sql in (*READS_NO_VARIABLE, "SELECT * FROM seen"):
            with pytest.raises(psycopg.Error) as caught:
                if sql.startswith("COPY"):
                    with cursor.copy(sql.format("a")) as out:
                        out.read()
                else:
                    cursor.execute(sql.format("a"))
            assert caught.value.sqlstate == "58030", sql
            assert caught.value.diag.message_hint == 'REFRESH "a" opens it anew.'
        with pytest.raises(psycopg.Error, match='cannot read dataset "a"'):
            cursor.execute("SELECT count(*) FROM a WHERE time > %s", [450.0])
    # What it looks like can still be told, and others still be read.
    assert client.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'seen'"
    assert client.execute(columns).fetchall() == [("last",)]
    client.execute("REFRESH a")
    found = client.execute("SELECT count(*) FROM a WHERE time > 450").fetchone()
    assert found == (49 * rows_of(place),)
    assert client.execute("SELECT last FROM seen").fetchone() == (499.0,)
