"""pg_sleep, which can be stopped while it sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

# How long a cancel may have to wait for it.
_NAP_SECONDS = 0.005


def sleeper(check: Callable[[], None]) -> Callable[[Sequence[list[Any]]], list[Any]]:
    """The function of a session; `check` raises when its statement is to stop."""

    def sleep(arguments: Sequence[list[Any]]) -> list[Any]:
        (seconds,) = arguments
        for each in seconds:
            end = time.monotonic() + (each or 0.0)
            while (left := end - time.monotonic()) > 0:
                check()
                time.sleep(min(left, _NAP_SECONDS))
        check()
        return [None if each is None else "" for each in seconds]

    return sleep
