"""Assignment casts: a row per value, and the same rows asked of a real PostgreSQL."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from gateway.errors import GatewayError
from gateway.store.definitions.definitions import Column
from gateway.store.rows.assignment import assign
from gateway.store.rows.rounding import rounding
from gateway.types import by_name

D = Decimal
NAN, INF = float("nan"), float("inf")
UTC = dt.UTC


def numeric(precision: int, scale: int) -> int:
    return ((precision << 16) | scale) + 4


#  value's type in PostgreSQL, Arrow type, value as SQL, value, column type, modifier, expected
ROWS: list[tuple[str, pa.DataType, str, Any, str, int, Any]] = [
    ("float8", pa.float64(), "0.5", 0.5, "int4", -1, 0),
    ("float8", pa.float64(), "1.5", 1.5, "int4", -1, 2),
    ("float8", pa.float64(), "2.5", 2.5, "int4", -1, 2),
    ("float8", pa.float64(), "-2.5", -2.5, "int2", -1, -2),
    ("float8", pa.float64(), "2147483647.4", 2147483647.4, "int4", -1, 2147483647),
    ("float8", pa.float64(), "2147483647.5", 2147483647.5, "int4", -1, "22003"),
    ("float8", pa.float64(), "-2147483648.5", -2147483648.5, "int4", -1, -2147483648),
    ("float8", pa.float64(), "9223372036854775807", 9223372036854775807.0, "int8", -1, "22003"),
    ("float8", pa.float64(), "-9223372036854775808", -(2.0**63), "int8", -1, -(2**63)),
    ("float8", pa.float64(), "'NaN'", NAN, "int4", -1, "22003"),
    ("float8", pa.float64(), "'inf'", INF, "int8", -1, "22003"),
    ("float4", pa.float32(), "3.5", 3.5, "int2", -1, 4),
    ("float4", pa.float32(), "32768", 32768.0, "int2", -1, "22003"),
    ("float8", pa.float64(), "1e39", 1e39, "float4", -1, "22003"),
    ("float8", pa.float64(), "1e-60", 1e-60, "float4", -1, "22003"),
    ("float8", pa.float64(), "'-inf'", -INF, "float4", -1, -INF),
    ("float8", pa.float64(), "2.675", 2.675, "numeric", numeric(5, 2), D("2.68")),
    ("float8", pa.float64(), "0.1", 0.1, "numeric", numeric(20, 18), D("0.100000000000000000")),
    ("float4", pa.float32(), "0.1", 0.1, "numeric", numeric(20, 18), D("0.100000000000000000")),
    ("float8", pa.float64(), "999.995", 999.995, "numeric", numeric(5, 2), "22003"),
    ("float8", pa.float64(), "1e-7", 1e-7, "numeric", numeric(10, 8), D("0.00000010")),
    ("int8", pa.int64(), "40000", 40000, "int2", -1, "22003"),
    ("int8", pa.int64(), "-32768", -32768, "int2", -1, -32768),
    ("int8", pa.int64(), "9007199254740993", 9007199254740993, "float8", -1, 9007199254740992.0),
    ("int8", pa.int64(), "1000", 1000, "numeric", numeric(5, 2), "22003"),
    ("int8", pa.int64(), "999", 999, "numeric", numeric(5, 2), D("999.00")),
    ("numeric", pa.decimal128(5, 2), "2.50", D("2.50"), "int4", -1, 3),
    ("numeric", pa.decimal128(5, 2), "-2.50", D("-2.50"), "int4", -1, -3),
    ("numeric", pa.decimal128(38, 0), "9223372036854775808", D(2**63), "int8", -1, "22003"),
    ("numeric", pa.decimal128(5, 3), "1.005", D("1.005"), "numeric", numeric(5, 2), D("1.01")),
    ("numeric", pa.decimal128(38, 20), "0.1", D("0.1"), "float8", -1, 0.1),
    ("numeric", pa.decimal128(30, 25), "0.3333333333333333333333333",
     D("0.3333333333333333333333333"), "float8", -1, 1 / 3),
    ("text", pa.string(), "'x'", "x", "int4", -1, "22P02"),
    ("text", pa.string(), "' 12 '", " 12 ", "int4", -1, 12),
    ("text", pa.string(), "'+12'", "+12", "int4", -1, 12),
    ("text", pa.string(), "'1.5'", "1.5", "int4", -1, "22P02"),
    ("text", pa.string(), "'3000000000'", "3000000000", "int4", -1, "22003"),
    ("text", pa.string(), "''", "", "int4", -1, "22P02"),
    ("text", pa.string(), "'1e400'", "1e400", "float8", -1, "22003"),
    ("text", pa.string(), "'1e-400'", "1e-400", "float8", -1, "22003"),
    ("text", pa.string(), "'-Infinity'", "-Infinity", "float8", -1, -INF),
    ("text", pa.string(), "'1.e2'", "1.e2", "float8", -1, 100.0),
    ("text", pa.string(), "'1_0'", "1_0", "float8", -1, "22P02"),
    ("text", pa.string(), "'1.235'", "1.235", "numeric", numeric(5, 2), D("1.24")),
    ("text", pa.string(), "'1e3'", "1e3", "numeric", numeric(5, 2), "22003"),
    ("text", pa.string(), "'yEs'", "yEs", "bool", -1, True),
    ("text", pa.string(), "'of'", "of", "bool", -1, False),
    ("text", pa.string(), "'o'", "o", "bool", -1, "22P02"),
    ("text", pa.string(), r"'\x00fF'", r"\x00fF", "bytea", -1, b"\x00\xff"),
    ("text", pa.string(), r"'\x0'", r"\x0", "bytea", -1, "22023"),
    ("text", pa.string(), "'äb'", "äb", "bytea", -1, "äb".encode()),
    ("text", pa.string(), "'{A0EEBC99-9C0B4EF8-BB6D6BB9BD380A11}'",
     "{A0EEBC99-9C0B4EF8-BB6D6BB9BD380A11}", "uuid", -1, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("text", pa.string(), "'a0eebc99'", "a0eebc99", "uuid", -1, "22P02"),
    ("text", pa.string(), "'2020-02-30'", "2020-02-30", "date", -1, "22008"),
    ("text", pa.string(), "'never'", "never", "date", -1, "22007"),
    ("text", pa.string(), "'2020-02-29 12:00'", "2020-02-29 12:00", "date", -1,
     dt.date(2020, 2, 29)),
    ("text", pa.string(), "'2020-01-01T01:02:03.5+05'", "2020-01-01T01:02:03.5+05", "timestamp",
     -1, dt.datetime(2020, 1, 1, 1, 2, 3, 500000)),
    ("text", pa.string(), "'2020-01-01 01:02:03+05:30'", "2020-01-01 01:02:03+05:30",
     "timestamptz", -1, dt.datetime(2019, 12, 31, 19, 32, 3, tzinfo=UTC)),
    ("text", pa.string(), "'2020-01-01'", "2020-01-01", "timestamptz", -1,
     dt.datetime(2020, 1, 1, tzinfo=UTC)),
    ("text", pa.string(), "'2020-01-01 25:00'", "2020-01-01 25:00", "timestamp", -1, "22008"),
    ("text", pa.string(), "'01:02:03.000001'", "01:02:03.000001", "time", -1,
     dt.time(1, 2, 3, 1)),
    ("text", pa.string(), "'abc'", "abc", "varchar", 7, "abc"),
    ("text", pa.string(), "'äöü'", "äöü", "varchar", 7, "äöü"),
    ("text", pa.string(), "'abcd'", "abcd", "varchar", 7, "22001"),
    ("text", pa.string(), "'abc   '", "abc   ", "varchar", 7, "abc"),
    ("text", pa.string(), "'ab    '", "ab    ", "varchar", 7, "ab "),
    ("text", pa.string(), "'abcd'", "abcd", "bpchar", 7, "22001"),
    ("int8", pa.int64(), "12345", 12345, "varchar", 7, "22001"),
    ("int8", pa.int64(), "-12", -12, "text", -1, "-12"),
    ("bool", pa.bool_(), "true", True, "text", -1, "true"),
    ("bool", pa.bool_(), "true", True, "int4", -1, "42804"),
    ("int4", pa.int32(), "1", 1, "bool", -1, "42804"),
    ("int4", pa.int32(), "1", 1, "date", -1, "42804"),
    ("date", pa.date32(), "'2020-01-01'", dt.date(2020, 1, 1), "timestamp", -1,
     dt.datetime(2020, 1, 1)),
    ("date", pa.date32(), "'2020-01-01'", dt.date(2020, 1, 1), "timestamptz", -1,
     dt.datetime(2020, 1, 1, tzinfo=UTC)),
    ("date", pa.date32(), "'2020-01-01'", dt.date(2020, 1, 1), "time", -1, "42804"),
    ("date", pa.date32(), "'2020-01-01'", dt.date(2020, 1, 1), "text", -1, "2020-01-01"),
    ("timestamp", pa.timestamp("us"), "'1969-12-31 23:59:59'",
     dt.datetime(1969, 12, 31, 23, 59, 59), "date", -1, dt.date(1969, 12, 31)),
    ("timestamp", pa.timestamp("us"), "'1969-12-31 23:59:59'",
     dt.datetime(1969, 12, 31, 23, 59, 59), "time", -1, dt.time(23, 59, 59)),
    ("timestamp", pa.timestamp("us"), "'2020-01-01 00:00:00.5'",
     dt.datetime(2020, 1, 1, 0, 0, 0, 500000), "timestamp", 0, dt.datetime(2020, 1, 1, 0, 0, 1)),
    ("timestamp", pa.timestamp("us"), "'1999-12-31 23:59:59.5'",
     dt.datetime(1999, 12, 31, 23, 59, 59, 500000), "timestamp", 0,
     dt.datetime(1999, 12, 31, 23, 59, 59)),
    ("timestamptz", pa.timestamp("us", "UTC"), "'2020-01-01 00:00+01'",
     dt.datetime(2019, 12, 31, 23, tzinfo=UTC), "date", -1, dt.date(2019, 12, 31)),
    ("bytea", pa.binary(), r"'\x01'", b"\x01", "int4", -1, "42804"),
    ("int4[]", pa.list_(pa.int32()), "'{1,NULL}'", [1, None], "float8[]", -1, [1.0, None]),
    ("float8[]", pa.list_(pa.float64()), "'{0.5,2.5}'", [0.5, 2.5], "int4[]", -1, [0, 2]),
    ("int4[]", pa.list_(pa.int32()), "'{70000}'", [70000], "int2[]", -1, "22003"),
    ("text[]", pa.list_(pa.string()), "'{abcd}'", ["abcd"], "varchar[]", 7, "22001"),
    ("int4", pa.int32(), "1", 1, "int4[]", -1, "42804"),
]  # fmt: skip

# Columns that only a quoted literal can reach in PostgreSQL: there, the value stays untyped.
UNTYPED = {"text"}


def named(row: tuple[Any, ...]) -> str:
    return f"{row[0]}-{row[2]}-{row[4]}-{row[5]}"


def assigned(arrow: pa.DataType, value: Any, type_name: str, typmod: int) -> Any:
    """The value after the cast, or the SQLSTATE of its refusal; NULLs beside it stay NULL."""
    column = Column("a", by_name(type_name), typmod)
    try:
        got = assign(pa.array([None, value, None], arrow), column)
    except GatewayError as error:
        return error.code
    assert got.type == column.arrow
    assert got.to_pylist()[::2] == [None, None]
    return got.to_pylist()[1]


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_value_becomes_the_columns(row: tuple[Any, ...]) -> None:
    _, arrow, _, value, type_name, typmod, expected = row
    assert assigned(arrow, value, type_name, typmod) == expected


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_postgres_does_the_same(
    postgres: psycopg.Connection[tuple[object, ...]], row: tuple[Any, ...]
) -> None:
    source, _, literal, _, type_name, typmod, expected = row
    postgres.execute("DROP TABLE IF EXISTS t")
    array = type_name.endswith("[]")
    spelt = postgres.execute(
        "SELECT format_type(%s::regtype, %s)",
        (type_name.removesuffix("[]"), None if typmod < 0 else typmod),
    ).fetchone()
    assert spelt is not None
    postgres.execute(f"CREATE TABLE t (a {spelt[0]}{'[]' if array else ''})".encode())
    value = literal if source in UNTYPED else f"CAST({literal} AS {source})"
    try:
        found = postgres.execute(f"INSERT INTO t VALUES ({value}) RETURNING a".encode()).fetchone()
    except psycopg.Error as error:
        assert error.sqlstate == expected
        return
    assert found is not None
    got = str(found[0]) if type_name == "uuid" else found[0]
    assert got == expected


@pytest.mark.parametrize("bad", [NAN, INF])
def test_numeric_refuses_what_a_decimal_cannot_hold(bad: float) -> None:
    assert assigned(pa.float64(), bad, "numeric", -1) == "0A000"


def test_free_numeric_keeps_ten_digits_and_never_makes_zero() -> None:
    assert assigned(pa.float64(), 1 / 3, "numeric", -1) == "22003"
    with rounding(lambda name: False) as told:
        assert assigned(pa.float64(), 1 / 3, "numeric", -1) == D("0.3333333333")
        assert [*told] == ["a"]
        assert assigned(pa.float64(), 1e-12, "numeric", -1) == "22003"
        assert assigned(pa.string(), "0.12345678901", "numeric", -1) == "22003"
    assert assigned(pa.string(), "1e-12", "numeric", -1) == "22003"
    assert assigned(pa.string(), "0.00", "numeric", -1) == 0


def test_char_is_kept_without_its_blanks() -> None:
    assert assigned(pa.string(), "ab ", "bpchar", 9) == "ab"


def test_text_has_no_zero_byte() -> None:
    assert assigned(pa.string(), "a\0b", "text", -1) == "22021"


def test_empty_and_nested_lists() -> None:
    assert assign(pa.array([[], None]), Column("a", by_name("int4[]"))).to_pylist() == [[], None]
    assert assigned(pa.list_(pa.list_(pa.int32())), [[1]], "int4[]", -1) == "0A000"


def test_interval_keeps_microseconds() -> None:
    parts = pa.array([(1, 2, 1999), None, (0, 0, -1999)], pa.month_day_nano_interval())
    got = assign(parts.slice(0), Column("a", by_name("interval"))).to_pylist()
    assert got == [(1, 2, 1000), None, (0, 0, -1000)]
    assert assigned(pa.duration("s"), dt.timedelta(days=1), "interval", -1) == (0, 0, 86400 * 10**9)


def test_lists_under_null_do_not_shift_the_others() -> None:
    lists = pa.array([[1], None, [2, 3], []], pa.large_list(pa.int64())).slice(1)
    assert assign(lists, Column("a", by_name("int4[]"))).to_pylist() == [None, [2, 3], []]
    hidden = pa.ListArray.from_arrays(
        pa.array([0, 1, 3]), pa.array([10**6, 2, 3]), mask=pa.array([True, False])
    )
    assert assign(hidden, Column("a", by_name("int2[]"))).to_pylist() == [None, [2, 3]]


def test_words_of_refusals() -> None:
    def refusal(value: Any, arrow: pa.DataType, type_name: str, typmod: int = -1) -> str:
        with pytest.raises(GatewayError) as caught:
            assign(pa.array([value], arrow), Column("a", by_name(type_name), typmod))
        return str(caught.value)

    assert refusal("x", pa.string(), "int4") == 'invalid input syntax for type integer: "x"'
    assert refusal(1e10, pa.float64(), "int4") == "integer out of range"
    assert (
        refusal("99999", pa.string(), "int2") == 'value "99999" is out of range for type smallint'
    )
    assert refusal("abcd", pa.string(), "varchar", 7) == (
        "value too long for type character varying(3)"
    )
    assert refusal("x", pa.string(), "timestamp") == 'invalid input syntax for type timestamp: "x"'
    assert refusal(True, pa.bool_(), "int4") == (
        'column "a" is of type integer but expression is of type boolean'
    )
