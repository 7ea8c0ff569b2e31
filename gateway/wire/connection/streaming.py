"""Rows on their way to one client, piece by piece, beside all other clients.

A thread that waits for the interpreter wakes at the end of every turn of the one that has it, to
see whether it is free: with 64 clients at once and turns of 1 ms that is 20 wakings for each
SELECT 1, a third of the server's CPU. Short statements give the interpreter up by themselves long
before a turn ends; a client whose rows are streamed does not, and each statement beside it waits
two or three turns. So turns are short while anybody streams, and long while nobody does.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import pyarrow as pa

# A small first piece brings the first row soon; later ones are large enough to make the cost of a
# batch vanish and small enough to stay in the cache (8,192 to 16,384 rows measure the same).
FIRST_ROWS, MORE_ROWS = 256, 16_384

# Beside this a packet more does not count.
SLOW_SECONDS = 0.002

# Python's own, and the one that keeps 99 of 100 SELECT 1 beside a stream within 10 ms.
LONG_SECONDS, SHORT_SECONDS = 0.005, 0.001

_lock = threading.Lock()
_streaming = 0


def pieces(
    batches: Iterator[pa.RecordBatch], flush: Callable[[], None]
) -> Generator[pa.RecordBatch]:
    """The rows in pieces of a size to send; `flush` is called after the first if more are there.

    That is not known where the first batch is one piece: then it is where that took its time.
    """
    count, streaming, began = 0, False, time.monotonic()
    try:
        for batch in batches:
            start, rows = 0, batch.num_rows
            while start < rows:
                if count and not streaming:
                    streaming = True
                    _count(1)
                most = MORE_ROWS if count else FIRST_ROWS
                yield batch.slice(start, most) if start or rows > most else batch
                start += most
                if not count and (start < rows or time.monotonic() - began > SLOW_SECONDS):
                    flush()
                count += 1
    finally:
        if streaming:
            _count(-1)


@contextmanager
def short_turns() -> Iterator[None]:
    """Turns are short inside, in any thread."""
    _count(1)
    try:
        yield
    finally:
        _count(-1)


def _count(change: int) -> None:
    global _streaming
    with _lock:
        _streaming += change
        sys.setswitchinterval(SHORT_SECONDS if _streaming else LONG_SECONDS)
