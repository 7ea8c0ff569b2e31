"""Intervals of PostgreSQL's binary form, as Arrow holds them."""

from __future__ import annotations

import struct

import pyarrow as pa

from gateway.errors import InvalidBinaryRepresentation, ProtocolViolation
from gateway.sql.inputs.value_input import month_day_nano


def interval_binary(data: bytes) -> pa.MonthDayNano:
    """The interval of PostgreSQL's microseconds, days and months."""
    micros, days, months = struct.unpack(">qii", exactly(data, 16))
    return month_day_nano(months, days, micros)


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
