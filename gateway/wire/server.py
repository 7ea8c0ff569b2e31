"""The room that opens the sockets: accept, limit, cancel, drain.

Built on buenavista's threaded server: a thread per connection, which measures as fast as
PostgreSQL's processes for short statements. What a thread does with its connection is in `handler`.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from buenavista.postgres import BuenaVistaServer

from gateway.config import Settings, is_loopback
from gateway.errors import AdminShutdown, InvalidAuthorization, TooManyConnections
from gateway.wire.auth import Exchange, Scram, Trust
from gateway.wire.client import Client
from gateway.wire.handler import GatewayHandler

if TYPE_CHECKING:  # only called, never made here: the tests of the wire bring a scripted one
    from gateway.session.session import Gateway

logger = logging.getLogger(__name__)

_DEFAULTS = Settings()
_WATCH_SECONDS = 0.5


class GatewayServer(BuenaVistaServer):  # type: ignore[misc]  # buenavista carries no types
    """Listens, and gives each client a thread and a session.

    Args:
        address: Host and port to bind; port 0 takes a free one.
        gateway: Makes the sessions.
        users: Name to SCRAM verifier. Without users everyone on loopback is trusted and nobody
            else is let in.
        max_connections: Further clients are refused with 53300.
        message_bytes: Longest message a client may send.
        authentication_seconds: A client that says nothing holds a thread no longer.
    """

    # buenavista's 5 loses connections when a pool opens all of its own at once.
    request_queue_size = 128
    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        gateway: Gateway,
        *,
        users: Mapping[str, str] | None = None,
        max_connections: int = _DEFAULTS.max_connections,
        message_bytes: int = _DEFAULTS.message_bytes,
        authentication_seconds: float = _DEFAULTS.authentication_seconds,
    ) -> None:
        self.address_family = _family(address[0])
        super().__init__(address, gateway)
        self.RequestHandlerClass = GatewayHandler
        self.users = dict(users or {})
        self.max_connections = max_connections
        self.message_bytes = message_bytes
        self.authentication_seconds = authentication_seconds
        self.mock_secret = secrets.token_bytes(32)
        self._stop = threading.Event()
        self._serving = threading.Event()
        self._changed = threading.Condition()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really bound."""
        host, port = self.server_address[:2]
        return str(host), int(port)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Everyone may knock: `exchange` refuses with a message, where buenavista just hangs up."""
        return True

    def exchange(self, user: str, host: str) -> Exchange:
        """How a client at `host` proves who it is: SCRAM, or not at all on loopback.

        Raises:
            InvalidAuthorization: 28000, without users nobody may come from elsewhere.
        """
        if self.users:
            return Scram(user, self.users, self.mock_secret)
        if is_loopback(host):
            return Trust()
        raise InvalidAuthorization(
            f'no entry for host "{host}", user "{user}"',
            hint="Configure users; without any, only clients on this machine are let in.",
        )

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Accept connections until `shutdown_gracefully`."""
        with self._changed:
            if self._stop.is_set():  # stopped before its thread came to run
                return
            self._serving.set()
        watcher = threading.Thread(target=self._watch, name="gradwire-watch", daemon=True)
        watcher.start()
        super().serve_forever(poll_interval)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection ended by an error outside any message."""
        logger.exception("connection from %s failed", client_address)

    # The clients, by process id; `ctxts` is buenavista's name for it.

    def register(self, client: Client) -> None:
        """Give the client a process id of its own.

        Raises:
            TooManyConnections: 53300.
            AdminShutdown: 57P01.
        """
        with self._changed:
            if self._stop.is_set():
                raise AdminShutdown("the database system is shutting down")
            if len(self.ctxts) >= self.max_connections:
                raise TooManyConnections(
                    "sorry, too many clients already",
                    detail=f"max_connections is {self.max_connections}.",
                )
            while client.process_id in self.ctxts or not client.process_id:
                client.process_id = secrets.randbelow(2**31)
            self.ctxts[client.process_id] = client

    def unregister(self, client: Client) -> None:
        """The client is gone."""
        with self._changed:
            if self.ctxts.get(client.process_id) is client:
                del self.ctxts[client.process_id]
            self._changed.notify_all()

    def clients(self) -> list[Client]:
        """Everyone connected and authenticated."""
        with self._changed:
            return list(self.ctxts.values())

    def cancel(self, process_id: int, secret_key: bytes) -> None:
        """Stop what that client runs; a wrong key is ignored, as there is nobody to tell."""
        with self._changed:
            client = self.ctxts.get(process_id)
        if client is not None and hmac.compare_digest(client.secret_key, secret_key):
            client.session.cancel()

    def _watch(self) -> None:
        """Stop the statements of clients that have hung up while they run."""
        while not self._stop.wait(_WATCH_SECONDS):
            for client in self.clients():
                if client.busy and client.hung_up():
                    client.session.cancel()

    def shutdown_gracefully(self, grace_seconds: float = _DEFAULTS.shutdown_seconds) -> None:
        """Stop accepting; idle clients are told 57P01 at once, busy ones after their statement.

        What still runs after `grace_seconds` is cancelled; who still does not read after as long
        again is cut off.
        """
        with self._changed:
            self._stop.set()
        if self._serving.is_set():
            self.shutdown()
        self.socket.close()
        for client in self.clients():
            client.stop()
        if not self._drained(grace_seconds):
            for client in self.clients():
                client.session.cancel()
            if not self._drained(grace_seconds):
                for client in self.clients():
                    client.cut_off()
                self._drained(grace_seconds)

    def _drained(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self.ctxts, seconds)


def _family(host: str) -> socket.AddressFamily:
    """IPv4 where the host has it, else IPv6."""
    found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM)
    families = {row[0] for row in found}
    return socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
