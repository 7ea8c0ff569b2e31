"""A store in a directory of the test's own, and a real PostgreSQL 15 to compare with."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.store.tables import Store, StoreSession

BINARIES = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def session(store: Store) -> Iterator[StoreSession]:
    session = store.session()
    yield session
    session.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection to a PostgreSQL of the test's own, on a Unix socket, in UTC."""
    if not (BINARIES / "initdb").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    directory = Path(tempfile.mkdtemp(prefix="pg-"))
    if user:
        shutil.chown(directory, user)

    def run(program: str, *arguments: str) -> None:
        command = [str(BINARIES / program), "-D", str(directory / "data"), *arguments]
        subprocess.run(
            command, user=user, cwd=directory, check=True, stdout=subprocess.DEVNULL, timeout=600
        )

    try:
        run("initdb", "-A", "trust", "-U", "test", "-E", "UTF8", "--locale=C", "-N")
        options = f"-k {directory} -c listen_addresses='' -c timezone=UTC -c fsync=off"
        run("pg_ctl", "start", "-w", "-o", options, "-l", str(directory / "log"))
        try:
            with psycopg.connect(
                f"host={directory} user=test dbname=postgres", autocommit=True
            ) as connection:
                yield connection
        finally:
            run("pg_ctl", "stop", "-m", "immediate")
    finally:
        shutil.rmtree(directory)
