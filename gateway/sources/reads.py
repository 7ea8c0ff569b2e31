"""How many chunks of how many a scan read: what EXPLAIN ANALYZE and the log tell."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.sources.pruning import Positions


@dataclass
class Reads:
    """Chunks that were read, each once, of the variables that were read; any thread may note."""

    _seen: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(
        self, name: str, sizes: Mapping[str, int], lengths: Mapping[str, int],
        positions: Mapping[str, Positions],
    ) -> None:  # fmt: skip
        """Some positions of a variable were read.

        Args:
            name: The variable's.
            sizes: How long each of its dimensions is.
            lengths: How long a chunk is.
            positions: What was read along each.
        """
        shape = [-(-size // lengths[dim]) for dim, size in sizes.items()]
        touched: list[Any] = [np.unique(positions[dim] // lengths[dim]) for dim in sizes]
        with self._lock:
            seen = self._seen.setdefault(name, np.zeros(shape, bool))
            seen[np.ix_(*touched)] = True

    @property
    def read(self) -> int:
        """Chunks that were read."""
        return sum(int(seen.sum()) for seen in self._seen.values())

    @property
    def total(self) -> int:
        """Chunks that the variables have of which any was read."""
        return sum(math.prod(seen.shape) for seen in self._seen.values())
