"""Several sessions at once, and a server that is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gateway.errors import DeadlockDetected, QueryCanceled, UndefinedTable
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, Key, TableDefinition, View
from gateway.store.tables import Store, StoreSession
from gateway.store.transactions.locks import Locks, Mode
from gateway.types import by_name

T = TableName("public", "t")
INT = Column("n", by_name("int8"))
THREADS = 8


def together(store: Store, work: Callable[[StoreSession, int], None]) -> None:
    """Run `work` in several threads, a session each, started at one moment."""
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> None:
        session = store.session()
        barrier.wait()
        try:
            work(session, number)
        finally:
            session.close()

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(run, number) for number in range(THREADS)]:
            done.result()


def numbers(session: StoreSession, name: TableName = T) -> list[int]:
    found: list[int] = session.snapshot(name).rows.column("n").to_pylist()
    return found


def test_increments_are_all_kept(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (INT,)))
    session.insert(T, ["n"], [pa.record_batch({"n": [0, 1000]})])

    def increment(own: StoreSession, _: int) -> None:
        for _ in range(25):
            with own.writing(T):
                seen = own.snapshot(T, rowid=True).rows
                new = pc.add(seen.column("n"), 1)
                delta = pa.table({"r": seen.column(ROWID), "n": new}).to_batches()
                assert own.update(T, ["n"], delta).count == 2

    together(store, increment)
    assert sorted(numbers(session)) == [25 * THREADS, 1000 + 25 * THREADS]


def test_inserts_reads_and_deletes_agree_with_a_model(store: Store, session: StoreSession) -> None:
    """Each thread owns numbers of its own; what it reads of them is what it has committed."""
    session.create_table(TableDefinition(T, (INT,), keys=(Key(("n",), primary=True),)))
    left: list[int] = []

    def work(own: StoreSession, number: int) -> None:
        chance, mine = random.Random(number), set[int]()
        for step in range(40):
            if chance.random() < 0.7 or not mine:
                new = [number + THREADS * (10 * step + i) for i in range(chance.randint(1, 5))]
                own.insert(T, ["n"], [pa.record_batch({"n": new})])
                mine.update(new)
            else:
                gone = chance.choice(sorted(mine))
                with own.writing(T):
                    rows = own.snapshot(T, rowid=True).rows.filter(pc.field("n") == gone)
                    own.delete(T, rows.select([ROWID]).to_batches())
                mine.discard(gone)
            seen = numbers(own)
            assert len(seen) == len(set(seen))
            assert {n for n in seen if n % THREADS == number} == mine
        left.extend(mine)

    together(store, work)
    assert sorted(numbers(session)) == sorted(left)
    fresh = store.session()
    with fresh.writing(T):
        read_again = fresh.snapshot(T, rowid=True).rows.column("n").to_pylist()
    fresh.close()
    assert read_again == numbers(session)


def test_tables_come_and_go_meanwhile(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (INT,)))

    def work(own: StoreSession, number: int) -> None:
        mine = TableName("public", f"t{number}")
        for step in range(8):
            own.create_table_as(TableDefinition(mine, (INT,)), [pa.record_batch({"n": [step]})])
            own.create_view(View(TableName("public", f"v{number}"), str(step)), or_replace=True)
            assert numbers(own, mine) == [step]
            own.insert(T, ["n"], [pa.record_batch({"n": [step]})])
            own.drop_relations("table", [mine])

    together(store, work)
    assert session.tables() == [T]
    assert [view.sql for view in session.views()] == ["7"] * THREADS
    assert sorted(numbers(session)) == sorted(list(range(8)) * THREADS)


def test_writer_waits_and_finds_another_table_or_none(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (INT,)))
    other = store.session()
    failed: list[type[Exception]] = []

    def write() -> None:
        try:
            other.insert(T, ["n"], [pa.record_batch({"n": [1]})])
        except UndefinedTable as error:
            failed.append(type(error))

    thread = threading.Thread(target=write)
    with session.writing(T):
        thread.start()
        wait_until(lambda: bool(store._shared.locks._waiting))
        session.drop_relations("table", [T])
    thread.join()
    assert failed == [UndefinedTable]
    other.close()


def test_writer_locks_the_table_it_finds_after_waiting(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (INT,)))
    other = store.session()

    def write() -> None:
        with other.writing(T):
            oid = other.oid(T)
            assert oid is not None
            assert (oid, Mode.WRITE) in store._shared.locks.held(other)
            other.insert(T, ["n"], [pa.record_batch({"n": [1]})])

    with ThreadPoolExecutor(1) as pool:
        with session.writing(T):
            waiting = pool.submit(write)
            wait_until(lambda: other in store._shared.locks._waiting)
            session.drop_relations("table", [T])
            session.create_table(TableDefinition(T, (INT,)))
        waiting.result(timeout=300)
    assert numbers(session) == [1]
    other.close()


def test_drop_waits_for_the_writer(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (INT,)))
    other = store.session()
    with ThreadPoolExecutor(1) as pool:
        with session.writing(T):
            dropping = pool.submit(other.drop_relations, "table", [T])
            wait_until(lambda: other in store._shared.locks._waiting)
            session.insert(T, ["n"], [pa.record_batch({"n": [1]})])
        assert dropping.result(timeout=300).missing == ()
    assert session.tables() == []
    other.close()


def wait_until(true: Callable[[], bool]) -> None:
    event = threading.Event()
    for _ in range(5000):
        if true():
            return
        event.wait(0.001)
    pytest.fail("nothing happened for 5 s")


def test_waiting_can_be_cancelled(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (INT,)))
    other = store.session()
    with session.writing(T), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(other.insert, T, ["n"], [pa.record_batch({"n": [1]})])
        wait_until(lambda: other in store._shared.locks._waiting)
        other.cancel()
        with pytest.raises(QueryCanceled):
            waiting.result(timeout=300)
    other.cancel()  # Nothing runs: the next statement is not touched.
    assert other.insert(T, ["n"], [pa.record_batch({"n": [1]})]).count == 1
    other.close()


def test_deadlock_is_found() -> None:
    locks = Locks()
    locks.acquire(1, "a")
    locks.acquire(2, "b")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(locks.acquire, 2, "a")
        wait_until(lambda: "a" in locks._waiting)
        with pytest.raises(DeadlockDetected):
            locks.acquire(1, "b")
        locks.release("b")
        assert waiting.result(timeout=300) is True
    assert locks.acquire(2, "a") is False


def test_several_tables_are_of_one_moment(store: Store, session: StoreSession) -> None:
    """A writer moves a number from one table to the other; no reader sees it in both or none."""
    other = TableName("public", "u")
    for name in (T, other):
        session.create_table(TableDefinition(name, (INT,)))
    session.insert(T, ["n"], [pa.record_batch({"n": [1]})])
    done = threading.Event()

    def move() -> None:
        own = store.session()
        for step in range(30):
            source, target = (T, other) if step % 2 == 0 else (other, T)
            with own.writing(T), own.writing(other):
                rows = own.snapshot(source, rowid=True).rows
                own.delete(source, rows.select([ROWID]).to_batches())
                own.insert(target, ["n"], [pa.record_batch({"n": [1]})])
        own.close()
        done.set()

    with ThreadPoolExecutor(1) as pool:
        moving = pool.submit(move)
        while not done.is_set() and not moving.done():
            seen = session.snapshots([T, other])
            assert sum(snapshot.rows.num_rows for snapshot in seen.values()) == 1
        moving.result()


WRITER = """
import sys
from pathlib import Path
import pyarrow as pa
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, Key, TableDefinition
from gateway.store.tables import Store
from gateway.types import by_name

session = Store(Path(sys.argv[1])).session()
name = TableName("public", "t")
columns = (Column("n", by_name("int8")), Column("m", by_name("int8")))
key = Key(("n",), primary=True)
session.create_table(TableDefinition(name, columns, keys=(key,)), if_not_exists=True)
step = session.snapshot(name).rows.num_rows // 3
while True:
    new = [3 * step, 3 * step + 1, 3 * step + 2]
    session.insert(name, ["n", "m"], [pa.record_batch({"n": new, "m": [step] * 3})])
    with session.writing(name):
        rows = session.snapshot(name, rowid=True).rows
        delta = pa.table({"r": rows.column(ROWID), "m": pa.array([step] * rows.num_rows)})
        session.update(name, ["m"], delta.to_batches())
    print(step, flush=True)
    step += 1
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """Killed at any moment: every acknowledged step is there, and every statement is whole."""
    chance = random.Random(5)
    last = -1
    for _ in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(chance.randint(2, 30)):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:  # Acknowledged before the signal came.
            last = int(line)
        writer.stdout.close()
        writer.wait()
        store = Store(tmp_path)
        session = store.session()
        rows = session.snapshot(T).rows
        steps, rest = divmod(rows.num_rows, 3)
        assert rest == 0 and steps - 1 in (last, last + 1)
        assert sorted(rows.column("n").to_pylist()) == list(range(3 * steps))
        values = rows.column("m").to_pylist()
        older = {value for value in values if value != steps - 1}
        assert older <= {steps - 2} and values.count(steps - 1) in (3, 3 * steps)
        session.close()
        store.close()
