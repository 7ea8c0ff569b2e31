"""The two servers that are compared: how to reach them, and what they cost this machine."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo

from tests.wire import postgres

_TICKS = os.sysconf("SC_CLK_TCK")
_LISTENING = "listening on "


class Unavailable(Exception):
    """A line cannot be measured here; the text says why."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Args:
        rows: Of each table.
        streamed_rows: Of a result that is read slowly, and of one that others are measured beside.
        seconds: Of a line that counts answers.
    """

    rows: int
    streamed_rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test.

    Args:
        name: As the table of results calls it.
        dsn: How libpq reaches it.
        process: The one process that does all of its work; None: each client has a process of
            its own, as PostgreSQL's have.
    """

    name: str
    dsn: str
    process: int | None = None

    def connect(self) -> psycopg.Connection:
        """A connection that commits each statement."""
        return psycopg.connect(self.dsn, autocommit=True)

    @property
    def parts(self) -> dict[str, str]:
        """Host, port, user, dbname, password, as far as the DSN tells."""
        usual = {"host": "127.0.0.1", "port": "5432", "user": "postgres"}
        given = {k: str(v) for k, v in conninfo.conninfo_to_dict(self.dsn).items()}
        found = usual | given
        return {"dbname": found["user"]} | found

    @property
    def url(self) -> str:
        """The same as a URL, for clients that take nothing else."""
        p = self.parts
        word = f":{p['password']}" if "password" in p else ""
        return f"postgresql://{p['user']}{word}@{p['host']}:{p['port']}/{p['dbname']}"

    def socket(self) -> socket.socket:
        """A fresh TCP connection, on which nothing was said yet."""
        made = socket.create_connection((self.parts["host"], int(self.parts["port"])), 60)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def startup(self) -> bytes:
        """The startup packet."""
        pairs = f"user\0{self.parts['user']}\0database\0{self.parts['dbname']}\0\0".encode()
        return struct.pack(">ii", len(pairs) + 8, 196_608) + pairs

    def worker(self, connection: psycopg.Connection) -> int:
        """The process that works for this client.

        Raises:
            Unavailable: It is on another machine.
        """
        found = self.process or connection.info.backend_pid
        if not Path(f"/proc/{found}").exists():
            raise Unavailable(f"{self.name} does not run on this machine")
        return found


def cpu_seconds(process: int) -> float:
    """What a process has used so far, all of its threads."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(process: int) -> int:
    """The memory a process holds that it does not share with others."""
    resident, shared = Path(f"/proc/{process}/statm").read_text().split()[1:3]
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def gateway() -> Iterator[Server]:
    """`gradwire serve` as its users start it, on a free port, over a data directory of its own."""
    with tempfile.TemporaryDirectory(prefix="gradwire-bench-") as directory:
        command = [sys.executable, "-m", "gateway", "serve", "--host", "127.0.0.1", "--port", "0"]
        command += ["--data-dir", f"{directory}/data"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield Server("gradwire", f"{_address(process)} user=postgres", process.pid)
            finally:
                process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if _LISTENING in line:
            host, port = line.split(_LISTENING)[1].split()[0].rsplit(":", 1)
            return f"host={host} port={port}"
    raise SystemExit("the gateway did not start")


@contextmanager
def reference(dsn: str | None) -> Iterator[Server | None]:
    """The server to compare with: the one given, else a PostgreSQL 15 of our own; None: neither."""
    with ExitStack() as stack:
        if dsn is None and postgres.missing() is None:
            port = stack.enter_context(postgres.running())
            dsn = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        yield None if dsn is None else Server("reference", dsn)
