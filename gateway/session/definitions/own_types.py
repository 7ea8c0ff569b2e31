"""ALTER and DROP of users' own types, COMMENT ON them, and CREATE TYPE of enums, done."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.changes import ALTERATIONS
from gateway.catalog.own_types import find_type
from gateway.errors import (
    DuplicateObject,
    FeatureNotSupported,
    InsufficientPrivilege,
    UndefinedObject,
    WrongObjectType,
)
from gateway.session.definitions.altering import alter_table
from gateway.session.definitions.naming import missing, note_cascade, note_missing, type_words
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.statements.altering import Action
from gateway.sql.statements.commands import Name
from gateway.sql.statements.own_types import AddLabel, CreateEnum, DropTypes, MoveType, RenameLabel
from gateway.sql.text.datatypes import type_name
from gateway.sql.text.dialect import DIALECT, parse
from gateway.sql.text.engine_types import ENGINE_TYPES
from gateway.sql.text.quoting import identifier
from gateway.store.ddl.own_types import Dependent, type_key
from gateway.store.definitions.catalogue import OwnType
from gateway.store.definitions.domains import Domain
from gateway.store.definitions.enums import Enum
from gateway.store.definitions.privileges import Securable


def create_enum(executor: Executor, tree: CreateEnum) -> Result:
    """CREATE TYPE ... AS ENUM.

    Raises:
        GatewayError: 42710, 42P07, 3F000, 42501, 23505.
    """
    executor.registry.store.create_enum(new_type(executor, tree.name), tree.labels)
    return Result("CREATE TYPE")


def alter_enum(executor: Executor, tree: AddLabel | RenameLabel) -> Result:
    """ALTER TYPE of an enum's labels.

    Raises:
        GatewayError: 42704, 42809, 42501, 42710, 22023, 0A000.
    """
    enum, store = owned_type(executor, tree.name), executor.registry.store
    if not isinstance(enum, Enum):
        raise WrongObjectType(f"{enum.sql} is not an enum")
    if isinstance(tree, RenameLabel):
        store.rename_label(enum.name, tree.old, tree.new)
        return Result("ALTER TYPE")
    added = store.add_label(enum.name, tree.label, tree.beside, tree.after)
    if not added and not tree.if_not_exists:
        raise DuplicateObject(f'enum label "{tree.label}" already exists')
    if not added:
        message = f'enum label "{tree.label}" already exists, skipping'
        executor.notices.append(Notice(message, code="42710"))
    return Result("ALTER TYPE")


def move_type(executor: Executor, tree: MoveType) -> Result:
    """ALTER TYPE or DOMAIN ... RENAME TO and SET SCHEMA.

    Raises:
        GatewayError: 42704, 42809, 42501, 42710, 3F000, 0A000.
    """
    own = owned_type(executor, tree.name, tree.kind)
    _refuse_spelling(tree.new)
    new = replace(own.name, name=tree.new or own.name.name)
    if tree.schema:
        new = replace(new, schema=tree.schema)
        _require_place(executor, tree.schema)
    executor.registry.store.rename_type(own.name, new)
    return Result(f"ALTER {tree.kind.upper()}")


def drop_types(executor: Executor, tree: DropTypes) -> Result:
    """DROP TYPE and DOMAIN.

    Raises:
        GatewayError: 42704, 42809, 42501, 2BP01, 0A000.
    """
    found = []
    for parts in tree.names:
        if tree.if_exists and find_type(executor.registry, parts) is None:
            note_missing(executor, parts, type_words(parts))
        else:
            found.append(owned_type(executor, parts, tree.kind).name)
    store, gone = executor.registry.store, list[str]()
    with store.defining():
        if tree.cascade:
            gone = let_go(executor, found)
        store.drop_types(found)
    note_cascade(executor, gone)
    return Result(f"DROP {tree.kind.upper()}")


def let_go(executor: Executor, names: list[TableName], within: str = "") -> list[str]:
    """Drop what stands on types; what messages call it. Types among that join `names`.

    Args:
        executor: The client's.
        names: The types.
        within: A schema that goes, too, with its relations.

    Raises:
        FeatureNotSupported: 0A000, a function or an index names one.
    """
    store, gone = executor.registry.store, list[str]()
    for name in names:
        for each in store.on_type(name):
            if each.relation in names or (each.kind != "type" and each.relation.schema == within):
                continue
            if each.what not in gone:  # which another thing may have taken with it
                gone.append(each.what)
                if each.kind == "type":
                    names.append(each.relation)
                else:
                    gone += [what for what in _dropped(executor, each) if what not in gone]
    return gone


def _dropped(executor: Executor, each: Dependent) -> list[str]:
    """What went with it."""
    if each.kind in ("view", "materialized view"):
        store = executor.registry.store
        return list(store.drop_relations(each.kind, [each.relation], cascade=True).others)
    kind = {"default": "drop default"}.get(each.kind, f"drop {each.kind}")
    if kind not in ALTERATIONS:
        raise FeatureNotSupported(f"{each.what} needs the type", hint="Drop that first.")
    action = Action(kind, column=each.name, name=each.name, cascade=True)
    return alter_table(executor, each.relation, (action,))


def comment_on_type(executor: Executor, parts: Name, kind: str, text: str) -> None:
    """COMMENT ON TYPE and DOMAIN.

    Raises:
        GatewayError: 42704, 42809, 42501.
    """
    executor.registry.store.comment_on_type(owned_type(executor, parts, kind).name, text)


def new_type(executor: Executor, parts: Name) -> TableName:
    """Where a new type goes.

    Raises:
        InsufficientPrivilege: 42501. FeatureNotSupported: 0A000, the name is read as another type.
    """
    name = executor.registry.new_name(*executor.registry.named(parts))
    _require_place(executor, name.schema)
    _refuse_spelling(name.name)
    return name


def _refuse_spelling(name: str) -> None:
    """Refuse what would mean another type, such as `text`, and `short` of other systems."""
    if not name or identifier(name) != name:
        return
    (kind,) = (cast.args["to"] for cast in parse(f"SELECT CAST(NULL AS {name})")[0].expressions)
    if type_name(kind) != (name,) or kind.this in ENGINE_TYPES:
        raise FeatureNotSupported(
            f'a type of your own cannot be called "{name}": that is read as {kind.sql(DIALECT)}'
        )


def owned_type(executor: Executor, parts: Name, kind: str = "type") -> OwnType:
    """The type of that name, which the client's role must own; of the kind "domain" a domain.

    Raises:
        UndefinedObject: 42704. InsufficientPrivilege: 42501. WrongObjectType: 42809.
    """
    found, authority = find_type(executor.registry, parts), executor.authority
    if found is None:
        raise missing(executor, parts, UndefinedObject, type_words(parts))
    if kind == "domain" and not isinstance(found, Domain):
        raise WrongObjectType(f'"{".".join(parts)}" is not a domain')
    if authority.asks and not authority.owns(authority.role, type_key(found.oid)):
        schema = Securable("schema", found.name.schema)
        if not authority.owns(authority.role, schema):
            raise InsufficientPrivilege(f"must be owner of type {found.sql}")
    return found


def _require_place(executor: Executor, schema: str) -> None:
    """Ask to make a type in a schema.

    Raises:
        InsufficientPrivilege: 42501.
    """
    if executor.authority.asks and schema in executor.registry.store.schemas():
        executor.authority.require_schema("C", schema)
