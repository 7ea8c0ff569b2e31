"""Plans that are run again and again give the same rows each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xarray

from gateway.engine import plans
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import TableName
from gateway.store.rows.snapshots import Snapshot
from tests.engine.tables import T

ROWS = pa.table(
    {
        "n": pa.array(range(100), pa.int32()),
        "name": pa.array([None if n % 9 == 0 else f"station {n % 7}" for n in range(100)]),
        "x": pa.array([None if n % 5 == 0 else (n * 37 % 100) / 7 for n in range(100)]),
    }
)

REPEATED = (
    # what is kept           the query
    ("physical plan",        "SELECT n, name FROM t WHERE n = 77"),
    ("physical plan",        "SELECT n + 1, x FROM t WHERE x > 3 AND name IS NOT NULL"),
    ("physical plan",        "SELECT name, count(*), sum(x) FROM t WHERE n < 30 GROUP BY name"),
    ("physical plan",        "SELECT min(x), max(x), count(DISTINCT name), avg(n) FROM t"),
    ("physical plan",        "SELECT count(*) FROM t"),
    ("physical plan",        "SELECT DISTINCT name FROM t"),
    ("physical plan",        "SELECT name, x FROM t ORDER BY x DESC, n"),
    ("physical plan",        "SELECT name, max(x) FROM t GROUP BY name HAVING max(x) > 2"),
    ("physical plan",        "SELECT n FROM t LIMIT 3 OFFSET 4"),
    ("physical plan",        "SELECT array_agg(n ORDER BY x) FROM t GROUP BY name"),
    ("logical plan alone",   "SELECT n FROM t ORDER BY x DESC NULLS LAST, n LIMIT 10"),
    ("logical plan alone",   "SELECT name, max(x) FROM t GROUP BY name ORDER BY 2 LIMIT 2"),
    ("logical plan alone",   "SELECT DISTINCT name FROM t LIMIT 100"),
    ("logical plan alone",   "SELECT a.n, b.x FROM t AS a JOIN t AS b ON a.n = b.n + 1"),
    ("logical plan alone",   "SELECT n, now() - now() FROM t WHERE n = 7"),
)  # fmt: skip


@pytest.mark.parametrize(("kept", "sql"), REPEATED)
def test_every_run_gives_the_rows_of_the_first(rows, session, kept: str, sql: str) -> None:
    sql, tables = sql.replace(" t", " public.t"), {T: Snapshot(ROWS)}
    first, again = (sorted(map(repr, rows(sql, tables))) for _ in range(2))
    assert first
    for _ in range(3):
        assert sorted(map(repr, rows(sql, tables))) == first == again
    physical = session.plan(sql, tables)._physical
    assert ("physical plan" if physical is not None else "logical plan alone") == kept


GRID = GridTable(
    xarray.Dataset(
        {
            "v": (
                ("time", "lat"),
                np.arange(24.0).reshape(6, 4),
                {},
                {"preferred_chunks": {"time": 1}},
            )
        },
        {"lat": [10.0, 20.0, 30.0, 40.0]},
    ),
    ["v"],
)
OVER_A_GRID = (
    ("physical plan",        "SELECT time, v FROM t WHERE lat = 20 ORDER BY v DESC"),
    ("physical plan",        "SELECT sum(v), min(time) FROM t WHERE v > 2"),
    ("physical plan",        "SELECT v FROM t WHERE lat > 10 AND v > 9"),
    ("physical plan",        "SELECT count(*) FROM t WHERE lat > 10"),
    ("logical plan alone",   "SELECT time, v FROM t ORDER BY v DESC LIMIT 3"),
    ("logical plan alone",   "SELECT lat, sum(v) FROM t GROUP BY lat"),
    ("logical plan alone",   "SELECT a.v FROM t AS a JOIN t AS b ON a.v = b.v + 1"),
    ("logical plan alone",   "SELECT v, now() - now() FROM t ORDER BY v"),
)  # fmt: skip


@pytest.mark.parametrize(("kept", "sql"), OVER_A_GRID)
def test_runs_over_a_grid_are_all_the_same(session, monkeypatch, kept: str, sql: str) -> None:
    monkeypatch.setattr(grid, "BLOCK_ROWS", 4)
    monkeypatch.setattr(grid, "PARTITIONS", 16)  # whatever cores there are
    plan = session.plan(sql.replace(" t ", " public.t "), {T: GRID})
    first = _rows(plan)
    assert first and all(_rows(plan) == first for _ in range(4))
    streams = [plan.stream(), plan.stream()]  # side by side
    assert [sorted(map(repr, pa.Table.from_batches(s).to_pylist())) for s in streams] == [first] * 2
    assert ("physical plan" if plan._physical is not None else "logical plan alone") == kept


def _rows(plan) -> list[str]:
    return sorted(map(repr, pa.Table.from_batches(plan.stream()).to_pylist()))


def test_a_physical_plan_is_made_anew_now_and_then(rows, monkeypatch) -> None:
    monkeypatch.setattr(plans, "_MOST_RUNS", 3)
    tables = {T: Snapshot(ROWS)}
    found = {tuple(rows("SELECT sum(n) FROM public.t", tables)) for _ in range(10)}
    assert found == {((4950,),)}


def test_a_changed_table_changes_what_is_counted(rows) -> None:
    sql = "SELECT count(*), max(n) FROM public.t"
    assert rows(sql, {T: Snapshot(ROWS)}) == rows(sql, {T: Snapshot(ROWS)}) == [(100, 99)]
    assert rows(sql, {T: Snapshot(ROWS.slice(0, 10))}) == [(10, 9)]


# Over few rows a plan is collected at once, over many it is streamed: the rows are the same.
SHAPES = (
    'SELECT a, a * 2 AS b FROM "s"."t"',
    'SELECT a FROM "s"."t" WHERE a % 3 = 1 LIMIT 4 OFFSET 2',
    'SELECT a % 7 AS k, count(*) AS n FROM "s"."t" GROUP BY 1 ORDER BY k DESC LIMIT 3',
    'SELECT DISTINCT a % 7 AS k FROM "s"."t" ORDER BY k',
    'SELECT a FROM "s"."t" WHERE a < 5 UNION ALL SELECT a FROM "s"."t" WHERE a < 3',
    'SELECT count(*) AS n FROM "s"."t" AS x JOIN "s"."t" AS y ON x.a = y.a + 1',
    'SELECT a, value FROM "s"."t", generate_series(1, 2) WHERE a < 2 ORDER BY a, value',
)


@pytest.mark.parametrize("sql", SHAPES)
def test_few_rows_are_as_many_would_be(session, monkeypatch, sql: str) -> None:
    name, table = TableName("s", "t"), Snapshot(pa.table({"a": list(range(100))}))

    def rows() -> list[dict[str, Any]]:
        return [row for b in session.plan(sql, {name: table}).stream() for row in b.to_pylist()]

    few = [rows() for _ in range(3)]
    monkeypatch.setattr("gateway.engine.reading.FEW_ROWS", 0)
    session._plans.clear()
    assert few == [rows()] * 3


def test_what_may_last_is_never_collected(session) -> None:
    name, table = TableName("s", "t"), Snapshot(pa.table({"a": list(range(100))}))
    quick = {
        'SELECT a FROM "s"."t" WHERE a > 3': True,
        'SELECT sum(a) AS s FROM "s"."t"': True,
        'SELECT a, random() AS r FROM "s"."t"': False,
        'SELECT a, value FROM "s"."t", generate_series(1, 2)': False,
        'SELECT x.a FROM "s"."t" AS x, "s"."t" AS y': False,
        'SELECT a FROM "s"."t" WHERE a = (SELECT max(a) FROM "s"."t")': False,
    }
    assert {sql: session.plan(sql, {name: table}).is_short for sql in quick} == quick
