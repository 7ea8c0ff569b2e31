"""Stores that need an extra, or stand behind a URL: GRIB, Icechunk, S3, references as parquet."""

from __future__ import annotations

import importlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
import xarray

from gateway.catalog.attached import check, within
from gateway.catalog.datasets import Datasets, open_one
from gateway.config import Dataset
from gateway.errors import ConfigurationFault, DatasetUnreadable, InsufficientPrivilege
from gateway.sources.opening import grib, opening
from gateway.sources.opening.allowed_places import refuse_beyond
from gateway.sources.opening.opening import guess_engine, open_dataset

from . import azure, s3


def small() -> xarray.Dataset:
    times = np.datetime64("2000-01-01", "ns") + np.arange(4) * np.timedelta64(1, "D")
    return xarray.Dataset(
        {"v": (("time", "lat"), np.arange(12.0).reshape(4, 3))},
        {"time": times, "lat": [1.0, 2.0, 3.0]},
    )


def needed(name: str) -> Any:
    """A library that an extra brings; without it the test is skipped."""
    pytest.importorskip(name)
    return importlib.import_module(name)


def test_icechunk_is_read_as_of_the_newest_commit(tmp_path: Path) -> None:
    icechunk = needed("icechunk")
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(tmp_path / "r")))

    def commit(dataset: xarray.Dataset) -> None:
        session = repository.writable_session("main")
        dataset.to_zarr(session.store, mode="w", consolidated=False)
        session.commit("as it is now")

    commit(small())
    assert guess_engine(str(tmp_path / "r")) == "icechunk"
    before = open_dataset(tmp_path / "r")
    commit(small() + 1)
    after = open_dataset(tmp_path / "r", engine="icechunk")
    for found, wanted in ((before, small()), (after, small() + 1)):
        assert isinstance(found, xarray.Dataset)
        xarray.testing.assert_equal(found.load(), wanted)


def write_grib(path: Path, *fields: tuple[dict[str, Any], np.ndarray]) -> None:
    """A message of 3 by 4 places for each field: its keys, and its values."""
    eccodes = needed("eccodes")
    degrees = {
        "iDirectionIncrement": 1.0, "jDirectionIncrement": 1.0,
        "latitudeOfFirstGridPoint": 2.0, "latitudeOfLastGridPoint": 0.0,
        "longitudeOfFirstGridPoint": 0.0, "longitudeOfLastGridPoint": 3.0,
    }  # fmt: skip
    places = {"Ni": 4, "Nj": 3, **{f"{key}InDegrees": value for key, value in degrees.items()}}
    with path.open("wb") as file:
        for keys, values in fields:
            message = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
            for key, value in {**places, **keys}.items():
                eccodes.codes_set(message, key, value)
            eccodes.codes_set_values(message, values)
            eccodes.codes_write(message, file)
            eccodes.codes_release(message)


def test_grib_is_read_and_nothing_is_written_beside_it(tmp_path: Path) -> None:
    needed("cfgrib")
    path = tmp_path / "unnamed"
    write_grib(path, *[({"dataDate": 20000100 + day}, np.arange(12.0) + day) for day in (1, 2)])
    assert guess_engine(str(path)) == "cfgrib"
    datasets = Datasets([Dataset(name="g", uri=str(path))])
    assert datasets.fault("g") is None
    opened = open_dataset(path)
    assert isinstance(opened, xarray.Dataset)
    wanted = np.arange(12.0).reshape(3, 4) + np.array([1, 2])[:, None, None]
    np.testing.assert_allclose(opened["t"].values, wanted, atol=1e-3)
    assert [each.name for each in tmp_path.iterdir()] == ["unnamed"]


def test_grib_whose_fields_do_not_fit_together_is_a_table_for_each_kind(tmp_path: Path) -> None:
    """cfgrib leaves out the winds at 10 m, since the temperatures are at 2 m."""
    needed("cfgrib")
    path = tmp_path / "several.grib"
    fields = [
        ({"dataDate": 20000100 + day, "typeOfLevel": kind, "level": level, "shortName": name},
         np.arange(12.0) + 100 * day + level)
        for day in (1, 2, 3)
        for kind, level, name in [
            ("heightAboveGround", 2, "2t"), ("heightAboveGround", 2, "2d"),
            ("heightAboveGround", 10, "10u"), ("surface", 0, "sp"),
            ("isobaricInhPa", 500, "t"), ("isobaricInhPa", 300, "t"),
        ]
    ]  # fmt: skip
    write_grib(path, *fields)
    datasets = Datasets([Dataset(name="g", uri=str(path))])
    tables = {str(name): t for name, t in datasets.items() if name.schema == "g"}
    place = ["latitude", "longitude"]
    assert {name: table.schema.names[:5] for name, table in tables.items()} == {
        "g.heightAboveGround_10": ["time", *place, "u10", "step"],
        "g.heightAboveGround_2": ["time", *place, "t2m", "d2m"],
        "g.isobaricInhPa": ["time", "isobaricInhPa", *place, "t"],
        "g.surface": ["time", *place, "sp", "step"],
    }
    tree = open_dataset(path)
    assert isinstance(tree, xarray.DataTree)
    for group, name, level in [("heightAboveGround_10", "u10", 10), ("surface", "sp", 0)]:
        found = tree[group][name]
        wanted = np.arange(12.0).reshape(3, 4) + 100 * np.arange(1, 4)[:, None, None] + level
        np.testing.assert_allclose(found.values, wanted, atol=1e-2)
        assert found.encoding["preferred_chunks"] == {"time": 1, "latitude": 3, "longitude": 4}
    assert [each.name for each in tmp_path.iterdir()] == ["several.grib"]


def test_grib_files_of_one_moment_each_are_put_together_by_their_time(tmp_path: Path) -> None:
    needed("cfgrib")
    for day in (1, 2, 3):
        fields = [
            ({"dataDate": 20000100 + day, "typeOfLevel": kind, "level": level, "shortName": name},
             np.arange(12.0) + 100 * day)
            for kind, level, name in [
                ("heightAboveGround", 2, "2t"), ("heightAboveGround", 10, "10u"),
                ("surface", 0, "sp"),
            ]
        ]  # fmt: skip
        write_grib(tmp_path / f"{day}.grib", *fields)
        write_grib(tmp_path / f"t{day}.grib", fields[0])
    days = np.datetime64("2000-01-01T12", "ns") + np.arange(3) * np.timedelta64(1, "D")
    tree = open_dataset(tmp_path / "[0-9].grib")
    alone = open_dataset(tmp_path / "t*.grib")
    assert isinstance(tree, xarray.DataTree) and isinstance(alone, xarray.Dataset)
    for found in (tree["surface"].sp, tree["heightAboveGround_2"].t2m, alone.t2m):
        np.testing.assert_array_equal(found.time, days)
        np.testing.assert_array_equal(found.valid_time, days)
        np.testing.assert_allclose(found[:, 2, 0], [108, 208, 308], atol=1e-2)


def test_groups_of_grib_are_told_apart_by_level_then_step_then_number() -> None:
    def part(kind: str, level: float | None, step: str) -> xarray.Dataset:
        attrs = {"GRIB_typeOfLevel": kind, "GRIB_stepType": step}
        coords = {} if level is None else {kind: level}
        return xarray.Dataset({"v": ((), 0.0, attrs)}, coords)

    kinds = [
        ("surface", 0.0, "instant"), ("surface", 0.0, "accum"), ("height", 2.0, "max"),
        ("height", 2.0, "max"), ("height", 10.0, "max"), ("pressure", None, "avg"),
    ]  # fmt: skip
    assert grib.names([part(*kind) for kind in kinds]) == [
        "surface_0_instant", "surface_0_accum", "height_2_max_1", "height_2_max_2", "height_10",
        "pressure",
    ]  # fmt: skip


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    for name, version in (("two.zarr", 2), ("three.zarr", 3)):
        small().to_zarr(tmp_path / "bucket" / name, zarr_format=version, consolidated=False)  # type: ignore[call-overload]
    small().to_zarr(
        tmp_path / "bucket" / "sharded.zarr",
        encoding={"v": {"chunks": (1, 3), "shards": (2, 3)}},
        consolidated=False,
    )
    small().to_netcdf(tmp_path / "bucket" / "four.nc")
    shutil.make_archive(str(tmp_path / "bucket" / "packed"), "zip", tmp_path / "bucket/three.zarr")
    return tmp_path


@pytest.mark.parametrize("name", ["two.zarr", "three.zarr", "four.nc", "packed.zip"])
def test_s3_with_credentials_of_the_configuration(name: str, bucket: Path) -> None:
    needed("s3fs")
    with s3.serving(bucket, "KEY") as url:
        storage = {"key": "KEY", "secret": "hidden", "client_kwargs": {"endpoint_url": url}}
        found = open_dataset(f"s3://bucket/{name}", storage=storage)
        assert isinstance(found, xarray.Dataset)
        xarray.testing.assert_equal(found.load(), small())


def test_s3_says_what_is_wrong_and_no_secret(
    bucket: Path, caplog: pytest.LogCaptureFixture
) -> None:
    needed("s3fs")
    with s3.serving(bucket, "KEY") as url:
        storage = {"key": "WRONG", "secret": "hidden", "client_kwargs": {"endpoint_url": url}}
        dataset = Dataset(name="far", uri="s3://bucket/three.zarr", storage=storage)
        datasets = Datasets([dataset])
    fault = datasets.fault("far")
    assert isinstance(fault, DatasetUnreadable)
    for text in (repr(dataset), str(fault), fault.detail, caplog.text):
        assert "hidden" not in text and "WRONG" not in text
    assert 'cannot open dataset "s3://bucket/three.zarr"' in str(fault) and fault.detail


def test_a_server_that_gives_no_parts_is_named(
    bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(bucket / "bucket" / "sharded.zarr"), "/sharded.zarr", recursive=True)
    found = open_dataset("memory://sharded.zarr")
    assert isinstance(found, xarray.Dataset)
    whole = type(memory).cat_file

    def without_parts(self: Any, path: str, start: Any = None, end: Any = None) -> Any:
        return whole(self, path)

    xarray.testing.assert_equal(found.load(), small())
    monkeypatch.setattr(type(memory), "cat_file", without_parts)
    with pytest.raises(OSError, match="sharded stores need one that answers range requests"):
        open_dataset("memory://sharded.zarr").v[3].load()


@pytest.mark.parametrize("name", ["two.zarr", "three.zarr", "four.nc", "sharded.zarr"])
def test_azure_with_credentials_of_the_configuration(name: str, bucket: Path) -> None:
    needed("adlfs")
    with azure.serving(bucket, "somebody", "aGlkZGVu") as connection:
        found = open_dataset(f"az://bucket/{name}", storage={"connection_string": connection})
        assert isinstance(found, xarray.Dataset)
        np.testing.assert_array_equal(found.v[3].values, small().v[3].values)  # a part of a shard
        xarray.testing.assert_equal(found.load(), small())


def test_azure_says_what_is_wrong_and_no_secret(
    bucket: Path, caplog: pytest.LogCaptureFixture
) -> None:
    needed("adlfs")
    with azure.serving(bucket, "somebody", "aGlkZGVu") as connection:
        wrong = connection.replace("AccountName=somebody", "AccountName=nobody")
        storage = {"connection_string": wrong}
        dataset = Dataset(name="far", uri="az://bucket/three.zarr", storage=storage)
        fault = Datasets([dataset]).fault("far")
    assert isinstance(fault, DatasetUnreadable)
    for text in (repr(dataset), str(fault), fault.detail, caplog.text):
        assert "aGlkZGVu" not in text


def test_a_secret_in_a_reason_is_left_out() -> None:
    error = OSError("no such user: me:word")
    found = opening.unreadable("s3://b/a", error, {"client_kwargs": {"password": "me:word"}})
    assert found.detail == "no such user: ..."
    assert (
        opening.unreadable("s3://b/a?k=v", OSError("b/a?k=v is gone")).detail == "b/a?... is gone"
    )


#    uri                      extra
MISSING = [("gs://b/a.zarr", "gcs"), ("az://b/a.zarr", "azure")]


@pytest.mark.parametrize(("uri", "extra"), MISSING)
def test_what_is_not_installed_is_named(
    uri: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> Any:
        raise ImportError(f"Please install what {extra} needs")

    monkeypatch.setattr(opening.zarr.storage.FsspecStore, "from_url", missing)
    with pytest.raises(DatasetUnreadable) as caught:
        open_dataset(uri)
    assert caught.value.hint == f"Install gradwire[{extra}]."


def test_an_engine_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xarray.backends, "list_engines", lambda: ["zarr"])
    with pytest.raises(ConfigurationFault) as caught:
        open_dataset("a.grib", engine="cfgrib")
    assert caught.value.hint == "Install gradwire[grib]."


def references(store: Path) -> dict[str, Any]:
    return {
        path.relative_to(store).as_posix(): path.read_text()
        if path.name.startswith(".z")
        else [str(path), 0, path.stat().st_size]
        for path in sorted(store.rglob("*"), key=lambda path: not path.name.startswith(".z"))
        if path.is_file()
    }


def write_parquet(store: Path, to: Path) -> None:
    needed("fastparquet")
    needed("kerchunk")  # which fsspec calls to write references, and not to read them
    mapper = importlib.import_module("fsspec.implementations.reference").LazyReferenceMapper
    out = mapper.create(str(to), fs=fsspec.filesystem("file"), record_size=10)
    first = True
    for key, value in references(store).items():
        # The first chunk stands in the references themselves, as kerchunk writes small ones.
        out[key] = (store / key).read_bytes() if first and isinstance(value, list) else value
        first = first and isinstance(value, str)
    out.flush()


def test_references_need_no_engine(bucket: Path) -> None:
    path = bucket / "refs.json"
    path.write_text(json.dumps({"version": 1, "refs": references(bucket / "bucket/two.zarr")}))
    datasets = Datasets([Dataset(name="r", uri=f"reference://::{path}")])
    assert datasets.fault("r") is None
    found = open_dataset(f"reference://::{path}")
    assert isinstance(found, xarray.Dataset)
    xarray.testing.assert_equal(found.load(), small())


@pytest.mark.filterwarnings("ignore:The 'fastparquet' engine")
def test_references_as_parquet(bucket: Path) -> None:
    write_parquet(bucket / "bucket" / "two.zarr", bucket / "refs.parq")
    found = open_dataset(f"reference://::{bucket / 'refs.parq'}")
    assert isinstance(found, xarray.Dataset)
    xarray.testing.assert_equal(found.load(), small())
    attached = Dataset(name="r", uri=f"reference://::{bucket / 'refs.parq'}", engine="zarr")
    check(attached, [str(bucket)])
    (bucket / "inside").mkdir()
    (bucket / "refs.parq").rename(bucket / "inside" / "refs.parq")
    moved = attached.model_copy(update={"uri": f"reference://::{bucket}/inside/refs.parq"})
    with pytest.raises(InsufficientPrivilege, match=r"two\.zarr.*outside the places"):
        check(moved, [str(bucket / "inside")])


def test_a_redirect_is_followed_below_the_roots_alone() -> None:
    def below(url: str) -> bool:
        return url.startswith("https://a.org/open/")

    refuse_beyond("https://a.org/open/x", "/open/y", below)
    refuse_beyond("https://a.org/open/x", "y", below)
    for location in ("https://b.org/open/y", "//b.org/open/y", "/y", "http://a.org/open/y"):
        with pytest.raises(PermissionError):
            refuse_beyond("https://a.org/open/x", location, below)


@contextmanager
def served(folder: Path | str) -> Iterator[str]:
    """A web server of a folder, or one that redirects to another."""

    class Answers(SimpleHTTPRequestHandler):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given, directory=str(folder))

        def log_message(self, *_: object) -> None:
            """Nothing."""

        def send_head(self) -> Any:
            if isinstance(folder, Path):
                return super().send_head()
            self.send_response(302)
            self.send_header("Location", folder + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_server_of_the_roots_redirects_nowhere_else(tmp_path: Path) -> None:
    needed("aiohttp")
    small().to_zarr(tmp_path / "air.zarr", consolidated=True, zarr_format=2)
    with served(tmp_path) as other, served(other) as allowed:
        dataset = Dataset(name="air", uri=f"{allowed}/air.zarr")
        with pytest.raises(DatasetUnreadable) as refused:
            open_one(within(dataset, [allowed]))
        assert "redirects" in refused.value.detail
        assert open_one(within(dataset, [allowed, other]))
