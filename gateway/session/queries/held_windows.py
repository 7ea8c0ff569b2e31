"""Windows that hold all rows of a grid at once, refused where these are more than memory holds.

A window whose frame is its whole partition, as of `avg(v) OVER (PARTITION BY lat)`, the engine
computes once it has every row of its input, and counts none of them against its bound. Windows with
an order hold less, and sorting for them spills.
"""

from __future__ import annotations

import math

from sqlglot import exp

from gateway.aggregation.combining import AGGREGATES
from gateway.aggregation.coordinates import Tables, inner_sources, table_name
from gateway.errors import OutOfMemory
from gateway.sources.grid.grid import GridTable

_VALUE_BYTES = 8


def check_windows(tree: exp.Expr, tables: Tables, memory_bytes: int | None) -> None:
    """Refuse such windows over a grid; where conditions may leave fewer rows they are let through.

    Args:
        tree: The query for the engine.
        tables: Every table that it names, at the positions that are read.
        memory_bytes: What queries may hold; None: as much as there is.

    Raises:
        OutOfMemory: 53200, the rows take more.
    """
    if memory_bytes is None:
        return
    for window in tree.find_all(exp.Window):
        select = window.find_ancestor(exp.Select)
        grid = None if select is None else _all_of(select, tables)
        if select is None or grid is None or not _is_whole(window):
            continue
        columns = {column.name for column in select.find_all(exp.Column)}
        rows = math.prod(len(grid.positions(dim)) for dim in grid.dims)
        needed = rows * (len(columns) + 1) * _VALUE_BYTES
        if needed > memory_bytes:
            raise OutOfMemory(
                f"a window over all {rows} rows of {grid.name} takes more memory than there is",
                detail=f"It holds {needed >> 20} MiB; memory_bytes is {memory_bytes >> 20} MiB.",
                hint="Aggregate with GROUP BY and join with that, or raise memory_bytes.",
            )


def _all_of(select: exp.Select, tables: Tables) -> GridTable | None:
    """The grid of which a SELECT reads every row."""
    if any(select.args.get(part) for part in ("joins", "where", "group", "laterals")):
        return None
    sources = inner_sources(select)
    grid = tables.get(table_name(sources[0])) if len(sources) == 1 else None
    return grid if isinstance(grid, GridTable) else None


def _is_whole(window: exp.Window) -> bool:
    """Whether it is an aggregate of whole partitions."""
    inside = window.this.this if isinstance(window.this, exp.Filter) else window.this
    ordered = window.args.get("order") or window.args.get("spec")
    return inside.name.lower() in AGGREGATES and not ordered
