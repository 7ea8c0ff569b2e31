"""A connected client as the rest of the server sees it: its key, and how to stop it.

The thread that serves the client and those that want it gone meet here. Only its own thread ever
writes to the socket; the others wake it by closing the socket's reading side.
"""

from __future__ import annotations

import secrets
import select
import socket
import time
from typing import TYPE_CHECKING

from buenavista.postgres import BVContext

from gateway.errors import GatewayError

if TYPE_CHECKING:  # only called, never made here: the tests of the wire bring a scripted one
    from gateway.session.session import Session

# Linux tells of a peer that has closed without reading on; elsewhere only a reset shows.
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


_TERMINATE_SECONDS = 1.0


class ClientGone(Exception):
    """The connection is broken or closed; there is nobody to tell."""


class Client(BVContext):  # type: ignore[misc]  # buenavista carries no types
    """One client. `process_id` is positive and unique in the server.

    Args:
        session: Its session.
        connection: Its socket.
        key_bytes: Length of `secret_key`: 4, or 32 from protocol 3.2 on, as PostgreSQL 18 has it.
    """

    session: Session
    process_id: int
    secret_key: bytes
    since: float  # when `busy` changed, in seconds of the Unix epoch

    def __init__(self, session: Session, connection: socket.socket, key_bytes: int = 4) -> None:
        super().__init__(session, None, {})
        # buenavista's keys come from `random`, which can be foretold.
        self.process_id = secrets.randbelow(2**31 - 1) + 1
        self.secret_key = secrets.token_bytes(key_bytes)
        self.superuser = True
        self.user = ""
        self.goodbye: GatewayError | None = None
        self.ends_by: float | None = None
        self._waiting = False
        self.since = time.time()
        self._connection = connection

    @property
    def busy(self) -> bool:
        """Whether the client waits for an answer rather than the server for a message."""
        return not self._waiting

    # Neither side of the next three takes a lock: each first says what it does, then looks at
    # what the other said, so that at least one of them sees the other.

    def begin_waiting(self) -> None:
        """The connection's thread waits for bytes from now on.

        Raises:
            GatewayError: FATAL, the connection is to end.
        """
        self._waiting, self.since = True, time.time()
        if self.goodbye is not None:
            raise self.goodbye

    def end_waiting(self) -> None:
        """Bytes arrived, or the socket was closed for reading.

        Raises:
            GatewayError: FATAL, the connection is to end.
        """
        self._waiting, self.since = False, time.time()
        if self.goodbye is not None:
            raise self.goodbye

    def stop(self, goodbye: GatewayError) -> None:
        """End the connection with these last words: now if it is idle, else after its statement."""
        self.goodbye = goodbye
        if self._waiting:
            self._shut(socket.SHUT_RD)  # its thread reads the end of the stream, and says goodbye

    def terminate(self, goodbye: GatewayError) -> None:
        """End the connection with these last words; a running statement is cancelled."""
        self.ends_by = time.monotonic() + _TERMINATE_SECONDS
        self.stop(goodbye)
        self.session.cancel()

    @property
    def overdue(self) -> bool:
        """Whether it was told to end and has not: it may be sending to who never reads."""
        return self.ends_by is not None and time.monotonic() > self.ends_by

    def cut_off(self) -> None:
        """End the connection whatever its thread does."""
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        """Below TLS, whose own way to end is its thread's alone to use."""
        try:
            socket.socket.shutdown(self._connection, how)
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
