"""COPY into the gateway and into PostgreSQL 15: the same rows, or the same error.

What PostgreSQL says is recorded in `answers.json` (`pytest --rewrite`), which stands for it where
it is not installed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.copying.cases import CASES, DIFFERENT, REFUSED, SETUP, TEARDOWN, In
from tests.copying.outgoing import OUT
from tests.wire import postgres as real

ANSWERS = Path(__file__).with_name("answers.json")
Answer = dict[str, Any]


def _told(error: psycopg.Error) -> Answer:
    told = error.diag
    texts = {
        "code": error.sqlstate,
        "message": told.message_primary,
        "detail": told.message_detail,
        "hint": told.message_hint,
        "context": told.context,
        "position": told.statement_position,
    }
    return {key: text for key, text in texts.items() if text}


def copied(connection: psycopg.Connection[Any], case: In) -> Answer:
    """How many rows went in and which, or the error; undone in any case."""
    cursor = connection.cursor()
    try:
        with connection.transaction(force_rollback=True):
            with cursor.copy(case.statement.encode()) as copy:
                copy.write(case.data)
            count = cursor.rowcount
            with cursor.copy(f"COPY {case.table} TO STDOUT".encode()) as copy:
                return {"rows": count, "there": b"".join(map(bytes, copy)).decode()}
    except psycopg.Error as error:
        return _told(error)


def refused(connection: psycopg.Connection[Any], statement: str) -> Answer:
    with pytest.raises(psycopg.Error) as caught, connection.cursor().copy(statement.encode()):
        pass
    return _told(caught.value)


def _title(case: In) -> str:
    return f"{case.statement} {case.data!r}"


def sent(connection: psycopg.Connection[Any], statement: str) -> Answer:
    """What goes out, as text or in hexadecimal digits; or the error. Undone in any case."""
    cursor = connection.cursor()
    try:
        with connection.transaction(force_rollback=True), cursor.copy(statement.encode()) as copy:
            data = b"".join(map(bytes, copy))
    except psycopg.Error as error:
        return _told(error)
    written = data.hex() if "BINARY" in statement else data.decode("latin-1")
    return {"rows": cursor.rowcount, "sent": written}


def _answers(connection: psycopg.Connection[Any]) -> dict[str, Answer]:
    found = {_title(case): copied(connection, case) for case in CASES}
    found |= {statement: sent(connection, statement) for statement in OUT}
    return found | {statement: refused(connection, statement) for statement in REFUSED}


def _prepare(connection: psycopg.Connection[Any]) -> None:
    for statement in SETUP.strip().split(";")[:-1]:
        connection.execute(statement.encode())


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest) -> dict[str, Answer]:
    """PostgreSQL's answers: recorded ones, checked against a running one where there is one."""
    recorded: dict[str, Answer] = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    if real.missing() is not None:
        return recorded
    with request.getfixturevalue("postgres")() as connection:
        _prepare(connection)
        told = _answers(connection)
        connection.execute(TEARDOWN.split(";")[0].encode())
        connection.execute(TEARDOWN.split(";")[1].encode())
    if request.config.getoption("--rewrite"):
        ANSWERS.write_text(json.dumps(told, indent=0, ensure_ascii=False) + "\n")
        return told
    assert told == recorded
    return told


@pytest.fixture
def connection(connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    made = connect()
    _prepare(made)
    yield made
    for statement in TEARDOWN.split(";"):
        made.execute(statement.encode())


def test_the_gateway_says_what_postgresql_says(
    connection: psycopg.Connection[Any], answers: dict[str, Answer]
) -> None:
    ours = _answers(connection)
    assert ours.keys() == answers.keys()
    wrong = {
        title: (ours[title], theirs)
        for title, theirs in answers.items()
        if ours[title] != theirs and title not in DIFFERENT
    }
    assert wrong == {}
    outdated = [title for title in DIFFERENT if ours[title] == answers[title]]
    assert outdated == [], "these differ no longer"
