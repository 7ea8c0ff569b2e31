"""A client that costs nearly nothing: it sends bytes made beforehand and counts what comes.

What it is timed with is therefore the server. Authentication is left to libpq, whose socket it
takes over; a connection under TLS cannot be taken over.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.wire.servers import Server, Unavailable

_READY = b"Z\0\0\0\5"
_BUFFER_BYTES = 1 << 20


def message(kind: bytes, body: bytes = b"") -> bytes:
    """A message of that type."""
    return kind + struct.pack(">I", len(body) + 4) + body


def query(text: str) -> bytes:
    """A simple query."""
    return message(b"Q", text.encode() + b"\0")


def is_last(data: bytes | memoryview) -> bool:
    """Whether a ReadyForQuery ends these bytes."""
    return data[-6:-1] == _READY


def parse(name: str, text: str) -> bytes:
    """Parse, no types given."""
    return message(b"P", f"{name}\0{text}\0".encode() + b"\0\0")


def run(name: str, result_format: int, *values: bytes) -> bytes:
    """Bind of text values, Describe, Execute and Sync, as libpq sends them."""
    fields = b"".join(struct.pack(">i", len(value)) + value for value in values)
    bind = b"\0" + name.encode() + b"\0\0\0" + struct.pack(">H", len(values)) + fields
    bind += struct.pack(">HH", 1, result_format)
    return message(b"B", bind) + message(b"D", b"P\0") + message(b"E", b"\0" * 5) + message(b"S")


@contextmanager
def connected(server: Server) -> Iterator[Wire]:
    """A connection that libpq has authenticated."""
    with server.connect() as connection:
        if connection.pgconn.ssl_in_use:
            raise Unavailable("the raw client cannot speak TLS; add sslmode=disable to the DSN")
        taken = socket.socket(fileno=os.dup(connection.fileno()))
        taken.setblocking(True)
        try:
            yield Wire(taken)
        finally:
            taken.close()


@dataclass(slots=True)
class Wire:
    """An authenticated socket."""

    socket: socket.socket
    _buffer: bytearray = field(default_factory=lambda: bytearray(_BUFFER_BYTES))

    def send(self, data: bytes) -> None:
        """Send messages."""
        self.socket.sendall(data)

    def receive(self) -> memoryview:
        """What comes next."""
        size = self.socket.recv_into(self._buffer)
        if not size:
            raise Unavailable("the server closed the connection")
        return memoryview(self._buffer)[:size]

    def until_ready(self) -> bytes:
        """Read up to ReadyForQuery; the first bytes that came.

        Raises:
            Unavailable: An ErrorResponse came first.
        """
        first = tail = b""
        while not is_last(tail):
            data = self.receive()
            first = first or bytes(data[:400])
            tail = (tail + bytes(data[-6:]))[-6:]
        if first[:1] == b"E":
            raise Unavailable(_told(first))
        return first

    def ask(self, data: bytes) -> float:
        """Seconds from sending to ReadyForQuery."""
        start = time.perf_counter()
        self.send(data)
        self.until_ready()
        return time.perf_counter() - start


def _told(error: bytes) -> str:
    """The message field of an ErrorResponse."""
    fields = error[5:].split(b"\0")
    return next((field[1:].decode() for field in fields if field[:1] == b"M"), "an error")


def answers_a_second(
    wires: list[Wire], data: Iterator[bytes], seconds: float, latencies: list[float] | None = None
) -> float:
    """Answers a second to clients that ask again as soon as they are answered.

    Args:
        wires: The clients.
        data: What they send, in turn; each answer ends with ReadyForQuery.
        seconds: How long to go on.
        latencies: Where the seconds of each answer are put.
    """
    with selectors.DefaultSelector() as selector:
        asked = {}
        for wire in wires:
            selector.register(wire.socket, selectors.EVENT_READ, wire)
            wire.send(next(data))
            asked[wire.socket] = time.perf_counter()
        answered, start = 0, time.perf_counter()
        while (now := time.perf_counter()) < start + seconds:
            for key, _ in selector.select():
                wire = key.data
                if is_last(wire.receive()):
                    answered += 1
                    now = time.perf_counter()
                    if latencies is not None:
                        latencies.append(now - asked[wire.socket])
                    asked[wire.socket] = now
                    wire.send(next(data))
        rate = answered / (time.perf_counter() - start)
    for wire in wires:
        wire.until_ready()
    return rate


def connect_once(server: Server) -> None:
    """Connect, be ready, and leave, without libpq.

    Raises:
        Unavailable: The server asks for a password.
    """
    with server.socket() as made:
        made.sendall(server.startup())
        heard = b""
        while not is_last(heard):
            data = made.recv(65_536)
            heard += data
            if heard[:1] == b"E":
                raise Unavailable(_told(heard))
            if not data or heard[5:9] not in (b"\0\0\0\0", b""):
                raise Unavailable(f"{server.name} asks for a password")
        made.sendall(message(b"X"))
