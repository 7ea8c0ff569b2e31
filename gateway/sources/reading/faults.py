"""Which chunk of those that a read wanted cannot be read, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.errors import DatasetUnreadable, QueryCanceled
from gateway.sources.filters.pruning import Positions, consecutive
from gateway.sources.urls import shown

Values = npt.NDArray[Any]
Places = Mapping[str, Positions]

# A read that failed within this time is done again in parts, to tell which chunk cannot be read.
AGAIN_SECONDS = 5.0

_OPENS_ANEW = 'REFRESH "{}" opens it anew.'


class Replaced(OSError):
    """What was opened is not there any more, or something else is."""


def unreadable(dataset: str, variable: str, where: object, error: Exception) -> DatasetUnreadable:
    """The error for values that could not be read; keeps the reader's first line as the detail."""
    reason = shown((str(error).strip().splitlines() or [type(error).__name__])[0])
    return DatasetUnreadable(
        f'cannot read variable "{variable}" of dataset "{dataset}"',
        detail=f"At {where}: {reason}",
        hint=_OPENS_ANEW.format(dataset) if isinstance(error, Replaced) else "",
    )


def replaced(dataset: str, error: Replaced) -> DatasetUnreadable:
    """The error for a dataset of which nothing is to be told any more, coordinates neither."""
    hint = _OPENS_ANEW.format(dataset)
    return DatasetUnreadable(f'cannot read dataset "{dataset}"', detail=str(error), hint=hint)


def first_fault(
    read: Callable[[Mapping[str, Any]], Values],
    chosen: Places,
    lengths: Mapping[str, int],
    take: Callable[[Callable[[], Values]], object],
) -> Places:
    """Those of `chosen` that lie in one chunk which cannot be read; all, where none is found.

    Halves are read again until one chunk is left, so as much at the most as was read before.

    Args:
        read: Reads a variable at some positions, and could not read all of them.
        chosen: Positions along each of its dimensions, ascending.
        lengths: How long a chunk is along each.
        take: Calls what reads some of them, and raises what stores and codecs raise.
    """

    def fails(places: Places) -> bool:
        index = {dim: consecutive(at) for dim, at in places.items()}
        try:
            take(lambda: read(index))
        except QueryCanceled:
            raise
        except Exception:  # of whatever kind a store or a codec chooses
            return True
        return False

    left = chosen
    while (halves := _halves(left, lengths)) is not None:
        left = halves[0] if fails(halves[0]) else halves[1]
    return left if left is chosen or fails(left) else chosen


def _halves(chosen: Places, lengths: Mapping[str, int]) -> tuple[Places, Places] | None:
    """The positions in two, between two chunks; None where there is one chunk."""
    for dim, positions in chosen.items():
        chunks = np.unique(positions // lengths[dim])
        if len(chunks) > 1:
            middle = np.searchsorted(positions, chunks[len(chunks) // 2] * lengths[dim])
            near, far = np.split(positions, [middle])
            return {**chosen, dim: near}, {**chosen, dim: far}
    return None
