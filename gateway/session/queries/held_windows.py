"""Windows that hold all rows of a grid at once, refused where these are more than memory holds.

A window whose frame reaches the end of its partition, as of `avg(v) OVER (PARTITION BY lat)`, and
one that must know how many rows there are, as `ntile(4)`, the engine computes once it has every row
of its input, and counts none of them against its bound. The others hold less, and sorting for them
spills. Where conditions may leave fewer rows these are counted first.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from sqlglot import exp

from gateway.aggregation.combining import AGGREGATES
from gateway.aggregation.coordinates import Tables, inner_sources, table_name
from gateway.errors import OutOfMemory
from gateway.sources.grid.grid import GridTable
from gateway.sql.text.dialect import parse

# The engine holds the batches of its input and the same put together, and the result.
_VALUE_BYTES = 8


# What counts the rows of a SELECT; None: it cannot be told.
Count = Callable[[exp.Select], int | None]

# Functions that the engine computes over whole partitions, and those it does so without an order.
_WHOLE = frozenset({"ntile", "percent_rank", "cume_dist"})
_UNORDERED = AGGREGATES.keys() | {"first_value", "last_value", "nth_value"}


def check_windows(
    tree: exp.Expr, tables: Tables, memory_bytes: int | None, count: Count = lambda _: None
) -> None:
    """Refuse such windows over a grid.

    Args:
        tree: The query for the engine.
        tables: Every table that it names, at the positions that are read.
        memory_bytes: What queries may hold; None: as much as there is.
        count: Asked where WHERE may leave fewer rows than are too many; where it cannot tell, the
            window is let through.

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
        each = (2 * len(columns) + 1) * _VALUE_BYTES
        if rows * each > memory_bytes and select.args.get("where"):
            rows = count(select) or 0
        needed = rows * each
        if needed > memory_bytes:
            raise OutOfMemory(
                f"a window over {rows} rows of {grid.name} takes more memory than there is",
                detail=f"It holds {needed >> 20} MiB; memory_bytes is {memory_bytes >> 20} MiB.",
                hint="Aggregate with GROUP BY and join with that, or raise memory_bytes.",
            )


def _all_of(select: exp.Select, tables: Tables) -> GridTable | None:
    """The grid that a SELECT reads alone."""
    if any(select.args.get(part) for part in ("joins", "group", "laterals")):
        return None
    sources = inner_sources(select)
    grid = tables.get(table_name(sources[0])) if len(sources) == 1 else None
    return grid if isinstance(grid, GridTable) else None


def _is_whole(window: exp.Window) -> bool:
    """Whether it is computed once its whole partition is there."""
    inside = window.this.this if isinstance(window.this, exp.Filter) else window.this
    name, frame = inside.name.lower(), window.args.get("spec")
    if name in _WHOLE:
        return True
    if frame is not None:
        end = (frame.args.get("end"), frame.args.get("end_side"))
        return end == ("UNBOUNDED", "FOLLOWING")
    return name in _UNORDERED and not window.args.get("order")


def rows_of(select: exp.Select) -> exp.Select | None:
    """What counts the rows that are left by a SELECT's WHERE; None: that asks other tables."""
    where = select.args["where"]
    if where.find(exp.Query) is not None:
        return None
    counted = exp.Select(expressions=[parse("SELECT count(*)")[0].expressions[0]])
    counted.set("from_", select.args["from_"].copy())
    counted.set("where", where.copy())
    return counted
