"""The parts put together: what starts, what stops, how deep a statement may nest."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from gateway.app import App
from gateway.catalog.datasets import open_one
from gateway.config import Dataset, Settings
from gateway.errors import ConfigurationFault, DatasetUnreadable, LockFileExists


def test_a_query_over_the_bundled_dataset(connect) -> None:
    (found,) = connect().execute("SELECT count(*) FROM ncep.height").fetchall()
    assert found == (92_365,)


def test_nothing_is_left_behind() -> None:
    threads = set(threading.enumerate())
    app = App(Settings(port=0))
    with app:
        directory = app.store.directory
        assert directory.is_dir()
        host, port = app.address
        client = psycopg.connect(host=host, port=port, user="x", dbname="x")
        assert client.execute("SELECT 1").fetchall() == [(1,)]
        started = set(threading.enumerate()) - threads
        assert len(started) >= 2  # one accepts, one serves the client
    for thread in started:
        thread.join(300)
        assert not thread.is_alive(), thread.name
    client.close()
    assert not directory.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=app.address[0], port=app.address[1], user="x", dbname="x")


def test_stopping_twice_or_without_a_start_is_harmless() -> None:
    app = App(Settings(port=0))
    app.stop()
    app.stop()


def test_two_gateways_cannot_share_a_data_directory(tmp_path: Path) -> None:
    settings = Settings(port=0, data_dir=tmp_path)
    with App(settings), pytest.raises(LockFileExists, match=str(tmp_path)):
        App(settings)
    with App(settings):
        """The first one let go of it."""


def test_datasets_are_refused_by_name() -> None:
    with pytest.raises(ConfigurationFault, match="bundled:other"):
        open_one(Dataset(name="x", uri="bundled:other"))
    with pytest.raises(DatasetUnreadable, match="gone"):
        open_one(Dataset(name="x", uri="/gone.nc"))


def test_a_user_needs_a_verifier_that_can_be_read() -> None:
    broken = {"bob": "SCRAM-SHA-256$4096:!$!:!"}
    with pytest.raises(ConfigurationFault):
        App(Settings(port=0, users=broken))


DEEP = {
    "parentheses": lambda depth: "(" * depth + "x" + ")" * depth,
    "operators": lambda depth: "(x + " * depth + "x" + ")" * depth,
    "a chain": lambda depth: "x" + " + x" * depth,
    "CASE": lambda depth: "CASE WHEN x > 0 THEN " * depth + "x" + " END" * depth,
    "a derivative": lambda depth: "grad(" + "(x + " * depth + "x" + ")" * depth + ", x)",
}


@pytest.mark.parametrize(
    ("kind", "depth"), [(kind, 60) for kind in DEEP] + [("parentheses", 1000), ("a chain", 1000)]
)
def test_deep_statements_run(connect, kind: str, depth: int) -> None:
    sql = f"SELECT {DEEP[kind](depth)} AS v FROM (SELECT 1.0::float8 AS x) AS q"
    assert len(connect().execute(sql).fetchall()) == 1


@pytest.mark.parametrize("kind", ["parentheses", "operators", "CASE"])
def test_deeper_statements_are_refused_and_the_connection_lives(connect, kind: str) -> None:
    connection = connect()
    sql = f"SELECT {DEEP[kind](5000)} AS v FROM (SELECT 1.0::float8 AS x) AS q"
    with pytest.raises(psycopg.errors.StatementTooComplex):
        connection.execute(sql)
    assert connection.execute("SELECT 1 AS v").fetchall() == [(1,)]
