"""ATTACH, DETACH and REFRESH: who may, from where, and what a restart remembers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray

from gateway.app import App
from gateway.catalog import datasets
from gateway.catalog.attached import check
from gateway.config import Dataset, Settings
from gateway.errors import GatewayError, InsufficientPrivilege

Run = Callable[[str], list[tuple[object, ...]]]


def write(path: Path, days: int, first: int = 0, zarr_format: Literal[2, 3] = 3) -> None:
    time = np.datetime64("2000-01-01") + np.arange(first, first + days).astype("m8[D]")
    values = np.arange(first, first + days) * 1.0
    dataset = xarray.Dataset({"v": ("time", values)}, {"time": time.astype("M8[ns]")})
    if path.suffix == ".nc":
        dataset.to_netcdf(path)
    else:
        dataset.to_zarr(path, consolidated=False, mode="w", zarr_format=zarr_format)


@contextmanager
def serving(place: Path, user: str = "boss", **more: object) -> Iterator[Run]:
    """A server that may attach from place/data, and remembers in place/kept."""
    settings = Settings(
        port=0,
        superusers=["boss"],
        dataset_roots=[str(place / "data")],
        data_dir=place / "kept",
        datasets=[Dataset(name="ncep", uri="bundled:ncep")],
    )
    with App(settings) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user=user, dbname="d", autocommit=True) as made:

            def run(sql: str) -> list[tuple[object, ...]]:
                cursor = made.execute(sql)
                return cursor.fetchall() if cursor.description else [(cursor.statusmessage,)]

            yield run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    write(tmp_path / "data" / "a.zarr", 3)
    write(tmp_path / "data" / "b1.nc", 2)
    write(tmp_path / "data" / "b2.nc", 2, 2)
    write(tmp_path / "outside.zarr", 1)
    (tmp_path / "data" / "link.zarr").symlink_to(tmp_path / "outside.zarr")
    return tmp_path


def refused(run: Run, sql: str, code: str, text: str) -> None:
    with pytest.raises(psycopg.Error, match=text) as caught:
        run(sql)
    assert caught.value.sqlstate == code


def test_attaching_what_never_answers_can_be_stopped(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = threading.Event()
    with serving(place) as run:
        monkeypatch.setattr(datasets, "open_one", lambda _: answers.wait(60))
        run("SET statement_timeout = 100")
        path = place / "data" / "a.zarr"
        refused(run, f"ATTACH '{path}' AS a", "57014", "statement timeout")
        run("RESET statement_timeout")
        assert run("SELECT count(*) FROM gradwire.datasets WHERE name = 'a'") == [(0,)]
        answers.set()


def test_attach_refresh_restart_detach(place: Path) -> None:
    data = place / "data"
    with serving(place) as run:
        assert run(
            f"ATTACH '{data}/a.zarr' AS a (engine zarr, chunks (time 2), refresh_seconds 3600)"
        ) == [("ATTACH",)]
        assert run(f"ATTACH '{data}/b*.nc' AS b (tables (daily (time)))") == [("ATTACH",)]
        assert run("SELECT count(*), sum(v) FROM a") == [(3, 3.0)]
        assert run("SELECT count(*), sum(v) FROM b.daily") == [(4, 6.0)]
        assert run("SELECT differentiate(v, time, 'D') FROM a") == [(1.0,)] * 3
        write(data / "a.zarr", 5)
        assert run("REFRESH a") == [("REFRESH",)]
        assert run("SELECT count(*), sum(v) FROM a") == [(5, 10.0)]
        assert run("ATTACH IF NOT EXISTS '/nowhere' AS a") == [("ATTACH",)]
    with serving(place) as run:
        assert run("SELECT count(*) FROM a, b.daily") == [(20,)]
        assert run("DETACH a") == [("DETACH",)]
        refused(run, "SELECT * FROM a", "42P01", '"a" does not exist')
        assert run("DETACH IF EXISTS a") == [("DETACH",)]
    (data / "b1.nc").write_bytes(b"no longer a file of data")
    with serving(place) as run:
        refused(run, "SELECT * FROM a", "42P01", '"a" does not exist')
        refused(run, "SELECT * FROM b.daily", "58030", '"b.daily" cannot be read')
        assert run("SELECT count(*) > 0 FROM ncep.winds") == [(True,)]
        (data / "b1.nc").unlink()
        assert run("REFRESH b") == [("REFRESH",)]
        assert run("SELECT count(*) FROM b.daily") == [(2,)]


def test_refusals(place: Path) -> None:
    data = place / "data"
    with serving(place) as run:
        run("CREATE TABLE mine (x int)")
        run("CREATE SCHEMA own")
        run(f"ATTACH '{data}/a.zarr' AS a")
        rows = [
            (f"ATTACH '{data}/a.zarr' AS a",                     "42710", "already exists"),
            (f"ATTACH '{data}/a.zarr' AS mine",                  "42P07", "already exists"),
            (f"ATTACH '{data}/a.zarr' AS own (tables (t (time)))", "42P06", "already exists"),
            (f"ATTACH '{data}/a.zarr' AS public",                "22023", "reserved"),
            (f"ATTACH '{data}/a.zarr' AS c (chunks (time 0))",   "22023", "greater than"),
            (f"ATTACH '{data}/a.zarr' AS c (refresh_seconds 0)", "22023", "greater than"),
            (f"ATTACH '{data}/a.zarr' AS c (speed 3)",           "42601", "syntax error"),
            (f"ATTACH '{data}/a.zarr' AS c (engine kerchunk)",   "42501", "cannot be attached"),
            (f"ATTACH '{data}/none.zarr' AS c",                  "58030", "none.zarr"),
            (f"ATTACH '{data}/none*.nc' AS c",                   "58030", "cannot open"),
            (f"ATTACH '{place}/outside.zarr' AS c",              "42501", "outside the places"),
            (f"ATTACH '{data}/../outside.zarr' AS c",            "42501", "outside the places"),
            (f"ATTACH '{data}/link.zarr' AS c",                  "42501", "outside the places"),
            (f"ATTACH '{data}/[al]*.zarr' AS c",                 "42501", "outside the places"),
            ("ATTACH 'https://me:word@host/a.zarr' AS c",        "42501", '"https://host/a.zarr"'),
            ("DETACH ncep",                                      "55000", "configuration"),
            ("DETACH nothing",                                   "42704", "does not exist"),
            ("REFRESH nothing",                                  "42704", "does not exist"),
        ]  # fmt: skip
        for sql, code, text in rows:
            refused(run, sql, code, text)
        mark = data / "a.zarr" / "zarr.json"
        mark.rename(data / "kept.json")
        refused(run, "REFRESH a", "58030", "a.zarr")
        refused(run, "SELECT count(*) FROM a", "58030", 'cannot read dataset "a"')
        (data / "kept.json").rename(mark)
        assert run("SELECT count(*) FROM a WHERE time IS NOT NULL") == [(3,)]  # as it was
        assert run("SELECT name FROM gradwire.datasets ORDER BY 1") == [("a",), ("ncep",)]


def test_links_inside_a_store_are_followed_where_they_may_lead(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    write(tmp_path / "outside.zarr", 3)
    inside = tmp_path / "data" / "kept" / "v"
    for name, target in (("holed", tmp_path / "outside.zarr" / "v"), ("linked", inside)):
        write(data / f"{name}.zarr", 3)
        inside.parent.mkdir(exist_ok=True)
        moved = (data / f"{name}.zarr" / "v").rename(inside.parent / name)
        if name == "linked":
            moved.rename(inside)
        (data / f"{name}.zarr" / "v").symlink_to(target)
    with serving(tmp_path) as run:
        refused(run, f"ATTACH '{data}/holed.zarr' AS holed", "42501", "outside the places")
        assert run(f"ATTACH '{data}/linked.zarr' AS linked") == [("ATTACH",)]
        assert run("SELECT sum(v) FROM linked") == [(3.0,)]
        (inside / "zarr.json").rename(tmp_path / "zarr.json")
        (inside / "zarr.json").symlink_to(tmp_path / "zarr.json")
        refused(run, "REFRESH linked", "42501", "outside the places")


def test_for_superusers_alone(place: Path) -> None:
    with serving(place, user="guest") as run:
        for sql in (f"ATTACH '{place}/data/a.zarr' AS a", "DETACH ncep", "REFRESH ncep"):
            refused(run, sql, "42501", "must be superuser")


#    uri                              roots                          allowed
PLACES = [
    ("s3://bucket/data/a.zarr",       ["s3://bucket/data"],          True),
    ("s3://bucket/data/a.zarr",       ["s3://bucket/data/"],         True),
    ("s3://bucket/data2/a.zarr",      ["s3://bucket/data"],          False),
    ("s3://bucket.evil/data/a",       ["s3://bucket/data"],          False),
    ("s3://bucket/data/../x",         ["s3://bucket/data"],          False),
    ("s3://bucket/data/%2e%2e/x",     ["s3://bucket/data"],          False),
    ("http://bucket/data/a",          ["s3://bucket/data"],          False),
    ("https://host@evil/data/a",      ["https://host/data"],         False),
    ("https://me:w0rd@host/data/a",   ["https://host/data"],         True),
    ("s3://me@bucket/data/a",         ["s3://bucket/data"],          False),
    ("https://me@host:81/data/a",     ["https://host/data"],         False),
    ("https://evil\\@host/data/a",    ["https://host/data"],         False),
    ("https://evil/@host/data/a",     ["https://host/data"],         False),
    ("https://a@b@host/data/a",       ["https://host/data"],         False),
    ("simplecache::s3://bucket/data", ["s3://bucket/data"],          False),
    ("s3://bucket/data::file:///etc", ["s3://bucket/data"],          False),
    ("file:///srv/data/a.zarr",       ["/srv/data"],                 True),
    ("/srv/database/a.zarr",          ["/srv/data"],                 False),
    ("a.zarr",                        ["/srv/data"],                 False),
    ("bundled:ncep",                  [],                            True),
    ("/srv/a.zarr",                   [],                            False),
]  # fmt: skip


@pytest.mark.parametrize(("uri", "roots", "allowed"), PLACES)
def test_places(uri: str, roots: list[str], allowed: bool) -> None:
    dataset = Dataset(name="a", uri=uri)
    if allowed:
        check(dataset, roots)
        return
    with pytest.raises(InsufficientPrivilege, match="outside the places"):
        check(dataset, roots)


def test_references_lead_nowhere_else(place: Path) -> None:
    data = place / "data"
    write(data / "two.zarr", 3, zarr_format=2)
    write_references(data / "two.zarr", data / "in.json")
    write(place / "secret.zarr", 3, zarr_format=2)
    write_references(place / "secret.zarr", data / "out.json")
    (data / "bad.json").write_text("no JSON")
    uri = f"reference://::{data}"
    with serving(place) as run:
        assert run(f"ATTACH '{uri}/in.json' AS r (engine zarr)") == [("ATTACH",)]
        assert run("SELECT count(*), sum(v) FROM r") == [(3, 3.0)]
        refused(run, f"ATTACH '{uri}/out.json' AS o (engine zarr)", "42501", "secret.zarr.*outside")
        refused(run, f"ATTACH '{uri}/bad.json' AS b (engine zarr)", "F0000", "cannot tell where")
        elsewhere = f"ATTACH 'reference://::{place}/x.json' AS x (engine zarr)"
        refused(run, elsewhere, "42501", "x.json.*outside")
        # What is written into the references later is looked at again.
        (data / "in.json").write_text((data / "out.json").read_text())
        refused(run, "REFRESH r", "42501", "secret.zarr.*outside")
        assert run("SELECT sum(v) FROM r") == [(3.0,)]
    with serving(place) as run:
        refused(run, "SELECT sum(v) FROM r", "58030", '"r" cannot be read')


#    what the references are, below data    what leads out, or cannot be told
WAYS_OUT = [
    ("linked.parq",                           r'elsewhere" lies outside'),
    ("part.parq",                             r'refs.0.parq" lies outside'),
    ("within.parq",                           r'secret" lies outside'),
    ("x{field}.parq",                         r"cannot tell where"),
    ("damaged.parq",                          r"cannot tell where"),
    ("nul.json",                              r"outside the places"),
    ("values.parq",                           None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "told"), WAYS_OUT)
def test_ways_out_of_references(name: str, told: str | None, tmp_path: Path) -> None:
    """Links in a directory of references, braces in its name, a byte that ends a path."""
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    secret = pa.table({"path": [str(tmp_path / "secret")], "raw": [b""]})
    for place in (elsewhere, data / "inside", data / "xv.parq" / "v"):
        place.mkdir(parents=True)
        pq.write_table(secret, place / "refs.0.parq")
    for each in ("part.parq/v", "damaged.parq/v", "values.parq/v", "x{field}.parq"):
        (data / each).mkdir(parents=True)
    for each, target in (("linked.parq", elsewhere), ("within.parq", data / "inside")):
        (data / each).mkdir()
        (data / each / "v").symlink_to(target)
    (data / "part.parq/v/refs.0.parq").symlink_to(elsewhere / "refs.0.parq")
    (data / "damaged.parq/v/refs.0.parq").write_text("no parquet")
    pq.write_table(secret.select(["raw"]), data / "values.parq/v/refs.0.parq")
    (data / "nul.json").write_text(json.dumps({"v/0": [f"{data}/a\0/../../secret", 0, 1]}))
    dataset = Dataset(name="r", uri=f"reference://::{data}/{name}")
    if told is None:
        check(dataset, [str(data)])
        return
    with pytest.raises(GatewayError, match=told):
        check(dataset, [str(data)])


def test_references_behind_a_url_are_not_attached() -> None:
    """Nobody could look at them: the server may give others to whoever opens them."""
    dataset = Dataset(name="r", uri="reference://::https://host/data/refs.json")
    with pytest.raises(InsufficientPrivilege, match="references behind a URL"):
        check(dataset, ["https://host/data"])


def write_references(store: Path, to: Path) -> None:
    files = {
        path.relative_to(store).as_posix(): path for path in store.rglob("*") if path.is_file()
    }
    found = {
        name: path.read_text() if path.name.startswith(".z")
        else [str(path), 0, path.stat().st_size]
        for name, path in files.items()
    }  # fmt: skip
    to.write_text(json.dumps({"version": 1, "refs": found}))
