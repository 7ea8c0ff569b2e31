"""COPY FROM STDIN: a table's own rows, sent again to another table of the same columns."""

from __future__ import annotations

import time

import psycopg

from tests.bench.wire import raw
from tests.bench.wire.clients import TABLE
from tests.bench.wire.servers import Server

LOADED = "bench_loaded"
_PIECE_BYTES = 65_536


def load(server: Server, rows: int, form: str) -> float:
    """Rows a second that go in, the commit among them.

    Args:
        server: Where.
        rows: How many there are in the table.
        form: text, csv or binary.
    """
    with server.connect() as link:
        pieces = _pieces(link, form)
        link.execute(f"DROP TABLE IF EXISTS {LOADED}")
        link.execute(f"CREATE TABLE {LOADED} AS SELECT * FROM {TABLE} WHERE id < 0")
    with raw.connected(server) as wire:
        start = time.perf_counter()
        wire.send(raw.query(f"COPY {LOADED} FROM STDIN (FORMAT {form})"))
        wire.receive()
        for piece in pieces:
            wire.send(piece)
        wire.send(raw.message(b"c"))
        wire.until_ready()
        taken = time.perf_counter() - start
    return rows / taken


def _pieces(link: psycopg.Connection, form: str) -> list[bytes]:
    """The rows as CopyData messages that a client's buffer would make."""
    with link.cursor().copy(f"COPY {TABLE} TO STDOUT (FORMAT {form})".encode()) as copy:
        data = b"".join(map(bytes, copy))
    places = range(0, len(data), _PIECE_BYTES)
    return [raw.message(b"d", data[place : place + _PIECE_BYTES]) for place in places]
