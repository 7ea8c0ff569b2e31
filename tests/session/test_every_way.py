"""Whatever a query over a grid is spared, its rows are those of a table without any of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
import xarray
from hypothesis import given

from gateway.aggregation import recognising
from gateway.engine.embedded import Embedded
from gateway.errors import GatewayError
from gateway.rewrite import rewrite
from gateway.session.computation import with_derived
from gateway.session.queries import counted_apart, grid_planning
from gateway.sources.aggregates import partials, regions
from gateway.sources.grid import grid
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName, columns_of
from gateway.sql.lowered.printing import to_engine
from gateway.sql.names.relation import ColumnInfo, Relation
from gateway.sql.text.dialect import parse
from gateway.store.rows.snapshots import Snapshot
from gateway.types import from_arrow
from tests.aggregation.queries import same
from tests.examples import examples
from tests.session.random_grids import Query, along, grids, groups, joins, rows

T, K = TableName("public", "t"), TableName("public", "k")
ENGINE = Embedded(1, memory_bytes=1 << 30).new_session()
NEVER = 10**12

Row = tuple[Any, ...]
Answer = list[Row] | GatewayError


@pytest.fixture(autouse=True, scope="module")
def small_tables_too() -> Any:
    """Tables of a few rows are cut into blocks and pieces as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognising, "FEWEST_ROWS", 0)
        patch.setattr(counted_apart, "VALUE_BYTES", 1 << 30)
        patch.setattr(grid, "BLOCK_ROWS", 10)
        patch.setattr(regions, "PIECE_VALUES", 11)
        patch.setattr(partials, "REGION_GROUPS", 12)
        yield


def _info(kind: pa.DataType) -> ColumnInfo:
    return ColumnInfo(from_arrow(kind), nan=False)


def answered(sql: str, tables: Mapping[TableName, Table], spared: bool, arrays: bool) -> Answer:
    relations = {
        name: Relation(
            name, {n: ColumnInfo(from_arrow(k), nan=False) for n, k in columns_of(table).items()}
        )
        for name, table in tables.items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid_planning, "FEWEST_ROWS", 0 if spared else NEVER)
        try:
            found = rewrite(parse(sql)[0], lambda _, name: relations.get(TableName("public", name)))
            plan = grid_planning.plan_over_grids(
                ENGINE, found.tree, to_engine(found.tree), with_derived(found, tables), [], "",
                arrays,
            )  # fmt: skip
            # The third run is the second of a physical plan that is kept.
            batches = [list(plan.stream()) for _ in range(3 if spared else 1)][-1]
            columns = pa.Table.from_batches(batches, plan.schema).columns
        except GatewayError as error:
            return error
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def held(table: GridTable) -> Snapshot:
    """The same rows in memory."""
    schema = pa.schema([field.remove_metadata() for field in table.schema])
    batches = [b for p in table.partitions(None) for b in p.scan(schema.names, None)]
    return Snapshot(pa.Table.from_batches([pa.record_batch(b.columns, schema=schema)
                                           for b in batches], schema))  # fmt: skip


def keys(table: GridTable) -> Snapshot:
    """A small table of keys, some of which the grid has, and NULL."""
    days = table.axis("time").to_pylist()[:2]
    return Snapshot(
        pa.table(
            {
                "time": pa.array([*days, None], table.axis("time").type),
                "lat": pa.array([*[0.0, 80.0][: len(days)], -80.0]),
                "member": pa.array([*[1, 2][: len(days)], None], pa.int64()),
                "m": pa.array(range(len(days) + 1), pa.int64()),
            }
        )
    )


def _sortable(row: Row) -> tuple[str, Row, Row]:
    """Rows that are the same but for last digits, side by side."""
    others = [None if isinstance(value, float) else value for value in row]
    reals = [value if value == value else math.inf for value in row if isinstance(value, float)]
    return str(others), tuple(round(value, 3) + 0.0 for value in reals), tuple(reals)


def _rank(value: Any) -> Any:
    """NULL above NaN above all numbers; zeros of both signs are one number."""
    if value is None:
        return (2, 0, 0)
    if isinstance(value, float) and math.isnan(value):
        return (1, 0, 0)
    return (0, value, 0)


def _ranks(found: list[Row], query: Query) -> list[list[Any]]:
    return [[_rank(row[place]) for place, _ in query.order] for row in found]


def _is_sorted(found: list[Row], query: Query) -> bool:
    wanted = list(found)
    for place, down in reversed(query.order):
        wanted.sort(key=lambda row: _rank(row[place]), reverse=down)
    return _ranks(wanted, query) == _ranks(found, query)


def check(dataset: xarray.Dataset, query: Query, in_memory: bool) -> None:
    table = GridTable(dataset, ["a", "b", "n"], name="t")
    tables: dict[TableName, Table] = {T: table, K: keys(table)}
    wanted = answered(query.sql, tables, spared=False, arrays=False)
    whole = answered(query.whole or query.sql, tables, spared=False, arrays=False)
    ways = [answered(query.sql, tables, spared=True, arrays=arrays) for arrays in (False, True)]
    if in_memory:
        ways.append(answered(query.sql, {**tables, T: held(table)}, spared=False, arrays=False))
    for found in ways:
        if isinstance(wanted, GatewayError) or isinstance(found, GatewayError):
            assert (type(found), str(found)) == (type(wanted), str(wanted)), query.sql
            continue
        assert not isinstance(whole, GatewayError)
        assert len(found) == len(wanted), query.sql
        assert _is_sorted(found, query), query.sql
        assert _ranks(found, query) == _ranks(wanted, query), query.sql
        if query.whole is not None:  # which rows of one rank come is left open
            assert not Counter(map(_sortable, found)) - Counter(map(_sortable, whole)), query.sql
            continue
        pairs = zip(sorted(found, key=_sortable), sorted(wanted, key=_sortable), strict=True)
        for one, other in pairs:
            assert all(map(same, one, other, [1e4] * len(one))), (query.sql, one, other)


@examples(25)
@given(grids(), rows())
def test_rows(dataset: xarray.Dataset, query: Query) -> None:
    check(dataset, query, in_memory=True)


@examples(25)
@given(grids(), groups())
def test_groups(dataset: xarray.Dataset, query: Query) -> None:
    check(dataset, query, in_memory=True)


@examples(20)
@given(grids(), joins())
def test_joins(dataset: xarray.Dataset, query: Query) -> None:
    check(dataset, query, in_memory=True)


@examples(20)
@given(grids(), along())
def test_derivatives_along_the_grid(dataset: xarray.Dataset, query: Query) -> None:
    check(dataset, query, in_memory=False)  # rows in memory have no neighbours
