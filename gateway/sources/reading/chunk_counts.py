"""How many chunks of how many a statement reads: for EXPLAIN ANALYZE, progress and the totals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.errors import QueryCanceled
from gateway.sources.filters.pruning import Positions
from gateway.sources.table import TableName

_Places = slice | npt.NDArray[np.intp]


@dataclass(slots=True)
class _Chunks:
    """The chunks of one variable: those to be read, and those that were; each counts once."""

    wanted: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]


class TableReads:
    """Chunks of the variables that a statement reads of one table; any thread may note."""

    def __init__(self, name: TableName, statement: Reads | None = None) -> None:
        self._name, self._statement = name, statement or Reads()
        self._chunks: dict[str, _Chunks] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._chunks = {}

    def expect(
        self, name: str, sizes: Mapping[str, int], lengths: Mapping[str, int],
        positions: Mapping[str, Positions],
    ) -> None:  # fmt: skip
        """Some positions of a variable are going to be read.

        Args:
            name: The variable's.
            sizes: How long each of its dimensions is.
            lengths: How long a chunk is.
            positions: What is to be read along a dimension; everything when it is not there.
        """
        places = [
            _touched(positions.get(dim, range(size)), lengths[dim]) for dim, size in sizes.items()
        ]
        with self._lock:
            _mark(self._of(name, sizes, lengths).wanted, places)

    def note(
        self, name: str, sizes: Mapping[str, int], lengths: Mapping[str, int],
        positions: Mapping[str, Positions],
    ) -> None:  # fmt: skip
        """Some positions of a variable were read; see `expect`."""
        places = [_touched(positions[dim], lengths[dim]) for dim in sizes]
        with self._lock:
            _mark(self._of(name, sizes, lengths).seen, places)

    def checker(self) -> Callable[[], None]:
        """What raises QueryCanceled (57014) once the statement of now is cancelled."""
        return self._statement.checker()

    def _of(self, name: str, sizes: Mapping[str, int], lengths: Mapping[str, int]) -> _Chunks:
        shape = tuple(-(-size // lengths[dim]) for dim, size in sizes.items())
        found = self._chunks.get(name)
        if found is None or found.seen.shape != shape:
            self._statement.used[self._name] = self
            found = self._chunks[name] = _Chunks(np.zeros(shape, bool), np.zeros(shape, bool))
        return found

    def __str__(self) -> str:
        return f"{self.read} of {self.total} chunks read"

    def _each(self) -> list[_Chunks]:
        with self._lock:
            return list(self._chunks.values())

    @property
    def read(self) -> int:
        """Chunks that were read."""
        return sum(int(each.seen.sum()) for each in self._each())

    @property
    def wanted(self) -> int:
        """Chunks that are to be read in all; never fewer than were."""
        return sum(int((each.seen | each.wanted).sum()) for each in self._each())

    @property
    def total(self) -> int:
        """Chunks that the variables have of which any is read."""
        return sum(each.seen.size for each in self._each())


class Reads:
    """What a statement reads of each table.

    >>> reads = Reads()
    >>> reads.of(TableName("public", "t")).note("v", {"x": 9}, {"x": 3}, {"x": np.arange(4)})
    >>> [(str(name), table.read, table.total) for name, table in reads.used.items()]
    [('public.t', 2, 3)]
    """

    def __init__(self) -> None:
        self.used: dict[TableName, TableReads] = {}
        self._stopped = threading.Event()  # of one statement; what it left behind keeps to it
        self._made: dict[TableName, TableReads] = {}

    def of(self, name: TableName) -> TableReads:
        """Where the reads of a table are noted; it is `used` from the first on."""
        return self._made.setdefault(name, TableReads(name, self))

    def stop(self) -> None:
        """Nobody wants the statement any more; from any thread."""
        self._stopped.set()

    def checker(self) -> Callable[[], None]:
        """What raises QueryCanceled (57014) once the statement of now is cancelled."""
        stopped = self._stopped

        def check() -> None:
            if stopped.is_set():
                raise QueryCanceled("canceling statement due to user request")

        return check

    def clear(self) -> None:
        """Forget everything; another statement begins."""
        if self._stopped.is_set():
            self._stopped = threading.Event()
        if self.used:
            for each in list(self.used.values()):
                each.clear()
            self.used.clear()


def _touched(positions: Positions | range, length: int) -> _Places:
    """The chunks along one dimension that some ascending positions fall into."""
    if not len(positions):
        return slice(0, 0)
    first, last = int(positions[0]), int(positions[-1])
    if last - first == len(positions) - 1:
        return slice(first // length, last // length + 1)
    return np.unique(np.asarray(positions) // length)


def _mark(chunks: npt.NDArray[np.bool_], places: list[_Places]) -> None:
    if all(isinstance(place, slice) for place in places):
        chunks[tuple(places)] = True
        return
    index: list[Any] = [
        np.arange(*place.indices(size)) if isinstance(place, slice) else place
        for place, size in zip(places, chunks.shape, strict=True)
    ]
    chunks[np.ix_(*index)] = True
