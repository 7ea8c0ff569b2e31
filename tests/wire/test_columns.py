"""Columns in whatever form an engine hands them over, and the two ways of writing rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.session.result import Field
from gateway.sql.inputs.notation import Notation
from gateway.types import BY_NAME, Type, array_of, by_name
from gateway.wire.encoding import values
from gateway.wire.encoding.arrays import as_array
from tests.examples import examples
from tests.wire.client import Heard

MANY = values.FEW_ROWS + 1


def fields(column: pa.Array, kind: Type, form: int, zone: str = "UTC") -> list[bytes | None]:
    """Each row's field, read back from whole DataRow messages of two equal columns."""
    batch = pa.record_batch([column, column], names=["a", "b"])
    data = bytes(
        values.encode_rows(batch, [Field("a", kind), Field("b", kind)], [form] * 2, Notation(zone))
    )
    found = []
    while data:
        length = int.from_bytes(data[1:5], "big")
        assert data[:1] == b"D" and data[5:7] == b"\0\2"
        first, second = two_fields(data[7 : length + 1])
        assert first == second
        found.append(first)
        data = data[length + 1 :]
    return found


def two_fields(data: bytes) -> list[bytes | None]:
    body, found = Heard(data), []
    for _ in range(2):
        (length,) = body.take(">i")
        found.append(None if length < 0 else body.data[:length])
        body.data = body.data[max(length, 0) :]
    assert not body.data
    return found


def texts(column: pa.Array, name: str, rows: int, zone: str = "UTC") -> list[str | None]:
    """Text of the column's values, written among `rows` rows."""
    padded = pa.concat_arrays([column, pa.nulls(rows, column.type)])
    found = fields(padded, by_name(name), 0, zone)[: len(column)]
    return [None if value is None else value.decode() for value in found]


NS = np.array(["2013-01-02T03:04:05.123456789", "1969-12-31T23:59:59.999999999"], "M8[ns]")

#   column as the engine has it                                   type        text
FOREIGN: list[tuple[pa.Array, str, list[str | None]]] = [
    (pa.array([1, None, -3], pa.int8()), "int2", ["1", None, "-3"]),
    (pa.array([1, 2**63 - 1], pa.uint64()), "int8", ["1", "9223372036854775807"]),
    (pa.array([1.5, None], pa.float16()), "float4", ["1.5", None]),
    (pa.array([1, 2], pa.int64()), "float8", ["1", "2"]),
    (pa.array([0.5], pa.float32()), "float8", ["0.5"]),
    (pa.array(["a", None, ""], pa.large_string()), "text", ["a", None, ""]),
    (pa.array(["a" * 40, None, ""], pa.string_view()), "text", ["a" * 40, None, ""]),
    (pa.array(["x", "y", "x", None]).dictionary_encode(), "text", ["x", "y", "x", None]),
    (pa.array([b"\x00\xff"], pa.large_binary()), "bytea", ["\\x00ff"]),
    (pa.array([b"\x01\x02"], pa.binary(2)), "bytea", ["\\x0102"]),
    (pa.array([b"\x01" * 30], pa.binary_view()), "bytea", ["\\x" + "01" * 30]),
    (pa.array([UUID(int=5).bytes], pa.uuid()), "uuid", ["00000000-0000-0000-0000-000000000005"]),
    (pa.array(NS), "timestamp", ["2013-01-02 03:04:05.123456", "1969-12-31 23:59:59.999999"]),
    (pa.array([0], pa.timestamp("s")), "timestamp", ["1970-01-01 00:00:00"]),
    (pa.array([86_400_000], pa.date64()), "date", ["1970-01-02"]),
    (pa.array([3_600], pa.time32("s")), "time", ["01:00:00"]),
    (pa.array([1_500_000_000], pa.time64("ns")), "time", ["00:00:01.5"]),
    (pa.array([93_600, -93_600, None], pa.duration("s")), "interval",
     ["1 day 02:00:00", "-1 days -02:00:00", None]),
    (pa.array([10**8 * 86_400 * 10**6 - 1], pa.duration("us")), "interval",
     ["99999999 days 23:59:59.999999"]),
    (pa.array([1_999], pa.duration("ns")), "interval", ["00:00:00.000001"]),
    (pa.array([Decimal("-0.0000001")], pa.decimal128(38, 7)), "numeric", ["-0.0000001"]),
    (pa.array([Decimal("1.50")], pa.decimal256(60, 2)), "numeric", ["1.50"]),
    (pa.array([7, None], pa.int32()), "numeric", ["7", None]),
    (pa.nulls(2), "text", [None, None]),
    (pa.nulls(2), "int4", [None, None]),
    (pa.array([[1, None], None, []], pa.large_list(pa.int64())), "int4[]",
     ["{1,NULL}", None, "{}"]),
    (pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2)), "int4[]", ["{1,2}", "{3,4}"]),
    (pa.array([["a b"], ["{"]], pa.list_(pa.string_view())), "text[]", ['{"a b"}', '{"{"}']),
    (pa.array([[[1, 2], [3, 4]], [[5, None]], []], pa.list_(pa.list_(pa.int32()))), "int4[]",
     ["{{1,2},{3,4}}", "{{5,NULL}}", "{}"]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "name", "expected"), FOREIGN, ids=lambda v: str(v)[:30])
@pytest.mark.parametrize("rows", [0, MANY])
def test_foreign_columns_are_written_as_their_fields_type(
    column: pa.Array, name: str, expected: list[str | None], rows: int
) -> None:
    assert texts(column, name, rows) == expected
    assert texts(column.slice(1), name, rows) == expected[1:]


def test_an_array_of_arrays_has_its_dimensions_in_binary() -> None:
    column = pa.array([[[1, 2, 3], [4, 5, None]]] * MANY, pa.list_(pa.list_(pa.int16())))
    body = Heard(fields(column, by_name("int2[]"), 1)[-1] or b"")
    assert body.take(">iiI") == (2, 1, 21)
    assert body.take(">iiii") == (2, 1, 3, 1)
    elements = [body.field() for _ in range(6)]
    assert elements[-1] is None and len(elements) == 6 and not body.data


#   column that cannot be sent                                     as          SQLSTATE
REFUSED: list[tuple[pa.Array, str, str]] = [
    (pa.array([2**63], pa.uint64()), "int8", "22003"),
    (pa.array([40_000], pa.int32()), "int2", "22003"),
    (pa.array([2**62], pa.timestamp("s")), "timestamp", "22003"),
    (pa.array([-(2**63) + 1], pa.timestamp("us")), "timestamp", "22008"),
    (pa.array([b"\xff"], pa.binary()), "text", "22021"),
    (pa.array([1], pa.int32()), "text", "XX000"),
    (pa.array(["1"]), "int4", "XX000"),
    (pa.array([[[1], [2, 3]]]), "int8[]", "2202E"),
]


@pytest.mark.parametrize(("column", "name", "code"), REFUSED)
def test_what_does_not_fit_is_refused(column: pa.Array, name: str, code: str) -> None:
    with pytest.raises(GatewayError) as refusal:
        fields(column, by_name(name), 1)
    assert refusal.value.code == code


ZONED = pa.array([datetime(2013, month, 2, 3, 4, 5, tzinfo=UTC) for month in (1, 7)])


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", ["2013-01-02 03:04:05+00", "2013-07-02 03:04:05+00"]),
        ("Europe/Berlin", ["2013-01-02 04:04:05+01", "2013-07-02 05:04:05+02"]),
        ("Asia/Kolkata", ["2013-01-02 08:34:05+05:30", "2013-07-02 08:34:05+05:30"]),
    ],
)
@pytest.mark.parametrize("rows", [0, MANY])
def test_timestamptz_is_written_in_the_sessions_zone(
    zone: str, expected: list[str], rows: int
) -> None:
    assert texts(ZONED, "timestamptz", rows, zone) == expected


micros = st.integers(-(10**15), 10**16)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "bool": st.booleans(),
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "float4": st.floats(width=32),
    "float8": st.floats(),
    "text": st.text(),
    "bytea": st.binary(),
    "date": st.integers(-(10**6), 5 * 10**6),
    "time": st.integers(0, 86_400_000_000),
    "timestamp": micros,
    "timestamptz": micros,
}


@examples(30)
@given(st.data(), st.sampled_from(sorted(VALUES)), st.sampled_from([0, 1]))
def test_few_rows_and_many_are_written_alike(data: st.DataObject, name: str, form: int) -> None:
    kind = BY_NAME[name]
    drawn = data.draw(st.lists(st.none() | VALUES[name], min_size=1, max_size=12))
    column = pa.array(drawn, kind.arrow)
    repeated = pa.concat_arrays([column] * (MANY // len(column) + 1))
    start = data.draw(st.integers(0, len(column) - 1))
    few = fields(column.slice(start), kind, form)
    assert fields(repeated.slice(start), kind, form)[: len(few)] == few
    lists = pa.array([drawn, None, drawn[:1]], pa.list_(kind.arrow))
    encoded = as_array(values.encode_column(lists, array_of(kind), form))
    assert [field is None for field in encoded.to_pylist()] == [False, True, False]


decimals = st.decimals(
    allow_nan=False, allow_infinity=False, places=4, min_value=-(10**13), max_value=10**13
)


@examples(50)
@given(st.lists(st.none() | decimals, min_size=1, max_size=20))
def test_numeric_binary_is_the_same_in_both_widths(drawn: list[Decimal | None]) -> None:
    narrow, wide = (
        fields(pa.array(drawn, kind), BY_NAME["numeric"], 1)
        for kind in (pa.decimal128(18, 4), pa.decimal256(40, 4))
    )
    assert narrow == wide


def test_no_columns_and_no_rows() -> None:
    empty = pa.record_batch([], names=[])
    assert values.encode_rows(empty, [], []) == b""
    rows = pa.RecordBatch.from_struct_array(pa.array([{}] * 2, pa.struct([])))
    assert bytes(values.encode_rows(rows, [], [])) == b"D\0\0\0\x06\0\0" * 2
    rows = pa.RecordBatch.from_struct_array(pa.array([{}] * MANY, pa.struct([])))
    assert bytes(values.encode_rows(rows, [], [])) == b"D\0\0\0\x06\0\0" * MANY


def test_rows_beyond_the_offsets_of_arrow_are_written_in_halves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    column = pa.array([f"row {n}" for n in range(5 * MANY)])
    whole = fields(column, BY_NAME["text"], 0)
    monkeypatch.setattr(values, "_MOST_BYTES", 500)
    assert fields(column, BY_NAME["text"], 0) == whole
