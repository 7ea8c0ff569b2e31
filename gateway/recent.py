"""What was used lately, kept within a bound: the one cache of this house."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass(slots=True)
class _Entry(Generic[V]):
    value: V
    weight: int


class Recent(Generic[V]):
    """Key -> value; those used least lately make room. Any thread may call it.

    Args:
        most: What the weights of all values may come to.
        heaviest: A value past this is not kept.
    """

    def __init__(self, most: int, heaviest: int) -> None:
        self._most, self._heaviest = most, heaviest
        self.hits = self.misses = 0  # of `get`
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry[V]] = {}
        self._weight = 0

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    def holds(self, key: Hashable, which: Callable[[V], bool]) -> bool:
        """Whether there is such a value under that key; says nothing of use."""
        entry = self._entries.get(key)
        return entry is not None and which(entry.value)

    def get(self, key: Hashable, serves: Callable[[V], bool] | None = None) -> V | None:
        """The value kept under that key; None when there is none, or none that `serves`."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or not (serves is None or serves(entry.value)):
                self.misses += 1
                return None
            del self._entries[key]
            self.hits += 1
            self._entries[key] = entry
            return entry.value

    def put(self, key: Hashable, value: V, weight: int) -> None:
        """Keep a value."""
        if weight > self._heaviest:
            return
        with self._lock:
            self._drop(key)
            self._entries[key] = _Entry(value, weight)
            self._weight += weight
            while self._weight > self._most:
                self._drop(next(iter(self._entries)))

    def forget(self, which: Callable[[Hashable], bool]) -> None:
        """Drop what is kept under such keys: nobody will ask for it."""
        with self._lock:
            for key in [key for key in self._entries if which(key)]:
                self._drop(key)

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._weight -= entry.weight
