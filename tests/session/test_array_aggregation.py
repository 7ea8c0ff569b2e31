"""Aggregates on arrays through a client: the setting, EXPLAIN, chunks, cancelling."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import xarray

from gateway.session.queries import grid_planning
from tests.session.grids import client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    values = np.random.default_rng(8).normal(10, 2, (40, 6, 5)).astype("f4")
    times = np.datetime64("2000-01-01", "ns") + np.arange(40) * np.timedelta64(1, "D")
    dataset = xarray.Dataset({"v": (("time", "lat", "lon"), values)}, {"time": times})
    with client_of(dataset, (4, 6, 5), tmp_path_factory.mktemp("grid")) as made:
        yield made


@pytest.fixture(autouse=True)
def small_tables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_planning, "FEWEST_ROWS", 0)


@pytest.fixture(autouse=True)
def turned_on(client: psycopg.Connection) -> None:
    client.execute("RESET gradwire.array_aggregation")


def explained(client: psycopg.Connection, sql: str) -> list[str]:
    return [line for (line,) in client.execute(sql).fetchall()]


MONTHS = "SELECT date_trunc('month', time) AS m, avg(v) FROM g GROUP BY m ORDER BY m"


def test_explain_shows_it_and_a_setting_turns_it_off(client: psycopg.Connection) -> None:
    assert client.execute("SHOW gradwire.array_aggregation").fetchall() == [("on",)]
    on, rows = explained(client, f"EXPLAIN {MONTHS}"), client.execute(MONTHS).fetchall()
    assert any("TableScan: public.g: partial aggregates 1" in line for line in on)
    with client.transaction():
        client.execute("SET LOCAL gradwire.array_aggregation = off")
        off = explained(client, f"EXPLAIN {MONTHS}")
        assert not any("partial aggregates" in line for line in off)
        plain = client.execute(MONTHS).fetchall()
    assert [m for m, _ in rows] == [m for m, _ in plain]
    assert np.allclose([v for _, v in rows], [v for _, v in plain], rtol=1e-12)
    assert explained(client, f"EXPLAIN {MONTHS}") == on


@pytest.mark.parametrize("ask", ["count(v)", "count(*)", "sum(v)"])
def test_a_plan_that_is_kept_is_of_its_time_zone(client: psycopg.Connection, ask: str) -> None:
    sql = f"SELECT {ask} FROM g WHERE time::timestamptz < '2000-01-03 01:00+00'"
    found = {}
    for zone in ("UTC", "America/New_York"):
        client.execute(f"SET TimeZone = '{zone}'")
        rows = [client.execute(sql).fetchall() for _ in range(2)]
        assert rows[0] == rows[1]
        client.execute("SET gradwire.array_aggregation = off")
        assert np.allclose(rows[0], client.execute(sql).fetchall())
        client.execute("RESET gradwire.array_aggregation")
        found[zone] = rows[0]
    client.execute("RESET TimeZone")
    assert client.execute(sql).fetchall() == found["UTC"] != found["America/New_York"]


@pytest.mark.parametrize(
    ("where", "read"),
    [("true", 10), ("time < '2000-01-06'", 2), ("time::date = '2000-02-03'", 1), ("v > 100", 10)],
)
def test_chunks_are_told_as_those_of_any_scan(
    client: psycopg.Connection, where: str, read: int
) -> None:
    sql = f"EXPLAIN ANALYZE SELECT lat, avg(v) FROM g WHERE {where} GROUP BY lat"
    for setting in ("on", "off"):
        client.execute(f"SET gradwire.array_aggregation = {setting}")
        last = explained(client, sql)[-1]
        assert re.fullmatch(rf"public\.g: {read} of 10 chunks read", last)


def test_counting_rows_reads_no_chunk(client: psycopg.Connection) -> None:
    sql = "SELECT lat, count(*) FROM g WHERE time > '2000-01-10' GROUP BY lat"
    assert sorted(client.execute(sql).fetchall()) == [(lat, 30 * 5) for lat in range(6)]
    assert explained(client, f"EXPLAIN ANALYZE {sql}")[-1] == "public.g: 0 of 0 chunks read"


def test_a_write_takes_its_rows_from_arrays(client: psycopg.Connection) -> None:
    client.execute("CREATE TABLE means AS SELECT lat, avg(v) AS m FROM g GROUP BY lat")
    client.execute("INSERT INTO means SELECT lat + 100, avg(v) FROM g GROUP BY lat")
    found = client.execute("SELECT count(*), count(DISTINCT m) FROM means").fetchall()
    client.execute("DROP TABLE means")
    assert found == [(12, 6)]


def test_prepared_statements_take_numbers(client: psycopg.Connection) -> None:
    sql = "SELECT lat, sum(v * %s) FROM g WHERE v > %s AND lat = %s GROUP BY lat"
    for factor in (2.0, 3.5):
        found = client.execute(sql, (factor, 9.0, 2), prepare=True).fetchall()
        client.execute("SET gradwire.array_aggregation = off")
        plain = client.execute(sql, (factor, 9.0, 2), prepare=True).fetchall()
        client.execute("RESET gradwire.array_aggregation")
        assert found == [(2, pytest.approx(plain[0][1], rel=1e-12))]
