"""Texts of dates, times and intervals made of random words, read as PostgreSQL 15 reads them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.errors import GatewayError
from gateway.sql.inputs import moment_values
from gateway.sql.inputs.interval_input import cut_to, read_interval
from tests.examples import examples

Connection = psycopg.Connection[Any]

DAYS = (
    "Jan", "jan.", "January", "8", "08", "99", "1999", "1999-01-08", "1/8/99", "08-Jan-99",
    "19990108", "990108", "08.01.1999", "99-01-08", "01/02/03", "Feb 30", "2001-2-29", "31", "13",
    "Monday", "Mon,", "J2451187", "J", "2451187.5", "1999.008", "0099", "BC", "AD", "20011225",
    "2200-7-1", "12345-6-7", "epoch", "infinity", "-infinity", "foo", ",", "/", "at",
)  # fmt: skip
CLOCKS = (
    "040506", "0405", "04:05", "04:05:06.789", "T", "t", "AM", "PM", "12:00", "24:00", "12:61",
    "5:32PM", "23:59:60", "23:59:59.9999999", "allballs", "-8", "+05:30", "-0830", "+16", "PST",
    "EST5EDT", "America/New_York", "Z", "UTC", "dst", "CEST", "GMT+8", "040506.5-08",
)  # fmt: skip
PARTS = (
    "1", "-2", "3.5", ".5", "1.1", "+4", "12:34", "1:02:03.5", "-4:05", "+06:07:08", "1-2", "-3-4",
    "year", "years", "mons", "weeks", "day", "d", "hour", "hours", "min", "sec", "s", "ms", "us",
    "decade", "century", "ago", "@", "P1Y", "P1Y2M3DT4H5M6S", "P1.5M", "PT1.5H", "P-1Y", "-",
    "P0001-02-03T04:05:06", "12:34.5", "100:00", "1.23456789", "quux",
)  # fmt: skip
FIELDS = ("", "year", "month", "day", "hour", "day to minute", "minute to second")

# What PostgreSQL reads as another moment than it says, and we refuse: minutes beyond 59.
_REFUSED = "refused"


def text_of(words: tuple[str, ...], most: int) -> st.SearchStrategy[str]:
    parts = st.lists(st.sampled_from(words), min_size=1, max_size=most)
    return st.tuples(parts, st.sampled_from((" ", " ", "", "-"))).map(lambda p: p[1].join(p[0]))


def theirs(real: Connection, query: str, text: str) -> Any:
    answer = real.pgconn.exec_params(query.encode(), [text.encode()])
    value = answer.get_value(0, 0) if answer.ntuples else None
    return _REFUSED if value is None else int(value)


_QUERIES = {
    "date": "SELECT CASE $1::date WHEN 'infinity' THEN 2147483647 WHEN '-infinity' THEN"
    " -2147483648 ELSE $1::date - date '1970-01-01' END",
    "time": "SELECT round(extract(epoch FROM $1::time) * 1000000)::int8",
    "timestamptz": "SELECT CASE $1::timestamptz WHEN 'infinity' THEN 9223372036854775807 WHEN"
    " '-infinity' THEN -9223372036854775808"
    " ELSE round(extract(epoch FROM $1::timestamptz) * 1000000)::int8 END",
}


@examples(300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text_of(DAYS + CLOCKS, 4), st.sampled_from(("MDY", "DMY", "YMD")),
       st.sampled_from(sorted(_QUERIES)))  # fmt: skip
def test_moments_are_read_so(real: Connection, text: str, order: str, kind: str) -> None:
    zone = "America/New_York"
    real.execute(f"SET DateStyle = ISO, {order}; SET TimeZone = '{zone}'")
    wanted = theirs(real, _QUERIES[kind], text)
    try:
        found: Any = getattr(moment_values, kind)(text, zone, order)
    except GatewayError:
        return  # some texts that hardly anybody writes are refused: the table below is not
    assert found == wanted


READ = (
    "Feb 10 17:32:01 1997 PST", "19970210 173201 -0800", "19970210 173201 America/New_York",
    "2000-03-15 08:14:01 GMT+8", "1997.041 17:32:01 UTC", "Mon Feb 10 17:32:01.4 1997",
    "J2451187 04:05:06", "99 01 08", "08 01 99", "1999 08 Jan", "99-Jan-08", "January 8, 99 BC",
    "20011227T040506.789-08", "2001-12-27 04:05:06 MET DST", "12/27/2001 04:05 PM",
    "97FEB10 5:32:01PM UTC", "1997/02/10 17:32:01-0800", "Feb-10-1997 17:32:01 PST",
)  # fmt: skip


@pytest.mark.parametrize("order", ["MDY", "DMY", "YMD"])
@pytest.mark.parametrize("text", READ)
def test_usual_spellings_are_read(real: Connection, text: str, order: str) -> None:
    real.execute(f"SET DateStyle = ISO, {order}; SET TimeZone = 'Europe/Berlin'")
    wanted = theirs(real, _QUERIES["timestamptz"], text)
    try:
        found: Any = moment_values.timestamptz(text, "Europe/Berlin", order)
    except GatewayError:
        found = _REFUSED
    assert found == wanted


@examples(250, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text_of(PARTS, 5), st.sampled_from(("postgres", "sql_standard")), st.sampled_from(FIELDS))
def test_intervals_are_read_so(real: Connection, text: str, style: str, fields: str) -> None:
    real.execute(f"SET IntervalStyle = {style}")
    query = f"""
        SELECT (extract(year FROM i) * 12 + extract(month FROM i))::int8, extract(day FROM i)::int8,
               (extract(hour FROM i) * 3600000000 + extract(minute FROM i) * 60000000
                + extract(microsecond FROM i))::int8
        FROM (SELECT interval {psycopg.sql.quote(text)} {fields}) AS v(i)
    """
    answer = real.pgconn.exec_(query.encode())
    wanted = [int(answer.get_value(0, n) or 0) for n in range(3)] if answer.ntuples else None
    try:
        found: Any = list(cut_to(read_interval(text, style, fields or "second"), fields))
    except GatewayError:
        found = None
    if found is not None:
        assert found == wanted
