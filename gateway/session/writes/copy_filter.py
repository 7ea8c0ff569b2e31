"""COPY FROM ... WHERE: which of the rows that come in are kept.

The condition is a query over each batch of them, so derivatives and functions of the user's own
work in it. PostgreSQL's restrictions hold: no aggregates, no windows, no subqueries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa
from sqlglot import exp

from gateway.engine.interface import Plan
from gateway.errors import (
    FeatureNotSupported,
    GroupingError,
    InvalidColumnReference,
    WindowingError,
)
from gateway.rewrite import Rewritten
from gateway.session.computation import Bound
from gateway.session.writes.execution import Executor
from gateway.sql.names.row_functions import refuse_sets
from gateway.sql.names.scope import column_node, is_aggregate, position_of, table_node
from gateway.sql.statements.statement import Copy, Statement
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.dialect import parse
from gateway.sql.writes.assignments import default_of
from gateway.sql.writes.targets import Target
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.rows.snapshots import Snapshot

Rows = Iterator[pa.RecordBatch]


def row_filter(
    executor: Executor, statement: Statement, definition: TableDefinition, names: tuple[str, ...]
) -> Callable[[Rows], Rows]:
    """What keeps those rows for which the condition of a COPY is true; all where there is none.

    Args:
        executor: The client's.
        statement: The COPY.
        definition: The table.
        names: The columns that are copied, as the batches have them.

    Raises:
        GatewayError: 42803, 42P20, 42P10, 0A000: what cannot stand there; 42703 and its like.
    """
    tree = statement.tree
    assert isinstance(tree, Copy)
    if not tree.where:
        return iter
    rewritten = _condition(executor, statement, tree, definition, names)
    nothing = pa.schema([(c.name, c.arrow) for c in map(definition.column, names)])
    _planned(executor, rewritten, definition, nothing.empty_table())  # before the client sends
    return partial(_kept, executor, rewritten, definition)


def _condition(
    executor: Executor,
    statement: Statement,
    tree: Copy,
    definition: TableDefinition,
    names: tuple[str, ...],
) -> Rewritten:
    start, end = tree.where[0].start, tree.where[-1].end + 1
    text = statement.text[start - statement.offset : end - statement.offset]
    # At the place where it was sent, for the positions of errors.
    (select,) = parse(f"{'SELECT WHERE':<{start}}{text}")
    _check(select.args["where"].this)
    _put_defaults(select, executor.registry.target_columns(definition), names)
    condition: exp.Expr = select.args["where"].this
    columns = [column_node(definition.name.name, name) for name in names]
    query = exp.select(*columns).from_(table_node(definition.name)).where(condition)
    return executor.rewrite(query)


def _check(condition: exp.Expr) -> None:
    refuse_sets(condition, "COPY FROM WHERE conditions")
    for node in condition.walk():
        place, position = "COPY FROM WHERE conditions", position_of(node)
        if isinstance(node, exp.Query | exp.Subquery):
            raise FeatureNotSupported(
                "cannot use subquery in COPY FROM WHERE condition", position=position
            )
        if isinstance(node, exp.Window):
            message = f"window functions are not allowed in {place}"
            raise WindowingError(message, position=position_of(node.this))
        if is_aggregate(node):
            message = f"aggregate functions are not allowed in {place}"
            raise GroupingError(message, position=position)


def _put_defaults(select: exp.Expr, target: Target, names: tuple[str, ...]) -> None:
    """Columns that are not copied have their defaults already when PostgreSQL asks."""
    for column in list(select.find_all(exp.Column)):
        if column.name not in target or column.name in names:
            continue
        if target[column.name].generated:
            raise InvalidColumnReference(
                "generated columns are not supported in COPY FROM WHERE conditions",
                detail=f'Column "{column.name}" is a generated column.',
            )
        value = default_of(target[column.name])
        if value.find(exp.Anonymous) is not None:
            raise FeatureNotSupported(
                f'column "{column.name}" is not copied and its default not constant, so '
                "COPY FROM ... WHERE cannot ask for it",
                position=position_of(column),
            )
        kind = data_type(target[column.name].type)
        column.replace(exp.Cast(this=value, to=kind))


def _kept(
    executor: Executor, rewritten: Rewritten, definition: TableDefinition, batches: Rows
) -> Rows:
    for batch in batches:
        table = pa.Table.from_batches([batch])
        yield from _planned(executor, rewritten, definition, table).stream()


def _planned(
    executor: Executor, rewritten: Rewritten, definition: TableDefinition, rows: pa.Table
) -> Plan:
    return executor.plan_with(rewritten, {definition.name: Snapshot(rows)}, Bound())
