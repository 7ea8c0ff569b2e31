"""SELECT ... FOR UPDATE SKIP LOCKED and NOWAIT: of one table the rows that are read are locked.

The rows are found with their identifiers and kept (`StoreSession.keep_rows`), as many as the query
gives, so that each of several sessions that work off a queue gets rows of its own. PostgreSQL does
so in a node of the plan below LIMIT (nodeLockRows.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.errors import LockNotAvailable, UndefinedColumn, UndefinedTable
from gateway.session.computation import Bound, Computation, fields_of
from gateway.session.portals.current_rows import simple_table
from gateway.session.result import Field, Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import column_node
from gateway.sql.names.updatable import IDENTIFIED
from gateway.sql.writes.writes import parts_of
from gateway.store.definitions.definitions import ROWID
from gateway.store.transactions.row_locks import Kept, RowsAreKept

# Types of keys whose values can be written out again.
_WRITTEN = ("int2", "int4", "int8", "text", "varchar", "uuid", "inet")


@dataclass(frozen=True, slots=True)
class Locked:
    """Rows that were locked: their columns, and what names each of them in the query's table."""

    fields: tuple[Field, ...]
    rows: pa.Table
    keys: pa.ChunkedArray | None

    def result(self) -> Result:
        """What the query gives."""
        return Result("SELECT", self.fields, iter(self.rows.to_batches()))

    def among(self, query: exp.Select, key: exp.Column) -> None:
        """Have a query give these rows alone."""
        assert self.keys is not None
        values = [_literal(value) for value in self.keys.to_pylist()]
        query.where(exp.In(this=key, expressions=values) if values else exp.false(), copy=False)
        query.set("limit", None)


def _literal(value: object) -> exp.Expr:
    if isinstance(value, int):
        return exp.Literal.number(value) if value >= 0 else exp.Neg(this=exp.Literal.number(-value))
    return exp.Literal.string(str(value))


@dataclass(frozen=True, slots=True)
class RowLock:
    """What a query is to lock.

    Args:
        query: It, over one table.
        table: That.
        name: Which table.
        shared: FOR SHARE and FOR KEY SHARE.
        nowait: NOWAIT; else SKIP LOCKED.
        limit: How many rows it gives at most; None: all.
        key: The column that names a row; "" for none.
    """

    query: exp.Select
    table: exp.Table
    name: TableName
    shared: bool
    nowait: bool
    limit: int | None
    key: str

    @property
    def key_node(self) -> exp.Column:
        """The column of the key."""
        return column_node(self.table.alias_or_name, self.key)


def row_lock(executor: Executor, query: exp.Select, lock: exp.Lock, bound: Bound) -> RowLock | None:
    """What a query locks that asks for rows of one table; None where a table is locked whole."""
    wait, table = lock.args.get("wait"), simple_table(query)
    if wait is None or table is None or query.args.get("offset") or volatile_call(query):
        return None
    if lock.expressions and [each.name for each in lock.expressions] != [table.alias_or_name]:
        return None
    registry = executor.registry
    relation = registry.relation(*registry.named(parts_of(table)))
    definition = registry.store.table(relation.name)
    limit = _limit(query, bound)
    if relation.view is not None or definition is None or limit == -1:
        return None
    keys = [key.columns for key in definition.keys if key.primary and len(key.columns) == 1]
    named = [names[0] for names in keys if definition.column(names[0]).type.name in _WRITTEN]
    shared = not lock.args.get("update")
    key = named[0] if named else ""
    return RowLock(query, table, relation.name, shared, wait is True, limit, key)


def _limit(query: exp.Select, bound: Bound) -> int | None:
    """How many rows at most; None: all; -1: that is not known here."""
    limit = query.args.get("limit")
    if limit is None:
        return None
    count = limit.expression if isinstance(limit, exp.Limit) else None
    if isinstance(count, exp.Literal) and not count.is_string and str(count.this).isdigit():
        return int(count.this)
    return -1


def lock_rows(executor: Executor, wanted: RowLock, bound: Bound) -> Locked | None:
    """Lock the rows that a query gives; None where it does not stand alone.

    They stay locked until the transaction ends, or what is around this in
    `StoreSession.holding`.

    Raises:
        LockNotAvailable: 55P03, NOWAIT, and another session has one.
        RowsAreKept: They changed meanwhile, and the statement is to be done again.
    """
    store = executor.registry.store
    with store.keeping_rows(wanted.name) as since:
        others = store.rows_of_others(wanted.name, shared=wanted.shared)
        if any(each.rows is None and each.briefly for each in others):
            raise RowsAreKept(store.oid(wanted.name), wanted.shared, np.zeros(0, np.int64))
        try:
            found, fields, width = _identified(executor, wanted, bound, bool(others))
        except (UndefinedColumn, UndefinedTable):  # of a query around it
            return None
        rows = pa.Table.from_batches(_free(found[1], others, wanted, width), found[0])
        identifiers = rows.column(width).to_numpy()
        if not store.keep_rows(wanted.name, identifiers, since, shared=wanted.shared):
            if wanted.nowait:
                told = f'could not obtain lock on row in relation "{wanted.name.name}"'
                raise LockNotAvailable(told)
            raise RowsAreKept
    keys = rows.column(width + 1) if wanted.key else None
    return Locked(fields, rows.select(range(width)), keys)


def _identified(
    executor: Executor, wanted: RowLock, bound: Bound, all_rows: bool
) -> tuple[tuple[pa.Schema, Iterator[pa.RecordBatch]], tuple[Field, ...], int]:
    """What the query gives, and behind it the identifier and the key of each row."""
    tree = wanted.query.copy()
    tree.set("locks", None)
    executor.allow(executor.rewrite(tree.copy()))  # what it reads without the identifiers
    if all_rows and not wanted.nowait:
        tree.set("limit", None)
    tree.args["from_"].this.meta[IDENTIFIED] = ROWID
    for name in filter(None, (ROWID, wanted.key)):
        tree.append("expressions", column_node(wanted.table.alias_or_name, name))
    query = Computation(executor.rewrite(tree))
    tables = executor.registry.tables(query.rewritten.tables, wanted.name)
    plan = executor.plan_with(query.rewritten, tables, bound)
    width = len(plan.schema) - 1 - bool(wanted.key)
    fields = fields_of(query.rewritten, plan.schema, bound.by_number)[:width]
    return (plan.schema, plan.stream()), fields, width


def _free(
    batches: Iterator[pa.RecordBatch], others: list[Kept], wanted: RowLock, width: int
) -> Iterator[pa.RecordBatch]:
    """The rows that no other session keeps, at most as many as the query gives; or all of them."""
    if wanted.nowait:
        yield from batches
        return
    if any(each.rows is None for each in others):
        return
    taken = np.concatenate([np.zeros(0, np.int64), *(e.rows for e in others if e.rows is not None)])
    left = wanted.limit
    for batch in batches:
        free = ~np.isin(batch.column(width).to_numpy(), taken)
        found = batch.filter(pa.array(free)).slice(0, left)
        yield found
        left = None if left is None else left - found.num_rows
        if left == 0:
            return
