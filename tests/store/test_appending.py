"""Rows that DuckDB is given as values of a statement are the rows that it reads from Arrow."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from gateway.errors import UniqueViolation
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import Column, Key, TableDefinition
from gateway.store.tables import Store, StoreSession
from gateway.types import by_name

VALUES, ARROW = TableName("public", "values"), TableName("public", "arrow")
NAN, INF = float("nan"), float("inf")
DAYS_END = 86_400_000_000  # microseconds: the time 24:00:00, which Python takes for 00:00
LATE = 400_000_000_000_000_000  # microseconds: a year that Python does not reach

#   type, modifier, values
COLUMNS: tuple[tuple[str, int, tuple[Any, ...]], ...] = (
    ("bool", -1, (True, False, None)),
    ("int2", -1, (-(2**15), 2**15 - 1, 0)),
    ("int4", -1, (-(2**31), 2**31 - 1, None)),
    ("int8", -1, (-(2**63), 2**63 - 1, 1)),
    ("float4", -1, (1.5, -0.0, NAN, INF, 3.4028234663852886e38, 1.401298464324817e-45)),
    ("float8", -1, (0.1, -0.0, NAN, -INF, 5e-324, None)),
    ("numeric", -1, (Decimal("1234567890123456789012345678.0123456789"), Decimal("-0.0000000001"))),
    ("numeric", ((38 << 16) | 0) + 4, (Decimal("9" * 38), Decimal(1))),
    ("text", -1, ("", "it's", "\\n?$1", "é漢😀", None)),
    ("bytea", -1, (b"", b"\x00\xff'", None)),
    ("date", -1, (dt.date(1, 1, 1), dt.date(9999, 12, 31), 10_000_000)),
    ("time", -1, (dt.time(0), dt.time(23, 59, 59, 999_999))),
    ("time", -1, (DAYS_END, dt.time(1), None)),
    ("timestamp", -1, (dt.datetime(1, 1, 1), dt.datetime(2020, 1, 2, 3, 4, 5, 678_901), LATE)),
    ("timestamptz", -1, (dt.datetime(1999, 12, 31, 23, tzinfo=dt.UTC), LATE, None)),
    ("int4[]", -1, ([1, None], [], None)),
    ("interval", -1, (pa.MonthDayNano((1, -2, 3_000)), None)),
)


@pytest.mark.parametrize(("kind", "typmod", "values"), COLUMNS)
def test_values_arrive_as_arrow_does(
    kind: str, typmod: int, values: tuple[Any, ...], session: StoreSession
) -> None:
    column = Column("v", by_name(kind), typmod=typmod)
    rows = [pa.record_batch([pa.array([value], column.arrow)], ["v"]) for value in values]
    for name in (VALUES, ARROW):
        session.create_table(TableDefinition(name, (column,)))
    many = [batch for batch in rows for _ in range(50)]  # past what goes as values
    session.insert(ARROW, ["v"], [pa.Table.from_batches(many).combine_chunks().to_batches()[0]])
    for batch in rows:
        for _ in range(50):
            session.insert(VALUES, ["v"], [batch], last=True)
    assert repr(shown(session, VALUES)) == repr(shown(session, ARROW))


def shown(session: StoreSession, name: TableName) -> list[object]:
    """The stored bytes, value by value: NaN and -0 count, and years that Python has not."""
    column = session.snapshot(name).rows.column("v").combine_chunks()
    if pa.types.is_temporal(column.type) and column.type != pa.month_day_nano_interval():
        width = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
        column = column.cast(width)
    return list(column.to_pylist())


def test_a_key_that_is_there_ends_the_statement_that_came_last(store: Store) -> None:
    session = store.session()
    key = (Key(("n",), primary=True),)
    session.create_table(TableDefinition(VALUES, (Column("n", by_name("int4")),), keys=key))
    one = [pa.record_batch({"n": [1]})]
    session.insert(VALUES, ["n"], one, last=True)
    with pytest.raises(UniqueViolation) as caught:
        session.insert(VALUES, ["n"], one, last=True)
    assert caught.value.detail == "Key (n)=(1) already exists."
    session.begin()
    with pytest.raises(UniqueViolation):  # at once, whatever may follow
        session.insert(VALUES, ["n"], one, last=True)
    session.rollback()
    assert session.snapshot(VALUES).rows.num_rows == 1
    session.close()


def test_rows_that_wait_are_seen_undone_and_kept(store: Store) -> None:
    session, other = store.session(), store.session()
    session.create_table(TableDefinition(VALUES, (Column("n", by_name("int4")),)))

    def put(*values: int) -> None:
        session.insert(VALUES, ["n"], [pa.record_batch({"n": values})])

    def got(of: StoreSession) -> list[int]:
        return list(of.snapshot(VALUES).rows.column("n").to_pylist())

    session.begin()
    put(1)
    put(2)
    session.savepoint("s")
    put(3)
    assert (got(session), got(other)) == ([1, 2, 3], [])
    session.rollback_to("s")
    put(4)
    session.commit()
    assert got(session) == got(other) == [1, 2, 4]
    session.begin()
    put(5)
    session.rollback()
    assert got(session) == got(other) == [1, 2, 4]
    session.close()
    other.close()
