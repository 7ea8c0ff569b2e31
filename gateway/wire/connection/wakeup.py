"""What wakes a connection's thread while it waits for its client.

A session that listens to channels must be told of what arrives while its thread waits for bytes.
Only such a session has a bell: it costs two descriptors, and one more call for each wait.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import Any


class Bell:
    """Rung by any thread, heard by the one that waits."""

    def __init__(self) -> None:
        self._heard, self._rope = socket.socketpair()
        self._heard.setblocking(False)
        self._rope.setblocking(False)

    def ring(self) -> None:
        """Wake the thread that waits, or that waits next."""
        with suppress(OSError):  # as full as it can be: it is rung already; or closed
            self._rope.send(b"!")

    def wait(self, connection: Any, seconds: float | None) -> bool:
        """Whether it was rung; False when the connection has bytes to read, or has ended.

        Args:
            connection: A socket, or the same under TLS.
            seconds: How long at most; None is for ever.

        Raises:
            TimeoutError: Neither happened.
        """
        if getattr(connection, "pending", int)():  # TLS has read more than was asked for
            return False
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        poll.register(self._heard, select.POLLIN)
        found = poll.poll(None if seconds is None else max(seconds, 0.001) * 1000)
        if not found:
            raise TimeoutError
        rung = any(number == self._heard.fileno() for number, _ in found)
        if rung:
            self._heard.recv(65_536)
        return rung

    def close(self) -> None:
        """Nobody waits any more."""
        self._heard.close()
        self._rope.close()
