"""Datasets written to files, whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from gateway.errors import FeatureNotSupported
from gateway.sources.libraries import xarray
from gateway.sources.writing.gridding import gridded, lengths
from gateway.sources.writing.restoring import Attributes, Known, restored

# Beyond these the libraries that write moments have no dates.
_FIRST, _LAST = np.datetime64("0001-01-01"), np.datetime64("9999-12-31T23:59:59.999999")


def write_grid(
    path: Path, form: str, batches: Sequence[pa.RecordBatch], schema: pa.Schema,
    dims: Sequence[str], known: Known,
) -> int:  # fmt: skip
    """Write rows as a Zarr store or a netCDF file; how many there were.

    Args:
        path: Where there is nothing yet.
        form: zarr or netcdf.
        batches: All rows.
        schema: Theirs.
        dims: The columns that become dimensions.
        known: What is known of the dataset and of its variables.

    Raises:
        NoGrid: The rows make no grid.
        FeatureNotSupported: 0A000, values of a type that no dataset holds.
        OSError: The file system refuses.
    """
    table = pa.Table.from_batches(batches, schema)
    columns = {name: _values(name, table[name]) for name in schema.names}
    stored = {
        dim: _values(dim, pa.chunked_array([axis])) for dim, axis in (known.stored or {}).items()
    }
    dataset = restored(gridded(columns, dims, known.origins, stored), known)
    for variable in dataset.variables.values():
        _mark_missing(variable, form)
    with _whole(path) as new:
        _write(dataset, new, form)
    return int(table.num_rows)


def _mark_missing(variable: xarray.Variable, form: str) -> None:
    """Files know no missing texts: one that no value is stands for them."""
    if variable.dtype != object:
        return
    values = variable.values.ravel()
    missing = np.asarray(pd.isna(values))
    known = set(values[~missing])
    if not missing.any():
        return
    if all(isinstance(each, str) for each in known):
        variable.encoding["missing_value"] = next(t for n in count() if (t := "-" * n) not in known)
    elif form == "netcdf" and all(isinstance(each, bytes) for each in known):
        variable.encoding["_FillValue"] = next(b for n in count(1) if (b := b"-" * n) not in known)


def write_parquet(
    path: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema, attributes: Attributes
) -> int:
    """Write rows as they come as a Parquet file; how many there were.

    The attributes of a column are its field's metadata, as text. Parquet has no intervals: they
    are lengths of time.

    Raises:
        FeatureNotSupported: 0A000, intervals of months.
        OSError: The file system refuses.
    """
    fields = [
        each.with_metadata({k: str(v) for k, v in attributes.get(each.name, {}).items()} or None)
        for each in (
            each.with_type(pa.duration("us")) if pa.types.is_interval(each.type) else each
            for each in schema
        )
    ]
    own = {key: str(value) for key, value in attributes.get("", {}).items()}
    schema, rows = pa.schema(fields, own or None), 0
    with _whole(path) as new, pyarrow.parquet.ParquetWriter(new, schema) as writer:
        for batch in batches:
            columns = [
                pa.array(_lengths(name, column)) if pa.types.is_interval(column.type) else column
                for name, column in zip(schema.names, batch.columns, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            rows += batch.num_rows
    return rows


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A new place beside `path`, which takes its name when all is written, or is removed."""
    folder = Path(tempfile.mkdtemp(prefix=".gradwire-", dir=path.parent))
    try:
        new = folder / path.name
        yield new
        if new.is_file():
            with new.open("rb") as file:
                os.fsync(file.fileno())
        if path.exists():  # since it was looked for
            raise FileExistsError(f'"{path}" exists')
        new.rename(path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _values(name: str, column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """A column's values; moments in UTC, numeric as doubles, what is NULL as numpy has it.

    Raises:
        FeatureNotSupported: 0A000, arrays, times of day, and intervals of months.
    """
    kind = column.type
    if pa.types.is_interval(kind):
        return _lengths(name, column)
    if pa.types.is_nested(kind) or pa.types.is_time(kind):
        what = "arrays" if pa.types.is_nested(kind) else "times of day"
        raise FeatureNotSupported(
            f'column "{name}" holds {what}, which is not written to a dataset',
            hint="Cast it to text, or write FORMAT parquet.",
        )
    if pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64())
    if pa.types.is_decimal(kind):
        column = _numbers(column)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit))
    if pa.types.is_date32(kind):
        column = column.cast(pa.timestamp("s"))
    values = np.asarray(column.to_numpy())
    if values.dtype.kind == "M" and ((values < _FIRST) | (values > _LAST)).any():
        raise FeatureNotSupported(
            f'column "{name}" holds moments outside the years 1 to 9999, or infinity, which are '
            "not written to a dataset"
        )
    return values


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numerics as whole numbers of 64 bits where they are such by type and value, else doubles."""
    if column.type.scale == 0 and not column.null_count:
        for kind in (pa.int64(), pa.uint64()):
            with contextlib.suppress(pa.ArrowInvalid):
                return column.cast(kind)
    return column.cast(pa.float64())


def _lengths(name: str, column: pa.Array | pa.ChunkedArray) -> np.ndarray[Any, Any]:
    try:
        return lengths(column.to_pylist())
    except ValueError as error:
        raise FeatureNotSupported(
            f'column "{name}" holds an interval of months, which has no one length',
            hint="Write it as days, or cast it to text.",
        ) from error


def _write(dataset: xarray.Dataset, path: Path, form: str) -> None:
    try:
        _WRITERS[form](dataset, path)
    except OSError:
        raise
    # What the libraries refuse, names with a slash or an attribute that means something to them,
    # they say by errors of all kinds.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FeatureNotSupported(
            f"rows cannot be written as FORMAT {form}", detail=reason
        ) from error


def _settle_attributes(dataset: xarray.Dataset, settle: Callable[[Any], Any]) -> None:
    """Attributes as the format holds them."""
    dataset.attrs = {name: settle(value) for name, value in dataset.attrs.items()}
    for held in dataset.variables.values():
        held.attrs = {name: settle(value) for name, value in held.attrs.items()}


def _in_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value


def _in_netcdf(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return int(value)
    known = isinstance(value, str | bytes | int | float | np.ndarray | np.generic | list | tuple)
    return value if known else str(value)


def _zarr(dataset: xarray.Dataset, path: Path) -> None:
    # Zarr's note that other readers may not know texts of variable length; zarr-python does.
    warnings.filterwarnings("ignore", "The data type", category=Warning, module="zarr")
    _settle_attributes(dataset, _in_json)
    dataset.to_zarr(path, mode="w-", consolidated=False)


def _netcdf(dataset: xarray.Dataset, path: Path) -> None:
    _settle_attributes(dataset, _in_netcdf)
    halves = [name for name, each in dataset.variables.items() if each.dtype == np.float16]
    dataset = dataset.assign({name: dataset[name].astype("f4") for name in halves})
    dataset.to_netcdf(path, engine="netcdf4")


_WRITERS: dict[str, Callable[[xarray.Dataset, Path], None]] = {"zarr": _zarr, "netcdf": _netcdf}
