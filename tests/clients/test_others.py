"""Clients of other languages, where they are installed: Node.js with its frameworks, Java, R."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire import postgres as real

HERE = Path(__file__).parent
Address = tuple[str, int]
JDBC = Path("/usr/share/java/postgresql.jar")  # Debian: libpostgresql-jdbc-java


@pytest.mark.parametrize(
    ("package", "script"), [("pg", "drive.js"), ("postgres", "drive_postgres.js")]
)
def test_node(package: str, script: str, gateway_address: Address) -> None:
    """`npm install pg postgres`, in a folder that NODE_PATH names, or globally."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    found = subprocess.run(
        ["node", "-e", f"require('{package}')"], capture_output=True, check=False, cwd=HERE
    )
    if found.returncode != 0:
        pytest.skip(f"npm's {package} is not installed where NODE_PATH points")
    host, port = gateway_address
    done = subprocess.run(
        ["node", str(HERE / script), host, str(port)],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "node ok\n")


def test_pgjdbc(gateway_address: Address) -> None:
    if shutil.which("javac") is None or not JDBC.exists():
        pytest.skip("Java, or PostgreSQL's driver for it, is not installed")
    host, port = gateway_address
    done = subprocess.run(
        ["java", "-cp", str(JDBC), str(HERE / "Drive.java"), host, str(port)],
        capture_output=True, text=True, check=False, timeout=600,
        env=os.environ | {"JAVA_TOOL_OPTIONS": ""},
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if "JAVA_TOOL_OPTIONS" not in line]
    assert (done.returncode, errors, done.stdout) == (0, [], "jdbc ok\n")


@pytest.fixture(scope="module")
def postgresql_port() -> Iterator[int]:
    """The port of a PostgreSQL."""
    reason = real.missing()
    if reason is not None:
        pytest.skip(reason)
    with real.running() as port:
        yield port


def alike(words: list[str], gateway: Address, postgresql: int) -> tuple[str, str]:
    """What a program prints of the gateway and of PostgreSQL; `{host}` and `{port}` are put in."""
    shown = []
    for host, port in (gateway, ("127.0.0.1", postgresql)):
        done = subprocess.run(
            [word.format(host=host, port=port) for word in words],
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
        shown.append(done.stdout)
    return shown[0], shown[1]


ORMS = ("pg", "knex", "sequelize", "typeorm", "reflect-metadata", "drizzle-orm", "kysely",
        "pg-promise")  # fmt: skip


def test_frameworks_of_node(gateway_address: Address, postgresql_port: int) -> None:
    """`npm install` of ORMS, in a folder that NODE_PATH names: the same as over PostgreSQL."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    asked = "; ".join(f"require('{each}')" for each in ORMS)
    if subprocess.run(["node", "-e", asked], capture_output=True, check=False).returncode:
        pytest.skip(f"not all of {', '.join(ORMS)} are where NODE_PATH points")
    words = ["node", str(HERE / "drive_orms.js"), "{host}", "{port}"]
    ours, theirs = alike(words, gateway_address, postgresql_port)
    assert ours == theirs
    assert "drizzle upsert" in ours


def test_r(gateway_address: Address, postgresql_port: int) -> None:
    """Debian: r-cran-rpostgresql."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    asked = ["Rscript", "-e", "library(RPostgreSQL)"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("R has no RPostgreSQL")
    words = ["Rscript", str(HERE / "drive.R"), "{port}"]
    ours, theirs = alike(words, gateway_address, postgresql_port)
    assert ours == theirs
    assert "2021-01-01" in ours
