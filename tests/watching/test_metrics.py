"""/metrics and /healthz, over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
import psycopg
import pytest
import xarray
from prometheus_client.parser import text_string_to_metric_families

from gateway.app import App
from gateway.config import Dataset, Metrics, Settings
from gateway.errors import ConfigurationFault, DiskFull
from gateway.monitor.metrics import ROWS
from gateway.store.tables import Store

Connection = psycopg.Connection[Any]
CHUNKS = 10


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    path = tmp_path_factory.mktemp("data") / "g.zarr"
    grid = xarray.Dataset({"v": ("x", np.zeros(1000))}, {"x": np.arange(1000)})
    grid.to_zarr(path, encoding={"v": {"chunks": (100,)}}, consolidated=False)
    settings = Settings(
        port=0, metrics=Metrics(port=0), datasets=[Dataset(name="g", uri=str(path))]
    )
    with App(settings) as running:
        yield running


def url_of(app: App, page: str) -> str:
    assert app.metrics_address is not None
    host, port = app.metrics_address
    return f"http://{host}:{port}/{page}"


def scraped(app: App) -> dict[str, float]:
    """Sample with its labels -> value, as Prometheus' own parser reads them."""
    with urlopen(url_of(app, "metrics")) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def connected(app: App) -> Connection:
    host, port = app.address
    return psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True)


STATEMENTS = "gradwire_statements_total{kind=%s,sqlstate_class=%s}"
PART = "SELECT sum(v) AS s FROM g WHERE x < 250"

#    what is done                                the sample                                grows by
GROWS = [
    ("SELECT 1 AS one",                          STATEMENTS % ("query", "00"),                   1),
    ("SELECT 1 AS one",    "gradwire_statement_duration_seconds_count{kind=query}",              1),
    ("SELECT 1 AS one",                          "gradwire_rows_total",                          1),
    ("SELEKT 1",                                 STATEMENTS % ("unread", "42"),                  1),
    ("SELECT 1 / 0 AS z",                        STATEMENTS % ("query", "22"),                   1),
    ("SELECT grad(v * v, v) + jvp(v, v, 2.0) AS marked FROM g",  "gradwire_markers_total",       2),
    ("SELECT grad(v, v) AS fresh FROM g",        "gradwire_rewrites_total",                      1),
    (PART,                                       "gradwire_chunks_read_total",                   3),
    (PART,                                       "gradwire_chunks_skipped_total",       CHUNKS - 3),
    ("CREATE TABLE a (i int)",   "gradwire_store_transactions_total{outcome=committed}",         1),
    ("BEGIN; DROP TABLE a; ROLLBACK",
                                 "gradwire_store_transactions_total{outcome=rolled back}",       1),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "sample", "growth"), GROWS)
def test_what_is_done_is_counted(app: App, sql: str, sample: str, growth: int) -> None:
    with connected(app) as connection:
        if "TABLE a" in sql:
            connection.execute("DROP TABLE IF EXISTS a")
            connection.execute("CREATE TABLE a (i int)") if "DROP" in sql else None
        before = scraped(app).get(sample, 0)
        try:
            connection.execute(sql)
        except psycopg.Error:
            assert "sqlstate_class=00" not in sample
        assert scraped(app)[sample] - before == growth


def test_every_metric_is_there(app: App) -> None:
    with connected(app) as connection:
        connection.execute("SELECT sum(v) FROM g").fetchall()
        connection.execute("SELECT sum(v) FROM g").fetchall()
        found = scraped(app)
    names = {name.partition("{")[0] for name in found}
    assert {row.name for row in ROWS} <= names
    assert {"gradwire_build_info", "process_resident_memory_bytes", "python_info"} <= names
    assert found["gradwire_cache_requests_total{cache=statements,outcome=hit}"] >= 1
    assert found["gradwire_cache_requests_total{cache=queries,outcome=hit}"] >= 1
    assert found["gradwire_cache_requests_total{cache=plans,outcome=hit}"] >= 1
    assert found["gradwire_cache_requests_total{cache=chunks,outcome=hit}"] >= CHUNKS
    assert found["gradwire_dataset_read_bytes_total"] >= 8000
    assert found["gradwire_sent_bytes_total"] > 0
    assert found["gradwire_plan_seconds_total"] > 0
    assert found["gradwire_memory_bytes{part=chunk cache}"] >= 8000
    assert found["gradwire_memory_bytes{part=store}"] > 0
    assert found["gradwire_memory_pool_limit_bytes"] > 2**24
    assert found["gradwire_memory_pool_refused_total"] == 0


def test_connections_by_state(app: App) -> None:
    before = scraped(app)["gradwire_connections_opened_total"]
    with connected(app) as one, connected(app) as other:
        one.execute("BEGIN")
        other.execute("SELECT 1")
        state = "gradwire_connections{state=%s}"
        while (found := scraped(app))[state % "active"]:
            pass  # for a moment after an answer a client is not idle yet
        assert found[state % "idle in transaction"] == 1
        assert found[state % "idle"] >= 1
        assert found["gradwire_connections_opened_total"] - before == 2
        one.execute("ROLLBACK")


def test_a_wait_for_a_lock(app: App) -> None:
    with connected(app) as one, connected(app) as other:
        one.execute("CREATE TABLE locked (i int)")
        one.execute("BEGIN; INSERT INTO locked VALUES (1)")
        before = scraped(app)["gradwire_store_lock_waits_total"]
        thread = threading.Thread(target=other.execute, args=["INSERT INTO locked VALUES (2)"])
        thread.start()
        while scraped(app)["gradwire_store_lock_waiting"] != 1:
            pass
        one.execute("COMMIT")
        thread.join()
        found = scraped(app)
        assert found["gradwire_store_lock_waits_total"] > before
        assert found["gradwire_store_lock_wait_seconds_total"] > 0
        one.execute("DROP TABLE locked")


def health(app: App) -> tuple[int, str]:
    return asked(url_of(app, "healthz"))


def asked(url: str) -> tuple[int, str]:
    try:
        with urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_health(app: App) -> None:
    assert health(app) == (200, "ok\n")
    counts = app.store.counts
    with pytest.raises(DiskFull), counts.committing():
        raise DiskFull("no space left")
    assert health(app) == (503, "the last commit to the data directory failed: 53100\n")
    assert scraped(app)["gradwire_store_write_failed"] == 1
    with connected(app) as connection:
        connection.execute("CREATE TABLE again (i int); DROP TABLE again")
    assert health(app) == (200, "ok\n")


def test_a_server_that_starts_says_so() -> None:
    """The store is opened when the page answers already."""
    seen: list[tuple[int, str]] = []
    port = free_port()

    class Slow(Store):
        def __init__(self, directory: Path | None) -> None:
            seen.append(asked(f"http://127.0.0.1:{port}/healthz"))
            super().__init__(directory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.app.Store", Slow)
        with App(Settings(port=0, metrics=Metrics(port=port))) as app:
            assert health(app) == (200, "ok\n")
    assert seen == [(503, "the server is starting\n")]


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationFault, match=f"/metrics cannot have port {port}"):
            App(Settings(port=0, metrics=Metrics(port=port)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_stops_says_so() -> None:
    with App(Settings(port=0, metrics=Metrics(port=0))) as app:
        app._server._stop.set()
        assert health(app) == (503, "the server is stopping\n")
        assert scraped(app)["gradwire_draining"] == 1


@pytest.mark.parametrize("page", ["", "metrics/", "../etc/passwd"])
def test_there_is_nothing_else(app: App, page: str) -> None:
    with pytest.raises(HTTPError, match="404"):
        urlopen(url_of(app, page))


def test_it_is_off_by_default_and_on_loopback() -> None:
    assert Settings().metrics is None
    assert Metrics().host == "127.0.0.1"
