"""Random datasets: every dtype, coordinates of every kind, packed or not, in dask or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import cftime
import numpy as np
import pandas as pd
import pyarrow as pa
import xarray
from hypothesis import strategies as st

#    numpy dtype       the column's Arrow type
DTYPES = {
    "bool": pa.bool_(),
    "int8": pa.int16(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.int16(),
    "uint16": pa.int32(),
    "uint32": pa.int64(),
    "uint64": pa.decimal128(20, 0),
    "float16": pa.float32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    ">f4": pa.float32(),
    ">i2": pa.int16(),
    "M8[s]": pa.timestamp("us"),
    "M8[ms]": pa.timestamp("us"),
    "M8[us]": pa.timestamp("us"),
    "M8[ns]": pa.timestamp("us"),
    "m8[s]": pa.duration("us"),
    "m8[ns]": pa.duration("us"),
    "U5": pa.string(),
    "S5": pa.binary(),
    "O": pa.string(),
}


def values_of(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Random values, with gaps where the dtype can have them."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 100, shape)
    if dtype == "O":
        words = np.array([f"w{n}" if n % 5 else None for n in small.ravel()], object)
        return words.reshape(shape)
    if dtype[0] in "US":
        return small.astype("U5").astype(dtype)
    if dtype[0] in "Mm":
        times = (small * 86_400).astype(f"{dtype[0]}8[s]").astype(dtype)
        return np.where(small % 5 == 0, np.array("NaT", dtype), times)
    if np.dtype(dtype).kind == "f":
        return np.where(small % 5 == 0, np.nan, small / 4).astype(dtype)
    return (small % 2 == 0) if dtype == "bool" else small.astype(dtype)


@st.composite
def datasets(draw: st.DrawFn) -> xarray.Dataset:
    """Up to four dimensions, coordinates of any kind or none, any dtypes, packed or not.

    Coordinates rise, fall, repeat, are dates of calendars, spans, objects; one dimension may have a
    multi-index. Names need quoting in SQL.
    """
    dims = draw(st.lists(st.sampled_from(["t", "lat", "lon x", "Größe"]), unique=True, max_size=4))
    sizes = {dim: draw(st.integers(1, 5)) for dim in dims}
    coords: dict[str, object] = {}
    for dim, size in sizes.items():
        kind = draw(st.sampled_from(["none", *_COORDINATES]))
        if kind != "none":
            coords[dim] = _COORDINATES[kind](np.arange(size))
    if dims and draw(st.booleans()):
        coords["month"] = (dims[0], np.arange(sizes[dims[0]], dtype="f4"))
    if len(dims) > 1 and draw(st.booleans()):
        coords["area"] = (dims[:2][::-1], values_of("float64", (sizes[dims[1]], sizes[dims[0]]), 3))
    if draw(st.booleans()):
        coords["level"] = 500.0
    shape = tuple(sizes.values())
    kinds = draw(st.lists(st.sampled_from([*DTYPES, "packed"]), min_size=1, max_size=3))
    data = {
        name: _packed(dims, shape) if kind == "packed" else (dims, values_of(kind, shape, n))
        for n, (name, kind) in enumerate(zip(['2m "temp"', "T", "v"], kinds, strict=False))
    }
    made = xarray.decode_cf(xarray.Dataset(data, coords))
    made = made.chunk({dim: 2 for dim in dims}) if draw(st.booleans()) else made
    return _with_levels(made, dims[-1]) if dims and draw(st.integers(0, 4)) == 0 else made


def _dates(calendar: str) -> Callable[[np.ndarray], np.ndarray]:
    def dates(up: np.ndarray) -> np.ndarray:
        first = cftime.datetime(2000, 2, 28, 6, calendar=calendar)
        return np.array([first + timedelta(days=int(n)) for n in up], object)

    return dates


_COORDINATES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "up": lambda up: up * 2.5,
    "down32": lambda up: (90 - up * 0.1).astype("f4"),
    "repeated": lambda up: up // 2 * 1.5,
    "gaps": lambda up: np.where(up % 2 == 1, np.nan, up),
    "time": lambda up: np.datetime64("2000-01-01") + up.astype("m8[D]"),
    "span": lambda up: up.astype("m8[h]").astype("m8[ns]"),
    "text": lambda up: up.astype(str),
    "object": lambda up: np.array([f"w{n % 3}" for n in up], object),
    "int": lambda up: up.astype("i4") - 2,
    "uint": lambda up: up.astype("u1"),
    "bool": lambda up: up % 2 == 0,
    **{calendar: _dates(calendar) for calendar in
       ("noleap", "360_day", "366_day", "julian", "standard", "proleptic_gregorian")},
}  # fmt: skip


def _packed(dims: list[str], shape: tuple[int, ...]) -> xarray.Variable:
    """Whole numbers that stand for others, one of them for what is missing."""
    stored = np.random.default_rng(5).integers(-3, 4, shape).astype("i2")
    packing = {"scale_factor": 0.25, "add_offset": 1.0, "_FillValue": np.int16(-3)}
    return xarray.Variable(dims, stored, packing)


def _with_levels(dataset: xarray.Dataset, dim: str) -> xarray.Dataset:
    """The dataset with two columns in the place of a dimension's coordinate."""
    numbers = np.arange(dataset.sizes[dim])
    index = pd.MultiIndex.from_arrays([numbers // 2, (numbers % 2).astype(str)], names=["n", "s"])
    bare = dataset.drop_vars(dim) if dim in dataset.coords else dataset
    return bare.assign_coords(xarray.Coordinates.from_pandas_multiindex(index, dim))
