"""Grants, owners and roles, to the gateway and to PostgreSQL 15: the same answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.roles.scripts import DIFFERENT, ROLES, SCRIPTS
from tests.session.test_against_postgresql import answers

Role = Callable[[str], psycopg.Connection[Any]]


@pytest.fixture(scope="module")
def reference(postgres: Connect) -> Connect:
    """PostgreSQL with the same roles."""
    with postgres() as connection:
        connection.execute("CREATE ROLE admin SUPERUSER LOGIN")
        for name in ROLES:
            connection.execute(f"CREATE ROLE {name} LOGIN")
        for name, groups in ROLES.items():
            for group in groups:
                connection.execute(f"GRANT {group} TO {name}")
    return postgres


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_gateway_answers_as_postgresql_does(
    name: str, as_role: Connect, reference: Connect
) -> None:
    wrong = []
    options = {"dbname": "postgres", "prepare_threshold": None}
    ours = {role: as_role(role) for role in ("admin", *ROLES)}
    theirs = {role: reference(user=role, **options) for role in ("admin", *ROLES)}
    for line in SCRIPTS[name]:
        role, _, text = line.partition(": ")
        told, wanted = _told(ours[role], text), _told(theirs[role], text)
        if (told != wanted) != (line in DIFFERENT):
            wrong.append((line, told, wanted))
    for connection in theirs.values():
        connection.close()
    assert not wrong, "\n".join(map(str, wrong))


def _told(connection: psycopg.Connection[Any], text: str) -> list[object]:
    told = answers(connection, text)
    if text.startswith("EXPLAIN") and isinstance(told[0], tuple) and told[0][0] == "EXPLAIN":
        return [told[0][:2], *told[1:]]
    return told
