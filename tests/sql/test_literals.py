"""Literals and casts: PostgreSQL's own answer against the engine's answer to what we print."""

from __future__ import annotations

import psycopg
import pytest

from gateway.errors import GatewayError, InvalidDatetimeFormat, InvalidTextRepresentation
from gateway.sql.inputs import literals
from gateway.sql.inputs.array_input import read_array
from gateway.sql.inputs.interval_input import read_interval
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.dialect import parse
from tests.sql import engine

INTERVALS = (
    "1 day",
    "1 year 2 mons 3 days 04:05:06.5",
    "-1 day +02:03:04",
    "1-2",
    "-1-2",
    "3 4:05:06",
    "P1Y2M3DT4H5M6.5S",
    "PT36H",
    "P2W",
    "@ 1 hour 2 minutes ago",
    "2 hours ago",
    "1.5 days",
    "1.5 months",
    "1.5 weeks",
    "0.5 years",
    "1h30m",
    "5",
    "1 century 2 decades",
    "-00:00:01",
    "1 mon -1 day",
    "500 milliseconds 3 us",
)


@pytest.mark.parametrize("text", INTERVALS)
def test_interval(real: psycopg.Connection, text: str) -> None:
    query = """
        SELECT (extract(year FROM i) * 12 + extract(month FROM i))::int8, extract(day FROM i)::int8,
               round(extract(hour FROM i) * 3600000000 + extract(minute FROM i) * 60000000
                     + extract(microsecond FROM i))::int8
        FROM (SELECT %s::interval) AS v(i)
    """
    assert read_interval(text) == real.execute(query, (text,)).fetchone()


@pytest.mark.parametrize("text", ["", "soon", "1 fortnight", "day", "1 2 3x", "P", "1:2:3:4"])
def test_not_an_interval(text: str) -> None:
    with pytest.raises(InvalidDatetimeFormat):
        read_interval(text)


EXPRESSIONS = (
    "timestamp '2013-01-01 06:00'",
    "timestamp '2013-1-1'",
    "timestamp '2013-01-01T06:00:00.123456Z'",
    "timestamp '2013-01-01 06:00+05'",
    "timestamp '0001-01-01 00:00:00'",
    "timestamptz '2013-01-01 06:00+05:30'",
    "timestamptz '2013-01-01 06:00:00 UTC'",
    "'2013-01-01T00:00:00Z'::timestamptz",
    "date '2013-01-05' + 1",
    "timestamp '2013-01-31' + interval '1 month 1 day 01:30'",
    "1.5::int",
    "2.5::int",
    "-2.5::int",
    "(-2.5)::int8",
    "(2.5::float8)::int",
    "(3.5::float8)::int2",
    "(-0.5::float8)::int8",
    "(x * 5)::int",
    "(b + 0)::int8",
    "b::int8",
    "(b::float8 * 2)::int8",
    "true::int",
    "'12'::int",
    "'abcdef'::varchar(3)",
    "s::varchar(2)",
    "s::char(5)",
    r"'\x4142'::bytea",
    r"'a\001\\'::bytea",
    r"E'a\tb\x41\u00e9'",
    r"U&'d\0061t\+000061'",
    "$tag$it's$tag$",
    "s LIKE 'a!%c' ESCAPE '!'",
    r"'a%c' LIKE 'a\%c'",
    r"'a\c' LIKE 'a!\c' ESCAPE '!'",
    "s SIMILAR TO '%(b|x)_'",
    "s SIMILAR TO 'b'",
    "'a.c' SIMILAR TO 'a.c'",
    "s SIMILAR TO 'a[b-d]+'",
    "2 BETWEEN SYMMETRIC 3 AND 1",
    "2 NOT BETWEEN SYMMETRIC 3 AND 1",
    "~ 5",
    "@ -5.5::float8",
    "|/ 16.0::float8",
    "'{1,2,NULL}'::int[]",
    """'{"a b",c}'::text[]""",
    "2 = ANY ('{1,2}'::int[])",
    "2 = SOME (ARRAY[1, 2])",
    "ARRAY[1, 2] && ARRAY[2, 3]",
    "ARRAY[1, 2] @> ARRAY[2]",
    "(ARRAY[1, 2])[2]",
    "substring(s FROM 2)",
    "s COLLATE \"C\" < 'b'",
    "NULL IS DISTINCT FROM 1",
    "7 % -3",
    "-7 / 2",
)
ROW = "(SELECT 0.5::float8 AS x, 9007199254740993::int8 AS b, 'abc' AS s) AS v"


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_same_value_as_in_postgresql(real: psycopg.Connection, expression: str) -> None:
    text = f"SELECT {expression} AS value FROM {ROW}"
    (expected,) = real.execute(text).fetchone() or ()
    (tree,) = parse(text)
    assert engine.rows(to_engine(tree)) == [[expected]]


@pytest.mark.parametrize("text", ["yesteryear", "2013-01", "01/02/2013", "2013-01-01 6", ""])
def test_not_a_timestamp(text: str) -> None:
    with pytest.raises(InvalidDatetimeFormat):
        literals.timestamp(text, zoned=False)


@pytest.mark.parametrize("text", ["1,2", "{1,}", "{{1},2}", "{,}"])
def test_not_an_array(text: str) -> None:
    with pytest.raises(InvalidTextRepresentation):
        read_array(text)


@pytest.mark.parametrize(
    ("text", "code"), [(r"\x4", "22023"), (r"\xzz", "22023"), ("a\\9", "22P02"), ("\\", "22P02")]
)
def test_not_bytes(text: str, code: str) -> None:
    with pytest.raises(GatewayError) as refused:
        literals.bytea(text)
    assert refused.value.code == code
