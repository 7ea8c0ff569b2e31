"""What the process keeps of memory that was freed: little, where queries may hold little.

Two allocators keep it at hand. The engine's has a heap for each of its threads, and what one thread
frees of another's waits until that one allocates again; the C library's, which NumPy uses, takes
ever larger blocks for small ones and keeps these. Ten million rows of four columns sorted under a
bound of 64 MiB grew the process by 338 MiB, of which 312 stayed, with 16 threads and as the C
library has it; by 140 with four threads and large blocks given back, and by 55 when sorted again.
"""

from __future__ import annotations

import ctypes
import os

# How long the engine's allocator keeps freed memory, in milliseconds; it is asked as it is loaded.
# With its own second a statement that makes and drops blocks of megabytes holds all that it made in
# that time, and a server that is idle then keeps it. Ten million rows sorted under 64 MiB grew the
# process by 152 MiB with a tenth of it, by 111 with a hundredth, which costs no time, and
# by 64 with none, where reading all columns of a grid took 1.4 times as long.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "10")

# Bounds from here on leave room for what is kept; giving large blocks back costs page faults, which
# are some tenths of a scan.
PLENTY_BYTES = 1 << 30

# The engine's threads, for all queries; it reads this once, when the first is planned. A join that
# makes its pairs keeps a thread of each partition: with as many threads as cores two such kept
# everybody else waiting.
_MOST_WORKERS = max(16, 2 * (os.cpu_count() or 1))
_FEWEST_WORKERS = max(4, os.cpu_count() or 1)
_WORKER_BYTES = 32 << 20

# Larger than the megabyte in which aggregates are computed, smaller than chunks and blocks.
_GIVEN_BACK_BYTES = 9 << 17
_M_MMAP_THRESHOLD = -3  # malloc.h


def workers(memory_bytes: int | None) -> int:
    """How many threads the engine is to have under that bound; None: as much as there is.

    >>> workers(1 << 40) >= workers(64 << 20) >= 4
    True
    """
    if memory_bytes is None:
        return _MOST_WORKERS
    return min(_MOST_WORKERS, max(_FEWEST_WORKERS, memory_bytes // _WORKER_BYTES))


def keep_little(memory_bytes: int | None) -> None:
    """From now on give large blocks back as they are freed, where the bound is below plenty.

    It holds for the whole process. Nothing is done where the C library is not GNU's.
    """
    if memory_bytes is None or memory_bytes >= PLENTY_BYTES:
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _GIVEN_BACK_BYTES)
