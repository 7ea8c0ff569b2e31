"""Rows back into arrays: columns of values as a dataset on a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateway.sources.libraries import xarray

Values = npt.NDArray[Any]

# Kind of values -> the type that has room for a missing one, and the missing one.
_GAPS: dict[str, tuple[Any, Any]] = {
    "i": (np.float64, np.nan),
    "b": (object, None),
    "O": (object, None),
    "M": ("M8[us]", np.datetime64("NaT")),
    "m": ("m8[us]", np.timedelta64("NaT")),
}

# Cells of a grid for each row, at most, past MOST_CELLS: fewer rows are scattered points.
_SPARSEST = 100
MOST_CELLS = 1 << 24


class NoGrid(ValueError):
    """Rows that do not make a grid."""


def gridded(columns: Mapping[str, Values], dims: Sequence[str]) -> xarray.Dataset:
    """A dataset in which every row is one cell.

    A column named in `dims` becomes a dimension, in the order of its values as they come where
    that rises or falls, else ascending; every other column a variable on all of them. Where a
    combination has no row there is NaN, NaT or None.

    Raises:
        NoGrid: A dimension is no column, named twice, or missing in some row; two rows have the
            same place; or
            the grid would be all but empty.
    """
    for dim in dims:
        if dim not in columns:
            raise NoGrid(f'the query has no column "{dim}"; it has {", ".join(columns)}')
    if len(set(dims)) < len(dims):
        raise NoGrid(f"a dimension is named twice: {', '.join(dims)}")
    axes = {dim: _axis(dim, columns[dim]) for dim in dims}
    shape = tuple(len(values) for values, _ in axes.values())
    at = tuple(codes for _, codes in axes.values())
    rows = len(next(iter(columns.values())))
    size = math.prod(shape)
    if size > max(MOST_CELLS, _SPARSEST * rows):
        raise NoGrid(f"{rows} rows would be scattered over a grid of {size} cells")
    place = np.ravel_multi_index(at, shape) if at else np.zeros(rows, np.intp)
    _refuse_repeated(place, axes)
    variables = {
        name: (tuple(dims), _spread(values, place, size).reshape(shape))
        for name, values in columns.items()
        if name not in axes
    }
    return xarray.Dataset(variables, {dim: values for dim, (values, _) in axes.items()})


def _axis(name: str, column: Values) -> tuple[Values, npt.NDArray[np.intp]]:
    """A dimension's values, and the position of each row among them."""
    codes, values = pd.factorize(column)
    if (codes < 0).any():
        raise NoGrid(f'dimension "{name}" is NULL in some row')
    index = pd.Index(values)
    if not (index.is_monotonic_increasing or index.is_monotonic_decreasing):
        order = index.argsort()
        values, codes = np.asarray(values)[order], np.argsort(order)[codes]
    return np.asarray(values), codes


def _refuse_repeated(
    place: npt.NDArray[np.intp], axes: Mapping[str, tuple[Values, npt.NDArray[np.intp]]]
) -> None:
    _, first, counts = np.unique(place, return_index=True, return_counts=True)
    if (counts > 1).any():
        row = first[counts > 1][0]
        where = ", ".join(f"{dim} {values[codes[row]]}" for dim, (values, codes) in axes.items())
        raise NoGrid(f"several rows have the same place: {where or 'there are no dimensions'}")


def _spread(values: Values, place: npt.NDArray[np.intp], size: int) -> Values:
    """The values at their places; where there is none, what stands for a missing one."""
    if len(place) == size:
        found = np.empty(size, values.dtype)
    else:
        dtype, missing = _GAPS.get(values.dtype.kind, (values.dtype, np.nan))
        found = np.full(size, missing, dtype)
    found[place] = values
    return found
