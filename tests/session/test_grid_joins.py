"""A small side of a join becomes columns of the grid, and the rows are those of the join."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest
import xarray
import zarr

from gateway.aggregation import recognising
from gateway.session.portals.scrolling import KeptRoom
from gateway.session.queries import grid_planning
from tests.session.grids import client_of

MEANS = "(SELECT lat, lon, avg(v) AS m, count(*) AS n FROM g GROUP BY lat, lon) AS c"
PLACE = "g.lat = c.lat AND g.lon = c.lon"
MONTH = "extract(month FROM time)"

#    FROM and what follows                                                        laid out
JOINS = [
    (f"g JOIN {MEANS} ON {PLACE}",                                                True),
    (f"{MEANS}, g WHERE {PLACE} AND g.v > c.m",                                   True),
    (f"g JOIN {MEANS} USING (lat, lon)",                                          True),
    (f"g JOIN {MEANS} ON {PLACE} AND g.time < '2000-02-10' AND n < m",            True),
    (f"g JOIN (SELECT {MONTH} AS f, lat, avg(v) AS m FROM g GROUP BY 1, 2) AS c "
     "ON c.f = extract(month FROM g.time) AND c.lat = g.lat",                     True),
    ("g JOIN (SELECT lat, max(v) AS m FROM g WHERE lat > 0 GROUP BY lat) AS c ON g.lat = c.lat",
     True),
    ("g JOIN (SELECT lat, max(v) AS m FROM g GROUP BY lat HAVING lat < 60) AS c "
     "ON g.lat = c.lat",                                                          True),
    (f"g LEFT JOIN {MEANS} ON {PLACE}",                                           False),
    (f"g JOIN {MEANS} ON g.lat = c.lat",                                          False),
    (f"g JOIN {MEANS} ON g.lat = c.lat AND g.lon < c.lon",                        False),
    (f"g JOIN {MEANS} ON g.v + c.m > 60",                                              False),
    ("g JOIN (SELECT lat, lon, avg(v) AS m FROM g GROUP BY lat, lon HAVING avg(v) > 26) AS c "
     f"ON {PLACE}",                                                               False),
    ("g JOIN (SELECT lat, lon, random() AS m FROM g GROUP BY lat, lon) AS c "
     f"ON {PLACE} WHERE m < 2",                                                   False),
]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    random = np.random.default_rng(3)
    dataset = xarray.Dataset(
        {"v": (("time", "lat", "lon"), random.integers(0, 50, (20, 4, 3)).astype("f8"))},
        {
            "time": pd.date_range("2000-01-25", periods=20, freq="36h"),
            "lat": [60.5, 10.25, 0.0, -60.5],
            "lon": [0.0, 10.0, 20.0],
        },
    )
    with client_of(dataset, (2, 4, 3), tmp_path_factory.mktemp("grid")) as made:
        yield made


@pytest.fixture(autouse=True)
def small_tables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_planning, "FEWEST_ROWS", 0)
    monkeypatch.setattr(recognising, "FEWEST_ROWS", 1)


@pytest.mark.parametrize(("tables", "laid"), JOINS)
def test_a_small_side_laid_into_the_grid(
    client: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    tables: str,
    laid: bool,
) -> None:
    sql = f"SELECT time, g.lat, g.lon, c.lat, v - c.m AS d FROM {tables}".encode()
    found = {}
    for fewest in (0, 10**9):
        monkeypatch.setattr(grid_planning, "FEWEST_ROWS", fewest)
        rows = client.execute(sql).fetchall()
        found[fewest] = sorted(repr([_rounded(value) for value in row]) for row in rows)
        plan = "\n".join(line for (line,) in client.execute(b"EXPLAIN " + sql))
        assert ("laid out" in plan) == (laid and not fewest)
        assert ("Join" in plan) == (not laid or bool(fewest))
    if "random" not in tables:
        assert found[0] == found[10**9]
    assert found[0]


def test_what_is_laid_out_is_aggregated_on_arrays(client: psycopg.Connection) -> None:
    sql = f"SELECT count(*), sum(v - m), max(c.lat) FROM g JOIN {MEANS} ON {PLACE}"
    count, total, most = client.execute(sql.encode()).fetchall()[0]
    assert (count, round(total, 6) + 0.0, most) == (240, 0.0, 60.5)
    plan = client.execute(b"EXPLAIN " + sql.encode()).fetchall()
    assert any("partial aggregates" in line for (line,) in plan)


def test_what_is_laid_out_is_counted(
    client: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def full(room: KeptRoom, to: object, nbytes: int) -> bool:
        taken.append(nbytes)
        return False

    sql = f"SELECT sum(v * m) FROM g JOIN {MEANS} ON {PLACE}".encode()
    monkeypatch.setattr(KeptRoom, "lend", full)
    refused = client.execute(sql).fetchall()
    assert taken and sum(taken) > 0
    monkeypatch.undo()
    assert _rounded(refused[0][0]) == _rounded(client.execute(sql).fetchall()[0][0])
    room, lent = KeptRoom(20), np.zeros(1)
    assert room.lend(lent, 8) and not room.lend(np.ones(1), 8) and room.take(12)
    del lent
    assert room.take(8)


def _rounded(value: object) -> object:
    return round(value, 6) + 0.0 if isinstance(value, float) else value


@pytest.mark.parametrize("by_dask", [None, {"time": 2}])
def test_values_that_were_run_first_are_asked_for_anew_when_chunks_are(
    tmp_path: Path, by_dask: dict[str, int] | None
) -> None:
    values = np.ones((4, 2, 3))
    dataset = xarray.Dataset({"v": (("time", "lat", "lon"), values)}, {"lat": [10.0, 20.0]})
    queries = {
        f"SELECT max(v - m) FROM g JOIN {MEANS} ON {PLACE}": (0.0, 3.0),
        "SELECT count(*) FROM g WHERE v > (SELECT avg(v) FROM g)": (0, 1),
        "SELECT count(*) FROM g WHERE lat IN (SELECT lat FROM g WHERE v > 2)": (0, 12),
    }
    with client_of(dataset, (2, 2, 3), tmp_path, by_dask) as client:
        for _ in range(3):
            found = [client.execute(sql).fetchone() for sql in queries]
            assert found == [(before,) for before, _ in queries.values()]
        zarr.open_array(tmp_path / "g.zarr" / "v", mode="r+")[3, 1, 2] = 5.0
        found = [client.execute(sql).fetchone() for sql in queries]
        assert found == [(after,) for _, after in queries.values()]
