"""Puts the parts together from the settings: engine, store, datasets, sessions, server.

`App` is what `gradwire serve` runs and what the tests start. Nothing here knows SQL or bytes.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gateway.catalog.datasets import Datasets
from gateway.catalog.refreshing import Refresher
from gateway.config import Settings
from gateway.engine.configured import workers
from gateway.engine.embedded import Embedded
from gateway.errors import ConfigurationFault
from gateway.passwords import read_verifier
from gateway.session.gateway import Gateway
from gateway.sources.timeouts import Crowd
from gateway.sql.text.depth import make_room
from gateway.store.tables import Store
from gateway.wire.connection.admission import admission_of
from gateway.wire.connection.server import GatewayServer
from gateway.wire.encoding.casts import TEXT_CASTS

if TYPE_CHECKING:
    from gateway.monitor.endpoint import Endpoint
    from gateway.monitor.metrics import Metrics


class App:
    """A gateway over its parts, listening from `start` to `stop`.

    Args:
        settings: Where to listen, what to serve.

    Raises:
        ConfigurationFault: F0000, a user that cannot be, or /metrics at an address that cannot.
        LockFileExists: F0001, another server has the data directory.
        OSError: The address cannot be bound.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        make_room()
        for verifier in settings.users.values():
            read_verifier(verifier)
        with ExitStack() as undo:
            self._endpoint, metrics = self._watched(undo)
            self.store = Store(settings.data_dir)
            undo.callback(self.store.close)
            self.grids = _datasets(settings, self.store)
            undo.callback(Refresher(self.grids).close)
            self.gateway = Gateway(
                Embedded(settings.threads, TEXT_CASTS, settings.pool_bytes),
                self.store,
                self.grids,
                settings,
            )
            undo.callback(self.gateway.close)
            self._server = GatewayServer(
                (settings.host, settings.port),
                self.gateway,
                admission=admission_of(settings, lambda: self.store.made_roles),
                max_connections=settings.max_connections,
                superuser_reserved_connections=settings.superuser_reserved_connections,
                message_bytes=settings.message_bytes,
                authentication_seconds=settings.authentication_seconds,
            )
            if metrics is not None:
                pool = settings.pool_bytes
                metrics.watch(self._server, self.gateway, self.store, self.grids, pool)
                undo.callback(metrics.let_go)
            self._closing = undo.pop_all()
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really bound; connections queue from the moment this exists."""
        return self._server.address

    def _watched(self, undo: ExitStack) -> tuple[Endpoint | None, Metrics | None]:
        """It answers before anything else is there, and until nothing else is."""
        where = self.settings.metrics
        if where is None:
            return None, None
        # Only here: the libraries for HTTP and Prometheus are a tenth of a start.
        from gateway.monitor.endpoint import watched

        try:
            endpoint, metrics = watched((where.host, where.port))
        except OSError as error:
            place = f"port {where.port} of {where.host}"
            raise ConfigurationFault(f"/metrics cannot have {place}: {error.strerror}") from error
        undo.callback(endpoint.close)
        return endpoint, metrics

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """Host and port of /metrics and /healthz; None when they are off."""
        return None if self._endpoint is None else self._endpoint.address

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self.serve, name="gradwire-accept", daemon=True)
        self._thread.start()

    def serve(self) -> None:
        """Serve in this thread, until another calls `stop`."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Let running statements end, close every connection, then the store."""
        self._server.shutdown_gracefully(self.settings.shutdown_seconds)
        if self._thread is not None:
            self._thread.join()
        self._closing.close()
        self._server.let_go()

    def stop_now(self) -> None:
        """While `stop` lets statements end: cancel them and cut every connection."""
        self._server.stop_now()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def explain(settings: Settings, sql: str) -> list[str]:
    """The SQL that the engine runs for a statement, line by line; nothing listens or runs.

    Raises:
        GatewayError: what the statement is refused with.
    """
    store = Store(settings.data_dir)
    try:
        grids = _datasets(settings, store)
        # Whoever can start it here can read the files.
        asked = settings.model_copy(update={"roles": {}, "superusers": None})
        gateway = Gateway(Embedded(settings.threads, TEXT_CASTS), store, grids, asked)
        session = gateway.create_session()
        session.start("gradwire", "gradwire", {})
        lines = [
            str(line)
            for result in session.run_simple(f"EXPLAIN (REWRITE) {sql}")
            for batch in result.take()
            for line in batch.column(0).to_pylist()
        ]
        gateway.close_session(session)
        gateway.close()
        return lines
    finally:
        store.close()


def _datasets(settings: Settings, store: Store) -> Datasets:
    return Datasets(
        settings.datasets,
        settings.dataset_roots,
        store.directory,
        settings.chunk_cache_bytes,
        settings.open_seconds,
        settings.read_seconds,
        Crowd(workers(settings.pool_bytes) // 2),
    )
