"""statement_timeout: a statement is cancelled when its time is up, from its message's arrival on.

While a text is read and rewritten its time is looked at between the passes; see `interrupts`. The
silence of a client has limits of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from gateway.errors import GatewayError, IdleInTransactionTimeout, IdleSessionTimeout, QueryCanceled
from gateway.session.result import Result

_WORDS = "canceling statement due to statement timeout"


def check_time(seconds: float, arrived: float) -> None:
    """Refuse to go on with what has had its time; 0 seconds set no limit.

    Raises:
        QueryCanceled: 57014.
    """
    if seconds and time.monotonic() - arrived >= seconds:
        raise QueryCanceled(_WORDS)


class Deadline:
    """The time limit of one statement, from its arrival to its last row.

    Rows are sent while no more are computed: what is up then ends the statement before the next.
    They may be asked for by and by, with other statements in between: what is up then is only
    noted, and the limit begins anew with the next rows, as it does for PostgreSQL's Execute.

    Args:
        seconds: The limit; 0 sets none.
        cancel: Stops the statement, which then raises QueryCanceled (57014).
        arrived: When it came, on the clock of `time.monotonic`.

    Raises:
        QueryCanceled: 57014, its time was up before it could be run.
    """

    def __init__(self, seconds: float, cancel: Callable[[], None], arrived: float) -> None:
        self._seconds = seconds
        self._passed = False
        self._stopped = False
        self._working = True
        self._expired = False  # while nothing was computed
        self._sending: int | None = None  # in which take of the rows that was, if in one
        self._result: Result | None = None
        self._passing = threading.Lock()
        self._cancel = cancel
        self._timer: threading.Timer | None = None
        check_time(seconds, arrived)
        self._start(seconds - (time.monotonic() - arrived))

    def _start(self, seconds: float) -> None:
        if self._seconds > 0:
            self._timer = threading.Timer(max(seconds, 0.0), self._pass)
            self._timer.daemon = True
            self._timer.start()

    def _pass(self) -> None:
        with self._passing:  # a clock that was stopped must not hit another statement
            if self._stopped:
                return
            if self._working:
                self._passed = True
                self._cancel()
            else:
                self._expired = True
                if self._result is not None and self._result.taking:
                    self._sending = self._result.takes

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
                raise QueryCanceled(_WORDS) from error
            raise

    def follow(self, result: Result) -> None:
        """Stop with the last row of `result`; now, where there are none to read."""
        if result.fields is None and result.copy is None:
            self.stop()
        elif self._timer is not None:
            self._rest()
            self._result = result
            result.wrap(self._watched(result.batches))

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            with self.running():
                while True:
                    self._work()
                    try:
                        batch = next(batches, None)
                    finally:
                        self._rest()
                    if batch is None:
                        return
                    yield batch
        finally:
            self.stop()
            close = getattr(batches, "close", None)
            if close is not None:
                close()

    def _work(self) -> None:
        with self._passing:
            self._working = True
            anew, self._expired = self._expired, False
        if anew and self._result is not None and self._sending == self._result.takes:
            raise QueryCanceled(_WORDS)
        if anew:
            self._start(self._seconds)

    def _rest(self) -> None:
        with self._passing:
            self._working = False


# ReadyForQuery's letter -> the setting that bounds the client's silence, and what ends it.
_IN_TRANSACTION = (
    "idle_in_transaction_session_timeout",
    IdleInTransactionTimeout,
    "idle-in-transaction timeout",
)
_IDLE: dict[str, tuple[str, type[GatewayError], str]] = {
    "I": ("idle_session_timeout", IdleSessionTimeout, "idle-session timeout"),
    "T": _IN_TRANSACTION,
    "E": _IN_TRANSACTION,
}


def idle_limit(status: str, seconds: Mapping[str, float]) -> tuple[float, GatewayError] | None:
    """How long a client may say nothing, in seconds, and what it is told then; None: for ever.

    Args:
        status: ReadyForQuery's letter.
        seconds: What the settings say, by their names.
    """
    name, error, words = _IDLE[status]
    if not seconds[name]:
        return None
    return seconds[name], error(f"terminating connection due to {words}")
