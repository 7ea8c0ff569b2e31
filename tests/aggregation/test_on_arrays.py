"""Aggregates computed on arrays are those that the engine computes row by row."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xarray
from hypothesis import given

from gateway.aggregation import planning, recognising
from gateway.engine.embedded import Embedded
from gateway.engine.interface import Plan
from gateway.errors import DatasetUnreadable, GatewayError
from gateway.rewrite import rewrite
from gateway.session.queries import grid_planning
from gateway.sources.aggregates import partials, reducing, regions
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName, columns_of
from gateway.sql.lowered.printing import to_engine
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.text.dialect import parse
from gateway.types import from_arrow
from tests.aggregation.queries import datasets, queries, same
from tests.examples import examples

NAME = TableName("public", "t")
ENGINE = Embedded(1).new_session()


@pytest.fixture(autouse=True, scope="module")
def small_tables_too() -> Any:
    """Tables of a few rows are cut into blocks and pieces as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid_planning, "FEWEST_ROWS", 0)
        patch.setattr(recognising, "FEWEST_ROWS", 0)
        patch.setattr(grid, "BLOCK_ROWS", 40)
        patch.setattr(regions, "PIECE_VALUES", 11)
        patch.setattr(partials, "REGION_GROUPS", 12)
        patch.setattr(partials, "PART_ROWS", 1)
        patch.setattr(reducing, "TILE_VALUES", 8)
        yield


def planned(sql: str, table: Table, arrays: bool, values: list[pa.Scalar] | None = None) -> Plan:
    columns = {
        name: ColumnInfo(from_arrow(kind), nan=False) for name, kind in columns_of(table).items()
    }
    relation = Relation(NAME, columns)
    tree = rewrite(parse(sql)[0], lambda schema, name: relation).tree
    tables: Mapping[TableName, Table] = {NAME: table}
    return grid_planning.plan_over_grids(
        ENGINE, tree, to_engine(tree), tables, values or [], "", arrays
    )


def rows(plan: Plan) -> tuple[pa.Schema, list[tuple[Any, ...]]]:
    batches = list(plan.stream())
    found = pa.Table.from_batches(batches, plan.schema).to_pydict()
    return plan.schema, sorted(zip(*found.values(), strict=True), key=_order)


def _order(row: tuple[Any, ...]) -> str:
    return str([None if isinstance(value, float) else value for value in row]) + str(
        [round(value, 3) if isinstance(value, float) else None for value in row]
    )


def check(sql: str, table: Table, on_arrays: bool | None = True, scale: float = 1e6) -> None:
    """The same rows and types, or the same refusal, on arrays and row by row."""
    plan = planned(sql, table, arrays=True)
    if on_arrays is not None:
        assert isinstance(plan, planning.Attempt) is on_arrays, sql
    try:
        schema, expected = rows(planned(sql, table, arrays=False))
    except GatewayError as error:
        with pytest.raises(type(error)) as raised:
            rows(plan)
        assert str(raised.value) == str(error)
        return
    own, found = rows(plan)
    assert own.types == schema.types and own.names == schema.names
    assert len(found) == len(expected), sql
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert same(a, b, scale), (sql, one, other)


@examples(60)
@given(datasets(), queries())
def test_any_aggregate_is_the_same_on_arrays(dataset: xarray.Dataset, sql: str) -> None:
    check(sql, GridTable(dataset, ["a", "b", "n"], name="t"), on_arrays=None)


@pytest.fixture(scope="module")
def table() -> GridTable:
    random = np.random.default_rng(5)
    shape = (12, 5, 4)
    values = random.normal(0, 2, shape).astype("f4")
    values[random.random(shape) < 0.1] = np.nan
    dims = ("time", "lat", "lon")
    return GridTable(
        xarray.Dataset(
            {
                "a": (dims, values),
                "b": (dims, random.normal(50, 9, shape)),
                "n": (dims, random.integers(0, 4, shape).astype("i4")),
                "w": (dims, random.integers(-(2**53), 2**53, shape)),
                "far": (dims, np.full(shape, 2**62)),
                "seen": (dims, random.random(shape) < 0.5),
                "flat": (("lon", "time", "lat"), np.moveaxis(np.abs(values), 2, 0)),
            },
            {
                "time": np.datetime64("2000-01-01", "ns") + np.arange(12) * np.timedelta64(9, "D"),
                "lat": np.linspace(60, -60, 5, dtype="f4"),
                "place": ("lon", ["x", "y", "x", "z"]),
            },
        ),
        ["a", "b", "n", "w", "far", "seen", "flat"],
        name="t",
    )


ON_ARRAYS = [
    "SELECT count(*) FROM t",
    "SELECT count(*), sum(a), count(a) FROM t WHERE lat > 100",
    "SELECT lat, count(*) FROM t WHERE time > '2010-01-01' GROUP BY lat",
    "SELECT lat, count(*), sum(a) FROM t WHERE a > 1e9 GROUP BY lat",
    "SELECT place, avg(a), count(seen), min(n), max(n), sum(n), avg(n) FROM t GROUP BY place",
    "SELECT lat, sum(w), avg(w), sum(w) FILTER (WHERE b > 50), sum(lat) FROM t GROUP BY lat",
    "SELECT sum(w), sum(w) FILTER (WHERE b > 1e9), max(w) FROM t WHERE time > '2000-02-01'",
    "SELECT lon, sum(a), avg(b) FROM t GROUP BY lon",
    "SELECT place, extract(month FROM time), lat, sum(flat) FROM t GROUP BY 1, 2, 3",
    "SELECT lat AS l, avg(a) * 2 + max(b) AS x FROM t GROUP BY l HAVING min(b) < 45",
    "SELECT avg(b * cos(radians(lat))) / avg(cos(radians(lat))) FROM t",
    "SELECT -lat, sum(b), rank() OVER (ORDER BY sum(b)) FROM t GROUP BY lat",
    "SELECT sum(a), sum(1), sum(2.5::float8), count(1), avg(lat), max(lat), count(place) FROM t",
    "SELECT max(m) FROM (SELECT lat, avg(a) AS m FROM t GROUP BY lat) AS s WHERE lat > 0",
    "WITH m AS (SELECT time, avg(a) AS m FROM t GROUP BY time) SELECT avg(m), count(*) FROM m",
    "SELECT t.lat, avg(t.a) FROM t GROUP BY t.lat ORDER BY avg(t.a) LIMIT 2",
    "SELECT avg(CASE WHEN a IS NULL THEN b ELSE a END), avg(coalesce(a, b)) FROM t",
    "SELECT date_trunc('month', time), var_samp(b), stddev(a) FROM t GROUP BY 1",
    "SELECT lat, stddev(b) FROM t WHERE time = '2000-01-10' AND place = 'z' GROUP BY lat",
    "SELECT sum(a) FILTER (WHERE b > 50), count(*) FILTER (WHERE seen) FROM t",
    "SELECT avg(grad(a * a * b, a)), avg(grad(sin(b::double precision), b)) FROM t",
    "SELECT count(*) FILTER (WHERE a IS NOT NULL), sum(CASE WHEN a IS NOT NULL THEN b END) FROM t",
    "SELECT lat, sum(b) FROM t WHERE a IS NOT NULL GROUP BY lat",
    "SELECT lat FROM t WHERE seen GROUP BY lat",
    # no column is read: what is asked of constants is asked of every row all the same
    "SELECT sum(-(-(2))), avg(1.5::float8), sum(2) FILTER (WHERE 1 > 2) FROM t",
    "SELECT place, lat, avg(-1.5::float8), stddev(3::float8), count(*) FROM t GROUP BY place, lat",
    "SELECT sum(2) + count(*) FROM t WHERE lat > 0",
    "SELECT count(*), sum(3) FROM t WHERE 1 > 2",
]


@pytest.mark.parametrize("sql", ON_ARRAYS)
def test_these_are_computed_on_arrays(table: GridTable, sql: str) -> None:
    check(sql, table, scale=1e3)


# Arrays find values about which only the engine can tell: NaN that is not NULL, or an error.
GIVEN_UP = [
    "SELECT sum(sqrt(a)) FROM t",
    "SELECT lat, avg(ln(b - 50)) FROM t GROUP BY lat",
    "SELECT sum(power(a - a, -1)) FROM t",
    "SELECT max(acos(b)) FROM t",
    "SELECT sum(a) FROM t WHERE ln(b - 50) > 1",
    "SELECT stddev(b / (n - n::double precision)) FROM t",
    "SELECT avg(CASE WHEN a > 0 THEN sqrt(a) ELSE 0 END) FROM t",
    "SELECT stddev(b * 1e200::double precision) FROM t",  # squares beyond all numbers
    "SELECT lat, sum(far) FROM t GROUP BY lat",  # beyond bigint
    "SELECT lat, time, var_pop(b * 1e300::double precision) FROM t GROUP BY lat, time",
]


@pytest.mark.parametrize("sql", GIVEN_UP)
def test_the_engine_has_what_arrays_do_not_tell(table: GridTable, sql: str) -> None:
    plan = planned(sql, table, arrays=True)
    assert isinstance(plan, planning.Attempt)
    check(sql, table, scale=1e3)
    for _ in range(2):
        with contextlib.suppress(GatewayError):
            list(plan.stream())
        assert plan.gave_up


THE_ENGINES = [
    "SELECT lat, median(a) FROM t GROUP BY lat",
    "SELECT count(DISTINCT a) FROM t",
    "SELECT n, avg(a) FROM t GROUP BY n",
    "SELECT lat + n, avg(a) FROM t GROUP BY 1",
    "SELECT sum(n + 1), avg(n / 2) FROM t",
    "SELECT avg(x.a) FROM t AS x, t AS y WHERE x.lat = y.lat",
    "SELECT avg(a) FROM t UNION ALL SELECT avg(b) FROM t",
    "SELECT max(time), min(lat) FROM t",
    "SELECT lat, lon, sum(a) FROM t GROUP BY ROLLUP (lat, lon)",
    "SELECT sum(a) OVER (PARTITION BY lat) FROM t",
    "SELECT avg(a) FROM (SELECT * FROM t ORDER BY b LIMIT 7) AS s",
    "SELECT string_agg(place, ',' ORDER BY place) FROM t WHERE lat = 0 AND time = '2000-01-01'",
    "SELECT count(*) FROM t WHERE place || 'y' = 'xy' OR n = 2",
    "SELECT sum(round(b)) FROM t",
]


@pytest.mark.parametrize("sql", THE_ENGINES)
def test_these_are_left_to_the_engine(table: GridTable, sql: str) -> None:
    check(sql, table, on_arrays=False)


@pytest.mark.parametrize("key", ["lat", "lat, lon", "-lat", "lat * 0"])
def test_zeros_of_both_signs_are_one_group(key: str) -> None:
    """The variance of all is not that within both: they must be one group from the first on."""
    values = np.arange(24.0).reshape(3, 8) ** 2
    dataset = xarray.Dataset(
        {"a": (("lat", "lon"), values)}, {"lat": [0.0, -0.0, 1.0], "lon": [0.0, 1, 2, 3] * 2}
    )
    grid = GridTable(dataset, ["a"], name="t")
    check(f"SELECT {key}, stddev(a), count(*), sum(a) FROM t GROUP BY {key}", grid, scale=1e3)


def test_parameters_are_numbers_of_their_type(table: GridTable) -> None:
    sql = "SELECT lat, sum(a * $1), count(*) FROM t WHERE b > $2 AND lat < $3 GROUP BY lat"
    values = [pa.scalar(2.5, pa.float32()), pa.scalar(45), pa.scalar(20.0)]
    plan = planned(sql, table, True, values)
    assert isinstance(plan, planning.Attempt)
    assert rows(plan) == rows(planned(sql, table, False, values))
    none = [pa.scalar(None, pa.float32()), *values[1:]]
    assert rows(planned(sql, table, True, none)) == rows(planned(sql, table, False, none))


def test_few_rows_a_group_are_left_to_the_engine(
    table: GridTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognising, "FEWEST_ROWS", 4)
    check("SELECT time, lat, lon, sum(a) FROM t GROUP BY time, lat, lon", table, on_arrays=False)
    check("SELECT time, lat, sum(a) FROM t GROUP BY time, lat", table, on_arrays=True)


def test_a_key_that_is_asked_for_above_prunes_chunks(table: GridTable) -> None:
    sql = "SELECT * FROM (SELECT lat, avg(a) AS m FROM t GROUP BY lat) AS s WHERE lat = 60"
    ENGINE.begin()
    found = rows(planned(sql, chunked(table), True))[1]
    (reads,) = ENGINE.reads.values()
    assert (reads.read, reads.total) == (1, 5)
    assert found == rows(planned(sql, table, False))[1]


def chunked(table: GridTable) -> GridTable:
    """The same rows, one latitude in a chunk."""
    dataset = xarray.Dataset(
        {"a": (table.dims, column_values(table, "a"))}, {"lat": table.axis("lat").to_numpy()}
    )
    dataset["a"].encoding["preferred_chunks"] = {"time": 12, "lat": 1, "lon": 4}
    return GridTable(dataset, ["a"], name="t")


def column_values(table: GridTable, name: str) -> Any:
    blocks = [b for p in table.partitions(None) for b in p.scan([name], None)]
    return pa.Table.from_batches(blocks).column(0).to_numpy().reshape(12, 5, 4)


def test_a_chunk_that_cannot_be_read_is_named(table: GridTable) -> None:
    class Broken(Exception):
        pass

    class Unreadable(xarray.backends.BackendArray):  # type: ignore[misc]
        shape, dtype = (12,), np.dtype("f4")

        def __getitem__(self, key: Any) -> Any:
            raise Broken("the disk is gone")

    lazy = xarray.Variable("time", xarray.core.indexing.LazilyIndexedArray(Unreadable()))
    broken = GridTable(xarray.Dataset({"a": lazy}), ["a"], name="far")
    with pytest.raises(DatasetUnreadable, match='variable "a" of dataset "far"') as raised:
        rows(planned("SELECT avg(a) FROM t", broken, True))
    assert raised.value.detail == "At time 0 to 11: the disk is gone"
