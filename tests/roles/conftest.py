"""A gateway with roles: `admin` an administrator, the others as `scripts.ROLES` has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gateway.app import App
from gateway.config import Dataset, Role, Settings
from tests.conftest import Connect
from tests.roles.scripts import ROLES


@pytest.fixture(scope="module")
def guarded() -> Iterator[App]:
    """It trusts everyone on this machine to be who they say they are."""
    roles = {name: Role(member_of=groups) for name, groups in ROLES.items()}
    limited = {
        "reader": Role(read_only=True),
        "hasty": Role(statement_timeout_seconds=2),
        "single": Role(connection_limit=1),
        "small": Role(memory_bytes=2**25),
    }
    settings = Settings(
        port=0,
        superusers=["admin"],
        roles=roles | limited,
        datasets=[Dataset(name="ncep", uri="bundled:ncep")],
    )
    with App(settings) as app:
        yield app


@pytest.fixture
def as_role(guarded: App) -> Iterator[Connect]:
    """Makes connections to it, each as the role that it is given."""
    made: list[psycopg.Connection[Any]] = []

    def open_connection(role: str = "admin", **options: Any) -> psycopg.Connection[Any]:
        host, port = guarded.address
        defaults = {"dbname": "postgres", "autocommit": True, "prepare_threshold": None}
        made.append(psycopg.connect(host=host, port=port, user=role, **(defaults | options)))
        return made[-1]

    yield open_connection
    for connection in made:
        connection.close()
