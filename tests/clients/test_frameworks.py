"""Django, dbt and pgcli, each in a process of its own, over a gateway and over PostgreSQL 15.

They are no part of the extra `test`: CLIENTS_PYTHON names the `python` of an environment that has
them (`pip install django "psycopg[binary]" "dbt-core<1.11" "dbt-postgres<1.10" pgcli`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from tests.wire import postgres as real

PYTHON = os.environ.get("CLIENTS_PYTHON", sys.executable)
HERE = Path(__file__).parent


def has(module: str) -> bool:
    done = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False)
    return done.returncode == 0


def needs(module: str) -> None:
    if not has(module):
        pytest.skip(f"{PYTHON} has no {module}")


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """Of a gateway and of a PostgreSQL, both with nothing in them."""
    if (reason := real.missing()) is not None:
        pytest.skip(reason)
    with App(Settings(port=0, datasets=[])) as app, real.running() as port:
        yield app.address[1], port


def run(*words: str, **environment: str) -> str:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_django_migrates_and_answers_as_over_postgresql(ports: tuple[int, int]) -> None:
    needs("django")
    slopes = "GRAD(0.6 * POWER(speed, 3), speed)", "1.8 * POWER(speed, 2)"
    ours, theirs = (
        run(PYTHON, str(HERE / "drive_django.py"), "127.0.0.1", str(port), slope)
        for port, slope in zip(ports, slopes, strict=True)
    )
    assert "('b', 64.8)" in ours
    assert ours == theirs


def test_dbt_seeds_runs_tests_and_documents(ports: tuple[int, int], tmp_path: Path) -> None:
    needs("dbt.adapters.postgres")
    project = tmp_path / "project"
    shutil.copytree(HERE / "dbt_project", project)
    dbt = str(Path(PYTHON).parent / "dbt")
    place = {
        "GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": str(ports[0]),
        "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }  # fmt: skip
    for words in (["seed"], ["run"], ["test"], ["run"], ["seed"], ["docs", "generate"]):
        run(dbt, "--no-use-colors", *words, "--project-dir", str(project), **place)
    catalogue = json.loads((project / "target" / "catalog.json").read_text())
    steep = catalogue["nodes"]["model.winds.steep"]
    assert steep["metadata"]["type"] == "BASE TABLE"
    assert {n: c["type"] for n, c in steep["columns"].items()} == {
        "station": "text", "slope": "double precision"
    }  # fmt: skip
    with psycopg.connect(f"host=127.0.0.1 port={ports[0]} user=postgres dbname=postgres") as made:
        rows = made.execute("SELECT station, twice FROM dbt.kept ORDER BY 1").fetchall()
        found = [(station, round(twice, 9)) for station, twice in rows]
        assert found == [("a", 22.5), ("b", 44.1)]


def test_pgcli_completes_as_over_postgresql(ports: tuple[int, int]) -> None:
    needs("pgcli")
    for port in ports:
        with psycopg.connect(
            f"host=127.0.0.1 port={port} user=postgres dbname=postgres", autocommit=True
        ) as made:
            made.execute("CREATE TABLE one (a int PRIMARY KEY, b text DEFAULT 'x')")
            made.execute("CREATE TABLE two (c int REFERENCES one, d float8[])")
            made.execute("CREATE VIEW seen AS SELECT b FROM one")
    ours, theirs = (run(PYTHON, str(HERE / "drive_pgcli.py"), str(port)) for port in ports)
    assert "'one'" in ours
    assert ours == theirs
