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
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from buenavista.postgres import BuenaVistaServer

from gateway.config import Settings
from gateway.errors import AdminShutdown, ConnectionFailure, TooManyConnections
from gateway.session.activity.backends import Backend
from gateway.wire.connection.admission import Admission
from gateway.wire.connection.client import Client
from gateway.wire.connection.handler import GatewayHandler
from gateway.wire.protocol import replies

if TYPE_CHECKING:  # only called, never made here: the tests of the wire bring a scripted one
    from gateway.session.gateway import Gateway

logger = logging.getLogger(__name__)

_DEFAULTS = Settings()
_WATCH_SECONDS = 0.5
_HURRY_SECONDS = 0.5
_AGAIN_SECONDS = 0.2
_AT_ONCE = 16  # clients that are told to go together
_MOMENT_SECONDS = 0.05
_ENDED_SECONDS = 10.0  # a thread does not wait for longer, whatever became of the rest


class GatewayServer(BuenaVistaServer):  # type: ignore[misc]  # buenavista carries no types
    """Listens, and gives each client a thread and a session.

    Args:
        address: Host and port to bind; port 0 takes a free one.
        gateway: Makes the sessions.
        admission: Who may connect; without one, everyone on loopback.
        max_connections: Further clients are refused with 53300.
        superuser_reserved_connections: How many of those only superusers get.
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
        admission: Admission | None = None,
        max_connections: int = _DEFAULTS.max_connections,
        superuser_reserved_connections: int = _DEFAULTS.superuser_reserved_connections,
        message_bytes: int = _DEFAULTS.message_bytes,
        authentication_seconds: float = _DEFAULTS.authentication_seconds,
    ) -> None:
        self.address_family = _family(address[0])
        super().__init__(address, gateway)
        self.RequestHandlerClass = GatewayHandler
        self.admission = admission or Admission()
        self.max_connections = max_connections
        self.superuser_reserved_connections = superuser_reserved_connections
        self.message_bytes = message_bytes
        self.authentication_seconds = authentication_seconds
        self._stop = threading.Event()
        self._serving = threading.Event()
        self._ended = threading.Event()
        self._changed = threading.Condition()
        self._threads_open = 0
        self._hurried = False
        self.opened = self.refused = 0  # clients that logged in, and that were not let in
        self.backends = ServerBackends(self)

    @property
    def is_stopping(self) -> bool:
        """Whether it lets nobody in any more."""
        return self._stop.is_set()

    def refuse(self) -> None:
        """Count a client that was not let in."""
        with self._changed:
            self.refused += 1

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really bound."""
        host, port = self.server_address[:2]
        return str(host), int(port)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Anyone may knock, but not too many at once: each costs a thread before it has logged in.

        PostgreSQL allows twice max_connections as well (postmaster.c, canAcceptConnections).
        """
        try:
            self._admit_another()
        except TooManyConnections as refusal:
            self.refuse()
            with suppress(OSError):
                request.send(replies.error_response(refusal, "FATAL"))
            return False
        return True

    def _admit_another(self) -> None:
        if self._threads_open >= 2 * self.max_connections:
            raise TooManyConnections("sorry, too many clients already")

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """A connection, from the first byte to the last."""
        with self._changed:
            self._threads_open += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._changed:
                self._threads_open -= 1
                self._changed.notify_all()
            if self._stop.is_set():
                self._ended.wait(_ENDED_SECONDS)

    def pause(self, seconds: float) -> None:
        """Wait, but not for longer than the server serves."""
        self._stop.wait(seconds)

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
            free = self.max_connections - len(self.ctxts)
            if free <= 0:
                raise TooManyConnections(
                    "sorry, too many clients already",
                    detail=f"max_connections is {self.max_connections}.",
                )
            if free <= self.superuser_reserved_connections and not client.superuser:
                raise TooManyConnections(
                    "remaining connection slots are reserved for superusers",
                    detail=f"max_connections is {self.max_connections}, "
                    f"superuser_reserved_connections {self.superuser_reserved_connections}.",
                )
            self._refuse_another(client)
            while client.process_id in self.ctxts:
                client.process_id = secrets.randbelow(2**31 - 1) + 1
            self.ctxts[client.process_id] = client
            self.opened += 1

    def _refuse_another(self, client: Client) -> None:
        """Hold a role to its connection_limit, which superusers have none of (as in PostgreSQL)."""
        limit = self.admission.now.of(client.user).connection_limit
        if limit is None or client.superuser:
            return
        if sum(other.user == client.user for other in self.ctxts.values()) >= limit:
            raise TooManyConnections(f'too many connections for role "{client.user}"')

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
        client = self.client(process_id)
        if client is not None and hmac.compare_digest(client.secret_key, secret_key):
            client.session.cancel()

    def client(self, process_id: int) -> Client | None:
        """The client with that process id, if there is one."""
        with self._changed:
            found: Client | None = self.ctxts.get(process_id)
            return found

    def _watch(self) -> None:
        """Stop the statements of clients that have hung up, and clients that ought to be gone."""
        while not self._stop.wait(_WATCH_SECONDS):
            for client in self.clients():
                if client.overdue:
                    client.cut_off()
                elif client.busy and client.goodbye is None and client.hung_up():
                    client.terminate(ConnectionFailure("connection to client lost"))

    def shutdown_gracefully(self, grace_seconds: float = _DEFAULTS.shutdown_seconds) -> None:
        """Stop accepting; idle clients are told 57P01 at once, busy ones after their statement.

        What still runs after `grace_seconds` is cancelled; who still does not read after as long
        again is cut off. `stop_now` ends the waiting.
        """
        with self._changed:
            self._stop.set()
        with suppress(OSError):  # where a listening socket cannot be shut down, accepting polls
            self.socket.shutdown(socket.SHUT_RD)
        if self._serving.is_set():
            self.shutdown()
        self.socket.close()
        self._dismiss(self.clients())
        if not self._drained(grace_seconds):
            for client in self.clients():
                client.session.cancel()
            if not self._drained(grace_seconds):
                for client in self.clients():
                    client.cut_off()
                self._drained(grace_seconds)

    def _dismiss(self, clients: list[Client]) -> None:
        """Tell them to go, and no more at once than the interpreter's lock bears.

        A thread that waits for the lock asks for it every 5 ms: thousands that wake together do
        little else, and each takes the longer the more there are.
        """
        at_once, idle = _AT_ONCE, 0
        for client in clients:
            idle += not client.busy
            client.stop(terminated())
            if not self._left(len(clients) - idle + at_once):
                at_once += _AT_ONCE  # those do not read what they are told

    def _left(self, count: int) -> bool:
        """Whether no more clients than that are there, in a moment."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.ctxts) <= count, _MOMENT_SECONDS)

    def let_go(self) -> None:
        """Let the threads end of the clients that `shutdown_gracefully` sent away.

        The engine's allocator hands what a thread leaves over to the others, which takes the longer
        the more threads have ended: of 3,000 the last ones 2 ms each. So none ends before all
        clients were told.
        """
        self._ended.set()

    def stop_now(self) -> None:
        """End the patience of `shutdown_gracefully`: cancel, cut off, and wait no more."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
        for client in self.clients():
            client.session.cancel()
            client.cut_off()
        while not self._gone(_AGAIN_SECONDS):  # a statement may begin just after its cancel
            for client in self.clients():
                client.session.cancel()

    def _gone(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self.ctxts, seconds)

    def _drained(self, seconds: float) -> bool:
        """Wait for every client to be gone; a moment only when it must be quick."""
        with self._changed:
            self._changed.wait_for(lambda: not self.ctxts or self._hurried, seconds)
            seconds = min(seconds, _HURRY_SECONDS)
            return self._changed.wait_for(lambda: not self.ctxts, seconds * self._hurried)


class ServerBackends:
    """The clients of a server, for its sessions: `session.backends.Backends`."""

    def __init__(self, server: GatewayServer) -> None:
        self._server = server

    def all(self) -> list[Backend]:
        clients = sorted(self._server.clients(), key=lambda client: int(client.process_id))
        return [client.session.backend(busy=client.busy, since=client.since) for client in clients]

    def cancel(self, process_id: int) -> bool:
        client = self._server.client(process_id)
        if client is not None:
            client.session.cancel()
        return client is not None

    def terminate(self, process_id: int) -> bool:
        client = self._server.client(process_id)
        if client is not None:
            client.terminate(terminated())
        return client is not None


def terminated() -> AdminShutdown:
    """The last words to a client that is told to go."""
    return AdminShutdown("terminating connection due to administrator command")


def _family(host: str) -> socket.AddressFamily:
    """IPv4 where the host has it, else IPv6."""
    found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM)
    families = {row[0] for row in found}
    return socket.AF_INET if socket.AF_INET in families else socket.AF_INET6
