"""CREATE, ALTER and DROP TYPE of enums, done."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.own_types import find_enum
from gateway.errors import DuplicateObject, InsufficientPrivilege, UndefinedObject
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sql.statements.commands import Name
from gateway.sql.statements.enums import AddLabel, CreateEnum, DropEnums, MoveEnum, RenameLabel
from gateway.store.ddl.enums import enum_key
from gateway.store.definitions.enums import Enum
from gateway.store.definitions.privileges import Securable


def create_enum(executor: Executor, tree: CreateEnum) -> Result:
    """CREATE TYPE ... AS ENUM.

    Raises:
        GatewayError: 42710, 42P07, 3F000, 42501, 23505.
    """
    name = executor.registry.new_name(*executor.registry.named(tree.name))
    _require_place(executor, name.schema)
    executor.registry.store.create_enum(name, tree.labels)
    return Result("CREATE TYPE")


def alter_enum(executor: Executor, tree: AddLabel | RenameLabel | MoveEnum) -> Result:
    """ALTER TYPE of an enum.

    Raises:
        GatewayError: 42704, 42501, 42710, 22023, 0A000.
    """
    enum, store = _owned(executor, tree.name), executor.registry.store
    if isinstance(tree, RenameLabel):
        store.rename_label(enum.name, tree.old, tree.new)
    elif isinstance(tree, AddLabel):
        added = store.add_label(enum.name, tree.label, tree.beside, tree.after)
        if not added and not tree.if_not_exists:
            raise DuplicateObject(f'enum label "{tree.label}" already exists')
        if not added:
            message = f'enum label "{tree.label}" already exists, skipping'
            executor.notices.append(Notice(message, code="42710"))
    else:
        new = replace(enum.name, name=tree.new or enum.name.name)
        if tree.schema:
            new = replace(new, schema=tree.schema)
            _require_place(executor, tree.schema)
        store.rename_enum(enum.name, new)
    return Result("ALTER TYPE")


def drop_enums(executor: Executor, tree: DropEnums) -> Result:
    """DROP TYPE of enums.

    Raises:
        GatewayError: 42704, 42501, 2BP01, 0A000.
    """
    found = []
    for parts in tree.names:
        if tree.if_exists and find_enum(executor.registry, parts) is None:
            message = f'type "{".".join(parts)}" does not exist, skipping'
            executor.notices.append(message)
        else:
            found.append(_owned(executor, parts).name)
    executor.registry.store.drop_enums(found, cascade=tree.cascade)
    return Result("DROP TYPE")


def comment_on_enum(executor: Executor, parts: Name, text: str) -> None:
    """COMMENT ON TYPE of an enum.

    Raises:
        GatewayError: 42704, 42501.
    """
    enum = _owned(executor, parts)
    executor.registry.store.change_enum(enum.name, lambda kept: replace(kept, comment=text))


def _owned(executor: Executor, parts: Name) -> Enum:
    """The enum of that name, which the client's role must own.

    Raises:
        UndefinedObject: 42704. InsufficientPrivilege: 42501.
    """
    found, authority = find_enum(executor.registry, parts), executor.authority
    if found is None:
        raise UndefinedObject(f'type "{".".join(parts)}" does not exist')
    if authority.asks and not authority.owns(authority.role, enum_key(found.oid)):
        schema = Securable("schema", found.name.schema)
        if not authority.owns(authority.role, schema):
            raise InsufficientPrivilege(f"must be owner of type {found.type.sql}")
    return found


def _require_place(executor: Executor, schema: str) -> None:
    if executor.authority.asks and schema in executor.registry.store.schemas():
        executor.authority.require_schema("C", schema)
