"""Several files as one dataset, in the order of their coordinates."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, cast

import numpy as np

from gateway.sources.libraries import xarray


def combined(
    parts: Sequence[xarray.Dataset | xarray.DataTree],
) -> xarray.Dataset | xarray.DataTree:
    """What the files hold together; hierarchies group by group.

    Raises:
        ValueError: They do not go together.
    """
    trees = [part for part in parts if isinstance(part, xarray.DataTree)]
    flat = [part for part in parts if isinstance(part, xarray.Dataset)]
    if not trees:
        return _combined(flat)
    groups = trees[0].groups
    if flat or any({*tree.groups} != {*groups} for tree in trees):
        raise ValueError("The files have different groups.")
    return xarray.DataTree.from_dict(
        {group: _combined([tree[group].to_dataset() for tree in trees]) for group in groups}
    )


def _combined(parts: list[xarray.Dataset]) -> xarray.Dataset:
    if not any(part.variables for part in parts):
        return parts[0]
    found = xarray.combine_by_coords(
        _spread(parts),
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="outer",
        combine_attrs="override",
    )
    return cast("xarray.Dataset", found)


def _spread(parts: list[xarray.Dataset]) -> list[xarray.Dataset]:
    """The files with what is one value in each, but not the same, along what they differ in.

    That is the one dimension whose coordinate differs. Where none does, as with files of one
    moment each, it is the time, or what else has another value in every file.
    """
    first = parts[0]
    own = [name for name in first.variables if _differs(name, parts)]
    if not own:
        return parts
    dims = [dim for dim in first.dims if _index_differs(dim, parts)]
    if len(dims) > 1:
        several = ", ".join(map(str, dims))
        raise ValueError(f'"{own[0]}" has one value in each file, and these differ in {several}.')
    if not dims:
        made = [
            name for name in own if len({str(part[name].values) for part in parts}) == len(parts)
        ]
        if not made:
            return parts
        dims = ["time" if "time" in made else made[0]]
        parts = [part.set_coords(dims).expand_dims(dims) for part in parts]
    along = [name for name in own if name != dims[0]]
    return [part.assign({name: _repeated(part, name, dims[0]) for name in along}) for part in parts]


def _repeated(part: xarray.Dataset, name: Hashable, dim: Hashable) -> xarray.Variable:
    held = part.variables[name]
    values = np.repeat(held.values.reshape(-1)[:1], part.sizes[dim])
    return xarray.Variable((dim,), values, held.attrs)


def _differs(name: Hashable, parts: list[xarray.Dataset]) -> bool:
    found: list[Any] = [part.variables.get(name) for part in parts]
    first, *others = found
    if first is None or first.dims or any(each is None or each.dims for each in others):
        return False
    return not all(first.equals(each) for each in others)


def _is_each_other(name: Hashable, parts: list[xarray.Dataset]) -> bool:
    """Whether a single value is another in every file."""
    return len({str(part.variables[name].values) for part in parts}) == len(parts)


def _index_differs(dim: Hashable, parts: list[xarray.Dataset]) -> bool:
    first, *others = (part.indexes.get(dim) for part in parts)
    return first is not None and any(each is not None and not first.equals(each) for each in others)
