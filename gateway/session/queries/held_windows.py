"""Windows whose rows the engine holds all at once, where these are more than memory holds.

A window whose frame reaches the end of its partition, as of ``avg(v) OVER (PARTITION BY lat)``, and
one that must know how many rows there are, as ``ntile(4)``, the engine computes once it has every
row of its input, and counts none of them against its bound. The others hold less, and sorting for
them spills. A frame that ends at a row far away is one of the others, and the same:

    avg(v) OVER (PARTITION BY lat ROWS BETWEEN UNBOUNDED PRECEDING AND 1000000000000 FOLLOWING)

so where one partition fits, the frame is written so, and where none does, or there is no such
frame, the query is refused. How many rows there are is asked of the engine where nothing tells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from gateway.aggregation.combining import AGGREGATES
from gateway.aggregation.coordinates import Tables, inner_sources, table_name
from gateway.errors import OutOfMemory
from gateway.session.queries.cardinality import Pairs, known_of
from gateway.session.queries.run_first import rows_of
from gateway.sources.grid.grid import GridTable
from gateway.sql.names.scope import column_node
from gateway.sql.text.dialect import parse

# The engine holds the batches of its input and the same put together, and the result.
_VALUE_BYTES = 8

# Runs a query that gives two numbers: how many rows a window reads, and of its largest partition.
Count = Callable[[exp.Expr], tuple[int, int]]

# Functions that the engine computes as rows come, and those it does so with an order alone.
_ROW_BY_ROW = frozenset({"row_number", "rank", "dense_rank", "lag", "lead"})
_WHOLE = frozenset({"ntile", "percent_rank", "cume_dist"})
# Those it computes as well over a frame that ends far away, in a microsecond for each row where a
# partition has up to a million; the more it has, the longer.
_FAR = AGGREGATES.keys() | {"first_value", "last_value", "nth_value"}
_FAR_AWAY, _MOST_ROWS = 10**12, 1 << 20


def within_memory(
    tree: exp.Expr, tables: Tables, memory_bytes: int | None, count: Count
) -> exp.Expr:
    """The query with such frames; itself where it needs none, and never changed.

    Args:
        tree: The query for the engine.
        tables: Every table that it names, at the positions that are read.
        memory_bytes: What queries may hold; None: as much as there is.
        count: Asked where nothing tells that the rows fit.

    Raises:
        OutOfMemory: 53200, the rows take more.
        GatewayError: what `count` raises.
    """
    if memory_bytes is None or not any(map(_is_held, tree.find_all(exp.Window))):
        return tree
    copied = tree.copy()
    known = {name: replace(k, rows=rows_of(tables[name])) for name, k in known_of(tables).items()}
    changed = False
    for select in reversed(list(copied.find_all(exp.Select))):  # what is inside is counted as it is
        read = _Read(select, tables, Pairs(known).read(select), memory_bytes, count)
        for window in list(read.windows()):
            changed |= read.met(window)
    return copied if changed else tree


@dataclass(slots=True)
class _Read:
    """What a SELECT with windows reads.

    Args:
        select: It.
        tables: Those of the query.
        rows: How many it reads, at most.
        memory_bytes: What queries may hold.
        count: Tells how many they are.
    """

    select: exp.Select
    tables: Tables
    rows: float
    memory_bytes: int
    count: Count

    def windows(self) -> Iterator[exp.Window]:
        """Those that are held."""
        for window in self.select.find_all(exp.Window):
            if window.parent_select is self.select and _is_held(window):
                yield window

    def met(self, window: exp.Window) -> bool:
        """Whether its frame was written to end far away, so that its rows fit."""
        keys = window.args.get("partition_by") or ()
        is_far = bool(keys) and _function(window) in _FAR and window.args.get("spec") is None
        if self._fit(self.rows):
            return False
        if is_far and self._fit_apart(self._of_one(keys)):
            return _end_far(window)
        rows, most = self.count(_counting(self.select, keys))
        if self._fit(rows):
            return False
        if is_far and self._fit_apart(most):
            return _end_far(window)
        needed, held = rows * self._width >> 20, self.memory_bytes >> 20
        raise OutOfMemory(
            f"a window over {rows} rows takes more memory than there is",
            detail=f"It holds {needed} MiB; memory_bytes is {held} MiB."
            + (f" Its largest partition has {most} rows." if keys else ""),
            hint="Aggregate with GROUP BY and join with that, or raise memory_bytes.",
        )

    def _fit(self, rows: float) -> bool:
        return rows * self._width <= self.memory_bytes

    def _fit_apart(self, rows: float) -> bool:
        return rows <= _MOST_ROWS and self._fit(rows)

    @property
    def _width(self) -> int:
        columns = {column.name for column in self.select.find_all(exp.Column)}
        return (2 * len(columns) + 1) * _VALUE_BYTES

    def _of_one(self, keys: Sequence[exp.Expr]) -> float:
        """How many rows one partition has, at most: fewer where it has one place of a grid's."""
        if any(self.select.args.get(part) for part in ("joins", "group", "laterals")):
            return self.rows
        sources = inner_sources(self.select)
        grid = self.tables.get(table_name(sources[0])) if len(sources) == 1 else None
        if not isinstance(grid, GridTable):
            return self.rows
        ones = {key.name for key in keys if isinstance(key, exp.Column)}
        return math.prod(len(grid.positions(dim)) for dim in grid.dims if dim not in ones)


def _function(window: exp.Window) -> str:
    inside = window.this.this if isinstance(window.this, exp.Filter) else window.this
    return str(inside.name).lower()


def _is_held(window: exp.Window) -> bool:
    """Whether it is computed once its whole input is there."""
    name, frame = _function(window), window.args.get("spec")
    if name in _WHOLE:
        return True
    if frame is not None:
        end = (frame.args.get("end"), frame.args.get("end_side"))
        return end == ("UNBOUNDED", "FOLLOWING")
    return name not in _ROW_BY_ROW and not window.args.get("order")


def _end_far(window: exp.Window) -> bool:
    frame = {"start": "UNBOUNDED", "start_side": "PRECEDING"}
    end = {"end": exp.Literal.number(_FAR_AWAY), "end_side": "FOLLOWING"}
    window.set("spec", exp.WindowSpec(kind="ROWS", **frame, **end))
    return True


def _counting(select: exp.Select, keys: Sequence[exp.Expr]) -> exp.Expr:
    """What counts the rows that the windows of a SELECT read, and those of the largest partition.

    That is `SELECT sum(n), max(n) FROM (SELECT count(*) AS n FROM (the rows) GROUP BY keys)`, with
    the queries of WITH that it may name.
    """
    rows = exp.Select(expressions=[
        exp.alias_(key.copy(), f"key {number}", quoted=True)
        for number, key in enumerate(keys or [exp.Literal.number(1)])
    ])  # fmt: skip
    for part in ("from_", "joins", "laterals", "where", "group", "having"):
        held = select.args.get(part)
        if held:
            rows.set(part, [e.copy() for e in held] if isinstance(held, list) else held.copy())
    group = rows.args.get("group")
    for key in group.expressions if group is not None else ():
        if isinstance(key, exp.Literal) and key.is_int:  # a place among the outputs
            key.replace(select.expressions[int(key.name) - 1].unalias().copy())
    counted = parse("SELECT sum(p.n), max(p.n) FROM (SELECT count(*) AS n) AS p")[0]
    parts = counted.args["from_"].this.this
    parts.set("from_", exp.From(this=rows.subquery("r")))
    groups = [column_node("r", each.alias) for each in rows.expressions]
    parts.set("group", exp.Group(expressions=groups))
    return _with_common(counted, select)


def _with_common(query: exp.Expr, select: exp.Select) -> exp.Expr:
    """A query with the queries of WITH that a SELECT may name."""
    listed: list[exp.Expr] = []
    node: exp.Expr | None = select
    recursive = False
    while node is not None:
        held = node.args.get("with_") if isinstance(node, exp.Query) else None
        if held is not None:
            listed[:0] = [each.copy() for each in held.expressions if each is not None]
            recursive |= bool(held.args.get("recursive"))
        node = node.parent
    if listed:
        query.set("with_", exp.With(expressions=listed, recursive=recursive))
    return query
