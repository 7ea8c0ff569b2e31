"""What the embedded engine promises: its tables, parameters, settings, order, and who sees what."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from gateway.errors import GatewayError, UndefinedTable
from gateway.sources.table import TableName
from tests.engine.tables import T, numbered, table

ODD_NAMES = [
    TableName("public", "2m_temperature"),
    TableName("A.b", "Mixed Case"),
    TableName('we"ird', "a.b"),
    TableName("ncep", "select"),
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=str)
def test_a_table_answers_to_exactly_its_name(rows, name: TableName) -> None:
    quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (name.schema, name.name))
    assert rows(f"SELECT x FROM {quoted}", {name: table(x=[1, 2])}) == [(1,), (2,)]


def test_the_schema_is_known_before_anything_runs(session) -> None:
    stored = numbered(1, 1, 5)
    plan = session.plan("SELECT n, n * 0.5 AS half FROM public.t", {T: stored})
    assert plan.schema.names == ["n", "half"]
    assert plan.schema.types == [pa.int64(), pa.float64()]
    assert stored.parts[0].asked == []


def test_a_changed_table_is_replaced_and_an_old_plan_keeps_its_own(session) -> None:
    first, second = table(x=[1]), table(x=[2], y=["new"])
    old = session.plan("SELECT * FROM public.t", {T: first})
    new = session.plan("SELECT * FROM public.t", {T: second})
    assert [batch.to_pydict() for batch in old.stream()] == [{"x": [1]}]
    assert [batch.to_pydict() for batch in new.stream()] == [{"x": [2], "y": ["new"]}]


def test_the_same_table_is_registered_once(session, monkeypatch) -> None:
    made = []
    from gateway.engine import embedded

    keep = embedded.as_dataset
    monkeypatch.setattr(embedded, "as_dataset", lambda *a: made.append(a) or keep(*a))
    stored = table(x=[1])
    for _ in range(3):
        session.plan("SELECT x FROM public.t", {T: stored})
    assert len(made) == 1


def test_sessions_do_not_see_each_others_tables(engine, session) -> None:
    other = engine.new_session()
    session.plan("SELECT x FROM public.t", {T: table(x=[1])})
    with pytest.raises(UndefinedTable, match=r'relation "public.t" does not exist'):
        other.plan("SELECT x FROM public.t", {})


def test_a_closed_session_lets_go_of_its_tables(session) -> None:
    session.plan("SELECT x FROM public.t", {T: table(x=[1])})
    session.close()
    with pytest.raises(UndefinedTable):
        session.plan("SELECT x FROM public.t", {})


PARAMETERS = [
    (pa.scalar(7, pa.int16()), "int2", 7),
    (pa.scalar(None, pa.int64()), "int8", None),
    (pa.scalar(1.5), "float8", 1.5),
    (pa.scalar(None, pa.string()), "text", None),
    (pa.scalar("it's $1"), "text", "it's $1"),
    (pa.scalar(b"\x00\xff"), "bytea", b"\x00\xff"),
    (pa.scalar(True), "bool", True),
    (pa.scalar(datetime.date(1, 1, 1)), "date", datetime.date(1, 1, 1)),
    (pa.scalar(Decimal("1.50"), pa.decimal128(38, 10)), "numeric", Decimal("1.50")),
    (pa.scalar([1, None], pa.list_(pa.int64())), "int8[]", [1, None]),
    (pa.scalar([], pa.list_(pa.float64())), "float8[]", []),
]


@pytest.mark.parametrize(("value", "name", "expected"), PARAMETERS, ids=lambda v: str(v)[:20])
def test_a_parameter_keeps_its_type_and_value(session, value, name, expected) -> None:
    plan = session.plan("SELECT $1 AS v", {}, [value])
    (batch,) = plan.stream()
    assert plan.schema.types == batch.schema.types == [value.type]
    assert batch.column(0).to_pylist() == [expected]


def test_parameters_come_in_the_order_of_their_numbers(rows) -> None:
    values = [pa.scalar(number) for number in range(1, 12)]
    assert rows("SELECT $11 AS a, $2 AS b, $2 - $11 AS c", None, values) == [(11, 2, -9)]


def test_open_parameters_tell_their_types(session) -> None:
    stored = table(x=[1.0], i=[1], s=["a"])
    sql = "SELECT $1 + x FROM public.t WHERE i = $3 AND s IN ($2, $4) LIMIT $5"
    assert session.plan(sql, {T: stored}).parameters == {
        1: pa.float64(),
        2: pa.string(),
        3: pa.int64(),
        4: pa.string(),
        5: None,
    }


FORBIDDEN = [
    "CREATE TABLE q AS SELECT 1",
    "CREATE EXTERNAL TABLE q STORED AS CSV LOCATION '/etc/passwd'",
    "DROP TABLE public.t",
    "INSERT INTO public.t VALUES (1)",
    "DELETE FROM public.t",
    "COPY public.t TO '/tmp/gradwire.csv'",
    "SET datafusion.execution.batch_size = 1",
    "EXPLAIN INSERT INTO public.t VALUES (1)",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM information_schema.tables",
    "SELECT 1; SELECT 2",
    "BEGIN",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_nothing_but_a_query_over_the_tables_handed_in(session, sql: str) -> None:
    with pytest.raises(GatewayError) as refused:
        session.plan(sql, {T: table(x=[1])})
    assert refused.value.code != "XX000"


SETTINGS = [
    ("SELECT 'abc' ~ 'b' AS v", True),
    ("SELECT 5 ^ 3 AS v", 6),
    (r"SELECT 'a\nb' AS v", r"a\nb"),
    ("SELECT arrow_typeof(CAST('a' AS varchar)) AS v", "Utf8"),
    (
        "SELECT TIMESTAMP WITH TIME ZONE '2020-01-01 00:00:00' = "
        "TIMESTAMP WITH TIME ZONE '2020-01-01 00:00:00+00:00' AS v",
        True,
    ),
]


@pytest.mark.parametrize(("sql", "value"), SETTINGS)
def test_the_engine_reads_what_is_printed_for_it(rows, sql: str, value: object) -> None:
    assert rows(sql) == [(value,)]


@pytest.mark.parametrize(
    "head", ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE", "EXPLAIN ANALYZE VERBOSE"]
)
def test_explain_tells_the_plan(rows, head: str) -> None:
    told = rows(f"{head} SELECT sum(n) AS s FROM public.t WHERE n > 3", numbered(2, 2, 10))
    assert any("DatasetExec" in plan for _, plan in told)


def test_explain_of_a_failing_query_does_not_run_it(rows) -> None:
    assert rows("EXPLAIN SELECT 1 / n AS v FROM public.t", numbered(1, 1, 3))


IN_ORDER = [
    ("SELECT n FROM public.t", range(8000)),
    ("SELECT n FROM public.t AS q", range(8000)),
    ("SELECT n, sin(n) AS s FROM public.t WHERE n % 2 = 0", range(0, 8000, 2)),
    ("SELECT n FROM public.t LIMIT 5", range(5)),
    ("SELECT n FROM public.t LIMIT 5 OFFSET 998", range(998, 1003)),
    ("SELECT n FROM public.t OFFSET 7990", range(7990, 8000)),
    ("SELECT n FROM public.t LIMIT 0", range(0)),
    ("SELECT n FROM public.t LIMIT 5 OFFSET 8000", range(0)),
    ("SELECT n FROM public.t WHERE n > 4000 LIMIT 3", range(4001, 4004)),
    ("SELECT n FROM (SELECT n FROM public.t WHERE n < 3000) AS q WHERE n >= 100", range(100, 3000)),
    ("SELECT n FROM public.t UNION ALL SELECT n FROM public.t", [*range(8000), *range(8000)]),
]


@pytest.mark.parametrize(("sql", "expected"), IN_ORDER, ids=[sql for sql, _ in IN_ORDER])
def test_plain_rows_come_in_storage_order(rows, sql: str, expected) -> None:
    assert [row[0] for row in rows(sql, numbered(8, 4, 250))] == list(expected)


def test_a_limit_reads_no_more_than_it_needs(rows) -> None:
    stored = numbered(8, 4, 250)
    assert rows("SELECT n FROM public.t LIMIT 5", stored) == [(n,) for n in range(5)]
    assert [part.asked for part in stored.parts] == [[0], [], [], [], [], [], [], []]


NUMBERS = [
    ("SELECT count(*) AS c FROM public.t", [(8000,)]),
    ("SELECT sum(n) AS s FROM public.t", [(sum(range(8000)),)]),
    ("SELECT n FROM public.t ORDER BY n DESC LIMIT 2", [(7999,), (7998,)]),
    ("SELECT max(n) AS m FROM public.t GROUP BY n % 2 ORDER BY m", [(7998,), (7999,)]),
    ("SELECT count(*) AS c FROM public.t a JOIN public.t b ON a.n = b.n", [(8000,)]),
    ("SELECT (SELECT max(n) FROM public.t) AS m", [(7999,)]),
    ("VALUES (1, 'a'), (2, 'b')", [(1, "a"), (2, "b")]),
    (
        "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 4) "
        "SELECT i FROM r",
        [(1,), (2,), (3,), (4,)],
    ),
]


@pytest.mark.parametrize(("sql", "expected"), NUMBERS, ids=[sql for sql, _ in NUMBERS])
def test_queries_answer(rows, sql: str, expected) -> None:
    assert rows(sql, numbered(8, 4, 250)) == expected


def test_a_literal_that_looks_like_a_plan_changes_nothing(rows) -> None:
    looks = "x\n  TableScan: t\nLimit: skip=0, fetch=1"
    found = rows(f"SELECT n, '{looks}' AS s FROM public.t", numbered(2, 1, 2))
    assert sorted(found) == [(n, looks) for n in range(4)]


def test_functions_are_those_of_the_engine(engine) -> None:
    assert {"sin", "power", "sum", "row_number", "coalesce"} <= engine.functions()
    assert len(engine.functions()) > 300


NESTED = [
    ("parentheses", "(" * 1000 + "n" + ")" * 1000),
    ("operators", "(n + " * 400 + "n" + ")" * 400),
    ("CASE", "CASE WHEN n >= 0 THEN " * 200 + "n" + " ELSE 0 END" * 200),
    ("calls", "abs(" * 200 + "n" + ")" * 200),
]


@pytest.mark.parametrize("expression", [text for _, text in NESTED], ids=[n for n, _ in NESTED])
def test_deep_expressions_run(rows, expression: str) -> None:
    assert len(rows(f"SELECT {expression} AS v FROM public.t", numbered(1, 1, 3))) == 3


NEVER_TRUE = [
    "NULL AND n > 1",
    "n NOT IN (NULL, 3)",
    "n BETWEEN NULL AND 3",
    "n = NULL AND n > 1",
    "n >= $1 AND n <= 3",
    "NOT NULL AND n > 1 AND n < 9",
    "n > 0 AND n NOT IN (NULL, 3)",
]


@pytest.mark.parametrize("condition", NEVER_TRUE)
@pytest.mark.parametrize(("output", "wanted"), [("n", []), ("count(n)", [0])])
def test_a_condition_that_comes_out_as_null_leaves_no_row(
    session, condition: str, output: str, wanted: list[int]
) -> None:
    # The engine hands the NULL down beside the other conditions, which it cannot join by itself.
    values = [pa.scalar(None, pa.int64())] if "$1" in condition else []
    sql = f"SELECT {output} FROM public.t WHERE {condition}"
    plan = session.plan(sql, {T: numbered(2, 2, 5)}, values)
    found = pa.Table.from_batches(list(plan.stream()), plan.schema).column(0)
    assert found.to_pylist() == wanted
