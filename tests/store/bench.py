"""How long the store takes, beside an fsync: `python -m tests.store.bench`."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, TableDefinition
from gateway.store.tables import Store, StoreSession
from gateway.types import by_name

COLUMNS = (Column("i", by_name("int8")), Column("v", by_name("float8")))
SMALL, LARGE = TableName("public", "small"), TableName("public", "large")
ONE = [pa.record_batch({"i": [1], "v": [1.0]})]
MILLION = 1_000_000


def report(what: str, work: Callable[[], object], runs: int = 1) -> None:
    """Print the median of several runs."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    print(f"{what:30} {sorted(taken)[runs // 2] * 1e3:8.2f} ms")


def insert(session: StoreSession, name: TableName) -> None:
    session.insert(name, ["i", "v"], ONE)


def insert_and_read(session: StoreSession, name: TableName) -> None:
    insert(session, name)
    session.snapshot(name)


def update(session: StoreSession) -> None:
    with session.writing(SMALL):
        first = session.snapshot(SMALL, rowid=True).rows.slice(0, 1)
        delta = pa.table({"row": first.column(ROWID), "v": [2.0]})
        session.update(SMALL, ["v"], delta.to_batches())


def reopen(directory: Path) -> None:
    store = Store(directory)
    session = store.session()
    session.snapshot(LARGE)
    session.close()
    store.close()


def main() -> None:
    with tempfile.TemporaryDirectory(dir=".") as name:
        with (Path(name) / "probe").open("ab", buffering=0) as probe:
            report("fsync", lambda: (probe.write(b"x" * 100), os.fsync(probe)), 200)
        directory = Path(name) / "data"
        store = Store(directory)
        session = store.session()
        session.create_table(TableDefinition(SMALL, COLUMNS))
        report("one-row INSERT", lambda: insert(session, SMALL), 200)
        report("one-row INSERT, snapshot", lambda: insert_and_read(session, SMALL), 200)
        report("one-row UPDATE", lambda: update(session), 200)
        rows = pa.table({"i": np.arange(MILLION), "v": np.random.default_rng(1).random(MILLION)})
        batches = rows.to_batches(max_chunksize=8192)
        definition = TableDefinition(LARGE, COLUMNS)
        report("CREATE TABLE AS, 1M rows", lambda: session.create_table_as(definition, batches))
        report("first snapshot, 1M rows", lambda: session.snapshot(LARGE))
        report("one-row INSERT, snapshot, 1M", lambda: insert_and_read(session, LARGE), 100)
        session.close()
        store.close()
        report("restart and snapshot, 1M", lambda: reopen(directory))


if __name__ == "__main__":
    main()
