"""Intervals that clients spell, and those of PostgreSQL's binary form, as Arrow holds them."""

from __future__ import annotations

import struct

import pyarrow as pa

from gateway.errors import (
    DatetimeFieldOverflow,
    InvalidBinaryRepresentation,
    ProtocolViolation,
)
from gateway.sql.inputs.interval_input import read_interval


def interval(text: str, style: str = "postgres") -> pa.MonthDayNano:
    """The interval a client spelt; see `read_interval`."""
    return month_day_nano(*read_interval(text, style))


def interval_binary(data: bytes) -> pa.MonthDayNano:
    """The interval of PostgreSQL's microseconds, days and months."""
    micros, days, months = struct.unpack(">qii", exactly(data, 16))
    return month_day_nano(months, days, micros)


def month_day_nano(months: int, days: int, micros: int) -> pa.MonthDayNano:
    """The interval as Arrow holds it, its time in nanoseconds.

    Raises:
        DatetimeFieldOverflow: 22008, a part that does not fit; the time part holds 292 years.
    """
    nanos = micros * 1000
    if max(abs(months), abs(days)) >= 2**31 or abs(nanos) >= 2**63:
        raise DatetimeFieldOverflow("interval out of range")
    return pa.MonthDayNano([months, days, nanos])


def exactly(data: bytes, size: int) -> bytes:
    """The field, if it has that many bytes.

    Raises:
        ProtocolViolation: 08P01, fewer; PostgreSQL's word for it.
        InvalidBinaryRepresentation: 22P03, more.
    """
    if len(data) < size:
        raise ProtocolViolation("insufficient data left in message")
    if len(data) > size:
        raise InvalidBinaryRepresentation("incorrect binary data format")
    return data
