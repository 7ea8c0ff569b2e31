"""Scanning a table in tests: through its partitions, or through DataFusion."""

from __future__ import annotations

import datafusion
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import xarray

from gateway.engine.provider import as_dataset
from gateway.sources.table import Table


def rows_of(
    table: Table, columns: list[str] | None = None, predicate: pc.Expression | None = None
) -> pa.Table:
    """The rows that a scan of every partition gives, in order."""
    names = table.schema.names if columns is None else columns
    batches = [
        batch for part in table.partitions(predicate) for batch in part.scan(names, predicate)
    ]
    schema = pa.schema([table.schema.field(name) for name in names])
    return pa.Table.from_batches(batches, schema=schema)


def count_of(table: Table, predicate: pc.Expression | None = None) -> int:
    """Rows counted through batches without columns."""
    parts = table.partitions(predicate)
    return sum(batch.num_rows for part in parts for batch in part.scan([], predicate))


def query(sql: str, **tables: Table) -> pa.Table:
    """What DataFusion answers, with `tables` registered."""
    settings = datafusion.SessionConfig({"datafusion.sql_parser.dialect": "Generic"})
    context = datafusion.SessionContext(settings)
    for name, table in tables.items():
        context.register_dataset(name, as_dataset(table))
    return context.sql(sql).to_arrow_table()


def frame_of(dataset: xarray.Dataset, variables: list[str]) -> pd.DataFrame:
    """xarray's own rows for these variables, dimensions in the order of the first one's."""
    dims = list(dataset[variables[0]].dims)
    if not dims:
        return dataset[variables].expand_dims("row").to_dataframe().reset_index(drop=True)
    return dataset[variables].to_dataframe(dim_order=dims).reset_index()


def cells_of(column: pa.ChunkedArray) -> np.ndarray:
    """A column as numpy has it, NULL as NaN."""
    return column.to_pandas().to_numpy()
