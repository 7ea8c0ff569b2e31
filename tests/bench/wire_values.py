"""How fast Arrow columns become fields, alone and through the socket beside PostgreSQL 15.

    python -m tests.bench.wire_values [ROWS]

The first table is the encoder in one thread, batches of 16,384 rows. The second streams the same
rows from the server over a scripted session and from a PostgreSQL table to one raw client that
only counts bytes: no engine on our side, so it is the wire's share. Runs alternate; medians.
"""

from __future__ import annotations

import statistics
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pyarrow as pa

from gateway.session.result import Field
from gateway.types import BOOL, FLOAT8, INT8, TEXT, TIMESTAMP, by_name
from gateway.wire.decode import decode_parameter
from gateway.wire.server import GatewayServer
from gateway.wire.values import encode_rows
from tests.wire import postgres, scripted
from tests.wire.client import Client

BATCH_ROWS = 16_384
RUNS = 5
_READY = b"Z\0\0\0\5I"

Columns = dict[str, tuple[pa.Array, Field]]


def columns(rows: int) -> dict[str, tuple[pa.RecordBatch, tuple[Field, ...]]]:
    """The tables that are measured."""
    random = np.random.default_rng(1)
    seconds = random.integers(0, 10**9, rows) * 10**6
    mixed = {
        "id": (pa.array(np.arange(rows)), INT8),
        "u": (pa.array(random.standard_normal(rows)), FLOAT8),
        "v": (pa.array(random.standard_normal(rows)), FLOAT8),
        "name": (pa.array([f"station {n % 1000}" for n in range(rows)]), TEXT),
        "good": (pa.array(random.integers(0, 2, rows) == 1), BOOL),
        "time": (pa.array(seconds, pa.timestamp("us")), TIMESTAMP),
    }
    doubles = {c: (pa.array(random.standard_normal(rows)), FLOAT8) for c in "abcd"}
    small = {c: (pa.array(random.standard_normal(rows) * 1e-8), FLOAT8) for c in "abcd"}
    tables = {"6 mixed": mixed, "4 doubles": doubles, "4 doubles of 1e-8": small}
    return {
        title: (
            pa.record_batch({name: array for name, (array, _) in table.items()}),
            tuple(Field(name, kind) for name, (_, kind) in table.items()),
        )
        for title, table in tables.items()
    }


def best(work: Callable[[], object], runs: int = 30) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def report_encoder() -> None:
    print(f"{'encoder, one thread':28}{'text':>14}{'binary':>14}")
    for title, (batch, fields) in columns(BATCH_ROWS).items():
        rates = [
            BATCH_ROWS / best(lambda b=batch, f=fields, n=form: encode_rows(b, f, [n] * len(f)))
            for form in (0, 1)
        ]
        print(f"{title:28}" + "".join(f"{rate / 1e6:8.1f} M r/s" for rate in rates))
        for rows in (1, 10, 100):
            piece = batch.slice(0, rows)
            times = [
                best(lambda p=piece, f=fields, n=form: encode_rows(p, f, [n] * len(f)), 200)
                for form in (0, 1)
            ]
            label = f"  {rows} row{'s' * (rows > 1)}"
            print(f"{label:28}" + "".join(f"{seconds * 1e6:11.0f} us" for seconds in times))


def report_decoder() -> None:
    print(f"\n{'one parameter':28}{'us':>14}")
    for name, text in (("int4", b"42"), ("float8", b"1.5"), ("timestamp", b"2013-01-02 03:04")):
        kind = by_name(name)
        seconds = best(lambda t=text, k=kind: [decode_parameter(t, k, 0) for _ in range(100)])
        print(f"{name:28}{seconds * 1e4:14.1f}")


# Through the socket.


def stream(client: Client, form: int) -> float:
    """Seconds that the whole table takes to a client that only counts."""
    start = time.perf_counter()
    client.send('Parse "" "SELECT * FROM bench" []', f'Bind "" "" [] [] [{form}]')
    client.send('Execute "" 0', "Sync")
    buffer, tail = bytearray(1 << 20), b""
    while tail != _READY:
        size = client.socket.recv_into(buffer)
        tail = (tail + bytes(buffer[max(0, size - 6) : size]))[-6:]
    return time.perf_counter() - start


def load(port: int, batch: pa.RecordBatch, fields: tuple[Field, ...]) -> None:
    """The same rows as a table of PostgreSQL's, by binary COPY: fields are DataRow's."""
    names = ", ".join(f"{field.name} {field.type.sql}" for field in fields)
    with psycopg.connect(f"host=127.0.0.1 port={port} user=postgres", autocommit=True) as link:
        link.execute(f"DROP TABLE IF EXISTS bench; CREATE TABLE bench ({names})")
        with link.cursor() as cursor, cursor.copy("COPY bench FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0))
            for piece in pieces(batch):
                rows = bytes(encode_rows(piece, fields, [1] * len(fields)))
                place = 0
                while place < len(rows):
                    length = int.from_bytes(rows[place + 1 : place + 5], "big") + 1
                    copy.write(rows[place + 5 : place + length])
                    place += length
            copy.write(struct.pack(">h", -1))
        link.execute("VACUUM FREEZE ANALYZE bench")


def pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def report_socket(rows: int) -> None:
    print(f"\n{'through the socket':28}{'text':>24}{'binary':>24}")
    server = GatewayServer(("127.0.0.1", 0), scripted.ScriptedGateway())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with postgres.running() as port:
        for title, (batch, fields) in columns(rows).items():
            load(port, batch, fields)
            scripted.STATEMENTS["SELECT * FROM bench"] = scripted.Statement(
                "SELECT", fields, lambda session, values, batch=batch: pieces(batch)
            )
            line = f"{title:28}"
            for form in (0, 1):
                ours, theirs = alternate(server.address[1], port, form)
                line += f"{rows / ours / 1e6:8.2f} M r/s = {theirs / ours:4.2f}x"
            print(line)
    server.shutdown_gracefully(1)


def alternate(ours: int, theirs: int, form: int) -> tuple[float, float]:
    """Median seconds of both servers, in alternating runs."""
    with Client(ours, 60) as gateway, Client(theirs, 60) as reference:
        gateway.start(), reference.start()
        times = [(stream(gateway, form), stream(reference, form)) for _ in range(RUNS)]
    first, second = zip(*times, strict=True)
    return statistics.median(first), statistics.median(second)


if __name__ == "__main__":
    report_encoder()
    report_decoder()
    if (reason := postgres.missing()) is None:
        report_socket(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
    else:
        print(f"no comparison: {reason}")
