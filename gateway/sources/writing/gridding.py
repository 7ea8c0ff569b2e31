"""Rows back into arrays: columns of values as a dataset on a grid."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gateway.sources.libraries import xarray

Values = npt.NDArray[Any]

# Kind of values -> the type that has room for a missing one, and the missing one.
_GAPS: dict[str, tuple[Any, Any]] = {
    "i": (np.float64, np.nan),
    "u": (np.float64, np.nan),
    "b": (object, None),
    "O": (object, None),
    "M": ("M8[us]", np.datetime64("NaT")),
    "m": ("m8[us]", np.timedelta64("NaT")),
}

# Attributes of moments and lengths of time that xarray makes as it writes them.
_OF_TIMES = ("units", "calendar", "dtype")

# Cells of a grid for each row, at most, past MOST_CELLS: fewer rows are scattered points.
_SPARSEST = 100
MOST_CELLS = 1 << 24


# Whole numbers up to this are doubles, too.
MOST_EXACT = 1 << 53


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


def numbers(values: Sequence[Any]) -> Values:
    """Numerics, or texts of them: whole numbers of 64 bits where all are such, else doubles.

    >>> numbers(["18446744073709551615"]).dtype, numbers(["1", "2.5"]).dtype
    (dtype('uint64'), dtype('float64'))
    """
    read = [None if value is None else Decimal(value) for value in values]
    if all(value is not None and value.as_tuple().exponent == 0 for value in read):
        for dtype in ("i8", "u8"):
            with contextlib.suppress(OverflowError):
                return np.array([int(value) for value in read if value is not None], dtype)
    return np.array([np.nan if value is None else float(value) for value in read], "f8")


def lengths(values: Iterable[Any]) -> Values:
    """Arrow's intervals as lengths of time in microseconds.

    Raises:
        ValueError: One has months, which have no one length.
    """
    found = []
    for value in values:
        if value is not None and value.months:
            raise ValueError("an interval of months has no one length")
        whole = None if value is None else value.days * 86_400_000_000 + value.nanoseconds // 1000
        found.append(np.timedelta64("NaT" if whole is None else whole, "us"))
    return np.array(found, "m8[us]")


def timed(variable: xarray.Variable, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without those that tell how moments are written, which files tell anew."""
    if variable.dtype.kind not in "mM":
        return dict(attributes)
    return {key: value for key, value in attributes.items() if key not in _OF_TIMES}


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
        if values.dtype.kind in "iu" and (np.abs(values.astype(object)) > MOST_EXACT).any():
            raise NoGrid("whole numbers beyond 2^53, beside places that have no row")
        found = np.full(size, missing, dtype)
    found[place] = values
    return found
