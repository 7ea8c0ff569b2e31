"""Plans over few rows in memory that are run again and again give the same rows each time."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gateway.engine import plans
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


def test_a_physical_plan_is_made_anew_now_and_then(rows, monkeypatch) -> None:
    monkeypatch.setattr(plans, "_MOST_RUNS", 3)
    tables = {T: Snapshot(ROWS)}
    found = {tuple(rows("SELECT sum(n) FROM public.t", tables)) for _ in range(10)}
    assert found == {((4950,),)}


def test_a_changed_table_changes_what_is_counted(rows) -> None:
    sql = "SELECT count(*), max(n) FROM public.t"
    assert rows(sql, {T: Snapshot(ROWS)}) == rows(sql, {T: Snapshot(ROWS)}) == [(100, 99)]
    assert rows(sql, {T: Snapshot(ROWS.slice(0, 10))}) == [(10, 9)]


VALUES = (
    *(pa.scalar(value, pa.string()) for value in ("7", "it's", "NULL", "a\0b", "", None)),
    *(pa.scalar(value, pa.int64()) for value in (7, -7, None)),
    *(pa.scalar(value, pa.int32()) for value in (7, None)),
    *(pa.scalar(value) for value in (7.0, float("inf"), True)),
)


def test_a_plan_is_kept_for_its_values_alone(session, rows) -> None:
    tables = {T: Snapshot(ROWS)}
    for _ in range(3):
        for value in VALUES:
            plan = session.plan("SELECT $1 AS v, count(*) AS n FROM public.t", tables, [value])
            batch = pa.Table.from_batches(plan.stream())
            assert batch["v"].to_pylist() == [value.as_py()] and batch["v"].type == value.type
    assert session.plans_found >= 2 * (len(VALUES) - 1)
    fewer = {T: Snapshot(ROWS.slice(0, 10))}
    assert rows("SELECT count(*) FROM public.t WHERE n > $1", tables, [pa.scalar(7)]) == [(92,)]
    assert rows("SELECT count(*) FROM public.t WHERE n > $1", fewer, [pa.scalar(7)]) == [(2,)]
