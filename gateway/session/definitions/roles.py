"""CREATE, ALTER and DROP ROLE, GRANT of a role: PostgreSQL's rules for who may (user.c).

Statements make and change the roles that are kept in the store, beside those of the configuration,
which they cannot change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from gateway.catalog.authority import Authority
from gateway.errors import (
    ConfigurationFault,
    DependentObjectsStillExist,
    DuplicateObject,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidDatetimeFormat,
    InvalidGrantOperation,
    InvalidParameterValue,
    ObjectInUse,
    ReservedName,
)
from gateway.passwords import make_verifier, read_verifier
from gateway.roles import PREDEFINED, Made, MadeRole, Membership
from gateway.session.definitions.grants import known_role, no_such_role, role_named
from gateway.session.result import Notice, Result
from gateway.session.writes.execution import Executor
from gateway.sql.statements.grants import Grantee
from gateway.sql.statements.roles import (
    AlterRole,
    ChangeMembership,
    DropRole,
    MakeRole,
)
from gateway.store.definitions.privileges import Acl, Rights, Securable, default_about, given_away

# What only an administrator gives or takes -> what it is refused with (making, changing).
_ABOVE = {
    "superuser": ("must be superuser to create superusers",
                  "must be superuser to alter superuser roles or change superuser attribute"),
    "replication": ("must be superuser to create replication users",
                    "must be superuser to alter replication roles or change replication attribute"),
    "bypass_rls": ("must be superuser to create bypassrls users",
                   "must be superuser to change bypassrls attribute"),
}  # fmt: skip


def create_role(executor: Executor, tree: MakeRole) -> Result:
    """CREATE ROLE, and the memberships that it names."""
    authority = executor.authority
    _refuse_above(authority, tree.options, 0)
    if not authority.roles.makes_roles(authority.role):
        raise InsufficientPrivilege("permission denied to create role")
    _refuse_taken(authority, tree.name)
    groups = [role_named(authority, each) for each in tree.member_of]
    admitted = [(role_named(authority, each), False) for each in tree.members]
    admitted += [(role_named(authority, each), True) for each in tree.admins]
    for group in groups:
        _refuse_admitting(authority, group)
    role = MadeRole(tree.name, **_fields(executor, tree.options))

    def change(made: Made) -> Made:
        made = made.with_role(role.name, role)
        for group in groups:
            made = made.with_membership(Membership(group, role.name, authority.role))
        for member, admin in admitted:
            made = made.with_membership(Membership(role.name, member, authority.role, admin))
        return made

    executor.registry.store.change_made(change)
    return Result("CREATE ROLE")


def _refuse_taken(authority: Authority, name: str) -> None:
    if name.startswith("pg_"):
        raise ReservedName(
            f'role name "{name}" is reserved',
            detail='Role names starting with "pg_" are reserved.',
        )
    if known_role(authority, name):
        raise DuplicateObject(f'role "{name}" already exists')


def _refuse_above(authority: Authority, options: Mapping[str, Any], place: int) -> None:
    if authority.roles.is_superuser(authority.role):
        return
    for option, messages in _ABOVE.items():
        if options.get(option) or (place and option in options):
            raise InsufficientPrivilege(messages[place])


def _fields(executor: Executor, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as fields of a MadeRole."""
    found = {name: value for name, value in options.items() if name not in ("password", "sysid")}
    if "password" in options:
        found["verifier"] = _verifier(executor, options["password"])
    if found.get("connection_limit", 0) < -1:
        limit = found["connection_limit"]
        raise InvalidParameterValue(f"invalid connection limit: {limit}")
    if "valid_until" in found:
        zone = executor.catalogue.client.session.settings["TimeZone"]
        found["valid_until"] = _moment(found["valid_until"], zone)
    return found


def _verifier(executor: Executor, password: str | None) -> str:
    if password is None:
        return ""
    if not password:
        executor.notices.append("empty string is not a valid password, clearing password")
        return ""
    if password.startswith("md5") and len(password) == 35:
        raise FeatureNotSupported(
            "MD5 passwords are not supported", hint="Give the password itself: SCRAM keeps it safe."
        )
    try:
        read_verifier(password)
    except ConfigurationFault:
        return make_verifier(password)
    return password


def _moment(text: str, zone: str) -> str:
    if text.strip().lower() in ("infinity", "+infinity"):
        return "infinity"
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidDatetimeFormat(
            f'invalid input syntax for type timestamp with time zone: "{text}"'
        ) from error
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).isoformat()


# Changing


def _made(executor: Executor, grantee: Grantee) -> MadeRole:
    """The role that statements may change.

    Raises:
        UndefinedObject: 42704. FeatureNotSupported: 0A000, it is the configuration's.
    """
    name = role_named(executor.authority, grantee)
    found = executor.registry.store.made_roles.roles.get(name)
    if found is None:
        what = "PostgreSQL's own" if name in PREDEFINED else "set up in the configuration"
        raise FeatureNotSupported(
            f'role "{name}" is {what}, which statements do not change',
            hint="Roles that CREATE ROLE made can be changed and dropped.",
        )
    return found


def alter_role(executor: Executor, tree: AlterRole) -> Result:
    """ALTER ROLE with options, or RENAME TO."""
    authority = executor.authority
    role = _made(executor, tree.role)
    if tree.new_name:
        return _rename(executor, role, tree.new_name)
    own = role.name == authority.role and set(tree.options) == {"password"}
    _refuse_above(authority, {**tree.options, **({"superuser": 1} if role.superuser else {})}, 1)
    if not own and not authority.roles.makes_roles(authority.role):
        raise InsufficientPrivilege("permission denied")
    changed = replace(role, **_fields(executor, tree.options))
    executor.registry.store.change_made(lambda made: made.with_role(role.name, changed))
    return Result("ALTER ROLE")


def _rename(executor: Executor, role: MadeRole, new: str) -> Result:
    authority, store = executor.authority, executor.registry.store
    if role.name in (authority.session_user, authority.role):
        who = "session" if role.name == authority.session_user else "current"
        raise FeatureNotSupported(f"{who} user cannot be renamed")
    _refuse_others(authority, role, "rename superusers", "permission denied to rename role")
    _refuse_taken(authority, new)

    def named(thing: Securable, rights: Rights) -> Rights:
        owner = new if rights.owner == role.name else rights.owner
        return replace(given_away(rights, role.name, new), owner=owner)

    store.change_rights(list(store.rights_with(role.name)), named)
    store.change_made(lambda made: made.with_role(role.name, replace(role, name=new)))
    return Result("ALTER ROLE")


def _refuse_others(authority: Authority, role: MadeRole, deed: str, message: str) -> None:
    """Only administrators do it to an administrator, and only who makes roles to others."""
    if role.superuser and not authority.roles.is_superuser(authority.role):
        raise InsufficientPrivilege(f"must be superuser to {deed}")
    if not authority.roles.makes_roles(authority.role):
        raise InsufficientPrivilege(message)


def drop_role(executor: Executor, tree: DropRole) -> Result:
    """DROP ROLE: nobody's on whom something depends."""
    authority, store = executor.authority, executor.registry.store
    if not authority.roles.makes_roles(authority.role):
        raise InsufficientPrivilege("permission denied to drop role")
    going = [name for each in tree.roles if (name := _going(executor, each, tree.if_exists))]
    for name in going:
        if found := store.rights_with(name):
            raise DependentObjectsStillExist(
                f'role "{name}" cannot be dropped because some objects depend on it',
                detail="\n".join(_dependent(executor, name, found)),
            )

    def change(made: Made) -> Made:
        for name in going:
            made = made.with_role(name, None)
        return made

    store.change_made(change)
    return Result("DROP ROLE")


def _going(executor: Executor, grantee: Grantee, if_exists: bool) -> str:
    """The name of a role that may be dropped; "" where IF EXISTS passes over it."""
    authority, name = executor.authority, grantee.name
    if grantee.special:
        raise InvalidParameterValue("cannot use special role specifier in DROP ROLE")
    if if_exists and not known_role(authority, name):
        executor.notices.append(f'role "{name}" does not exist, skipping')
        return ""
    for who, own in (("current", authority.role), ("session", authority.session_user)):
        if name == own:
            raise ObjectInUse(f"{who} user cannot be dropped")
    role = _made(executor, grantee)
    _refuse_others(authority, role, "drop superusers", "permission denied to drop role")
    return role.name


def _dependent(executor: Executor, name: str, found: Mapping[Securable, Rights]) -> Iterator[str]:
    for thing, rights in found.items():
        if rights.owner == name:
            yield f"owner of {_shown(executor, thing)}"
            continue
        if _has_part(name, rights.acl or ()):
            yield f"privileges for {_shown(executor, thing)}"
        for number, acl in rights.columns:
            if _has_part(name, acl):
                yield f"privileges for column {_column_named(executor, thing, number)}"


def _has_part(name: str, acl: Acl) -> bool:
    return any(name in (each.grantee, each.grantor) for each in acl)


def _column_named(executor: Executor, thing: Securable, number: int) -> str:
    relation = executor.registry.store.relation(int(thing.key))
    numbers = executor.authority.column_numbers(relation.definition.name) if relation else {}
    column = next((each for each, known in numbers.items() if known == number), "")
    return f"{column} of {_shown(executor, thing)}"


def _shown(executor: Executor, thing: Securable) -> str:
    store = executor.registry.store
    if thing.kind == "relation":
        relation = store.relation(int(thing.key))
        return "table" if relation is None else f"{relation.kind} {relation.definition.name.name}"
    if thing.kind == "function":
        names = {str(each.oid): each.function.name for each in store.routines()}
        return f"function {names.get(thing.key, thing.key)}"
    if thing.kind == "default":
        return _default_shown(thing, store.rights(thing).owner)
    if thing.kind == "database":
        return f"database {executor.catalogue.client.session.database}"
    return f"{'table' if thing.kind == 'dataset' else thing.kind} {thing.key}"


def _default_shown(thing: Securable, owner: str) -> str:
    _, letter, schema = default_about(thing)
    things = {"r": "relations", "S": "sequences", "n": "schemas"}[letter]
    inside = f" in schema {schema}" if schema else ""
    return f"default privileges on new {things} belonging to role {owner}{inside}"


# Memberships


def change_membership(executor: Executor, tree: ChangeMembership) -> Result:
    """GRANT or REVOKE of roles: all of it or nothing."""
    authority, store = executor.authority, executor.registry.store
    for name in tree.roles:
        if not known_role(authority, name):
            raise no_such_role(name)
    members = [role_named(authority, each) for each in tree.members]
    made = store.made_roles
    for name in tree.roles:
        _refuse_admitting(authority, name)
        for member in members:
            step = _admitted if tree.grant else _dismissed
            made = step(executor, made, Membership(name, member, authority.role, tree.admin))
    store.change_made(lambda before: made)
    return Result(tree.tag or ("GRANT ROLE" if tree.grant else "REVOKE ROLE"))


def _refuse_admitting(authority: Authority, role: str) -> None:
    roles = authority.roles
    if role == "pg_database_owner":
        raise InvalidGrantOperation(f'role "{role}" cannot have explicit members')
    if roles.is_superuser(authority.role):
        return
    if roles.is_superuser(role):
        raise InsufficientPrivilege("must be superuser to alter superusers")
    if not roles.makes_roles(authority.role) and not roles.may_admit(authority.role, role):
        raise InsufficientPrivilege(f'must have admin option on role "{role}"')


def _admitted(executor: Executor, made: Made, wanted: Membership) -> Made:
    roles = executor.authority.roles.with_made(made)
    if wanted.member in roles.memberships(wanted.role, inherited=False):
        raise InvalidGrantOperation(f'role "{wanted.role}" is a member of role "{wanted.member}"')
    known = made.membership(wanted.role, wanted.member)
    if known is not None and (known.admin or not wanted.admin):
        executor.notices.append(
            f'role "{wanted.member}" is already a member of role "{wanted.role}"'
        )
        return made
    return made.with_membership(wanted)


def _dismissed(executor: Executor, made: Made, wanted: Membership) -> Made:
    known = made.membership(wanted.role, wanted.member)
    if known is None:
        before = executor.registry.store.made_roles.membership(wanted.role, wanted.member)
        groups = executor.authority.roles.of(wanted.member).member_of
        if wanted.role in groups and before is None:
            raise FeatureNotSupported(
                f'"{wanted.member}" is a member of "{wanted.role}" by the configuration',
                hint="The key member_of of the role says so.",
            )
        message = f'role "{wanted.member}" is not a member of role "{wanted.role}"'
        executor.notices.append(Notice(message, "WARNING", "01000"))
        return made
    if wanted.admin:
        return made.with_membership(replace(known, admin=False))
    return made.without_membership(wanted.role, wanted.member)
