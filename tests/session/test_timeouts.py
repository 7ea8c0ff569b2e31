"""lock_timeout, and the timeout that is not kept."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect


def test_lock_timeout_ends_a_wait_for_a_table(connect: Connect) -> None:
    holder, waiter = connect(), connect()
    holder.execute("CREATE TABLE waited_for (a integer)")
    try:
        holder.execute("BEGIN")
        holder.execute("INSERT INTO waited_for VALUES (1)")
        waiter.execute("SET lock_timeout = 10")
        with pytest.raises(psycopg.errors.LockNotAvailable, match="due to lock timeout"):
            waiter.execute("INSERT INTO waited_for VALUES (2)")
        holder.execute("COMMIT")
        waiter.execute("INSERT INTO waited_for VALUES (3)")
        assert waiter.execute("SELECT a FROM waited_for ORDER BY a").fetchall() == [(1,), (3,)]
    finally:
        holder.execute("DROP TABLE waited_for")
