"""Which rows can be among the first ones by a value: `ORDER BY v DESC LIMIT 10`, batch by batch.

The engine sorts what comes; only the rows are let through that may be among the first, so that the
other columns of nearly all rows are never read, repeated or compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class First:
    """The first rows by a column.

    Args:
        column: Of numbers.
        count: How many rows; 1 at least.
        down: Whether the greatest come first.
        nulls_first: Whether NULL comes before all numbers, or after them.
    """

    column: str
    count: int
    down: bool
    nulls_first: bool


class Leaders:
    """The best values that a scan has come across so far.

    >>> leaders = Leaders(First("v", 2, down=True, nulls_first=False))
    >>> [leaders.among(pa.array(v)).tolist() for v in ([1, 5, 3], [4, 2, 5])]
    [[False, True, True], [False, False, True]]
    """

    def __init__(self, first: First) -> None:
        self._first = first
        self.column = first.column
        self._best: Values | None = None
        self._nulls = 0

    def among(self, values: pa.Array) -> Mask:
        """Which rows may be among the first: a row more does no harm, and ties are all there."""
        first, missing = self._first, values.is_null().to_numpy(zero_copy_only=False)
        self._nulls += values.null_count
        if first.nulls_first and self._nulls >= first.count:
            return np.asarray(missing)
        numbers = (values.fill_null(0) if values.null_count else values).to_numpy()
        worst = self._worst(numbers[~missing] if values.null_count else numbers)
        if worst is None:
            return np.ones(len(values), np.bool_)
        good = numbers >= worst if first.down else numbers <= worst
        return np.asarray(good | missing if first.nulls_first else good & ~missing)

    def _worst(self, numbers: Values) -> Any:
        """The last of the best values, these included; None: there are too few yet."""
        count, down = self._first.count, self._first.down
        if self._best is not None and len(self._best) == count:
            limit = self._best.min() if down else self._best.max()
            numbers = numbers[numbers > limit if down else numbers < limit]
        if self._best is not None:
            numbers = np.concatenate([self._best, numbers])
        if len(numbers) > count:
            at = len(numbers) - count if down else count - 1
            parted = np.partition(numbers, at)
            numbers = parted[at:] if down else parted[:count]
        self._best = numbers
        if len(numbers) < count:
            return None
        return numbers.min() if down else numbers.max()
