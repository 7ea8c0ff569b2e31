"""What tools ask the catalogue, answered as PostgreSQL 15 answers it for the same tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.config import Settings
from tests.catalog.clients import Sent, Server
from tests.catalog.test_clients import told
from tests.catalog.tools import MADE, UNMADE, tool_statements


def _connected(port: int) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True
    )


@pytest.fixture(scope="module")
def shops(own_postgres: int) -> Iterator[tuple[Server, Server]]:
    """A gateway and PostgreSQL with the same tables."""
    with (
        App(Settings(port=0, datasets=[])) as app,
        _connected(app.address[1]) as ours,
        _connected(own_postgres) as theirs,
    ):
        for connection in (ours, theirs):
            for statement in MADE:
                connection.execute(statement)
        yield Server(ours), Server(theirs)
        for statement in UNMADE:
            theirs.execute(statement)


@pytest.mark.parametrize("sent", list(tool_statements()), ids=lambda sent: sent.name)
def test_a_tool_is_answered_as_by_postgresql(sent: Sent, shops: tuple[Server, Server]) -> None:
    for server in shops:
        server.connection.execute("RESET ALL")  # some of them set something
    ours, theirs = (told(server.answer(sent.sql)) for server in shops)
    assert ours == theirs
