"""A dataset of rows made again what it was: types, roles, attributes and encodings of its origin.

Whatever is taken over loses no value: where one would be, a computed column under a variable's
name for instance, the rows' own type or encoding stays.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from gateway.sources.libraries import cftime, xarray
from gateway.sources.reading.columns import INSTANTS, TEXTS
from gateway.sources.reading.stored import Origin

Values = npt.NDArray[Any]
Attributes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the variables that columns come from.

    Args:
        attributes: By column; the dataset's own under "".
        origins: How they lie in their dataset, by column.
        stored: The dimensions of the grid that is read, in order, and their values; None where it
            is no single one.
    """

    attributes: Attributes
    origins: Mapping[str, Origin] = field(default_factory=dict)
    stored: Mapping[str, pa.Array] | None = None


# Attributes of moments and lengths of time that xarray makes as it writes them.
_OF_TIMES = ("units", "calendar", "dtype")


def restored(dataset: xarray.Dataset, known: Known) -> xarray.Dataset:
    """A dataset as `gridding.gridded` makes it, with what is known of its variables."""
    for name, origin in known.origins.items():
        if name in dataset.variables:
            dataset = _restored(dataset, name, origin)
    dataset.attrs.update(known.attributes.get("", {}))
    for key, variable in dataset.variables.items():
        name = str(key)
        variable.attrs.update(_timed(variable, known.attributes.get(name, {})))
        found = known.origins.get(name)
        variable.encoding = {} if found is None else _encoding(variable, found.encoding)
    return dataset


def _restored(dataset: xarray.Dataset, name: str, origin: Origin) -> xarray.Dataset:
    if origin.role == "position":
        counted = np.arange(dataset.sizes.get(name, -1))
        return dataset.drop_vars(name) if np.array_equal(dataset[name], counted) else dataset
    variable = dataset.variables[name]
    values = _dates(variable.values, origin.calendar) if origin.calendar else None
    if values is None:
        values = _cast(variable.values, np.dtype(origin.dtype))
    if values is not variable.values:
        dataset = dataset.assign({name: (variable.dims, values)})
    return dataset.set_coords(name) if origin.role == "coordinate" else dataset


def _cast(values: Values, dtype: np.dtype[Any]) -> Values:
    """Values as another type has them; as they are where it has not all of them."""
    if dtype.kind == "O" or dtype == values.dtype or not _are_alike(values, dtype):
        return values
    with np.errstate(all="ignore"):
        found = values.astype(dtype)
        back = found.astype(values.dtype)
    same = (back == values) | (np.asarray(pd.isna(back)) & np.asarray(pd.isna(values)))
    return found if same.all() else values


def _are_alike(values: Values, dtype: np.dtype[Any]) -> bool:
    """Whether both are whole numbers, or both reals, moments, lengths of time, texts."""
    kinds = {"i": "iu", "u": "iu", "O": "UST"}.get(values.dtype.kind, values.dtype.kind)
    if values.dtype.kind != "O":
        return dtype.kind in kinds
    wanted = bytes if dtype.kind == "S" else str
    return dtype.kind in kinds and all(isinstance(value, wanted) for value in values.ravel())


def _dates(values: Values, calendar: str) -> Values | None:
    """Moments, or texts of them, as dates of a calendar; None where they are no such."""
    flat, missing = values.ravel(), np.asarray(pd.isna(values)).ravel()
    found = np.full(flat.shape, None, object)
    known = flat[~missing]
    try:
        if calendar in TEXTS:
            found[~missing] = [_read(text, calendar) for text in known]
        elif values.dtype.kind != "M":
            return None
        elif calendar in INSTANTS:
            ticks = known.astype("M8[us]").astype(np.int64)
            found[~missing] = cftime.num2date(
                ticks, INSTANTS[calendar], calendar=calendar, only_use_cftime_datetimes=True
            )
        else:
            found[~missing] = [_at(date, calendar) for date in known.astype("M8[us]").tolist()]
    except (ValueError, TypeError, AttributeError):  # no such date: a computed one
        return None
    return found.reshape(values.shape)


def _read(text: str, calendar: str) -> cftime.datetime:
    date, _, clock = text.partition(" ")
    fraction = clock.partition(".")[2]
    parts = [*date.rsplit("-", 2), *clock.partition(".")[0].split(":")]
    return cftime.datetime(
        *map(int, parts), int(fraction.ljust(6, "0")) if fraction else 0, calendar=calendar
    )


def _at(date: datetime, calendar: str) -> cftime.datetime:
    return cftime.datetime(
        date.year, date.month, date.day, date.hour, date.minute, date.second, date.microsecond,
        calendar=calendar,
    )  # fmt: skip


def _timed(variable: xarray.Variable, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes without those that tell how moments are written, which files tell anew."""
    first = next(iter(variable.values.ravel()[:1]), None) if variable.dtype == object else None
    if variable.dtype.kind not in "mM" and not isinstance(first, cftime.datetime):
        return dict(attributes)
    return {key: value for key, value in attributes.items() if key not in _OF_TIMES}


def _encoding(variable: xarray.Variable, encoding: Mapping[str, Any]) -> dict[str, Any]:
    """The encoding; nothing where values would not come back from it as they are."""
    if not encoding:
        return {}
    tried = xarray.Variable(variable.dims, variable.values, variable.attrs, dict(encoding))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            written = xarray.conventions.encode_cf_variable(tried)
            back = xarray.conventions.decode_cf_variable("", written)
            same: bool = back.load().identical(variable)  # type: ignore[no-untyped-call]
            kept = same and back.dtype.kind == variable.dtype.kind
    except Exception:  # whatever the libraries say of an encoding that does not fit
        return {}
    return dict(encoding) if kept else {}
