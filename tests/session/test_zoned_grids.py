"""Timestamps of a grid as moments: the session's TimeZone and AT TIME ZONE, in conditions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import xarray

from gateway.session.queries import grid_planning
from tests.session.grids import client_of


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """48 hours from 2000-01-01 on."""
    times = np.datetime64("2000-01-01", "ns") + np.arange(48) * np.timedelta64(1, "h")
    dataset = xarray.Dataset({"v": (("time", "x"), np.ones((48, 2)))}, {"time": times})
    with client_of(dataset, (8, 2), tmp_path_factory.mktemp("grid")) as made:
        yield made


#    condition, where m is a moment                        rows in UTC, in New York (5 hours behind)
CONDITIONS = [
    ("time < timestamptz '2000-01-01 12:00+00'",                    12, 7),
    ("timestamptz '2000-01-01 12:00+00' >= time",                   13, 8),
    ("time BETWEEN timestamptz '2000-01-01 12:00+00' AND timestamptz '2000-01-01 14:00+00'", 3, 3),
    ("time::timestamptz < '2000-01-01 12:00+00'",                   12, 7),
    ("time::timestamptz < '2000-01-01 12:00'",                      12, 12),
    ("time::timestamptz IN ('2000-01-01 12:00+00')",                1, 1),
    ("time::timestamptz <> '2000-01-01 03:00+00'",                  47, 48),
    ("time::date::timestamptz < '2000-01-02 00:00+00'",             24, 24),
    ("time::date::timestamptz < '2000-01-02 05:00+00'",             48, 24),
    ("time::timestamptz::timestamp < timestamptz '2000-01-01 12:00+00'", 12, 7),
    ("time AT TIME ZONE 'Asia/Tokyo' < '2000-01-01 12:00+00'",      21, 21),
    ("time AT TIME ZONE 'Asia/Tokyo' = '2000-01-01 00:00+00'",      1, 1),
    ("time::timestamptz AT TIME ZONE 'UTC' < '2000-01-01 12:00'",   12, 7),
]  # fmt: skip


@pytest.mark.parametrize("spared", [True, False])
@pytest.mark.parametrize(("condition", "in_utc", "in_new_york"), CONDITIONS)
def test_conditions(
    condition: str,
    in_utc: int,
    in_new_york: int,
    spared: bool,
    client: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if spared:
        monkeypatch.setattr(grid_planning, "FEWEST_ROWS", 0)
    for zone, wanted in (("UTC", in_utc), ("America/New_York", in_new_york)):
        client.execute(f"SET TimeZone = '{zone}'")
        for source in ("g", "(SELECT * FROM g) AS s"):
            ask = f"SELECT time, v FROM {source} WHERE x = 0 AND {condition}"
            assert len(client.execute(ask).fetchall()) == wanted, (zone, ask)
        counted = client.execute(f"SELECT sum(v) FROM g WHERE {condition}").fetchall()
        assert counted == [(2.0 * wanted,)], zone


def test_through_a_subquery(client: psycopg.Connection) -> None:
    client.execute("SET TimeZone = 'America/New_York'")
    moments = "SELECT x, time::timestamptz AS m FROM g"
    sql = f"SELECT count(*) FROM ({moments}) AS s WHERE x = 0 AND m < '2000-01-01 12:00+00'"
    assert client.execute(sql).fetchall() == [(7,)]
