"""The bytes that have arrived, cut into messages.

How long a message of each type may be is `protocol`'s; what it says is read by `messages`.
"""

from __future__ import annotations

import struct

from gateway.errors import ProtocolViolation
from gateway.wire.protocol.states import SMALL_BYTES, TABLE

# PostgreSQL's own bound (src/include/libpq/pqcomm.h).
STARTUP_BYTES = 10_000
_SYNC = b"S\0\0\0\4"

_LENGTH = struct.Struct(">I")
_ROWS = {ord(kind): row for kind, row in TABLE.items()}


class Inbox:
    """The bytes that have arrived, cut into messages."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._place = self._before = 0

    def feed(self, data: bytes) -> None:
        """Add bytes that arrived."""
        del self._data[: self._place]
        self._data += data
        self._place = self._before = 0

    @property
    def empty(self) -> bool:
        """Whether nothing is waiting, not even a part of a message."""
        return self._place == len(self._data)

    @property
    def ends_series(self) -> bool:
        """Whether a Sync is next, as far as the bytes that have arrived tell."""
        return self._data.startswith(_SYNC, self._place)

    def put_back(self) -> None:
        """Let the message that came last come once more; nothing may have arrived since."""
        self._place = self._before

    def startup(self) -> bytes | None:
        """The next startup packet, or None while it is not complete.

        Raises:
            ProtocolViolation: 08P01, a length that no such packet has.
        """
        start = self._place
        if len(self._data) < start + 4:
            return None
        (length,) = _LENGTH.unpack_from(self._data, start)
        if not 8 <= length <= STARTUP_BYTES:
            raise ProtocolViolation("invalid length of startup packet")
        if len(self._data) < start + length:
            return None
        self._place = start + length
        return bytes(self._data[start + 4 : self._place])

    def next(self, large_bytes: int) -> tuple[str, bytes] | None:
        """Type and bytes of the next message, without its length; None while it is not complete.

        Args:
            large_bytes: Longest message of a type that may be long, its length field included.

        Raises:
            ProtocolViolation: 08P01, an unknown type, whose length cannot be trusted, or a length
                below 4 or above the bound.
        """
        data, start = self._data, self._place
        there = len(data)
        if start == there:
            return None
        row = _ROWS.get(data[start])
        if row is None:
            raise ProtocolViolation(f"invalid frontend message type {data[start]}")
        if there < start + 5:
            return None
        (length,) = _LENGTH.unpack_from(data, start + 1)
        if not 4 <= length <= (large_bytes if row.large else SMALL_BYTES):
            raise ProtocolViolation("invalid message length")
        end = start + 1 + length
        if there < end:
            return None
        self._before, self._place = start, end
        return row.kind, bytes(data[start + 5 : end])
