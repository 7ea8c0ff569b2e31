"""Which datasets a server has, what is known of them, and that a bad one harms no other."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
import xarray
import zarr

from gateway.app import App
from gateway.catalog import datasets as served
from gateway.catalog.datasets import Datasets
from gateway.catalog.refreshing import Refresher
from gateway.config import Dataset, Settings
from gateway.errors import DatasetUnreadable
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import TableName
from tests.sources.scans import rows_of

SECRET = "https://me:word@127.0.0.1:1/gone.zarr?sig=abc"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A client of a server with one good dataset and three bad ones."""
    place = tmp_path_factory.mktemp("datasets")
    good = xarray.Dataset(
        {"2m_temperature": (("T", "höhe"), np.ones((2, 2)), {"units": "K", "range": [1.5, 2.0]})},
        {"T": [1, 2], "höhe": ("höhe", [0.5, 1.5], {"long_name": "Höhe", "units": "m"})},
        {"title": "Good", "version": np.int32(3)},
    )
    good.to_netcdf(place / "good.nc")
    xarray.Dataset({"z": ("x", np.array([1j]))}).to_zarr(place / "complex.zarr", consolidated=False)
    (place / "torn.nc").write_bytes(b"\x89HDF\r\n\x1a\n torn")
    datasets = [
        Dataset(name="torn", uri=str(place / "torn.nc")),
        Dataset(name="good", uri=str(place / "good.nc")),
        Dataset(name="imaginary", uri=str(place / "complex.zarr")),
        Dataset(name="secret", uri=SECRET),
    ]
    with App(Settings(port=0, datasets=datasets)) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as made:
            yield made


def test_a_good_dataset_is_served_beside_bad_ones(client: psycopg.Connection) -> None:
    assert client.execute('SELECT "T", "höhe", "2m_temperature" FROM good LIMIT 1').fetchone() == (
        1, 0.5, 1.0,
    )  # fmt: skip


#    name          in the detail
BAD = [("torn", "torn.nc"), ("imaginary", 'variable "z" has values of type complex128'),
       ("secret", "https://127.0.0.1:1/gone.zarr")]  # fmt: skip


@pytest.mark.parametrize(("name", "reason"), BAD)
def test_a_bad_dataset_says_why(client: psycopg.Connection, name: str, reason: str) -> None:
    for relation in (name, f"{name}.part"):
        with pytest.raises(psycopg.Error, match=f'"{relation}" cannot be read') as caught:
            client.execute(f"SELECT * FROM {relation}")
        assert caught.value.sqlstate == "58030"
        told = caught.value.diag.message_detail or ""
        assert reason in told and "word" not in told and "sig" not in told


def test_the_datasets_are_listed(client: psycopg.Connection) -> None:
    rows = client.execute(
        "SELECT name, uri, tables, error IS NULL FROM gradwire.datasets ORDER BY name"
    ).fetchall()
    assert [(name, tables, good) for name, _, tables, good in rows] == [
        ("good", 1, True), ("imaginary", 0, False), ("secret", 0, False), ("torn", 0, False),
    ]  # fmt: skip
    assert rows[2][1] == "https://127.0.0.1:1/gone.zarr"


def test_every_attribute_is_a_row(client: psycopg.Connection) -> None:
    rows = client.execute(
        "SELECT column_name, attribute, value, json FROM gradwire.attributes "
        "WHERE table_schema = 'public' AND table_name = 'good' ORDER BY 1 NULLS FIRST, 2"
    ).fetchall()
    assert rows == [
        (None, "title", "Good", '"Good"'),
        (None, "version", "3", "3"),
        ("2m_temperature", "range", "[1.5, 2.0]", "[1.5, 2.0]"),
        ("2m_temperature", "units", "K", '"K"'),
        ("höhe", "long_name", "Höhe", '"Höhe"'),
        ("höhe", "units", "m", '"m"'),
    ]
    assert json.loads(rows[2][3]) == [1.5, 2.0]


def test_what_tells_of_datasets_is_not_written(client: psycopg.Connection, tmp_path: Path) -> None:
    for statement in ("DELETE FROM gradwire.datasets", "CREATE TABLE gradwire.mine (x int)"):
        with pytest.raises(psycopg.Error) as caught:
            client.execute(statement)
        assert caught.value.sqlstate == "25006"


def days(count: int, path: Path) -> None:
    """A dataset of so many days, in the place of one that was there before."""
    written = xarray.Dataset({"v": ("day", np.arange(count) * 1.0)}, {"day": np.arange(count)})
    if path.suffix == ".zarr":
        chunks = {"v": {"chunks": (10,)}}
        written.to_zarr(path, mode="w", consolidated=False, encoding=chunks)
    else:
        written.to_netcdf(path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)


def told(datasets: Datasets) -> dict[str, object]:
    """The one row of gradwire.datasets."""
    table = datasets[TableName("gradwire", "datasets")]
    names = table.schema.names
    (row,) = (r for p in table.partitions(None) for b in p.scan(names, None) for r in b.to_pylist())
    return dict(row)


def total(datasets: Datasets, name: str) -> float:
    table = datasets[TableName("public", name)]
    batches = [b for p in table.partitions(None) for b in p.scan(["v"], None)]
    return float(sum(sum(b.column(0).to_pylist()) for b in batches))


@pytest.mark.parametrize("file", ["a.zarr", "a.nc"])
def test_a_dataset_that_grows_is_seen_at_its_interval(
    file: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / file
    datasets = Datasets([Dataset(name="a", uri=str(path), refresh_seconds=60)])
    assert "cannot open" in caplog.text and len(datasets.names) == 1
    now = time.monotonic()
    assert datasets.refresh_due(now) == pytest.approx(60, abs=5)
    days(3, path)
    assert datasets.refresh_due(now + 70) is not None
    assert total(datasets, "a") == 3.0
    days(4, path)
    datasets.refresh_due(now + 30)
    assert len(datasets[TableName("public", "a")].schema) == 2
    assert total(datasets, "a") == 3.0  # what was opened is what is read
    datasets.refresh_due(now + 70)
    assert total(datasets, "a") == 6.0


def test_a_dataset_that_cannot_be_opened_anew_stays_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.nc"
    days(3, path)
    datasets = Datasets([Dataset(name="a", uri=str(path), refresh_seconds=60)])
    path.write_bytes(b"torn")
    for _ in range(2):
        datasets.refresh_due(time.monotonic() + 70)
    assert caplog.text.count('dataset "a" stays as it was: cannot') == 1
    assert datasets.fault("a") is None and TableName("public", "a") in datasets
    assert told(datasets)["tables"] == 1 and "cannot open" in str(told(datasets)["error"])
    path.unlink()
    days(5, path)
    datasets.refresh_due(time.monotonic() + 70)
    assert total(datasets, "a") == 10.0
    assert told(datasets)["error"] is None


def test_a_dataset_without_a_variable_is_a_bad_one(tmp_path: Path) -> None:
    """So looks a Zarr store without consolidated metadata whose server lists no directories."""
    xarray.Dataset(attrs={"title": "Nothing"}).to_netcdf(tmp_path / "empty.nc")
    fault = Datasets([Dataset(name="a", uri=str(tmp_path / "empty.nc"))]).fault("a")
    assert isinstance(fault, DatasetUnreadable) and fault.detail == "There is no variable in it."


def test_a_dataset_that_never_answers_is_a_bad_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days(3, tmp_path / "a.nc")
    answers, opens = threading.Event(), served.open_one

    def open_one(dataset: Dataset) -> dict[TableName, GridTable]:
        if dataset.name == "slow":
            answers.wait(60)
        return opens(dataset)

    monkeypatch.setattr(served, "open_one", open_one)
    slow, other = (Dataset(name=name, uri=str(tmp_path / "a.nc")) for name in ("slow", "other"))
    datasets = Datasets([slow, other], open_seconds=0.1)
    fault = datasets.fault("slow")
    assert isinstance(fault, DatasetUnreadable)
    assert fault.detail == "there was no answer within 0.1 s"
    assert total(datasets, "other") == 3.0
    with pytest.raises(DatasetUnreadable):  # as `gradwire check` opens it
        served.open_within(slow, 0.1)
    answers.set()
    datasets.refresh("slow")
    assert total(datasets, "slow") == 3.0


def test_a_refresher_sleeps_until_a_dataset_is_due() -> None:
    class Due:
        """Asked once at first, once more when something changed, and never besides."""

        on_change: Callable[[], None]
        asked = threading.Semaphore(0)

        def refresh_due(self, now: float) -> float | None:
            self.asked.release()
            return None

    due = Due()
    refresher = Refresher(due)  # type: ignore[arg-type]
    for _ in range(2):
        assert due.asked.acquire(timeout=300)
        due.on_change()
    assert due.asked.acquire(timeout=300)
    refresher.close()
    assert not refresher._thread.is_alive()


def test_a_store_that_is_gone_is_no_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    days(3, path)
    datasets = Datasets([Dataset(name="a", uri=str(path))])
    path.rename(tmp_path / "elsewhere")
    path.mkdir()  # where a disk was mounted
    with pytest.raises(DatasetUnreadable, match='variable "v" of dataset "a"') as caught:
        total(datasets, "a")
    assert "the store is no longer there" in caught.value.detail
    assert caught.value.hint == 'REFRESH "a" opens it anew.'
    path.rmdir()
    (tmp_path / "elsewhere").rename(path)
    assert total(datasets, "a") == 3.0


def later(days: int, length: int) -> xarray.Dataset:
    """Days from some day on, each with its number."""
    up = np.arange(days, days + length)
    times = np.datetime64("2000-01-01", "ns") + up.astype("m8[D]")
    return xarray.Dataset({"v": ("time", up.astype("f8"))}, {"time": times})


def put(dataset: xarray.Dataset, path: Path) -> None:
    if path.suffix == ".zarr":
        whole = path.stem == "consolidated"
        chunks = {"v": {"chunks": (4,)}}
        form = 2 if whole else 3
        dataset.to_zarr(path, mode="w", consolidated=whole, zarr_format=form, encoding=chunks)
    else:
        made = path.with_suffix(".made")
        dataset.to_netcdf(made, format="NETCDF4" if path.stem == "four" else "NETCDF3_64BIT")
        path.write_bytes(made.read_bytes())


@pytest.mark.parametrize("name", ["consolidated.zarr", "plain.zarr", "four.nc", "three.nc"])
def test_what_is_put_in_the_place_of_a_dataset_is_not_taken_for_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even in the middle of a scan; what has only grown is read on."""
    monkeypatch.setattr(grid, "BLOCK_ROWS", 4)
    path, new = tmp_path / name, tmp_path / "new" / name
    new.parent.mkdir()
    put(later(0, 12), path)
    datasets = Datasets([Dataset(name="a", uri=str(path))], cache_bytes=1 << 20)
    table = datasets[TableName("public", "a")]
    (part,) = table.partitions(None, most=1)
    put(later(0, 16), path)
    assert rows_of(table)["v"].to_pylist() == [*range(12)]
    batches = part.scan(["time", "v"], None)
    assert next(batches)["v"].to_pylist() == [0, 1, 2, 3]
    put(later(5, 16), new)
    path.rename(tmp_path / "old")
    new.rename(path)
    with pytest.raises(DatasetUnreadable, match='variable "v" of dataset "a"') as caught:
        list(batches)
    assert "another dataset is in its place" in caught.value.detail
    assert caught.value.hint == 'REFRESH "a" opens it anew.'
    datasets.refresh("a")
    assert total(datasets, "a") == later(5, 16).v.sum()
    put(later(5, 10), path)
    with pytest.raises(DatasetUnreadable, match='variable "v" of dataset "a"'):
        total(datasets, "a")
    datasets.refresh("a")
    marks = [path / mark for mark in (".zmetadata", "zarr.json")]
    broken = next((mark for mark in marks if mark.exists()), path)
    broken.write_bytes(b"no dataset at all")
    with pytest.raises(DatasetUnreadable, match="cannot open"):
        datasets.refresh("a")
    with pytest.raises(DatasetUnreadable, match='variable "v" of dataset "a"') as caught:
        total(datasets, "a")
    assert "it has changed since it was opened" in caught.value.detail


@pytest.mark.parametrize("form", [2, 3])
@pytest.mark.parametrize("chunk", [3, 12])
def test_a_coordinate_that_is_written_anew_in_place_is_not_read_on(
    tmp_path: Path, form: int, chunk: int
) -> None:
    path = tmp_path / "a.zarr"
    encoding = {"time": {"chunks": (chunk,)}}
    later(0, 12).to_zarr(path, zarr_format=form, consolidated=form == 2, encoding=encoding)
    datasets = Datasets([Dataset(name="a", uri=str(path))], cache_bytes=1 << 20)
    assert total(datasets, "a") == 66.0
    times = zarr.open_array(path / "time", mode="r+")
    times[11] = times[11]
    assert total(datasets, "a") == 66.0
    times[11] = times[11] + 5
    with pytest.raises(DatasetUnreadable) as caught:
        total(datasets, "a")
    assert "another dataset is in its place" in caught.value.detail
    datasets.refresh("a")
    assert total(datasets, "a") == 66.0
