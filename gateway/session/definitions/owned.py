"""REASSIGN OWNED and DROP OWNED: all that roles own, and what they were granted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from gateway.errors import InsufficientPrivilege
from gateway.session.definitions.functions import drop_readers, shapes_over_functions
from gateway.session.definitions.grants import role_named
from gateway.session.definitions.naming import note_cascade
from gateway.session.result import Result
from gateway.session.writes.execution import Executor
from gateway.sql.statements.grants import Grantee
from gateway.sql.statements.roles import DropOwned, ReassignOwned
from gateway.store.definitions.privileges import Rights, Securable, given_away, without_grantee


def reassign_owned(executor: Executor, tree: ReassignOwned) -> Result:
    """REASSIGN OWNED: what some roles own is another's."""
    old, store = _allowed(executor, tree.roles, "reassign"), executor.registry.store
    (new,) = _allowed(executor, (tree.new,), "reassign")

    def change(thing: Securable, rights: Rights) -> Rights:
        return replace(given_away(rights, rights.owner, new), owner=new)

    owned = [t for name in old for t in _owned(executor, name) if t.kind != "default"]
    store.change_rights(owned, change)
    return Result("REASSIGN OWNED")


def drop_owned(executor: Executor, tree: DropOwned) -> Result:
    """DROP OWNED: what some roles own goes, and what they were granted of other things.

    Raises:
        DependentObjectsStillExist: 2BP01, another role's things stand on it, without CASCADE.
    """
    roles, store = _allowed(executor, tree.roles, "drop"), executor.registry.store
    with store.holding():
        for name in roles:
            granted = [
                thing
                for thing, rights in store.rights_with(name).items()
                if rights.owner != name and any(g.grantee == name for g in rights.grants)
            ]
            store.change_rights(granted, partial(_without, name))
        owned = {thing for name in roles for thing in _owned(executor, name)}
        calling = any(thing.kind in ("function", "schema") for thing in owned)
        shapes = shapes_over_functions(executor) if calling else {}
        gone = store.drop_owned(owned, cascade=tree.cascade)
        gone += drop_readers(executor, shapes, cascade=tree.cascade)
    note_cascade(executor, gone)
    return Result("DROP OWNED")


def _without(role: str, thing: Securable, rights: Rights) -> Rights:
    return without_grantee(rights, role)


def _owned(executor: Executor, role: str) -> list[Securable]:
    held = executor.registry.store.rights_with(role)
    return [thing for thing, rights in held.items() if rights.owner == role]


def _allowed(executor: Executor, roles: tuple[Grantee, ...], what: str) -> list[str]:
    """The roles, which the client must be a member of.

    Raises:
        UndefinedObject: 42704. InsufficientPrivilege: 42501.
    """
    authority = executor.authority
    names = [role_named(authority, each) for each in roles]
    mine = authority.roles.memberships(authority.role)
    for name in names:
        if not authority.roles.is_superuser(authority.role) and name not in mine:
            raise InsufficientPrivilege(f"permission denied to {what} objects")
    return names
