"""Which columns a grid has: its dimensions, the variables on it, the coordinates beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from gateway.errors import FeatureNotSupported
from gateway.sources.libraries import xarray
from gateway.sources.reading.columns import field_of
from gateway.sources.reading.stored import GridColumn, Role


def grid_columns(
    dataset: xarray.Dataset, dims: tuple[str, ...], variables: Sequence[str]
) -> dict[str, GridColumn]:
    """Column name to column: dimensions, then variables, then every other coordinate on them.

    Raises:
        FeatureNotSupported: 0A000, a column's type has no PostgreSQL type; names the variable.
    """
    on = frozenset(dims)
    others = [
        str(name)
        for name, coordinate in dataset.coords.items()
        if name not in on and on.issuperset(map(str, coordinate.dims))
    ]
    columns = {dim: _dimension(dataset, dim) for dim in dims if not _is_multi(dataset, dim)}
    for name in (*variables, *others):
        columns[name] = _variable(dataset, name, dims)
    return columns


def _dimension(dataset: xarray.Dataset, dim: str) -> GridColumn:
    if dim not in dataset.variables:
        counted = xarray.Variable((dim,), np.arange(dataset.sizes[dim], dtype=np.int64))
        return GridColumn(pa.field(dim, pa.int64()), counted, dim, "position", (dim,))
    variable = dataset.variables[dim]
    if variable.dims != (dim,):
        raise FeatureNotSupported(
            f'coordinate "{dim}" has the name of a dimension but lies on {len(variable.dims)}',
            hint="Rename the coordinate or the dimension.",
        )
    return GridColumn(field_of(dim, variable, coordinate=True), variable, dim, "dimension", (dim,))


def _variable(dataset: xarray.Dataset, name: str, dims: tuple[str, ...]) -> GridColumn:
    stored = dataset.variables[name]
    variable = _turned(stored, [dim for dim in dims if dim in stored.dims])
    coordinate = name in dataset.coords
    # In a table of one dimension such a coordinate is as long as the table: not held in memory.
    held = coordinate and variable.ndim == 1 and len(dims) > 1
    axis = str(variable.dims[0]) if held else None
    own = tuple(map(str, stored.dims))
    role: Role = "coordinate" if coordinate else "variable"
    turned = stored if variable.dims != stored.dims else None
    return GridColumn(field_of(name, variable, coordinate), variable, axis, role, own, turned)


def _turned(stored: xarray.Variable, dims: Sequence[str]) -> xarray.Variable:
    """A variable with its dimensions in another order; nothing of it is read."""
    try:
        return stored.transpose(*dims)
    except AttributeError:  # xarray knows how to for all that it decodes but texts made of bytes
        lazy = xarray.core.indexing.LazilyIndexedArray(stored._data)
        return xarray.Variable(stored.dims, lazy, stored.attrs, stored.encoding).transpose(*dims)


def _is_multi(dataset: xarray.Dataset, dim: str) -> bool:
    """Whether `dim` is indexed by several levels, each of which is a coordinate of its own."""
    return dim in dataset.xindexes and isinstance(
        dataset.xindexes[dim].to_pandas_index(), pd.MultiIndex
    )
