"""Rows of some values alone: the same ones as of the whole table, and of one moment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, Key, TableDefinition
from gateway.store.tables import Store, StoreSession
from gateway.types import by_name

T, OTHER = TableName("public", "t"), TableName("public", "other")

# Type -> the values of three rows.
VALUES: dict[str, list[Any]] = {
    "bool": [True, False, None],
    "int2": [-(2**15), 0, None],
    "int8": [2**63 - 1, -1, None],
    "float4": [float("inf"), 0.1, None],
    "float8": [-0.0, 0.1, None],
    "numeric": [Decimal("12345678901234567890.0123456789"), Decimal(0), None],
    "text": ["", "snow ☃ 'x'", None],
    "bytea": [b"\0\xff", b"", None],
}
# Those that are read as Arrow, for Python does not tell them as they are.
OTHERS: dict[str, list[Any]] = {
    "timestamp": [2**63 - 1, -(2**63) + 1, None],  # the infinities
    "date": [2**31 - 1, 0, None],
}


def made(session: StoreSession, values: dict[str, list[Any]]) -> TableDefinition:
    """A table with these columns and a key `n`, of the rows 1 to 3."""
    columns = [Column("n", by_name("int4")), *(Column(name, by_name(name)) for name in values)]
    definition = TableDefinition(T, tuple(columns), keys=(Key(("n",), primary=True),))
    session.create_table(definition)
    arrays = [pa.array([1, 2, 3], pa.int32())]
    for name, column in values.items():
        kind = by_name(name).arrow
        counts = pa.types.is_timestamp(kind) or pa.types.is_date(kind)
        whole = pa.int32() if pa.types.is_date32(kind) else pa.int64()
        arrays.append(pa.array(column, whole).cast(kind) if counts else pa.array(column, kind))
    rows = pa.RecordBatch.from_arrays(arrays, schema=definition.schema)
    session.insert(T, definition.schema.names, [rows])
    return definition


@pytest.mark.parametrize("values", [VALUES, OTHERS], ids=["plain", "moments"])
@pytest.mark.parametrize("wanted", [[1], [2], [3], [4], [1, 3, 9]], ids=str)
def test_rows_of_a_key_are_those_of_the_table(
    session: StoreSession, values: dict[str, list[Any]], wanted: list[int]
) -> None:
    made(session, values)
    whole = session.snapshot(T).rows
    with session.writing(T, "UPDATE"):
        found = session.snapshots([T], rowid_of=T, wanted={"n": wanted})[T].rows
    expected = whole.filter(pc.is_in(whole.column("n"), pa.array(wanted, pa.int32())))
    assert found.column_names == [ROWID, *whole.column_names]
    assert found.drop_columns([ROWID]).sort_by("n").equals(expected)


def test_what_is_read_besides_is_of_the_same_moment(store: Store, session: StoreSession) -> None:
    made(session, {"text": ["a", "b", "c"]})
    session.create_table(TableDefinition(OTHER, (Column("n", by_name("int4")),)))
    session.insert(OTHER, ["n"], [pa.record_batch({"n": pa.array([1], pa.int32())})])
    other = store.session()
    with session.writing(T, "UPDATE"):
        found = session.snapshots([T], rowid_of=T, wanted={"n": [2]})[T].rows
        other.insert(OTHER, ["n"], [pa.record_batch({"n": pa.array([2], pa.int32())})])
        assert session.snapshot(OTHER).rows.column("n").to_pylist() == [1]
        delta = pa.table({"row": found.column(ROWID), "text": ["B"]})
        session.update(T, ["text"], delta.to_batches())
        assert session.snapshot(OTHER).rows.column("n").to_pylist() == [1]
    assert other.snapshot(OTHER).rows.column("n").to_pylist() == [1, 2]
    assert other.snapshot(T).rows.column("text").to_pylist() == ["a", "B", "c"]
    other.close()
