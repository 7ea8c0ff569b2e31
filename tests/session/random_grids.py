"""Random grids and random queries over them, for comparing every way to answer one."""

from __future__ import annotations

from dataclasses import dataclass

import cftime
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray
from hypothesis import strategies as st

from tests.aggregation.queries import conditions, reals

DIMS = ("time", "lat", "member")


@st.composite
def grids(draw: st.DrawFn) -> xarray.Dataset:
    """Three dimensions, some empty or of one position; coordinates rise, fall, repeat, have gaps.

    `a` and `b` are reals with NaN, zeros of both signs and infinities, `n` whole numbers; `member`
    counts, `season` and `place` lie on a dimension, `height` on two.
    """
    sizes = {dim: draw(st.integers(0, 6) | st.integers(2, 6), label=dim) for dim in DIMS}
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = tuple(sizes.values())
    values = {"a": random.normal(0, 3, shape).astype("f4"), "b": random.normal(100, 30, shape)}
    odd = draw(st.lists(st.sampled_from([np.nan, 0.0, -0.0, 4.0, -np.inf]), max_size=4))
    for each in values.values():
        for value in odd:
            each[random.random(shape) < 0.2] = value
    dataset = xarray.Dataset(
        {
            **{name: (DIMS, each) for name, each in values.items()},
            "n": (DIMS, random.integers(-2, 4, shape).astype("i2")),
        },
        {
            "time": _times(draw, sizes["time"], random),
            "lat": _latitudes(draw, sizes["lat"], random),
            "season": ("time", random.integers(0, 3, sizes["time"]).astype("i4")),
            "place": ("member", np.array(["x", "y", "z", "x", "y", "y"][: sizes["member"]])),
            "height": (("lat", "member"), random.integers(0, 9, shape[1:]).astype("f8")),
        },
    )
    for name in ("a", "b", "n"):
        lengths = {dim: draw(st.integers(1, 3)) for dim in DIMS}
        dataset[name].encoding["preferred_chunks"] = lengths
    return dataset


def _latitudes(draw: st.DrawFn, size: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    kind = draw(st.sampled_from(["rising", "falling", "repeated", "gaps", "zeros"]))
    found = np.linspace(-80, 80, size) if size != 1 else np.array([0.0])
    if kind == "falling":
        found = found[::-1].copy()
    elif kind == "repeated" and size:
        found = random.choice(found, size)
    elif kind == "gaps" and size:
        found[random.integers(0, size)] = np.nan
    elif kind == "zeros" and size > 1:
        found[:2] = 0.0, -0.0
    return found


def _times(draw: st.DrawFn, size: int, random: np.random.Generator) -> npt.NDArray[np.generic]:
    kind = draw(st.sampled_from(["rising", "falling", "repeated", "gaps", "julian", "noleap"]))
    if kind in ("julian", "noleap"):
        first = cftime.datetime(2000, 1, 25, calendar=kind)
        step = pd.Timedelta("7D").to_pytimedelta()
        found: npt.NDArray[np.generic] = np.array([first + n * step for n in range(size)], "O")
        return found
    found = pd.date_range("2000-01-25", periods=size, freq="7D").to_numpy()
    if kind == "falling":
        found = found[::-1].copy()
    elif kind == "repeated" and size:
        found = np.sort(random.choice(found, size))
    elif kind == "gaps" and size:
        found = found.copy()
        found[random.integers(0, size)] = np.datetime64("NaT")
    return found


COLUMNS = ["time", "lat", "member", "season", "place", "height", "a", "b", "n"]
ON_COORDINATES = [
    "lat > -30", "lat <= 0", "lat = 0", "lat IN (-80, 0, 80, 16)", "lat BETWEEN -50 AND 50",
    "lat IS NULL", "lat IS NOT NULL", "lat NOT IN (0, 80)", "NOT lat < 0", "abs(lat) > 30",
    "time >= '2000-02-15'", "time = '2000-02-01'", "time IS NULL", "time::date <> '2000-02-08'",
    "extract(month FROM time) = 2", "date_trunc('month', time) = '2000-02-01'",
    "time IN ('2000-01-25', '2000-02-08')", "time < '2000-02-10' OR time IS NULL",
    "member = 1", "member IN (0, 2, 3)", "member >= 1", "member % 2 = 0", "member <> 1",
    "season <> 1", "season = 1 OR member = 0", "place = 'y'", "place LIKE 'x%'",
    "place IN ('x', 'z')", "height > 4", "height = member", "season + member > 2", "1 = 1",
    "1 > 2", "NULL", "lat = 'NaN'", "lat > 'infinity'",
]  # fmt: skip
KEYS = [
    "lat", "time", "member", "season", "place", "date_trunc('month', time)",
    "extract(month FROM time)", "floor(lat / 45)", "time::date", "lat > 0", "-member",
    "CASE WHEN season = 1 THEN 'x' END", "coalesce(lat, 1)",
]  # fmt: skip


@dataclass(frozen=True)
class Query:
    """A query over `t`, and over `k` maybe; how its rows must be sorted.

    Args:
        sql: The query.
        whole: The same without LIMIT and OFFSET, where rows of one rank may come in any order;
            None: all rows come.
        order: For each key the number of the column and whether it descends.
    """

    sql: str
    whole: str | None = None
    order: tuple[tuple[int, bool], ...] = ()


def where() -> st.SearchStrategy[str]:
    """WHERE, or nothing."""
    coordinates = st.lists(st.sampled_from(ON_COORDINATES), max_size=2, unique=True)
    values = st.one_of(st.just([]), st.just([]), st.lists(conditions(), max_size=1))
    return st.builds(
        lambda *parts: " AND ".join(f"({each})" for part in parts for each in part),
        coordinates,
        values,
    ).map(lambda found: f" WHERE {found}" if found else "")


@st.composite
def rows(draw: st.DrawFn) -> Query:
    """Rows of the grid, sorted or not, all or some."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=4, unique=True))
    keys = draw(st.lists(st.sampled_from(columns), max_size=2, unique=True))
    distinct = draw(st.sampled_from(["", "", "", "DISTINCT "]))
    sql = f"SELECT {distinct}{', '.join(columns)} FROM t{draw(where())}"
    downs = [draw(st.booleans()) for _ in keys]
    if keys:
        sql += " ORDER BY " + ", ".join(
            f"{key}{' DESC' if down else ''}" for key, down in zip(keys, downs, strict=True)
        )
    order = tuple((columns.index(key), down) for key, down in zip(keys, downs, strict=True))
    if not draw(st.booleans()):
        return Query(sql, None, order)
    limit, offset = draw(st.integers(0, 12)), draw(st.sampled_from([0, 0, 3]))
    return Query(f"{sql} LIMIT {limit} OFFSET {offset}", sql, order)


@st.composite
def groups(draw: st.DrawFn) -> Query:
    """Aggregates of the grid."""
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True))
    call = st.one_of(
        st.builds("{}({})".format, st.sampled_from(
            ["sum", "avg", "count", "min", "max", "stddev", "var_pop"]), reals(1)),
        st.sampled_from(
            ["count(*)", "sum(n)", "min(time)", "max(lat)", "count(DISTINCT lat)", "count(time)",
             "count(DISTINCT a)", "count(DISTINCT season) FILTER (WHERE n > 0)", "bool_or(b > 100)",
             "max(season)", "avg(lat)", "min(place)", "count(DISTINCT n)", "median(b)"]),
    )  # fmt: skip
    asked = draw(st.lists(call, min_size=1, max_size=3))
    if draw(st.integers(0, 4)) == 0:
        asked[0] += f" FILTER (WHERE {draw(conditions())})"
    items = [f"{key} AS k{n}" for n, key in enumerate(keys)]
    items += [f"{each} AS v{n}" for n, each in enumerate(asked)]
    sql = f"SELECT {', '.join(items)} FROM t{draw(where())}"
    if keys:
        form = draw(st.sampled_from(["{}", "{}", "{}", "ROLLUP ({})", "CUBE ({})"]))
        sql += " GROUP BY " + form.format(", ".join(keys))
        having = [" HAVING count(*) > 2", f" HAVING {keys[0]} IS NOT NULL"]
        sql += draw(st.sampled_from(["", " ORDER BY 1", *having]))
    return Query(sql)


_JOINS = [
    "SELECT t.time, t.lat, t.member, k.m FROM t JOIN k ON t.{key} = k.{key}",
    "SELECT t.*, k.m FROM k JOIN t ON t.{key} = k.{key} AND k.m > 1",
    "SELECT t.*, k.m FROM k, t WHERE t.{key} = k.{key}",
    "SELECT t.*, k.m FROM t LEFT JOIN k ON t.{key} = k.{key}",
    "SELECT t.*, k.m FROM t RIGHT JOIN k ON t.{key} = k.{key}",
    "SELECT k.*, t.a FROM k FULL JOIN t ON t.{key} = k.{key}",
    "SELECT * FROM t WHERE {key} IN (SELECT {key} FROM k)",
    "SELECT * FROM t WHERE {key} NOT IN (SELECT {key} FROM k WHERE {key} IS NOT NULL)",
    "SELECT * FROM t WHERE {key} NOT IN (SELECT {key} FROM k)",
    "SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM k WHERE k.{key} = t.{key} AND k.m < 2)",
    "SELECT * FROM t WHERE {key} IN (SELECT {key} FROM k GROUP BY 1 HAVING sum(m * 0.5) < 1)",
    "SELECT * FROM t WHERE {key} = (SELECT max({key}) FROM k)",
    "SELECT * FROM t WHERE {key} = (SELECT max({key}) FROM k WHERE m > 7)",
    "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM k WHERE k.{key} = t.{key})",
    "SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM k WHERE k.{key} = t.{key})",
    "SELECT k.m, count(*), sum(t.b) FROM t JOIN k ON t.{key} = k.{key} GROUP BY k.m",
    "SELECT max(t.b - c.m), count(*) FROM t JOIN (SELECT {key}, avg(b) AS m FROM t "
    "GROUP BY {key}) AS c ON t.{key} = c.{key}",
    "SELECT t.lat, t.member, t.b - c.m AS x FROM t, (SELECT {key}, place, avg(b) AS m FROM t "
    "WHERE a > 0 GROUP BY {key}, place) AS c WHERE t.{key} = c.{key} AND t.place = c.place",
    "SELECT count(*), sum(x.b - y.b) FROM t AS x JOIN t AS y ON x.{key} = y.{key} "
    "AND x.member = y.member WHERE x.lat > 0",
    "SELECT time, a, m FROM t JOIN k USING ({key}) WHERE t.lat > 0",
    "WITH c AS (SELECT {key}, avg(b) AS m FROM t GROUP BY {key}) SELECT t.lat, b - c.m AS x FROM t "
    "LEFT JOIN k ON t.member = k.member AND k.m > 0 JOIN c ON t.{key} = c.{key} WHERE c.m > 0",
    "SELECT * FROM t WHERE b > 90 AND {key} IN (SELECT {key} FROM t WHERE a > 0 GROUP BY {key} "
    "HAVING avg(b) > 95)",
    "SELECT t.time, t.b, x.m, y.n FROM t JOIN k AS x ON t.lat = x.lat LEFT JOIN "
    "(SELECT {key}, count(*) AS n FROM t GROUP BY {key}) AS y ON t.{key} = y.{key} AND x.m > 0",
    "SELECT t.*, k.m FROM t JOIN k ON t.{key} >= k.{key} AND k.m < 2 AND t.member > k.member",
    "SELECT t.time, t.a, m FROM t, k WHERE t.{key} BETWEEN k.{key} AND k.{key} AND m + member < 4",
    "SELECT * FROM t WHERE {key} = (SELECT max({key}) FROM t)",
    "SELECT max(a), count(*) FROM t WHERE {key} > (SELECT min({key}) FROM t WHERE lat > 0)",
    "SELECT * FROM t WHERE {key} IN (SELECT DISTINCT {key} FROM t ORDER BY 1 DESC LIMIT 2)",
    "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM k WHERE k.{key} >= t.{key} AND m < t.season)",
    "SELECT x.a, y.b FROM t AS x JOIN t AS y ON x.{key} = y.{key} AND x.place = y.place "
    "WHERE x.lat > 0 AND y.lat <= 0 AND x.{key} IN (SELECT {key} FROM k)",
    "WITH f AS (SELECT {key} AS g, m FROM k WHERE m > 0) SELECT t.*, m FROM t JOIN f ON {key} = g",
    "SELECT t.time, t.{key}, c.{key} AS other, m, b - m AS x FROM t JOIN "
    "(SELECT {key}, min(b) AS m, count(a) AS o FROM t WHERE n > 0 GROUP BY {key}) AS c "
    "USING ({key}) WHERE b > m OR o > 2",
    "SELECT c.f, c.member, avg(a - m), count(*), max(c.m) FROM t JOIN "
    "(SELECT extract(month FROM time) AS f, member, max(a) AS m FROM t GROUP BY 1, 2) AS c "
    "ON c.f = extract(month FROM t.time) "
    "AND c.member = t.member GROUP BY 1, 2 HAVING count(*) > 1",
    "WITH c(k, m) AS (SELECT lat, sum(n) FROM t WHERE lat > 0 GROUP BY lat), d AS (SELECT place, "
    "avg(b) AS m FROM t GROUP BY place) SELECT s.k, s.{key}, d.m - s.m AS x FROM (SELECT c.k, "
    "t.place, t.{key}, c.m FROM c, t WHERE t.lat = c.k) AS s JOIN d ON s.place = d.place",
    "SELECT t.* FROM t NATURAL JOIN (SELECT min({key}) AS {key} FROM t WHERE n > 0) AS f",
    "SELECT t.a, f.x FROM t JOIN (SELECT {key}, max(season) AS x FROM t GROUP BY {key}) AS f "
    "USING ({key}) WHERE f.x > (SELECT count(*) FROM k WHERE k.m > 1)",
    "SELECT t.time, s.n FROM t LEFT JOIN (SELECT {key}, count(*) AS n FROM t WHERE b > 100 "
    "GROUP BY {key}) AS s ON t.{key} = s.{key}",
]


def joins() -> st.SearchStrategy[Query]:
    """The grid beside a small table `k` in memory, or beside itself."""
    return st.builds(
        lambda text, key: Query(text.format(key=key)),
        st.sampled_from(_JOINS),
        st.sampled_from(["time", "lat", "member"]),
    )


_ALONG = [
    "SELECT {c}, {call} AS d FROM t{w} ORDER BY {key} LIMIT {n}",
    "SELECT {call} AS d, lat FROM t{w}",
    "SELECT lat, avg({call}), count({call}), max(a * {call}) FROM t{w} GROUP BY lat",
    "SELECT sum({call}) FROM t{w}",
    "SELECT time, max(d) FROM (SELECT time, {call} AS d FROM t) AS s GROUP BY time",
    "SELECT lat, sum({call}) FROM t{w} GROUP BY ROLLUP (lat)",
    "SELECT grad({call} * b, b) AS d, member FROM t{w}",
    "SELECT avg(differentiate(grad(a * a * b, a), lat)) FROM t{w}",
    "SELECT lat, d FROM (SELECT lat, time, {call} AS d FROM t) AS s WHERE d > 0 AND lat > 0",
]


@st.composite
def along(draw: st.DrawFn) -> Query:
    """Derivatives and integrals along the grid, beside what is spared."""
    dim = draw(st.sampled_from(["lat", "member", "time"]))
    function = draw(st.sampled_from(["differentiate", "integrate"]))
    call = f"{function}(a, {dim})" if dim != "time" else f"{function}(a, time, 'D')"
    key = draw(st.sampled_from(["lat", "time", "member", "lat DESC", "time DESC", "member DESC"]))
    text = draw(st.sampled_from(_ALONG))
    parts = {"w": draw(where()), "key": key, "n": draw(st.integers(1, 9))}
    sql = text.format(c="time, lat, member", call=call, **parts)
    if "LIMIT" not in text:
        return Query(sql)
    whole, _, _ = sql.rpartition(" LIMIT ")
    name, down = key.split()[0], key.endswith("DESC")
    place = ["time", "lat", "member"].index(name)
    return Query(sql, whole, ((place, down),))
