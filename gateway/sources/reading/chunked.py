"""Values of a stored variable at some positions, put together from chunks of the cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.sources.filters.pruning import Positions, consecutive
from gateway.sources.reading.chunk_cache import ChunkCache
from gateway.sources.reading.stored import GridColumn

Values = npt.NDArray[Any]

# A read of more chunks than this goes through the cache only where the whole variable fits in a
# quarter of it: a scan of everything would drive out what many ask for.
FEW_CHUNKS = 16


@dataclass(frozen=True)
class Chunked:
    """A variable in chunks of equal length, whose values are read through a cache.

    Args:
        cache: Where its chunks are held.
        key: What tells the variable from every other of the process.
        column: The variable, not read yet, and the files that its chunks are in.
        lengths: How long a chunk is along each dimension.
    """

    cache: ChunkCache
    key: tuple[Any, ...]
    column: GridColumn
    lengths: Mapping[str, int]

    def read(self, positions: Mapping[str, Positions]) -> Values | None:
        """The values at `positions`, ascending along each dimension; None: better read directly."""
        found = self._held(positions)
        if found is None:
            return None
        places, chunks = [*found], [*found.values()]
        if len(places) == 1:
            only: Values = chunks[0][tuple(self._inside(positions, places[0]))]
            return only
        result: Values | None = None
        for place, chunk in zip(places, chunks, strict=True):
            if result is None:
                result = np.empty([len(at) for at in positions.values()], chunk.dtype)
            result[tuple(self._outside(positions, place))] = chunk[
                tuple(self._inside(positions, place))
            ]
        return result

    def parts(self, positions: Mapping[str, Positions]) -> list[Values] | None:
        """The same in parts along the first dimension, which alone may be cut, none of them copied.

        None: they are better read as one.
        """
        behind = [(at, self.lengths[dim]) for dim, at in positions.items()][1:]
        if any(at[0] // length != at[-1] // length for at, length in behind):
            return None
        found = self._held(positions)
        if found is None:
            return None
        return [chunk[tuple(self._inside(positions, place))] for place, chunk in found.items()]

    def _held(self, positions: Mapping[str, Positions]) -> dict[tuple[int, ...], Values] | None:
        """The chunks that `positions` touch, by their places; None: better read directly."""
        touched = [np.unique(at // self.lengths[dim]) for dim, at in positions.items()]
        places = list(product(*(map(int, part) for part in touched)))
        if not self._is_worth(len(places)):
            return None
        # Asked before a chunk is read: what is written meanwhile is read once more, not held on to.
        files = self.column.files
        state = files.state if files is not None else lambda place: None
        chunks = self.cache.get_all([(self.key, p, state(p)) for p in places], self._load)
        return dict(zip(places, chunks, strict=True))

    def _is_worth(self, chunks: int) -> bool:
        each = math.prod(self.lengths.values()) * self.column.variable.dtype.itemsize
        quarter = self.cache.most_bytes // 4
        return 0 < chunks * each <= quarter and (
            chunks <= FEW_CHUNKS or self.column.variable.nbytes <= quarter
        )

    def _load(self, keys: Sequence[tuple[Any, ...]]) -> list[Values]:
        """The chunks of some keys, in one go where they fill a box, as the store reads best."""
        places = [place for _, place, _ in keys]
        touched = [sorted({place[n] for place in places}) for n in range(len(self.lengths))]
        if len(places) == math.prod(map(len, touched)):
            return self._box(touched)
        return [self._box([[at] for at in place])[0] for place in places]

    def _box(self, touched: Sequence[Sequence[int]]) -> list[Values]:
        """The chunks at all combinations of places along each dimension, in row-major order."""
        spans = [
            [self._span(dim, at) for at in part]
            for dim, part in zip(self.lengths, touched, strict=True)
        ]
        index = {
            dim: consecutive(np.concatenate([np.arange(s.start, s.stop) for s in part]))
            for dim, part in zip(self.lengths, spans, strict=True)
        }
        whole = self.column.read(index)
        starts = [np.cumsum([0, *(s.stop - s.start for s in part)]) for part in spans]
        cuts = (
            tuple(
                slice(int(start[n]), int(start[n + 1]))
                for start, n in zip(starts, number, strict=True)
            )
            for number in product(*(range(len(part)) for part in touched))
        )
        return [np.array(whole[cut]) for cut in cuts]

    def _span(self, dim: str, chunk: int) -> slice:
        start = chunk * self.lengths[dim]
        return slice(start, min(start + self.lengths[dim], self.column.variable.sizes[dim]))

    def _runs(
        self, positions: Mapping[str, Positions], place: tuple[int, ...]
    ) -> Iterator[tuple[Positions, int, int, int]]:
        """For each dimension: the positions, which of them lie in the chunk, and its start."""
        for (dim, at), chunk in zip(positions.items(), place, strict=True):
            span = self._span(dim, chunk)
            low, high = np.searchsorted(at, [span.start, span.stop])
            yield at, int(low), int(high), span.start

    def _outside(
        self, positions: Mapping[str, Positions], place: tuple[int, ...]
    ) -> Iterator[slice]:
        for _, low, high, _ in self._runs(positions, place):
            yield slice(low, high)

    def _inside(self, positions: Mapping[str, Positions], place: tuple[int, ...]) -> Iterator[Any]:
        chosen = [at[low:high] - start for at, low, high, start in self._runs(positions, place)]
        slices = [consecutive(each) for each in chosen]
        if sum(not isinstance(each, slice) for each in slices) <= 1:
            return iter(slices)
        return iter(np.ix_(*chosen))
