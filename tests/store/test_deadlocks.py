"""Random sessions that lock tables in any order, against a model of who waits for whom."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import pytest

from gateway.errors import DeadlockDetected
from gateway.store.transactions.locks import Locks

SESSIONS, KEYS, STEPS = 4, 4, 60


@dataclass(slots=True)
class Model:
    """Who holds which key, and who waits for which."""

    holders: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)

    def closes_circle(self, session: int, key: int) -> bool:
        holder = self.holders.get(key)
        while holder is not None and holder != session:
            holder = self.holders.get(self.waiting[holder]) if holder in self.waiting else None
        return holder == session

    def release(self, session: int) -> None:
        self.holders = {key: who for key, who in self.holders.items() if who != session}


class Schedule:
    """Sessions, each of which locks in a thread of its own while it may have to wait."""

    def __init__(self, pool: ThreadPoolExecutor, seed: int) -> None:
        self.locks, self.model, self.chance = Locks(), Model(), random.Random(seed)
        self.pool, self.asked = pool, dict[int, Future[bool]]()
        self.refused = 0

    def run(self) -> None:
        for _ in range(STEPS):
            session = self.chance.choice(self.free())
            key = self.chance.randrange(KEYS)
            if self.chance.random() < 0.2:
                self.end(session)
            elif self.model.holders.get(key) != session:
                self.ask(session, key)
        while self.model.holders or self.asked:
            self.end(self.chance.choice(self.free()))

    def free(self) -> list[int]:
        """Those that do not wait; there always is one, else all would wait for ever."""
        free = [session for session in range(SESSIONS) if session not in self.asked]
        assert free, "all wait"
        return free

    def ask(self, session: int, key: int) -> None:
        asked = self.pool.submit(self.locks.acquire, key, session)
        if self.model.closes_circle(session, key):
            for _ in self.until_done(asked):
                assert not self.locks.holders_before(session)
            with pytest.raises(DeadlockDetected):
                asked.result()
            self.refused += 1
            self.end(session)
        elif key in self.model.holders:
            self.model.waiting[session], self.asked[session] = key, asked
            for _ in self.until_settled(session):
                assert not asked.done()
        else:
            assert asked.result()
            self.model.holders[key] = session

    def end(self, session: int) -> None:
        """COMMIT or ROLLBACK: of those that wait for a key one gets it, whichever comes first."""
        self.model.release(session)
        self.locks.release(session)
        wanted = {key for key in self.model.waiting.values() if key not in self.model.holders}
        while wanted:
            done, _ = wait(self.asked.values(), return_when="FIRST_COMPLETED")
            for other in [s for s, asked in self.asked.items() if asked in done]:
                assert self.asked.pop(other).result()
                key = self.model.waiting.pop(other)
                wanted.remove(key)
                self.model.holders[key] = other

    def until_done(self, asked: Future[bool]) -> Iterator[None]:
        while not asked.done():
            yield
            wait([asked], timeout=0.001)

    def until_settled(self, session: int) -> Iterator[None]:
        while not self.locks.holders_before(session):
            yield
            wait([self.asked[session]], timeout=0.001)


def test_a_lock_is_refused_where_it_would_close_a_circle_and_nowhere_else() -> None:
    refused = 0
    with ThreadPoolExecutor(SESSIONS) as pool:
        for seed in range(15):
            schedule = Schedule(pool, seed)
            try:
                schedule.run()
            finally:
                for session in range(SESSIONS):
                    schedule.locks.cancel(session)
            refused += schedule.refused
    assert refused > 15
