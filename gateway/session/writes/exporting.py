"""COPY ... TO 'path': the rows of a query as a dataset on the server's disk, for superusers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from gateway.catalog.datasets import Datasets
from gateway.errors import (
    CardinalityViolation,
    DatasetUnreadable,
    DuplicateColumn,
    DuplicateObject,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidParameterValue,
    SyntaxFault,
    UndefinedColumn,
)
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sources.grid.grid import GridTable
from gateway.sources.grid.origins import origins_of
from gateway.sources.reading.stored import Origin
from gateway.sources.table import Table
from gateway.sources.writing.gridding import NoGrid
from gateway.sources.writing.restoring import Attributes, Known
from gateway.sources.writing.writing import write_grid, write_parquet
from gateway.sql.statements.copying import ALL
from gateway.sql.statements.statement import Copy


def export(executor: Executor, tree: Copy, result: Result, tables: Sequence[Table]) -> Result:
    """Write a query's rows; when this returns they are all there.

    Args:
        executor: The client's.
        tree: The COPY.
        result: The query's.
        tables: Those that it reads: their attributes are carried over.

    Raises:
        InsufficientPrivilege: 42501, no superuser, or a place outside `dataset_roots`.
        DuplicateObject: 42710, something is there.
        CardinalityViolation: 21000, the rows make no grid.
        GatewayError: 42601, 42701, 42703, 22023: the options; 0A000: a type; 58030: the file
            system refuses.
    """
    try:
        form, dims = _options(tree, tables)
        path = _place(executor, tree.path)
        schema, batches = _named(result)
        attributes = _attributes(tables)
        if form == "parquet":
            if dims is not None and any(option.name == "dims" for option in tree.options):
                raise InvalidParameterValue("a Parquet file has no dimensions")
            rows = write_parquet(path, batches, schema, attributes)
        else:
            names = _dimensions(dims, schema.names)
            known = _known(tables, attributes)
            rows = write_grid(path, form, list(batches), schema, names, known)
    except NoGrid as error:
        raise CardinalityViolation(str(error)) from error
    except FileExistsError as error:
        raise DuplicateObject(f'"{tree.path}" exists already') from error
    except (OSError, pa.ArrowException, TypeError) as error:
        raise DatasetUnreadable(f'cannot write "{tree.path}"', detail=str(error)) from error
    finally:
        result.close()
    return Result("COPY", changed=rows)


def refuse_users(executor: Executor) -> None:
    """Only superusers write on the server's disk.

    Raises:
        InsufficientPrivilege: 42501.
    """
    authority = executor.authority
    if not authority.roles.is_superuser(authority.role):
        raise InsufficientPrivilege(
            "must be superuser or have privileges of the pg_write_server_files role to COPY to a "
            "file",
            hint="Anyone can COPY to stdout or from stdin. psql's \\copy command also works for "
            "anyone.",
        )


def _options(tree: Copy, tables: Sequence[Table]) -> tuple[str, tuple[str, ...] | None]:
    """The format, and the dimensions: those of the one table, where none are named."""
    given: dict[str, Any] = {}
    for option in tree.options:
        if option.name not in ("format", "dims"):
            raise SyntaxFault(f'option "{option.name}" not recognized', position=option.place)
        if option.name in given:
            raise SyntaxFault("conflicting or redundant options", position=option.place)
        given[option.name] = option.value
    dims = given.get("dims")
    if dims == ALL:
        raise SyntaxFault("dims needs a list of columns")
    if isinstance(dims, str):
        dims = (dims,)
    if dims is None and len(tables) == 1 and isinstance(tables[0], GridTable):
        dims = tables[0].dims
    return str(given["format"]), dims


def _dimensions(dims: tuple[str, ...] | None, names: Sequence[str]) -> tuple[str, ...]:
    if dims is None:
        raise InvalidParameterValue(
            "COPY needs to know which columns are dimensions",
            hint="Write (FORMAT zarr, DIMS (time, latitude, longitude)).",
        )
    for place, dim in enumerate(dims):
        if dim in dims[:place]:
            raise DuplicateColumn(f'dimension "{dim}" specified more than once')
        if dim not in names:
            raise UndefinedColumn(
                f'the rows have no column "{dim}", which would be a dimension',
                hint="Name the columns that are: (FORMAT zarr, DIMS (time, latitude, longitude)).",
            )
    return dims


def _place(executor: Executor, text: str) -> Path:
    if "://" in text:
        raise FeatureNotSupported("COPY to a URL is not supported", hint="Name a path.")
    grids = executor.registry.grids
    assert isinstance(grids, Datasets)
    grids.refuse_outside(text)
    path = Path(text)
    if path.exists():
        raise DuplicateObject(f'"{text}" exists already')
    return path


def _named(result: Result) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The rows under the names that the client knows."""
    if result.fields is None:
        raise FeatureNotSupported("COPY query must have a RETURNING clause")
    names = [field.name for field in result.fields]
    if len(set(names)) < len(names):
        raise InvalidParameterValue(
            "two columns have the same name", hint="Name them with AS: they become variables."
        )
    first = next(result.batches, None)
    types = [f.type.arrow for f in result.fields] if first is None else first.schema.types
    schema = pa.schema(list(zip(names, types, strict=True)))
    batches = chain(() if first is None else (first,), result.batches)
    return schema, (pa.record_batch(batch.columns, schema=schema) for batch in batches)


def _known(tables: Sequence[Table], attributes: Attributes) -> Known:
    """What is known of each column; of several tables the first that has one counts."""
    grids = [table for table in tables if isinstance(table, GridTable)]
    origins: dict[str, Origin] = {}
    for grid in grids:
        origins = origins_of(grid) | origins
    alone = grids[0] if len(tables) == len(grids) == 1 else None
    if alone is None or not all(map(alone.has_column, alone.dims)):
        return Known(attributes, origins)
    return Known(attributes, origins, {dim: alone.axis(dim) for dim in alone.dims})


def _attributes(tables: Sequence[Table]) -> dict[str, dict[str, Any]]:
    """Column to attributes, of the tables that are read; the first that has one counts."""
    found: dict[str, dict[str, Any]] = {}
    for table in tables:
        for column, attributes in table.description.attributes.items():
            if column or len(tables) == 1:
                found.setdefault(column, dict(attributes))
    return found
