"""What the engine keeps planned without values gives, with each, what planning it anew gives."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from datafusion import SessionContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.prepared import MOST_PREPARED, PreparedQueries
from gateway.sources.table import TableName
from gateway.store.rows.snapshots import Snapshot

# A value of each type that EXECUTE takes; any is NULL too.
VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.string(): st.text(st.characters(exclude_categories=["Cs"])),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(),
}
_TEXT = "SELECT $1 AS x"


@given(values=st.tuples(*(kind | st.none() for kind in VALUES.values())))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_value_arrives_as_it_was(session, values: tuple[Any, ...]) -> None:
    columns = ", ".join(f"${n} AS c{n}" for n in range(1, len(VALUES) + 1))
    sent = [pa.scalar(value, kind) for value, kind in zip(values, VALUES, strict=True)]
    for _ in range(2):
        batch = next(session.plan(f"SELECT {columns}", {}, sent).stream())
        assert batch.schema.types == list(VALUES)
        for value, column in zip(sent, batch.columns, strict=True):
            assert repr(column[0].as_py()) == repr(value.as_py())  # of -0.0 and NaN too


def test_a_text_that_comes_once_is_not_prepared() -> None:
    assert PreparedQueries(SessionContext()).frame(_TEXT, [], [pa.scalar(1)]) is None


@pytest.mark.parametrize(
    "value", [pa.scalar(datetime.time(1)), pa.scalar(1, pa.decimal128(38, 1)), pa.scalar([1])]
)
def test_what_no_literal_tells_is_bound(value: pa.Scalar) -> None:
    queries = PreparedQueries(SessionContext())
    assert [queries.frame(_TEXT, [], [value]) for _ in range(3)] == [None] * 3


def test_what_cannot_be_prepared_is_planned_from_its_text() -> None:
    queries = PreparedQueries(SessionContext())
    for text in ("SELECT nothing($1)", "COPY (SELECT $1) TO '/nowhere.csv'"):
        assert [queries.frame(text, [], [pa.scalar(1)]) for _ in range(3)] == [None] * 3


def test_the_oldest_make_room_and_leave_nothing() -> None:
    context = SessionContext()
    queries = PreparedQueries(context)
    for number in range(MOST_PREPARED + 1):
        for _ in range(2):
            queries.frame(f"SELECT $1 + {number}", [], [pa.scalar(1)])
    with pytest.raises(Exception, match="does not exist"):
        context.sql("EXECUTE gradwire1(1)")
    queries.clear()
    with pytest.raises(Exception, match="does not exist"):
        context.sql(f"EXECUTE gradwire{MOST_PREPARED + 1}(1)")


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
        for _ in range(3):
            batches = session.plan(text, {name: table}, values).stream()
            rows = [row["a"] for batch in batches for row in batch.to_pylist()]
            assert rows == list(range(2, last))[:2]


# Over few rows a plan is collected at once, over many it is streamed: the rows are the same.
SHAPES = (
    'SELECT a, a * 2 AS b FROM "s"."t"',
    'SELECT a FROM "s"."t" WHERE a % 3 = 1 LIMIT 4 OFFSET 2',
    'SELECT a % 7 AS k, count(*) AS n FROM "s"."t" GROUP BY 1 ORDER BY k DESC LIMIT 3',
    'SELECT DISTINCT a % 7 AS k FROM "s"."t" ORDER BY k',
    'SELECT a FROM "s"."t" WHERE a < 5 UNION ALL SELECT a FROM "s"."t" WHERE a < 3',
    'SELECT count(*) AS n FROM "s"."t" AS x JOIN "s"."t" AS y ON x.a = y.a + 1',
    'SELECT a, value FROM "s"."t", generate_series(1, 2) WHERE a < 2 ORDER BY a, value',
)


@pytest.mark.parametrize("sql", SHAPES)
def test_few_rows_are_as_many_would_be(session, monkeypatch, sql: str) -> None:
    name, table = TableName("s", "t"), Snapshot(pa.table({"a": list(range(100))}))

    def rows() -> list[dict[str, Any]]:
        return [row for b in session.plan(sql, {name: table}).stream() for row in b.to_pylist()]

    few = [rows() for _ in range(3)]
    monkeypatch.setattr("gateway.engine.embedded.FEW_ROWS", 0)
    session._plans.clear()
    assert few == [rows()] * 3


def test_what_may_last_is_never_collected(session) -> None:
    name, table = TableName("s", "t"), Snapshot(pa.table({"a": list(range(100))}))
    quick = {
        'SELECT a FROM "s"."t" WHERE a > 3': True,
        'SELECT sum(a) AS s FROM "s"."t"': True,
        'SELECT a, random() AS r FROM "s"."t"': False,
        'SELECT a, value FROM "s"."t", generate_series(1, 2)': False,
        'SELECT x.a FROM "s"."t" AS x, "s"."t" AS y': False,
        'SELECT a FROM "s"."t" WHERE a = (SELECT max(a) FROM "s"."t")': False,
    }
    assert {sql: session.plan(sql, {name: table}).is_short for sql in quick} == quick
