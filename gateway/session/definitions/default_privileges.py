"""ALTER DEFAULT PRIVILEGES: what others may do with what roles are yet to make (aclchk.c)."""

from __future__ import annotations

from functools import partial

from gateway.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidGrantOperation,
    InvalidSchemaName,
)
from gateway.session.definitions.grants import changed, letters_of, role_named
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sql.statements.grants import ChangeDefaults
from gateway.store.definitions.privileges import OBJECT_TYPES, PUBLIC_ROLE, Acl, default_acl, merged

_COMMAND = "ALTER DEFAULT PRIVILEGES"


def change_defaults(executor: Executor, tree: ChangeDefaults) -> Result:
    """ALTER DEFAULT PRIVILEGES: for members of the roles, all of it or nothing.

    Raises:
        InsufficientPrivilege: 42501. UndefinedObject: 42704. InvalidSchemaName: 3F000.
        InvalidGrantOperation: 0LP01, no privilege of such things.
        FeatureNotSupported: 0A000, of functions or types something else than GRANT.
    """
    authority, store = executor.authority, executor.registry.store
    grantees = [role_named(authority, each) for each in tree.change.grantees]
    if tree.change.grant and tree.change.option and PUBLIC_ROLE in grantees:
        raise InvalidGrantOperation("grant options can only be granted to roles")
    if tree.things not in OBJECT_TYPES:
        if tree.things == "TYPES" or not tree.change.grant:
            raise FeatureNotSupported(
                f"default privileges on {tree.things.lower()} are not supported",
                hint="Everyone may call functions.",
            )
        executor.notices.append("everyone may call functions: nothing is changed")
        return Result(_COMMAND)
    letter, kind = OBJECT_TYPES[tree.things]
    letters = letters_of(tree.change, kind, "relation")
    roles = _roles(executor, tree)
    for schema in tree.schemas:
        if schema not in executor.registry.schemas():
            raise InvalidSchemaName(f'schema "{schema}" does not exist')

    def change(role: str, schema: str, acl: Acl | None) -> Acl | None:
        plain = () if schema else default_acl(kind, role)
        before = plain if acl is None else acl
        after = merged(changed(tree.change, grantees, before, role, role, letters), ())
        return None if set(after) == set(plain) else after

    with store.holding():
        for role in roles:
            for schema in tree.schemas or ("",):
                store.change_default_privileges(role, letter, schema, partial(change, role, schema))
    return Result(_COMMAND)


def _roles(executor: Executor, tree: ChangeDefaults) -> list[str]:
    """Whose things it is about; who acts is a member of all."""
    authority = executor.authority
    roles = [role_named(authority, each) for each in tree.roles] or [authority.role]
    for role in roles:
        if not authority.roles.may_become(authority.role, role):
            raise InsufficientPrivilege(f'must be member of role "{role}"')
    return roles
