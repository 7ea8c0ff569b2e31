"""The snapshots in memory: shared, appended to, bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue, Relation
from gateway.store.definitions.definitions import ROWID, Column, TableDefinition
from gateway.store.disk.room import Room
from gateway.store.rows.snapshots import SnapshotCache, appended
from gateway.store.tables import Store, StoreSession
from gateway.store.transactions.committed import Committed
from gateway.types import by_name
from tests.examples import examples

T = TableName("public", "t")


def test_appending_copies_little() -> None:
    batches: tuple[pa.RecordBatch, ...] = (pa.record_batch({"n": range(100_000)}),)
    first = batches[0].column(0).buffers()[1].address
    for n in range(1000):
        table = appended(batches, [pa.record_batch({"n": [n]})])
        batches = tuple(table.to_batches())
        assert batches[0].column(0).buffers()[1].address == first
        assert len(batches) < 15
    assert table.num_rows == 101_000


def test_history_is_not_read_again_at_each_step(store: Store, session: StoreSession) -> None:
    session.create_table(TableDefinition(T, (Column("n", by_name("int8")),)))
    session.insert(T, ["n"], [pa.record_batch({"n": range(50_000)})])
    before = session.snapshot(T)
    address = before.rows.column("n").chunk(0).buffers()[1].address
    session.insert(T, ["n"], [pa.record_batch({"n": [-1]})])
    after = session.snapshot(T)
    assert after.rows.column("n").chunk(0).buffers()[1].address == address
    assert (before.rows.num_rows, after.rows.num_rows) == (50_000, 50_001)


def test_rows_read_once_are_those_in_memory_whoever_writes_meanwhile(
    store: Store, session: StoreSession
) -> None:
    source, target = TableName("public", "source"), TableName("public", "target")
    for name in (source, target):
        session.create_table(TableDefinition(name, (Column("n", by_name("int8")),)))
    session.insert(source, ["n"], [pa.record_batch({"n": [1, 2]})])
    session.snapshots([source, target])
    held, other = session.snapshot(source), store.session()
    with session.writing(target):
        read = session.snapshots([source], once=True)[source]
        assert read is held  # the same object: plans over it stay
        other.insert(source, ["n"], [pa.record_batch({"n": [3]})])
        session.insert(target, ["n"], read.rows.to_batches(), last=True)
    other.close()
    assert session.snapshot(target).rows.column("n").to_pylist() == [1, 2]
    assert session.snapshot(source).rows.column("n").to_pylist() == [1, 2, 3]
    with session.writing(source):  # DuckDB's own rows are these, too
        assert session.snapshot(source, rowid=True).rows.column("n").to_pylist() == [1, 2, 3]


def test_cache_is_bounded_and_forgets_the_oldest() -> None:
    rows = pa.table({"n": range(100)})
    cache = SnapshotCache(limit_bytes=2 * rows.nbytes)
    for oid in (1, 2):
        cache.put(oid, 1, rows)
    assert cache.get(1, 1) is not None
    cache.put(3, 1, rows)
    assert [cache.holds(oid, 1) for oid in (1, 2, 3)] == [True, False, True]
    cache.put(4, 1, pa.concat_tables([rows] * 3))
    assert not cache.holds(4, 1)


def test_versions_of_tables_that_are_gone_are_let_go(tmp_path: Path) -> None:
    def holding(*oids: int) -> Catalogue:
        columns = (Column("n", by_name("int8")),)
        names = {oid: TableName("public", f"t{oid}") for oid in oids}
        relations = {n: Relation(oid, TableDefinition(n, columns)) for oid, n in names.items()}
        return Catalogue(relations=relations)

    committed = Committed(holding(1), SnapshotCache(), Room(tmp_path, duckdb.connect()))
    committed.publish({2: None}, holding(1, 2), {})
    assert committed.moment.versions == {2: 1}
    committed.publish({1: None, 2: None}, holding(), {})  # dropped: who read one must see that
    assert committed.moment.versions == {1: 2, 2: 2}
    committed.publish({3: None}, holding(3), {})
    committed.publish({3: None}, None, {})
    assert committed.moment.versions == {1: 2, 3: 4}  # the first had 0 for whoever reads still


def test_older_rows_never_replace_newer_ones() -> None:
    old, new = pa.table({"n": [1]}), pa.table({"n": [2]})
    cache = SnapshotCache()
    cache.put(1, 2, new)
    cache.put(1, 1, old)
    assert cache.get(1, 1) is None
    assert cache.get(1, 2) == new
    cache.append(1, 1, 3, [])
    assert cache.get(1, 3) is None


@examples(25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["insert", "update", "delete", "read", "undone", "truncate"]),
            st.integers(0, 5),
        ),
        max_size=12,
    )
)
def test_any_order_of_changes_reads_like_a_list(steps: list[tuple[str, int]]) -> None:
    store = Store(None)
    session = store.session()
    try:
        session.create_table(TableDefinition(T, (Column("n", by_name("int8")),)))
        model: list[int] = []
        for kind, value in steps:
            apply(session, kind, value, model)
            if kind != "insert":
                assert sorted(session.snapshot(T).rows.column("n").to_pylist()) == sorted(model)
        with session.writing(T):
            stored = session.snapshot(T, rowid=True).rows.column("n").to_pylist()
        assert session.snapshot(T).rows.column("n").to_pylist() == stored
        assert sorted(stored) == sorted(model)
    finally:
        session.close()
        store.close()


def apply(session: StoreSession, kind: str, value: int, model: list[int]) -> None:
    def delta(rows: pa.Table, **columns: Any) -> list[pa.RecordBatch]:
        found: list[pa.RecordBatch] = pa.table({"r": rows.column(ROWID), **columns}).to_batches()
        return found

    if kind == "insert":
        session.insert(
            T, ["n"], [pa.record_batch({"n": [value] * value}, pa.schema([("n", "int64")]))]
        )
        model.extend([value] * value)
    elif kind == "truncate":
        session.truncate([T])
        model.clear()
    elif kind in ("update", "delete", "undone"):
        try:
            with session.writing(T):
                rows = session.snapshot(T, rowid=True).rows
                rows = rows.filter(pa.compute.field("n") == value)
                if kind == "delete":
                    session.delete(T, delta(rows))
                    model[:] = [n for n in model if n != value]
                elif rows.num_rows:
                    new = pa.array([value + 1] * rows.num_rows)
                    session.update(T, ["n"], delta(rows, n=new))
                    session.insert(T, ["n"], [pa.record_batch({"n": [77]})])
                    if kind == "undone":
                        raise ZeroDivisionError
                    model[:] = [n + (n == value) for n in model] + [77]
        except ZeroDivisionError:
            pass
