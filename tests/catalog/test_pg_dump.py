"""pg_dump writes of a gateway what it writes of PostgreSQL 15, and psql reads it back."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from gateway.app import App
from gateway.config import Settings
from tests.wire.postgres import BIN

# Moments of the rows are different ones; the rest of what is written is the same.
ROWS = (
    "INSERT INTO t (a, b, e, d) VALUES (1, E'tab\\t', '2020-01-01', '{x,\"y z\",NULL}'),"
    " (2, NULL, '2021-02-03 04:05:06.7', NULL)",
    "INSERT INTO child (t_id, note, x) VALUES (1, 'one', 'Infinity'), (2, E'back\\\\slash', 0.1)",
    "INSERT INTO big (ts, price, j, by, iv, ti, c, r, u) VALUES ('2020-01-01', 1.5, '{\"k\": [1]}',"
    " '\\x00ff', '1 day 02:00', '12:34', 'ab', 'NaN', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11')",
    "INSERT INTO g VALUES (7)",
    "INSERT INTO painted VALUES ('dark green', '{red,NULL}')",
    "SELECT nextval('seq')",
)


@pytest.fixture(scope="module")
def programs() -> Callable[[int, str, str], str]:
    """Runs a program of PostgreSQL's over one port, and gives what it writes."""

    def run(port: int, program: str, given: str = "") -> str:
        name, *more = program.split()
        path = shutil.which(name) or str(BIN / name)
        words = [path, "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-d", "postgres"]
        done = subprocess.run(
            [*words, *more], input=given, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture(scope="module")
def filled(objects: tuple[int, int], programs: Callable[..., str]) -> Iterator[tuple[int, int]]:
    for port in objects:
        programs(port, "psql -X -q -v ON_ERROR_STOP=1", ";\n".join(ROWS))
    yield objects


def plain(dump: str) -> list[str]:
    """The lines that are no comments, and not of that one run or of what only a gateway has."""
    left_out = re.compile(r"(--|\\|CREATE EXTENSION|GRANT .* gradwire\b.* TO PUBLIC;)|$")
    return [line for line in dump.splitlines() if not left_out.match(line)]


@pytest.mark.parametrize("options", ["", "-s", "-a --column-inserts", "-n other", "-t child"])
def test_the_same_is_dumped(
    options: str, filled: tuple[int, int], programs: Callable[..., str]
) -> None:
    ours, theirs = (plain(programs(port, f"pg_dump {options}")) for port in filled)
    assert ours == theirs


def test_a_dump_is_read_back(filled: tuple[int, int], programs: Callable[..., str]) -> None:
    dump = programs(filled[0], "pg_dump")
    with App(Settings(port=0, datasets=[])) as app:
        port = app.address[1]
        programs(port, "psql -X -q -v ON_ERROR_STOP=1", dump)
        assert plain(programs(port, "pg_dump")) == plain(dump)
