"""Types that PostgreSQL has and this server has not are refused by name: 0A000, not 42704."""

from __future__ import annotations

import psycopg
import pytest

from gateway.types import ABSENT
from tests.conftest import Connect

WORDS = ("time with time zone", "cidr", "bit", "point", "timetz", "int4range", "money")


@pytest.mark.parametrize("name", WORDS)
def test_a_type_that_is_not_here_is_named(connect: Connect, name: str) -> None:
    for text in (f"SELECT CAST(NULL AS {name})", f"CREATE TABLE absent (a {name})"):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="is not supported"):
            connect().execute(text.encode())


def test_a_type_that_nobody_has_is_not_there(connect: Connect) -> None:
    for text in ("SELECT CAST(NULL AS nosuch)", "CREATE TABLE absent (a nosuch)"):
        with pytest.raises(psycopg.errors.UndefinedObject, match='type "nosuch" does not exist'):
            connect().execute(text.encode())


def test_postgresql_has_them(postgres: Connect) -> None:
    with postgres() as connection:
        for name in ABSENT:
            connection.execute(f"SELECT CAST(NULL AS {name})".encode())
