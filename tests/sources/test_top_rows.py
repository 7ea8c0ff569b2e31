"""Rows that may be among the first by a value: none is lost, and few come besides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sources.grid import grid, partition
from gateway.sources.grid.grid import GridTable
from gateway.sources.reading import blocks, scanning
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.chunk_counts import TableReads
from gateway.sources.reading.top_rows import First, Leaders
from gateway.sources.table import TableName

from .scans import rows_of

NUMBERS = st.none() | st.sampled_from([0.0, -0.0, 1.0, -1.0, float("inf"), -float("inf")])


@given(
    st.lists(st.lists(NUMBERS, max_size=8), max_size=5),
    st.integers(1, 6),
    st.booleans(),
    st.booleans(),
)
def test_no_row_of_the_first_is_let_go(
    batches: list[list[float | None]], count: int, down: bool, nulls_first: bool
) -> None:
    leaders = Leaders(First("v", count, down, nulls_first))
    kept = [leaders.among(pa.array(batch, pa.float64())) for batch in batches]
    values = pd.Series([v for batch in batches for v in batch], dtype="float64")
    mask = np.concatenate([*kept, np.zeros(0, bool)])
    order = {"ascending": not down, "na_position": "first" if nulls_first else "last"}
    first = values.sort_values(**order).head(count)
    left = values[mask].sort_values(**order).head(count)
    assert left.tolist() == pytest.approx(first.tolist(), nan_ok=True)
    worst = first.iloc[-1] if len(first) else 0.0
    tied = values.isna() if np.isnan(worst) else values == worst
    assert mask[tied.to_numpy(bool)].all()


DIMS = ("time", "lat")


def test_other_columns_are_read_where_a_row_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "BLOCK_ROWS", 4)
    monkeypatch.setattr(blocks, "BATCH_ROWS", 2)
    values = np.arange(40.0)[::-1].reshape(10, 4)
    dataset = xarray.Dataset({"v": (DIMS, values), "w": (DIMS, -values)})
    for name in ("v", "w"):
        dataset[name].encoding["preferred_chunks"] = {"time": 1, "lat": 4}
    monkeypatch.setattr(grid, "PARTITIONS", 1)
    for table, condition in (
        (GridTable(dataset, ["v", "w"]).leading(First("v", 3, True, True)), None),
        (GridTable(dataset, ["v", "w"]), pc.field("v") >= 37.0),
    ):
        reads = TableReads(TableName("public", "t"))
        found = rows_of(table.watched(reads), ["v", "w"], condition)
        assert found.to_pydict() == {"v": [39.0, 38.0, 37.0], "w": [-39.0, -38.0, -37.0]}
        assert (reads.read, reads.total) == (11, 20)


@settings(max_examples=40)
@given(
    st.lists(NUMBERS, min_size=35, max_size=35),
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 40), st.integers(1, 6)),
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_a_scan_of_the_first_rows_has_them_all(
    numbers: list[float | None],
    sizes: tuple[int, int, int, int],
    ways: tuple[bool, bool, bool, bool],
) -> None:
    (long, wide, block, count), (down, nulls_first, cached, single) = sizes, ways
    values = np.array(numbers, "f4" if single else "f8").reshape(7, 5)
    dataset = xarray.Dataset({"v": (DIMS, values), "w": (DIMS, np.arange(35).reshape(7, 5))})
    for name in ("v", "w"):
        dataset[name].encoding["preferred_chunks"] = {"time": long, "lat": wide}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", block)
        patch.setattr(scanning, "BATCH_ROWS", 3)
        patch.setattr(partition, "BATCH_ROWS", 3)
        table = GridTable(dataset, ["v", "w"]).leading(First("v", count, down, nulls_first))
        found = rows_of(table.cached(ChunkCache(10_000 if cached else 0))).to_pandas()
    order = {"by": "v", "ascending": not down, "na_position": "first" if nulls_first else "last"}
    whole = rows_of(GridTable(dataset, ["v", "w"])).to_pandas().set_index("w", drop=False)
    pd.testing.assert_frame_equal(found.set_index("w", drop=False), whole.loc[found.w])
    first, left = (each.sort_values(**order).v.head(count).tolist() for each in (whole, found))
    assert left == pytest.approx(first, nan_ok=True)
    worst = first[-1]
    tied = whole.v.isna() if np.isnan(worst) else whole.v == worst
    assert set(whole.w[tied]) <= set(found.w)


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 30))
def test_a_table_read_from_its_end_has_the_same_rows(long: int, wide: int, block: int) -> None:
    values = np.arange(35.0).reshape(7, 5)
    dataset = xarray.Dataset({"v": (DIMS, values)}, {"lat": np.linspace(1, 2, 5)})
    dataset["v"].encoding["preferred_chunks"] = {"time": long, "lat": wide}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", block)
        table = GridTable(dataset, ["v"])
        onward, turned = (table.sorted_by([("time", down)]) for down in (False, True))
        assert (onward is None) == (turned is None)
        if onward is None or turned is None:
            return
        rows, back = rows_of(onward).to_pandas(), rows_of(turned).to_pandas()
    assert rows.time.is_monotonic_increasing and back.time.is_monotonic_decreasing
    keys = ["time", "lat"]
    pd.testing.assert_frame_equal(
        back.sort_values(keys, ignore_index=True), rows.sort_values(keys, ignore_index=True)
    )


@given(
    st.tuples(*[st.integers(1, 7)] * 3),
    st.tuples(*[st.integers(1, 7)] * 3),
    st.integers(1, 100),
    st.integers(1, 3),
    st.booleans(),
)
def test_rows_come_in_the_order_of_leading_dimensions(
    shape: tuple[int, int, int], chunks: tuple[int, int, int], block: int, keys: int, down: bool
) -> None:
    dims = ("a", "b", "c")
    dataset = xarray.Dataset({"v": (dims, np.arange(np.prod(shape), dtype="f8").reshape(shape))})
    dataset["v"].encoding["preferred_chunks"] = dict(zip(dims, chunks, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "BLOCK_ROWS", block)
        order = [(dim, down and dim == "a") for dim in dims[:keys]]
        table = GridTable(dataset, ["v"]).sorted_by(order)
        if table is None:  # its chunks would be read too often
            return
        rows = rows_of(table).to_pandas()
    assert sorted(rows.v) == [*range(len(rows))] and len(rows) == np.prod(shape)
    up = [not falls for _, falls in order]
    found = rows[[*dims[:keys]]]
    wanted = found.sort_values([*dims[:keys]], ascending=up, ignore_index=True)
    pd.testing.assert_frame_equal(found.reset_index(drop=True), wanted)
