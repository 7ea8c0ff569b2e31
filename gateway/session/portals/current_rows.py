"""Which row of a table a cursor stands on, for WHERE CURRENT OF.

A cursor over one table reads the identifier of each row beside its columns, where it locks the rows
(FOR UPDATE and its like) or the table is small: such reading goes past the rows in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from gateway.session.computation import Bound, Computation, fields_of
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.names.scope import column_node, is_aggregate
from gateway.sql.names.updatable import IDENTIFIED
from gateway.sql.statements.statement import Statement
from gateway.sql.writes.writes import parts_of
from gateway.store.definitions.definitions import ROWID
from gateway.store.rows.snapshots import Snapshot

# Of tables with no more rows a cursor knows the rows though it locks none.
_FEW_ROWS = 10_000


@dataclass(slots=True)
class Standing:
    """The identifiers of the rows that a cursor has read.

    Args:
        table: Whose rows they are.
        version: Of its committed rows, when the cursor was declared.
        locked: What locks the rows: FOR UPDATE or its like; "" nothing does.
        deleted: Those that were deleted at the cursor.
    """

    table: TableName
    version: int
    locked: str
    identifiers: list[pa.Array] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)

    def split(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The batches without their last column, which is kept."""
        for batch in batches:
            last = batch.num_columns - 1
            self.identifiers.append(batch.column(last))
            yield batch.select(range(last))

    def at(self, position: int) -> int:
        """The identifier of the row at a position, from 1, which has been read."""
        number: int = pa.chunked_array(self.identifiers)[position - 1].as_py()
        return number


def cursor_rows(
    executor: Executor, locks: str, plain: Statement, bound: Bound
) -> tuple[Result, Standing | None]:
    """The rows of a cursor's query, and where they stand in their table, if that is to be known.

    Args:
        locks: FOR UPDATE or its like, which the query has; "" when it has none.
        plain: The query without them; they are taken.
    """
    table = simple_table(plain.tree)
    if table is None or not isinstance(plain.tree, exp.Select):
        return executor.query(plain, bound), None
    name = executor.registry.relation(*executor.registry.named(parts_of(table))).name
    if executor.registry.store.table(name) is None:
        return executor.query(plain, bound), None
    if not locks:
        held = executor.registry.tables([name])[name]
        if not isinstance(held, Snapshot) or held.rows.num_rows > _FEW_ROWS:
            return executor.query(plain, bound), None
    asked = executor.required(plain)  # with the identifiers in it, it would be read as a write's
    executor.allow(asked.rewritten, asked.rowid_of)
    tree = plain.tree.copy()
    tree.args["from_"].this.meta[IDENTIFIED] = ROWID
    tree.append("expressions", column_node(table.alias_or_name, ROWID))
    query = Computation(executor.rewrite(tree))
    version = executor.registry.store.row_version(name)
    tables = executor.registry.tables(query.rewritten.tables, name)
    plan = executor.plan_with(query.rewritten, tables, bound)
    fields = fields_of(query.rewritten, plan.schema, bound.by_number)[:-1]
    standing = Standing(name, version, locks)
    return Result("SELECT", fields, standing.split(plan.stream())), standing


def simple_table(query: object) -> exp.Table | None:
    """The one table of which each row of a query is a row."""
    if not isinstance(query, exp.Select) or query.args.get("with_"):
        return None
    source = query.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table) or source.this.args.get("joins"):
        return None
    if not isinstance(source.this.this, exp.Identifier):
        return None
    apart = ("joins", "laterals", "group", "having", "distinct")
    if any(query.args.get(part) for part in apart):
        return None
    for item in query.expressions:
        if item.find(exp.Window) or any(map(is_aggregate, item.walk())):
            return None
    return source.this
