"""Decoded chunks that several scans want, within a bound: read once, whoever asks.

A chunk is kept under its table's number, its variable and its place. What is read least lately
makes room. Clients that want one chunk at the same moment wait for the first of them to read it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
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
        """The chunk of that key; see `get_all`."""
        return self.get_all([key], lambda keys: [load()])[0]

    def get_all(
        self, keys: Sequence[Key], load: Callable[[Sequence[Key]], Sequence[Values]]
    ) -> list[Values]:
        """The chunks of these keys, which nobody may write to.

        Those that nobody holds or is reading are read here, all in one call of `load`; only then
        are those waited for that others read, so that nobody waits for who waits.

        What `load` raises is raised to everyone who waits for it, and not kept.
        """
        found: dict[Key, Values] = {}
        mine: dict[Key, Future[Values]] = {}
        theirs: dict[Key, Future[Values]] = {}
        with self._lock:
            for key in keys:
                self._ask(key, found, mine, theirs)
        if mine:
            found.update(self._load(mine, load))
        found.update((key, future.result()) for key, future in theirs.items())
        return [found[key] for key in keys]

    def _ask(
        self,
        key: Key,
        found: dict[Key, Values],
        mine: dict[Key, Future[Values]],
        theirs: dict[Key, Future[Values]],
    ) -> None:
        held = self._held.get(key)
        if held is not None:
            self.hits += 1
            self._held.move_to_end(key)
            found[key] = held
            return
        self.misses += 1
        if key in self._loading:
            theirs[key] = self._loading[key]
        else:
            mine[key] = self._loading[key] = Future()

    def _load(
        self,
        mine: Mapping[Key, Future[Values]],
        load: Callable[[Sequence[Key]], Sequence[Values]],
    ) -> dict[Key, Values]:
        try:
            values = dict(zip(mine, load([*mine]), strict=True))
        except BaseException as error:
            with self._lock:
                for key in mine:
                    del self._loading[key]
            for future in mine.values():
                future.set_exception(error)
            raise
        for key, future in mine.items():
            self.put(key, values[key])
            with self._lock:
                del self._loading[key]
            future.set_result(values[key])
        return values

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
