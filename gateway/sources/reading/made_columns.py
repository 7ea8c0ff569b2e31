"""Columns that are no variable of a dataset: computed along a dimension, or laid into the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gateway.sources.arithmetic.along import Along, Axis
from gateway.sources.filters.pruning import Positions


@dataclass(frozen=True, slots=True)
class MadeColumn:
    """Such a column: no axis, and without attributes, which would depend on the units."""

    field: pa.Field
    axis: ClassVar[None] = None
    attributes: ClassVar[Mapping[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class DerivedColumn(MadeColumn):
    """A column that is computed along a dimension, whose numbers are `numbers`."""

    call: Along
    numbers: Axis

    @property
    def dtype(self) -> np.dtype[Any]:
        """Single or double precision."""
        return np.dtype(np.float64 if pa.types.is_float64(self.field.type) else np.float32)


@dataclass(frozen=True, slots=True)
class LaidColumn(MadeColumn):
    """Values by group, laid into a grid: the groups decide that a row's positions fall in.

    Args:
        field: Numbers; NaN is NULL.
        values: One for each combination of groups, a dimension of the grid after the other.
        groups: For each of these dimensions, in the grid's order, the group of each position.
    """

    values: npt.NDArray[Any]
    groups: Mapping[str, npt.NDArray[np.intp]]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its values."""
        return self.values.dtype

    def over(self, positions: Mapping[str, Positions]) -> npt.NDArray[Any]:
        """The values at some positions of each dimension; 1 long along those that do not matter."""
        codes = [held[positions[dim]] for dim, held in self.groups.items()]
        shape = [len(at) if dim in self.groups else 1 for dim, at in positions.items()]
        return self.values[np.ix_(*codes)].reshape(shape)
