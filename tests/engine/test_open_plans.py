"""What is planned once for all values gives, with each, what planning it with them gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.engine.embedded import EmbeddedSession
from gateway.engine.interface import Plan
from gateway.engine.lookups import Orders
from gateway.engine.open_plans import OpenPlans
from gateway.engine.plans import EmbeddedPlan
from gateway.errors import GatewayError
from gateway.sources.table import TableName
from gateway.store.rows.snapshots import Snapshot
from tests.engine.tables import T
from tests.examples import examples

_WHOLE, _TEXT = pa.int32(), pa.string()
_COLUMNS = {"n": _WHOLE, "m": pa.int64(), "s": _TEXT, "x": pa.float64()}

# Text, types of its parameters, and how it is done from the third time on.
QUERIES = (
    ("looked up", "SELECT n, s FROM public.t WHERE n = $1", (_WHOLE,)),
    ("looked up", "SELECT y.x AS y FROM public.t AS y WHERE CAST($1 AS BIGINT) = n", (pa.int64(),)),
    ("looked up", "SELECT m FROM public.t WHERE m = $1", (_WHOLE,)),
    ("looked up", "SELECT s, n FROM public.t WHERE s = CAST($1 AS VARCHAR)", (_TEXT,)),
    ("echoed", "SELECT $1", (_WHOLE,)),
    ("echoed", "SELECT CAST($2 AS VARCHAR) AS s, $1 AS n, $1 AS m", (_WHOLE, _TEXT)),
    ("echoed", "SELECT CAST($1 AS DOUBLE)", (pa.float64(),)),
    ("echoed", "SELECT CAST(CAST($1 AS INT) AS INT)", (_WHOLE,)),
    ("open", "SELECT CAST($1 AS BIGINT)", (_WHOLE,)),
    ("open", "SELECT CAST(CAST($1 AS SMALLINT) AS INT)", (_WHOLE,)),
    ("open", "SELECT CAST(CAST($1 AS INT) + CAST($1 AS INT) AS INT)", (_WHOLE,)),
    ("open", "SELECT $1, 'x'", (_WHOLE,)),
    ("open", "SELECT -$1, CAST($1 AS INT)", (_WHOLE,)),
    ("open", "SELECT $1 WHERE $1 > 2", (_WHOLE,)),
    ("open", "SELECT CAST($1 AS BIGINT) + 1 AS y, CAST($2 AS VARCHAR) || 'x'", (_WHOLE, _TEXT)),
    ("planned", "SELECT CASE WHEN $1 > 2 THEN $2 ELSE 'none' END", (_WHOLE, _TEXT)),
    ("open", "SELECT n, $1 AS y FROM public.t WHERE n < $1", (_WHOLE,)),
    ("open", "SELECT n FROM public.t WHERE n = $1 AND x > 0", (_WHOLE,)),
    ("open", "SELECT n FROM public.t WHERE CAST($1 AS SMALLINT) = n", (_WHOLE,)),
    ("planned", "SELECT n FROM public.t WHERE n IN ($1, 3, $1 + 1) ORDER BY n", (_WHOLE,)),
    ("planned", "SELECT n FROM public.t WHERE n IN ($1, 1, 2, 3, 4, 5, 6, 7)", (_WHOLE,)),
    ("open", "SELECT n FROM public.t WHERE s LIKE $1 AND n BETWEEN 1 AND $2", (_TEXT, _WHOLE)),
    ("open", "SELECT s, count(*), sum(x) FROM public.t WHERE n < $1 GROUP BY s", (_WHOLE,)),
    ("open", "SELECT max(n + $1) FROM public.t HAVING count(*) > $1", (_WHOLE,)),
    ("open", "SELECT DISTINCT n % $1 FROM public.t", (_WHOLE,)),  # NULL, and 0, which fails
    ("open", "SELECT x FROM public.t WHERE x = $1", (pa.float64(),)),
    ("open", "SELECT n, x FROM public.t WHERE n > $1 ORDER BY n, x, m, s LIMIT 2", (_WHOLE,)),
    ("open", "SELECT n % $1 AS y, min(x) FROM public.t GROUP BY 1 ORDER BY 1 LIMIT 2", (_WHOLE,)),
    ("planned", "SELECT n FROM public.t ORDER BY n LIMIT $1", (pa.int64(),)),
    ("planned", "SELECT * FROM (VALUES ($1, 2), (3, 4)) AS v (a, b)", (_WHOLE,)),
    ("planned", "SELECT a.n FROM public.t AS a JOIN public.t AS b ON a.n = b.m + $1", (_WHOLE,)),
    ("planned", "SELECT now() - now(), $1", (_WHOLE,)),
)  # fmt: skip

_FOUND_BY = {"looked up": "Lookup", "echoed": "Echo"}

_VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    _WHOLE: st.integers(-2, 9),
    pa.int64(): st.integers(-2, 9) | st.just(2**40),
    _TEXT: st.sampled_from(["", "a", "b", "b%", "é", "z"]),
    pa.float64(): st.sampled_from([0.0, -0.0, 1.5, float("nan"), float("inf")]),
}
_rows = st.lists(st.tuples(*[_VALUES[kind] | st.none() for kind in _COLUMNS.values()]), max_size=12)


def _table(rows: list[tuple[Any, ...]], chunks: int) -> pa.Table:
    schema = pa.schema(list(_COLUMNS.items()))
    made = [dict(zip(_COLUMNS, row, strict=True)) for row in rows]
    step = max(1, len(made) // chunks)
    parts = [made[n : n + step] for n in range(0, len(made), step)]
    return pa.Table.from_batches(
        [pa.RecordBatch.from_pylist(part, schema) for part in parts], schema
    )


def _answer(session: EmbeddedSession, sql: str, table: Snapshot, values: list[pa.Scalar]) -> Any:
    tables = {T: table} if "public.t" in sql else {}
    return _rows_of(lambda: session.plan(sql, tables, values))


def _rows_of(plan: Callable[[], Plan]) -> Any:
    try:
        batches = list(plan().stream())
    except GatewayError as error:
        return error.code, str(error)
    return [
        (batch.schema.names, batch.schema.types, repr(row))
        for batch in batches
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    ]


@given(data=st.data(), tables=st.lists(_rows, min_size=1, max_size=2), chunks=st.integers(1, 3))
@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_value_gives_what_a_plan_with_it_gives(engine, data, tables, chunks) -> None:
    kept, made = engine.new_session(), engine.new_session()
    asked = data.draw(st.lists(st.sampled_from(QUERIES), min_size=1, max_size=4))
    for rows in tables:
        table = Snapshot(_table(rows, chunks))
        for _, sql, types in asked * 4:
            values = [pa.scalar(data.draw(_VALUES[kind] | st.none()), kind) for kind in types]
            made._forget_tables()
            wanted = _answer(made, sql, table, values)
            found = _answer(kept, sql, table, values)
            assert sorted(map(repr, found)) == sorted(map(repr, wanted)), (sql, values)


@pytest.mark.parametrize(("how", "sql", "types"), QUERIES)
def test_a_text_is_done_in_its_way(session, monkeypatch, how, sql, types) -> None:
    planned: list[str] = []
    make = EmbeddedSession._planned
    monkeypatch.setattr(
        EmbeddedSession, "_planned", lambda *given: planned.append(given[1]) or make(*given)
    )
    table = Snapshot(_table([(n, n, "ab"[n % 2], n / 2) for n in range(9)], 2))
    for number in range(6):
        planned.clear()
        values = [pa.scalar(number if kind != _TEXT else "a", kind) for kind in types]
        _answer(session, sql, table, values)
    assert planned == ([sql] if how == "planned" else [])
    (known,) = session._open._kept.values()
    assert type(known.found).__name__ == _FOUND_BY.get(how, "NoneType")


def test_a_stream_that_is_read_late_has_its_own_values(session) -> None:
    plans = [session.plan("SELECT $1 AS x", {}, [pa.scalar(n)]) for n in range(5)]
    streams = [plan.stream() for plan in plans]
    found = [next(stream).column(0)[0].as_py() for stream in reversed(streams)]
    assert found == [4, 3, 2, 1, 0]


def test_a_table_of_other_columns_is_another_table(session) -> None:
    sql = "SELECT * FROM public.t WHERE n = $1"
    for columns in ({"n": [1], "a": [2]}, {"n": [1], "a": ["x"]}, {"b": [3], "n": [1]}):
        table = Snapshot(pa.table(columns))
        for _ in range(4):
            (batch,) = session.plan(sql, {T: table}, [pa.scalar(1)]).stream()
            assert batch.to_pydict() == columns


def test_a_column_in_no_order_is_sorted_after_some_scans() -> None:
    table, orders = Snapshot(pa.table({"n": [3, 1, None, 3, 2]})), Orders()
    found = [orders.find(table, "n", 3) for _ in range(60)]
    assert found[0] is None
    assert found[-1] == [0, 3]
    assert Orders().find(Snapshot(pa.table({"n": [1, 2]})), "n", 2) == range(1, 2)


def test_a_value_that_many_rows_have_is_scanned_for() -> None:
    orders, table = Orders(), Snapshot(pa.table({"n": [1] * 200 + [2]}))
    assert orders.find(table, "n", 1) is None
    assert orders.find(table, "n", 2) == range(200, 201)


def test_the_oldest_make_room(session, monkeypatch) -> None:
    monkeypatch.setattr("gateway.engine.open_plans.MOST_OPEN", 3)
    for number in range(5):
        session.plan(f"SELECT $1 + {number}", {}, [pa.scalar(1)])
    assert len(session._open._kept) == 3
    assert isinstance(session._open, OpenPlans)


# Any is NULL too.
EACH: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"])),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(),
    pa.time64("us"): st.times(),
    pa.decimal128(38, 2): st.decimals(-9, 9, places=2),
    pa.list_(pa.int32()): st.lists(st.integers(0, 9)),
}


@given(values=st.tuples(*(kind | st.none() for kind in EACH.values())))
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_arrives_as_it_was(session, values: tuple[Any, ...]) -> None:
    columns = ", ".join(f"${n} AS c{n}" for n in range(1, len(EACH) + 1))
    sent = [pa.scalar(value, kind) for value, kind in zip(values, EACH, strict=True)]
    for _ in range(4):
        batch = next(session.plan(f"SELECT {columns}", {}, sent).stream())
        assert batch.schema.types == list(EACH)
        for value, column in zip(sent, batch.columns, strict=True):
            assert repr(column[0].as_py()) == repr(value.as_py())  # of -0.0 and NaN too


def test_the_moment_is_that_of_each_run(session) -> None:
    text = "SELECT now() AS t WHERE $1"
    moments = [
        batch.column(0)[0].as_py()
        for _ in range(4)
        for batch in session.plan(text, {}, [pa.scalar(True)]).stream()
    ]
    assert len(set(moments)) == 4


def test_rows_are_those_of_the_table_as_it_is(session) -> None:
    name, text = TableName("s", "t"), 'SELECT a FROM "s"."t" WHERE a > $1 ORDER BY a LIMIT $2'
    values = [pa.scalar(1), pa.scalar(2)]
    for last in (3, 4, 5):
        table = Snapshot(pa.table({"a": list(range(last))}))
        for _ in range(4):
            batches = session.plan(text, {name: table}, values).stream()
            rows = [row["a"] for batch in batches for row in batch.to_pylist()]
            assert rows == list(range(2, last))[:2]


def test_a_key_that_is_null_joins_nothing(session) -> None:
    # The engine, told of it once a plan is optimised, drops the condition and joins all with all.
    sql = "SELECT a.n FROM public.t AS a JOIN public.t AS b ON a.n = b.n + $1"
    table = Snapshot(pa.table({"n": [1, 2, None]}))
    asked = [pa.scalar(value, pa.int64()) for value in (0, None, 1, None, 0, None)]
    found = [len(_answer(session, sql, table, [value])) for value in asked]
    assert found == [2, 0, 1, 0, 2, 0]


@given(data=st.data(), rows=_rows, asked=st.sampled_from(QUERIES))
@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plan_serves_other_values_or_says_that_it_does_not(engine, data, rows, asked) -> None:
    kept, made = engine.new_session(), engine.new_session()
    (_, sql, types), table = asked, Snapshot(_table(rows, 2))
    tables = {T: table} if "public.t" in sql else {}
    plan = None
    for _ in range(6):
        values = [pa.scalar(data.draw(_VALUES[kind] | st.none()), kind) for kind in types]
        made._forget_tables()
        wanted = _answer(made, sql, table, values)
        plan = plan and plan.with_values(values)
        if plan is None:
            found = _rows_of(lambda values=values: kept.plan(sql, tables, values))
            try:
                plan = kept.plan(sql, tables, values)
            except GatewayError:
                plan = None
        else:
            found = _rows_of(lambda plan=plan: plan)
        assert sorted(map(repr, found)) == sorted(map(repr, wanted)), (sql, values)


def test_a_plan_does_not_serve_values_of_another_type(session) -> None:
    for _ in range(3):
        plan = session.plan("SELECT $1", {}, [pa.scalar(1)])
    assert plan.with_values([pa.scalar(2)]) is not None
    assert plan.with_values([pa.scalar("x")]) is None
    assert plan.with_values([pa.scalar(1, pa.int16())]) is None


def test_what_came_of_few_rows_is_kept_while_they_are(session, monkeypatch) -> None:
    runs = []
    run = EmbeddedPlan._executed
    monkeypatch.setattr(EmbeddedPlan, "_executed", lambda *given: runs.append(1) or run(*given))
    text = "SELECT sum(n) AS n FROM public.t"
    for rows, before in ((range(3), 0), (range(4), 1)):
        table = Snapshot(pa.table({"n": list(rows)}))
        for _ in range(3):
            (batch,) = session.plan(text, {T: table}).stream()
            assert batch.to_pydict() == {"n": [sum(rows)]}
            assert len(runs) == before + 1


@pytest.mark.parametrize("call", ["random()", "now()", "uuid()"])
def test_what_a_function_gives_anew_is_not_kept(session, call) -> None:
    table = Snapshot(pa.table({"n": [1]}))
    text, found = f"SELECT {call} AS x FROM public.t", set()
    for _ in range(3):
        (batch,) = session.plan(text, {T: table}).stream()
        found.add(batch.column(0)[0].as_py())
    assert len(found) == 3
