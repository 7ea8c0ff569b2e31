"""Dates and times as people spell them, read as PostgreSQL 15 reads them or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from gateway.errors import GatewayError
from gateway.sql.inputs.notation import Notation
from gateway.types import BY_NAME
from gateway.wire.decoding import decode_parameter
from gateway.wire.encoding.arrays import as_array
from gateway.wire.encoding.values import encode_column
from tests.conftest import Connect

DATES = (
    "January 8, 1999", "Jan 8 1999", "jan-08-1999", "8 January 1999", "08-Jan-1999", "08-Jan-99",
    "8Jan1999", "1999-Jan-08", "1999 January 8", "Friday, January 8, 1999", "1/8/1999",
    "1/18/1999", "18/1/1999", "01/02/03", "01.02.2003", "1-8-1999", "1999/1/8", "1999.01.08",
    "990108", "700101", "691231", "1999.008", "1999.366", "2000.366", "J2451187", "j0",
    "January 8, 99 BC", "Sept 9, 2013", "February 30, 2013", "13/13/2013", "Smarch 1, 2013",
    "January 1999", "8 1999", "today", "tomorrow", "yesterday", "now", "Mar 1, 12345", "1/2", "",
    "Jan 8, 1999 13:00", "99-Jan-08", "1999-13-01", "Januar 8, 1999", "8. January 1999",
    "Jan 8, 1999 AD", "2013-01-02 BC", "tomorrow 04:05", "Jan 08 70", "1/8/0", "1/8/100",
)  # fmt: skip
MOMENTS = (
    "January 8, 1999 04:05:06", "Jan 8 1999 4:05 PM", "Jan 8 1999 12:05 AM", "8-Jan-1999 12 pm",
    "1999-01-08 04:05:06 PM", "Jan 8 1999 13:05 PM", "Jan 8, 1999 04:05:06.789 +02",
    "04:05:06 January 8, 1999", "1/8/1999 04:05", "Jan 8, 1999 BC", "tomorrow", "today 12:30",
    "2013-01-02 03:04 garbage", "2013-01-02 03:04 EST",
    "Mon Jan 7 2013 10:11:12", "2013/01/02 03:04 +05:30", "Jan 8 1999 25:00", "yesterday 1 am",
)  # fmt: skip
TIMES = ("04:05 AM", "04:05:06.5 PM", "12:00 AM", "12:00 PM", "13:00 PM", "allballs", "4:05 pm")
# What PostgreSQL reads and we refuse.
REFUSED = {("date", "j0")}
ROWS = [("date", t) for t in DATES] + [("time", t) for t in TIMES]
ROWS += [(kind, t) for kind in ("timestamp", "timestamptz") for t in MOMENTS]


@pytest.fixture(scope="module")
def reference(postgres: Connect) -> Iterator[psycopg.Connection[Any]]:
    with postgres() as connection:
        yield connection


@pytest.mark.parametrize("order", ["MDY", "DMY", "YMD"])
def test_postgresql_reads_it_so(order: str, reference: psycopg.Connection[Any]) -> None:
    reference.execute(f"SET DateStyle = ISO, {order}; SET TimeZone = 'America/New_York'")
    wrong = {}
    for name, text in ROWS:
        kind = BY_NAME[name]
        answer = reference.pgconn.exec_params(f"SELECT $1::{kind.sql}".encode(), [text.encode()])
        theirs = answer.get_value(0, 0) if answer.ntuples else None
        try:
            value = decode_parameter(
                text.encode(), kind, 0, Notation("America/New_York", order=order)
            )
            ours = as_array(
                encode_column(pa.repeat(value, 1), kind, 0, Notation("America/New_York"))
            )[0].as_py()
        except GatewayError:
            ours = None
        if ours != theirs:
            wrong[name, text] = (ours, theirs)
    refused = {row for row, (ours, _) in wrong.items() if ours is None}
    assert {row: wrong[row] for row in wrong.keys() - refused} == {}
    assert refused <= REFUSED
