"""ALTER TABLE's actions on constraints, and what ALTER INDEX renames."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.altered import Altering, building_of, built
from gateway.errors import (
    DuplicateObject,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    UndefinedObject,
    WrongObjectType,
)
from gateway.sql.statements.altering import Action
from gateway.sql.statements.constraints import ConstraintSpec
from gateway.store.definitions.definitions import Key, TableDefinition


def add_constraint(state: Altering, definition: TableDefinition, action: Action) -> TableDefinition:
    """ADD constraint."""
    assert action.constraint is not None
    if action.constraint.index:
        return _using_index(state, definition, action.constraint)
    building = building_of(state, definition)
    building.add_constraint(action.constraint, action.constraint.columns)
    return built(definition, building)


def drop_constraint(
    state: Altering, definition: TableDefinition, action: Action
) -> TableDefinition:
    name = action.name
    if all(each.name != name for each in definition.constraints):
        message = f'constraint "{name}" of relation "{definition.name.name}" does not exist'
        if not action.optional:
            raise UndefinedObject(message)
        state.notices.append((f"{message}, skipping", "00000"))
        return definition
    return replace(
        definition,
        keys=tuple(key for key in definition.keys if key.name != name),
        checks=tuple(check for check in definition.checks if check.name != name),
        foreign_keys=tuple(fk for fk in definition.foreign_keys if fk.name != name),
        notes=tuple(note for note in definition.notes if note.name != name),
    )


def validate_constraint(
    state: Altering, definition: TableDefinition, action: Action
) -> TableDefinition:
    name, table = action.name, definition.name.name
    if all(each.name != name for each in definition.constraints):
        raise UndefinedObject(f'constraint "{name}" of relation "{table}" does not exist')
    if any(key.name == name for key in definition.keys):
        raise WrongObjectType(
            f'constraint "{name}" of relation "{table}" is not a foreign key or check constraint'
        )

    def valid(was: bool, own: str) -> bool:
        return was or own == name

    return replace(
        definition,
        checks=tuple(replace(c, valid=valid(c.valid, c.name)) for c in definition.checks),
        foreign_keys=tuple(
            replace(fk, valid=valid(fk.valid, fk.name)) for fk in definition.foreign_keys
        ),
    )


def rename_constraint(
    state: Altering, definition: TableDefinition, action: Action
) -> TableDefinition:
    names = [each.name for each in definition.constraints]
    if action.column not in names:
        raise UndefinedObject(
            f'constraint "{action.column}" for table "{definition.name.name}" does not exist'
        )
    if action.name in names:
        raise DuplicateObject(
            f'constraint "{action.name}" for relation "{definition.name.name}" already exists'
        )

    def name(old: str) -> str:
        return action.name if old == action.column else old

    return replace(
        definition,
        keys=tuple(replace(key, name=name(key.name)) for key in definition.keys),
        checks=tuple(replace(check, name=name(check.name)) for check in definition.checks),
        foreign_keys=tuple(replace(fk, name=name(fk.name)) for fk in definition.foreign_keys),
        notes=tuple(replace(note, name=name(note.name)) for note in definition.notes),
    )


def alter_constraint(
    state: Altering, definition: TableDefinition, action: Action
) -> TableDefinition:
    """ALTER CONSTRAINT: whether a foreign key can wait for the end of the transaction."""
    assert action.constraint is not None
    name, table = action.name, definition.name.name
    if all(each.name != name for each in definition.constraints):
        raise UndefinedObject(f'constraint "{name}" of relation "{table}" does not exist')
    if all(each.name != name for each in definition.foreign_keys):
        raise WrongObjectType(
            f'constraint "{name}" of relation "{table}" is not a foreign key constraint'
        )
    when = action.constraint.deferrable
    keys = (replace(k, deferrable=when) if k.name == name else k for k in definition.foreign_keys)
    return replace(definition, foreign_keys=tuple(keys))


def _using_index(
    state: Altering, definition: TableDefinition, rule: ConstraintSpec
) -> TableDefinition:
    """Let a unique index be a constraint; it takes the constraint's name (parse_utilcmd.c)."""
    key = _key_of(definition, rule.index)
    primary = rule.kind == "primary key"
    if primary and definition.primary_key:
        raise InvalidTableDefinition(
            f'multiple primary keys for table "{definition.name.name}" are not allowed',
            position=rule.position,
        )
    name = rule.name or rule.index
    if name != rule.index:
        state.notices.append(
            (
                "ALTER TABLE / ADD CONSTRAINT USING INDEX will rename index"
                f' "{rule.index}" to "{name}"',
                "00000",
            )
        )
    made = replace(key, name=name, constraint=True, primary=primary, deferrable=rule.deferrable)
    columns = definition.columns
    if primary:
        columns = tuple(replace(c, not_null=True) if c.name in key.columns else c for c in columns)
    return replace(
        definition, columns=columns, keys=tuple(made if k is key else k for k in definition.keys)
    )


def _key_of(definition: TableDefinition, index: str) -> Key:
    """The unique index of that name, if it can be a constraint.

    Raises:
        UndefinedObject: 42704. WrongObjectType: 42809. ObjectNotInPrerequisiteState: 55000.
    """
    if index not in definition.index_names:
        raise UndefinedObject(f'index "{index}" does not exist')
    key = next((each for each in definition.keys if each.name == index), None)
    what = "Cannot create a primary key or unique constraint using such an index."
    if key is None:
        raise WrongObjectType(f'"{index}" is not a unique index', detail=what)
    if key.constraint:
        raise ObjectNotInPrerequisiteState(
            f'index "{index}" is already associated with a constraint'
        )
    if not key.is_plain:
        why = f'index "{index}" contains expressions'
        if key.columns:
            why = f'"{index}" is a partial index'
        raise WrongObjectType(why, detail=what)
    return key


def with_index_renamed(definition: TableDefinition, old: str, new: str) -> TableDefinition:
    """The table with another name of an index, and of the constraint that it holds."""

    def name(each: str) -> str:
        return new if each == old else each

    return replace(
        definition,
        keys=tuple(replace(key, name=name(key.name)) for key in definition.keys),
        indexes=tuple(replace(index, name=name(index.name)) for index in definition.indexes),
        notes=tuple(replace(note, name=name(note.name)) for note in definition.notes),
    )
