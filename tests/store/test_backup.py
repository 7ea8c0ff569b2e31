"""Copies of a data directory: whole, of one moment, and good to start from."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from gateway.errors import ConfigurationFault
from gateway.sources.table import TableName
from gateway.store.definitions.definitions import Column, Key, TableDefinition
from gateway.store.disk.backup import back_up
from gateway.store.tables import Store
from gateway.types import INT8

A, B = TableName("public", "a"), TableName("public", "b")


def numbers(store: Store, name: TableName) -> list[int]:
    session = store.session()
    found = session.snapshot(name).rows.column("n").to_pylist()
    session.close()
    return sorted(found)


def test_a_copy_under_writes_is_of_one_commit(tmp_path: Path) -> None:
    """Both tables get the same number in one transaction, over and over, while copies are made."""
    store = Store(tmp_path / "data")
    session = store.session()
    for name in (A, B):
        key = Key(("n",), primary=True)
        session.create_table(TableDefinition(name, (Column("n", INT8),), keys=(key,)))
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            session.begin()
            for name in (A, B):
                session.insert(name, ["n"], [pa.record_batch({"n": [number]})])
            session.commit()
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for copy in range(3):
            store.back_up(tmp_path / f"copy{copy}")
    finally:
        ended.set()
        writer.join()
    counts = []
    for copy in range(3):
        restored = Store(tmp_path / f"copy{copy}")
        found = numbers(restored, A)
        assert found == numbers(restored, B) == list(range(len(found)))
        counts.append(len(found))
        restored.close()
    assert counts == sorted(counts)
    assert len(numbers(store, A)) >= counts[-1]
    session.close()
    store.close()


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(ConfigurationFault, match="is not empty"):
        store.back_up(tmp_path / "full")
    store.close()
    with pytest.raises(ConfigurationFault, match="no user tables"):
        back_up(tmp_path / "full", tmp_path / "copy")
    with pytest.raises(ConfigurationFault, match="no user tables"):
        back_up(tmp_path / "none", tmp_path / "copy")
    assert [each.name for each in (tmp_path / "full").iterdir()] == ["x"]  # no lock is left there


def test_the_command_copies_from_a_running_server_and_from_none(tmp_path: Path) -> None:
    data = tmp_path / "data"
    words = [sys.executable, "-m", "gateway", "serve", "--port", "0", "--data-dir", str(data)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "listening on" in line)
        port = int(line.rpartition(":")[2])
        where = f"host=127.0.0.1 port={port} user=u dbname=d"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (a serial)")
            connection.execute("INSERT INTO t DEFAULT VALUES")
            back_up(data, tmp_path / "hot")
            connection.execute("INSERT INTO t DEFAULT VALUES")
            with pytest.raises(ConfigurationFault, match="is not empty"):
                back_up(data, tmp_path / "hot")
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=600)
    back_up(data, tmp_path / "cold")
    for copy, rows in (("hot", 1), ("cold", 2)):
        store = Store(tmp_path / copy)
        session = store.session()
        assert session.snapshot(TableName("public", "t")).rows.num_rows == rows
        assert session.nextval(TableName("public", "t_a_seq")) > [rows]
        session.close()
        store.close()
