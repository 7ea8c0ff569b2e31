"""The server outlives what clients send it, and a death of its own keeps what was committed."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.store.crash import serving
from tests.survival.bombs import BOMBS

Server = tuple[subprocess.Popen[str], str]

# What queries may hold together, and what a bomb may take beside it: batches on their way (80 MB
# each of texts of 10 kB), a copy of what an aggregate has gathered, the catalogue's database.
# 480 to 830 MiB in all were measured; unbounded, each would take over 10 GB.
POOL_BYTES, BESIDE_BYTES = 2**28, 2**30 + 2**29

# After a cancel, on a machine with other work; what is not heard goes on for minutes.
PATIENCE_SECONDS = 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in a process of its own, with 256 MB for its queries."""
    os.environ["GRADWIRE_MEMORY_BYTES"] = str(POOL_BYTES)
    try:
        with serving(tmp_path_factory.mktemp("survival")) as (process, where):
            yield process, where
    finally:
        del os.environ["GRADWIRE_MEMORY_BYTES"]


@pytest.mark.parametrize(("name", "statement", "code"), BOMBS, ids=[row[0] for row in BOMBS])
def test_a_bomb_harms_nobody(server: Server, name: str, statement: str, code: str) -> None:
    process, where = server
    with (
        psycopg.connect(where, autocommit=True) as bomber,
        psycopg.connect(where, autocommit=True) as other,
    ):
        endless = code == "57014"
        bomber.execute(f"SET statement_timeout = '{1 if endless else 600}s'")
        answered, ended = threading.Event(), threading.Event()

        def ask() -> None:
            while not ended.is_set():
                assert other.execute("SELECT 1").fetchone() == (1,)
                assert other.execute("SELECT oid FROM pg_class LIMIT 1").fetchone() is not None
                answered.set()

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            assert _told(bomber, statement) == code
        finally:
            assert answered.wait(600)
            ended.set()
            asking.join()
        assert bomber.execute("SELECT 1").fetchone() == (1,)
        if endless:
            until = time.monotonic() + PATIENCE_SECONDS
            while _is_busy(process.pid):
                assert time.monotonic() < until
    assert process.poll() is None


def _is_busy(pid: int) -> bool:
    """Whether a process computes for most of the tenth of a second that this takes."""
    before = _ticks(pid)
    time.sleep(0.1)
    return (_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") > 0.05


def _ticks(pid: int) -> int:
    """The time that a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.measured
@pytest.mark.parametrize(("name", "statement", "code"), BOMBS, ids=[row[0] for row in BOMBS])
def test_a_bomb_takes_little_memory(server: Server, name: str, statement: str, code: str) -> None:
    process, where = server
    before = _peak_begins(process.pid)
    with psycopg.connect(where, autocommit=True) as bomber:
        bomber.execute(f"SET statement_timeout = '{1 if code == '57014' else 600}s'")
        assert _told(bomber, statement) == code
    assert _peak(process.pid) - before < POOL_BYTES + BESIDE_BYTES


# Constants that the planner would compute and write into its plan, which nothing interrupts.
CONSTANTS = (
    "repeat('x', 100000000)",
    "length(repeat('x', 50000000 * 2))",
    "repeat(repeat('x', 1000), 100000)",
    "lpad('x', 50000000)",
    "rpad('x', (SELECT 50000000), 'ab')",
    "replace(repeat('x', 9999999), 'x', 'yy')",
    "regexp_replace(repeat('x', 9999999), 'x', 'yy', 'g')",
    "cardinality(array_repeat(1, 5000000))",
    "regexp_split_to_array(repeat('a,', 5000000), ',')",
    "(SELECT count(*) FROM regexp_split_to_table(repeat('a,', 5000000), ','))",
)


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_plan_holds_no_large_constant(server: Server, constant: str) -> None:
    with psycopg.connect(server[1], autocommit=True) as connection:
        plan = connection.execute(f"EXPLAIN SELECT {constant} AS a").fetchall()
    assert sum(len(line) for (line,) in plan) < 10_000


# Calls of a parameter of 100 kB, each with what it comes to.
LARGE: tuple[tuple[str, object], ...] = (
    ("length(%s::text)", 100_000),
    ("length(%s::bytea)", 100_000),
    ("md5(%s::text)", "d5816f35916d1d9482fb0f1ec201101d"),
    ("(SELECT length(x) FROM (VALUES (%s::text)) AS v(x))", 100_000),
    ("(SELECT count(*) FROM generate_series(1, 3) AS s(n) WHERE n::text <> %s)", 3),
    ("(SELECT upper(t) = upper(%s) FROM (VALUES ('x')) AS s(t))", False),
)


@pytest.mark.parametrize(("call", "value"), LARGE)
def test_a_plan_holds_no_large_parameter(server: Server, call: str, value: object) -> None:
    with psycopg.connect(server[1], autocommit=True) as connection:
        large = ["x" * 100_000]
        assert connection.execute(f"SELECT {call}", large).fetchone() == (value,)
        plan = connection.execute(f"EXPLAIN SELECT {call}", large).fetchall()
    assert sum(len(line) for (line,) in plan) < 10_000


def test_equal_large_parameters_are_one_value(server: Server) -> None:
    query = "SELECT upper(%s), count(*) FROM generate_series(1, 3) AS s(n) GROUP BY upper(%s)"
    with psycopg.connect(server[1], autocommit=True) as connection:
        given = ["x" * 100_000] * 2
        assert connection.execute(query, given).fetchone() == ("X" * 100_000, 3)


def _told(connection: psycopg.Connection[Any], statement: str) -> str:
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate or str(error)
    return ""


@pytest.mark.measured
def test_a_result_larger_than_memory_streams(server: Server) -> None:
    """Rows of 400 MB in all, read by COPY, while the server grows by less than half of that."""
    process, where = server
    rows = "SELECT repeat('x', 1000) || n FROM generate_series(1, 400000) AS t(n)"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute("SELECT 1")
        before, most, read = _resident(process.pid), 0, 0
        with connection.cursor().copy(f"COPY ({rows}) TO STDOUT") as copy:
            for number, block in enumerate(copy):
                read += len(block)
                if number % 20_000 == 0:
                    most = max(most, _resident(process.pid))
    assert read > 400_000_000
    assert most - before < 200_000_000


def _resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak_begins(pid: int) -> int:
    """What a process holds now, from where `_peak` begins anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return _resident(pid)


def _peak(pid: int) -> int:
    """The most bytes of memory that a process had: VmHWM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_a_fault_of_native_code_loses_nothing(tmp_path: Path) -> None:
    """SIGSEGV in the middle of a statement, as the engine's own fault would be."""
    kept = [(n,) for n in range(200)]
    with serving(tmp_path) as (process, where):
        with psycopg.connect(where, autocommit=True) as writer:
            writer.execute("CREATE TABLE kept (a int PRIMARY KEY)")
            for row in kept:
                writer.execute("INSERT INTO kept VALUES (%s)", row)
        victim, other = psycopg.connect(where), psycopg.connect(where, autocommit=True)
        with closing(victim), closing(other):
            victim.execute("INSERT INTO kept VALUES (1000)")
            query = "INSERT INTO kept SELECT n + 2000 FROM generate_series(1, 1000000000) AS t(n)"
            victim.pgconn.send_query(query.encode())
            running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
            while other.execute(running, [query]).fetchone() != (1,):
                pass
            process.send_signal(signal.SIGSEGV)
            assert process.wait(600) == -signal.SIGSEGV
    with (
        serving(tmp_path) as (_, where),
        psycopg.connect(where, autocommit=True) as connection,
    ):
        assert connection.execute("SELECT a FROM kept ORDER BY a").fetchall() == kept
        connection.execute("INSERT INTO kept VALUES (1000)")
