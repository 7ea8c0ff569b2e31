"""psql's commands print of a gateway what they print of PostgreSQL 15 with the same objects."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.wire.postgres import BIN

PSQL = shutil.which("psql") or (str(BIN / "psql") if (BIN / "psql").exists() else None)
COMMANDS = (
    r"\d", r"\d t", r"\d+ t", r"\d child", r"\d+ child", r"\d v", r'\d other."Mixed Case"',
    r"\d seq", r"\d t_pkey", r"\d child_note", r"\d g", r"\d mv", r"\dt", r"\dt+", r"\dv", r"\dm",
    r"\ds", r"\di", r"\di+", r"\df", r"\df+ twice", r"\sf twice", r"\du", r"\dg", r"\dp", r"\z t",
    r"\dT", r"\dT int*", r"\dx", r"\db", r"\dd", r"\dD", r"\dO", r"\dF", r"\dFd", r"\dFp", r"\dFt",
    r"\da sum", r"\dC", r"\dc", r"\do +", r"\dL", r"\dA", r"\dAc btree", r"\dAf hash", r"\l",
    r"\dy", r"\drds", r"\dRp", r"\dRs", r"\dX", r"\dP", r"\ddp", r"\dl", r"\df *quote*",
    r"\dt other.*", r"\dS pg_cl*", r"\dt nosuch", r"\d nosuch", r"\sf nosuch",
    r"\dconfig search_path",
    r"\d information_schema.columns", r"\d pg_class",
    r"select oid, relname, relkind, relacl from pg_class \gdesc",
    r"select * from information_schema.columns \gdesc",
    "select relname from pg_class where relkind = 'r' order by 1 limit 3 \\g (format=csv)",
)  # fmt: skip


def told(port: int, commands: tuple[str, ...], directory: Path) -> dict[str, str]:
    """What psql prints for each command, errors included."""
    assert PSQL is not None
    lines = [line for command in commands for line in (r"\echo ~~~", command)]
    words = [PSQL, "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "postgres"]
    done = subprocess.run(
        [*words, "-v", "VERBOSITY=terse"], input="\n".join(lines), cwd=directory,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=True,
        env={"PGTZ": "UTC", "PAGER": "cat", "HOME": str(directory)},
    )  # fmt: skip
    parts = done.stdout.split("~~~\n")[1:]
    return dict(zip(commands, parts, strict=True))


@pytest.fixture(scope="module")
def outputs(
    objects: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, str], dict[str, str]]:
    if PSQL is None:
        pytest.skip("psql is not installed")
    directory = tmp_path_factory.mktemp("psql")
    ours, theirs = (told(port, COMMANDS, directory) for port in objects)
    return ours, theirs


@pytest.mark.parametrize("command", COMMANDS)
def test_psql_prints_the_same(command: str, outputs: tuple[dict[str, str], dict[str, str]]) -> None:
    ours, theirs = (each[command] for each in outputs)
    assert ours == theirs
