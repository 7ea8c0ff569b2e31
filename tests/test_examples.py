"""The examples run, and what they print is right."""

from __future__ import annotations

import itertools
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
LONGEST = 60  # lines: an example is read in one go


@pytest.fixture
def server(gateway_address: tuple[str, int]) -> str:
    host, port = gateway_address
    return f"host={host} port={port} user=tester dbname=gradwire"


def printed(name: str, server: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    runpy.run_path(str(EXAMPLES / name))["main"](server)
    return capsys.readouterr().out.splitlines()


def test_training_lowers_the_loss(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed("train.py", server, capsys)
    losses = [float(line.split()[-1]) for line in lines]
    assert len(losses) == 11
    assert all(after <= before for before, after in itertools.pairwise(losses))
    assert losses[-1] < losses[0]


def test_newton_solves_keplers_equation(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed("newton.py", server, capsys)
    assert [line.split()[0] for line in lines] == ["Earth", "Mars", "Halley"]
    assert all(float(line.split()[-1]) < 1e-14 for line in lines)


def test_the_gradient_of_the_speed_has_length_one(
    server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    *bands, last = printed("wind_gradient.py", server, capsys)
    assert len(bands) == 6
    assert last == "10512 rows, length of the gradient 1.000000000000"


def test_the_page_draws_a_derivative(
    gateway_address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("panel", "hvplot", "sqlalchemy"):
        pytest.importorskip(library, reason=f"examples/panel_app.py needs {library}")
    host, port = gateway_address
    monkeypatch.setenv("GRADWIRE_URL", f"postgresql+psycopg://tester@{host}:{port}/gradwire")
    frame = runpy.run_path(str(EXAMPLES / "panel_app.py"))["rows"](50)
    assert list(frame.columns) == ["longitude", "power", "change"]
    assert len(frame) == 144


def test_an_example_finds_its_server_in_the_environment(gateway_address: tuple[str, int]) -> None:
    host, port = gateway_address
    where = {"PGHOST": host, "PGPORT": str(port), "PGUSER": "tester", "PGDATABASE": "gradwire"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / "newton.py"],
        env=os.environ | where,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert re.match(r"Earth +E = 1\.0\d+", done.stdout)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short_and_tested(path: Path) -> None:
    assert len(path.read_text().splitlines()) < LONGEST
    assert path.name in Path(__file__).read_text()
