"""Every kind of store opens lazily to the same values; what does not open says why."""

from __future__ import annotations

import fcntl
import gc
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import cftime
import fsspec
import numpy as np
import pytest
import xarray
import zarr

from gateway.errors import ConfigurationFault, DatasetUnreadable
from gateway.sources.opening import copies as copying
from gateway.sources.opening import opening
from gateway.sources.opening.opened_files import files_of
from gateway.sources.opening.opening import guess_engine, open_dataset


def small() -> xarray.Dataset:
    return xarray.Dataset(
        {"b": (("y", "x"), np.arange(6.0).reshape(2, 3)), "a": ("y", [1, 2])},
        {"y": [10.0, 20.0], "time": np.datetime64("2000-01-01", "ns")},
    )


def write_zarr_v2(path: Path) -> None:
    small().to_zarr(path, zarr_format=2, consolidated=True)


def write_zarr_v2_plain(path: Path) -> None:
    small().to_zarr(path, zarr_format=2, consolidated=False)


def write_zarr_v3(path: Path) -> None:
    small().to_zarr(path, zarr_format=3, consolidated=False)


def write_zarr_v3_consolidated(path: Path) -> None:
    write_zarr_v3(path)
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(path, zarr_format=3)


def write_sharded(path: Path) -> None:
    encoding = {"b": {"chunks": (1, 1), "shards": (2, 3)}}
    small().to_zarr(path, zarr_format=3, consolidated=False, encoding=encoding)


def write_zip(path: Path) -> None:
    folder = path.with_name("folder")
    write_zarr_v3(folder)
    with ZipFile(path, "w") as archive:
        for file in folder.rglob("*"):
            archive.write(file, file.relative_to(folder))


def write_netcdf3(path: Path) -> None:
    small().to_netcdf(path, format="NETCDF3_CLASSIC", engine="netcdf4")


def write_netcdf4(path: Path) -> None:
    small().to_netcdf(path, format="NETCDF4", engine="netcdf4")


#    written by                    name            engine guessed
STORES: list[tuple[Callable[[Path], None], str, str]] = [
    (write_zarr_v2,               "v2.zarr",      "zarr"),
    (write_zarr_v2_plain,         "plain",        "zarr"),
    (write_zarr_v3,               "v3.zarr",      "zarr"),
    (write_zarr_v3,               "unnamed",      "zarr"),
    (write_zarr_v3_consolidated,  "index.zarr",   "zarr"),
    (write_sharded,               "shards.zarr",  "zarr"),
    (write_zip,                   "v3.zarr.zip",  "zarr"),
    (write_zip,                   "archive",      "zarr"),
    (write_netcdf3,               "classic.nc",   "netcdf4"),
    (write_netcdf4,               "four.nc",      "netcdf4"),
    (write_netcdf4,               "four.data",    "netcdf4"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "name", "engine"), STORES)
def test_stores(write: Callable[[Path], None], name: str, engine: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write(path)
    assert guess_engine(str(path)) == engine
    for uri in (path, str(path), f"file://{path}"):
        opened = open_dataset(uri)
        assert isinstance(opened, xarray.Dataset)
        assert opened.b.variable._in_memory is False
        opened.b.load()
        xarray.testing.assert_equal(opened, small())


def test_values_are_not_kept(tmp_path: Path) -> None:
    write_zarr_v3(tmp_path / "s.zarr")
    opened = open_dataset(tmp_path / "s.zarr")
    assert opened.b.values.sum() == 15.0
    shutil.rmtree(tmp_path / "s.zarr" / "b" / "c")
    assert np.isnan(opened.b.values).all()


def test_variables_of_a_store_without_an_index_come_by_name(tmp_path: Path) -> None:
    write_zarr_v3(tmp_path / "s.zarr")
    opened = open_dataset(tmp_path / "s.zarr")
    assert isinstance(opened, xarray.Dataset)
    assert [*opened.data_vars] == ["a", "b"]
    assert [*opened.coords] == ["time", "y"]


@pytest.mark.parametrize(
    ("write", "name"), [(write_zarr_v3, "far.zarr"), (write_netcdf4, "far.nc")]
)
def test_urls(write: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / name), f"/{name}", recursive=True)
    try:
        opened = open_dataset(f"memory://{name}")
        assert isinstance(opened, xarray.Dataset)
        xarray.testing.assert_equal(opened.load(), small())
    finally:
        memory.rm("/", recursive=True)


@pytest.mark.parametrize("kind", ["zarr", "netcdf4"])
def test_groups_are_a_hierarchy(kind: str, tmp_path: Path) -> None:
    tree = xarray.DataTree.from_dict({"/z": small(), "/m/deep": small().isel(x=slice(2))})
    if kind == "zarr":
        tree.to_zarr(tmp_path / "tree", zarr_format=3, consolidated=False)
    else:
        tree.to_netcdf(tmp_path / "tree", engine="netcdf4")
    opened = open_dataset(tmp_path / "tree")
    assert isinstance(opened, xarray.DataTree)
    xarray.testing.assert_equal(opened["m/deep"].to_dataset().load(), small().isel(x=slice(2)))
    assert {node.path for node in opened.leaves} == {"/z", "/m/deep"}


def test_chunks_read_through_dask(tmp_path: Path) -> None:
    write_zarr_v3(tmp_path / "s.zarr")
    opened = open_dataset(tmp_path / "s.zarr", chunks={"x": 2})
    assert isinstance(opened, xarray.Dataset)
    assert opened.b.chunks == ((2,), (2, 1))
    with pytest.raises(ConfigurationFault, match='there is no dimension "z"') as caught:
        open_dataset(tmp_path / "s.zarr", chunks={"x": 2, "z": 1})
    assert caught.value.detail == "Its dimensions: y, x."


def test_reference_dates_without_zeros_do_not_warn(tmp_path: Path) -> None:
    units = {"units": "hours since 1-1-1 00:00:0.0"}
    dataset = xarray.Dataset({"t": (("x", "y"), [[17_000_000.0]], units)})
    dataset.to_netcdf(tmp_path / "old.nc")
    opened = open_dataset(tmp_path / "old.nc")
    meant = cftime.num2date(17_000_000, "hours since 0001-01-01", "standard")
    assert opened["t"].values.item() == np.datetime64(meant.isoformat(), "ns").item()


def test_a_directory_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="cannot tell how to read dataset") as caught:
        open_dataset(tmp_path)
    assert "no Zarr store" in caught.value.hint
    (tmp_path / "text").write_text("a,b")
    with pytest.raises(ConfigurationFault, match="cannot tell how to read dataset") as caught:
        open_dataset(tmp_path / "text")
    assert caught.value.hint == "Name the engine: zarr or netcdf4."


def test_a_directory_without_the_marks_of_a_store_is_not_missed(tmp_path: Path) -> None:
    """An Icechunk repository is one: its chunks say themselves when they are gone."""
    assert files_of(str(tmp_path)) == files_of("http://127.0.0.1:1/a.zarr") == []
    for form in (2, 3):
        store = tmp_path / f"{form}.zarr"
        tree = xarray.DataTree.from_dict({"/": xarray.Dataset(), "/g": small(), "/g/h": small()})
        tree.to_zarr(store, consolidated=False, zarr_format=form)
        found = {str(file.relative_to(store)) for file in files_of(str(store))}
        groups, arrays = ("zarr.json", "zarr.json") if form == 3 else (".zgroup", ".zarray")
        assert {groups, f"g/a/{arrays}", f"g/h/b/{arrays}"} <= found
        assert not any("/c/" in name for name in found)
    tree.to_zarr(tmp_path / "c.zarr", consolidated=True, zarr_format=2)
    whole = {file.name for file in files_of(str(tmp_path / "c.zarr"))}
    assert whole == {".zgroup", ".zmetadata"}


def test_unknown_engine() -> None:
    with pytest.raises(ConfigurationFault, match="unknown engine") as e:
        open_dataset("a.nc", engine="grip")
    assert str(e.value) == 'unknown engine "grip" for dataset "a.nc"'
    assert "netcdf4" in e.value.detail


def test_chunks_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationFault, match="needs dask, which is not installed"):
        open_dataset("a.zarr", engine="zarr", chunks={"x": 1})


def write_rubbish(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n and then nothing of the kind")


def write_empty_group(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text("{")


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_rubbish, "a.nc"), (write_empty_group, "a.zarr"), (lambda path: None, "missing.nc")],
)
def test_what_does_not_open_is_named(
    write: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(DatasetUnreadable) as caught:
        open_dataset(path)
    assert str(caught.value) == f'cannot open dataset "{path}"'
    assert caught.value.detail


def test_a_url_that_does_not_answer_is_named() -> None:
    with pytest.raises(DatasetUnreadable, match="cannot open dataset"):
        open_dataset("memory://nowhere.zarr")


def test_a_file_that_is_not_behind_its_url_is_said_not_to_be_there() -> None:
    with pytest.raises(DatasetUnreadable) as caught:
        open_dataset("memory://nowhere.nc?sig=abc")
    assert str(caught.value) == 'cannot open dataset "memory://nowhere.nc"'
    assert caught.value.detail == "There is no such file."


def test_references_open_as_the_store_they_point_into(tmp_path: Path) -> None:
    store = tmp_path / "k.zarr"
    wanted = xarray.Dataset({"v": ("x", [1.5, 2.5, 3.5])}, {"x": [1, 2, 3]})
    wanted.to_zarr(store, zarr_format=2, consolidated=False)
    references = {
        path.relative_to(store).as_posix(): path.read_text()
        if path.name.startswith(".z")
        else [str(path), 0, path.stat().st_size]
        for path in store.rglob("*")
        if path.is_file()
    }
    (tmp_path / "refs.json").write_text(json.dumps({"version": 1, "refs": references}))
    found = open_dataset(f"reference://::{tmp_path / 'refs.json'}", engine="zarr")
    xarray.testing.assert_equal(found, wanted)
    generated = {"version": 1, "refs": references, "gen": [{"key": "a", "url": "b"}]}
    (tmp_path / "refs.json").write_text(json.dumps(generated))
    with pytest.raises(DatasetUnreadable) as caught:
        open_dataset(f"reference://::{tmp_path / 'refs.json'}", engine="zarr")
    assert "generated" in f"{caught.value} {caught.value.detail}"


def test_a_netcdf_file_is_open_once_for_all_datasets_of_it(tmp_path: Path) -> None:
    def write(path: Path, *texts: str) -> Path:
        dataset = xarray.Dataset({"s": ("x", np.array(texts, object))}, {"x": [*range(len(texts))]})
        dataset.to_netcdf(path)
        return path

    def read(path: Path) -> Any:
        opened = open_dataset(path)
        assert isinstance(opened, xarray.Dataset)
        return opened, [*opened.s.values]

    def openings() -> int:
        held = xarray.backends.file_manager.FILE_CACHE.values()
        return sum(Path(file.filepath()).is_relative_to(tmp_path) for file in held)

    path = write(tmp_path / "s.nc", "a", "ż")
    (tmp_path / "link").symlink_to(path)
    older, found = read(path)
    several, same = read(tmp_path / "s*.nc")
    linked, again = read(tmp_path / "link")
    assert found == same == again == ["a", "ż"] and openings() == 1
    grown = write(tmp_path / "grown", "a", "ż", "c")
    shutil.copyfile(grown, path)  # the same file, longer
    newer, found = read(path)
    assert found == ["a", "ż", "c"] and openings() == 1
    assert [*older.s.values] == [*several.s.values] == [*linked.s.values] == ["a", "ż"]
    write(tmp_path / "other", "z").rename(path)
    other, found = read(path)
    assert found == ["z"] and [*newer.s.values] == ["a", "ż", "c"] and openings() == 2
    del older, several, linked, newer, other
    gc.collect()
    assert openings() == 0


def test_several_files_are_one_dataset(tmp_path: Path) -> None:
    """Also those of one moment each, and those in which a single value differs."""
    days = np.datetime64("2000-01-01", "ns") + np.arange(4) * np.timedelta64(1, "D")
    for number, day in enumerate(days):
        one = {"v": ("x", [1.0 * number, 2.0])}, {"time": day, "run": number % 2, "kept": 7}
        xarray.Dataset(*one).to_netcdf(tmp_path / f"moment{number}.nc")
        long = xarray.Dataset({"v": ("time", [1.0 * number, 2.0]), "orbit": 10 + number})
        long = long.assign_coords(time=[day, day + np.timedelta64(1, "h")])
        tree = xarray.DataTree.from_dict({"/a": long, "/b": long + 1})
        tree.to_netcdf(tmp_path / f"tree{number}.nc")
        long.to_zarr(tmp_path / "folder", consolidated=False, mode="w")
        shutil.make_archive(str(tmp_path / f"z{number}"), "zip", tmp_path / "folder")

    moments = open_dataset(tmp_path / "moment*.nc")
    assert isinstance(moments, xarray.Dataset)
    np.testing.assert_array_equal(moments.time, days)
    assert moments.v.dims == ("time", "x") and [*moments.v[:, 0].values] == [0, 1, 2, 3]
    assert [*moments.run.values] == [0, 1, 0, 1] and moments.kept.item() == 7
    zips = open_dataset(tmp_path / "z*.zip")
    assert isinstance(zips, xarray.Dataset)
    assert [*zips.orbit.values] == [10, 10, 11, 11, 12, 12, 13, 13]
    trees = open_dataset(tmp_path / "tree*.nc")
    assert isinstance(trees, xarray.DataTree)
    assert [*trees["b"].orbit.values] == [11, 11, 12, 12, 13, 13, 14, 14]
    (tmp_path / "z0.zip").rename(tmp_path / "tree9.nc")
    with pytest.raises(DatasetUnreadable):
        open_dataset(tmp_path / "tree*.nc")
    (tmp_path / "moment0.nc").rename(tmp_path / "tree9.nc")
    with pytest.raises(DatasetUnreadable) as caught:
        open_dataset(tmp_path / "tree*.nc")
    assert caught.value.detail == "The files have different groups."


def test_several_stores_behind_a_url_are_one_dataset() -> None:
    files = fsspec.filesystem("memory")
    for n, y in enumerate((30.0, 10.0)):
        store = zarr.storage.FsspecStore.from_url(f"memory://several/{n}.zarr")
        small().assign_coords(y=[y, y + 1]).to_zarr(store, consolidated=False)
    for uri in ("memory://several/*.zarr", "memory://several/[01].zarr"):
        found = open_dataset(uri)
        assert isinstance(found, xarray.Dataset)
        assert found.y.values.tolist() == [10.0, 11.0, 30.0, 31.0] and found.b.sum() == 30
    with pytest.raises(DatasetUnreadable, match="cannot open") as caught:
        open_dataset("memory://several/x*.zarr")
    assert caught.value.detail == "No store matches."
    files.rm("several", recursive=True)


def test_a_file_that_is_read_may_be_added_to(tmp_path: Path) -> None:
    write_netcdf4(tmp_path / "a.nc")
    opened = open_dataset(tmp_path / "a.nc")
    assert opened["b"].values.sum() == 15.0
    with (tmp_path / "a.nc").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as the HDF5 library does that writes


def test_files_behind_a_url_are_copied_anew_when_they_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = fsspec.filesystem("memory")

    def put(name: str, first: int, last: int) -> None:
        dataset = xarray.Dataset({"v": ("x", np.arange(first, last) * 1.0)})
        dataset.assign_coords(x=np.arange(first, last)).to_netcdf(tmp_path / name)
        memory.put(str(tmp_path / name), f"/copied/{name}")

    def read(uri: str) -> list[float]:
        opened = open_dataset(f"memory://copied/{uri}")
        assert isinstance(opened, xarray.Dataset)
        return [*opened.v.values]

    def copies() -> int:
        return len([*Path(copying._folder().name).iterdir()])

    try:
        for number in range(4):
            put("a.nc", 0, 2 + number)
            assert read("a.nc") == [*range(2 + number)]
        put("b.nc", 5, 7)
        assert read("*.nc") == [*range(7)]
        memory.put(str(tmp_path / "b.nc"), "/copied/b.nc?sig=abc")
        assert read("b.nc?sig=abc") == [5, 6]
        before = copies()
        told = type(memory).info
        monkeypatch.setattr(
            type(memory), "info", lambda *asked, **more: told(*asked, **more) | {"ETag": "1"}
        )
        assert read("a.nc") == read("a.nc") == [*range(5)] and copies() == before
        with pytest.raises(DatasetUnreadable) as caught:
            read("c*.nc")
        assert caught.value.detail == "No file matches."
    finally:
        memory.rm("/copied", recursive=True)
