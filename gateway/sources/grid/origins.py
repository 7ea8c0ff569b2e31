"""How the variables lie in their dataset that a table's columns come from."""

from __future__ import annotations

import pandas as pd

from gateway.sources.grid.grid import GridTable
from gateway.sources.reading.stored import Origin


def origins_of(table: GridTable) -> dict[str, Origin]:
    """Column to what it comes from."""
    return {
        name: column.origin(_order(table, name) if name in table.dims else "")
        for name, column in table.stored.items()
    }


def _order(table: GridTable, dim: str) -> str:
    values = pd.Index(table.axis(dim).to_pandas())
    if values.is_monotonic_increasing:
        return "ascending"
    return "descending" if values.is_monotonic_decreasing else ""
