"""Types of columns and parameters that Describe tells are PostgreSQL 15's.

`described_types.json` holds PostgreSQL's answers; where it is installed the record itself is
checked, and `pytest --rewrite` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.errors import GatewayError
from gateway.session.session import Session
from tests.conftest import Connect
from tests.session.described_types import DIFFERENT, EXPRESSIONS, PARAMETERS, SETUP, STATEMENTS

MORE = Path(__file__).with_name("described_statements.sql").read_text().splitlines()
RECORD = Path(__file__).with_name("described_types.json")

# Oids of the parameters, and (oid, modifier) of the columns; or the SQLSTATE of a refusal.
Told = list[list[Any]] | str


def statement_of(items: Sequence[str]) -> str:
    return f"SELECT {', '.join(items)} FROM described"


def texts() -> list[str]:
    return [*map(statement_of, EXPRESSIONS.values()), *STATEMENTS, *PARAMETERS, *MORE]


def postgres_tells(connection: psycopg.Connection[Any], text: str) -> Told:
    prepared = connection.pgconn.prepare(b"", text.encode())
    if prepared.status != psycopg.pq.ExecStatus.COMMAND_OK:
        return prepared.error_field(psycopg.pq.DiagnosticField.SQLSTATE).decode()
    told = connection.pgconn.describe_prepared(b"")
    return [
        [told.param_type(n) for n in range(told.nparams)],
        [[told.ftype(n), told.fmod(n)] for n in range(told.nfields)],
    ]


def test_the_record_is_what_postgresql_tells(postgres: Connect, rewriting: bool) -> None:
    with postgres() as connection:
        connection.execute(SETUP)
        found = {text: postgres_tells(connection, text) for text in texts()}
    if rewriting:
        lines = (f"{json.dumps(text)}: {json.dumps(told)}" for text, told in found.items())
        RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    assert json.loads(RECORD.read_text()) == found


def recorded(text: str) -> Told:
    told: Told = json.loads(RECORD.read_text())[text]
    return told


@pytest.fixture(scope="module")
def session(gateway_app: App) -> Iterator[Session]:
    made = gateway_app.gateway.create_session()
    made.start("tester", "gradwire", {})
    for _ in made.run_simple(SETUP):
        made.sync()
    yield made
    for _ in made.run_simple("DROP VIEW keyed_view; DROP TABLE described, keyed"):
        made.sync()
    gateway_app.gateway.close_session(made)


def gateway_tells(session: Session, text: str) -> Told:
    try:
        session.parse("", text, [])
        fields = session.describe_statement("") or ()
        types = session.parameter_types("")
    except GatewayError as error:
        session.fail(error)
        return error.code
    finally:
        session.sync()
    return [[each.oid for each in types], [[f.type.oid, f.typmod] for f in fields]]


@pytest.mark.parametrize("group", EXPRESSIONS)
def test_columns_have_the_types_of_postgresql(group: str, session: Session) -> None:
    items = EXPRESSIONS[group]
    found, wanted = gateway_tells(session, statement_of(items)), recorded(statement_of(items))
    assert isinstance(found, list)
    ours, theirs = (dict(zip(items, told[1], strict=True)) for told in (found, wanted))
    assert {item: ours[item] for item in items if item not in DIFFERENT} == {
        item: theirs[item] for item in items if item not in DIFFERENT
    }
    assert not [item for item in items if item in DIFFERENT and ours[item] == theirs[item]]


@pytest.mark.parametrize("text", [*STATEMENTS, *PARAMETERS, *MORE])
def test_statements_are_described_as_postgresql_does(text: str, session: Session) -> None:
    found = gateway_tells(session, text)
    if text in DIFFERENT:
        assert found != recorded(text)
    else:
        assert found == recorded(text)
