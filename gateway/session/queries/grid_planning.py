"""What a query over grids is spared: chunks that no row of it needs, and sorting what is sorted.

The engine hands simple comparisons of columns down to the scan, and these prune chunks
(`sources.filters.pruning`). What it does not hand down is settled here, before it plans:

==============================================  ================================================
``WHERE date_trunc('month', time) = ...``       a condition on one coordinate, whatever is in it:
                                                the engine itself is asked about the coordinate
``SELECT DISTINCT time``, ``min(time)``         rows that differ in other dimensions alone: one
                                                position of each of these is enough
``time = (SELECT max(time) FROM winds)``        what can be run first is (`run_first`)
``JOIN k ON time = k.day``, ``time IN (SELECT   a small side is asked about the coordinate
day FROM k)``, ``EXISTS``                       (`joined_keys`)
``FROM grid JOIN small``                        the smaller side is hashed (`join_sides`)
``ORDER BY time DESC LIMIT 5``                  the last positions hold the rows (`first_rows`)
``LIMIT 5``                                     any rows will do: the first that are stored
``ORDER BY v DESC LIMIT 5``                     a scan lets go of rows that others have outdone
``ORDER BY v OFFSET 1000000 LIMIT 5``           so many are sorted, not kept (`far_rows`)
``ORDER BY time``, ``ORDER BY time DESC``       rows are stored so, or the other way: no sort
``count(DISTINCT x)`` beside other aggregates    groupings, which spill (`counted_apart`)
``avg(v) OVER (PARTITION BY lat)``              one partition at a time is held (`held_windows`)
==============================================  ================================================

The query keeps its conditions, so a position too many does no harm; one too few would, and what is
not understood is left alone.

To see all that costs more than a small query does: its conditions are asked of coordinates, its
aggregates recognised, its text printed anew. That stands on the text, on the tables, on TimeZone
and on the settings, so while these are the same the plan is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.aggregation.coordinates import Tables, answer, asking, inner_sources, table_name
from gateway.aggregation.planning import Attempt, aggregate_on_arrays
from gateway.engine.interface import EngineSession, Plan, gathered
from gateway.recent import Recent
from gateway.session.portals.scrolling import KeptRoom
from gateway.session.queries.cancellable_joins import with_watched_joins
from gateway.session.queries.cardinality import known_of
from gateway.session.queries.counted_apart import counted_apart
from gateway.session.queries.far_rows import counted, far_counts, without_counts
from gateway.session.queries.first_rows import sort_column, with_counts
from gateway.session.queries.grid_joins import laid_out
from gateway.session.queries.held_windows import within_memory
from gateway.session.queries.join_sides import smaller_first
from gateway.session.queries.narrowing import narrowed
from gateway.session.queries.run_first import with_constants
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held, Table, TableName
from gateway.sql.lowered.printing import to_engine
from gateway.sql.text.trees import PICKING

# Below this many rows a scan is over sooner than the engine answers about a coordinate.
FEWEST_ROWS = 100_000

# What takes other rows than it reads, or needs them in its own order.
_PICKING = (*PICKING, "group", "having")


def has_large_grid(tables: Tables) -> bool:
    """Whether a query over these tables may be slow enough to look at closely."""
    return any(isinstance(t, GridTable) and t.rows >= FEWEST_ROWS for t in tables.values())


def plan_over_grids(
    engine: EngineSession,
    tree: exp.Expr,
    sql: str,
    tables: Tables,
    values: Sequence[pa.Scalar],
    prefix: str = "",
    on_arrays: bool = True,
    room: KeptRoom | None = None,
) -> Plan:
    """The plan of a query that is to run, spared what it can be.

    Args:
        engine: The client's.
        tree: The query for the engine.
        sql: The same as text.
        tables: Every table that it names.
        values: Of `$1`, `$2`, ...
        prefix: EXPLAIN with its options, to explain the plan instead.
        on_arrays: Whether aggregates may be computed on arrays.
        room: For what is laid into grids; see `grid_joins`.
    """
    counted = with_counts(tree, values) if values else tree
    if counted is not tree:
        tree, sql = counted, to_engine(counted)

    tree, sql, values = _with_constants(engine, tree, sql, tables, values)
    laid, tables = _laid_out(engine, tree, tables, values, room) if on_arrays else (tree, tables)
    if laid is not tree:
        tree, sql = laid, to_engine(laid)
    found = aggregate_on_arrays(engine, tree, tables, values, FEWEST_ROWS) if on_arrays else None
    if found is None:
        return _plan_spared(engine, tree, sql, tables, values, prefix)
    plan = _plan_spared(engine, found.tree, to_engine(found.tree), found.tables, values, prefix)

    def ordinary() -> Plan:
        return _plan_spared(engine, tree, sql, tables, values, prefix)

    return Attempt(plan, found.parts, ordinary)


def _with_constants(
    engine: EngineSession, tree: exp.Expr, sql: str, tables: Tables, values: Sequence[pa.Scalar]
) -> tuple[exp.Expr, str, Sequence[pa.Scalar]]:
    """The query, as text too, with the values of subqueries that are run first, and all values."""
    found, more = with_constants(
        tree,
        tables,
        values,
        lambda query, read: narrowed(query, read, asking(engine, values), FEWEST_ROWS),
        lambda query, read: answer(engine, query, read, values),
    )
    return (tree, sql, values) if found is tree else (found, to_engine(found), more)


def _laid_out(
    engine: EngineSession,
    tree: exp.Expr,
    tables: Tables,
    values: Sequence[pa.Scalar],
    room: KeptRoom | None,
) -> tuple[exp.Expr, Tables]:
    """The query, and its tables, with small sides of joins as columns of grids.

    What such a side groups is computed as any query is.
    """

    def run(query: exp.Expr, read: Tables) -> pa.Table:
        plan = plan_over_grids(engine, query, to_engine(query), read, values)
        return gathered(list(plan.stream()), plan.schema)

    return laid_out(tree, tables, FEWEST_ROWS, asking(engine, values), run, room)


def _plan_spared(
    engine: EngineSession,
    tree: exp.Expr,
    sql: str,
    tables: Tables,
    values: Sequence[pa.Scalar],
    prefix: str,
) -> Plan:
    ask = asking(engine, values)
    apart = counted_apart(tree, tables, engine.memory_bytes)
    if apart is not tree:
        tree, sql = apart, to_engine(apart)
    narrower, tables = narrowed(tree, tables, ask, FEWEST_ROWS)
    if narrower is not tree:
        tree, sql = narrower, to_engine(narrower)

    def count(query: exp.Expr) -> tuple[int, int]:
        told = answer(engine, smaller_first(query, tables) or query, tables, values)
        rows, most = (column[0].as_py() for column in told)
        return int(rows or 0), int(most or 0)

    held = within_memory(tree, tables, engine.memory_bytes, count)
    if held is not tree:
        tree, sql = held, to_engine(held)
    plain = unsorted(tree, tables)
    if plain is not None:
        text, ordered = to_engine(plain[0]), plain[1]
        plan = engine.plan(text, ordered, values)
        if plan.keeps_order:
            return engine.plan(prefix + text, ordered, values) if prefix else plan
    turned = smaller_first(tree, tables) or tree
    if prefix != "EXPLAIN ":
        turned = with_watched_joins(turned, known_of(tables))
    if turned is not tree:
        sql = to_engine(turned)
    far = far_counts(turned, values, engine.memory_bytes)
    if far is not None:
        sql = to_engine(without_counts(turned))
    plan = engine.plan(prefix + sql, tables, values)
    return plan if prefix else counted(plan, far)


def unsorted(tree: exp.Expr, tables: Tables) -> tuple[exp.Select, Tables] | None:
    """The query without its ORDER BY, and its one table in that order; None where it cannot be.

    It can where rows are stored so, but for the way that the leading dimension goes. Only a plan
    that keeps the order of the rows it reads may be made of it.
    """
    order = tree.args.get("order")
    if not isinstance(tree, exp.Select) or order is None:
        return None
    selects = _one_in_another(tree)
    sources = inner_sources(selects[-1]) if selects else []
    name = table_name(sources[0]) if len(sources) == 1 else None
    grid = tables.get(name) if name is not None else None
    if name is None or not isinstance(grid, GridTable):
        return None
    keys = [(sort_column(selects, each), bool(each.args.get("desc"))) for each in order]
    sorted_ = grid.sorted_by(keys)
    if sorted_ is None:
        return None
    plain = tree.copy()
    for select in _one_in_another(plain):
        select.set("order", None)
    return plain, {**tables, name: sorted_}


def _one_in_another(tree: exp.Select) -> list[exp.Select]:
    """The SELECTs that hand on the rows of one table, the outermost first; empty: there is more."""
    selects = [tree]
    while (inner := _read_alone(selects[-1])) is not None:
        if any(inner.args.get(part) for part in _PICKING):
            return []
        selects.append(inner)
    joined = any(selects[-1].args.get(part) for part in ("joins", "laterals"))
    alone = len(list(tree.find_all(exp.Query))) == 2 * len(selects) - 1
    return selects if alone and not joined else []


def _read_alone(select: exp.Select) -> exp.Select | None:
    """The SELECT that is all of its FROM, and whose columns keep their names."""
    start = select.args.get("from_")
    held = start.this if start is not None else None
    if not isinstance(held, exp.Subquery) or held.args["alias"].columns:
        return None
    if select.args.get("joins") or select.args.get("laterals"):
        return None
    return held.this if isinstance(held.this, exp.Select) else None


# How many plans a session keeps.
MOST_PLANS = 64


class KeptGridPlans:
    """Those of one session; the one that was used least lately makes room."""

    def __init__(self) -> None:
        self._kept: Recent[tuple[Mapping[TableName, Table], Hashable, Plan]]
        self._kept = Recent(MOST_PLANS, heaviest=1)

    def find(
        self,
        standing: Hashable,
        tables: Mapping[TableName, Table],
        make: Callable[[], Plan],
        has_parts: bool = False,
    ) -> tuple[Plan, bool]:
        """The plan that `make` returned before under the same circumstances, else returns now.

        Args:
            standing: The text, and whatever else the plan stands on but the tables.
            tables: Every table that it reads. Where one of them makes its rows as they are asked
                for, the plan is made each time.
            make: Plans the query.
            has_parts: Whether some of it may be run to plan it.

        Returns:
            The plan, and whether it was kept.
        """
        state = _state_of(tables) if has_parts else ()
        known = self._kept.get(standing, lambda kept: kept[1] == state and _are(tables, kept[0]))
        if known is not None:
            return known[2], True
        plan = make()
        if state is not None and all(
            isinstance(each, GridTable | Held) for each in tables.values()
        ):
            self._kept.put(standing, (dict(tables), state, plan), weight=1)
        return plan, False


def _are(tables: Mapping[TableName, Table], known: Mapping[TableName, Table]) -> bool:
    return all(known.get(name) is each for name, each in tables.items())


def _state_of(tables: Mapping[TableName, Table]) -> Hashable | None:
    """What tells the values of grids from others; None where that is not known."""
    states = [table.state() for table in tables.values() if isinstance(table, GridTable)]
    return None if None in states else tuple(states)
