"""Windows over more rows than memory holds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from sqlglot import exp

from gateway.aggregation.coordinates import answer
from gateway.engine.embedded import Embedded
from gateway.errors import OutOfMemory
from gateway.session.queries.held_windows import within_memory
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import TableName
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.dialect import parse

ROWS = 1 << 20
GRID = GridTable(
    xarray.Dataset({"v": (("t", "x"), np.broadcast_to(0.0, (ROWS >> 8, 256)))}), ["v"], name="g"
)
BOUND = ROWS * 8 * 3
TABLES = {TableName("", "g"): GRID}
LEFT, FAR, ASKED, REFUSED = "as it is", "far", "far, once it was asked", "refused"

#    query                                                                  at the bound
WINDOWS = [
    ("SELECT avg(v) OVER () FROM g",                                        LEFT),
    ("SELECT avg(v) OVER (PARTITION BY x) FROM g",                          FAR),
    ("SELECT avg(v) OVER (PARTITION BY x) FROM g WHERE v > 2",              FAR),
    ("SELECT x, t, count(*) OVER () FROM g",                                REFUSED),
    ("SELECT max(r) FROM (SELECT sum(v) FILTER (WHERE x > 1) OVER (PARTITION BY t) AS r FROM g) s",
                                                                            FAR),
    ("SELECT avg(v) OVER (PARTITION BY floor(v)) AS x, t FROM g",           ASKED),
    ("SELECT x, array_agg(v) OVER (PARTITION BY t) FROM g",                 REFUSED),
    ("SELECT avg(v) OVER (PARTITION BY x ORDER BY t) FROM g",               LEFT),
    ("SELECT avg(v) OVER (ORDER BY t ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM g", LEFT),
    ("SELECT avg(v) OVER (ORDER BY t ROWS BETWEEN 2 PRECEDING AND UNBOUNDED FOLLOWING) FROM g",
                                                                            REFUSED),
    ("SELECT x, ntile(4) OVER (ORDER BY v) FROM g",                         REFUSED),
    ("SELECT x, cume_dist() OVER (PARTITION BY t ORDER BY v) FROM g",       REFUSED),
    ("SELECT x, last_value(v) OVER (PARTITION BY t) FROM g",                FAR),
    ("SELECT lag(v) OVER (PARTITION BY t) FROM g",                          LEFT),
    ("SELECT row_number() OVER (PARTITION BY x, t) FROM g",                 LEFT),
    ("SELECT x, t, sum(avg(v)) OVER (PARTITION BY t) FROM g GROUP BY x, t", ASKED),
    ("SELECT x, avg(m) OVER () FROM (SELECT x, v AS m FROM g LIMIT 9) s",   LEFT),
    ("SELECT x, avg(m) OVER (PARTITION BY x) FROM (SELECT x, v AS m FROM g) s", ASKED),
    ("WITH s AS (SELECT x, v AS m FROM g) SELECT x, avg(m) OVER (PARTITION BY x) FROM s", ASKED),
    ("SELECT h.x, avg(v) OVER (PARTITION BY h.x) FROM g JOIN g AS h USING (t, x)", ASKED),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), WINDOWS)
def test_whole_partitions_are_held_one_at_a_time_or_not_at_all(sql: str, expected: str) -> None:
    tree, asked = parse(sql)[0], list[str]()

    def count(query: exp.Expr) -> tuple[int, int]:
        asked.append(to_engine(query))
        return ROWS, ROWS >> 8

    assert within_memory(tree, TABLES, None, count) is tree
    assert within_memory(tree, TABLES, BOUND * 10, count) is tree and not asked
    if expected == REFUSED:
        with pytest.raises(OutOfMemory) as raised:
            within_memory(tree, TABLES, BOUND, count)
        assert "; memory_bytes is 24 MiB" in raised.value.detail
        return
    found = within_memory(tree, TABLES, BOUND, count)
    assert ("1000000000000 FOLLOWING" in to_engine(found)) == (expected != LEFT)
    assert len(asked) == (expected == ASKED)
    # No partition fits: then it is refused, or all of them do.
    if asked:
        with pytest.raises(OutOfMemory, match=f"over {ROWS} rows"):
            within_memory(tree, TABLES, BOUND, lambda _: (ROWS, ROWS))
        assert within_memory(tree, TABLES, BOUND, lambda _: (1, 1)) is tree


@pytest.mark.parametrize("sql", [
    "SELECT t, x, avg(v) OVER (PARTITION BY x) - v AS d FROM g ORDER BY 1, 2",
    "SELECT t, x, max(v) FILTER (WHERE v < 40) OVER (PARTITION BY v > 12) FROM g ORDER BY 1, 2",
    "SELECT t, avg(max(v)) OVER (PARTITION BY t % 2) FROM g GROUP BY 1 HAVING t > 0 ORDER BY 1",
    "WITH s AS (SELECT t, x + 1 AS x, v FROM g) SELECT s.t, s.x, count(*) OVER (PARTITION BY s.x),"
    " sum(s.v + g.v) OVER (PARTITION BY s.t) FROM s JOIN g USING (t, x) ORDER BY 1, 2",
])  # fmt: skip
def test_far_frames_give_the_same(sql: str) -> None:
    values = np.where(np.arange(60.0) % 7 == 3, np.nan, np.arange(60.0)).reshape(6, 10)
    grid = GridTable(xarray.Dataset({"v": (("t", "x"), values)}), ["v"], name="g")
    tables, engine = {TableName("public", "g"): grid}, Embedded().new_session()
    tree, told = parse(sql)[0], list[tuple[int, int]]()

    def count(query: exp.Expr) -> tuple[int, int]:
        found = answer(engine, query, tables, ())
        told.append((found.column(0)[0].as_py(), found.column(1)[0].as_py()))
        return 10**6, 1

    far = within_memory(tree, tables, 256, count)
    assert far is not tree
    found, expected = (answer(engine, query, tables, ()).columns for query in (far, tree))
    assert [c.to_pylist() for c in found] == [c.to_pylist() for c in expected]
    assert all(most < rows <= 60 for rows, most in told)
