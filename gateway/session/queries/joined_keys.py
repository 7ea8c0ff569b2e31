"""Keys that a small table brings to a grid: a join or a subquery, as a condition on one coordinate.

``JOIN k ON g.time = k.day`` and ``g.time IN (SELECT day FROM k)`` need the positions alone whose
coordinate is among the keys. Where `k` is a table in memory the engine is asked for them first,
over the coordinate; the query keeps its join.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sqlglot import exp

from gateway.aggregation.coordinates import (
    Tables,
    calls_pure,
    inner_sources,
    table_name,
)
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held
from gateway.sql.meaning.scope import column_node, is_aggregate
from gateway.sql.text.trees import conjuncts

# Rows of a table that is asked for keys, at most.
MOST_ROWS = 100_000


def key_conditions(
    select: exp.Select, source: exp.Table, grid: GridTable, tables: Tables
) -> Iterator[tuple[str, exp.Expr, Tables]]:
    """A dimension, a condition on its coordinate, and the tables in memory that it reads.

    Args:
        select: Whose rows all satisfy the conditions.
        source: The grid's place in its FROM.
        grid: The grid.
        tables: Every table of the query.
    """
    where = select.args.get("where")
    joined = [join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on")]
    others = {each.alias_or_name: each for each in inner_sources(select) if each is not source}
    for condition in chain(conjuncts(where.this) if where else (), *map(conjuncts, joined)):
        if isinstance(condition, exp.In) and isinstance(condition.args.get("query"), exp.Subquery):
            inside = condition.args["query"].this
            key = condition.this
        elif isinstance(condition, exp.EQ):
            key, inside = _compared(condition, source, others)
        else:
            continue
        dim = _dimension(key, source, grid, alone=not select.args.get("joins"))
        read = _read_in_memory(inside, tables) if dim else None
        compared = isinstance(condition, exp.EQ)
        if read is not None and (not compared or _alike(key, inside, grid, read)):
            keys = exp.Subquery(this=inside.copy())
            yield dim, exp.In(this=key.copy(), query=keys), read


def _compared(
    condition: exp.EQ, source: exp.Table, others: dict[str, exp.Table]
) -> tuple[exp.Expr, exp.Expr]:
    """The side that may be the grid's, and the query of what it is compared with."""
    for key, other in (
        (condition.this, condition.expression),
        (condition.expression, condition.this),
    ):
        if isinstance(other, exp.Subquery):
            return key, other.this
        if not isinstance(other, exp.Column) or other.table not in others:
            continue
        if isinstance(key, exp.Column) and key.table == source.alias_or_name:
            table = others[other.table].copy()
            return key, exp.select(column_node(other.table, other.name)).from_(table)
    return exp.Null(), exp.Null()


def _dimension(key: exp.Expr, source: exp.Table, grid: GridTable, alone: bool) -> str:
    if not isinstance(key, exp.Column):
        return ""
    own = key.table == source.alias_or_name if key.table else alone
    return (grid.dimension_of(key.name) or "") if own else ""


def _alike(key: exp.Expr, query: exp.Expr, grid: GridTable, read: Tables) -> bool:
    """Whether = compares as IN does: both sides are of one type."""
    (table,) = read.values()
    given = query.expressions[0].unalias()
    if is_aggregate(given):
        given = given.expressions[0]
    if not isinstance(given, exp.Column):
        return False
    return bool(grid.schema.field(key.name).type == table.schema.field(given.name).type)


def _read_in_memory(query: exp.Expr, tables: Tables) -> Tables | None:
    """The one table of a query, if it is small and in memory and the query is of it alone."""
    if not isinstance(query, exp.Select) or len(list(query.find_all(exp.Query))) > 1:
        return None
    if any(query.args.get(part) for part in ("limit", "offset", "fetch", "distinct", "sample")):
        return None
    sources = inner_sources(query)
    table = tables.get(table_name(sources[0])) if len(sources) == 1 else None
    if not isinstance(table, Held) or query.args.get("joins"):
        return None
    if table.held_rows.num_rows > MOST_ROWS or not all(map(_is_stable, query.walk())):
        return None
    alias, names = sources[0].alias_or_name, set(table.schema.names)
    columns = list(query.find_all(exp.Column))
    if any(each.name not in names or each.table not in ("", alias) for each in columns):
        return None
    return {table_name(sources[0]): table}


def _is_stable(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        # Sums of reals may differ in their last digits from one run to the next.
        return calls_pure(node) or node.name.lower() in ("min", "max", "count")
    return not isinstance(node, exp.Func) or isinstance(
        node, exp.Cast | exp.Case | exp.Extract | exp.And | exp.Or
    )
