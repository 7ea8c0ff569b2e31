"""A grid on disk behind a server: what tests of queries over arrays ask through a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import xarray

from gateway.app import App
from gateway.config import Dataset, Settings


@contextmanager
def client_of(
    dataset: xarray.Dataset,
    chunks: tuple[int, ...],
    directory: Path,
    by_dask: dict[str, int] | None = None,
    **settings: Any,
) -> Iterator[psycopg.Connection]:
    """A client of a server whose table `g` is `dataset`, with `v` in chunks of that shape.

    `by_dask` has it read through dask, so much along a dimension at a time.
    """
    path = directory / "g.zarr"
    encoding = {"v": {"chunks": chunks}}
    dataset.to_zarr(path, encoding=encoding, zarr_format=2, consolidated=False)
    datasets = [Dataset(name="g", uri=str(path), chunks=by_dask)]
    with App(Settings(port=0, datasets=datasets, **settings)) as app:
        host, port = app.address
        with psycopg.connect(host=host, port=port, user="u", dbname="d", autocommit=True) as made:
            yield made
