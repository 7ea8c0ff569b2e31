"""statement_timeout: a statement is cancelled when its time is up, from its planning on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from gateway.errors import QueryCanceled


class Deadline:
    """The time limit of one statement, from its planning to its last row.

    Args:
        seconds: The limit; 0 sets none.
        cancel: Stops the statement, which then raises QueryCanceled (57014).
    """

    def __init__(self, seconds: float, cancel: Callable[[], None]) -> None:
        self._passed = False
        self._stopped = False
        self._passing = threading.Lock()
        self._cancel = cancel
        self._timer: threading.Timer | None = None
        if seconds > 0:
            self._timer = threading.Timer(seconds, self._pass)
            self._timer.daemon = True
            self._timer.start()

    def _pass(self) -> None:
        with self._passing:  # a clock that was stopped must not hit the next statement
            if not self._stopped:
                self._passed = True
                self._cancel()

    def stop(self) -> None:
        """The statement ended, or failed."""
        if self._timer is not None:
            with self._passing:
                self._stopped = True
            self._timer.cancel()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Stop the clock when the block fails; a cancel by this clock says so."""
        try:
            yield
        except BaseException as error:
            self.stop()
            if self._passed and isinstance(error, QueryCanceled):
                raise QueryCanceled("canceling statement due to statement timeout") from error
            raise

    def watch(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches; the clock stops with the last one, or when nobody reads on."""
        if self._timer is None:
            return batches
        return self._watched(batches)

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            with self.running():
                yield from batches
        finally:
            self.stop()
            close = getattr(batches, "close", None)
            if close is not None:
                close()
