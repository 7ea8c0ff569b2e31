"""Decoded chunks that several scans want, within a bound: read once, whoever asks.

A chunk is kept under its table's number, its variable and its place. What is read least lately
makes room. Clients that want one chunk at the same moment wait for the first of them to read it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy.typing as npt

Values = npt.NDArray[Any]
Key = tuple[Any, ...]


class ChunkCache:
    """Chunks up to `most_bytes` together; any thread may ask.

    >>> import numpy as np
    >>> cache = ChunkCache(100)
    >>> [int(cache.get((n,), lambda: np.full(5, n, "i8"))[0]) for n in (1, 2, 3, 1)]
    [1, 2, 3, 1]
    >>> cache.held_bytes
    80
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.held_bytes = 0
        self.hits = self.misses = self.loaded_bytes = 0
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, Values] = OrderedDict()
        self._loading: dict[Key, Future[Values]] = {}

    def get(self, key: Key, load: Callable[[], Values]) -> Values:
        """The chunk of that key, which nobody may write to; `load` reads it when it is not held.

        What `load` raises is raised to everyone who waits for it, and not kept.
        """
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self.hits += 1
                self._held.move_to_end(key)
                return held
            self.misses += 1
            waited = self._loading.get(key)
            mine: Future[Values] = Future()
            if waited is None:
                self._loading[key] = mine
        if waited is not None:
            return waited.result()
        try:
            values = load()
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            mine.set_exception(error)
            raise
        self.put(key, values)
        with self._lock:
            del self._loading[key]
        mine.set_result(values)
        return values

    def has(self, key: Key) -> bool:
        """Whether the chunk is held at this moment."""
        with self._lock:
            return key in self._held

    def note_read(self, size: int) -> None:
        """So many bytes of values were read and are not held."""
        with self._lock:
            self.loaded_bytes += size

    def put(self, key: Key, values: Values) -> None:
        """Hold a chunk that was read, which nobody may write to from now on."""
        values.flags.writeable = False
        with self._lock:
            self.loaded_bytes += values.nbytes
            before = self._held.pop(key, None)
            self.held_bytes += values.nbytes - (0 if before is None else before.nbytes)
            self._held[key] = values
            while self.held_bytes > self.most_bytes:
                _, dropped = self._held.popitem(last=False)
                self.held_bytes -= dropped.nbytes
