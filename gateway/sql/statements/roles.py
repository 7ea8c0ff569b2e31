"""CREATE, ALTER and DROP ROLE, GRANT of a role, read from their tokens (manual, part VI)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot.tokenizer_core import TokenType

from gateway.errors import FeatureNotSupported, ReservedName, SyntaxFault
from gateway.sql.statements.commands import Reader
from gateway.sql.statements.grants import Grantee, read_role
from gateway.sql.statements.setting import KeepSetting, read_kept


@dataclass(frozen=True, slots=True)
class MakeRole:
    """CREATE ROLE; `options` are fields of `gateway.roles.MadeRole`, with "password" among them.

    `member_of`, `members` and `admins` are roles to grant it, or it to, in the same statement.
    """

    name: str
    options: Mapping[str, Any]
    member_of: tuple[Grantee, ...] = ()
    members: tuple[Grantee, ...] = ()
    admins: tuple[Grantee, ...] = ()


@dataclass(frozen=True, slots=True)
class AlterRole:
    """ALTER ROLE role with options, or RENAME TO `new_name`."""

    role: Grantee
    options: Mapping[str, Any]
    new_name: str = ""


@dataclass(frozen=True, slots=True)
class DropRole:
    """DROP ROLE."""

    roles: tuple[Grantee, ...]
    if_exists: bool = False


@dataclass(frozen=True, slots=True)
class ChangeMembership:
    """GRANT roles TO members, or REVOKE; `admin`: WITH ADMIN OPTION, or ADMIN OPTION FOR."""

    grant: bool
    roles: tuple[str, ...]
    members: tuple[Grantee, ...]
    admin: bool = False
    tag: str = ""  # of ALTER GROUP


@dataclass(frozen=True, slots=True)
class DropOwned:
    """DROP OWNED BY roles [CASCADE]."""

    roles: tuple[Grantee, ...]
    cascade: bool = False


@dataclass(frozen=True, slots=True)
class ReassignOwned:
    """REASSIGN OWNED BY roles TO role."""

    roles: tuple[Grantee, ...]
    new: Grantee


#   word            field               what it becomes
_FLAGS: Mapping[str, tuple[str, bool]] = {
    "SUPERUSER":    ("superuser",       True),
    "NOSUPERUSER":  ("superuser",       False),
    "CREATEDB":     ("create_database", True),
    "NOCREATEDB":   ("create_database", False),
    "CREATEROLE":   ("create_role",     True),
    "NOCREATEROLE": ("create_role",     False),
    "INHERIT":      ("inherit",         True),
    "NOINHERIT":    ("inherit",         False),
    "LOGIN":        ("login",           True),
    "NOLOGIN":      ("login",           False),
    "REPLICATION":  ("replication",     True),
    "NOREPLICATION": ("replication",    False),
    "BYPASSRLS":    ("bypass_rls",      True),
    "NOBYPASSRLS":  ("bypass_rls",      False),
}  # fmt: skip
_LISTS = {"IN ROLE": "member_of", "IN GROUP": "member_of", "ROLE": "members", "USER": "members",
          "ADMIN": "admins"}  # fmt: skip
_TEXTS = (TokenType.STRING, TokenType.NATIONAL_STRING)


def read_create_role(reader: Reader, login: bool) -> MakeRole:
    """CREATE ROLE name [WITH] options; USER may log in."""
    name = _new_name(reader)
    options: dict[str, Any] = {"login": login}
    lists: dict[str, tuple[Grantee, ...]] = {}
    _options(reader, options, lists)
    return MakeRole(name, options, **lists)


def _new_name(reader: Reader) -> str:
    place = reader.index
    found = read_role(reader)
    if found.special:
        raise ReservedName(
            f"{found.special.upper()} cannot be used as a role name here",
            position=reader.tokens[place].start + 1,
        )
    return found.name


def _options(
    reader: Reader, options: dict[str, Any], lists: dict[str, tuple[Grantee, ...]] | None
) -> None:
    reader.accept("WITH")
    seen: set[str] = set()
    while reader.more():
        place = reader.index
        field, value = _option(reader, lists)
        if field in seen:
            position = reader.tokens[place].start + 1
            raise SyntaxFault("conflicting or redundant options", position=position)
        seen.add(field)
        if lists is not None and field in _LISTS.values():
            lists[field] = lists.get(field, ()) + value
            seen.discard(field)
        else:
            options[field] = value


def _option(reader: Reader, lists: dict[str, tuple[Grantee, ...]] | None) -> tuple[str, Any]:
    if word := reader.one_of(*_FLAGS):
        return _FLAGS[word]
    if reader.accept("CONNECTION", "LIMIT"):
        return "connection_limit", reader.number()
    if reader.accept("VALID", "UNTIL"):
        return "valid_until", reader.of_type(*_TEXTS).text
    if reader.accept("UNENCRYPTED"):
        raise FeatureNotSupported(
            "UNENCRYPTED PASSWORD is no longer supported",
            hint="Remove UNENCRYPTED to store the password in encrypted form instead.",
        )
    encrypted = reader.accept("ENCRYPTED")
    if reader.accept("PASSWORD"):
        return "password", None if not encrypted and reader.accept("NULL") else reader.of_type(
            *_TEXTS
        ).text
    if encrypted:
        reader.fail()
    if reader.accept("SYSID"):
        reader.number()
        return "sysid", None
    word = reader.one_of(*_LISTS) if lists is not None else ""
    if word:
        return _LISTS[word], reader.listed(read_role)
    token = reader.take()
    raise SyntaxFault(f'unrecognized role option "{token.text.lower()}"', position=token.start + 1)


def read_alter_role(reader: Reader) -> AlterRole | KeepSetting | ChangeMembership:
    """ALTER ROLE role [WITH] options | RENAME TO name | SET ... | RESET ..."""
    if reader.accept("ALL"):
        return read_kept(reader, None) or reader.fail()
    role = read_role(reader)
    if (kept := read_kept(reader, role)) is not None:
        return kept
    if reader.accept("RENAME", "TO"):
        return AlterRole(role, {}, _new_name(reader))
    if verb := reader.one_of("ADD USER", "DROP USER"):
        members, adds = reader.listed(read_role), verb == "ADD USER"
        return ChangeMembership(adds, (role.name,), members, tag="ALTER ROLE")
    options: dict[str, Any] = {}
    _options(reader, options, None)
    return AlterRole(role, options)


def read_drop_role(reader: Reader) -> DropRole:
    """DROP ROLE [IF EXISTS] roles."""
    exists = reader.accept("IF", "EXISTS")
    return DropRole(reader.listed(read_role), exists)


def read_drop_owned(reader: Reader) -> DropOwned:
    """DROP OWNED BY roles [CASCADE | RESTRICT]."""
    return DropOwned(reader.listed(read_role), reader.cascades())


def read_reassign(reader: Reader) -> ReassignOwned:
    """REASSIGN OWNED BY roles TO role."""
    roles = reader.listed(read_role)
    reader.need("TO")
    return ReassignOwned(roles, read_role(reader))


def membership_or(reader: Reader, grant: bool, other: Callable[[Reader], object]) -> object:
    """GRANT or REVOKE of roles, where no ON comes before TO or FROM; else what `other` reads."""
    words = [token.text.upper() for token in reader.tokens[reader.index :]]
    end = "TO" if grant else "FROM"
    before = words[: words.index(end)] if end in words else []
    if not before or "ON" in before:
        return other(reader)
    admin = not grant and reader.accept("ADMIN", "OPTION", "FOR")
    roles = reader.listed(Reader.name)
    reader.need(end)
    members = reader.listed(read_role)
    if grant:
        admin = reader.accept("WITH", "ADMIN", "OPTION")
    if reader.accept("GRANTED", "BY"):
        read_role(reader)
    if not grant:
        reader.one_of("CASCADE", "RESTRICT")
    return ChangeMembership(grant, roles, members, admin)
