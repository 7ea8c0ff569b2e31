"""What is measured: a row per line of the table, its goal, and how one server's figure is taken.

Goals are ratios to the reference server, or figures of our own where `absolute` says so. A figure
that a server cannot give raises `Unavailable`, which says why.
"""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import psycopg
from psycopg.pq import DiagnosticField

from tests.bench.wire import added, clients, copying, raw
from tests.bench.wire.servers import Server, Sizes, Unavailable, cpu_seconds, resident_bytes

MIXED, DOUBLES = clients.TABLE, "bench_doubles"

# The same on both servers, row for row.
TABLES = {
    MIXED: """
        SELECT CAST(g AS bigint) AS id, sin(g::float8) AS u, cos(g::float8) * 100 AS v,
               'station ' || (g % 1000)::text AS name, g % 2 = 0 AS good,
               date_bin(interval '1 second', to_timestamp(CAST(g * 1234.5 AS float8))::timestamp,
                        timestamp '2000-01-01') AS time
        FROM generate_series(1, {rows}) AS s(g)""",
    DOUBLES: """
        SELECT sin(g::float8) AS a, cos(g::float8) * 100 AS b, sin(g::float8) * 1e-8 AS c,
               g / 7::float8 AS d
        FROM generate_series(1, {rows}) AS s(g)""",
}
ENDLESS = (
    "WITH RECURSIVE r AS (SELECT 1::bigint AS n UNION ALL SELECT n + 1 FROM r)"
    " SELECT count(*) FROM r"
)


Measure = Callable[[Server, Sizes], float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; `least` and `aim` may be None where there is no goal."""

    name: str
    unit: str
    measure: Measure
    least: float | None = None
    aim: float | None = None
    absolute: bool = False
    less_is_better: bool = False
    ours_alone: bool = False


def prepare(server: Server, sizes: Sizes) -> None:
    """Make the tables."""
    with server.connect() as link:
        for name, query in TABLES.items():
            link.execute(f"DROP TABLE IF EXISTS {name}")
            link.execute(f"CREATE TABLE {name} AS {query.format(rows=sizes.rows)}")
            if server.process is None:
                link.execute(f"VACUUM FREEZE ANALYZE {name}")
            link.execute(f"SELECT count(*) FROM {name}")


# Rows


def _stream(server: Server, sizes: Sizes, data: bytes, rows: int = 0) -> float:
    """Rows a second of what `data` asks for."""
    with raw.connected(server) as wire:
        return (rows or sizes.rows) / wire.ask(data)


def _rows(table: str, form: int) -> Measure:
    data = raw.parse("", f"SELECT * FROM {table}") + raw.run("", form)
    return partial(_stream, data=data)


def _copy(form: str) -> Measure:
    return partial(_stream, data=raw.query(f"COPY {MIXED} TO STDOUT (FORMAT {form})"))


def _load(form: str) -> Measure:
    return lambda server, sizes: copying.load(server, sizes.rows, form)


def _client(read: Callable[[Server, int], float]) -> Measure:
    return lambda server, sizes: read(server, sizes.rows)


def cpu_per_row(server: Server, sizes: Sizes) -> float:
    """Nanoseconds of the server's CPU for a row in binary."""
    data, times = raw.parse("", f"SELECT * FROM {MIXED}") + raw.run("", 1), 5
    with server.connect() as link, raw.connected(server) as wire:
        process = server.process or _backend_of(link, wire)
        server.worker(link)
        before = cpu_seconds(process)
        for _ in range(times):
            wire.ask(data)
        return (cpu_seconds(process) - before) / sizes.rows / times * 1e9


def _backend_of(link: psycopg.Connection, wire: raw.Wire) -> int:
    """The process at the other end of a raw connection."""
    port = wire.socket.getsockname()[1]
    found = link.execute("SELECT pid FROM pg_stat_activity WHERE client_port = %s", [port])
    row = found.fetchone()
    if row is None:
        raise Unavailable("the reference does not tell its processes")
    return int(row[0])


# Short statements

_SIMPLE = raw.query("SELECT 1")
_EXTENDED = raw.parse("", "SELECT 1") + raw.run("", 0)
_PREPARED = raw.run("s", 0, b"7")


def _answers(server: Server, sizes: Sizes, data: bytes, count: int, first: bytes = b"") -> float:
    with ExitStack() as stack:
        wires = [stack.enter_context(raw.connected(server)) for _ in range(count)]
        for wire in wires:
            wire.ask(first or data)
        return raw.answers_a_second(wires, repeat(data), sizes.seconds)


def _select_one(count: int, data: bytes = _SIMPLE, first: str = "") -> Measure:
    prepared = raw.parse("s", first) + raw.message(b"S") if first else b""
    return partial(_answers, data=data, count=count, first=prepared)


def point(server: Server, sizes: Sizes) -> float:
    """Microseconds of a prepared query for one row of a table of 1,000."""
    with server.connect() as link:
        link.execute("DROP TABLE IF EXISTS bench_point")
        link.execute(f"CREATE TABLE bench_point AS SELECT * FROM {MIXED} WHERE id <= 1000")
    with raw.connected(server) as wire:
        wire.ask(raw.parse("s", "SELECT * FROM bench_point WHERE id = $1") + raw.message(b"S"))
        return 1e6 / raw.answers_a_second([wire], repeat(raw.run("s", 0, b"77")), sizes.seconds)


def connections(server: Server, sizes: Sizes) -> float:
    """New connections a second, one after another."""
    raw.connect_once(server)
    made, start = 0, time.perf_counter()
    while (now := time.perf_counter()) < start + sizes.seconds:
        raw.connect_once(server)
        made += 1
    return made / (now - start)


def beside_a_stream(server: Server, sizes: Sizes) -> float:
    """Milliseconds within which 99 of 100 SELECT 1 are answered while another client streams."""
    latencies: list[float] = []
    streaming, over = threading.Event(), threading.Event()
    times = -(-sizes.streamed_rows // sizes.rows)

    def stream() -> None:
        with raw.connected(server) as wire:
            for _ in range(times):
                wire.send(raw.parse("", f"SELECT * FROM {MIXED}") + raw.run("", 1))
                wire.receive()
                streaming.set()
                wire.until_ready()
        over.set()

    thread = threading.Thread(target=stream)
    with raw.connected(server) as wire:
        wire.ask(_SIMPLE)
        thread.start()
        streaming.wait()
        while not over.is_set():
            latencies.append(wire.ask(_SIMPLE))
        thread.join()
    return statistics.quantiles(latencies, n=100)[98] * 1000


# What a client may do to a server


def cancelling(server: Server, sizes: Sizes) -> float:
    """Milliseconds from CancelRequest to the ErrorResponse of an endless query."""
    taken = []
    with server.connect() as link:
        for _ in range(5):
            link.pgconn.send_query(ENDLESS.encode())
            link.pgconn.flush()
            time.sleep(0.3)  # it runs, and is not being planned
            order = link.pgconn.get_cancel()
            start = time.perf_counter()
            order.cancel()
            result = link.pgconn.get_result()
            taken.append(time.perf_counter() - start)
            if result is None or result.error_field(DiagnosticField.SQLSTATE) != b"57014":
                raise Unavailable(f"{server.name} did not cancel it")
            link.pgconn.get_result()
    return statistics.median(taken) * 1000


def slow_reader(server: Server, sizes: Sizes) -> float:
    """Megabytes that the server grows by while a client takes a long result piece by piece."""
    times = -(-sizes.streamed_rows // sizes.rows)
    text = f"SELECT t.* FROM {MIXED} AS t, generate_series(1, {times}) AS s(g)"
    with server.connect() as link, raw.connected(server) as wire:
        server.worker(link)
        process = server.process or _backend_of(link, wire)
        wire.ask(raw.query(f"SELECT * FROM {MIXED} LIMIT 100000"))
        before = most = resident_bytes(process)
        wire.send(raw.query(text))
        for number in itertools.count():
            if raw.is_last(wire.receive()):
                break
            if number % 8 == 0:
                time.sleep(0.002)
                most = max(most, resident_bytes(process))
        return (most - before) / 1e6


LINES = (
    Line("raw DataRow, binary", "rows/s", _rows(MIXED, 1), 1.2, 2),
    Line("COPY binary", "rows/s", _copy("binary"), 1.2, 2),
    Line("raw DataRow, text", "rows/s", _rows(MIXED, 0), 0.75, 1),
    Line("four doubles, text", "rows/s", _rows(DOUBLES, 0), 0.6, 0.8),
    Line("COPY text", "rows/s", _copy("text"), 0.9, 1.2),
    Line("COPY csv", "rows/s", _copy("csv"), 0.9, 1.2),
    Line("COPY FROM text", "rows/s", _load("text"), 1 / 3, 1),
    Line("COPY FROM csv", "rows/s", _load("csv"), 1 / 3, 1),
    Line("COPY FROM binary", "rows/s", _load("binary"), 1 / 3, 1),
    Line("psycopg, text", "rows/s", _client(clients.psycopg_text), 0.85, 1),
    Line("psycopg, binary", "rows/s", _client(clients.psycopg_binary), 0.85, 1),
    Line("asyncpg", "rows/s", _client(clients.asyncpg), 0.85, 1),
    Line("ADBC", "rows/s", _client(clients.adbc), 0.85, 1),
    Line("connectorx", "rows/s", _client(clients.connectorx), 0.85, 1),
    Line("server CPU, binary", "ns/row", cpu_per_row, 0.9, 0.6, less_is_better=True),
    Line("SELECT 1, 1 client", "per s", _select_one(1), 3000, 8000, absolute=True),
    Line("SELECT 1, 8 clients", "per s", _select_one(8), 3000, 8000, absolute=True),
    Line("SELECT 1, 64 clients", "per s", _select_one(64), 3000, 8000, absolute=True),
    Line("SELECT 1, Parse to Sync", "per s", _select_one(1, _EXTENDED)),
    Line("SELECT $1::int, prepared", "per s", _select_one(1, _PREPARED, "SELECT $1::int")),
    Line("one row of 1,000, prepared", "us", point, less_is_better=True),
    Line("new connections", "per s", connections, 1, 1.5),
    Line("cancel to 57014", "ms", cancelling, 50, 5, absolute=True, less_is_better=True),
    Line("growth, slow reader", "MB", slow_reader, 64, 16, absolute=True, less_is_better=True),
    Line("SELECT 1 beside a stream, p99", "ms", beside_a_stream, 10, None, absolute=True,
         less_is_better=True),
    Line("added to planning, text seen before", "us", added.repeated, 300, 100, absolute=True,
         less_is_better=True, ours_alone=True),
    Line("added to planning, new constants", "us", added.fresh, 300, 100, absolute=True,
         less_is_better=True, ours_alone=True),
    Line("added to planning, new text", "us", added.new, 300, 100, absolute=True,
         less_is_better=True, ours_alone=True),
)  # fmt: skip
