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
Positions = npt.NDArray[np.intp]


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
        first, missing = self._first, None
        if values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            values = values.fill_null(0)
            self._nulls += int(missing.sum())
        if first.nulls_first and self._nulls >= first.count:
            return np.zeros(len(values), np.bool_) if missing is None else np.asarray(missing)
        good = self._numbers_among(values.to_numpy(), missing)
        if self._limit() is None:  # every row may be among the first, NULL too
            return np.ones(len(values), np.bool_)
        return good | missing if missing is not None and first.nulls_first else good

    def reaching(self, numbers: Values) -> Positions | None:
        """The places of those of some numbers that may be among the first; None: it may be any.

        It may be any until there are enough of them, and where NaN stands for NULL. Nearly always
        the best of the numbers tells that none of them is, without a copy or a mask.
        """
        limit = self._limit()
        if limit is None or not len(numbers) or numbers.dtype.kind not in "iuf":
            return None
        best = numbers.max() if self._first.down else numbers.min()
        if np.isnan(best):
            return None
        if not self._reaches(best, limit):
            return np.zeros(0, np.intp)
        return np.flatnonzero(self._reaches(numbers, limit))

    def still_among(self, values: pa.Array) -> Mask:
        """Which rows of those that were among the first still may be."""
        if self._first.nulls_first and self._nulls >= self._first.count:
            return np.asarray(values.is_null().to_numpy(zero_copy_only=False))
        limit = self._limit()
        if limit is None:
            return np.ones(len(values), np.bool_)
        good = self._reaches(values.fill_null(0).to_numpy(), limit)
        missing = values.is_null().to_numpy(zero_copy_only=False)
        return np.asarray(good | missing if self._first.nulls_first else good & ~missing)

    def _numbers_among(self, numbers: Values, missing: Mask | None) -> Mask:
        limit = self._limit()
        good = np.ones(len(numbers), np.bool_) if limit is None else self._reaches(numbers, limit)
        if missing is not None:
            good &= ~missing
        found = numbers[good]
        if not len(found):
            return good
        self._take_in(found if limit is None else found[found != limit])
        worse = self._limit()
        if worse is not None and worse != limit:
            good[good] = self._reaches(found, worse)
        return good

    def _limit(self) -> Any:
        """The last of the best values; None: there are too few yet."""
        if self._best is None or len(self._best) < self._first.count:
            return None
        return self._best.min() if self._first.down else self._best.max()

    def _reaches(self, numbers: Values, limit: Any) -> Mask:
        return np.asarray(numbers >= limit if self._first.down else numbers <= limit)

    def _take_in(self, numbers: Values) -> None:
        count, down = self._first.count, self._first.down
        if self._best is not None:
            numbers = np.concatenate([self._best, numbers])
        if len(numbers) > count:
            at = len(numbers) - count if down else count - 1
            parted = np.partition(numbers, at)
            numbers = parted[at:] if down else parted[:count]
        self._best = numbers
