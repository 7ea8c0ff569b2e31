"""Types inferred for open parameters, for every type a column can have."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gateway.engine.placeholders import inferred
from gateway.types import TYPES, array_of
from tests.engine.tables import MemoryPartition, MemoryTable, T

# A reg type has a name beside its number, and stands in the catalogue's columns alone.
SENDABLE = [row for row in TYPES if row.array_oid and not pa.types.is_struct(row.arrow)]
ARROW = sorted(
    {row.arrow for row in SENDABLE}
    | {array_of(row).arrow for row in SENDABLE}
    | {
        pa.int8(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float16(),
        pa.large_string(), pa.string_view(), pa.large_binary(), pa.date64(),
        pa.time32("s"), pa.time64("ns"), pa.duration("ns"), pa.decimal128(12, 2),
        pa.decimal256(50, 3), pa.timestamp("s"), pa.timestamp("ns"),
        pa.timestamp("us", "Europe/Rome"), pa.timestamp("us", "+00:00"),
        pa.list_(pa.timestamp("us", "UTC")),
    },
    key=str,
)  # fmt: skip


def column(arrow: pa.DataType) -> MemoryTable:
    batch = pa.record_batch([pa.array([], arrow)], [' odd "name", data_type: Int8, \\'])
    return MemoryTable([MemoryPartition([batch])])


@pytest.mark.parametrize("arrow", ARROW, ids=str)
def test_every_type_is_read_back(session, arrow: pa.DataType) -> None:
    name = '" odd ""name"", data_type: Int8, \\"'
    plan = session.plan(f"SELECT 1 AS v FROM public.t WHERE {name} = $1", {T: column(arrow)})
    assert plan.parameters == {1: arrow}


PLACES = {
    "SELECT x + $1 AS v FROM public.t": pa.float64(),
    "SELECT x FROM public.t WHERE x BETWEEN $1 AND 3": pa.float64(),
    "SELECT x FROM public.t WHERE x IN (1, $1)": pa.float64(),
    "SELECT x FROM public.t WHERE x IN (SELECT max(x) FROM public.t WHERE x > $1)": pa.float64(),
    "SELECT sum(x) AS v FROM public.t GROUP BY x HAVING sum(x) > $1": pa.float64(),
    "SELECT a.x FROM public.t a JOIN public.t b ON a.x = b.x AND a.x > $1": pa.float64(),
    "WITH q AS (SELECT x FROM public.t WHERE x = $1) SELECT x FROM q": pa.float64(),
    "WITH RECURSIVE q AS (SELECT x FROM public.t UNION ALL SELECT x + $1 FROM q WHERE x < 3) "
    "SELECT x FROM q": pa.float64(),
    "SELECT x + (SELECT max(x) + $1 FROM public.t) AS v FROM public.t": pa.float64(),
    "SELECT a.x FROM public.t a WHERE EXISTS "
    "(SELECT 1 FROM public.t b WHERE b.x = a.x + $1)": pa.float64(),
    "SELECT x FROM public.t WHERE x IN (SELECT x FROM public.t WHERE x > (SELECT $1 + max(x) "
    "FROM public.t))": pa.float64(),
    "EXPLAIN SELECT x FROM public.t WHERE x = $1": pa.float64(),
    "SELECT $1 AS v": None,
    "SELECT x FROM public.t LIMIT $1": None,
    "SELECT x FROM public.t WHERE $1 = $1 OR x = $1": pa.float64(),
}


@pytest.mark.parametrize("sql", PLACES)
def test_places_where_a_parameter_stands(session, sql: str) -> None:
    stored = MemoryTable([MemoryPartition([pa.record_batch({"x": [1.0]})])])
    assert session.plan(sql, {T: stored}).parameters == {1: PLACES[sql]}


def test_a_literal_is_not_a_parameter(session) -> None:
    literal = 'Placeholder { id: "$1", field: None })'
    assert session.plan(f"SELECT '{literal}' AS v, $2 AS w", {}).parameters == {2: None}


def test_a_type_without_a_row_counts_as_not_inferred() -> None:
    struct = 'Struct([Field { name: "a", data_type: Int64, nullable: true }])'
    text = f'Placeholder {{ id: "$1", field: Some(Field {{ name: "x", data_type: {struct}, '
    assert inferred(text + "nullable: true }) }") == {}


def test_many_parameters_come_in_numeric_order(session) -> None:
    sql = "SELECT " + ", ".join(f"${number} AS p{number}" for number in range(12, 0, -1))
    assert list(session.plan(sql, {}).parameters) == list(range(1, 13))
