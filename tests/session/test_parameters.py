"""Statements with parameters, run: values that psycopg binds, and NULL, do what they would do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import Connect

_MOMENT = dt.datetime(2020, 1, 2, 3, 4, 5)
_DAY = dt.timedelta(days=1)
_LARGEST = 2**63 - 1

_SUMS = (
    "SELECT array_agg(n ORDER BY x) FROM (SELECT x, sum(x) OVER (ORDER BY {}) AS n"
    " FROM generate_series(1, 3) AS g(x)) AS q"
)
_TWO = [1, 3, 5]

#   statement, parameters, the one value that comes out
ROWS: tuple[tuple[str, tuple[Any, ...], Any], ...] = (
    ("SELECT %s::int8", (_LARGEST,), _LARGEST),
    ("SELECT %s::int8", (-_LARGEST - 1,), -_LARGEST - 1),
    ("SELECT %s::int4", (2**31 - 1,), 2**31 - 1),
    ("SELECT %s + 1", (41,), 42),
    ("SELECT (ARRAY[10, 20, 30])[%s]", (1,), 10),
    ("SELECT (ARRAY[10, 20, 30])[%s::int]", (3,), 30),
    ("SELECT %s::int4[]", (None,), None),
    ("SELECT %s::text[]", ([],), []),
    ("SELECT %s::int4[]", ([[1, 2], [3, 4]],), [[1, 2], [3, 4]]),
    ("SELECT %s::text[]", ([[["a", None]], [["b", ""]]],), [[["a", None]], [["b", ""]]]),
    ("SELECT 1 = ANY (%s)", ([1, 2],), True),
    ("SELECT 1 = ANY (%s::int4[])", (None,), None),
    ("SELECT 5 <> ALL (%s)", ([1, 2],), True),
    ("SELECT count(*) FROM unnest(%s::int4[]) q(x)", (None,), 0),
    ("SELECT sum(x) FROM unnest(%s::int4[]) q(x)", ([1, 2],), 3),
    ("SELECT count(*) FROM generate_series(1, %s)", (3,), 3),
    ("SELECT max(x) FROM generate_series(%s::int4, %s::int4) q(x)", (2, 4), 4),
    ("SELECT timestamp '2020-01-02 03:04:05' + %s", (_DAY,), _MOMENT + _DAY),
    ("SELECT timestamp '2020-01-02 03:04:05' - %s::interval", (_DAY,), _MOMENT - _DAY),
    ("SELECT time '12:00' = %s", (dt.time(12),), True),
    ("SELECT time '12:00' < %s", (dt.time(11, 59),), False),
    ("SELECT CASE WHEN %s THEN 1 ELSE %s END", (False, 7), 7),
    ("SELECT coalesce(%s, 5)", (None,), 5),
    ("SELECT x FROM (VALUES (1), (%s)) q(x) ORDER BY x DESC LIMIT %s", (9, 1), 9),
    # Offsets of window frames.
    (_SUMS.format("x ROWS BETWEEN %s PRECEDING AND %s FOLLOWING"), (1, 0), _TWO),
    (_SUMS.format("x ROWS %s::int + 1 PRECEDING"), (0,), _TWO),
    (_SUMS.format("x GROUPS %s PRECEDING"), (1,), _TWO),
    (_SUMS.format("x::float8 RANGE %s::float8 PRECEDING"), (1.5,), _TWO),
    (
        _SUMS.format("timestamp '2020-01-01' + x * interval '1 day' RANGE %s PRECEDING"),
        (_DAY,),
        _TWO,
    ),
    # What nothing tells is a text where it is a column of a subquery.
    ("SELECT x::text[] FROM (SELECT %s AS x) q", ("{a,b}",), ["a", "b"]),
    ("SELECT x::int[] FROM (VALUES (%s, 0), (%s, 1)) q(x, n) WHERE n = 1", ("{}", "{2}"), [2]),
    ("WITH q AS (SELECT %s AS x) SELECT r.x::int[] FROM (SELECT x FROM q) r", ("{3}",), [3]),
    (
        "SELECT (x::timestamptz)::text FROM (SELECT %s AS x UNION ALL SELECT %s) q LIMIT 1",
        ("2020-01-01 00:00+01", "2020-01-01 00:00+01"),
        "2019-12-31 23:00:00+00",
    ),
    ("SELECT (x::interval)::text FROM (VALUES (%s)) q(x)", ("P1Y2M",), "1 year 2 mons"),
    ("SELECT 1 WHERE %s BETWEEN 1 AND 3", (2,), 1),
    ("SELECT left('abcdef', %s)", (2,), "ab"),
    ("SELECT sqrt(%s)", (4,), 2.0),
    ("SELECT nullif(%s, 'x')", ("x",), None),
    # What is called depends on the type that the client declares.
    ("SELECT %s + interval '90 minutes'", (dt.date(2020, 1, 2),), dt.datetime(2020, 1, 2, 1, 30)),
    ("SELECT ARRAY[%s, %s]::text", (1, 2), "{1,2}"),
    ("SELECT '[1, 2]'::jsonb -> %s", (1,), 2),
    ("SELECT pg_typeof(%s)", (_DAY,), "interval"),
    ("SELECT %s::date", (dt.datetime(2020, 1, 2, 23),), dt.date(2020, 1, 2)),
    ("SELECT %s / 2", (Decimal(5),), Decimal("2.5")),
    ("SELECT ARRAY['a'] || %s", (None,), ["a"]),
    # It keeps its digits beside values that have fewer.
    ("SELECT sum(x) FROM (VALUES (1.5), (%s)) q(x)", (Decimal("3.257"),), Decimal("4.757")),
    ("SELECT sum(x) FROM (VALUES (2), (%s)) q(x)", (Decimal("3.257"),), Decimal("5.257")),
    ("SELECT x FROM (VALUES (%s), (%s + 1)) q(x) LIMIT 1", (Decimal("9.25"), 1), Decimal("9.25")),
    ("SELECT 3.257 IN (VALUES (1.5), (%s))", (Decimal("3.257"),), True),
    ("SELECT ARRAY[1] || %s", (2,), [1, 2]),
    # A text for a reg type, beside a relation of the engine.
    ("SELECT %s::regtype::oid FROM (VALUES (1)) q(x)", ("int4",), 23),
    ("SELECT max(%s::regclass::text) FROM (VALUES (1)) q(x)", ("pg_class",), "pg_class"),
    ("SELECT max(nextval(%s)) FROM (VALUES (1)) q(x)", (None,), None),
)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize(("text", "given", "wanted"), ROWS)
def test_a_parameter_means_its_value(
    text: str, given: tuple[Any, ...], wanted: Any, binary: bool, connect: Connect
) -> None:
    marks = text.replace("%s", "%b") if binary else text
    found = connect().execute(marks, given).fetchone()
    assert found == (wanted,)


# Beside a literal with a point one of no type is a numeric, and so is the literal.
UNTOLD: tuple[tuple[str, str, Any], ...] = (
    ("SELECT 0.1 + %s", "0.2", Decimal("0.3")),
    ("SELECT 0.1 + %s = 0.3", "0.2", True),
    ("SELECT round(%s, 2)", "1.005", Decimal("1.01")),
    ("SELECT 'a '::char(3) || %s", " b ", "a b "),
)


@pytest.mark.parametrize("query", (
    "SELECT x FROM (SELECT %s AS x) q", "SELECT upper(x) FROM (VALUES (%s)) q(x)",
    "WITH q AS (SELECT %s AS x) SELECT x::char(3) FROM q ORDER BY 1", "SELECT %s FROM (SELECT 1) q",
))  # fmt: skip
def test_a_written_subquery_may_give_what_nothing_tells_of(connect: Connect, query: str) -> None:
    connection = connect()
    connection.execute("CREATE TEMP TABLE written (x text, n int)")
    connection.execute(f"INSERT INTO written (x) {query}", ("A",))
    connection.execute("UPDATE written SET n = q.y::int FROM (SELECT %s AS y) q", ("4",))
    assert connection.execute("SELECT trim(x), n FROM written").fetchall() == [("A", 4)]


@pytest.mark.parametrize(("text", "given", "wanted"), UNTOLD)
def test_what_nothing_tells_is_as_exact_as_a_literal(
    text: str, given: str, wanted: Any, connect: Connect
) -> None:
    assert connect().execute(text, (given,)).fetchone() == (wanted,)


# Conditions of a parameter alone over what gives a row whatever it reads: it is asked of that row.
HELD = (
    "SELECT * FROM (SELECT count(*) AS c FROM generate_series(1, 3)) AS q WHERE %s::int = 2",
    "SELECT count(*) FROM generate_series(1, 3) HAVING %s::int = 2",
    "SELECT count(*) FROM generate_series(1, 3) GROUP BY () HAVING %s::int = 2",
    "WITH q AS (SELECT count(*) AS c FROM generate_series(1, 3)) SELECT * FROM q WHERE %s::int = 2",
    "SELECT c FROM (SELECT count(*) AS c FROM generate_series(1, 3) AS t(n) GROUP BY ROLLUP (n))"
    " AS q WHERE %s::int = 2 AND c = 3",
    "SELECT max(3) FROM generate_series(1, 3) AS t(n) GROUP BY GROUPING SETS (())"
    " HAVING %s::int = 2",
)


@pytest.mark.parametrize("text", HELD)
def test_a_condition_stays_above_an_aggregate(connect: Connect, text: str) -> None:
    connection = connect()
    for given in (2, 2, 1, 1, 2):
        rows = connection.execute(text.encode(), (given,), prepare=True).fetchall()
        assert rows == ([(3,)] if given == 2 else [])


# What a column's type is does not change where a parameter stands in the statement.
TYPED = (
    ("SELECT jsonb_agg(x) FROM (VALUES (1)) AS q(x) WHERE x > %s::int", 3802),
    ("SELECT jsonb_agg(x ORDER BY x) FILTER (WHERE x > %s) FROM (VALUES (1)) AS q(x)", 3802),
    ("SELECT jsonb_agg(x) FROM (VALUES (1)) AS q(x) UNION ALL SELECT to_jsonb(%s::int)", 3802),
    ("SELECT position('a' IN 'b') * %s::int", 23),
    ("SELECT x || %s::text FROM (VALUES ('a'::varchar)) AS q(x)", 25),
    ("SELECT x * %s::float8 FROM (VALUES (1)) AS q(x)", 701),
)


@pytest.mark.parametrize(("text", "oid"), TYPED)
def test_a_column_keeps_its_type_beside_a_parameter(connect: Connect, text: str, oid: int) -> None:
    found = connect().execute(text.encode(), (1,))
    assert found.description is not None and found.description[0].type_code == oid


def test_a_prepared_statement_takes_a_label_that_came_after_it(connect: Connect) -> None:
    ours, other = connect(), connect()
    other.execute("CREATE TYPE late AS ENUM ('a', 'c')")
    other.execute("CREATE TABLE of_late (id int, m late)")
    insert, query = "INSERT INTO of_late VALUES (%s, %s)", "SELECT id, m FROM of_late WHERE %s >= m"
    ours.execute(insert, (1, "a"), prepare=True)
    assert ours.execute(query, ("c",), prepare=True).fetchall() == [(1, "a")]
    other.execute("ALTER TYPE late ADD VALUE 'b' BEFORE 'c'")
    ours.execute(insert, (2, "b"), prepare=True)
    assert ours.execute(query, ("b",), prepare=True).fetchall() == [(1, "a"), (2, "b")]
    other.execute("DROP TABLE of_late")
    other.execute("DROP TYPE late")
