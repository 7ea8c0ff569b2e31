"""What a small statement costs the gateway: calls of Python functions, CPU, answers a second.

    python -m tests.bench.wire.small [--calls NUMBER]

Calls are counted in this process and are the same on a busy machine; CPU is that of a server's
process, for one client. `--calls` lists the functions that the statement of that line calls.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from types import FrameType
from typing import Any

from gateway.app import App
from gateway.config import Settings
from tests.bench.wire import raw
from tests.bench.wire.servers import Server, cpu_seconds, gateway

_SETUP = """
    CREATE TABLE small (id int PRIMARY KEY, name text, x float8);
    INSERT INTO small SELECT g, 'station ' || g, g / 7.0 FROM generate_series(1, 1000) AS s(g);
    CREATE TABLE large (id int PRIMARY KEY, name text, x float8);
    INSERT INTO large SELECT g, 'station ' || g, g / 7.0 FROM generate_series(1, 1000000) AS s(g)"""
_AGGREGATE = "SELECT name, count(*), sum(x) FROM small WHERE id < {} GROUP BY name"
_COUNTED, _CPU_SECONDS, _RATE_SECONDS = 200, 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Small:
    """A statement: what is sent once, and what is sent again and again, in turn."""

    name: str
    again: Sequence[bytes]
    first: bytes = b""


def _prepared(text: str, values: Iterable[object] = ()) -> tuple[list[bytes], bytes]:
    first = raw.parse("s", text) + raw.message(b"S")
    return [raw.run("s", 1, str(value).encode()) for value in values] or [raw.run("s", 1)], first


_VALUES = range(1, 1000)
_KEY = "SELECT * FROM {} WHERE id = $1"
LINES = (
    Small("SELECT 1", [raw.query("SELECT 1")]),
    Small("SELECT 1, Parse to Sync", [raw.parse("", "SELECT 1") + raw.run("", 0)]),
    Small("SELECT 1, prepared", *_prepared("SELECT 1")),
    Small("SELECT $1::int, prepared", *_prepared("SELECT $1::int", _VALUES)),
    Small("one row by its key", [raw.query("SELECT * FROM small WHERE id = 77")]),
    Small(
        "the same, always another",
        [raw.query(f"SELECT * FROM small WHERE id = {n}") for n in _VALUES],
    ),
    Small("the same, prepared", *_prepared(_KEY.format("small"), _VALUES)),
    Small("the same of 1,000,000", *_prepared(_KEY.format("large"), range(1, 1_000_000, 997))),
    Small("an aggregate", [raw.query(_AGGREGATE.format(10))]),
    Small("an aggregate, prepared", *_prepared(_AGGREGATE.format("$1"), _VALUES[:20])),
)


def calls(line: Small) -> Counter[str]:
    """Python functions that the server's thread calls for one statement, in the long run."""
    found: Counter[str] = Counter()
    counting = False

    def note(frame: FrameType, event: str, _: Any) -> None:
        if counting and event == "call":
            code = frame.f_code
            found[f"{code.co_filename.rpartition('/gateway/')[2]} {code.co_qualname}"] += 1

    with App(Settings(port=0)) as app:
        host, port = app.address
        server = Server("gradwire", f"host={host} port={port} user=postgres")
        _set_up(server)
        threading.setprofile(note)
        try:
            with raw.connected(server) as wire:
                _warm(wire, line)
                counting = True
                for data in islice(cycle(line.again), _COUNTED):
                    wire.ask(data)
                counting = False
        finally:
            threading.setprofile(None)
    return Counter({name: round(count / _COUNTED, 2) for name, count in found.items()})  # type: ignore[misc]


def _set_up(server: Server) -> None:
    with server.connect() as link:
        for text in _SETUP.split(";"):
            link.execute(text.encode())


def _warm(wire: raw.Wire, line: Small) -> None:
    if line.first:
        wire.ask(line.first)
    for data in islice(cycle(line.again), 60):
        wire.ask(data)


@contextmanager
def _clients(server: Server, line: Small, count: int) -> Iterator[list[raw.Wire]]:
    with raw.connected(server) as wire:
        _warm(wire, line)
        if count == 1:
            yield [wire]
            return
        with _clients(server, line, count - 1) as others:
            yield [wire, *others]


def microseconds(server: Server, line: Small) -> float:
    """CPU of the server's process for one statement."""
    assert server.process is not None
    with _clients(server, line, 1) as (wire,):
        count, before = 0, cpu_seconds(server.process)
        end, messages = time.perf_counter() + _CPU_SECONDS, cycle(line.again)
        while time.perf_counter() < end:
            wire.ask(next(messages))
            count += 1
        return (cpu_seconds(server.process) - before) / count * 1e6


def rate(server: Server, line: Small, count: int) -> float:
    """Answers a second to that many clients."""
    with _clients(server, line, count) as wires:
        return raw.answers_a_second(wires, cycle(line.again), _RATE_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.wire.small", description=__doc__)
    parser.add_argument("--calls", type=int, metavar="NUMBER", help="list those of one line")
    asked = parser.parse_args()
    if asked.calls is not None:
        for name, count in sorted(calls(LINES[asked.calls]).items(), key=lambda row: -row[1]):
            print(f"{count:8.2f}  {name}")
        return
    print(f"{'':30}{'calls':>8}{'CPU us':>9}{'1 client/s':>12}{'8 clients/s':>12}")
    with gateway() as server:
        _set_up(server)
        for line in LINES:
            rates = "".join(f"{rate(server, line, count):12,.0f}" for count in (1, 8))
            cost = f"{sum(calls(line).values()):8.0f}{microseconds(server, line):9.0f}"
            print(f"{line.name:30}{cost}{rates}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
