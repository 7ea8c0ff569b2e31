"""Windows over more rows of a grid than memory holds."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from gateway.errors import OutOfMemory
from gateway.session.queries.held_windows import check_windows
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import TableName
from gateway.sql.text.dialect import parse

ROWS = 1 << 20
GRID = GridTable(
    xarray.Dataset({"v": (("t", "x"), np.broadcast_to(0.0, (ROWS >> 8, 256)))}), ["v"], name="g"
)
BOUND = ROWS * 8 * 2

#    query                                                                  refused at the bound
WINDOWS = [
    ("SELECT avg(v) OVER () FROM g",                                        False),
    ("SELECT avg(v) OVER (PARTITION BY x) FROM g",                          True),
    ("SELECT x, t, count(*) OVER () FROM g",                                True),
    ("SELECT max(r) FROM (SELECT sum(v) FILTER (WHERE x > 1) OVER (PARTITION BY t) AS r FROM g) s",
                                                                            True),
    ("SELECT avg(v) OVER (PARTITION BY x) FROM g WHERE v > 2",              False),
    ("SELECT avg(v) OVER (PARTITION BY x ORDER BY t) FROM g",               False),
    ("SELECT row_number() OVER (PARTITION BY x, t) FROM g",                 False),
    ("SELECT x, t, sum(avg(v)) OVER (PARTITION BY t) FROM g GROUP BY x, t", False),
    ("SELECT x, avg(m) OVER () FROM (SELECT x, v AS m FROM g LIMIT 9) s",   False),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "refused"), WINDOWS)
def test_whole_partitions_are_held(sql: str, refused: bool) -> None:
    tree, tables = parse(sql)[0], {TableName("", "g"): GRID}
    check_windows(tree, tables, None)
    check_windows(tree, tables, BOUND * 10)
    if not refused:
        check_windows(tree, tables, BOUND)
        return
    with pytest.raises(OutOfMemory) as raised:
        check_windows(tree, tables, BOUND)
    assert "; memory_bytes is 16 MiB" in raised.value.detail
