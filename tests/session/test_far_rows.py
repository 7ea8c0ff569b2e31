"""ORDER BY with a large LIMIT or OFFSET: the rows of a full sort, within memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
import xarray

from gateway.app import App
from gateway.config import Dataset, Settings

ROWS = 120_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """A client of a grid and of a table with the same rows."""
    path = tmp_path_factory.mktemp("far") / "grid.zarr"
    values = np.random.default_rng(0).permutation(ROWS).astype("f8")
    values[:100] = np.nan
    grid = xarray.Dataset({"v": (("x", "y"), values.reshape(120, 1000))})
    grid.to_zarr(path, consolidated=False, encoding={"v": {"chunks": (100, 1000)}})
    datasets = [Dataset(name="grid", uri=str(path))]
    with App(Settings(port=0, datasets=datasets, memory_bytes=64 << 20)) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as made:
            made.execute("CREATE TABLE kept AS SELECT * FROM grid")
            yield made


# LIMIT and OFFSET, around what a heap may hold beneath that memory.
PARTS = [(10, 0), (10, 16_374), (10, 16_375), (5, 60_000), (0, 70_000), (60_000, 0),
         (100, ROWS - 50), (7, ROWS), (30_000, 50_001)]  # fmt: skip


@pytest.mark.parametrize("table", ["grid", "kept"])
@pytest.mark.parametrize(("most", "skipped"), PARTS)
def test_rows_are_those_of_a_full_sort(
    client: psycopg.Connection[Any], table: str, most: int, skipped: int
) -> None:
    for way, first in (("", 0), (" DESC NULLS LAST", 0), (" DESC", 1)):
        values = client.execute(f"SELECT v FROM {table}").fetchall()
        known = sorted(v for (v,) in values if v is not None)
        known = known[::-1] if way else known
        wanted = [None] * 100 * first + known + [None] * 100 * (1 - first)
        sql = f"SELECT v, x FROM {table} ORDER BY v{way}, x, y"
        found = client.execute(f"{sql} LIMIT {most} OFFSET {skipped}").fetchall()
        assert [v for v, _ in found] == wanted[skipped : skipped + most]
        given = client.execute(f"{sql} LIMIT %s OFFSET %s", [most, skipped], binary=True)
        assert given.fetchall() == found


@pytest.mark.parametrize("table", ["grid", "kept"])
def test_ways_to_ask(client: psycopg.Connection[Any], table: str) -> None:
    sql = f"SELECT v FROM {table} ORDER BY v"
    known = sorted(v for (v,) in client.execute(f"SELECT v FROM {table} WHERE v IS NOT NULL"))
    for n in (50_000, 80_000, 50_000):  # a plan for one number is none for another
        found = client.execute(f"{sql} OFFSET %s LIMIT 2", [n], prepare=True).fetchall()
        assert found == [(v,) for v in known[n : n + 2]]
        assert client.execute(f"{sql} OFFSET {n} ROWS FETCH NEXT 2 ROWS ONLY").fetchall() == found
    first = client.execute(f"{sql} OFFSET 50000 LIMIT 1").fetchone()
    assert client.execute(f"{sql} OFFSET 50000 FETCH FIRST 1 ROW WITH TIES").fetchone() == first
    with client.transaction(), client.cursor("far") as cursor:
        cursor.execute(f"{sql} OFFSET 50000 LIMIT 3")
        assert cursor.fetchone() == first
        assert len(cursor.fetchall()) == 2
    client.execute("CREATE TABLE few (v float8)")
    assert client.execute(f"INSERT INTO few {sql} LIMIT 3 OFFSET 50000").rowcount == 3
    assert client.execute("SELECT min(v) FROM few").fetchone() == first
    client.execute("DROP TABLE few")
    assert len(client.execute(f"{sql} LIMIT {2**63 - 1} OFFSET {ROWS - 2}").fetchall()) == 2
    assert client.execute(f"{sql} LIMIT {2**63 - 1} OFFSET {2**63 - 1}").fetchall() == []
    plan = client.execute(f"EXPLAIN {sql} OFFSET 50000 LIMIT 2").fetchall()
    assert any("SortExec" in line for (line,) in plan)
    assert not any("TopK" in line for (line,) in plan)
