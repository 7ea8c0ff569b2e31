"""What clients ask the catalogue, answered as PostgreSQL 15 answers it for the same tables."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.catalog.clients import Answer, Sent, Server, statements

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
STATEMENTS = list(statements())
# The part that must be equal; docs/clients.md names every other one.
LEAST = 0.95

Connection = psycopg.Connection[Any]


def excused() -> set[str]:
    """The statements that the page says differ."""
    rows = re.findall(r"^\| ((?:\w+/\d+(?:, )?)+) \|", PAGE.read_text(), re.M)
    return {name for row in rows for name in row.split(", ")}


@pytest.fixture(scope="module")
def servers(ours: Connection, theirs: Connection) -> tuple[Server, Server]:
    return Server(ours), Server(theirs)


@pytest.mark.parametrize("sent", STATEMENTS, ids=lambda sent: sent.name)
def test_a_statement_is_answered_as_postgresql_does(
    sent: Sent, servers: tuple[Server, Server]
) -> None:
    here, there = (told(server.answer(sent.sql)) for server in servers)
    if sent.name in excused():
        assert here != there, f"{sent.name} is answered alike: take it out of docs/clients.md"
    else:
        assert here == there


def told(answer: Answer) -> tuple[Any, ...]:
    return answer.columns, answer.rows, answer.code[:5]


def test_most_are_answered_alike() -> None:
    assert excused() <= {sent.name for sent in STATEMENTS}
    assert 1 - len(excused()) / len(STATEMENTS) >= LEAST
