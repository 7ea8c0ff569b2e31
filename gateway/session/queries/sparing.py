"""What a query over grids is spared: chunks that no row of it needs, and sorting what is sorted.

The engine hands simple comparisons of columns down to the scan, and these prune chunks
(`sources.filters.pruning`). What it does not hand down is settled here, before it plans:

==============================================  ================================================
``WHERE date_trunc('month', time) = ...``       a condition on one coordinate, whatever is in it:
                                                the engine itself is asked about the coordinate
``SELECT DISTINCT time``, ``min(time)``         rows that differ in other dimensions alone: one
                                                position of each of these is enough
``JOIN k ON time = k.day``, ``time IN (SELECT   the keys of a table in memory are looked up on the
day FROM k)``                                   coordinate (`joined_keys`)
``FROM grid JOIN small``                        the smaller side is hashed (`join_sides`)
``ORDER BY time DESC LIMIT 5``                  the last positions hold the rows (`first_rows`)
``LIMIT 5``                                     any rows will do: the first that are stored
``ORDER BY v DESC LIMIT 5``                     a scan lets go of rows that others have outdone
``ORDER BY time``, ``ORDER BY time DESC``       rows are stored so, or the other way: no sort
==============================================  ================================================

The query keeps its conditions, so a position too many does no harm; one too few would, and what is
not understood is left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.aggregation.coordinates import (
    Ask,
    Tables,
    asking,
    calls_pure,
    dimension_of,
    inner_sources,
    is_pure,
    question,
    table_name,
)
from gateway.aggregation.planning import Attempt, aggregate_on_arrays
from gateway.engine.interface import EngineSession, Plan
from gateway.errors import GatewayError, QueryCanceled
from gateway.session.queries.first_rows import with_any_rows, with_counts, with_first_rows
from gateway.session.queries.join_sides import smaller_first
from gateway.session.queries.joined_keys import key_conditions
from gateway.sources.filters.pruning import Positions
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table
from gateway.sql.lowered.not_numbers import as_written
from gateway.sql.meaning.scope import is_aggregate
from gateway.sql.text.dialect import to_engine
from gateway.sql.text.trees import conjuncts

# Below this many rows a scan is over sooner than the engine answers about a coordinate.
FEWEST_ROWS = 100_000

# What takes other rows than it reads, or needs them in its own order.
_PICKING = ("distinct", "limit", "offset", "group", "having", "qualify")

# Aggregates that do not change when a row is there several times.
_UNMOVED = frozenset(["min", "max", "bool_and", "bool_or", "bit_and", "bit_or", "approx_distinct"])

# What the engine does not hand down: a column inside any of these.
_HIDING = (exp.Anonymous, exp.Extract, exp.Cast, exp.Binary, exp.Unary, exp.Case)
_HANDED_DOWN = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or, exp.Not, exp.Is,
                exp.Paren)  # fmt: skip


def is_worth_sparing(tables: Tables) -> bool:
    """Whether a query over these tables may be slow enough to look at closely."""
    return any(isinstance(t, GridTable) and t.rows >= FEWEST_ROWS for t in tables.values())


def plan_sparing(
    engine: EngineSession,
    tree: exp.Expr,
    sql: str,
    tables: Tables,
    values: Sequence[pa.Scalar],
    prefix: str = "",
    on_arrays: bool = True,
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
    """
    counted = with_counts(tree, values) if values else tree
    if counted is not tree:
        tree, sql = counted, to_engine(counted)

    found = aggregate_on_arrays(engine, tree, tables, values, FEWEST_ROWS) if on_arrays else None
    if found is None:
        return _plan_spared(engine, tree, sql, tables, values, prefix)
    plan = _plan_spared(engine, found.tree, to_engine(found.tree), found.tables, values, prefix)

    def ordinary() -> Plan:
        return _plan_spared(engine, tree, sql, tables, values, prefix)

    return Attempt(plan, found.parts, ordinary)


def _plan_spared(
    engine: EngineSession,
    tree: exp.Expr,
    sql: str,
    tables: Tables,
    values: Sequence[pa.Scalar],
    prefix: str,
) -> Plan:
    ask = asking(engine, values)
    tables = narrowed(tree, tables, ask)
    plain = unsorted(tree, tables)
    if plain is not None:
        text, ordered = to_engine(plain[0]), plain[1]
        plan = engine.plan(text, ordered, values)
        if plan.keeps_order:
            return engine.plan(prefix + text, ordered, values) if prefix else plan
    turned = smaller_first(tree, tables)
    if turned is not None:
        sql = to_engine(turned)
    return engine.plan(prefix + sql, tables, values)


def narrowed(tree: exp.Expr, tables: Tables, ask: Ask) -> Tables:
    """The tables, each grid with the positions alone that the query can need.

    Args:
        tree: The query for the engine.
        tables: Every table that it names.
        ask: Runs a query over a coordinate.
    """
    named = Counter(table_name(table) for table in tree.find_all(exp.Table))
    found = dict(tables)
    for select in tree.find_all(exp.Select):
        for source in inner_sources(select):
            name = table_name(source)
            grid = tables.get(name)
            if named[name] == 1 and isinstance(grid, GridTable) and grid.rows >= FEWEST_ROWS:
                positions = {**_settled(select, source, grid, ask), **_one_each(select, grid)}
                grid = grid.restricted(positions) if positions else grid
                found[name] = _with_first_rows(select, source, grid, ask)
                for dim, condition, others in key_conditions(select, source, grid, tables):
                    found[name] = _among(found[name], dim, condition, others, ask)
    return found


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
    keys = [(_sort_column(selects, each), bool(each.args.get("desc"))) for each in order]
    sorted_ = next((g for g in (grid, grid.flipped()) if g is not None and g.is_sorted(keys)), None)
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


def _sort_column(selects: Sequence[exp.Select], ordered: exp.Expr) -> str:
    """The table's column by which the first of them is sorted; empty when it is none."""
    key: exp.Expr | None = as_written(ordered.this)
    items = selects[0].expressions
    if isinstance(key, exp.Literal) and key.is_int and 1 <= int(key.name) <= len(items):
        key = items[int(key.name) - 1].unalias()
    elif isinstance(key, exp.Column) and not key.table:
        named = [item for item in items if item.alias_or_name == key.name]
        key = named[0].unalias() if named else key
    for select in selects[1:]:
        name = key.name if isinstance(key, exp.Column) else ""
        outputs = [item for item in select.expressions if item.alias_or_name == name]
        key = outputs[0].unalias() if outputs else None
    return str(key.name) if isinstance(key, exp.Column) else ""


def _with_first_rows(select: exp.Select, source: exp.Table, grid: GridTable, ask: Ask) -> GridTable:
    order = select.args.get("order")
    if select.args.get("limit") is None:
        return grid
    try:
        if order is None:
            return with_any_rows(select, source, grid, ask)
        key = _sort_column([select], order.expressions[0])
        return with_first_rows(select, source, grid, key, ask)
    except QueryCanceled:
        raise
    except GatewayError:  # the query itself raises it, if it comes to that
        return grid


# Conditions on one coordinate


def _settled(
    select: exp.Select, source: exp.Table, grid: GridTable, ask: Ask
) -> dict[str, Positions]:
    """Dimension to the positions at which all conditions on it alone are true."""
    where = select.args.get("where")
    alone = len(inner_sources(select)) == 1 and not select.args.get("joins")
    by_dim: dict[str, list[exp.Expr]] = {}
    for condition in conjuncts(where.this) if where is not None else ():
        dim = dimension_of(condition, source, grid, alone)
        if dim and _is_hidden(condition) and is_pure(condition):
            by_dim.setdefault(dim, []).append(condition)
    found = {}
    for dim, conditions in by_dim.items():
        try:
            answer = ask(question([], conditions), grid.coordinates(dim), {})
        except QueryCanceled:
            raise
        except GatewayError:  # the query itself raises it, if it comes to that
            continue
        found[dim] = np.sort(answer.column(0).to_numpy())
    return found


def _is_hidden(condition: exp.Expr) -> bool:
    """Whether a column stands inside something that the engine does not hand down."""
    for column in condition.find_all(exp.Column):
        node = column.parent
        while node is not None and node is not condition.parent:
            if isinstance(node, _HIDING) and not isinstance(node, _HANDED_DOWN):
                return True
            node = node.parent
    return False


def _among(table: Table, dim: str, condition: exp.Expr, others: Tables, ask: Ask) -> Table:
    """The grid at the positions alone whose coordinate is among some keys."""
    assert isinstance(table, GridTable)
    try:
        answer = ask(question([], [condition]), table.coordinates(dim), others)
    except QueryCanceled:
        raise
    except GatewayError:  # the query itself raises it, if it comes to that
        return table
    among = np.intersect1d(table.positions(dim), answer.column(0).to_numpy())
    return table.restricted({dim: among})


# Rows that differ in other dimensions alone


def _one_each(select: exp.Select, grid: GridTable) -> dict[str, Positions]:
    """A position of each dimension that the result does not depend on."""
    if len(inner_sources(select)) != 1 or select.args.get("joins") or not _ignores_repeats(select):
        return {}
    outputs = {item.alias for item in select.expressions if item.alias}
    dims: set[str] = set()
    for column in select.find_all(exp.Column):
        dim = grid.dimension_of(column.name)
        if dim is not None:
            dims.add(dim)
        elif column.name not in outputs or grid.has_column(column.name):
            return {}
    return {dim: np.array([0]) for dim in grid.dims if dim not in dims} if grid.rows else {}


def _ignores_repeats(select: exp.Select) -> bool:
    """Whether the result is the same however often each row of FROM is there."""
    if select.find(exp.Star, exp.Window) or len(list(select.find_all(exp.Query))) > 1:
        return False
    distinct = select.args.get("distinct")
    if distinct is not None and distinct.args.get("on") is not None:
        return False
    calls = list(select.find_all(exp.Anonymous))
    aggregates = [call for call in calls if is_aggregate(call)]
    if not all(_is_unmoved(call) for call in aggregates):
        return False
    if not all(calls_pure(call) for call in calls if not is_aggregate(call)):
        return False
    return bool(distinct or select.args.get("group") or aggregates)


def _is_unmoved(call: exp.Anonymous) -> bool:
    counts_once = any(isinstance(argument, exp.Distinct) for argument in call.expressions)
    return call.name.lower() in _UNMOVED or (call.name.lower() == "count" and counts_once)
