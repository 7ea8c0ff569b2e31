"""Plans that a session keeps for its queries over grids, and when they are made anew."""

from __future__ import annotations

from itertools import count
from typing import Any, cast

import numpy as np
import xarray

from gateway.engine.interface import Plan
from gateway.session.queries.grid_planning import MOST_PLANS, KeptGridPlans
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName

NAME = TableName("public", "g")


def grid() -> GridTable:
    return GridTable(xarray.Dataset({"v": ("x", np.arange(3.0))}, {"x": [1, 2, 3]}), ("x",))


class Made:
    """Makes a new plan at each call, and says how often it did."""

    def __init__(self) -> None:
        self.plans = KeptGridPlans()
        self.numbers = count(1)

    def find(self, standing: str, table: object) -> tuple[int, bool]:
        plan, kept = self.plans.find(
            standing, {NAME: cast(Table, table)}, lambda: cast(Plan, next(self.numbers))
        )
        return cast(Any, plan), kept


def test_a_plan_is_kept_while_its_table_is_the_same() -> None:
    made, table = Made(), grid()
    assert [made.find("a", table) for _ in range(3)] == [(1, False), (1, True), (1, True)]
    assert made.find("b", table) == (2, False)
    assert made.find("a", grid()) == (3, False)
    assert made.find("a", table) == (4, False)  # one plan for one text


def test_what_makes_its_rows_when_asked_is_planned_each_time() -> None:
    made, listing = Made(), object()
    assert [made.find("a", listing) for _ in range(2)] == [(1, False), (2, False)]


def test_the_one_used_least_lately_makes_room() -> None:
    made, table = Made(), grid()
    for number in range(MOST_PLANS):
        made.find(str(number), table)
    assert made.find("0", table) == (1, True)
    made.find("one more", table)
    assert made.find("0", table) == (1, True)
    assert made.find("1", table)[1] is False
