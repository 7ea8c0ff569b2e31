"""CREATE TABLE, CREATE TABLE AS, materialized views, ALTER TABLE: what users' tables are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.definitions import Building
from gateway.catalog.kept_moments import settle_moments
from gateway.catalog.own_types import bind_types
from gateway.errors import (
    FeatureNotSupported,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    SyntaxFault,
    WrongObjectType,
)
from gateway.session.computation import Bound, Computation, fields_of
from gateway.session.definitions.naming import new_name, note_skipped, placed, require_types
from gateway.session.definitions.view_texts import kept_text
from gateway.session.result import Field, Result
from gateway.session.writes.execution import Executor
from gateway.session.writes.updatable_views import bound_query
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.names.relation import zone_of
from gateway.sql.names.scope import table_node
from gateway.sql.statements.commands import Name
from gateway.sql.statements.objects import RefreshView
from gateway.sql.statements.statement import Statement
from gateway.sql.statements.tables import CreateTable
from gateway.sql.types.modifiers import numeric_modifier
from gateway.sql.writes.rounded import computes_digits
from gateway.store.ddl.calling import with_sequences_placed
from gateway.store.definitions.definitions import Column, Reads, TableDefinition, View
from gateway.store.rows.assignment import check_kept
from gateway.store.rows.kept_values import dimensions_of
from gateway.types import FLOAT8, INT8, NUMERIC, TEXT, with_dimensions


def create_table(executor: Executor, tree: CreateTable) -> Result:
    """CREATE TABLE: kept once its defaults and constraints plan."""
    registry = executor.registry
    name = new_name(executor, tree.name, temporary=tree.temporary)
    if tree.if_not_exists and registry.store.oid(name) is not None:
        note_skipped(executor, name)
        return Result("CREATE TABLE")
    building = Building(
        name,
        lambda parts: written_table(executor, parts),
        lambda parts: _existing(executor, parts),
        registry.store.names_in(name.schema),
        partial(bind_types, registry),
        registry.store.domains(),
    )
    for item in tree.items:
        building.add(item)
    definition = settle_moments(building.definition(), None, zone_of(executor.constants))
    definition = with_sequences_placed(definition, None, partial(registry.find_sequence, ""))
    require_types(executor, definition.columns)
    definition = replace(definition, on_commit=tree.on_commit)
    _refuse_on_commit(tree)
    made = registry.store.create_table(
        definition, if_not_exists=tree.if_not_exists, sequences=building.sequences
    )
    if not made:
        note_skipped(executor, name)
    return Result("CREATE TABLE")


def _refuse_on_commit(tree: CreateTable) -> None:
    if tree.on_commit != "preserve" and not tree.temporary:
        raise InvalidTableDefinition("ON COMMIT can only be used on temporary tables")


def written_table(executor: Executor, parts: Name) -> TableName:
    """The user table that a REFERENCES names."""
    relation = executor.registry.relation(*placed(executor, parts))
    if executor.registry.store.table(relation.name) is None:
        raise WrongObjectType(f'referenced relation "{parts[-1]}" is not a table')
    return relation.name


def _existing(executor: Executor, parts: Name) -> TableDefinition:
    """The columns of what LIKE names; a dataset's table has no more than those."""
    relation = executor.registry.relation(*placed(executor, parts))
    if executor.registry.store.sequence(relation.name) is not None:
        raise WrongObjectType(
            f'relation "{parts[-1]}" is invalid in LIKE clause',
            detail="This operation is not supported for sequences.",
        )
    definition = executor.registry.store.table(relation.name)
    if definition is not None:
        return definition
    if relation.view is not None:
        query = exp.select("*").from_(table_node(relation.name))
        fields = planned_fields(executor, query)
        return TableDefinition(relation.name, tuple(Column(f.name, f.type) for f in fields))
    columns = [
        Column(name, info.type or TEXT, not_null=not info.nullable)
        for name, info in relation.columns.items()
    ]
    return TableDefinition(relation.name, tuple(columns))


def create_table_as(
    executor: Executor, statement: Statement, tree: CreateTable, bound: Bound
) -> Result:
    """CREATE TABLE AS and CREATE MATERIALIZED VIEW; the rows are those of now."""
    assert tree.query is not None
    command = "CREATE MATERIALIZED VIEW" if tree.materialized else "CREATE TABLE AS"
    name = new_name(executor, tree.name, temporary=tree.temporary)
    _refuse_on_commit(tree)
    if tree.if_not_exists and executor.registry.store.oid(name) is not None:
        note_skipped(executor, name)
        return Result(command)
    query = executor.computation(statement)
    assert query is not None
    plan = executor.plan(query, bound)
    fields = fields_of(query.rewritten, plan.schema, bound.by_number)
    if len(tree.names) > len(fields):
        raise SyntaxFault("too many column names were specified")
    names = [*tree.names, *(field.name for field in fields[len(tree.names) :])]
    domains = {domain.oid: domain for domain in executor.registry.store.domains()}
    columns = [
        replace(_column(*each), domain=domains.get(each[1].domain))
        for each in zip(names, fields, plan.schema.types, strict=True)
    ]
    kept = None
    if tree.materialized:
        reads = reads_of(executor, tree.query)
        source = kept_text(executor, tree.source, fields)
        zone = zone_of(executor.constants)
        kept = View(name, source, tuple(names), reads, populated=tree.with_data, zone=zone)
    definition = TableDefinition(name, tuple(columns), query=kept, on_commit=tree.on_commit)
    batches = map(partial(_kept, columns), plan.stream()) if tree.with_data else iter(())
    with executor.rounding(lambda _: computes_digits(query.rewritten.tree)):
        count = executor.registry.store.create_table_as(definition, batches)
    if not tree.with_data:
        return Result(command)
    return Result("SELECT", changed=count)


# The catalogue's types -> those that a table keeps of them.
_KEPT = {"unknown": TEXT, "xid": INT8, "pg_node_tree": TEXT}


# After the point, of numbers of 76: a column without digits has ten, and would cut off those of a
# quotient.
_MOST_KEPT_DIGITS = 20
_SIZED = ("numeric", "varchar", "bpchar")  # types whose modifier the rows of a query have


def _column(name: str, field: Field, arrow: pa.DataType) -> Column:
    """A column for a query's values; a NULL literal's is text, as in PostgreSQL."""
    kind = FLOAT8 if field.shown is not None else _KEPT.get(field.type.name, field.type)
    if kind.element is not None:
        kind = with_dimensions(kind, dimensions_of(arrow))
    sized = kind is field.type and kind.name in _SIZED
    typmod = field.typmod if sized else -1
    free = kind is NUMERIC and typmod < 0 and pa.types.is_decimal(arrow)
    if free and arrow.scale > NUMERIC.arrow.scale:
        most = _MOST_KEPT_DIGITS if pa.types.is_decimal256(arrow) else arrow.precision
        typmod = numeric_modifier(NUMERIC.arrow.precision, min(arrow.scale, most))
    return Column(name, kind, typmod)


def _kept(columns: Sequence[Column], batch: pa.RecordBatch) -> pa.RecordBatch:
    """A query's rows, once the columns that were made for them are known to keep all digits."""
    for column, values in zip(columns, batch.columns, strict=True):
        if pa.types.is_decimal256(values.type) and column.type is NUMERIC:
            check_kept(values, column)
    return batch


def reads_of(executor: Executor, query: exp.Expr) -> tuple[Reads, ...]:
    """What the names in a view's query mean, for good."""
    registry = executor.registry
    found = {}
    for table in named_tables(query):
        meant = registry.relation(table.db, table.name).name
        oid = registry.store.oid(meant) or 0
        found[table.db, table.name] = Reads(table.db, table.name, oid, meant)
    return tuple(found.values())


def planned_fields(executor: Executor, query: exp.Expr) -> tuple[Field, ...]:
    """The columns of a query, planned and not run."""
    rewritten = executor.rewrite(query)
    return fields_of(rewritten, executor.plan(Computation(rewritten), Bound(), read=False).schema)


def refresh(executor: Executor, tree: RefreshView) -> Result:
    """REFRESH MATERIALIZED VIEW: the rows of its query as they are now, in the old ones' place."""
    registry = executor.registry
    name = registry.relation(*placed(executor, tree.name)).name
    definition = registry.store.table(name)
    if definition is None or definition.query is None:
        raise FeatureNotSupported(f'"{name.name}" is not a materialized view')
    view = definition.query
    if tree.concurrently:
        _refuse_concurrently(definition, tree)
    rewritten = executor.rewrite(bound_query(registry, view), kept=True)
    with registry.store.writing(name):
        plan = executor.plan(Computation(rewritten), Bound())
        registry.store.truncate([name])
        if tree.with_data:
            columns = [column.name for column in definition.columns]
            with executor.rounding(lambda _: computes_digits(rewritten.tree)):
                registry.store.insert(name, columns, plan.stream())
        if view.populated != tree.with_data:
            now = replace(view, populated=tree.with_data)
            registry.store.alter_table(name, lambda table: replace(table, query=now))
    return Result("REFRESH MATERIALIZED VIEW")


def _refuse_concurrently(definition: TableDefinition, tree: RefreshView) -> None:
    """Refuse REFRESH ... CONCURRENTLY where PostgreSQL does; readers never wait here anyway."""
    if definition.query is not None and not definition.query.populated:
        raise FeatureNotSupported(
            "CONCURRENTLY cannot be used when the materialized view is not populated"
        )
    if not tree.with_data:
        raise SyntaxFault("CONCURRENTLY and WITH NO DATA options cannot be used together")
    if not definition.keys:
        raise ObjectNotInPrerequisiteState(
            f'cannot refresh materialized view "{definition.name}" concurrently',
            hint="Create a unique index with no WHERE clause on one or more columns of the"
            " materialized view.",
        )
