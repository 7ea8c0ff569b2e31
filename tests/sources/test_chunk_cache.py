"""Chunks through the cache are the chunks in the store, decoded once, within the bound."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xarray
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from xarray.backends.zarr import ZarrArrayWrapper
from zarr.storage import LocalStore

from gateway.errors import DatasetUnreadable
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.opening.opening import open_dataset
from gateway.sources.reading.chunk_cache import ChunkCache
from tests.examples import examples

from .scans import rows_of

SIZES = {"t": 7, "y": 5, "x": 4}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(1)
    shape = tuple(SIZES.values())
    values = np.where(random.random(shape) < 0.2, np.nan, random.normal(size=shape))
    dataset = xarray.Dataset(
        {"v": (tuple(SIZES), values), "w": (("t", "y"), random.integers(0, 9, shape[:2]))},
        {dim: np.arange(size) for dim, size in SIZES.items()},
    )
    path = tmp_path_factory.mktemp("cache") / "d.zarr"
    encoding = {"v": {"chunks": (2, 3, 4)}, "w": {"chunks": (3, 2)}}
    dataset.to_zarr(path, encoding=encoding, consolidated=False)
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chunks that are fetched from the store, in order."""
    fetched: list[str] = []
    get = LocalStore.get

    async def noted(self: LocalStore, key: str, *rest: object, **more: object) -> object:
        if "/c/" in key:
            fetched.append(key)
        return await get(self, key, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalStore, "get", noted)
    return fetched


def wanted(positions: dict[str, set[int]]) -> pc.Expression:
    found = pc.scalar(True)
    for dim, chosen in positions.items():
        found = found & pc.field(dim).isin(pa.array([*chosen], pa.int64()))
    return found


POSITIONS = st.fixed_dictionaries(
    {dim: st.sets(st.integers(0, size - 1)) for dim, size in SIZES.items()}
)


@examples(12, suppress_health_check=list(HealthCheck))
@given(
    st.lists(POSITIONS, min_size=1, max_size=4),
    st.sampled_from([0, 600, 3000, 10**6]),
    st.integers(1, 200),
)
def test_the_same_rows(
    stored: Path, reads: list[dict[str, set[int]]], most: int, block: int
) -> None:
    """Read after read, whatever of it is held already."""
    cache, dataset = ChunkCache(most), open_dataset(stored)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", block)
        plain = GridTable(dataset, ["v"])
        table = plain.cached(cache)
        flat = GridTable(dataset, ["w"])
        for positions in reads:
            assert rows_of(table, None, wanted(positions)).equals(
                rows_of(plain, None, wanted(positions))
            )
            both = {dim: positions[dim] for dim in ("t", "y")}
            assert rows_of(flat.cached(cache), None, wanted(both)).equals(
                rows_of(flat, None, wanted(both))
            )
            assert cache.held_bytes <= most


def test_a_chunk_is_decoded_once(stored: Path, decoded: list[str]) -> None:
    table = GridTable(open_dataset(stored), ["v"]).cached(ChunkCache(10**6))
    decoded.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: rows_of(table, ["v"], pc.field("t") == 0), range(16)))
    assert all(answer.equals(answers[0]) for answer in answers)
    assert sorted(set(decoded)) == sorted(decoded) and len(decoded) == 2
    rows_of(table)
    assert len(decoded) == len(set(decoded)) == 8


def test_chunks_are_decoded_once_by_clients_that_ask_for_overlapping_ranges(
    stored: Path, decoded: list[str]
) -> None:
    """Sixteen at the same moment, each for other rows of the same eight chunks."""
    table = GridTable(open_dataset(stored), ["v"]).cached(ChunkCache(10**6))
    plain = GridTable(open_dataset(stored), ["v"])
    asked = [pc.field("t") >= n % 5 for n in range(16)]
    together = threading.Barrier(16)

    def ask(condition: pc.Expression) -> pa.Table:
        together.wait(300)
        return rows_of(table, None, condition)

    decoded.clear()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, asked))
    assert sorted(set(decoded)) == sorted(decoded) and len(decoded) == 8
    assert all(
        found.equals(rows_of(plain, None, c)) for c, found in zip(asked, answers, strict=True)
    )


def test_a_large_scan_leaves_what_is_held(stored: Path, decoded: list[str]) -> None:
    cache = ChunkCache(4 * 24 * 8)  # four chunks: one is a quarter of it
    table = GridTable(open_dataset(stored), ["v"]).cached(cache)
    rows_of(table, ["v"], (pc.field("t") == 0) & (pc.field("y") == 0))
    held = cache.held_bytes
    rows_of(table, ["v"])
    assert cache.held_bytes == held == 24 * 8
    decoded.clear()
    rows_of(table, ["v"], (pc.field("t") == 1) & (pc.field("y") == 2))
    assert decoded == []


def test_a_fault_is_raised_and_not_kept(stored: Path) -> None:
    cache = ChunkCache(10**6)
    table = GridTable(open_dataset(stored), ["v"], name="d").cached(cache)
    chunk = stored / "v" / "c" / "0" / "0" / "0"
    kept = chunk.read_bytes()
    chunk.write_bytes(b"rubbish")
    try:
        with pytest.raises(DatasetUnreadable, match='variable "v" of dataset "d"'):
            rows_of(table)
    finally:
        chunk.write_bytes(kept)
    assert rows_of(table).num_rows == 140


def test_those_who_wait_hear_of_the_fault() -> None:
    cache, begun, go = ChunkCache(100), threading.Event(), threading.Event()

    def load() -> np.ndarray:
        begun.set()
        go.wait(300)
        raise OSError("gone")

    def later() -> Iterator[None]:
        begun.wait(300)
        return cache.get(("k",), load)  # type: ignore[return-value]

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, ("k",), load)
        second = pool.submit(later)
        begun.wait(300)
        go.set()
        for each in (first, second):
            with pytest.raises(OSError, match="gone"):
                each.result()
    assert cache.get(("k",), lambda: np.zeros(2)).tolist() == [0, 0]


def test_a_scalar_is_held_too(tmp_path: Path) -> None:
    xarray.Dataset({"s": ((), 4.5)}).to_zarr(tmp_path / "s.zarr", consolidated=False)
    cache = ChunkCache(100)
    table = GridTable(open_dataset(tmp_path / "s.zarr"), ["s"]).cached(cache)
    for _ in range(2):
        assert rows_of(table).to_pylist() == [{"s": 4.5}]
    assert (cache.misses, cache.hits) == (1, 1)


@pytest.mark.parametrize("version", [2, 3, "sharded"])
def test_a_chunk_that_is_written_anew_is_read_anew(version: int | str, tmp_path: Path) -> None:
    """Also where the variable's dimensions come in another order than the table's."""
    values = np.arange(48.0).reshape(8, 6)
    dataset = xarray.Dataset({"a": (("y", "x"), values), "b": (("x", "y"), values.T.copy())})
    shards = {"a": {"shards": (4, 2)}, "b": {"shards": (2, 6)}} if version == "sharded" else {}
    encoding = {n: {"chunks": (2, 2), **shards.get(n, {})} for n in ("a", "b")}
    store = tmp_path / "d.zarr"
    dataset.to_zarr(
        store, zarr_format=2 if version == 2 else 3, consolidated=False, encoding=encoding
    )
    opened = open_dataset(store)
    assert isinstance(opened, xarray.Dataset)
    cache = ChunkCache(1 << 20)
    table = GridTable(opened, ["a", "b"]).cached(cache)
    assert rows_of(table).equals(rows_of(GridTable(dataset, ["a", "b"])))
    dataset.a[5, 3] = dataset.b[5, 0] = -1
    region = {"x": slice(2, 6), "y": slice(0, 6)}
    dataset.isel(region).to_zarr(store, region=region, consolidated=False, mode="r+")
    before = cache.misses
    assert rows_of(table).equals(rows_of(GridTable(dataset, ["a", "b"])))
    assert cache.misses > before
    held = cache.misses
    assert rows_of(table).equals(rows_of(GridTable(dataset, ["a", "b"])))
    assert cache.misses == held  # and is held again


@pytest.mark.parametrize("cached", [True, False])
def test_dimensions_in_another_order_are_not_read_value_by_value(
    cached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.arange(24.0).reshape(4, 3, 2)
    turned = ("z", "y", "x"), values.T.copy()
    dataset = xarray.Dataset({"a": (("x", "y", "z"), values), "b": turned})
    dataset.to_zarr(tmp_path / "d", consolidated=False, encoding={"b": {"chunks": (1, 2, 3)}})
    opened = open_dataset(tmp_path / "d", "zarr")
    assert isinstance(opened, xarray.Dataset)
    monkeypatch.delattr(ZarrArrayWrapper, "_vindex")
    table = GridTable(opened, ["a", "b"]).cached(ChunkCache(1 << 20 if cached else 0))
    found = rows_of(table, ["a", "b"])
    assert found["a"].equals(found["b"])
    some = rows_of(table, ["a", "b"], pc.field("x").isin([0, 3]) & pc.field("z").isin([1]))
    assert some["b"].to_pylist() == [1, 3, 5, 19, 21, 23]
