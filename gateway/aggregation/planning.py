"""Plans of queries whose aggregates over grids are computed on arrays where that is sound.

Each SELECT that `recognising` reads is put over partial aggregates (`sources.aggregates.partials`),
which the engine adds up. Where the arrays hold what only the engine can tell of (the root of a
negative number, NaN that is not NULL), the query is run again as it was: no row has gone out by
then, for a row needs all of its groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from gateway.aggregation.coordinates import Tables, asking, inner_sources, table_name
from gateway.aggregation.recognising import on_arrays
from gateway.engine.interface import Around, EngineSession, Plan
from gateway.errors import GatewayError, QueryCanceled
from gateway.sources.aggregates.partials import Partials
from gateway.sources.arithmetic.nullable import Unsound
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName
from gateway.sql.names.scope import is_aggregate


@dataclass(frozen=True, slots=True)
class OnArrays:
    """A query whose aggregates are computed on arrays: what the engine runs, over which tables."""

    tree: exp.Expr
    tables: Tables
    parts: Sequence[Partials]


def aggregate_on_arrays(
    engine: EngineSession,
    tree: exp.Expr,
    tables: Tables,
    values: Sequence[pa.Scalar],
    fewest_rows: int,
) -> OnArrays | None:
    """The query over partial aggregates; None where none of it can be.

    Args:
        engine: The client's.
        tree: The query for the engine.
        tables: Every table that it names.
        values: Of `$1`, `$2`, ...
        fewest_rows: Grids with fewer are left to the engine.
    """
    found = [each for each in candidates(tree, tables) if each[2].rows >= fewest_rows]
    if not found or not _keeps_rows_back(tree):
        return None
    copied = tree.copy()
    ask, parts = asking(engine, values), dict[TableName, Partials]()
    for select, source, grid in candidates(copied, tables):
        if grid.rows < fewest_rows:
            continue
        base = table_name(source)
        name = TableName(base.schema, f"{base.name}: partial aggregates {len(parts) + 1}")
        try:
            over, table = on_arrays(select, source, grid, name, ask, values)
        except QueryCanceled:
            raise
        except (Unsound, GatewayError):  # the engine has it, and says so if it refuses
            continue
        table.base = grid.base or base
        parts[name] = table
        if select is copied:
            copied = over
        else:
            select.replace(over)
    if not parts:
        return None
    return OnArrays(copied, _named_in(copied, {**tables, **parts}), list(parts.values()))


def _named_in(tree: exp.Expr, tables: Mapping[TableName, Table]) -> Tables:
    named = {table_name(table) for table in tree.find_all(exp.Table)}
    return {name: table for name, table in tables.items() if name in named}


def candidates(tree: exp.Expr, tables: Tables) -> list[tuple[exp.Select, exp.Table, GridTable]]:
    """SELECTs over one grid that group or aggregate."""
    found = []
    for select in tree.find_all(exp.Select):
        sources = inner_sources(select)
        grid = tables.get(table_name(sources[0])) if len(sources) == 1 else None
        if isinstance(grid, GridTable) and not select.args.get("joins") and _groups(select):
            found.append((select, sources[0], grid))
    return found


def _groups(select: exp.Select) -> bool:
    if select.args.get("group") is not None:
        return True
    return any(is_aggregate(call) for call in select.find_all(exp.Anonymous))


def _keeps_rows_back(tree: exp.Expr) -> bool:
    """Whether no row goes out before every aggregate is there."""
    if tree.find(exp.SetOperation) is not None:
        return False
    return not any(clause.args.get("recursive") for clause in tree.find_all(exp.With))


class Attempt(Around):
    """A plan over partial aggregates, and the plan to go back to.

    Args:
        plan: To be tried.
        parts: Its partial aggregates.
        ordinary: Plans the query as it was.
    """

    def __init__(self, plan: Plan, parts: Sequence[Partials], ordinary: Callable[[], Plan]) -> None:
        super().__init__(plan)
        self._parts, self._ordinary = parts, ordinary

    @property
    def keeps_order(self) -> bool:
        """Never: groups come in any order."""
        return False

    def stream(self) -> Iterator[pa.RecordBatch]:
        """Run the plan; see `gateway.engine.interface.Plan.stream`."""
        if self.gave_up:
            yield from self._ordinary().stream()
            return
        begun = False
        try:
            for batch in self._plan.stream():
                begun = True
                yield batch
        except GatewayError:
            if begun or not self.gave_up:
                raise
        else:
            return
        yield from self._ordinary().stream()

    @property
    def gave_up(self) -> bool:
        """Whether arrays held what only the engine can tell of."""
        return any(part.gave_up for part in self._parts)
