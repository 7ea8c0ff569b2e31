"""Which positions of its grids a query can need: the tables that it names, each with these alone.

What conditions on one coordinate leave, what a small side of a join or a subquery tells
(`joined_keys`), what a LIMIT asks for (`first_rows`), and one position of each dimension in which
rows may differ without being told apart.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from sqlglot import exp

from gateway.aggregation.coordinates import (
    Ask,
    Tables,
    calls_pure,
    dimension_of,
    inner_sources,
    is_pure,
    question,
    table_name,
)
from gateway.errors import GatewayError, QueryCanceled
from gateway.session.queries.first_rows import sort_column, with_any_rows, with_first_rows
from gateway.session.queries.joined_keys import Question, questions
from gateway.sources.filters.pruning import Positions
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.trees import conjuncts

# Aggregates that do not change when a row is there several times.
_UNMOVED = frozenset(["min", "max", "bool_and", "bool_or", "bit_and", "bit_or", "approx_distinct"])

# What the engine does not hand down: a column inside any of these.
_HIDING = (exp.Anonymous, exp.Extract, exp.Cast, exp.Binary, exp.Unary, exp.Case)
_HANDED_DOWN = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.And, exp.Or, exp.Not, exp.Is,
                exp.Paren)  # fmt: skip


def narrowed(tree: exp.Expr, tables: Tables, ask: Ask, fewest_rows: int) -> tuple[exp.Expr, Tables]:
    """The query, and the tables: each grid with the positions alone that the query can need.

    A grid that is named several times has a name for each place where other positions are needed.

    Args:
        tree: The query for the engine; left as it is.
        tables: Every table that it names.
        ask: Runs a query over a coordinate.
        fewest_rows: Grids with fewer are left as they are.
    """
    large = {name for name, table in tables.items() if _is_large(table, fewest_rows)}
    tree, found, apart = _told_apart(tree, tables, large)
    places = [
        (select, source, table_name(source))
        for select in tree.find_all(exp.Select)
        for source in inner_sources(select)
        if _is_large(found.get(table_name(source)), fewest_rows)
    ]
    for select, source, name in places:
        grid = found[name]
        assert isinstance(grid, GridTable)
        positions = {**_settled(select, source, grid, ask), **_one_each(select, grid)}
        grid = grid.restricted(positions) if positions else grid
        found[name] = _with_first_rows(select, source, grid, ask)
    for select, source, name in places:
        grid = found[name]
        assert isinstance(grid, GridTable)
        for asked in questions(select, source, grid, found):
            found[name] = _among(found[name], asked, ask)
    _join_again(tree, tables, found, apart)
    return tree, found


def _is_large(table: Table | None, fewest_rows: int) -> bool:
    return isinstance(table, GridTable) and table.rows >= fewest_rows


def _told_apart(
    tree: exp.Expr, tables: Tables, large: set[TableName]
) -> tuple[exp.Expr, dict[TableName, Table], dict[TableName, TableName]]:
    """The query and its tables, a large grid under a name of its own from its second place on."""
    found, apart = dict(tables), dict[TableName, TableName]()
    named = Counter(table_name(table) for table in tree.find_all(exp.Table))
    several = {name for name in large if named[name] > 1}
    if not several:
        return tree, found, apart
    tree, seen = tree.copy(), Counter[TableName]()
    for place in list(tree.find_all(exp.Table)):
        name = table_name(place)
        if name in several and place.alias:
            seen[name] += 1
            grid = tables[name]
            if seen[name] > 1 and isinstance(grid, GridTable):
                own = TableName(name.schema, f"{name.name}: {seen[name]}")
                found[own], apart[own] = grid.known_as(grid.base or name), name
                place.set("this", exp.to_identifier(own.name, quoted=True))
    return tree, found, apart


def _join_again(
    tree: exp.Expr,
    tables: Tables,
    found: dict[TableName, Table],
    apart: dict[TableName, TableName],
) -> None:
    """Put a grid's one name in the place of another that is not needed, in query and tables."""
    for own, name in apart.items():
        grid = found[own]
        if isinstance(grid, GridTable) and grid.is_whole and found[name] is tables[name]:
            for place in tree.find_all(exp.Table):
                if table_name(place) == own:
                    place.set("this", exp.to_identifier(name.name, quoted=True))
            del found[own]


def _with_first_rows(select: exp.Select, source: exp.Table, grid: GridTable, ask: Ask) -> GridTable:
    order = select.args.get("order")
    if select.args.get("limit") is None:
        return grid
    try:
        if order is None:
            return with_any_rows(select, source, grid, ask)
        key = sort_column([select], order.expressions[0])
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


def _among(table: Table, question: Question, ask: Ask) -> Table:
    """The grid at the positions alone that answer a question."""
    assert isinstance(table, GridTable)
    try:
        answer = ask(question.query, table.coordinates(question.dim), question.others)
    except QueryCanceled:
        raise
    except GatewayError:  # the query itself raises it, if it comes to that
        return table
    among = np.intersect1d(table.positions(question.dim), answer.column(0).to_numpy())
    return table.restricted({question.dim: among})


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
    return (
        {dim: grid.positions(dim)[:1] for dim in grid.dims if dim not in dims} if grid.rows else {}
    )


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
