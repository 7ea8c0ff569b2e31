"""GRANT, REVOKE, ALTER ... OWNER TO: PostgreSQL's rules for who may give what (aclchk.c)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from gateway.catalog.authority import DATABASE, Authority, denied
from gateway.catalog.own_types import find_type
from gateway.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidCatalogName,
    InvalidGrantOperation,
    InvalidSchemaName,
    UndefinedColumn,
    UndefinedFunction,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from gateway.session.definitions.naming import missing, note_unaltered, type_words
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sources.table import TableName
from gateway.sql.statements.commands import Name
from gateway.sql.statements.grants import ChangeGrants, ChangeOwner, Grantee
from gateway.store.ddl.own_types import type_key
from gateway.store.ddl.owning import function_key, relation_key
from gateway.store.definitions.catalogue import OwnType
from gateway.store.definitions.definitions import Sequence, TableDefinition
from gateway.store.definitions.domains import Domain
from gateway.store.definitions.privileges import (
    KINDS,
    LETTERS,
    PUBLIC_ROLE,
    Acl,
    Rights,
    Securable,
    given_away,
    grantable,
    granted,
    held,
    in_order,
    revoked,
)
from gateway.types import ALIASES, BY_NAME


def change_grants(executor: Executor, tree: ChangeGrants) -> Result:
    """GRANT or REVOKE: all of it or nothing."""
    command = "GRANT" if tree.grant else "REVOKE"
    authority = executor.authority
    grantees = [role_named(authority, each) for each in tree.grantees]
    if tree.grant and tree.option and PUBLIC_ROLE in grantees:
        raise InvalidGrantOperation("grant options can only be granted to roles")
    if tree.kind == "function":
        return _grant_calls(executor, tree)
    wholes: dict[Securable, tuple[str, str]] = {}
    columns: dict[Securable, list[_OfColumn]] = {}
    for thing, shown in _things(executor, tree):
        if not tree.on_columns_alone and (found := _grantor(executor, tree, thing, shown)):
            wholes[thing] = found
        columns[thing] = list(_of_columns(executor, tree, thing, wholes.get(thing)))

    def change(thing: Securable, rights: Rights) -> Rights:
        if thing in wholes:
            acl = authority.acl(thing) if rights.acl is None else rights.acl
            rights = replace(rights, acl=changed(tree, grantees, acl, rights.owner, *wholes[thing]))
        for number, grantor, letters in columns[thing]:
            before = rights.of_column(number)
            after = changed(tree, grantees, before, rights.owner, grantor, letters)
            rights = rights.with_column(number, after)
        return rights

    if wholes or any(columns.values()):
        executor.registry.store.change_rights(list(columns), change)
    return Result(command)


def changed(
    tree: ChangeGrants, grantees: list[str], acl: Acl, owner: str, grantor: str, letters: str
) -> Acl:
    """The grants after a grantor gave these letters to all, or took them."""
    for grantee in grantees:
        if tree.grant:
            acl = granted(acl, grantor, grantee, letters, option=tree.option)
        else:
            acl = revoked(
                acl, owner, grantor, grantee, letters,
                option_only=tree.option, cascade=tree.cascade,
            )  # fmt: skip
    return acl


# A column's number, who gives or takes, and what of it.
_OfColumn = tuple[int, str, str]


def _of_columns(
    executor: Executor, tree: ChangeGrants, thing: Securable, whole: tuple[str, str] | None
) -> Iterator[_OfColumn]:
    """What is given or taken of single columns; REVOKE on the whole takes it of each (5.7)."""
    if thing.kind != "relation":
        if tree.columns:
            raise FeatureNotSupported("privileges on columns of datasets are not supported")
        return
    relation = executor.registry.store.relation(int(thing.key))
    assert relation is not None
    name = relation.definition.name
    if whole is not None and not tree.grant:
        letters = in_order(set(whole[1]) & set(KINDS["column"][0]))
        for number, _ in executor.authority.rights(thing).columns:
            yield number, whole[0], letters
    numbers = executor.authority.column_numbers(name)
    for word, names in tree.columns:
        letters = _column_letters(word)
        for column in names:
            if column not in numbers:
                raise UndefinedColumn(f'column "{column}" of relation "{name.name}" does not exist')
            grantor = _column_grantor(executor, thing, numbers[column], letters)
            if grantor is not None:
                yield numbers[column], *grantor
                continue
            shown = f'column "{column}" of relation "{name.name}"'
            if not executor.authority.has_any(thing, numbers[column]):
                raise InsufficientPrivilege(f"permission denied for {shown}")
            deed, code = ("were granted", "01007") if tree.grant else ("could be revoked", "01006")
            message = f"no privileges {deed} for {shown}"
            executor.notices.append(Notice(message, "WARNING", code))


def _column_letters(word: str) -> str:
    every = KINDS["column"][0]
    if word and LETTERS[word] not in every:
        raise InvalidGrantOperation(f"invalid privilege type {word} for column")
    return LETTERS[word] if word else every


def _column_grantor(
    executor: Executor, thing: Securable, number: int, letters: str
) -> tuple[str, str] | None:
    """Who gives or takes a column's privileges, and which of them; None: nobody may."""
    authority = executor.authority
    rights = authority.rights(thing)
    if authority.owns(authority.role, thing):
        return rights.owner, letters
    own = authority.roles.memberships(authority.role)
    may = authority.may_grant(authority.role, thing) + grantable(rights.of_column(number), own)
    allowed = in_order(letter for letter in letters if letter in may)
    return (authority.role, allowed) if allowed else None


def _grant_calls(executor: Executor, tree: ChangeGrants) -> Result:
    """GRANT EXECUTE ON functions: nothing is to be done, as everyone may call them."""
    for privilege in tree.privileges:
        if privilege != "EXECUTE":
            raise InvalidGrantOperation(f"invalid privilege type {privilege} for function")
    for parts in tree.names:
        if tree.everything:
            _refuse_no_schema(executor, parts[-1])
        elif not executor.registry.functions(*executor.registry.named(parts)):
            raise UndefinedFunction(f"function {'.'.join(parts)} does not exist")
    executor.notices.append("everyone may call functions: nothing is changed")
    return Result("GRANT")


def _things(executor: Executor, tree: ChangeGrants) -> Iterator[tuple[Securable, str]]:
    """What is meant, each with its name for messages."""
    for parts in tree.names:
        if tree.everything:
            _refuse_no_schema(executor, parts[-1])
            yield from _all_in(executor, parts[-1], tree.kind)
        elif tree.kind == "schema":
            _refuse_no_schema(executor, parts[-1])
            yield Securable("schema", parts[-1]), parts[-1]
        elif tree.kind == "database":
            if parts[-1] != executor.catalogue.client.session.database:
                raise InvalidCatalogName(f'database "{parts[-1]}" does not exist')
            yield DATABASE, parts[-1]
        elif tree.kind in ("type", "domain"):
            own = _type_named(executor, parts)
            if tree.kind == "domain" and not isinstance(own, Domain):
                raise WrongObjectType(f'"{parts[-1]}" is not a domain')
            yield type_key(own.oid), own.shown
        else:
            name = _relation_named(executor, parts)
            yield executor.authority.relation(name), name.name


def _refuse_no_schema(executor: Executor, name: str) -> None:
    if name not in executor.registry.schemas():
        raise InvalidSchemaName(f'schema "{name}" does not exist')


def _all_in(executor: Executor, schema: str, kind: str) -> Iterator[tuple[Securable, str]]:
    for relation in executor.registry.store.relations():
        definition = relation.definition
        wanted = isinstance(definition, Sequence) == (kind == "sequence")
        if wanted and definition.name.schema == schema:
            yield relation_key(relation.oid), definition.name.name
    for name in executor.registry.grids if kind == "table" else ():
        if name.schema == schema:
            yield executor.authority.relation(name), name.name


def _relation_named(executor: Executor, parts: Name) -> TableName:
    schema, name = executor.registry.named(parts)
    found = executor.registry.find(schema, name)
    place = found.name if found is not None else executor.registry.find_sequence(schema, name)
    if place is None:
        raise missing(executor, parts)
    return place


def _grantor(
    executor: Executor, tree: ChangeGrants, thing: Securable, shown: str
) -> tuple[str, str] | None:
    """Who gives or takes, and what of it; None: nothing, which a warning tells.

    Raises:
        InsufficientPrivilege: 42501. InvalidGrantOperation: 0LP01, no privilege of such a thing.
    """
    authority, kind = executor.authority, executor.authority.kind(thing)
    letters = letters_of(tree, kind)
    if authority.owns(authority.role, thing):
        return authority.rights(thing).owner, letters
    may = authority.may_grant(authority.role, thing)
    allowed = in_order(letter for letter in letters if letter in may)
    if allowed and (allowed == letters or not tree.privileges):
        return authority.role, allowed
    if not allowed and not held(authority.acl(thing), authority.roles.memberships(authority.role)):
        raise denied("table" if kind == "dataset" else kind, shown)
    deed = "granted" if tree.grant else "revoked"
    could = "were" if tree.grant else "could be"
    word = "not all" if allowed else "no"
    code = "01007" if tree.grant else "01006"
    executor.notices.append(
        Notice(f'{word} privileges {could} {deed} for "{shown}"', "WARNING", code)
    )
    return (authority.role, allowed) if allowed else None


def letters_of(tree: ChangeGrants, kind: str, table: str = "table") -> str:
    """The privileges that are meant, of a thing of this kind; `table` is a table in messages.

    Raises:
        InvalidGrantOperation: 0LP01.
    """
    every = KINDS[kind][0]
    if not tree.privileges:
        return every
    letters = [LETTERS[word] for word in tree.privileges]
    for word, letter in zip(tree.privileges, letters, strict=True):
        if letter not in every:
            what = table if letter == "U" else "relation"
            what = what if kind in ("dataset", "table") else kind
            what = "domain" if tree.kind == "domain" else what
            raise InvalidGrantOperation(f"invalid privilege type {word} for {what}")
    return in_order(letters)


def role_named(authority: Authority, grantee: Grantee) -> str:
    """The name of a role that must be there.

    Raises:
        UndefinedObject: 42704.
    """
    if grantee.special:
        return authority.role if grantee.special == "current_user" else authority.session_user
    if grantee.name != PUBLIC_ROLE and not known_role(authority, grantee.name):
        raise no_such_role(grantee.name)
    return grantee.name


def known_role(authority: Authority, name: str) -> bool:
    """Whether it is a role that there is, or the client's own."""
    return authority.roles.exists(name) or name in (authority.role, authority.session_user)


def no_such_role(name: str) -> UndefinedObject:
    """The refusal of a name that is no role's."""
    return UndefinedObject(f'role "{name}" does not exist')


# Owners


def change_owner(executor: Executor, tree: ChangeOwner) -> Result:
    """ALTER ... OWNER TO: for the owner, a member of the new one, and for administrators."""
    authority = executor.authority
    new = role_named(authority, tree.owner)
    command = f"ALTER {tree.kind.upper()}"
    things = _owned(executor, tree)
    if not things:
        note_unaltered(executor, tree.name)
        return Result(command)
    if not authority.roles.may_become(authority.role, new):
        raise InsufficientPrivilege(f'must be member of role "{new}"')

    def change(thing: Securable, rights: Rights) -> Rights:
        return replace(given_away(rights, rights.owner, new), owner=new)

    executor.registry.store.change_rights(things, change)
    return Result(command)


def _owned(executor: Executor, tree: ChangeOwner) -> list[Securable]:
    """The thing, and the sequences of its columns; none where IF EXISTS found nothing."""
    return _FINDERS.get(tree.kind, _relation_owned)(executor, tree)


def _schema_owned(executor: Executor, tree: ChangeOwner) -> list[Securable]:
    _refuse_no_schema(executor, tree.name[-1])
    thing = Securable("schema", tree.name[-1])
    executor.authority.require_owner_of(thing, tree.name[-1])
    executor.authority.require_database("C", executor.catalogue.client.session.database)
    return [thing]


def _function_owned(executor: Executor, tree: ChangeOwner) -> list[Securable]:
    found = executor.registry.functions(*executor.registry.named(tree.name))
    if tree.types is not None:
        found = [f for f in found if tuple(a.type for a in f.arguments) == tree.types]
    keys = [
        function_key(routine.oid)
        for routine in executor.registry.store.routines()
        if routine.function in found
    ]
    if not keys:
        raise UndefinedFunction(f'could not find a function named "{".".join(tree.name)}"')
    if len(keys) > 1:
        raise FeatureNotSupported(f'function name "{".".join(tree.name)}" is not unique')
    executor.authority.require_owner_of(keys[0], tree.name[-1])
    return keys


def _type_named(executor: Executor, parts: Name) -> OwnType:
    """A type of a user's own.

    Raises:
        UndefinedObject: 42704. FeatureNotSupported: 0A000, it is PostgreSQL's.
    """
    own = find_type(executor.registry, parts)
    if own is not None:
        return own
    if parts[-1] in BY_NAME or parts[-1] in ALIASES:
        raise FeatureNotSupported(f"privileges on type {parts[-1]} are not supported")
    raise missing(executor, parts, UndefinedObject, type_words(parts))


def _type_owned(executor: Executor, tree: ChangeOwner) -> list[Securable]:
    own = _type_named(executor, tree.name)
    executor.authority.require_owner_of(type_key(own.oid), tree.name[-1])
    return [type_key(own.oid)]


def _relation_owned(executor: Executor, tree: ChangeOwner) -> list[Securable]:
    try:
        name = _relation_named(executor, tree.name)
    except UndefinedTable:
        if tree.if_exists:
            return []
        raise
    authority, store = executor.authority, executor.registry.store
    thing = authority.relation(name)
    if thing.kind == "dataset":
        raise FeatureNotSupported(
            f'"{name}" is an xarray dataset, which the administrator owns',
            hint="GRANT and REVOKE SELECT say who may read it.",
        )
    authority.require_owner(name)
    definition = store.table(name)
    if not isinstance(definition, TableDefinition):
        return [thing]
    numbers = [column.number for column in definition.columns]
    owned = [store.owned_sequence(int(thing.key), number) for number in numbers]
    return [thing, *(authority.relation(each) for each in owned if each is not None)]


_FINDERS: dict[str, Callable[[Executor, ChangeOwner], list[Securable]]] = {
    "schema": _schema_owned,
    "function": _function_owned,
    "type": _type_owned,
    "domain": _type_owned,
}
