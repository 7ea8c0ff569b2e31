"""ALTER TABLE's actions: a definition in, the changed definition out. A row per action.

What the rows that are there must go through for it is the store's part (`store.altering`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.catalog.altered import Altering, building_of, built
from gateway.catalog.constraint_changes import (
    add_constraint,
    alter_constraint,
    drop_constraint,
    rename_constraint,
    validate_constraint,
)
from gateway.catalog.definitions import read_type, with_default
from gateway.catalog.renaming import columns_in, read_by, renamed, renamed_index, renamed_key
from gateway.catalog.sequence_numbers import refuse_no_integer, sequence_of
from gateway.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    SyntaxFault,
    UndefinedColumn,
)
from gateway.sources.table import TableName
from gateway.sql.statements.altering import Action
from gateway.sql.statements.sequences import SequenceOptions
from gateway.store.ddl.altering import with_column
from gateway.store.ddl.dropping import still_needed
from gateway.store.definitions.catalogue import shown
from gateway.store.definitions.constraints import chosen_name
from gateway.store.definitions.definitions import Column, TableDefinition


def _add_column(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    assert action.spec is not None
    name = action.spec.name
    if any(column.name == name for column in definition.columns):
        message = f'column "{name}" of relation "{definition.name.name}" already exists'
        if not action.optional:
            raise DuplicateColumn(message)
        state.notices.append((f"{message}, skipping", "42701"))
        return definition
    building = building_of(state, definition)
    building.add(action.spec)
    state.sequences.update(building.sequences)
    return built(definition, building)


def _drop_column(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    name = action.column
    if all(column.name != name for column in definition.columns):
        if not action.optional:
            raise _no_column(definition, name)
        state.notices.append((f"{_no_column(definition, name)}, skipping", "00000"))
        return definition
    for column in definition.columns:
        if column.generated is not None and name in columns_in(column.generated):
            mine, theirs = (
                f"column {n} of table {shown(definition.name)}" for n in (name, column.name)
            )
            if not action.cascade:
                raise still_needed(mine, [theirs])
            state.gone.append(theirs)
            definition = _drop_column(state, definition, replace(action, column=column.name))
    return replace(
        definition,
        columns=tuple(c for c in definition.columns if c.name != name),
        keys=tuple(k for k in definition.keys if name not in (*k.columns, *k.reads, *k.included)),
        checks=tuple(c for c in definition.checks if name not in c.columns),
        foreign_keys=tuple(k for k in definition.foreign_keys if name not in k.columns),
        indexes=tuple(i for i in definition.indexes if name not in read_by(i)),
    )


def _rename_column(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    old, new = action.column, action.name
    if all(column.name != old for column in definition.columns):
        raise UndefinedColumn(f'column "{old}" does not exist')
    if any(each.name == new for each in definition.columns):
        raise DuplicateColumn(f'column "{new}" of relation "{definition.name.name}" already exists')

    def names(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in columns)

    columns = tuple(
        each
        if each.generated is None
        else replace(each, generated=renamed(each.generated, old, new))
        for each in definition.columns
    )
    checks = tuple(
        replace(c, expression=renamed(c.expression, old, new), columns=names(c.columns))
        for c in definition.checks
    )
    keys = tuple(renamed_key(key, old, new) for key in definition.keys)
    own = definition.name
    foreign = tuple(
        replace(
            fk,
            columns=names(fk.columns),
            referenced=names(fk.referenced) if fk.table == own else fk.referenced,
        )
        for fk in definition.foreign_keys
    )
    indexes = tuple(renamed_index(index, old, new) for index in definition.indexes)
    changed = replace(
        definition, columns=columns, keys=keys, checks=checks, foreign_keys=foreign, indexes=indexes
    )
    return with_column(changed, replace(_column(changed, old), name=new))


def _set_default(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    assert action.expression is not None
    column = _column(definition, action.column)
    if column.identity or column.generated is not None:
        what = "an identity" if column.identity else "a generated"
        raise SyntaxFault(
            f'column "{column.name}" of relation "{definition.name.name}" is {what} column'
        )
    return with_column(definition, with_default(column, action.expression))


def _drop_default(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    return with_column(definition, replace(_column(definition, action.column), default=None))


def _set_not_null(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    return with_column(definition, replace(_column(definition, action.column), not_null=True))


def _drop_not_null(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    column = _column(definition, action.column)
    if column.name in definition.primary_key:
        raise InvalidTableDefinition(f'column "{column.name}" is in a primary key')
    if column.identity:
        raise SyntaxFault(
            f'column "{column.name}" of relation "{definition.name.name}" is an identity column'
        )
    return with_column(definition, replace(column, not_null=False))


def _type(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    column = _column(definition, action.column)
    known, typmod, domain = read_type(action.type, state.bind_types, 0, state.domains)
    _refuse_generated_over(definition, column)
    if column.identity:
        refuse_no_integer(known)
        state.options.append((column.name, SequenceOptions(type=known)))
    if action.expression is not None:
        state.using[column.name] = action.expression.text
    return with_column(definition, replace(column, type=known, typmod=typmod, domain=domain))


def _refuse_generated_over(definition: TableDefinition, column: Column) -> None:
    for other in definition.columns:
        if other.generated is not None and column.name in columns_in(other.generated):
            raise FeatureNotSupported(
                "cannot alter type of a column used by a generated column",
                detail=f'Column "{column.name}" is used by generated column "{other.name}".',
            )


def _add_identity(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    column = _column(definition, action.column)
    if not column.not_null:
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{definition.name.name}" must be declared NOT NULL'
            " before identity can be added"
        )
    if column.identity or column.default is not None:
        what = "is already an identity column" if column.identity else "already has a default value"
        raise ObjectNotInPrerequisiteState(
            f'column "{column.name}" of relation "{definition.name.name}" {what}'
        )
    name = chosen_name(definition.name.name, column.name, "seq", state.taken)
    place = TableName(definition.name.schema, name)
    options = action.options or SequenceOptions()
    state.sequences[column.name] = sequence_of(place, options, column.type)
    return with_column(definition, replace(column, identity=action.name))


def _drop_identity(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    column = _column(definition, action.column)
    if not column.identity:
        _skip(state, action, _no_identity(definition, column))
    return with_column(definition, replace(column, identity=""))


def _drop_expression(
    state: Altering, definition: TableDefinition, action: Action
) -> TableDefinition:
    column = _column(definition, action.column)
    if column.generated is None:
        words = f'column "{column.name}" of relation "{definition.name.name}" is not a stored'
        _skip(state, action, ObjectNotInPrerequisiteState(f"{words} generated column"))
    return with_column(definition, replace(column, generated=None))


def _identity(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    column = _column(definition, action.column)
    if not column.identity:
        raise _no_identity(definition, column)
    if action.options != SequenceOptions():
        assert action.options is not None
        state.options.append((column.name, action.options))
    return with_column(definition, replace(column, identity=action.name or column.identity))


def _no_identity(definition: TableDefinition, column: Column) -> ObjectNotInPrerequisiteState:
    return ObjectNotInPrerequisiteState(
        f'column "{column.name}" of relation "{definition.name.name}" is not an identity column'
    )


def _skip(state: Altering, action: Action, error: ObjectNotInPrerequisiteState) -> None:
    """Tell with IF EXISTS that there is nothing to drop, and refuse without it."""
    if not action.optional:
        raise error
    state.notices.append((f"{error}, skipping", "00000"))


def _column(definition: TableDefinition, name: str) -> Column:
    return definition.column(name)


def _no_column(definition: TableDefinition, name: str) -> UndefinedColumn:
    return UndefinedColumn(f'column "{name}" of relation "{definition.name.name}" does not exist')


Alteration = Callable[[Altering, TableDefinition, Action], TableDefinition]

ALTERATIONS: dict[str, Alteration] = {
    "add column": _add_column,
    "drop column": _drop_column,
    "rename column": _rename_column,
    "set default": _set_default,
    "drop default": _drop_default,
    "set not null": _set_not_null,
    "drop not null": _drop_not_null,
    "type": _type,
    "add constraint": add_constraint,
    "drop constraint": drop_constraint,
    "rename constraint": rename_constraint,
    "validate constraint": validate_constraint,
    "alter constraint": alter_constraint,
    "add identity": _add_identity,
    "drop identity": _drop_identity,
    "drop expression": _drop_expression,
    "identity": _identity,
    "storage": lambda state, definition, action: definition,
}

# Actions of one statement are done in this order, and those of one place as they are written
# (tablecmds.c, AlterTablePass): what drops comes first, a default that is set after what is added.
_PLACES = {
    "drop column": 0, "drop default": 0, "drop not null": 0, "drop constraint": 0,
    "drop identity": 0, "drop expression": 0, "type": 1, "add column": 2, "set not null": 3,
    "identity": 3, "add constraint": 4, "set default": 4, "add identity": 4,
}  # fmt: skip


def in_order(actions: Sequence[Action]) -> list[Action]:
    """The actions of one ALTER TABLE in the order in which PostgreSQL does them.

    Raises:
        FeatureNotSupported: 0A000, two new types of one column, as there.
    """
    typed = [action.column for action in actions if action.kind == "type"]
    twice = next((name for name in typed if typed.count(name) > 1), None)
    if twice is not None:
        raise FeatureNotSupported(f'cannot alter type of column "{twice}" twice')
    return sorted(actions, key=lambda action: _PLACES.get(action.kind, 5))
