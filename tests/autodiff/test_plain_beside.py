"""What stands beside a derivative has the value that it has alone."""

from __future__ import annotations

import math

import pytest

from tests.autodiff.relations import run

ROWS: dict[str, dict[str, list[object]]] = {
    "t": {
        "x": [-math.inf, -math.inf, 1.0, math.nan, 2.0],
        "y": [1.0, 1.0, 2.0, 3.0, math.inf],
        "n": [1, 1, 2, 2, 3],
    }
}
VALUES = ("max(x)", "min(x)", "var_pop(y)", "stddev_pop(y)", "regr_r2(n, y)", "regr_r2(y, y * n)")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "text",
    [
        "SELECT n, {} AS v FROM t GROUP BY n ORDER BY n",
        "SELECT v FROM (SELECT n, {} AS v FROM t GROUP BY n) AS q ORDER BY n",
    ],
)
def test_aggregates_of_what_is_at_an_edge(value: str, text: str) -> None:
    alone = text.format(value)
    beside = alone.replace(" AS v FROM t", " AS v, grad(sum(n * n), n) AS g FROM t")
    wanted = [row["v"] for row in run(alone, ROWS)]
    assert [row["v"] for row in run(beside, ROWS)] == pytest.approx(wanted, nan_ok=True)
