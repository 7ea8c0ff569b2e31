"""Datasets written to files, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from gateway.errors import FeatureNotSupported
from gateway.sources.libraries import xarray
from gateway.sources.writing.gridding import gridded

Attributes = Mapping[str, Mapping[str, Any]]  # by column; the dataset's own under ""


def write_grid(
    path: Path, form: str, batches: Sequence[pa.RecordBatch], schema: pa.Schema,
    dims: Sequence[str], attributes: Attributes,
) -> int:  # fmt: skip
    """Write rows as a Zarr store or a netCDF file; how many rows there were.

    Args:
        path: Where there is nothing yet.
        form: zarr or netcdf.
        batches: All rows.
        schema: Theirs.
        dims: The columns that become dimensions.
        attributes: Of the dataset, and of its variables.

    Raises:
        NoGrid: The rows make no grid.
        FeatureNotSupported: 0A000, values of a type that no dataset holds.
        OSError: The file system refuses.
    """
    table = pa.Table.from_batches(batches, schema)
    dataset = gridded({name: _values(name, table[name]) for name in schema.names}, dims)
    dataset.attrs.update(attributes.get("", {}))
    for name, variable in dataset.variables.items():
        variable.attrs.update(_writable(attributes.get(str(name), {})))
    with _whole(path) as new:
        _WRITERS[form](dataset, new)
    return int(table.num_rows)


def write_parquet(
    path: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema, attributes: Attributes
) -> int:
    """Write rows as they come as a Parquet file; how many there were.

    The attributes of a column are its field's metadata, as text.

    Raises:
        OSError: The file system refuses.
    """
    fields = [
        each.with_metadata({k: str(v) for k, v in attributes.get(each.name, {}).items()} or None)
        for each in schema
    ]
    own = {key: str(value) for key, value in attributes.get("", {}).items()}
    schema, rows = pa.schema(fields, own or None), 0
    with _whole(path) as new, pyarrow.parquet.ParquetWriter(new, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.record_batch(batch.columns, schema=schema))
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
        column = column.cast(pa.float64())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit))
    if pa.types.is_date32(kind):
        column = column.cast(pa.timestamp("s"))
    return np.asarray(column.to_numpy())


def _lengths(name: str, column: pa.ChunkedArray) -> np.ndarray[Any, Any]:
    """Intervals as lengths of time in microseconds."""
    found = np.full(len(column), np.timedelta64("NaT", "us"))
    for place, value in enumerate(column.to_pylist()):
        if value is not None:
            if value.months:
                raise FeatureNotSupported(
                    f'column "{name}" holds an interval of months, which has no one length',
                    hint="Write it as days, or cast it to text.",
                )
            length = value.days * 86_400_000_000 + value.nanoseconds // 1000
            found[place] = np.timedelta64(length, "us")
    return found


def _writable(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes as files hold them: the calendar of dates is in how they are written."""
    kept = {name: value for name, value in attributes.items() if name != "calendar"}
    return {name: int(value) if isinstance(value, bool) else value for name, value in kept.items()}


def _zarr(dataset: xarray.Dataset, path: Path) -> None:
    # Zarr's note that other readers may not know texts of variable length; zarr-python does.
    warnings.filterwarnings("ignore", "The data type", category=Warning, module="zarr")
    dataset.to_zarr(path, mode="w-", consolidated=False)


def _netcdf(dataset: xarray.Dataset, path: Path) -> None:
    dataset.to_netcdf(path, engine="netcdf4")


_WRITERS: dict[str, Callable[[xarray.Dataset, Path], None]] = {"zarr": _zarr, "netcdf": _netcdf}
