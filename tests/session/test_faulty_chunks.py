"""A chunk that cannot be read fails its query by name, and no other: through SQL, cache and all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
import xarray

from gateway.app import App
from gateway.config import Dataset, Settings

DAYS = np.datetime64("2000-01-01") + np.arange(8).astype("m8[D]")
BROKEN = ("v", "c", "2", "0")  # times 4 and 5


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faulty") / "f.zarr"
    values = np.arange(24.0).reshape(8, 3)
    dataset = xarray.Dataset(
        {"v": (("time", "x"), values), "w": (("time", "x"), -values)},
        {"time": DAYS.astype("M8[ns]"), "x": [0.0, 1.0, 2.0]},
    )
    chunks = {name: {"chunks": (2, 3)} for name in "vw"}
    dataset.to_zarr(path, encoding=chunks, consolidated=False)
    return path


@pytest.fixture(scope="module")
def client(place: Path) -> Iterator[psycopg.Connection]:
    with App(Settings(port=0, datasets=[Dataset(name="f", uri=str(place))])) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as made:
            yield made


@pytest.fixture
def broken(place: Path) -> Iterator[Path]:
    chunk = place.joinpath(*BROKEN)
    kept = chunk.read_bytes()
    chunk.write_bytes(b"rubbish")
    yield chunk
    chunk.write_bytes(kept)


FAILING = [
    "SELECT * FROM f",
    "SELECT sum(v) FROM f",
    "SELECT v FROM f WHERE time = '2000-01-05'",
    "SELECT differentiate(v, time) FROM f WHERE time = '2000-01-04'",
    "SELECT count(*) FROM f WHERE v > 3",
    "SELECT a.v FROM f AS a JOIN f AS b USING (time, x)",
    "CREATE TABLE copied AS SELECT * FROM f",
]
WHOLE = [
    ("SELECT sum(w) FROM f", -276.0),
    ("SELECT count(*) FROM f", 24),
    ("SELECT sum(v) FROM f WHERE time > '2000-01-06'", 123.0),
    ("SELECT max(time)::text FROM f", "2000-01-08 00:00:00"),
]


@pytest.mark.parametrize("sql", FAILING)
def test_what_reads_it_fails_by_name(client: psycopg.Connection, broken: Path, sql: str) -> None:
    client.execute("REFRESH f")  # no chunk of it is held any more
    with pytest.raises(psycopg.Error, match='variable "v" of dataset "f"') as caught:
        client.execute(sql).fetchall()
    assert caught.value.sqlstate == "58030"
    told = caught.value.diag.message_detail or ""
    assert re.match(r"At time 4 to [45], x 0 to 2: ", told), told
    for good, value in WHOLE:
        assert client.execute(good).fetchone() == (value,)
    assert client.execute("SELECT to_regclass('copied')").fetchone() == (None,)


def test_it_is_read_again_once_it_is_whole(client: psycopg.Connection, place: Path) -> None:
    chunk = place.joinpath(*BROKEN)
    kept = chunk.read_bytes()
    chunk.write_bytes(b"rubbish")
    client.execute("REFRESH f")
    with pytest.raises(psycopg.Error):
        client.execute("SELECT sum(v) FROM f").fetchone()
    chunk.write_bytes(kept)
    assert client.execute("SELECT sum(v) FROM f").fetchone() == (276.0,)
