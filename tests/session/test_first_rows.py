"""The first row of a scan goes out while the third chunk, and all later ones, are being read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import xarray
from zarr.storage import LocalStore

from gateway.sources.grid import grid as grids
from gateway.wire.connection import streaming
from tests.session.grids import client_of

SHAPE = (16, 100, 200)
ORDERED = "SELECT time, v FROM g ORDER BY time"
ANY_ORDER = (
    "SELECT * FROM g",
    "SELECT v FROM g WHERE v >= 0",
    "SELECT lat, v * 2 FROM g WHERE lat < 50",
)
#    chunk, of more rows than the engine gathers before it hands them on; rows of a block; queries
CASES = [
    ((1, 100, 200), 1 << 16, (*ANY_ORDER, ORDERED)),
    ((1, 100, 200), 1 << 20, (*ANY_ORDER, ORDERED)),
    ((16, 10, 100), 1 << 18, ANY_ORDER),
    ((16, 10, 100), 1 << 19, (ORDERED, f"{ORDERED} DESC", f"{ORDERED}, lat")),
    ((16, 100, 100), 1 << 17, (ORDERED, f"{ORDERED} DESC", f"{ORDERED}, lat")),
    ((1, 10, 20), 1 << 18, ANY_ORDER),  # few rows, whose first piece ends with the batch
]


@pytest.mark.parametrize(("chunk", "rows", "queries"), CASES)
def test_the_first_row_takes_no_more_than_two_chunks(
    chunk: tuple[int, ...], rows: int, queries: tuple[str, ...],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    values = np.arange(np.prod(SHAPE), dtype="f8").reshape(SHAPE)
    dataset = xarray.Dataset(
        {"v": (("time", "lat", "lon"), values)}, {"time": np.arange(16), "lat": np.arange(100.0)}
    )
    monkeypatch.setattr(grids, "BLOCK_ROWS", rows)
    come = Event()
    get = LocalStore.get
    monkeypatch.setattr(streaming, "SLOW_SECONDS", 0)
    first_two = [f"v/0.0.{n}" if chunk[2] < SHAPE[2] else f"v/{n}.0.0" for n in (0, 1)]

    async def held_up(self: LocalStore, key: str, *rest: object, **more: object) -> object:
        while key[2:3].isdigit() and key not in first_two and not come.is_set():
            await asyncio.sleep(0.005)
        return await get(self, key, *rest, **more)  # type: ignore[arg-type]

    with client_of(dataset, chunk, tmp_path, chunk_cache_bytes=0) as client:
        client.execute("SET statement_timeout = '20s'")
        monkeypatch.setattr(LocalStore, "get", held_up)
        for sql in queries:
            come.clear()
            found = client.cursor().stream(sql)
            assert next(found)
            come.set()
            found.close()
