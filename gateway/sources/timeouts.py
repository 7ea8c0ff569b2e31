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

# How long a store may be silent where many wait: longer than a chunk takes that is asked for again,
# shorter than others wait for a query without giving up.
CROWDED_SECONDS = 10.0


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


class Crowd:
    """The reads of all stores that somebody waits for; each of them keeps a thread of the engine.

    Args:
        most: From so many on there may be no thread left for others.
    """

    def __init__(self, most: int) -> None:
        self.most, self.waiting = most, 0
        self.lock = threading.Lock()


class Patience:
    """How long the reads of one store are waited for.

    Each for some minutes, as slow stores want; but where many wait, a store that has answered none
    for some seconds is given up, for those who wait for it keep others from their work.

    Args:
        seconds: How long a read may take.
        crowd: The reads of this store and others.
    """

    def __init__(self, seconds: float, crowd: Crowd) -> None:
        self._seconds, self._crowd = seconds, crowd
        self._waiting, self._heard = 0, 0.0

    def awaited(self, work: Callable[[], Found], check: Callable[[], None]) -> Found:
        """What `work` gives.

        Raises:
            TimeoutError: it took longer. Besides, what `check` and the work raise.
        """

        def checked() -> None:
            check()
            self._check()

        self._come()
        try:
            found = Begun(work, self._seconds).result(checked)
            self._heard = time.monotonic()
            return found
        finally:
            self._go()

    def _come(self) -> None:
        with self._crowd.lock:
            self._crowd.waiting += 1
            if not self._waiting:
                self._heard = time.monotonic()
            self._waiting += 1

    def _go(self) -> None:
        with self._crowd.lock:
            self._crowd.waiting -= 1
            self._waiting -= 1

    def _check(self) -> None:
        silent, waiting = time.monotonic() - self._heard, self._crowd.waiting
        if silent > CROWDED_SECONDS and waiting >= self._crowd.most:
            raise TimeoutError(
                f"the store has answered nothing for {silent:.0f} s, and {waiting} reads wait"
            )


def within(
    patience: Patience | None, work: Callable[[], Found], check: Callable[[], None]
) -> Found:
    """What `work` gives; done here and now where nothing limits its time.

    Raises:
        TimeoutError: it took longer. Besides, what `check` and the work raise.
    """
    return work() if patience is None else patience.awaited(work, check)
