"""Advisory locks: what PostgreSQL answers, and what two sessions do to each other."""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest

from gateway.errors import DeadlockDetected, QueryCanceled
from gateway.interrupts import attend
from gateway.session.activity.advisory import AdvisoryLocks
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


def _waiting(locks: AdvisoryLocks, owner: object) -> None:
    while not locks.holders_before(owner):
        time.sleep(0.001)


def test_who_waits_goes_on_when_the_lock_is_free() -> None:
    locks, done = AdvisoryLocks(), threading.Event()
    locks.take((0, 1), "a", shared=False)
    thread = threading.Thread(target=lambda: (locks.take((0, 1), "b", shared=False), done.set()))
    thread.start()
    _waiting(locks, "b")
    assert not done.is_set()
    locks.give((0, 1), "a", shared=False)
    thread.join()
    assert done.is_set()
    assert not locks.attempt((0, 1), "a", shared=False)


def test_a_circle_is_refused() -> None:
    locks = AdvisoryLocks()
    locks.take((0, 1), "a", shared=True)
    locks.take((0, 2), "b", shared=False)
    thread = threading.Thread(target=lambda: locks.take((0, 2), "a", shared=False))
    thread.start()
    _waiting(locks, "a")
    with pytest.raises(DeadlockDetected):
        locks.take((0, 1), "b", shared=False)
    locks.give((0, 2), "b", shared=False)
    thread.join()


def test_a_check_ends_the_waiting() -> None:
    def refuse() -> None:
        raise QueryCanceled("canceling statement due to user request")

    locks = AdvisoryLocks()
    locks.take((0, 1), "a", shared=False)
    attend(refuse)
    try:
        with pytest.raises(QueryCanceled):
            locks.take((0, 1), "b", shared=False)
    finally:
        attend(None)
    assert not locks.holders_before("b")
