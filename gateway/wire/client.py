"""A connected client as the rest of the server sees it: its key, and how to stop it.

The thread that serves the client and the one that shuts the server down meet here, under one
lock: while the client is idle its socket belongs to the latter, else to the former.
"""

from __future__ import annotations

import secrets
import select
import socket
import threading
from typing import TYPE_CHECKING

from buenavista.postgres import BVContext

from gateway.errors import AdminShutdown
from gateway.wire import replies

if TYPE_CHECKING:  # only called, never made here: the tests of the wire bring a scripted one
    from gateway.session.session import Session

# Linux tells of a peer that has closed without reading on; elsewhere only a reset shows.
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class ClientGone(Exception):
    """The connection is broken or closed; there is nobody to tell."""


class Client(BVContext):  # type: ignore[misc]  # buenavista carries no types
    """One client. `process_id` is positive and unique in the server, `secret_key` 4 bytes."""

    session: Session
    process_id: int
    secret_key: bytes

    def __init__(self, session: Session, connection: socket.socket) -> None:
        super().__init__(session, None, {})
        # buenavista's keys come from `random`, which can be foretold.
        self.process_id = secrets.randbelow(2**31 - 1) + 1
        self.secret_key = secrets.token_bytes(4)
        self.stopping = False
        self._waiting = False
        self._connection = connection
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether the client waits for an answer rather than the server for a message."""
        return not self._waiting

    def begin_waiting(self) -> None:
        """The server's thread has nothing to do.

        Raises:
            AdminShutdown: 57P01, the server is going down.
        """
        with self._lock:
            if self.stopping:
                raise AdminShutdown("terminating connection due to administrator command")
            self._waiting = True

    def end_waiting(self) -> None:
        """Something arrived, or `stop` has said goodbye.

        Raises:
            ClientGone: it has.
        """
        with self._lock:
            self._waiting = False
            if self.stopping:
                raise ClientGone

    def stop(self) -> None:
        """Say goodbye now if the client is idle, else let its thread do so after the statement."""
        with self._lock:
            self.stopping = True
            if self._waiting:
                error = AdminShutdown("terminating connection due to administrator command")
                try:
                    self._connection.sendall(replies.error_response(error, "FATAL"))
                    self._connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # it has just left by itself

    def cut_off(self) -> None:
        """End the connection whatever its thread does."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has just left by itself

    def hung_up(self) -> bool:
        """Whether the client has closed its end."""
        poll = select.poll()
        try:
            poll.register(self._connection, _HUNG_UP)
            return any(event & _HUNG_UP for _, event in poll.poll(0))
        except (OSError, ValueError):
            return True  # closed on our side too
