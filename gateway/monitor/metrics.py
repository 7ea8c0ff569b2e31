"""The server's metrics for Prometheus: a row each, read from the parts when they are asked for.

Nothing is counted here: the parts keep plain numbers, and a scrape adds them up. Names are those of
Prometheus' conventions: base units, `_total` for what only grows. No label holds a value, a text or
a name that a client chose.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate

import pyarrow as pa
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.catalog.datasets import Datasets
from gateway.errors import GatewayError
from gateway.observe.ledger import BUCKETS, SUCCESS, Line
from gateway.session.gateway import Gateway
from gateway.store.tables import Store
from gateway.wire.connection.server import GatewayServer


@dataclass(frozen=True, slots=True)
class Parts:
    """What is watched; `pool_bytes` is what queries may hold together, 0: without bound."""

    server: GatewayServer
    gateway: Gateway
    store: Store
    datasets: Datasets
    pool_bytes: int = 0

    def statements(self) -> list[Line]:
        """What the statements of each kind came to."""
        return list(self.gateway.watching.ledger.totals().values())

    def sum(self, name: str) -> int:
        """One of their sums, over all kinds."""
        return sum(getattr(line, name) for line in self.statements())

    def failed(self, sqlstate: str) -> int:
        """How many statements ended with that SQLSTATE."""
        failed = self.gateway.watching.ledger.failed()
        return sum(count for (_, code), count in failed.items() if code == sqlstate)


Sample = tuple[tuple[str, ...], float]  # values of the labels, and the number


@dataclass(frozen=True, slots=True)
class Row:
    """One metric: a counter where its name ends in `_total`, else a gauge."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[Parts], Iterable[Sample]]


def _one(read: Callable[[Parts], float]) -> Callable[[Parts], Iterable[Sample]]:
    return lambda parts: [((), read(parts))]


def _sum(name: str, scale: float = 1) -> Callable[[Parts], Iterable[Sample]]:
    return _one(lambda parts: parts.sum(name) * scale)


STATES = ("active", "idle", "idle in transaction", "idle in transaction (aborted)")


def _connections(parts: Parts) -> Iterator[Sample]:
    states = [backend.state for backend in parts.server.backends.all()]
    yield from (((state,), states.count(state)) for state in STATES)


def _statements(parts: Parts) -> Iterator[Sample]:
    for line in parts.statements():
        yield (line.kind, SUCCESS[:2]), line.calls - line.errors
    classes: dict[tuple[str, str], int] = {}
    for (kind, code), count in parts.gateway.watching.ledger.failed().items():
        classes[kind, code[:2]] = classes.get((kind, code[:2]), 0) + count
    yield from classes.items()


def _caches(parts: Parts) -> Iterator[Sample]:
    statement_cache, chunks = parts.gateway.statement_cache, parts.datasets.cache
    found, planned = parts.sum("plans_found"), parts.sum("plans")
    for name, hits, misses in (
        ("statements", statement_cache.texts.hits, statement_cache.texts.misses),
        ("queries", statement_cache.trees.hits, statement_cache.trees.misses),
        ("plans", found, planned - found),
        ("chunks", chunks.hits, chunks.misses),
    ):
        yield (name, "hit"), hits
        yield (name, "miss"), misses


def _transactions(parts: Parts) -> Iterator[Sample]:
    yield ("committed",), parts.store.counts.committed
    yield ("rolled back",), parts.store.counts.rolled_back


def _memory(parts: Parts) -> Iterator[Sample]:
    yield ("chunk cache",), parts.datasets.cache.held_bytes
    yield ("arrow",), pa.total_allocated_bytes()
    with suppress(GatewayError):  # a database that was given up tells nothing
        yield ("store",), parts.store.memory_bytes()


ROWS = (
    Row("gradwire_connections", "Clients that are connected, by pg_stat_activity's state.",
        ("state",), _connections),
    Row("gradwire_connections_limit", "max_connections.",
        (), _one(lambda p: p.server.max_connections)),
    Row("gradwire_connections_opened_total", "Clients that have logged in.",
        (), _one(lambda p: p.server.opened)),
    Row("gradwire_connections_refused_total", "Clients that were refused: login, or too many.",
        (), _one(lambda p: p.server.refused)),
    Row("gradwire_draining", "1 while the server stops.",
        (), _one(lambda p: p.server.is_stopping)),
    Row("gradwire_statements_total", "Statements that have ended, by class of SQLSTATE.",
        ("kind", "sqlstate_class"), _statements),
    Row("gradwire_rows_total", "Rows that statements sent or changed.",
        (), _sum("rows")),
    Row("gradwire_sent_bytes_total", "Bytes of rows that were sent.",
        (), _sum("sent_bytes")),
    Row("gradwire_rewrites_total", "Statements that had to be rewritten: not recalled.",
        (), _sum("rewritten")),
    Row("gradwire_rewrite_seconds_total", "Time that rewriting took.",
        (), _sum("rewrite_ns", 1e-9)),
    Row("gradwire_plan_seconds_total", "Time that planning took, Parse messages included.",
        (), _sum("plan_ns", 1e-9)),
    Row("gradwire_markers_total", "grad, jvp and vjp that were put into plain SQL.",
        (), _sum("markers")),
    Row("gradwire_cache_requests_total", "What was looked for in a cache, and found or not.",
        ("cache", "outcome"), _caches),
    Row("gradwire_chunks_read_total", "Chunks of datasets that statements read.",
        (), _sum("chunks_read")),
    Row("gradwire_chunks_skipped_total", "Chunks of the same variables that need not be read.",
        (), _sum("chunks_skipped")),
    Row("gradwire_dataset_read_bytes_total", "Bytes of decoded values that came from datasets.",
        (), _one(lambda p: p.datasets.cache.loaded_bytes)),
    Row("gradwire_store_transactions_total", "Transactions that changed user tables.",
        ("outcome",), _transactions),
    Row("gradwire_store_commit_seconds_total", "Time that commits took, writing to disk included.",
        (), _one(lambda p: p.store.counts.commit_ns * 1e-9)),
    Row("gradwire_store_conflicts_total", "Statements ended by 40001, another wrote first.",
        (), _one(lambda p: p.failed("40001"))),
    Row("gradwire_store_deadlocks_total", "Statements ended by 40P01.",
        (), _one(lambda p: p.failed("40P01"))),
    Row("gradwire_store_lock_waits_total", "Times that a session had to wait for a lock.",
        (), _one(lambda p: p.store.locks.waits)),
    Row("gradwire_store_lock_wait_seconds_total", "How long they waited.",
        (), _one(lambda p: p.store.locks.waited_seconds)),
    Row("gradwire_store_lock_waiting", "Sessions that wait for a lock now.",
        (), _one(lambda p: p.store.locks.waiting)),
    Row("gradwire_store_write_failed", "1 since a commit met a fault, until one succeeds.",
        (), _one(lambda p: p.store.counts.failure != "")),
    Row("gradwire_memory_bytes", "What the parts hold.",
        ("part",), _memory),
    Row("gradwire_memory_pool_limit_bytes",
        "What sorts, joins and groupings of all queries may hold together; 0: without bound.",
        (), _one(lambda p: p.pool_bytes)),
    Row("gradwire_memory_pool_refused_total", "Statements that ended for want of memory (53200).",
        (), _one(lambda p: p.failed("53200"))),
)  # fmt: skip


class Metrics(Collector):
    """Reads every row at a scrape; none until there are parts, and none once they are closed.

    `instead` is what the server is doing meanwhile.
    """

    def __init__(self) -> None:
        self.instead = "starting"
        self._parts: Parts | None = None

    def watch(
        self, server: GatewayServer, gateway: Gateway, store: Store, datasets: Datasets, pool: int
    ) -> None:
        """The server has started; `pool` is `Parts.pool_bytes`."""
        self._parts = Parts(server, gateway, store, datasets, pool)

    def let_go(self) -> None:
        """The parts are about to be closed."""
        self._parts, self.instead = None, "stopping"

    def collect(self) -> Iterator[Metric]:
        parts = self._parts
        if parts is not None:
            yield from _rows(parts)
            yield _durations(parts)
        yield InfoMetricFamily("gradwire_build", "Versions.", value=_versions())

    def faults(self) -> list[str]:
        """Why the server is not healthy; nothing when it is."""
        parts = self._parts
        return [f"the server is {self.instead}"] if parts is None else faults(parts)


def _rows(parts: Parts) -> Iterator[Metric]:
    for row in ROWS:
        kind = CounterMetricFamily if row.name.endswith("_total") else GaugeMetricFamily
        family = kind(row.name, row.help, labels=row.labels)
        for labels, value in row.read(parts):
            family.add_metric(labels, float(value))
        yield family


def _durations(parts: Parts) -> Metric:
    family = HistogramMetricFamily(
        "gradwire_statement_duration_seconds",
        "From a statement's message to its last row.",
        labels=("kind",),
    )
    bounds = [*map(str, BUCKETS), "+Inf"]
    for line in parts.statements():
        counts = zip(bounds, accumulate(line.buckets), strict=True)
        buckets = [(bound, float(count)) for bound, count in counts]
        family.add_metric((line.kind,), buckets, line.elapsed_ns / 1e9)
    return family


def _versions() -> dict[str, str]:
    libraries = ("datafusion", "duckdb", "sqlglot", "xarray")
    found = {name: version(name) for name in libraries}
    return {"version": __version__, "python": platform.python_version(), **found}


def registry_of(metrics: Metrics) -> CollectorRegistry:
    """Everything that /metrics shows: these metrics, those of the process and of Python."""
    registry = CollectorRegistry()
    registry.register(metrics)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def faults(parts: Parts) -> list[str]:
    """Why the server is not healthy; nothing when it is."""
    found = []
    if parts.server.is_stopping:
        found.append("the server is stopping")
    if parts.store.counts.failure:
        found.append(f"the last commit to the data directory failed: {parts.store.counts.failure}")
    return found
