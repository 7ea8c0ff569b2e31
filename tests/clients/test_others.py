"""Drivers of other languages, where they are installed: node-postgres, postgres.js and pgjdbc."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
JDBC = Path("/usr/share/java/postgresql.jar")  # Debian: libpostgresql-jdbc-java
Address = tuple[str, int]


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
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "node ok\n")


def test_pgjdbc(gateway_address: Address) -> None:
    if shutil.which("javac") is None or not JDBC.exists():
        pytest.skip("Java, or PostgreSQL's driver for it, is not installed")
    host, port = gateway_address
    done = subprocess.run(
        ["java", "-cp", str(JDBC), str(HERE / "Drive.java"), host, str(port)],
        capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"JAVA_TOOL_OPTIONS": ""},
    )  # fmt: skip
    errors = [line for line in done.stderr.splitlines() if "JAVA_TOOL_OPTIONS" not in line]
    assert (done.returncode, errors, done.stdout) == (0, [], "jdbc ok\n")
