"""Waiting no longer than is wanted for what a disk or a network may never answer.

Libraries that open and read datasets cannot be interrupted, and some wait for minutes. So that
nobody has to wait with them, they work in a thread of their own; one that nobody waits for any
more goes on by itself until its library gives up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Found = TypeVar("Found")

# How often whoever waits looks whether it still should: a cancel is heard that soon.
LOOK_SECONDS = 0.05


class Begun(Generic[Found]):
    """Work that has begun in a thread of its own.

    >>> Begun(lambda: 6 * 7, 10).result(lambda: None)
    42
    """

    def __init__(self, work: Callable[[], Found], seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._future: Future[Found] = Future()
        threading.Thread(target=self._run, args=(work,), daemon=True).start()

    def _run(self, work: Callable[[], Found]) -> None:
        # Whatever it is, it is raised to whoever waits.
        try:
            self._future.set_result(work())
        except BaseException as error:
            self._future.set_exception(error)

    def result(self, check: Callable[[], None]) -> Found:
        """What the work gave; or what it raised.

        Args:
            check: Raises what ends the waiting; asked now and then.

        Raises:
            TimeoutError: the work took longer than it may.
        """
        while not wait([self._future], self._step()).done:
            check()
            if time.monotonic() >= self._until:
                raise TimeoutError(f"there was no answer within {self._seconds:g} s")
        return self._future.result()

    def _step(self) -> float:
        return max(0.0, min(LOOK_SECONDS, self._until - time.monotonic()))


def within(seconds: float | None, work: Callable[[], Found], check: Callable[[], None]) -> Found:
    """What `work` gives; done here and now where nothing limits its time.

    Raises:
        TimeoutError: it took longer. Besides, what `check` and the work raise.
    """
    return work() if seconds is None else Begun(work, seconds).result(check)
