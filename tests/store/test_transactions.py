"""Transactions of the user's own, and their savepoints, against models and against each other."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gateway.errors import (
    DeadlockDetected,
    GatewayError,
    InFailedTransaction,
    InternalError,
    InvalidSavepoint,
    LockNotAvailable,
    OutOfMemory,
    QueryCanceled,
    SerializationFailure,
    UndefinedTable,
    UniqueViolation,
)
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, Key, TableDefinition, View
from gateway.store.tables import Store, StoreSession
from gateway.store.transactions import found, writes
from gateway.store.transactions.isolation import Isolation
from gateway.store.transactions.transactions import Transaction
from gateway.types import by_name

T, U, W = (TableName("public", name) for name in "tuw")
INT = by_name("int4")
Row = tuple[int, int | None, int]


def make(session: StoreSession, *names: TableName, rows: Sequence[int] = ()) -> None:
    for name in names:
        session.create_table(TableDefinition(name, (Column("n", INT),)))
        session.insert(name, ["n"], [pa.record_batch({"n": pa.array(rows, pa.int32())})])


def put(session: StoreSession, name: TableName, *values: int) -> None:
    session.insert(name, ["n"], [pa.record_batch({"n": values})])


def got(session: StoreSession, name: TableName = T) -> list[int]:
    return sorted(session.snapshot(name).rows.column("n").to_pylist())


def increment(session: StoreSession, name: TableName) -> None:
    with session.writing(name):
        rows = session.snapshot(name, rowid=True).rows
        new = [n + 1 for n in rows.column("n").to_pylist()]
        session.update(name, ["n"], pa.table({"r": rows.column(ROWID), "n": new}).to_batches())


@pytest.fixture
def other(store: Store) -> Any:
    session = store.session()
    yield session
    session.close()


def test_others_see_nothing_until_the_commit(session: StoreSession, other: StoreSession) -> None:
    make(session, T)
    session.begin()
    put(session, T, 1)
    increment(session, T)
    assert (got(session), got(other)) == ([2], [])
    session.commit()
    assert got(other) == [2]


def test_rollback_and_close_leave_nothing(
    store: Store, session: StoreSession, other: StoreSession
) -> None:
    make(session, T, rows=[1])
    session.begin()
    session.truncate([T])
    put(session, T, 5)
    session.rollback()
    gone = store.session()
    gone.begin()
    put(gone, T, 6)
    gone.close()
    put(other, T, 2)  # the lock is free
    assert got(session) == [1, 2]


def test_each_statement_sees_the_newest_commit(session: StoreSession, other: StoreSession) -> None:
    make(session, T, U)
    session.begin()
    assert got(session) == []
    put(other, T, 1)
    assert got(session) == [1]
    put(session, U, 7)
    put(other, T, 2)
    assert (got(session), got(session, U)) == ([1, 2], [7])
    put(other, T, 3)
    increment(session, T)
    assert (got(session), got(session, U)) == ([2, 3, 4], [7])
    session.commit()
    assert (got(other), got(other, U)) == ([2, 3, 4], [7])


def test_begin_and_its_ends_come_in_pairs(session: StoreSession) -> None:
    for end in (session.commit, session.rollback):
        with pytest.raises(InternalError):
            end()
        session.begin()
        with pytest.raises(InternalError):
            session.begin()
        end()


def test_failed_statement_stops_the_transaction(session: StoreSession, other: StoreSession) -> None:
    make(session, T)
    session.begin()
    put(session, T, 1)
    with pytest.raises(UndefinedTable):
        put(session, U, 1)
    for statement in (lambda: got(session), lambda: put(session, T, 2)):
        with pytest.raises(InFailedTransaction):
            statement()
    put(other, T, 3)  # nobody waits for what has failed
    with pytest.raises(InFailedTransaction, match="rolled back"):
        session.commit()
    assert got(session) == [3]


def test_definitions_are_seen_by_others_after_the_commit(
    session: StoreSession, other: StoreSession
) -> None:
    make(session, T, rows=[1])
    before, seen = session.version, other.version
    session.begin()
    session.create_schema("mine")
    session.create_view(View(TableName("mine", "v"), "SELECT 1"))
    make(session, U, rows=[2])
    session.drop_relations("table", [T])
    assert session.tables() == [U] and got(session, U) == [2]
    assert len({before, session.version, other.version}) == 2 and other.version == seen
    assert other.tables() == [T] and got(other) == [1] and other.schemas() == ["public"]
    session.commit()
    assert other.tables() == [U] and other.schemas() == ["mine", "public"]
    assert other.version == session.version > seen


def test_rollback_restores_what_was_dropped(session: StoreSession, other: StoreSession) -> None:
    make(session, T, rows=[1])
    before = session.version
    session.begin()
    session.drop_relations("table", [T])
    make(session, T, rows=[8])
    assert got(session) == [8]
    session.rollback()
    assert got(session) == got(other) == [1] and session.version == before


def test_definition_after_others_definitions(session: StoreSession, other: StoreSession) -> None:
    make(session, T)
    session.begin()
    put(session, T, 1)
    make(other, U, rows=[5])
    make(session, W)
    assert got(session, U) == [5] and got(session) == [1]
    session.commit()
    assert other.tables() == [T, U, W]


def in_thread(pool: ThreadPoolExecutor, store: Store, session: StoreSession, work: Any) -> Any:
    """Start `work` and return once it waits for a lock."""
    future = pool.submit(work)
    locks = store._shared.locks
    while session not in locks._waiting:
        if future.done():
            break
    return future


def test_writer_waits_for_the_end_of_the_other_transaction(
    store: Store, session: StoreSession, other: StoreSession
) -> None:
    make(session, T, U, rows=[0])
    session.begin()
    increment(session, T)
    other.begin()
    increment(other, U)
    with ThreadPoolExecutor(1) as pool:
        waiting = in_thread(pool, store, other, lambda: increment(other, T))
        session.commit()
        waiting.result(10)
    other.commit()
    assert (got(session), got(session, U)) == ([2], [1])


def test_deadlock_ends_one_and_lets_the_other_go_on(
    store: Store, session: StoreSession, other: StoreSession
) -> None:
    make(session, T, U, rows=[0])
    for own, name in ((session, T), (other, U)):
        own.begin()
        increment(own, name)
    with ThreadPoolExecutor(1) as pool:
        waiting = in_thread(pool, store, other, lambda: increment(other, T))
        with pytest.raises(DeadlockDetected):
            increment(session, U)
        waiting.result(10)  # before the other one says ROLLBACK
    other.commit()
    session.rollback()
    assert (got(session), got(session, U)) == ([1], [1])


def test_nested_lock_of_a_changed_table_is_refused(
    session: StoreSession, other: StoreSession
) -> None:
    make(session, T, U, rows=[0])
    with pytest.raises(SerializationFailure), session.writing(T):
        session.snapshot(T, rowid=True)
        increment(other, U)
        with session.writing(U):
            pass
    assert got(session, U) == [1]


def test_a_wait_for_a_lock_can_have_an_end(session: StoreSession, other: StoreSession) -> None:
    make(session, T)
    session.begin()
    put(session, T, 1)
    other.lock_seconds = 0.01
    with pytest.raises(LockNotAvailable, match="due to lock timeout"):
        put(other, T, 2)
    session.commit()
    put(other, T, 3)
    assert got(other, T) == [1, 3]


def test_cancel_ends_a_wait_and_hits_no_later_statement(
    store: Store, session: StoreSession, other: StoreSession
) -> None:
    make(session, T)
    session.begin()
    put(session, T, 1)
    with ThreadPoolExecutor(1) as pool:
        waiting = in_thread(pool, store, other, lambda: put(other, T, 2))
        other.cancel()
        with pytest.raises(QueryCanceled):
            waiting.result(10)
    other.cancel()
    session.cancel()
    session.commit()
    put(other, T, 3)
    assert got(other) == [1, 3]


def test_cancel_between_two_calls_of_a_statement_stops_it(session: StoreSession) -> None:
    make(session, T)
    with pytest.raises(QueryCanceled), session.writing(T):
        session.cancel()
        put(session, T, 1)
    assert got(session) == []


KEYED = TableDefinition(
    T,
    (Column("k", INT), Column("u", INT), Column("v", INT)),
    keys=(Key(("k",), primary=True), Key(("u",))),
)


def keyed(rows: Sequence[Row]) -> list[pa.RecordBatch]:
    columns = {name: pa.array([row[n] for row in rows], pa.int32()) for n, name in enumerate("kuv")}
    return pa.table(columns).to_batches()


def allowed(rows: Sequence[Row]) -> bool:
    keys, others = [row[0] for row in rows], [row[1] for row in rows if row[1] is not None]
    return len({*keys}) == len(keys) and len({*others}) == len(others)


def random_change(session: StoreSession, chance: random.Random, rows: list[Row]) -> list[Row]:
    """Do something to the keyed table; the rows there must be then."""
    if chance.random() < 0.4:
        values = [None, *range(8)]
        new = [(chance.randint(0, 9), chance.choice(values), 0) for _ in range(2)]
        after = rows + new
        return expect(after, lambda: session.insert(T, "kuv", keyed(new)))
    with session.writing(T):
        seen = session.snapshot(T, rowid=True).rows.to_pylist()
        assert Counter((r["k"], r["u"], r["v"]) for r in seen) == Counter(rows)
        chosen = [row for row in seen if chance.random() < 0.5]
        old = [(r["k"], r["u"], r["v"]) for r in chosen]
        ids = pa.array([row[ROWID] for row in chosen], pa.int64())
        kept = list((Counter(rows) - Counter(old)).elements())
        columns = chance.choice(["", "k", "u", "v", "v", "kuv"])
        if not columns:
            return expect(kept, lambda: session.delete(T, pa.table([ids], ["r"]).to_batches()))
        for row in chosen:
            row.update({name: chance.choice([row[name], chance.randint(0, 9)]) for name in columns})
        values = {name: pa.array([row[name] for row in chosen], pa.int32()) for name in columns}
        delta = pa.table({"r": ids, **values}).to_batches()
        after = kept + [(row["k"], row["u"], row["v"]) for row in chosen]
        return expect(after, lambda: session.update(T, columns, delta))


def expect(after: list[Row], act: Callable[[], object]) -> list[Row]:
    if allowed(after):
        act()
        return after
    with pytest.raises(UniqueViolation) as caught:
        act()
    raise caught.value


@pytest.mark.parametrize("seed", range(60))
def test_savepoints_and_keys_against_a_model(
    session: StoreSession, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inserts, deletes, moves of keys; savepoints, failures, rollbacks; nothing else is seen."""
    monkeypatch.setattr(found, "_MANY_POINTS", 1 + 7 * (seed % 2))
    chance, committed = random.Random(seed), list[Row]()
    session.create_table(KEYED)
    for _ in range(5):
        rows, saved = list(committed), list[tuple[str, list[Row]]]()
        session.begin()
        for _ in range(chance.randint(1, 9)):
            failed = False
            kind = chance.random()
            if kind < 0.25:
                saved.append((chance.choice("ab"), list(rows)))
                session.savepoint(saved[-1][0])
            elif kind < 0.35 and saved:
                at = chance.choice(saved)[0]
                newest = max(n for n, (name, _) in enumerate(saved) if name == at)
                session.release(at)
                del saved[newest:]
            else:
                try:
                    rows = random_change(session, chance, rows)
                except UniqueViolation:
                    failed = True
                    if not saved:
                        break
            if saved and (failed or chance.random() < 0.2):
                at = chance.choice(saved)[0]
                newest = max(n for n, (name, _) in enumerate(saved) if name == at)
                session.rollback_to(at)
                del saved[newest + 1 :]
                rows, failed = list(saved[-1][1]), False
        if failed or chance.random() < 0.3:
            session.rollback()
        else:
            session.commit()
            committed = rows
        kept = session.snapshot(T).rows.to_pylist()
        assert Counter(tuple(row.values()) for row in kept) == Counter(committed)


def test_old_and_new_rows_are_found_in_one_delta(session: StoreSession) -> None:
    """With its join filters on, DuckDB 2.0 misses one of the two in some of these rounds."""
    setting = session._connection.after_appends().sql(
        "SELECT current_setting('disabled_optimizers')"
    )
    assert setting.fetchall() == [("join_filter_pushdown",)]
    session.create_table(KEYED)
    for n in range(0, 400, 4):
        session.insert(T, "kuv", keyed([(n, n, 0), (n + 1, n + 1, 0)]))
        with session.writing(T):
            gone = session.snapshot(T, rowid=True).rows.slice(0, 1).select([ROWID])
            session.delete(T, gone.to_batches())
        session.begin()
        session.insert(T, "kuv", keyed([(n + 2, n + 2, 0), (n + 3, n + 3, 0)]))
        with session.writing(T):
            rows = session.snapshot(T, rowid=True).rows
            assert session.delete(T, rows.select([ROWID]).to_batches()).count == rows.num_rows
        session.commit()
        assert session.snapshot(T).rows.num_rows == 0


def test_unknown_savepoints_are_refused(session: StoreSession) -> None:
    with pytest.raises(InternalError):
        session.savepoint("a")
    session.begin()
    session.savepoint("a")
    session.savepoint("b")
    session.rollback_to("a")
    for act in (session.rollback_to, session.release):
        with pytest.raises(InvalidSavepoint, match='savepoint "b" does not exist'):
            act("b")
    session.rollback()


def test_rollback_to_undoes_definitions_and_frees_locks(
    session: StoreSession, other: StoreSession
) -> None:
    make(session, T, U, rows=[1])
    session.begin()
    put(session, T, 2)
    session.savepoint("a")
    before = session.version
    session.drop_relations("table", [U])
    make(session, W)
    session.rollback_to("a")
    assert session.tables() == [T, U] and session.version == before
    put(other, U, 3)
    make(other, TableName("public", "x"))
    session.commit()
    assert (got(other), got(other, U)) == ([1, 2], [1, 3])


def test_rollback_to_keeps_the_locks_from_before(
    store: Store, session: StoreSession, other: StoreSession
) -> None:
    make(session, T, U, rows=[0])
    session.begin()
    increment(session, T)
    session.savepoint("a")
    increment(session, U)
    session.rollback_to("a")
    with ThreadPoolExecutor(1) as pool:
        waiting = in_thread(pool, store, other, lambda: increment(other, T))
        assert not waiting.done()
        increment(session, T)
        session.commit()
        waiting.result(10)
    assert (got(other), got(other, U)) == ([3], [0])


def test_savepoint_brings_back_a_failed_transaction(
    session: StoreSession, other: StoreSession
) -> None:
    make(session, T, U, rows=[1])
    session.begin()
    make(session, W, rows=[4])
    increment(session, T)
    session.savepoint("a")
    increment(session, U)
    with pytest.raises(GatewayError):
        put(session, TableName("public", "nowhere"), 1)
    increment(other, U)
    session.rollback_to("a")
    increment(session, U)
    session.commit()
    assert (got(other), got(other, U), got(other, W)) == ([2], [3], [4])


def test_going_back_past_what_is_kept_is_refused(
    session: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(session, T, U)
    monkeypatch.setattr(writes, "MOST_BYTES", 1)
    session.begin()
    session.savepoint("a")
    put(session, T, 1)
    session.savepoint("b")
    put(session, T, 2)
    with pytest.raises(OutOfMemory):
        session.rollback_to("b")
    with pytest.raises(OutOfMemory):  # there is nothing left to go back to
        session.rollback_to("a")
    session.rollback()
    session.begin()
    session.savepoint("a")
    put(session, T, 1)
    session.rollback_to("a")
    put(session, T, 3)
    session.commit()
    assert session.snapshot(T).rows.column("n").to_pylist() == [3]


def test_writes_are_taken_back_one_by_one(
    session: StoreSession, other: StoreSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a ROLLBACK TO costs does not grow with what the transaction keeps."""
    make(session, U, rows=[0])
    session.create_table(KEYED)
    done: list[object] = []
    do = Transaction._do
    monkeypatch.setattr(Transaction, "_do", lambda *a: (done.append(a), do(*a))[1])
    session.begin()
    session.insert(T, "kuv", keyed([(n, n, 0) for n in range(40)]))
    for n in range(20):
        for kept in range(2):
            session.savepoint("s")
            set_value(session, n, n + 1)
            session.insert(T, "kuv", keyed([(n + 50, n + 50, 0)]))
            remove(session, 39 - n)
            if not kept:
                session.rollback_to("s")
            else:
                session.savepoint("deep")
                remove(session, n)
                session.rollback_to("deep")
                session.release("s")
    assert len(done) < 20 * 16
    session.savepoint("last")
    remove(session, 3)  # which was put back before
    session.rollback_to("last")
    increment(other, U)
    assert got(session, U) == [1]
    with session.writing(T):  # what was done is done again beside the new rows
        session.snapshot(U)
        set_value(session, 3, 77)
    session.rollback_to("last")
    session.commit()
    rows = sorted(tuple(row.values()) for row in other.snapshot(T).rows.to_pylist())
    kept_rows = [(n, n, n + 1) for n in range(20)]
    assert rows == sorted(kept_rows + [(n + 50, n + 50, 0) for n in range(20)])


def set_value(session: StoreSession, key: int, value: int) -> None:
    with session.writing(T):
        delta = {"row": pa.array([row_of(session, key)]), "v": pa.array([value], pa.int32())}
        assert session.update(T, ["v"], [pa.record_batch(delta)]).count == 1


def remove(session: StoreSession, key: int) -> None:
    with session.writing(T):
        gone = pa.record_batch({"row": [row_of(session, key)]})
        assert session.delete(T, [gone]).count == 1


def row_of(session: StoreSession, key: int) -> int:
    rows = session.snapshots([T], rowid_of=T, wanted={"k": [key]})[T].rows
    number: int = rows.column(ROWID)[0].as_py()
    return number


def test_a_zero_taken_back_keeps_its_sign(session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (Column("x", by_name("float8")),)))
    session.begin()
    session.insert(T, ["x"], [pa.record_batch({"x": [-0.0]})])
    for _ in range(2):
        session.savepoint("s")
        with session.writing(T):
            delta = session.snapshot(T, rowid=True).rows.select([ROWID])
            session.update(T, ["x"], delta.append_column("x", pa.array([0.0])).to_batches())
        session.rollback_to("s")
    assert str(session.snapshot(T).rows.column("x").to_pylist()) == "[-0.0]"
    session.rollback()


def test_appends_are_done_again_together() -> None:
    rows = [pa.record_batch({"n": [number]}) for number in range(6)]
    kept = writes.KeptWrites()
    for batch in rows[:3]:
        kept.add(writes.Write(1, rows=batch, count=1, place="p"))
    kept.add(writes.Write(1, statement="DELETE", count=3))
    for batch in rows[3:]:
        kept.add(writes.Write(1, rows=batch, count=1, place="p"))
    again = kept.first(7, {1, 7})
    counts = [None if write is None else write.count for write in again]
    assert counts == [1, 2, None, 3, 3, None, None]
    assert again[4] is not None and again[4].rows is not None
    assert again[4].rows.column("n").to_pylist() == [3, 4, 5]


def test_identifiers_stand_for_the_same_rows_when_writes_are_repeated(
    session: StoreSession, other: StoreSession
) -> None:
    """More rows than one thread of DuckDB takes, moved by their key, then named again."""
    count = 300_000
    definition = TableDefinition(
        T, (Column("k", INT), Column("v", INT)), keys=(Key(("k",), primary=True),)
    )
    session.create_table(definition)
    numbers = pa.array(range(count), pa.int32())
    make(session, U)
    session.begin()
    session.insert(T, "kv", pa.table({"k": numbers, "v": numbers}).to_batches())
    for columns in ("k", "v"):
        with session.writing(T):
            rows = session.snapshot(T, rowid=True).rows
            chosen = rows.filter(pa.compute.equal(pa.compute.bit_wise_and(rows.column("v"), 1), 1))
            new = pa.compute.add(chosen.column(columns), count * 2)
            delta = pa.table({"r": chosen.column(ROWID), columns: new.cast(pa.int32())})
            session.update(T, columns, delta.to_batches())
    wanted = session.snapshot(T).rows.sort_by("k")
    put(other, U, 1)
    increment(session, U)
    session.commit()
    assert other.snapshot(T).rows.sort_by("k").equals(wanted)
    odd = wanted.slice(count // 2)
    assert odd.column("k").equals(odd.column("v"))


@pytest.mark.parametrize("level", Isolation)
@pytest.mark.parametrize("seed", range(12))
def test_readers_beside_writers_see_their_level_s_commit_and_their_own(
    store: Store, seed: int, level: Isolation
) -> None:
    """Three sessions take turns, each writing a table of its own and reading all three."""
    chance, names = random.Random(seed), (T, U, W)
    sessions = [store.session() for _ in names]
    make(sessions[0], *names)
    committed: dict[TableName, list[int]] = {name: [] for name in names}
    pinned: list[dict[TableName, list[int]] | None] = [None] * 3
    own: list[list[int]] = [[], [], []]
    begun, read = [False] * 3, [False] * 3
    for step in range(60):
        n = chance.randrange(3)
        session, name = sessions[n], names[n]
        session.isolation = level
        kind = chance.choice(["read", "read", "write", "write", "end"])
        if not begun[n]:
            session.begin()
            begun[n] = True
        if level.pins and kind != "end" and pinned[n] is None:
            pinned[n] = dict(committed)
        view = dict(pinned[n] or committed)
        view[name] = [*view[name], *own[n]]
        if kind == "read":
            found = session.snapshots(names)
            assert {k: sorted(s.rows.column("n").to_pylist()) for k, s in found.items()} == view
            read[n] = True
        elif kind == "write":
            put(session, name, step)
            own[n].append(step)
        else:
            stale = any(view[other] != committed[other] for other in names if other != name)
            if chance.random() < 0.4:
                session.rollback()
            elif level is Isolation.SERIALIZABLE and read[n] and own[n] and stale:
                with pytest.raises(SerializationFailure):
                    session.commit()
            else:
                session.commit()
                committed[name] = view[name]
            begun[n], read[n], pinned[n], own[n] = False, False, None, []
    for session in sessions:
        session.close()


def test_increments_in_transactions_of_several_tables_are_all_kept(store: Store) -> None:
    """Threads take tables in any order: deadlocks end some, savepoints undo some, no other harm."""
    names, setup = (T, U, W), store.session()
    make(setup, *names, rows=[0])
    barrier = threading.Barrier(4)

    def work(seed: int) -> Counter[TableName]:
        chance, session, done = random.Random(seed), store.session(), Counter[TableName]()
        barrier.wait()
        for _ in range(25):
            session.begin()
            mine = Counter[TableName]()
            try:
                for name in chance.choices(names, k=3):
                    session.savepoint("s")
                    increment(session, name)
                    if chance.random() < 0.2:
                        session.rollback_to("s")
                    else:
                        mine[name] += 1
                session.commit()
                done += mine
            except (DeadlockDetected, SerializationFailure):
                session.rollback()
        session.close()
        return done

    with ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(work, range(4)), Counter[TableName]())
    assert {name: got(setup, name) for name in names} == {name: [total[name]] for name in names}
    assert sum(total.values()) > 20
    setup.close()


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.store.transactions import writes
from gateway.store.transactions.isolation import Isolation
from gateway.store.tables import Store
from gateway.types import by_name
T, U = TableName("public", "t"), TableName("public", "u")
session = Store(Path(sys.argv[1])).session()
session.create_table(TableDefinition(T, (Column("n", by_name("int4")),)))
put = lambda n: session.insert(T, ["n"], [pa.record_batch({"n": [n]})])
session.begin(); put(1); session.savepoint("s"); put(9); session.rollback_to("s"); put(2)
session.commit()
session.begin(); put(3); session.create_table(TableDefinition(U, (Column("n", by_name("int4")),)))
session.insert(U, ["n"], [pa.record_batch({"n": list(range(500_000))})])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_leaves_what_was_committed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=600)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    session = store.session()
    assert got(session) == [1, 2] and session.tables() == [T]
    session.close()
    store.close()
