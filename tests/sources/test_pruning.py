"""Filters lose no row and add none, and chunks that they rule out are not read."""

from __future__ import annotations

import operator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st
from zarr.storage import LocalStore

from gateway.errors import DatasetUnreadable
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.opening.opening import open_dataset
from gateway.sources.reading import blocks
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.table import TableName
from tests.examples import examples

from .scans import count_of, query, rows_of

TIMES = np.arange("2000-01-01", "2000-01-07", dtype="M8[D]").astype("M8[ns]")


def weather() -> xarray.Dataset:
    """Every kind of coordinate: time, descending float32, text, a gap, none at all, auxiliary."""
    random = np.random.default_rng(7)
    shape = (6, 5, 3, 2)
    dims = ("time", "lat", "station", "member")
    v = np.where(random.random(shape) < 0.2, np.nan, random.integers(-3, 4, shape) / 2)
    return xarray.Dataset(
        {
            "v": (dims, v),
            "w": (dims, random.integers(-2, 3, shape, "i4")),
            "flag": (dims, random.random(shape) < 0.5),
        },
        {
            "time": TIMES,
            "lat": np.array([30.25, 0.1, -0.1, -30.25, np.nan], "f4"),
            "station": ["a", "b", "a"],
            "month": ("time", [12, 1, 2, 1, 2, 3]),
            "area": (("lat", "station"), random.random((5, 3))),
            "level": 500.0,
        },
    )


DATASET = weather()
FRAME = DATASET.to_dataframe(dim_order=list(DATASET.v.dims)).reset_index().astype({"lat": "f8"})

COMPARE = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le,
           ">": operator.gt, ">=": operator.ge}  # fmt: skip

#   column      literals, as SQL and as pandas compares them
LITERALS = {
    "time": [(f"TIMESTAMP '2000-01-0{n}'", pd.Timestamp(f"2000-01-0{n}")) for n in (1, 4, 8)],
    "lat": [("30.25", 30.25), ("0", 0.0), ("-30.25", -30.25), ("1e300", 1e300)],
    "station": [("'a'", "a"), ("'b'", "b"), ("'zz'", "zz"), ("''", "")],
    "member": [("0", 0), ("1", 1), ("-1", -1)],
    "month": [("1", 1), ("2", 2), ("12", 12)],
    "area": [("0.5", 0.5), ("0.25", 0.25)],
    "level": [("500", 500.0), ("1", 1.0)],
    "v": [("0.5", 0.5), ("-1.5", -1.5), ("0", 0.0)],
    "w": [("0", 0), ("-2", -2), ("3", 3)],
}  # fmt: skip

# A condition: its SQL text and what PostgreSQL makes of each row: true, false or NULL (NA).
Condition = tuple[str, "pd.Series[bool]"]


def compared(column: str, sign: str, text: str, value: object) -> Condition:
    truth = COMPARE[sign](FRAME[column], value).astype("boolean")
    return f"{column} {sign} {text}", truth.mask(FRAME[column].isna())


@st.composite
def simple(draw: st.DrawFn) -> Condition:
    column = draw(st.sampled_from([*LITERALS]))
    kind = draw(st.sampled_from(["compare", "between", "in", "long in", "null", "flag"]))
    if kind == "flag":
        return "flag", FRAME["flag"].astype("boolean")
    if kind == "null":
        return f"{column} IS NULL", FRAME[column].isna().astype("boolean")
    chosen = draw(st.lists(st.sampled_from(LITERALS[column]), min_size=2, max_size=3))
    (low, low_value), (high, high_value) = chosen[:2]
    if kind == "compare":
        return compared(column, draw(st.sampled_from([*COMPARE])), low, low_value)
    if kind == "between":
        above, below = (
            compared(column, ">=", low, low_value),
            compared(column, "<=", high, high_value),
        )
        return f"{column} BETWEEN {low} AND {high}", above[1] & below[1]
    # Past three values the engine hands down a list; up to three, comparisons.
    chosen = chosen if kind == "in" else LITERALS[column] * 4
    listed = FRAME[column].isin([value for _, value in chosen]).astype("boolean")
    return f"{column} IN ({', '.join(t for t, _ in chosen)})", listed.mask(FRAME[column].isna())


def combined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map(lambda p: (f"({p[0][0]} AND {p[1][0]})", p[0][1] & p[1][1])),
        pairs.map(lambda p: (f"({p[0][0]} OR {p[1][0]})", p[0][1] | p[1][1])),
        parts.map(lambda p: (f"NOT ({p[0]})", ~p[1])),
    )


CONDITIONS = st.recursive(simple(), combined, max_leaves=6)


@examples(120)
@given(CONDITIONS, st.sampled_from([1, 4, 50, 1 << 20]), st.booleans())
def test_the_engine_keeps_the_rows_that_pandas_keeps(
    condition: Condition, block_rows: int, dask: bool
) -> None:
    text, truth = condition
    dataset = DATASET.chunk({"time": 2, "lat": 2}) if dask else DATASET
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", block_rows)
        patch.setattr(blocks, "BATCH_ROWS", 7)
        patch.setattr(blocks, "TRAILING_ROWS", 9)
        table = GridTable(dataset, ["v", "w", "flag"])
        keys = "extract(day from time)::int AS day, lat, station, member, v, w"
        found = query(f"SELECT {keys} FROM t WHERE {text}", t=table).to_pandas()
        counted = query(f"SELECT count(*) AS n FROM t WHERE {text}", t=table)["n"][0].as_py()
    kept = FRAME[truth.fillna(False).astype(bool)]
    kept = kept.assign(day=kept["time"].dt.day)[found.columns]
    order = [*found.columns]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True),
        kept.sort_values(order, ignore_index=True),
        check_dtype=False,
    )
    assert counted == len(kept)


FLAT = [
    pc.field("lat") > 0,
    pc.field("time") == pa.scalar(TIMES[2].item() // 1000, pa.int64()).cast(pa.timestamp("us")),
    pc.field("v") > 0.5,
    (pc.field("v") + 1 > 0.5) & (pc.field("lat") > 0),
    (pc.field("month") == 2) | (pc.field("w") == 0),
    pc.scalar(pa.scalar(None, pa.bool_())) & (pc.field("lat") > 0),
    pc.scalar(False),
]


@pytest.mark.parametrize("expression", FLAT, ids=str)
def test_the_scan_keeps_the_rows_that_pyarrow_keeps(expression: pc.Expression) -> None:
    table = GridTable(DATASET, ["v", "w", "flag"])
    whole = rows_of(table)
    kept = whole.filter(expression)
    assert rows_of(table, None, expression).equals(kept)
    assert count_of(table, expression) == kept.num_rows
    for part in table.partitions(None):
        batches = [*part.scan(["w"], expression)]
        assert pa.Table.from_batches(batches, schema=kept.select(["w"]).schema).equals(
            kept.select(["w"])
        )


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stored") / "weather.zarr"
    shape = (8, 6, 4)
    dataset = xarray.Dataset(
        {
            "v": (("time", "lat", "lon"), np.arange(192.0).reshape(shape)),
            "w": (("time", "lat", "lon"), -np.arange(192.0).reshape(shape)),
        },
        {"time": np.arange(8), "lat": np.arange(6) * 10.0, "lon": np.arange(4) * 1.0},
    )
    chunks = {name: {"chunks": (2, 3, 4)} for name in ("v", "w")}
    dataset.to_zarr(path, zarr_format=3, consolidated=False, encoding=chunks)
    return path


#    condition                        columns  chunks of each variable read, of 4 x 2 x 1
READS = [
    ("true",                          "v",     {"v": 8}),
    ("true",                          "v, w",  {"v": 8, "w": 8}),
    ("true",                          "time",  {}),
    ("time = 3",                      "v",     {"v": 2}),
    ("time = 3 AND lat = 50",         "v",     {"v": 1}),
    ("time IN (0, 7) AND lat < 30",   "v",     {"v": 2}),
    ("time BETWEEN 2 AND 5",          "w",     {"w": 4}),
    ("NOT (time > 1) OR time = 7",    "w",     {"w": 4}),
    ("time = 0 AND v >= 0 OR time = 7 AND v < 999", "v", {"v": 4}),
    ("time = 3 OR v > 0",             "v",     {"v": 8}),
    ("(time > 5 OR v < 0) AND lat < 30 AND (time < 4 OR lat = 20)", "v", {"v": 4}),
    ("time > 100",                    "v",     {}),
    ("lat IS NULL",                   "v",     {}),
    ("lat > 20 AND v > 0",            "w",     {"v": 4, "w": 4}),
    ("lon < 2",                       "lat",   {}),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "columns", "wanted"), READS)
@pytest.mark.parametrize("block_rows", [1, 1 << 20])
def test_chunks_that_are_ruled_out_are_not_read(
    stored: Path, monkeypatch: pytest.MonkeyPatch, condition: str, columns: str,
    wanted: dict[str, int], block_rows: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(grid, "BLOCK_ROWS", block_rows)
    dataset = open_dataset(stored)
    table = GridTable(dataset, ["v", "w"])
    read: list[str] = []
    get = LocalStore.get

    async def counting(self: LocalStore, key: str, *rest: object, **more: object) -> object:
        read.append(key)
        return await get(self, key, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalStore, "get", counting)
    query(f"SELECT {columns} FROM t WHERE {condition}", t=table)
    chunks = [key.split("/")[0] for key in read if "/c/" in key]
    assert {name: chunks.count(name) for name in chunks} == wanted


def test_a_chunk_that_cannot_be_read_is_named(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = GridTable(open_dataset(stored), ["v", "w"], name="weather")
    chunk = stored / "w" / "c" / "1" / "0" / "0"
    kept = chunk.read_bytes()
    chunk.write_bytes(b"rubbish")
    try:
        with pytest.raises(DatasetUnreadable) as caught:
            rows_of(table)
        assert str(caught.value) == 'cannot read variable "w" of dataset "weather"'
        assert caught.value.detail.startswith("At time 2 to 3, lat 0 to 2, lon 0 to 3: ")
        with monkeypatch.context() as patch, pytest.raises(DatasetUnreadable) as late:
            patch.setattr(blocks, "AGAIN_SECONDS", 0.0)  # what took long is not read again
            rows_of(table)
        assert late.value.detail.startswith("At time 2 to 7, lat 0 to 5, lon 0 to 3: ")
        assert rows_of(table, ["v"]).num_rows == 192
        assert rows_of(table, ["w"], pc.field("time") > 3).num_rows == 96
    finally:
        chunk.write_bytes(kept)
    assert rows_of(table).num_rows == 192


def test_a_coordinate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    dataset = xarray.Dataset(
        {"v": (("t", "x"), np.zeros((2, 3)))}, {"month": ("t", np.array([1.0, 2.0]))}
    )
    dataset.to_zarr(tmp_path / "d.zarr", zarr_format=3, consolidated=False)
    (tmp_path / "d.zarr" / "month" / "c" / "0").write_bytes(b"rubbish")
    table = GridTable(open_dataset(tmp_path / "d.zarr"), ["v"], name="d")
    with pytest.raises(DatasetUnreadable, match='cannot read variable "month" of dataset "d"'):
        table.partitions(pc.field("month") > 1)
    assert rows_of(table, ["v"]).num_rows == 6


def test_a_chunk_of_a_shard_is_read_without_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(2).random((40, 50, 50))
    dataset = xarray.Dataset({"v": (("time", "lat", "lon"), values)}, {"time": np.arange(40)})
    encoding = {"v": {"chunks": (2, 50, 50), "shards": (20, 50, 50)}}
    dataset.to_zarr(tmp_path / "s.zarr", zarr_format=3, consolidated=False, encoding=encoding)
    shard = (tmp_path / "s.zarr" / "v" / "c" / "0" / "0" / "0").stat().st_size
    table = GridTable(open_dataset(tmp_path / "s.zarr"), ["v"]).cached(ChunkCache(1 << 24))
    reads = TableReads(TableName("public", "t"))
    sizes: list[int] = []
    get = LocalStore.get

    async def measuring(self: LocalStore, key: str, *rest: object, **more: object) -> object:
        found = await get(self, key, *rest, **more)  # type: ignore[arg-type]
        sizes.append(len(found) if found is not None and "/c/" in key else 0)
        return found

    monkeypatch.setattr(LocalStore, "get", measuring)
    found = rows_of(table.watched(reads), ["v"], pc.field("time") == 7)["v"].to_numpy()
    np.testing.assert_array_equal(found, values[7].ravel())
    assert (reads.read, reads.total) == (1, 20)
    assert 0 < sum(sizes) < shard / 5
