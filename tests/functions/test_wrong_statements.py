"""What is wrong with a statement is said as PostgreSQL 15 says it: SQLSTATE and message.

tests/golden/errors/*.test: a statement, `----`, PostgreSQL's refusal of it, or `accepted`; `pytest
--rewrite` writes what a real PostgreSQL says. DIFFERENT names those that are answered otherwise
here, with the reason.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import goldens
from tests.differential.vocabulary import SETUP
from tests.functions.different_refusals import DIFFERENT

FILES = goldens.files("errors")


def _refusal(connection: psycopg.Connection[Any], statement: str) -> str:
    """SQLSTATE and message; what the statement did is undone."""
    connection.execute("BEGIN")
    try:
        connection.execute(statement.encode())
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_primary}"
    finally:
        connection.execute("ROLLBACK")
    return "accepted"


def _make(connection: psycopg.Connection[Any]) -> None:
    for statement in SETUP.split(";\n"):
        if statement.strip():
            connection.execute(statement.encode())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_as_postgresql_refuses(file: Path, client: psycopg.Connection[Any]) -> None:
    _make(client)
    said = {text: (_refusal(client, text), right) for text, right in goldens.cases(file)}
    differing = {text: pair for text, pair in said.items() if pair[0] != pair[1]}
    assert {text: pair for text, pair in differing.items() if text not in DIFFERENT} == {}
    assert [text for text in said if text in DIFFERENT and text not in differing] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_record_is_postgresqls(
    file: Path, real: psycopg.Connection[Any], rewriting: bool
) -> None:
    _make(real)
    goldens.check(file, lambda text: _refusal(real, text), rewriting)


def test_most_are_the_same() -> None:
    count = sum(len(goldens.cases(file)) for file in FILES)
    assert count >= 300
    assert len(DIFFERENT) <= count * 0.18
