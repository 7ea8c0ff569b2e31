"""Advisory locks: what PostgreSQL answers, and what two sessions do to each other."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.session.test_against_postgresql import answers

# Said by the first of two sessions, or by the second.
SCRIPT = (
    (0, "SELECT pg_try_advisory_lock(7), pg_try_advisory_lock(7)"),
    (1, "SELECT pg_try_advisory_lock(7), pg_try_advisory_lock_shared(7) AS shared"),
    (1, "SELECT pg_try_advisory_lock(0, 7), pg_try_advisory_lock(-9223372036854775808)"),
    (0, "SELECT pg_advisory_unlock(7)"),
    (1, "SELECT pg_try_advisory_lock(7)"),
    (0, "SELECT pg_advisory_unlock(7), pg_advisory_unlock(7)"),
    (1, "SELECT pg_try_advisory_lock(7)"),
    (1, "SELECT pg_advisory_unlock_all()"),
    (0, "SELECT pg_advisory_unlock_shared(7)"),
    (0, "SELECT pg_advisory_lock_shared(7)"),
    (1, "SELECT pg_try_advisory_lock_shared(7), pg_try_advisory_lock(7)"),
    (0, "SELECT pg_advisory_unlock_shared(7)"),
    (1, "SELECT pg_try_advisory_lock(7), pg_advisory_unlock_all()"),
    (0, "BEGIN"),
    (0, "SELECT pg_advisory_xact_lock(8), pg_advisory_lock(9)"),
    (0, "SAVEPOINT s"),
    (0, "SELECT pg_try_advisory_xact_lock_shared(10)"),
    (1, "SELECT pg_try_advisory_lock(8), pg_try_advisory_lock(10)"),
    (0, "ROLLBACK TO s"),
    (1, "SELECT pg_try_advisory_lock(10), pg_advisory_unlock(10)"),
    (0, "SELECT pg_advisory_unlock(8)"),
    (0, "ROLLBACK"),
    (1, "SELECT pg_try_advisory_lock(8), pg_try_advisory_lock(9), pg_advisory_unlock(8)"),
    (0, "SELECT pg_advisory_xact_lock(8)"),
    (1, "SELECT pg_try_advisory_lock(8), pg_advisory_unlock(8)"),
    (1, "SET lock_timeout = '5ms'"),
    (1, "SELECT pg_advisory_lock(9)"),
    (0, "DISCARD ALL"),
    (1, "SELECT pg_advisory_lock(9), pg_advisory_unlock(9), pg_try_advisory_lock(NULL)"),
)


def test_two_sessions_answer_as_over_postgresql(connect: Connect, postgres: Connect) -> None:
    options = {"user": "postgres", "dbname": "postgres", "prepare_threshold": None}
    ours = connect(**options), connect(**options)
    with postgres(**options) as first, postgres(**options) as second:
        theirs = first, second
        for who, text in SCRIPT:
            assert (text, answers(ours[who], text)) == (text, answers(theirs[who], text))


def test_a_parameter_and_the_end_of_a_session(connect: Connect) -> None:
    holder, other = connect(), connect()
    asked: Any = "SELECT pg_try_advisory_lock(%s, %s)"
    assert holder.execute(asked, (3, 4)).fetchone() == (True,)
    assert other.execute(asked, (3, 4)).fetchone() == (False,)
    holder.close()
    other.execute("SELECT pg_advisory_lock(3, 4)")  # waits until the server has seen it leave
    assert other.execute("SELECT pg_advisory_unlock(3, 4)").fetchone() == (True,)


def test_one_who_waits_can_be_cancelled(connect: Connect) -> None:
    holder, waiting = connect(), connect()
    holder.execute("SELECT pg_advisory_lock(11)")
    waiting.execute("BEGIN")
    waiting.execute("SET LOCAL statement_timeout = '20ms'")  # no longer once the block has failed
    with pytest.raises(psycopg.errors.QueryCanceled):
        waiting.execute("SELECT pg_advisory_lock(11)")
    waiting.execute("ROLLBACK")
    holder.execute("SELECT pg_advisory_unlock(11)")
    assert waiting.execute("SELECT pg_try_advisory_lock(11)").fetchone() == (True,)
    waiting.execute("SELECT pg_advisory_unlock(11)")
