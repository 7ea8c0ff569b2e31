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
from gateway.sources.reading.stored import Origin

Values = npt.NDArray[Any]
Axes = dict[str, tuple[Values, npt.NDArray[np.intp]]]  # values, and the position of each row

# Kind of values -> the type that has room for a missing one, and the missing one.
_GAPS: dict[str, tuple[Any, Any]] = {
    "i": (np.float64, np.nan),
    "u": (np.float64, np.nan),
    "b": (object, None),
    "O": (object, None),
    "M": ("M8[us]", np.datetime64("NaT")),
    "m": ("m8[us]", np.timedelta64("NaT")),
}

# Cells of a grid for each row, at most, past MOST_CELLS: fewer rows are scattered points.
_SPARSEST = 100
MOST_CELLS = 1 << 24


# Whole numbers up to this are doubles, too.
MOST_EXACT = 1 << 53


class NoGrid(ValueError):
    """Rows that do not make a grid."""


def gridded(
    columns: Mapping[str, Values],
    dims: Sequence[str],
    origins: Mapping[str, Origin] | None = None,
    stored: Mapping[str, Values] | None = None,
) -> xarray.Dataset:
    """A dataset in which every row is one cell.

    A column named in `dims` becomes a dimension, in the order of its values as they come where
    that rises or falls, else as it is in its dataset, else ascending; every other column a
    variable on all of them, or on those of the variable of its name, if its values say no other.
    Where a combination has no row there is NaN, NaT or None.

    Args:
        columns: Name to values, all of one length.
        dims: The columns that become dimensions.
        origins: How variables of these names lie in a dataset.
        stored: The dimensions of a grid in order, and their values: where the rows are all of its
            rows, as it stores them, their place is known, though values repeat or are missing.

    Raises:
        NoGrid: A dimension is no column, named twice, or missing in some row; two rows have the
            same place; or
            the grid would be all but empty.
    """
    origins = origins or {}
    for dim in dims:
        if dim not in columns:
            raise NoGrid(f'the query has no column "{dim}"; it has {", ".join(columns)}')
    if len(set(dims)) < len(dims):
        raise NoGrid(f"a dimension is named twice: {', '.join(dims)}")
    rows = len(next(iter(columns.values())))
    axes = _whole(columns, stored, rows) if stored and [*stored] == [*dims] else None
    if axes is None:
        axes = _axes({dim: columns[dim] for dim in dims}, origins)
    size = math.prod(len(values) for values, _ in axes.values())
    if size > max(MOST_CELLS, _SPARSEST * rows):
        raise NoGrid(f"{rows} rows would be scattered over a grid of {size} cells")
    _refuse_repeated(_places(axes, dims, rows), axes)
    variables = {
        name: _variable(values, axes, origins.get(name), rows)
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


def _whole(columns: Mapping[str, Values], grid: Mapping[str, Values], rows: int) -> Axes | None:
    """The axes of a grid, where the rows are all of its rows in order."""
    shape = tuple(map(len, grid.values()))
    if math.prod(shape) != rows:
        return None
    codes = [each.ravel() for each in np.indices(shape)]
    axes = {dim: (values, at) for (dim, values), at in zip(grid.items(), codes, strict=True)}
    same = all(_same(values[at], columns[dim]) for dim, (values, at) in axes.items())
    return axes if same else None


def _axes(columns: Mapping[str, Values], origins: Mapping[str, Origin]) -> Axes:
    """Each dimension's values, and the position of each row among them."""
    found: Axes = {}
    for name, column in columns.items():
        codes, values = pd.factorize(column)
        if (codes < 0).any():
            raise NoGrid(f'dimension "{name}" is NULL in some row')
        found[name] = np.asarray(values), codes
    steps = np.diff(_places(found, tuple(found), len(next(iter(columns.values()), ()))))
    stored = bool((steps > 0).all())  # the rows come as a grid stores them
    return {name: _ordered(*axis, origins.get(name), stored) for name, axis in found.items()}


def _ordered(
    values: Values, codes: npt.NDArray[np.intp], origin: Origin | None, stored: bool
) -> tuple[Values, npt.NDArray[np.intp]]:
    index = pd.Index(values)
    role = "" if origin is None else origin.role
    if index.is_monotonic_increasing or (index.is_monotonic_decreasing and role != "position"):
        return values, codes
    if stored and origin is not None and role == "dimension" and not origin.order:
        return values, codes
    order = index.argsort()
    if origin is not None and origin.order == "descending":
        order = order[::-1]
    return values[order], np.argsort(order)[codes]


def _places(axes: Axes, dims: Sequence[str], rows: int) -> npt.NDArray[np.intp]:
    """The cell of each row in a grid on `dims`."""
    if not dims:
        return np.zeros(rows, np.intp)
    shape = tuple(len(axes[dim][0]) for dim in dims)
    return np.ravel_multi_index(tuple(axes[dim][1] for dim in dims), shape)


def _variable(
    values: Values, axes: Axes, origin: Origin | None, rows: int
) -> tuple[tuple[str, ...], Values]:
    """The values on the dimensions of their origin, unless they differ along another."""
    dims = tuple(axes)
    if origin is not None and rows and set(origin.dims) <= set(dims):
        own = _spread(values, axes, origin.dims)
        if len(origin.dims) == len(dims) or _same(
            own.ravel()[_places(axes, origin.dims, rows)], values
        ):
            return origin.dims, own
    return dims, _spread(values, axes, dims)


def _same(one: Values, other: Values) -> bool:
    """Whether two columns are equal, what is missing included."""
    missing = np.asarray(pd.isna(one)) & np.asarray(pd.isna(other))
    return bool(((one == other) | missing).all())


def _refuse_repeated(place: npt.NDArray[np.intp], axes: Axes) -> None:
    _, first, counts = np.unique(place, return_index=True, return_counts=True)
    if (counts > 1).any():
        row = first[counts > 1][0]
        where = ", ".join(f"{dim} {values[codes[row]]}" for dim, (values, codes) in axes.items())
        raise NoGrid(f"several rows have the same place: {where or 'there are no dimensions'}")


def _spread(values: Values, axes: Axes, dims: Sequence[str]) -> Values:
    """The values at their places; where there is none, what stands for a missing one."""
    place = _places(axes, dims, len(values))
    shape = tuple(len(axes[dim][0]) for dim in dims)
    size = math.prod(shape)
    taken = np.zeros(size, bool)
    taken[place] = True
    if taken.all():
        found = np.empty(size, values.dtype)
    else:
        dtype, missing = _GAPS.get(values.dtype.kind, (values.dtype, np.nan))
        if values.dtype.kind in "iu" and (np.abs(values.astype(object)) > MOST_EXACT).any():
            raise NoGrid("whole numbers beyond 2^53, beside places that have no row")
        found = np.full(size, missing, dtype)
    found[place] = values
    return found.reshape(shape)
