"""txid_current and its like: one number for a transaction; pg_sleep in FROM waits."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from tests.conftest import Connect


def _one(client: psycopg.Connection[Any], query: str) -> Any:
    row = client.execute(query.encode()).fetchone()
    return None if row is None else row[0]


def test_each_transaction_has_its_own(connect: Connect) -> None:
    client = connect()
    first, second = (_one(client, "SELECT txid_current()") for _ in range(2))
    assert 0 < first < second
    client.execute("BEGIN")
    assert _one(client, "SELECT txid_current_if_assigned()") is None
    number = _one(client, "SELECT txid_current()")
    assert number > second
    assert int(_one(client, "SELECT pg_current_xact_id()")) == number
    assert int(_one(client, "SELECT pg_current_xact_id_if_assigned()")) == number
    client.execute("COMMIT")
    assert _one(connect(), "SELECT txid_current()") > number


def test_their_types(connect: Connect) -> None:
    client = connect()
    for binary in (False, True):
        cursor = client.cursor(binary=binary)
        result = cursor.execute("SELECT txid_current(), pg_current_xact_id()").pgresult
        assert result is not None
        assert [result.ftype(n) for n in range(2)] == [20, 5069]
        assert result.get_value(0, 0) == result.get_value(0, 1)


def test_sleep_in_from(connect: Connect) -> None:
    client = connect()
    for query in ("SELECT count(*) FROM pg_sleep(0.2)", "SELECT 1 FROM pg_sleep(0.2)"):
        start = time.monotonic()
        assert _one(client, query) == 1
        assert time.monotonic() - start > 0.19
