"""The same statements to the gateway and to PostgreSQL 15: the same answers."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.session.scripts import SCRIPTS


def answers(connection: psycopg.Connection[Any], text: str) -> list[object]:
    """All that the client sees of one message; of an error's place, nothing."""
    told: list[object] = []
    connection.add_notice_handler(
        lambda n: told.append((n.severity, n.sqlstate, n.message_primary))
    )
    try:
        cursor = connection.execute(text)
        while True:
            columns = [(c.name, c.type_code) for c in cursor.description or ()]
            rows = cursor.fetchall() if columns else None
            told.append((cursor.statusmessage, columns, rows))
            if not cursor.nextset():
                break
    except psycopg.Error as error:
        told.append((error.sqlstate, error.diag.message_primary, error.diag.message_detail))
    connection._notice_handlers.clear()
    info = connection.info
    return [*told, info.transaction_status.name, info.parameter_status("TimeZone")]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_gateway_answers_as_postgresql_does(
    name: str, connect: Connect, postgres: Connect
) -> None:
    options = {"user": "postgres", "dbname": "postgres", "prepare_threshold": None}
    ours = connect(**options)
    with postgres(**options) as theirs:
        for text in SCRIPTS[name]:
            assert (text, answers(ours, text)) == (text, answers(theirs, text))
