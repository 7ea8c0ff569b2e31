"""Queries that are run before the query they stand in, for what they tell of it.

They read few rows, are of their own tables alone, and give the same whenever they are run. A value
that one gives, `(SELECT max(time) FROM winds)`, is put in its place, as a parameter is; so it is
handed down to the scan, and an aggregate around it is computed on arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.aggregation.coordinates import Tables, calls_pure, table_name
from gateway.errors import GatewayError, QueryCanceled
from gateway.session.queries.sides import common, is_named, stands_alone
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Held, Table, TableName
from gateway.sql.meaning.volatile import is_each_row

# A query and its tables -> the same; and the rows of a query.
Narrow = Callable[[exp.Expr, Tables], tuple[exp.Expr, Tables]]
Run = Callable[[exp.Expr, Tables], pa.Table]

# Rows of a table that such a query reads, at most, and of all its tables side by side.
MOST_ROWS = 100_000
MOST_PAIRS = 10_000_000

# Aggregates that give the same at every run, or differ in their last digits: then the query has
# the rows that it has when it is run with either.
_SETTLED = frozenset(
    ["min", "max", "count", "bool_and", "bool_or", "sum", "avg", "stddev", "stddev_samp",
     "stddev_pop", "var_samp", "var_pop"]
)  # fmt: skip
_NOT_HERE = (exp.Window, exp.TableSample, exp.Lateral, exp.Lock, exp.Placeholder)
_CALLS = (exp.Cast, exp.Case, exp.If, exp.Extract, exp.And, exp.Or, exp.Exists)


def rows_of(table: Table | None) -> float:
    """How many rows a table has, where that is known and they are at hand; else infinite."""
    if isinstance(table, GridTable):
        return float(math.prod(len(table.positions(dim)) for dim in table.dims))
    return float(table.held_rows.num_rows) if isinstance(table, Held) else math.inf


def tables_in(tree: exp.Expr, tables: Tables) -> dict[TableName, Table] | None:
    """The tables that a part of a query reads; None where it has others, or is not to be run first.

    Args:
        tree: A subquery, or what stands in FROM.
        tables: Every table of the query.
    """
    found: dict[TableName, Table] = {}
    pairs = 1.0
    for place in tree.find_all(exp.Table):
        named = common(place) if is_named(place) and not place.db else None
        if named is not None:
            if any(query is named for query in tree.find_all(exp.Query)):
                continue
            return None
        table = tables.get(table_name(place)) if is_named(place) else None
        rows = rows_of(table)
        if table is None or rows > MOST_ROWS:
            return None
        found[table_name(place)] = table
        pairs *= max(1.0, rows)
    selects = list(tree.find_all(exp.Select))
    settled = all(map(_is_settled, tree.walk())) and all(map(_is_determined, selects))
    alone = all(stands_alone(select, tables) for select in selects)
    return found if settled and alone and pairs <= MOST_PAIRS else None


def _is_settled(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return calls_pure(node) or node.name.lower() in _SETTLED or is_each_row(node)
    if isinstance(node, _NOT_HERE):
        return False
    return not isinstance(node, exp.Func) or isinstance(node, _CALLS)


def _is_determined(select: exp.Select) -> bool:
    """Whether its rows are the same at every run: those of a LIMIT are, where all is sorted by."""
    distinct, clause = select.args.get("distinct"), select.args.get("with_")
    if (distinct is not None and distinct.args.get("on")) or (clause and clause.args["recursive"]):
        return False
    if not any(select.args.get(part) for part in ("limit", "offset")):
        return True
    order = select.args.get("order")
    keys = [] if order is None else [each.this for each in order.expressions]
    return all(
        item.unalias() in keys or any(_is_item(key, item, place) for key in keys)
        for place, item in enumerate(select.expressions, 1)
    )


def _is_item(key: exp.Expr, item: exp.Expr, place: int) -> bool:
    if isinstance(key, exp.Column) and not key.table:
        return bool(key.name == item.alias_or_name)
    return isinstance(key, exp.Literal) and key.is_int and int(key.name) == place


def with_constants(
    tree: exp.Expr, tables: Tables, values: Sequence[pa.Scalar], narrow: Narrow, run: Run
) -> tuple[exp.Expr, Sequence[pa.Scalar]]:
    """The query with the values of subqueries that can be run first, and all values.

    Args:
        tree: The query for the engine; left as it is.
        tables: Every table that it names.
        values: Of `$1`, `$2`, ...
        narrow: Leaves a query the rows of its grids alone that it can need.
        run: Runs a query over some tables, with these values.
    """
    if not any(map(_is_scalar, tree.find_all(exp.Subquery))):
        return tree, values
    copied, found = tree.copy(), list(values)
    for place in list(copied.find_all(exp.Subquery)):
        if not _is_scalar(place) or place.root() is not copied:
            continue
        query, narrower = narrow(place.this, tables)
        read = tables_in(query, narrower)
        value = None if read is None else _value(run, query, read)
        if value is not None:
            found.append(value)
            place.replace(exp.Parameter(this=exp.Literal.number(len(found))))
    return (copied, found) if len(found) > len(values) else (tree, values)


def _is_scalar(place: exp.Subquery) -> bool:
    """Whether a subquery stands for a value, and not for rows."""
    if not isinstance(place.this, exp.Select) or len(place.this.expressions) != 1:
        return False
    return not isinstance(
        place.parent,
        exp.From | exp.Join | exp.In | exp.Exists | exp.Any | exp.All | exp.Subquery | exp.Query,
    )


def _value(run: Run, query: exp.Expr, read: Tables) -> pa.Scalar | None:
    """The one value of a query; None where it cannot be had, or is none that can be handed over."""
    try:
        rows = run(query, read)
    except QueryCanceled:
        raise
    except GatewayError:  # the query itself raises it, if it comes to that
        return None
    kind = rows.schema.types[0]
    if rows.num_rows > 1 or pa.types.is_nested(kind) or pa.types.is_null(kind):
        return None
    return rows.column(0)[0] if rows.num_rows else pa.scalar(None, kind)
