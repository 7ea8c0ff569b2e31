"""A column whose value the groups decide that a row's positions fall in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.sources.filters.pruning import Positions


@dataclass(frozen=True, slots=True)
class LaidColumn:
    """Values by group, laid into a grid.

    Args:
        field: Numbers; NaN is NULL.
        values: One for each combination of groups, a dimension of the grid after the other.
        groups: For each of these dimensions, in the grid's order, the group of each position.
    """

    field: pa.Field
    values: npt.NDArray[Any]
    groups: Mapping[str, npt.NDArray[np.intp]]
    axis: None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """None."""
        return {}

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return self.values.dtype

    def over(self, positions: Mapping[str, Positions]) -> npt.NDArray[Any]:
        """The values at some positions of each dimension; 1 long along those that do not matter."""
        codes = [held[positions[dim]] for dim, held in self.groups.items()]
        shape = [len(at) if dim in self.groups else 1 for dim, at in positions.items()]
        return self.values[np.ix_(*codes)].reshape(shape)
