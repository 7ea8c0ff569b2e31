"""A full disk: 53100, what was acknowledged stays, reads go on, writes go on when there is room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from gateway.errors import DiskFull
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import ROWID, Column, Key, TableDefinition
from gateway.store.tables import Store, StoreSession
from gateway.types import by_name

T = TableName("public", "t")
BLOB_BYTES = 100_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB; only root can make one."""
    with mounted(tmp_path, "8m") as place:
        yield place


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """One of 24 MiB, on which a log gets as long as DuckDB would write it into its file."""
    with mounted(tmp_path, "24m") as place:
        yield place


@contextmanager
def mounted(tmp_path: Path, size: str) -> Iterator[Path]:
    """A file system of that size."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def put(session: StoreSession, n: int, text: str) -> None:
    session.insert(T, ["n", "s"], [pa.record_batch({"n": [n], "s": [text]})], last=True)


def numbers(session: StoreSession) -> list[int]:
    return sorted(session.snapshot(T).rows.column("n").to_pylist())


def blob(size: int = BLOB_BYTES) -> str:
    """A text that nothing compresses to less than half."""
    return os.urandom(size).hex()


def fill(session: StoreSession, first: int, size: int = BLOB_BYTES) -> list[int]:
    """Write until there is no room; what was acknowledged."""
    acknowledged: list[int] = []
    with pytest.raises(DiskFull):
        for n in range(first, first + 1000):
            put(session, n, blob(size))
            acknowledged.append(n)
    return acknowledged


def test_nothing_acknowledged_is_lost_on_a_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 << 20))
    store = Store(small_disk / "data")
    session = store.session()
    columns = (Column("n", by_name("int4")), Column("s", by_name("text")))
    session.create_table(TableDefinition(T, columns, keys=(Key(("n",), primary=True),)))
    put(session, -1, "small")
    kept = [-1, *fill(session, 0)]
    assert numbers(session) == kept
    with pytest.raises(DiskFull):
        put(session, 5000, blob(BLOB_BYTES * 10))
    assert numbers(session) == kept

    ballast.unlink()  # there is room again
    put(session, 2000, blob())
    kept.append(2000)
    assert numbers(session) == kept
    more = fill(session, 3000)
    kept += more
    session.close()
    store.close()

    full = Store(small_disk / "data")  # started while the disk is full
    session = full.session()
    assert numbers(session) == kept
    with pytest.raises(DiskFull):
        put(session, 6000, blob(BLOB_BYTES * 10))
    assert numbers(session) == kept
    session.close()
    full.close()


def test_a_long_log_ends_nothing_where_the_file_has_no_room(disk: Path) -> None:
    """DuckDB gives up a database whose log it cannot write into the file."""
    store = Store(disk / "data")
    session, other = store.session(), store.session()
    columns = (Column("n", by_name("int4")), Column("s", by_name("text")))
    session.create_table(TableDefinition(T, columns))
    kept = fill(session, 0, BLOB_BYTES * 5)
    assert store.counts.failure == "53100"
    assert numbers(session) == numbers(other) == kept
    with pytest.raises(DiskFull), session.writing(T, "UPDATE"):
        rows = session.snapshot(T, rowid=True).rows
        delta = rows.select([ROWID, "s"])
        session.update(T, ["s"], delta.to_batches(), returning=True)
    assert store.memory_bytes() > 0

    subprocess.run(["mount", "-o", "remount,size=256m", str(disk)], check=True)
    for n in range(1000, 1010):  # past the length at which DuckDB writes the log into the file
        put(session, n, blob(BLOB_BYTES * 5))
        kept.append(n)
    assert (store.counts.failure, numbers(other)) == ("", kept)
    for each in (session, other):
        each.close()
    store.close()
    again = Store(disk / "data")
    session = again.session()
    assert numbers(session) == kept
    session.close()
    again.close()


def test_a_disk_full_of_own_rows_has_room_again_once_these_are_dropped(disk: Path) -> None:
    store = Store(disk / "data")
    session = store.session()
    columns = (Column("n", by_name("int4")), Column("s", by_name("text")))
    session.create_table(TableDefinition(T, columns))
    kept = fill(session, 0)
    assert numbers(session) == kept
    assert len(kept) * BLOB_BYTES > 8 << 20  # a third of the disk
    session.truncate([T])
    again = fill(session, 1000)
    assert numbers(session) == again
    assert len(again) > len(kept) // 2
    session.close()
    store.close()
