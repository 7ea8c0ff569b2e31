"""Questions about one coordinate of a grid, which the engine answers over the coordinate alone.

Whatever an expression means, it means the same over a coordinate's positions as over the rows at
them; so conditions and keys on one dimension are settled once for each position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import EngineSession
from gateway.sources.grid.grid import GridTable
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.printing import to_engine
from gateway.sql.names.scope import column_node, table_node
from gateway.sql.text.trees import conjuncts
from gateway.store.rows.snapshots import Snapshot

Tables = Mapping[TableName, Table]

# (SELECT position, ... FROM COORDINATE ..., the coordinate's rows, other tables) -> the answer.
Ask = Callable[[exp.Select, pa.Table, Tables], pa.Table]

COORDINATE = TableName("gradwire", "coordinate")

# Functions whose value depends on nothing but their arguments.
_PURE = frozenset(
    {
        "abs", "arrow_cast", "ceil", "ceiling", "coalesce", "cos", "date_bin", "date_part",
        "date_trunc", "finite_timestamp", "floor", "greatest", "least", "length", "lower", "ltrim",
        "mod", "nanvl", "nullif", "power", "radians",
        "round", "rtrim", "sign", "sin", "sqrt", "starts_with", "strpos", "substr", "substring",
        "to_char", "trim", "trunc", "upper",
    }
)  # fmt: skip
# What casts to text and to_char have become, by the type of their argument.
_PURE_FAMILIES = ("text_of_", "to_char_")
_READ = (exp.Column, exp.Identifier, exp.Literal, exp.DataType, exp.DataTypeParam, exp.Var,
         exp.Boolean, exp.Null, exp.In, exp.Between, exp.Tuple, exp.Parameter, exp.Interval,
         exp.If, exp.Anonymous, exp.Extract, exp.Cast, exp.Binary, exp.Unary,
         exp.Case)  # fmt: skip


def asking(engine: EngineSession, values: Sequence[pa.Scalar]) -> Ask:
    """What asks a client's engine, with the values of `$1`, `$2`, ..."""

    def ask(question: exp.Select, coordinate: pa.Table, others: Tables) -> pa.Table:
        tables = {COORDINATE: Snapshot(coordinate), **others}
        return answer(engine, question, tables, values)

    return ask


def answer(
    engine: EngineSession, query: exp.Expr, tables: Tables, values: Sequence[pa.Scalar]
) -> pa.Table:
    """All rows of a query over these tables.

    Raises:
        GatewayError: what the engine refuses.
    """
    plan = engine.plan(to_engine(query), tables, values)
    batches = list(plan.stream())
    return pa.Table.from_batches(batches, None if batches else plan.schema)


def question(outputs: Sequence[exp.Expr], conditions: Sequence[exp.Expr]) -> exp.Select:
    """The positions at which all conditions are true, and `outputs` there as `key 0`, ..."""
    named = [
        exp.alias_(_of_coordinate(output), f"key {number}", quoted=True)
        for number, output in enumerate(outputs)
    ]
    position = column_node("c", GridTable.POSITION)
    found = exp.select(position, *named).from_(table_node(COORDINATE, "c"))
    return found.where(*map(_of_coordinate, conditions)) if conditions else found


def _of_coordinate(tree: exp.Expr) -> exp.Expr:
    if isinstance(tree, exp.Column):
        return column_node("c", tree.name)
    copied = tree.copy()
    for column in list(copied.find_all(exp.Column)):
        if column.find_ancestor(exp.Query) is None:  # what a query inside names is its own
            column.replace(column_node("c", column.name))
    return copied


def table_name(table: exp.Table) -> TableName:
    """The relation that a bound table names."""
    return TableName(table.db, table.name)


def inner_sources(select: exp.Select) -> list[exp.Table]:
    """The tables of FROM; none where an outer join could bring back what a condition leaves out."""
    start, joins = select.args.get("from_"), select.args.get("joins") or []
    if start is None or select.args.get("laterals"):
        return []
    if not all(is_inner(join, select) for join in joins):
        return []
    parts = [start.this, *(join.this for join in joins)]
    if any(part.args.get("joins") for part in parts):
        return []
    return [part for part in parts if isinstance(part, exp.Table) and _is_plain(part)]


def is_inner(join: exp.Join, select: exp.Select) -> bool:
    """Whether every row of a SELECT has a row of what is joined, and meets the join's condition.

    A LEFT JOIN is so where WHERE asks for what no missing row has: what IN and EXISTS become.
    """
    if not join.side:
        return join.kind in ("", "INNER", "CROSS")
    where = select.args.get("where")
    if join.side != "LEFT" or join.kind not in ("", "OUTER") or where is None:
        return False
    return any(
        isinstance(each, exp.Is)
        and isinstance(each.this, exp.Column)
        and each.this.table == join.alias_or_name
        and isinstance(each.expression, exp.Boolean)
        for each in conjuncts(where.this)
    )


def _is_plain(table: exp.Table) -> bool:
    alias = table.args.get("alias")
    return isinstance(table.this, exp.Identifier) and not (alias and alias.columns)


def dimension_of(tree: exp.Expr, source: exp.Table, grid: GridTable, alone: bool) -> str:
    """The one dimension on which every column of an expression lies; empty when there is none.

    Args:
        tree: The expression.
        source: The grid's place in FROM.
        grid: The grid.
        alone: Whether FROM has no other table, so that a bare name is the grid's column.
    """
    dims = set()
    for column in tree.find_all(exp.Column):
        of_source = column.table == source.alias_or_name if column.table else alone
        dims.add(grid.dimension_of(column.name) if of_source else None)
    return dims.pop() or "" if len(dims) == 1 else ""


def is_pure(tree: exp.Expr) -> bool:
    """Whether it means the same at every time, and has no query inside."""
    return all(map(is_pure_node, tree.walk()))


def is_pure_node(node: exp.Expr) -> bool:
    """Whether an expression means the same at every time, as far as one node of it tells."""
    return isinstance(node, _READ) and (not isinstance(node, exp.Anonymous) or calls_pure(node))


def calls_pure(call: exp.Anonymous) -> bool:
    """Whether a call depends on nothing but its arguments."""
    name = call.name.lower()
    return name in _PURE or name.startswith(_PURE_FAMILIES)
