"""F, L and R: which line of this program an error or a notice comes from, as psql shows it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

import gateway
from tests.conftest import Connect

FOLDER = Path(gateway.__file__).parent

#   statement                                      SQLSTATE and the room that finds the fault
FAULTS = {
    "SELEC 1": ("42601", "sql/"),
    "SELECT nothing": ("42703", "sql/"),
    "SELECT 1 / 0": ("22012", "engine/"),
    "SELECT grad(random() * x, x) FROM (VALUES (1.5)) AS t(x)": ("0A000", ""),
    "INSERT INTO places VALUES (1), (1)": ("23505", "store/"),
    "EXECUTE no_such": ("26000", "session/"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_an_error_tells_its_line(connect: Connect, text: str) -> None:
    connection = connect()
    connection.execute("CREATE TEMP TABLE places (a int PRIMARY KEY)")
    code, room = FAULTS[text]
    with pytest.raises(psycopg.Error) as refusal:
        connection.execute(text.encode())
    told = refusal.value.diag
    assert told.sqlstate == code
    file, line, routine = told.source_file, told.source_line, told.source_function
    assert file is not None and line is not None and routine is not None
    lines = (FOLDER / file).read_text().splitlines()
    assert file.startswith(room) and f"def {routine}(" in "\n".join(lines[: int(line)])


def test_a_notice_tells_its_line(connect: Connect) -> None:
    connection = connect()
    heard: list[str | None] = []
    connection.add_notice_handler(
        lambda told: heard.extend((told.source_file, told.source_line, told.source_function))
    )
    connection.execute("COMMIT")
    file, line, routine = heard
    assert file == "session/transactions/transaction.py" and line and routine


def test_psql_shows_it(gateway_address: tuple[str, int]) -> None:
    if shutil.which("psql") is None:
        pytest.skip("psql is not installed")
    host, port = gateway_address
    done = subprocess.run(
        ["psql", "-X", "-h", host, "-p", str(port), "-U", "me", "-d", "db",
         "-v", "VERBOSITY=verbose", "-c", "SELECT nothing"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "LOCATION:  " in done.stderr and ".py:" in done.stderr
