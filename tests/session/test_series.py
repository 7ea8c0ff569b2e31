"""Statements in front of one Sync are one transaction: kept or undone together."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect


def test_a_failure_undoes_what_stood_in_front_of_the_same_sync(connect: Connect) -> None:
    connection, other = connect(), connect()
    connection.execute("CREATE TABLE series (n int PRIMARY KEY)")
    with pytest.raises(psycopg.errors.UniqueViolation), connection.pipeline():
        connection.execute("INSERT INTO series VALUES (1)")
        connection.execute("INSERT INTO series VALUES (2)")
        connection.execute("INSERT INTO series VALUES (1)")
    assert other.execute("SELECT n FROM series").fetchall() == []
    for number in (1, 2):
        connection.execute("INSERT INTO series VALUES (%s)", (number,))
        assert len(other.execute("SELECT n FROM series").fetchall()) == number
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        connection.execute("INSERT INTO series VALUES (%s)", (2,))
    assert caught.value.diag.message_detail == "Key (n)=(2) already exists."
    connection.execute("DROP TABLE series")
