"""How long a block is along each dimension: whole chunks, or as rows come in order.

A block of whole chunks reads each chunk once. Where such blocks do not span the dimensions behind
one that is longer than a position, rows do not come in the order of the leading dimensions. They do
from blocks of fewer positions, which read a chunk once for each block that it reaches into: out of
the cache, or anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gateway.sources.filters.pruning import Positions
from gateway.sources.grid.partition import Box

# A chunk is decoded so often at the most, where it is not held: on ten million rows decoding all of
# them took 0.1 s, and sorting them 3 to 5.
MOST_READS = 16


def of_whole_chunks(sizes: Sequence[int], chunks: Sequence[int], most: int) -> tuple[int, ...]:
    """Whole chunks, as many as make about `most` rows, the last dimensions first.

    Args:
        sizes: How long each dimension is.
        chunks: How long a chunk is along each.
        most: Rows of a block, unless one chunk has more.

    >>> of_whole_chunks((10, 4, 6), (2, 2, 3), 48)
    (2, 4, 6)
    """
    lengths, rows = list(chunks), math.prod(chunks)
    for place in reversed(range(len(lengths))):
        times = max(1, min(most // rows, -(-sizes[place] // lengths[place])))
        rows *= times
        lengths[place] *= times
    return tuple(lengths)


def in_order(
    shape: tuple[int, ...],
    sizes: Sequence[int],
    chunks: Sequence[int],
    most: int,
    most_reads: int,
) -> tuple[int, ...] | None:
    """A shape of blocks that have the rows in row-major order, one after the other; `shape` if so.

    Args:
        shape: Of blocks of whole chunks.
        sizes: How long each dimension is.
        chunks: How long a chunk is along each.
        most: Rows of a block.
        most_reads: How often a chunk may be read. None comes back where that is too little.
    """
    if rows_come_in_order(shape, sizes):
        return shape
    found = of_rows_in_order(sizes, chunks, most)
    return found if reads(found, chunks) <= most_reads else None


def of_rows_in_order(sizes: Sequence[int], chunks: Sequence[int], most: int) -> tuple[int, ...]:
    """All positions of the trailing dimensions, some of the one before, one of those before it.

    Args:
        sizes: How long each dimension is.
        chunks: How long a chunk is along each; the dimension that is cut is cut where these end.
        most: Rows of a block.

    >>> of_rows_in_order((10, 4, 6), (4, 2, 3), 80)
    (2, 4, 6)
    """
    place, rows = len(sizes), 1
    while place and rows * sizes[place - 1] <= most:
        place -= 1
        rows *= sizes[place]
    if not place:
        return tuple(sizes)
    chunk, longest = chunks[place - 1], max(1, most // max(1, rows))
    even = [length for length in range(1, min(longest, chunk) + 1) if chunk % length == 0]
    # A chunk of a prime number of positions is cut unevenly.
    length = even[-1] if even[-1] * 2 > min(longest, chunk) else longest
    return (*[1] * (place - 1), min(length, sizes[place - 1]), *sizes[place:])


def reads(shape: Sequence[int], chunks: Sequence[int]) -> int:
    """In how many blocks of a shape a chunk is read, about.

    >>> reads((2, 4, 6), (4, 2, 3))
    2
    """
    return math.prod(-(-chunk // length) for length, chunk in zip(shape, chunks, strict=True))


def rows_come_in_order(shape: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether blocks of a shape, one after the other, have the rows in row-major order.

    They do where a block has one position of the dimensions before one that is cut, and all
    positions of those behind it.

    >>> rows_come_in_order((1, 2, 6), (10, 4, 6)), rows_come_in_order((2, 2, 6), (10, 4, 6))
    (True, False)
    """
    first = next((place for place, length in enumerate(shape) if length > 1), len(shape))
    behind = zip(shape[first + 1 :], sizes[first + 1 :], strict=True)
    return all(size <= length for length, size in behind)


def boxes_along(size: int, length: int, positions: Positions | None) -> list[Box]:
    """Chosen positions of a dimension, in the blocks they fall into; blocks without any left out.

    Args:
        size: How long the dimension is.
        length: How long a block is.
        positions: The chosen ones, ascending; None: all.
    """
    starts = range(0, size, length)
    if positions is None:
        return [range(start, min(start + length, size)) for start in starts]
    parts = np.split(positions, np.searchsorted(positions, starts[1:]))
    return [part for part in parts if len(part)]
