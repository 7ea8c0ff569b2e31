"""How a client's running catalogue query is stopped, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.errors import QueryCanceled

# An interrupt that comes just before the database begins a query is lost: it is told again.
_AGAIN_SECONDS = 0.05


class Stopping:
    """One client's: `begin` and `running` are for its thread, `cancel` for any."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._cancelled = False
        self._running: tuple[Callable[[], object], threading.Event] | None = None

    def begin(self) -> None:
        """A statement begins; only a `cancel` after this stops it."""
        with self._changing:
            self._cancelled = False

    def cancel(self) -> None:
        """Make what runs raise QueryCanceled, and what runs later in this statement."""
        with self._changing:
            self._cancelled = True
            if self._running is not None:
                threading.Thread(target=_insist, args=self._running, daemon=True).start()

    @contextmanager
    def running(self, interrupt: Callable[[], object]) -> Iterator[None]:
        """While a query runs, which `interrupt` stops.

        Raises:
            QueryCanceled: 57014, it was cancelled before.
        """
        ended = threading.Event()
        with self._changing:
            if self._cancelled:
                raise QueryCanceled("canceling statement due to user request")
            self._running = interrupt, ended
        try:
            yield
        finally:
            ended.set()
            with self._changing:
                self._running = None


def _insist(interrupt: Callable[[], object], ended: threading.Event) -> None:
    while not ended.is_set():
        interrupt()
        ended.wait(_AGAIN_SECONDS)
