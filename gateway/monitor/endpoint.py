"""/metrics and /healthz over HTTP, on a port of their own; nothing else is there, and nothing is
changed from there.

It says no name of a client and no text of a statement; who may see even so much is a matter of the
address, which is this machine's own unless the configuration says otherwise.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from gateway.monitor.metrics import Metrics, registry_of

log = logging.getLogger(__name__)

_PLAIN = "text/plain; charset=utf-8"
_SECONDS = 10.0  # who has not asked by then is not waited for


class Endpoint:
    """Listens from when it is made until `close`.

    Args:
        address: Host and port; port 0 takes a free one.
        registry: What /metrics shows.
        faults: Why the server is not healthy, for /healthz.

    Raises:
        OSError: The address cannot be bound.
    """

    def __init__(
        self,
        address: tuple[str, int],
        registry: CollectorRegistry,
        faults: Callable[[], list[str]],
    ) -> None:
        class Handler(_Handler):
            pages: ClassVar[dict[str, Callable[[str], _Page]]] = {
                "/metrics": lambda accept: _metrics(registry, accept),
                "/healthz": lambda accept: _health(faults()),
            }

        self._server = ThreadingHTTPServer(address, Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="gradwire-metrics", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really bound."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def watched(address: tuple[str, int]) -> tuple[Endpoint, Metrics]:
    """An endpoint that listens, and the metrics that it shows.

    Raises:
        OSError: The address cannot be bound.
    """
    metrics = Metrics()
    return Endpoint(address, registry_of(metrics), metrics.faults), metrics


_Page = tuple[int, str, bytes]  # status, type, body


def _metrics(registry: CollectorRegistry, accept: str) -> _Page:
    encode, kind = choose_encoder(accept)
    return 200, kind, encode(registry)


def _health(faults: list[str]) -> _Page:
    text = "".join(f"{fault}\n" for fault in faults) or "ok\n"
    return 503 if faults else 200, _PLAIN, text.encode()


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[dict[str, Callable[[str], _Page]]] = {}
    timeout = _SECONDS
    server_version = "gradwire"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            self._send(404, _PLAIN, b"/metrics or /healthz\n")
            return
        try:
            found = page(self.headers.get("Accept", ""))
        except Exception:  # a number that cannot be read must not end the endpoint
            log.exception("%s failed", self.path)
            found = 500, _PLAIN, b"the log tells why\n"
        self._send(*found)

    do_HEAD = do_GET

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
