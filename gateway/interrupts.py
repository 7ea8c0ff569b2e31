"""Whether the statement that a thread reads is still wanted: PostgreSQL's CHECK_FOR_INTERRUPTS.

What reads and rewrites a long statement asks between its passes and its parts; the session, which
knows of cancels and time limits, answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class _Attending(threading.local):
    """What each thread asks; a thread that runs no statement asks nobody."""

    check: Callable[[], None] | None = None


_attending = _Attending()


def attend(check: Callable[[], None] | None) -> None:
    """From now on this thread's `check_for_interrupts` calls `check`; None: nothing."""
    _attending.check = check


def check_for_interrupts() -> None:
    """Go on if the statement is still wanted.

    Raises:
        QueryCanceled: 57014, it was cancelled, or its time is up.
    """
    check = _attending.check
    if check is not None:
        check()
