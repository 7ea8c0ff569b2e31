"""Signals, heard at once whatever the main thread is doing.

Python runs a signal's handler in the main thread, between two steps of its code. A signal that
comes when that thread is about to wait for a lock, or that the system hands to another thread, is
heard when the wait ends: for a server, never. The byte that the interpreter writes to its wakeup
descriptor is there in any case (library reference, signal.set_wakeup_fd), and a thread reads it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def heard(actions: Mapping[int, Callable[[], None]]) -> Iterator[None]:
    """While inside, a signal runs its action, in a thread of its own; one after the other.

    Args:
        actions: Number of the signal -> what it does. It may take locks.
    """
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    listener = threading.Thread(
        target=_listen, args=(ours, actions), name="gradwire-signals", daemon=True
    )
    wakeup = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    before = {number: signal.signal(number, _ignore) for number in actions}
    listener.start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(theirs)
        listener.join()
        os.close(ours)


def _ignore(number: int, frame: object) -> None:
    """The handler that Python wants; `_listen` does the work."""


def _listen(source: int, actions: Mapping[int, Callable[[], None]]) -> None:
    while arrived := os.read(source, 1):
        action = actions.get(arrived[0])
        if action is not None:
            action()
