"""One xarray variable as one Arrow column: its type, and its values in that type.

Every type here is one that PostgreSQL has, so that the engine computes as PostgreSQL would and
nothing is left to convert on the wire: unsigned integers go to the next signed width, NaN and NaT
are NULL, times count microseconds. What PostgreSQL cannot hold is refused by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from gateway.errors import DatasetUnreadable, FeatureNotSupported
from gateway.sources.libraries import cftime, xarray

Values = npt.NDArray[Any]

MICROSECONDS = pa.timestamp("us")

# numpy kind and item size -> Arrow. Kinds with any size stand under size 0.
#   kind, size      Arrow                  why not the type of the same name
TYPES: dict[tuple[str, int], pa.DataType] = {
    ("b", 1): pa.bool_(),
    ("i", 1): pa.int16(),  #              PostgreSQL has no one-byte integer
    ("i", 2): pa.int16(),
    ("i", 4): pa.int32(),
    ("i", 8): pa.int64(),
    ("u", 1): pa.int16(),  #              nor unsigned ones
    ("u", 2): pa.int32(),
    ("u", 4): pa.int64(),
    ("u", 8): pa.decimal128(20, 0),  #    numeric: bigint stops at 2^63 - 1
    ("f", 2): pa.float32(),
    ("f", 4): pa.float32(),
    ("f", 8): pa.float64(),
    ("M", 0): MICROSECONDS,
    ("m", 0): pa.duration("us"),
    ("U", 0): pa.string(),
    ("T", 0): pa.string(),
    ("S", 0): pa.binary(),
}

# What an object array may hold, by the Arrow type of its first value.
OBJECTS = (pa.string(), pa.binary(), pa.bool_(), pa.int64(), pa.float64(), pa.date32())

# Calendars whose dates are instants (CF conventions, section 4.4.1): converted as instants. The
# epoch is 1970-01-01 of the proleptic Gregorian calendar, written in the calendar itself.
INSTANTS = {
    "standard": "microseconds since 1970-01-01",
    "gregorian": "microseconds since 1970-01-01",
    "proleptic_gregorian": "microseconds since 1970-01-01",
    "julian": "microseconds since 1969-12-19",
}
# Calendars of models, whose dates all exist in PostgreSQL's: the date is kept.
SUBSETS = frozenset({"noleap", "365_day"})
# Calendars of models with dates such as 30 February: text, in which the order is kept.
TEXTS = frozenset({"360_day", "all_leap", "366_day"})

# Values looked at to learn what an object array holds.
_PEEK = 65_536


def field_of(name: str, variable: xarray.Variable, coordinate: bool) -> pa.Field:
    """The column's field; metadata carries the `calendar` of cftime dates.

    Coordinates of single precision widen to double, which is exact, so that the engine can
    compare them with a literal without a cast and hand the filter down.

    Raises:
        FeatureNotSupported: 0A000, PostgreSQL has no such type (complex, structured, mixed).
        DatasetUnreadable: 58030, the first values of an object array could not be read.
    """
    metadata = {}
    if variable.dtype != object and not isinstance(variable.dtype, pd.CategoricalDtype):
        arrow = _dtype_type(name, variable.dtype)
    else:
        first = _first_value(name, variable)
        arrow = _object_type(name, first)
        if isinstance(first, cftime.datetime):
            metadata["calendar"] = first.calendar
    if coordinate and pa.types.is_floating(arrow):
        arrow = pa.float64()
    return pa.field(name, arrow, metadata=metadata or None)


def attributes_of(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes as text, numbers, booleans, and lists of them; anything else becomes its text.

    >>> attributes_of({"units": "m", "range": np.array([0.5, 2.0]), "flag": np.int8(3)})
    {'units': 'm', 'range': [0.5, 2.0], 'flag': 3}
    """
    return {str(name): _plain(value) for name, value in attrs.items()}


def comment_of(attributes: Mapping[str, Any]) -> str:
    """What a variable holds, for people: its long_name and, in brackets, its units.

    >>> comment_of({"long_name": "zonal wind", "units": "m/s"}), comment_of({"units": "K"})
    ('zonal wind [m/s]', '[K]')
    """
    name = attributes.get("long_name") or attributes.get("standard_name") or ""
    units = f"[{attributes['units']}]" if attributes.get("units") else ""
    return " ".join(part for part in (str(name), units) if part)


def encode(values: Values, arrow: pa.DataType) -> pa.Array:
    """`values`, one-dimensional, in the type that `column_type` gave; NaN and NaT become NULL.

    Times finer than a microsecond are rounded to the nearest, halves up.

    Raises:
        pyarrow.ArrowException, OverflowError: A value that the type cannot hold.

    >>> encode(np.array([1.5, np.nan], ">f4"), pa.float64()).to_pylist()
    [1.5, None]
    """
    if pa.types.is_floating(arrow) and values.dtype.kind == "f":
        return _floats(values.astype(arrow.to_pandas_dtype(), copy=False))
    convert = _ENCODERS.get(values.dtype.kind)
    if convert is None:
        return pa.array(values, type=arrow)
    return convert(values, arrow)


def _floats(values: Values) -> pa.Array:
    # One pass without a temporary tells that there is no NaN, which is nearly always so.
    with np.errstate(all="ignore"):
        clean = not np.isnan(values.sum())
    return pa.array(values) if clean else pa.array(values, mask=np.isnan(values))


def _integers(values: Values, arrow: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(arrow):
        return pa.array(values.astype(np.uint64, copy=False)).cast(arrow)
    return pa.array(values.astype(arrow.to_pandas_dtype(), copy=False))


def _times(values: Values, arrow: pa.DataType) -> pa.Array:
    """datetime64 and timedelta64 of any unit, in microseconds."""
    kind = values.dtype.kind
    unit, count = np.datetime_data(values.dtype)
    if unit == "generic":
        unit, count = "us", 1
    if (unit, count) == ("us", 1):
        return pa.array(values.astype(f"{kind}8[us]", copy=False))
    missing = np.isnat(values)
    if unit == "ns" and count == 1:
        ticks = values.astype(f"{kind}8[ns]", copy=False).view(np.int64)
        ticks = (ticks // 1000) + (ticks % 1000 >= 500)
    else:
        ticks = _checked_microseconds(values, missing)
    return pa.array(ticks, mask=missing).cast(arrow)


def _checked_microseconds(values: Values, missing: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    kind = values.dtype.kind
    coarse = np.where(missing, np.zeros(1, values.dtype), values)
    fine = coarse.astype(f"{kind}8[us]")
    if (fine.astype(values.dtype) != coarse).any():
        raise OverflowError("a time is out of the range of microseconds in 64 bits")
    return fine.view(np.int64)


def _texts(values: Values, arrow: pa.DataType) -> pa.Array:
    return pa.array(values.astype(object), type=arrow, from_pandas=True)


def _bytes(values: Values, arrow: pa.DataType) -> pa.Array:
    # Arrow takes numpy's fixed bytes for C's strings, which end at the first zero.
    return pa.array(values.astype(object), type=arrow)


def _objects(values: Values, arrow: pa.DataType) -> pa.Array:
    missing = np.asarray(pd.isna(values))
    first = next(iter(values[~missing][:1]), None)
    if isinstance(first, cftime.datetime):
        return _calendar_dates(values, missing, first.calendar)
    return pa.array(values, type=arrow, mask=missing)


def _calendar_dates(values: Values, missing: npt.NDArray[np.bool_], calendar: str) -> pa.Array:
    dates = values[~missing]
    if calendar in INSTANTS:
        known = cftime.date2num(dates, INSTANTS[calendar], calendar=calendar).astype("M8[us]")
    elif calendar in SUBSETS:
        known = np.array([date.isoformat() for date in dates], "M8[us]")
    else:
        text = np.full(len(values), None, object)
        text[~missing] = [date.isoformat(" ") for date in dates]
        return pa.array(text, type=pa.string())
    times = np.full(len(values), np.datetime64("NaT"), "M8[us]")
    times[~missing] = known
    return pa.array(times)


_ENCODERS: dict[str, Callable[[Values, pa.DataType], pa.Array]] = {
    "i": _integers,
    "u": _integers,
    "M": _times,
    "m": _times,
    "U": _texts,
    "T": _texts,
    "S": _bytes,
    "O": _objects,
}


def _dtype_type(name: str, dtype: Any) -> pa.DataType:
    """The type of a numpy dtype; pandas has others, whose values numpy would alter."""
    if not isinstance(dtype, np.dtype):
        raise _refused(name, str(dtype))
    arrow = TYPES.get((dtype.kind, dtype.itemsize)) or TYPES.get((dtype.kind, 0))
    if arrow is None:
        raise _refused(name, str(dtype))
    return arrow


def _object_type(name: str, first: Any) -> pa.DataType:
    """The type of an object array by its first value; text when every value is missing."""
    if first is None:
        return pa.string()
    if isinstance(first, cftime.datetime):
        return _calendar_type(name, first.calendar)
    try:
        arrow = pa.scalar(first).type
    except pa.ArrowException as error:
        raise _refused(name, type(first).__name__) from error
    if arrow not in OBJECTS:
        raise _refused(name, type(first).__name__)
    return arrow


def _calendar_type(name: str, calendar: str) -> pa.DataType:
    if calendar in INSTANTS or calendar in SUBSETS:
        return MICROSECONDS
    if calendar in TEXTS:
        return pa.string()
    raise FeatureNotSupported(f'variable "{name}" has dates of an unknown calendar "{calendar}"')


def _first_value(name: str, variable: xarray.Variable) -> Any:
    """The first value that is not missing among the first few; None when all of them are."""
    if variable.size == 0:
        return None
    each = math.prod(variable.shape[1:])
    part = variable[: max(1, _PEEK // each)] if variable.ndim else variable
    # What a codec, a file system or a network raises is theirs to choose.
    try:
        values = np.asarray(part.values, object).ravel()
    except Exception as error:
        raise DatasetUnreadable(f'cannot read variable "{name}"', detail=str(error)) from error
    present = values[~np.asarray(pd.isna(values))]
    return present[0] if len(present) else None


def _plain(value: Any) -> Any:
    """An attribute's value as text, number, boolean or a list of them."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value if isinstance(value, bool | int | float | str) else str(value)


def _refused(name: str, kind: str) -> FeatureNotSupported:
    return FeatureNotSupported(
        f'variable "{name}" has values of type {kind}, which PostgreSQL does not have',
        hint="Leave the variable out, or store its parts as variables of their own.",
    )
