"""Windows over more rows of a grid than memory holds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray
from sqlglot import exp

from gateway.errors import OutOfMemory
from gateway.session.queries.held_windows import check_windows, rows_of
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

#    query                                                                  refused at the bound
WINDOWS = [
    ("SELECT avg(v) OVER () FROM g",                                        False),
    ("SELECT avg(v) OVER (PARTITION BY x) FROM g",                          True),
    ("SELECT x, t, count(*) OVER () FROM g",                                True),
    ("SELECT max(r) FROM (SELECT sum(v) FILTER (WHERE x > 1) OVER (PARTITION BY t) AS r FROM g) s",
                                                                            True),
    ("SELECT avg(v) OVER (PARTITION BY x) FROM g WHERE v > 2",              False),
    ("SELECT avg(v) OVER (PARTITION BY x ORDER BY t) FROM g",               False),
    ("SELECT avg(v) OVER (ORDER BY t ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM g", False),
    ("SELECT avg(v) OVER (ORDER BY t ROWS BETWEEN 2 PRECEDING AND UNBOUNDED FOLLOWING) FROM g",
                                                                            True),
    ("SELECT x, ntile(4) OVER (ORDER BY v) FROM g",                         True),
    ("SELECT x, cume_dist() OVER (PARTITION BY t ORDER BY v) FROM g",       True),
    ("SELECT x, last_value(v) OVER (PARTITION BY t) FROM g",                True),
    ("SELECT lag(v) OVER (PARTITION BY t) FROM g",                          False),
    ("SELECT row_number() OVER (PARTITION BY x, t) FROM g",                 False),
    ("SELECT x, t, sum(avg(v)) OVER (PARTITION BY t) FROM g GROUP BY x, t", False),
    ("SELECT x, avg(m) OVER () FROM (SELECT x, v AS m FROM g LIMIT 9) s",   False),
]  # fmt: skip


def test_rows_that_conditions_leave_are_counted() -> None:
    tree, tables = parse("SELECT avg(v) OVER (PARTITION BY x) FROM g WHERE v > 2")[0], TABLES
    asked, left = list[str](), [ROWS, ROWS // 2]

    def count(select: exp.Select) -> int:
        counting = rows_of(select)
        asked.append("" if counting is None else to_engine(counting))
        return left.pop()

    check_windows(tree, tables, BOUND * 10, count)
    check_windows(tree, tables, BOUND, count)
    with pytest.raises(OutOfMemory, match=f"over {ROWS} rows of g"):
        check_windows(tree, tables, BOUND, count)
    assert asked == ['SELECT count(*) FROM "g" WHERE "v" > 2'] * 2
    other = parse("SELECT v FROM g WHERE v > (SELECT max(v) FROM g)")[0]
    assert isinstance(other, exp.Select) and rows_of(other) is None


@pytest.mark.parametrize(("sql", "refused"), WINDOWS)
def test_whole_partitions_are_held(sql: str, refused: bool) -> None:
    tree, tables = parse(sql)[0], TABLES
    check_windows(tree, tables, None)
    check_windows(tree, tables, BOUND * 10)
    if not refused:
        check_windows(tree, tables, BOUND)
        return
    with pytest.raises(OutOfMemory) as raised:
        check_windows(tree, tables, BOUND)
    assert "; memory_bytes is 24 MiB" in raised.value.detail
