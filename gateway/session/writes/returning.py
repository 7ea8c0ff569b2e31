"""RETURNING, done: over the rows that a write changed, each beside the rows it was joined to.

UPDATE ... FROM u RETURNING u.x: the write's query gives the columns of `u` after its own; they are
kept by the row's identifier, as a table in a schema of the server's own, and joined again.
Where a subquery reads the table itself, which is as it was before, the changed rows are one, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.rewrite import Rewritten
from gateway.sources.table import Held, Table, TableName
from gateway.sql.names.relation import ColumnInfo, Lookup, Relation
from gateway.sql.names.scope import column_node, table_node
from gateway.sql.names.updatable import IDENTIFIED
from gateway.sql.text.trees import nodes_of
from gateway.sql.writes.writes import Write
from gateway.store.definitions.definitions import ROWID, Changed, TableDefinition
from gateway.store.rows.snapshots import Snapshot
from gateway.types import from_arrow


@dataclass(frozen=True, slots=True)
class Beside:
    """A relation that was joined: its alias, and its columns."""

    alias: str
    schema: pa.Schema

    @property
    def name(self) -> TableName:
        """Where RETURNING finds it; no user's schema has this name."""
        return TableName("gradwire", f"beside {self.alias}")

    def table(self, identifiers: pa.Array, columns: Sequence[pa.ChunkedArray]) -> Snapshot:
        """Its rows, by the identifier of the row they were joined to."""
        schema = self.schema.insert(0, pa.field(ROWID, pa.int64()))
        typed = [c.cast(f.type) for c, f in zip(columns, self.schema, strict=True)]
        return Snapshot(pa.Table.from_arrays([identifiers, *typed], schema=schema))


@dataclass(frozen=True, slots=True)
class Returned:
    """A RETURNING over the target alone, rewritten.

    Args:
        rewritten: It.
        columns: The target's columns that it is, in order; None: something is computed.
    """

    rewritten: Rewritten
    columns: tuple[str, ...] | None

    def of(self, rows: pa.Table) -> pa.Table:
        """What it gives over changed rows, where nothing is computed."""
        assert self.columns is not None
        names = [str(n) for n in range(len(self.columns))]
        return pa.Table.from_arrays([rows.column(name) for name in self.columns], names)


def plain_columns(tree: exp.Expr, target: TableDefinition) -> tuple[str, ...] | None:
    """The target's columns that a query over it consists of; None where it is more than that."""
    if not isinstance(tree, exp.Select) or {k for k, v in tree.args.items() if v} - _PLAIN:
        return None
    names = {column.name for column in target.columns}
    items = [item.this if isinstance(item, exp.Alias) else item for item in tree.expressions]
    own = ("", tree.args["from_"].this.alias_or_name)
    if not all(isinstance(i, exp.Column) and i.name in names and i.table in own for i in items):
        return None
    return tuple(item.name for item in items)


# The parts of a SELECT that only names columns of a table.
_PLAIN = {"kind", "expressions", "from_"}


class Beneath:
    """A lookup that knows names as another does, and tables of the server's own.

    Args:
        lookup: The other one.
        schemas: The columns of those tables.
    """

    def __init__(self, lookup: Lookup, schemas: Mapping[TableName, pa.Schema]) -> None:
        self._lookup, self.schemas = lookup, dict(schemas)

    def __call__(self, schema: str, name: str) -> Relation:
        own = TableName(schema, name)
        fields = self.schemas.get(own)
        if fields is None:
            return self._lookup(schema, name)
        columns = {f.name: ColumnInfo(from_arrow(f.type), f.nullable) for f in fields}
        return Relation(own, columns)

    @property
    def empty(self) -> dict[TableName, Table]:
        """Its tables without rows, to plan over."""
        return {name: Snapshot(schema.empty_table()) for name, schema in self.schemas.items()}


def changed_rows(name: TableName) -> TableName:
    """Where RETURNING finds what was changed of a table or view, beside the table as it was."""
    return TableName("gradwire", f"changed {name.schema}.{name.name}")


class Apart:
    """A lookup that knows names as another does, and changed rows apart from their table.

    Args:
        lookup: The other one.
        names: The table, and the views through which it is written.
    """

    def __init__(self, lookup: Lookup, names: Iterable[TableName]) -> None:
        self._lookup, self._names = lookup, {changed_rows(name): name for name in names}

    def __call__(self, schema: str, name: str) -> Relation:
        own = TableName(schema, name)
        meant = self._names.get(own)
        if meant is None:
            return self._lookup(schema, name)
        found = self._lookup(meant.schema, meant.name)
        apart = {read: changed_rows(each) for read, each in found.reads.items()}
        reads = {
            read: apart[read] if apart[read] in self._names else each
            for read, each in found.reads.items()
        }
        return replace(found, name=own, reads=reads)


def reads_table(rewritten: Rewritten, name: TableName) -> bool:
    """Whether a RETURNING reads its table besides the changed rows."""
    found = (nodes_of(query.tree, exp.Table) for query in rewritten.all_run)
    return sum(table.name == name.name for tables in found for table in tables) > 1


def over_rows_apart(query: exp.Select, name: TableName) -> exp.Select:
    """A RETURNING over the changed rows of a table or view, by their own name."""
    made = query.copy()
    table = made.args["from_"].this
    alias, own = exp.to_identifier(table.alias_or_name, quoted=True), changed_rows(name)
    table.set("alias", exp.TableAlias(this=alias))
    table.set("this", exp.to_identifier(own.name, quoted=True))
    table.set("db", exp.to_identifier(own.schema, quoted=True))
    table.set("catalog", None)
    return made


def returning_query(write: Write, target: TableDefinition, beside: Sequence[Beside]) -> exp.Select:
    """The query over the changed rows, with the relations beside them in FROM."""
    assert write.returning is not None
    query = write.returning.copy()
    if not beside:
        return query
    mine = query.args["from_"].this.alias_or_name
    query.args["from_"].this.meta[IDENTIFIED] = ROWID
    columns: dict[str, Sequence[str]] = {mine: write.shown or [c.name for c in target.columns]}
    columns |= {each.alias: each.schema.names for each in beside}
    query.set("expressions", [new for item in query.expressions for new in _spelt(item, columns)])
    for each in beside:
        table = table_node(each.name, each.alias)
        same = exp.EQ(this=column_node(mine, ROWID), expression=column_node(each.alias, ROWID))
        query.append("joins", exp.Join(this=table, on=same))
    return query


def _spelt(item: exp.Expr, columns: Mapping[str, Sequence[str]]) -> list[exp.Expr]:
    """`*` and `u.*` as columns: the engine would show the identifiers, too."""
    if isinstance(item, exp.Star):
        return [column_node(alias, name) for alias, names in columns.items() for name in names]
    if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
        return [column_node(item.table, name) for name in columns.get(item.table, ())] or [item]
    return [item]


def rows_beside(
    write: Write,
    target: TableDefinition,
    beside: Sequence[Beside],
    batches: Sequence[pa.RecordBatch],
    changed: Changed,
    before: Table,
) -> dict[TableName, Table]:
    """The tables of `returning_query`.

    Args:
        write: What was done.
        target: To which table.
        beside: What was joined.
        batches: What the write's query gave.
        changed: What came of it; an UPDATE's rows stand in the order of their identifiers.
        before: The table's rows with their identifiers, which DELETE shows once more.
    """
    if not batches:
        empty = pa.array([], pa.int64())
        nothing = {
            b.name: b.table(empty, [pa.chunked_array([], f.type) for f in b.schema]) for b in beside
        }
        schema = target.schema.insert(0, pa.field(ROWID, pa.int64()))
        return {target.name: Snapshot(schema.empty_table()), **nothing}
    delta = pa.Table.from_batches(batches)
    numbers, first = np.unique(delta.column(0).cast(pa.int64()).to_numpy(), return_index=True)
    identifiers, kept = pa.array(numbers), delta.take(pa.array(first))
    if write.command == "DELETE":
        assert isinstance(before, Held)
        held = before.held_rows
        rows = held.take(pa.compute.index_in(identifiers, value_set=held.column(ROWID)))
    else:
        assert changed.rows is not None
        rows = changed.rows.add_column(0, pa.field(ROWID, pa.int64()), identifiers)
    found: dict[TableName, Table] = {target.name: Snapshot(rows)}
    place = 1 + len(write.columns)
    for each in beside:
        wide = len(each.schema)
        columns = [kept.column(n) for n in range(place, place + wide)]
        found[each.name] = each.table(identifiers, columns)
        place += wide
    return found
