"""ALTER TABLE, VIEW, MATERIALIZED VIEW and INDEX, done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlglot import exp

from gateway.catalog.altered import Altering
from gateway.catalog.changes import ALTERATIONS, in_order
from gateway.catalog.constraint_changes import with_index_renamed
from gateway.catalog.definitions import with_default
from gateway.catalog.kept_moments import settle_moments
from gateway.catalog.own_types import bind_types
from gateway.catalog.sequence_numbers import changed_sequence, restart_of
from gateway.errors import (
    DuplicateTable,
    FeatureNotSupported,
    GatewayError,
    ReadOnlyTable,
    UndefinedColumn,
    WrongObjectType,
)
from gateway.session.definitions.naming import missing, note_cascade, note_unaltered, require_types
from gateway.session.definitions.tables import planned_fields, written_table
from gateway.session.definitions.view_texts import renamed_text
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.session.writes.updatable_views import bound_query
from gateway.sources.table import TableName
from gateway.sql.names.relation import zone_of
from gateway.sql.names.scope import table_node
from gateway.sql.statements.altering import OF_VIEWS, Action, AlterRelation
from gateway.sql.statements.sequences import SequenceOptions
from gateway.store.ddl.calling import with_sequences_placed
from gateway.store.definitions.catalogue import Relation
from gateway.store.definitions.definitions import Column, TableDefinition, View


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
            raise missing(executor, tree.name)
        note_unaltered(executor, tree.name)
        return Result(command)
    oid = registry.store.oid(found.name)
    relation = registry.store.relation(oid) if oid is not None else None
    if relation is None:
        raise ReadOnlyTable(
            f'cannot alter "{found.name}", which is an xarray dataset',
            hint=f"Copy it first: CREATE TABLE mine AS SELECT * FROM {found.name}",
        )
    _alter_kept(executor, tree, relation)
    return Result(command)


def _alter_kept(executor: Executor, tree: AlterRelation, relation: Relation) -> None:
    """ALTER of what is no dataset's."""
    name = relation.definition.name
    of_view = relation.kind == "view" and all(each.kind in OF_VIEWS for each in tree.actions)
    as_table = tree.kind == "table" and (of_view or _renames(tree.actions))
    if relation.kind != tree.kind and not as_table:
        raise WrongObjectType(f'"{name.name}" is not a {tree.kind}')
    if _renames(tree.actions):
        _rename(executor, name, tree.actions[0])
    elif of_view:
        for action in tree.actions:
            _alter_view(executor, name, action)
    else:
        note_cascade(executor, alter_table(executor, name, tree.actions))


def _alter_view(executor: Executor, name: TableName, action: Action) -> None:
    """Rename a column of a view, or give it another default."""
    registry = executor.registry
    if action.kind == "rename column":
        registry.store.rename_view_column(name, action.column, action.name)
        return
    fields = planned_fields(executor, exp.select("*").from_(table_node(name)))
    field = next((each for each in fields if each.name == action.column), None)
    if field is None:
        raise UndefinedColumn(f'column "{action.column}" of relation "{name.name}" does not exist')
    column = Column(field.name, field.type, field.typmod)
    if action.expression is not None:
        column = with_default(column, action.expression)
    kept = settle_moments(TableDefinition(name, (column,)), None, zone_of(executor.constants))
    kept = with_sequences_placed(kept, None, partial(registry.find_sequence, ""))
    registry.store.change_view_default(name, kept.columns[0])


def _alter_index(executor: Executor, tree: AlterRelation) -> None:
    """ALTER INDEX ... RENAME TO; a key's constraint goes by the same name."""
    registry, action = executor.registry, tree.actions[0]
    schema, last = registry.named(tree.name)
    table = registry.find_index(schema, last)
    if table is None:
        if not tree.if_exists:
            raise missing(executor, tree.name)
        note_unaltered(executor, tree.name)
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


def alter_table(executor: Executor, name: TableName, actions: tuple[Action, ...]) -> list[str]:
    """ALTER TABLE; what messages call that which CASCADE let go, too."""
    registry = executor.registry
    registry.store.refuse_in_use([name], "ALTER TABLE")
    taken = registry.store.names_in(name.schema)
    state = Altering(
        name,
        lambda parts: written_table(executor, parts),
        taken,
        bind_types=partial(bind_types, registry),
        domains=registry.store.domains(),
    )

    def change(definition: TableDefinition) -> TableDefinition:
        state.using.clear()
        state.sequences.clear()
        state.notices.clear()
        state.options.clear()
        state.gone.clear()
        before = definition
        for action in in_order(actions):
            definition = ALTERATIONS[action.kind](state, definition, action)
        require_types(executor, definition.columns, before.columns)
        definition = settle_moments(definition, before, zone_of(executor.constants))
        return with_sequences_placed(definition, before, partial(registry.find_sequence, ""))

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
    for column, options in state.options:
        _settle_sequence(executor, name, column, options)
    return [*state.gone, *gone]


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
