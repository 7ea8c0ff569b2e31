"""A query that was answered again and again is refused as soon as the right to it is gone."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.roles.scripts import ROLES

QUERY = "SELECT count(*) FROM again"
ROLE = next(iter(ROLES))


def _run(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute(QUERY).fetchall()


@pytest.mark.parametrize("prepared", [False, True])
def test_a_right_that_is_gone_is_gone_at_once(as_role: Connect, prepared: bool) -> None:
    admin = as_role("admin")
    admin.execute("CREATE TABLE again AS SELECT 1 AS a")
    try:
        admin.execute(f"GRANT SELECT ON again TO {ROLE}")
        client = as_role(ROLE)
        for _ in range(4):
            assert client.execute(QUERY, prepare=prepared).fetchall() == [(1,)]
        admin.execute(f"REVOKE SELECT ON again FROM {ROLE}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            client.execute(QUERY, prepare=prepared)
        admin.execute(f"GRANT SELECT ON again TO {ROLE}")
        assert client.execute(QUERY, prepare=prepared).fetchall() == [(1,)]
    finally:
        admin.execute("DROP TABLE again")


def test_who_acts_for_another_has_the_other_s_rights(as_role: Connect) -> None:
    admin = as_role("admin")
    admin.execute("CREATE TABLE again AS SELECT 1 AS a")
    try:
        for _ in range(4):
            assert _run(admin) == [(1,)]
        admin.execute(f"SET ROLE {ROLE}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _run(admin)
        admin.execute("RESET ROLE")
        assert _run(admin) == [(1,)]
    finally:
        admin.execute("DROP TABLE again")


def test_a_transaction_sees_its_own_rows_and_no_other_does(as_role: Connect) -> None:
    admin, other = as_role("admin"), as_role("admin")
    admin.execute("CREATE TABLE again AS SELECT 1 AS a")
    try:
        for _ in range(4):
            assert _run(admin) == _run(other) == [(1,)]
        with admin.transaction(force_rollback=True):
            assert _run(admin) == [(1,)]
            admin.execute("INSERT INTO again VALUES (2)")
            assert (_run(admin), _run(other)) == ([(2,)], [(1,)])
        assert _run(admin) == _run(other) == [(1,)]
        with admin.transaction():
            admin.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            assert _run(admin) == [(1,)]
            other.execute("INSERT INTO again VALUES (3)")
            assert (_run(admin), _run(other)) == ([(1,)], [(2,)])
        assert _run(admin) == [(2,)]
    finally:
        admin.execute("DROP TABLE again")
