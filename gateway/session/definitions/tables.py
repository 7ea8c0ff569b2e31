"""CREATE TABLE, CREATE TABLE AS, materialized views, ALTER TABLE: what users' tables are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pyarrow as pa
from sqlglot import exp

from gateway.catalog.altered import Altering
from gateway.catalog.changes import ALTERATIONS
from gateway.catalog.constraint_changes import with_index_renamed
from gateway.catalog.definitions import Building
from gateway.catalog.kept_moments import settle_moments
from gateway.catalog.own_types import bind_types
from gateway.catalog.sequence_numbers import changed_sequence, restart_of
from gateway.errors import (
    DuplicateTable,
    FeatureNotSupported,
    GatewayError,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    ReadOnlyTable,
    SyntaxFault,
    UndefinedTable,
    WrongObjectType,
)
from gateway.session.computation import Bound, Computation, fields_of
from gateway.session.definitions.view_texts import kept_text, renamed_text
from gateway.session.result import Field, Notice, Result
from gateway.session.writes.execution import Executor
from gateway.session.writes.through import bound_query
from gateway.sources.table import TableName
from gateway.sql.meaning.binding import named_tables
from gateway.sql.names.relation import zone_of
from gateway.sql.names.scope import table_node
from gateway.sql.statements.altering import Action, AlterRelation
from gateway.sql.statements.commands import Name
from gateway.sql.statements.objects import RefreshView
from gateway.sql.statements.sequences import SequenceOptions
from gateway.sql.statements.statement import Statement
from gateway.sql.statements.tables import CreateTable
from gateway.sql.types.modifiers import numeric_modifier
from gateway.store.definitions.catalogue import Relation
from gateway.store.definitions.definitions import Column, Reads, TableDefinition, View
from gateway.store.rows.array_assignment import dimensions_of
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
        lambda parts: _written_table(executor, parts),
        lambda parts: _existing(executor, parts),
        registry.store.names_in(name.schema),
        partial(bind_types, registry),
    )
    for item in tree.items:
        building.add(item)
    definition = settle_moments(building.definition(), None, zone_of(executor.constants))
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


def _written_table(executor: Executor, parts: Name) -> TableName:
    """The user table that a REFERENCES names."""
    relation = executor.registry.relation(*executor.registry.named(parts))
    if executor.registry.store.table(relation.name) is None:
        raise WrongObjectType(f'referenced relation "{parts[-1]}" is not a table')
    return relation.name


def _existing(executor: Executor, parts: Name) -> TableDefinition:
    """The columns of what LIKE names; a dataset's table has no more than those."""
    relation = executor.registry.relation(*executor.registry.named(parts))
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
    columns = [_column(*each) for each in zip(names, fields, plan.schema.types, strict=True)]
    kept = None
    if tree.materialized:
        reads = reads_of(executor, tree.query)
        source = kept_text(executor, tree.source, fields)
        zone = zone_of(executor.constants)
        kept = View(name, source, tuple(names), reads, populated=tree.with_data, zone=zone)
    definition = TableDefinition(name, tuple(columns), query=kept, on_commit=tree.on_commit)
    batches = plan.stream() if tree.with_data else iter(())
    count = executor.registry.store.create_table_as(definition, batches)
    if not tree.with_data:
        return Result(command)
    return Result("SELECT", changed=count)


# The catalogue's types -> those that a table keeps of them.
_KEPT = {"unknown": TEXT, "xid": INT8, "inet": TEXT, "pg_node_tree": TEXT}


# After the point: a column without digits has ten, and would cut off those of a quotient.
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
        typmod = numeric_modifier(NUMERIC.arrow.precision, min(arrow.scale, _MOST_KEPT_DIGITS))
    return Column(name, kind, typmod)


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
    schema, last = executor.registry.named(tree.name)
    name = registry.relation(schema, last).name
    definition = registry.store.table(name)
    if definition is None or definition.query is None:
        raise FeatureNotSupported(f'"{last}" is not a materialized view')
    view = definition.query
    if tree.concurrently:
        _refuse_concurrently(definition, tree)
    rewritten = executor.rewrite(bound_query(registry, view), kept=True)
    with registry.store.writing(name):
        plan = executor.plan(Computation(rewritten), Bound())
        registry.store.truncate([name])
        if tree.with_data:
            columns = [column.name for column in definition.columns]
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


# ALTER


def alter(executor: Executor, tree: AlterRelation) -> Result:
    """ALTER TABLE, VIEW, MATERIALIZED VIEW, INDEX."""
    command = f"ALTER {tree.kind.upper()}"
    registry = executor.registry
    schema, last = executor.registry.named(tree.name)
    if tree.kind == "index":
        _alter_index(executor, tree)
        return Result(command)
    found = registry.find(schema, last)
    if found is None and _renames(tree.actions):
        place = registry.find_sequence(schema, last)
        if place is not None:
            _rename(executor, place, tree.actions[0])
            return Result(command)
    if found is None:
        if not tree.if_exists:
            raise UndefinedTable(f'relation "{".".join(tree.name)}" does not exist')
        executor.notices.append(f'relation "{".".join(tree.name)}" does not exist, skipping')
        return Result(command)
    oid = registry.store.oid(found.name)
    relation = registry.store.relation(oid) if oid is not None else None
    if relation is None:
        raise ReadOnlyTable(
            f'cannot alter "{found.name}", which is an xarray dataset',
            hint=f"Copy it first: CREATE TABLE mine AS SELECT * FROM {found.name}",
        )
    of_view = relation.kind == "view" and tree.actions[0].kind == "rename column"
    as_table = tree.kind == "table" and (of_view or _renames(tree.actions))
    if relation.kind != tree.kind and not as_table:
        raise WrongObjectType(f'"{last}" is not a {tree.kind}')
    if _renames(tree.actions):
        _rename(executor, relation.definition.name, tree.actions[0])
    elif of_view:
        action = tree.actions[0]
        registry.store.rename_view_column(found.name, action.column, action.name)
    else:
        _alter_table(executor, found.name, tree.actions)
    return Result(command)


def _alter_index(executor: Executor, tree: AlterRelation) -> None:
    """ALTER INDEX ... RENAME TO; a key's constraint goes by the same name."""
    registry, action = executor.registry, tree.actions[0]
    schema, last = registry.named(tree.name)
    table = registry.find_index(schema, last)
    if table is None:
        if not tree.if_exists:
            raise UndefinedTable(f'relation "{".".join(tree.name)}" does not exist')
        executor.notices.append(f'relation "{".".join(tree.name)}" does not exist, skipping')
    elif action.kind == "rename to":
        if action.name in registry.store.names_in(table.schema):
            raise DuplicateTable(f'relation "{action.name}" already exists')
        registry.store.alter_table(
            table, lambda definition: with_index_renamed(definition, last, action.name)
        )
    elif action.kind != "storage":
        raise FeatureNotSupported(f"ALTER INDEX ... {action.kind.upper()} is not supported")


def _renames(actions: tuple[Action, ...]) -> bool:
    return actions[0].kind in ("rename to", "set schema")


def _rename(executor: Executor, old: TableName, action: Action) -> None:
    if action.kind == "rename to":
        new = TableName(old.schema, action.name)
    else:
        new = executor.registry.new_name(action.name, old.name)
    if new != old:
        executor.registry.store.rename_relation(old, new)


def _alter_table(executor: Executor, name: TableName, actions: tuple[Action, ...]) -> None:
    registry = executor.registry
    registry.store.refuse_waiting([name], "ALTER TABLE")
    taken = registry.store.names_in(name.schema)
    state = Altering(
        name,
        lambda parts: _written_table(executor, parts),
        taken,
        bind_types=partial(bind_types, executor.registry),
    )

    def change(definition: TableDefinition) -> TableDefinition:
        state.using.clear()
        state.sequences.clear()
        state.notices.clear()
        state.options.clear()
        state.gone.clear()
        before = definition
        for action in actions:
            definition = ALTERATIONS[action.kind](state, definition, action)
        return settle_moments(definition, before, zone_of(executor.constants))

    dropped = [action for action in actions if action.kind in ("drop column", "drop constraint")]
    cascade = any(action.cascade for action in dropped) if dropped else None
    gone = registry.store.alter_table(
        name,
        change,
        using=state.using,
        sequences=state.sequences,
        shape=_shape(executor),
        text=partial(renamed_text, executor, name, actions),
        cascade=cascade,
    )
    executor.notices += [Notice(text, code=code) for text, code in state.notices]
    note_cascade(executor, [*state.gone, *gone])
    for column, options in state.options:
        _settle_sequence(executor, name, column, options)


def _settle_sequence(
    executor: Executor, name: TableName, column: str, options: SequenceOptions
) -> None:
    """Have the sequence of an identity column be as it is told to."""
    store = executor.registry.store
    definition, oid = store.table(name), store.oid(name)
    assert definition is not None and oid is not None
    owned = store.owned_sequence(oid, definition.column(column).number)
    sequence = store.sequence(owned) if owned is not None else None
    if owned is None or sequence is None:
        raise FeatureNotSupported(f'column "{column}" of relation "{name.name}" is not an identity')
    changed = changed_sequence(sequence, options)
    store.change_sequence(owned, lambda _: changed)
    if (value := restart_of(changed, options)) is not None:
        store.restart(owned, value)


def _shape(executor: Executor) -> Callable[[Relation], object]:
    """What the columns of a view are to this session, by planning its query."""

    def shape(relation: Relation) -> object:
        definition = relation.definition
        view = definition if isinstance(definition, View) else None
        if isinstance(definition, TableDefinition):
            view = definition.query
        if view is None:
            return None
        try:
            fields = planned_fields(executor, bound_query(executor.registry, view))
        except GatewayError:  # whatever is wrong with it, it is no query any more
            return None
        return [field.type for field in fields]

    return shape


# What all definitions share


def new_name(executor: Executor, parts: Name, *, temporary: bool = False) -> TableName:
    """Where a new relation goes."""
    return executor.registry.new_name(*executor.registry.named(parts), temporary=temporary)


def note_skipped(executor: Executor, name: TableName) -> None:
    """Tell that IF NOT EXISTS made nothing."""
    message = f'relation "{name.name}" already exists, skipping'
    executor.notices.append(Notice(message, code="42P07"))


def note_cascade(executor: Executor, others: list[str]) -> None:
    """Tell what CASCADE dropped besides."""
    if len(others) == 1:
        executor.notices.append(f"drop cascades to {others[0]}")
    elif others:
        executor.notices.append(f"drop cascades to {len(others)} other objects")
