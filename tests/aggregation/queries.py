"""Random datasets and random aggregate queries over them, for comparing two ways to answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray
from hypothesis import strategies as st

DIMS = ("time", "lat", "member")


@st.composite
def datasets(draw: st.DrawFn) -> xarray.Dataset:
    """Up to three dimensions; reals of both precisions with gaps, whole numbers, a land mask."""
    sizes = {dim: draw(st.integers(0, 9), label=dim) for dim in DIMS}
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = tuple(sizes.values())
    single = random.normal(0, 3, shape).astype("f4")
    double = random.normal(100, 30, shape)
    gaps = draw(st.sampled_from([0.0, 0.2, 1.0]))
    single[random.random(shape) < gaps] = np.nan
    double[random.random(shape) < gaps / 2] = np.nan
    latitudes = np.linspace(-80, 80, sizes["lat"])
    if draw(st.booleans()) and sizes["lat"]:
        latitudes[random.integers(0, sizes["lat"])] = np.nan
    return xarray.Dataset(
        {
            "a": (DIMS, single),
            "b": (DIMS, double),
            "n": (DIMS, random.integers(-9, 9, shape).astype("i2")),
            "area": ("lat", random.random(sizes["lat"])),
        },
        {
            "time": pd.date_range("2000-01-25", periods=sizes["time"], freq="7D").values,
            "lat": latitudes,
            "season": ("time", random.integers(0, 3, sizes["time"]).astype("i4")),
        },
    )


_LEAVES = ["a", "b", "lat", "n", "2", "0.5", "3", "lat::real", "b::real"]
_UNARY = [
    "-({})",
    "abs({})",
    "floor({})",
    "({})::double precision",
    "sin(({})::double precision)",
    "exp(({})::double precision / 100)",
    "power({}, 2)",
    "power({}, 3)",
    "({}) * 2.5",
]
_BINARY = [
    "({}) + ({})",
    "({}) - ({})",
    "({}) * ({})",
    "coalesce({}, {})",
    "greatest({}, {})",
    "least({}, {})",
    "nullif({}, {})",
    "({}) / (abs({}) + 1)",
]


def reals(depth: int = 2) -> st.SearchStrategy[str]:
    """An expression that is a real number, wherever it is not NULL."""
    if depth == 0:
        return st.sampled_from(_LEAVES)
    inner = reals(depth - 1)
    return st.one_of(
        st.sampled_from(["a", "b"]),
        st.builds(str.format, st.sampled_from(_UNARY), inner),
        st.builds(str.format, st.sampled_from(_BINARY), st.sampled_from(["a", "b"]), inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, conditions(), st.just("b"), inner),
    )


def conditions() -> st.SearchStrategy[str]:
    """A condition on values."""
    simple = st.sampled_from(
        ["a > 0", "b BETWEEN 90 AND 130", "a IS NULL", "a IS NOT NULL",
         "a < b - 100", "n = 3", "n IN (1, 2, 5)",
         "a * a > 4.5", "NOT b > 100", "a >= 1 OR b < 80", "a > 0 AND b > 100"]
    )  # fmt: skip
    return simple


KEYS = [
    "lat",
    "time",
    "member",
    "season",
    "date_trunc('month', time)",
    "extract(month FROM time)",
    "floor(lat / 45)",
    "(time + interval '6 hours')::date",
    "lat > 0",
    "CASE WHEN season = 1 THEN 'x' END",
]
PLACES = [
    "lat > -30",
    "time >= '2000-02-15'",
    "season <> 1",
    "extract(month FROM time) = 2",
    "member IN (0, 2, 3)",
    "lat IS NOT NULL",
    "time::date <> '2000-02-08'",
]


@st.composite
def aggregates(draw: st.DrawFn) -> str:
    """A call of an aggregate."""
    name = draw(st.sampled_from(["sum", "avg", "count", "min", "max", "stddev", "var_pop",
                                 "var_samp", "stddev_pop", "count(*)", "whole"]))  # fmt: skip
    if name == "count(*)":
        call = name
    elif name == "whole":
        call = draw(st.sampled_from(["sum(n)", "avg(n)", "min(n)", "max(n)", "count(n)"]))
    else:
        call = f"{name}({draw(reals())})"
    if draw(st.integers(0, 4)) == 0:
        call += f" FILTER (WHERE {draw(conditions())})"
    return call


@st.composite
def queries(draw: st.DrawFn) -> str:
    """SELECT keys and aggregates, under conditions."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    asked = draw(st.lists(aggregates(), min_size=1, max_size=3))
    where = draw(st.lists(st.sampled_from(PLACES), max_size=2, unique=True))
    if draw(st.integers(0, 2)) == 0:
        where.append(draw(conditions()))
    items = [f"{key} AS k{n}" for n, key in enumerate(keys)]
    items += [f"{call} AS v{n}" for n, call in enumerate(asked)]
    sql = f"SELECT {', '.join(items)} FROM t"
    if where:
        sql += " WHERE " + " AND ".join(f"({each})" for each in where)
    if keys:
        sql += " GROUP BY " + ", ".join(
            draw(st.sampled_from([key, f"k{n}", str(n + 1)])) for n, key in enumerate(keys)
        )
        if draw(st.booleans()):
            sql += " HAVING count(*) > 1"
    return sql


def same(one: Any, other: Any, scale: float) -> bool:
    """Whether two values are the same within the last digits of sums of about `scale`."""
    if isinstance(one, float) and isinstance(other, float):
        if np.isnan(one) or np.isnan(other):
            return bool(np.isnan(one) and np.isnan(other))
        return one == other or abs(one - other) <= 1e-12 * max(abs(one), abs(other), scale)
    return type(one) is type(other) and bool(one == other)
