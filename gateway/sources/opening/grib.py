"""GRIB files through cfgrib: every field of a file, read message by message.

A file of several levels and kinds of fields is rarely one dataset: winds at 10 m and temperatures
at 2 m have one coordinate of two values. cfgrib leaves out what does not fit the first, and says so
in the log alone; here such a file is a hierarchy with a group for each kind of level.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from gateway.sources.libraries import xarray

# Dimensions inside one message (cfgrib's build_geography_coordinates); others count messages.
INSIDE = frozenset({"latitude", "longitude", "y", "x", "values"})

# Messages that cannot be read, and fields that do not fit, are errors; no index beside the file.
QUIET = {"indexpath": "", "errors": "raise"}


def open_grib(path: str, options: dict[str, Any]) -> xarray.Dataset | xarray.DataTree:
    """The fields of a GRIB file; where they do not fit together, a hierarchy.

    Args:
        path: The file. Nothing is written beside it, where cfgrib would leave its index.
        options: Of `xarray.open_dataset`.
    """
    store = import_module("cfgrib.xarray_store")
    with tempfile.TemporaryDirectory() as folder:  # of an index: the file is gone through once
        index = {"indexpath": str(Path(folder, "{hash}.idx"))}
        options = options | {"backend_kwargs": QUIET | index}
        try:
            return _by_message(xarray.open_dataset(path, **options))
        except store.DatasetBuildError:
            parts = fitted(store.open_variable_datasets(path, **options))
    return xarray.DataTree.from_dict(dict(zip(names(parts), map(_by_message, parts), strict=True)))


def fitted(fields: Sequence[xarray.Dataset]) -> list[xarray.Dataset]:
    """Those fields together that are of one kind of level and have the same coordinates."""
    parts: list[xarray.Dataset] = []
    for field in fields:
        place = next((n for n, part in enumerate(parts) if _fits(part, field)), None)
        if place is None:
            parts.append(field)
            continue
        part = parts[place]
        parts[place] = part.assign({name: field.variables[name] for name in field.data_vars})
        parts[place].attrs = {
            key: value for key, value in part.attrs.items() if field.attrs.get(key) == value
        }
    return parts


def _fits(part: xarray.Dataset, field: xarray.Dataset) -> bool:
    return (
        _tags(part)[0] == _tags(field)[0]
        and part.data_vars.keys().isdisjoint(field.data_vars)
        and part.coords.equals(field.coords)
    )


def names(parts: Sequence[xarray.Dataset]) -> list[str]:
    """What to call each part: its kind of level, and what tells it from others of that kind.

    That is the level itself, then the kind of step (`instant`, `accum`), then a number.
    """
    tags = [_tags(part) for part in parts]
    found = []
    for own in tags:
        alike = [each for each in tags if each[0] == own[0]]
        enough = (n for n in range(1, len(own)) if [a[:n] for a in alike].count(own[:n]) == 1)
        found.append("_".join(filter(None, own[: next(enough, len(own))])))
    return [
        name if found.count(name) == 1 else f"{name}_{found[:n].count(name) + 1}"
        for n, name in enumerate(found)
    ]


def _tags(part: xarray.Dataset) -> tuple[str, ...]:
    attrs = next(iter(part.data_vars.values())).attrs
    level = str(attrs.get("GRIB_typeOfLevel", "undef"))
    single = level in part.coords and not part[level].dims
    return level, f"{float(part[level]):g}" if single else "", str(attrs.get("GRIB_stepType", ""))


def _by_message(part: xarray.Dataset) -> xarray.Dataset:
    """The dataset, read as it is stored: a message is one position of every dimension outside."""
    for variable in part.data_vars.values():
        variable.encoding["preferred_chunks"] = {
            str(dim): size if dim in INSIDE else 1 for dim, size in variable.sizes.items()
        }
    return part
