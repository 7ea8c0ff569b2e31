"""What a query over a grid is spared changes no row of it: against pandas, chunk by chunk."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
import xarray

from gateway.session.queries import grid_planning
from gateway.sources.grid import grid as grids
from tests.session.grids import client_of

DAYS = pd.date_range("2000-01-25", periods=20, freq="36h")


def grid() -> xarray.Dataset:
    random = np.random.default_rng(3)
    return xarray.Dataset(
        {"v": (("time", "lat", "place"), random.integers(0, 50, (20, 4, 3)).astype("f8"))},
        {
            "time": DAYS.values,
            "lat": np.array([60.5, 10.25, -10.25, -60.5], "f4"),
            "place": ["aa", "ab", "bb"],
            "month": ("time", DAYS.month.values.astype("i4")),
        },
    )


DATASET = grid()
FRAME = DATASET.to_dataframe().reset_index()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    with client_of(DATASET, (2, 4, 3), tmp_path_factory.mktemp("grid")) as made:
        yield made


@pytest.fixture(autouse=True)
def small_tables_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_planning, "FEWEST_ROWS", 0)


def chunks_read(client: psycopg.Connection, sql: str, values: tuple[Any, ...] = ()) -> int:
    """What EXPLAIN ANALYZE says of the one grid."""
    last = client.execute(f"EXPLAIN ANALYZE {sql}", values or None).fetchall()[-1][0]
    found = re.fullmatch(r"public\.g: (\d+) of (\d+) chunks read", last)
    assert found is not None and int(found[2]) in (0, 10)
    return int(found[1])


T = FRAME.time.dt
#    condition                                      rows in pandas                 chunks read
CONDITIONS = [
    ("date_trunc('month', time) = '2000-02-01'",    T.month == 2,                            10),
    ("extract(day FROM time) = 9",                  T.day == 9,                              1),
    ("extract(month FROM time) + 1 = 2",            T.month == 1,                            3),
    ("time::date = '2000-02-09'",                   T.date == pd.Timestamp("2000-02-09").date(), 1),
    ("time::date IN ('2000-01-25', '2000-02-09')",
     T.date.isin([pd.Timestamp(d).date() for d in ("2000-01-25", "2000-02-09")]),            2),
    ("time + interval '1 day' < '2000-01-28'",      FRAME.time < "2000-01-27",               1),
    ("NOT time::date > '2000-01-26' ",              T.date <= pd.Timestamp("2000-01-26").date(), 1),
    ("abs(lat) > 30",                               FRAME.lat.abs() > 30,                    10),
    ("lat / 2 BETWEEN 1 AND 10",                    FRAME.lat.between(2, 20),                10),
    ("CASE WHEN month = 1 THEN true END",           FRAME.month == 1,                        3),
    ("time::text LIKE '2000-02-09%'",               T.date == pd.Timestamp("2000-02-09").date(), 1),
    ("to_char(time, 'DD.MM.') = '09.02.'",          T.date == pd.Timestamp("2000-02-09").date(), 1),
    ("month % 2 = 1 OR time::date = '2000-02-09'",
     (FRAME.month == 1) | (T.date == pd.Timestamp("2000-02-09").date()),                     4),
    ("place LIKE 'a%'",                             FRAME.place.str.startswith("a"),         10),
    ("upper(place) = 'BB'",                         FRAME.place == "bb",                     10),
    ("1 / (month - 1) = 1 AND month <> 1",          FRAME.month == 2,                        10),
    ("v * 2 > 60",                                  FRAME.v > 30,                            10),
]  # fmt: skip


def found(client: psycopg.Connection, condition: str) -> list[tuple[object, ...]]:
    sql = f"SELECT time, lat, place, v FROM g WHERE {condition} ORDER BY time, lat DESC, place"
    return client.execute(sql).fetchall()


def wanted(mask: pd.Series) -> list[tuple[object, ...]]:
    rows = FRAME[mask].sort_values(["time", "lat", "place"], ascending=[True, False, True])
    return [
        (row.time.to_pydatetime(), row.lat, row.place, row.v)
        for row in rows[["time", "lat", "place", "v"]].itertuples()
    ]


@pytest.mark.parametrize(("condition", "mask", "chunks"), CONDITIONS)
def test_a_condition_on_a_coordinate(
    client: psycopg.Connection, condition: str, mask: pd.Series, chunks: int
) -> None:
    assert found(client, condition) == wanted(mask)
    assert chunks_read(client, f"SELECT v FROM g WHERE {condition}") <= chunks


def test_two_conditions_at_a_time(client: psycopg.Connection) -> None:
    for (one, first, _), (other, second, _) in combinations(CONDITIONS, 2):
        assert found(client, f"({one}) AND ({other})") == wanted(first & second), (one, other)


#    query                                                        chunks read
WITHOUT_CHUNKS = [
    ("SELECT min(time), max(lat), count(DISTINCT place) FROM g",
     (DAYS[0].to_pydatetime(), 60.5, 3)),
    ("SELECT min(time) FROM g WHERE lat > 50 AND extract(month FROM time) = 2",
     (pd.Timestamp("2000-02-01T12:00").to_pydatetime(),)),
    ("SELECT count(*) FROM (SELECT DISTINCT time, place FROM g) AS d",      (60,)),
    ("SELECT count(*) FROM (SELECT lat, max(time) FROM g GROUP BY lat HAVING lat < 0) AS d", (2,)),
    ("SELECT DISTINCT month AS m FROM g ORDER BY m",                        (1,)),
    ("SELECT count(*), min(time) FROM g",                    (240, DAYS[0].to_pydatetime())),
    ("SELECT count(time) FROM g",                                           (240,)),
    ("SELECT count(*) FROM g WHERE time::date = '2000-02-09'",              (12,)),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "row"), WITHOUT_CHUNKS)
def test_coordinates_alone_read_no_chunk(
    client: psycopg.Connection, sql: str, row: tuple[object, ...]
) -> None:
    assert client.execute(sql).fetchone() == row
    assert chunks_read(client, sql) == 0


#    query, and what pandas makes of it: what may look like one position each and is not
WHOLE = [
    ("SELECT count(DISTINCT v) FROM g",                        FRAME.v.nunique()),
    ("SELECT sum(lat) FROM g",                                 FRAME.lat.astype("f8").sum()),
    ("SELECT avg(m) FROM (SELECT max(v) AS m FROM g GROUP BY lat) AS s",
     FRAME.groupby("lat").v.max().mean()),
    ("SELECT count(*) FROM (SELECT lat FROM g) AS s",          240),
    ("SELECT count(*) FROM g AS a LEFT JOIN g AS b ON a.time = b.time + interval '1 second' "
     "WHERE b.time::date IS NULL",                             240),
    ("SELECT count(*) FROM g AS a JOIN (SELECT DISTINCT time FROM g) AS b USING (time)", 240),
    ("SELECT max(n) FROM (SELECT lat, count(*) AS n FROM g GROUP BY lat) AS s", 60),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "value"), WHOLE)
def test_what_counts_rows_has_them_all(client: psycopg.Connection, sql: str, value: float) -> None:
    assert client.execute(sql).fetchone() == (value,)


#    ORDER BY                    sorted by the engine
ORDERS = [
    ("time",                     False),
    ("1",                        False),
    ("t",                        False),
    ("time, lat DESC",           False),
    ("time, lat DESC, place",    True),
    ("time DESC",                False),
    ("time DESC, lat DESC",      False),
    ("time, lat",                True),
    ("lat DESC",                 True),
    ("time, place",              True),
    ("v",                        True),
    ("time + interval '1 day'",  True),
]  # fmt: skip


#    a sorted query that another reads              sorted by the engine
HANDED_ON = [
    ("SELECT * FROM (SELECT time, v FROM g ORDER BY time) q",                       False),
    ("SELECT v FROM (SELECT v, time AS t FROM g ORDER BY time DESC) q LIMIT 50",    False),
    ("SELECT a.t FROM (SELECT b.t FROM (SELECT time AS t FROM g ORDER BY t) b) a",  False),
    ("WITH q AS (SELECT time, v FROM g ORDER BY time) SELECT v FROM q",             True),
    ("SELECT * FROM (SELECT lat AS time, v FROM g ORDER BY time) q",                True),
    ("SELECT * FROM (SELECT time, v FROM g ORDER BY time) q(v, time)",              True),
    ("SELECT * FROM (SELECT time, v FROM g ORDER BY v LIMIT 5) q",                  True),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "sorts"), HANDED_ON)
def test_order_of_storage_is_handed_on(client: psycopg.Connection, sql: str, sorts: bool) -> None:
    plan = "\n".join(line for (line,) in client.execute(f"EXPLAIN {sql}".encode()))
    assert ("Sort" in plan) == sorts


@pytest.mark.parametrize(("order", "sorts"), ORDERS)
def test_order_of_storage_is_not_sorted(
    client: psycopg.Connection, order: str, sorts: bool
) -> None:
    sql = f"SELECT time AS t, lat, place, v FROM g ORDER BY {order}, time, lat DESC, place"
    if not sorts:
        sql = sql.replace(", time, lat DESC, place", "", 1)
    plan = "\n".join(line for (line,) in client.execute(f"EXPLAIN {sql}"))
    assert ("Sort" in plan) == sorts
    rows = client.execute(sql).fetchall()
    spared = sorted(rows, key=lambda row: row[0], reverse="time DESC" in order)
    assert len(rows) == 240 and (sorts or rows == spared)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT v FROM g LIMIT 3",
        "SELECT * FROM g ORDER BY time LIMIT 3 OFFSET 2",
        "SELECT * FROM g WHERE v >= 0 ORDER BY time DESC LIMIT 3",
    ],
)
def test_a_limit_reads_one_chunk(client: psycopg.Connection, sql: str) -> None:
    assert chunks_read(client, sql) == 1


def test_the_log_tells_the_chunks(
    client: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "gateway"):
        client.execute("SELECT sum(v) FROM g WHERE time::date = '2000-02-09'").fetchall()
    assert "public.g: 1 of 10 chunks read" in caplog.text


#    query over g and the keys in k                                                   chunks read
KEYS = [
    ("SELECT time, lat, place, v FROM g JOIN k ON g.time = k.day",                              2),
    ("SELECT g.* FROM k, g WHERE k.day = g.time AND v > 3",                                     2),
    ("SELECT g.* FROM k JOIN g ON g.time = k.day AND k.n = 1",                                  1),
    ("SELECT * FROM g WHERE time IN (SELECT day FROM k)",                                       2),
    ("SELECT * FROM g WHERE time IN (SELECT day FROM k WHERE n = 2)",                           1),
    ("SELECT * FROM g WHERE time = (SELECT max(day) FROM k)",                                   1),
    ("SELECT * FROM g WHERE time IN (SELECT day FROM k) AND time::date = '2000-01-28'",         1),
    ("SELECT avg(v) FROM g WHERE time IN (SELECT day FROM k WHERE n > 5)",                      0),
    ("SELECT * FROM g WHERE time NOT IN (SELECT day FROM k)",                                   0),
    ("SELECT * FROM g LEFT JOIN k ON g.time = k.day",                                           10),
    ("SELECT * FROM g WHERE time IN (SELECT day FROM k) OR v = 7",                              10),
    ("SELECT * FROM g WHERE time IN (SELECT day FROM k WHERE n < g.lat)",                       2),
    ("SELECT * FROM g WHERE time = (SELECT day FROM k WHERE random() < 2 AND n = 1)",           10),
    ("SELECT * FROM g JOIN k ON g.lat = k.n + 9.25",                                            10),
    ("SELECT v, n FROM g JOIN k ON time = day WHERE n > 1",                                     1),
    ("SELECT g.v FROM g JOIN k ON g.time BETWEEN k.day AND k.day + interval '2 days'",          2),
    ("SELECT g.v FROM g, k WHERE g.time >= k.day AND k.n = 2",                                  5),
    ("SELECT g.v FROM g JOIN k ON date_trunc('day', g.time) = k.day",                           2),
    ("SELECT * FROM g WHERE EXISTS (SELECT 1 FROM k WHERE k.day = g.time)",                     2),
    ("SELECT * FROM g WHERE EXISTS (SELECT 1 FROM k WHERE day >= time AND n = 1 AND n < lat)",  2),
    ("SELECT * FROM g WHERE EXISTS (SELECT max(n) FROM k WHERE day = time)",                    10),
    ("SELECT * FROM g WHERE EXISTS (SELECT 1 FROM k WHERE day = time LIMIT 0)",                 0),
    ("SELECT * FROM g WHERE NOT EXISTS (SELECT 1 FROM k WHERE k.day <> g.time)",                10),
    ("SELECT * FROM g WHERE NOT EXISTS (SELECT 1 FROM (VALUES (timestamp '2000-01-25'), "
     "('2000-01-26 12:00'), ('2000-02-09')) AS w(day) WHERE day = time)",                       9),
    ("SELECT * FROM g WHERE NOT EXISTS (SELECT 1 FROM k WHERE day = time AND n < g.lat)",       10),
    ("SELECT * FROM g WHERE NOT EXISTS (SELECT 1 FROM k WHERE day = time AND random() < 2)",    10),
    ("SELECT * FROM g JOIN (SELECT day, sum(n * 1.5::float8) AS s FROM k GROUP BY 1) AS q "
     "ON time = day AND s > 2",                                                                 1),
    ("SELECT * FROM g WHERE time = ANY (SELECT day FROM k)",                                    2),
    ("SELECT * FROM g JOIN (VALUES (timestamp '2000-02-09')) AS w(day) ON g.time = w.day",      1),
    ("SELECT * FROM g WHERE time IN (VALUES (timestamp '2000-02-09'))",                         1),
    ("SELECT * FROM g WHERE time = (SELECT max(time) FROM g)",                                  1),
    ("SELECT max(v) FROM g WHERE time = (SELECT max(time) FROM g)",                             1),
    ("SELECT * FROM g WHERE time > (SELECT max(time) FROM g) - interval '3 days'",              1),
    ("SELECT * FROM g WHERE time BETWEEN (SELECT min(day) FROM k) AND '2000-02-01'",            2),
    ("SELECT * FROM g WHERE time = (SELECT time FROM g ORDER BY time DESC LIMIT 1)",            1),
    ("SELECT * FROM g WHERE time IN (SELECT DISTINCT time FROM g ORDER BY 1 DESC LIMIT 2)",     1),
    ("SELECT * FROM g WHERE time = (SELECT time FROM g WHERE v > 60)",                          10),
    ("SELECT * FROM g, (SELECT min(time) AS t FROM g) AS f WHERE g.time = f.t",                 1),
    ("SELECT * FROM g NATURAL JOIN (SELECT min(time) AS time FROM g) AS f",                     1),
    ("WITH f AS (SELECT day FROM k WHERE n = 1) SELECT g.* FROM g JOIN f ON g.time = f.day",    1),
    ("WITH f(d) AS (SELECT day FROM k) SELECT g.* FROM f AS h JOIN g ON g.time = h.d",          2),
    ("SELECT a.v - b.v FROM g AS a JOIN g AS b ON a.lat = b.lat AND a.place = b.place "
     "WHERE a.time = '2000-01-28' AND b.time = '2000-02-09'",                                   2),
    ("SELECT v FROM g WHERE v > (SELECT max(v) FROM g WHERE time < '2000-01-27')",              10),
    ("SELECT v FROM g WHERE (time, lat) IN (SELECT day, 60.5 FROM k)",                          2),
    ("SELECT g.v, s.n FROM g, LATERAL (SELECT n FROM k WHERE k.day = g.time) AS s",             2),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "chunks"), KEYS)
def test_a_small_side_prunes_chunks(
    client: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, sql: str, chunks: int
) -> None:
    client.execute("CREATE TEMP TABLE k (n int, day timestamp)")
    try:
        client.execute("INSERT INTO k VALUES (1, '2000-01-28'), (2, '2000-02-09'), (3, NULL)")
        assert chunks_read(client, sql) == chunks
        found = sorted(map(str, client.execute(sql).fetchall()))  # type: ignore[call-overload]
        monkeypatch.setattr(grid_planning, "FEWEST_ROWS", 10**9)
        assert found == sorted(map(str, client.execute(sql).fetchall()))  # type: ignore[call-overload]
    finally:
        client.execute("DROP TABLE k")


#    clauses                                             sorted in pandas                chunks read
FIRST_ROWS = [
    ("ORDER BY time DESC, lat, place LIMIT 5",            None,                                  1),
    ("ORDER BY time DESC, lat, place LIMIT 24",           None,                                  1),
    ("ORDER BY time DESC, lat, place LIMIT 25",           None,                                  2),
    ("ORDER BY 1 DESC, lat, place LIMIT 5 OFFSET 24",     None,                                  2),
    ("ORDER BY time DESC, lat, place LIMIT 1000",         None,                                 10),
    ("ORDER BY time DESC, lat, place LIMIT 0",            None,                                  1),
    ("WHERE lat > 50 ORDER BY time DESC, lat, place LIMIT 7", FRAME.lat > 50,                    2),
    ("WHERE time::date < '2000-02-09' AND lat < 0 ORDER BY time DESC, lat, place LIMIT 3",
     (FRAME.time < "2000-02-09") & (FRAME.lat < 0),                                              1),
    ("WHERE v > 40 ORDER BY time DESC, lat, place LIMIT 5", FRAME.v > 40,                       10),
]  # fmt: skip


@pytest.mark.parametrize(("clauses", "mask", "chunks"), FIRST_ROWS)
def test_the_last_rows_read_the_last_chunks(
    client: psycopg.Connection, clauses: str, mask: pd.Series | None, chunks: int
) -> None:
    sql = f"SELECT time, lat, place, v FROM g {clauses}"
    frame = FRAME if mask is None else FRAME[mask]
    frame = frame.sort_values(["time", "lat", "place"], ascending=[False, True, True])
    words = clauses.split()
    skip = int(words[-1]) if "OFFSET" in words else 0
    count = int(words[words.index("LIMIT") + 1])
    rows = frame.iloc[skip : skip + count].itertuples()
    wanted = [(row.time.to_pydatetime(), row.lat, row.place, row.v) for row in rows]
    assert client.execute(sql).fetchall() == wanted
    assert chunks_read(client, sql) <= chunks


#    clauses                                     chunks read
ANY_ROWS = [
    ("LIMIT 5",                                  1),
    ("LIMIT 5 OFFSET 3",                         1),
    ("LIMIT 30",                                 2),
    ("LIMIT 0",                                  0),
    ("LIMIT 1000",                               10),
    ("WHERE lat < 0 LIMIT 7",                    1),
    ("WHERE lat < 0 LIMIT 13",                   2),
    ("WHERE lat < 0 AND place = 'ab' LIMIT 5",   2),
    ("WHERE time::date > '2000-02-10' LIMIT 1",  1),
    ("WHERE lat > 90 LIMIT 1",                   0),
]  # fmt: skip


def test_any_rows_are_those_stored_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk is a part of its own, and the engine begins with all of them at once."""
    monkeypatch.setattr(grids, "BLOCK_ROWS", 24)
    with client_of(DATASET, (2, 4, 3), tmp_path) as client:
        for clauses, chunks in ANY_ROWS:
            sql = f"SELECT time, lat, place, v FROM g {clauses}"
            assert chunks_read(client, sql) == chunks, sql
            found = client.execute(sql).fetchall()
            condition = clauses.rpartition("LIMIT")[0].removeprefix("WHERE") or "true"
            ordered = f"SELECT time, lat, place, v FROM g WHERE {condition}"
            wanted = client.execute(f"{ordered} ORDER BY time, lat DESC, place").fetchall()
            words = clauses.split()
            skip = int(words[-1]) if "OFFSET" in words else 0
            assert found == wanted[skip:][: int(words[words.index("LIMIT") + 1])], sql


#    clauses                                                 values      chunks read
GIVEN_COUNTS = [
    ("ORDER BY time DESC, lat, place LIMIT %s",               (5,),       1),
    ("ORDER BY time DESC, lat, place LIMIT %s::bigint",       (25,),      2),
    ("ORDER BY time DESC, lat, place LIMIT %s OFFSET %s",     (5, 24),    2),
    ("ORDER BY time DESC, lat, place FETCH FIRST %s ROWS ONLY", (24,),    1),
    ("ORDER BY time DESC, lat, place LIMIT %s",               (None,),    10),
    ("WHERE lat > %s ORDER BY time DESC, lat, place LIMIT %s", (-99, 9),  1),
]  # fmt: skip


@pytest.mark.parametrize(("clauses", "values", "chunks"), GIVEN_COUNTS)
def test_counts_that_parameters_give(
    client: psycopg.Connection, clauses: str, values: tuple[Any, ...], chunks: int
) -> None:
    sql = f"SELECT time, lat, place, v FROM g {clauses}"
    written = sql % tuple("NULL" if value is None else value for value in values)
    assert client.execute(sql, values).fetchall() == client.execute(written).fetchall()
    assert chunks_read(client, sql, values) == chunks


def test_positions_of_one_value_stay_together(client: psycopg.Connection) -> None:
    sql = "SELECT month, v FROM g ORDER BY month DESC, v DESC LIMIT 3"
    wanted = FRAME.sort_values(["month", "v"], ascending=False).head(3)
    assert client.execute(sql).fetchall() == list(zip(wanted.month, wanted.v, strict=True))


#    clauses                                    what they leave        sorted by, all keys   down
BEST_ROWS = [
    ("ORDER BY v DESC, time, lat, place LIMIT 7",           None,            [0, 1, 1, 1]),
    ("ORDER BY v, time, lat, place LIMIT 3 OFFSET 4",       None,            [1, 1, 1, 1]),
    ("WHERE lat > 0 AND time::date > '2000-02-01' ORDER BY v DESC, time, lat, place LIMIT 5",
     (FRAME.lat > 0) & (FRAME.time >= "2000-02-02"),                         [0, 1, 1, 1]),
    ("WHERE v < 40 ORDER BY v DESC, time, lat, place LIMIT 5", FRAME.v < 40, [0, 1, 1, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("clauses", "mask", "rising"), BEST_ROWS)
def test_the_best_rows_by_a_value(
    client: psycopg.Connection, clauses: str, mask: pd.Series | None, rising: list[int]
) -> None:
    frame = FRAME if mask is None else FRAME[mask]
    frame = frame.sort_values(["v", "time", "lat", "place"], ascending=list(map(bool, rising)))
    words = clauses.split()
    skip = int(words[-1]) if "OFFSET" in words else 0
    rows = frame.iloc[skip : skip + int(words[words.index("LIMIT") + 1])].itertuples()
    wanted = [(row.time.to_pydatetime(), row.lat, row.place, row.v) for row in rows]
    assert client.execute(f"SELECT time, lat, place, v FROM g {clauses}").fetchall() == wanted
