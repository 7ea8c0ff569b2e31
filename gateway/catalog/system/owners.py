"""Roles, owners and grants as the catalogue holds them: numbers, and acls in PostgreSQL's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.roles import BOOTSTRAP_OID, Pairs

Acl = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Owned:
    """A thing's owner and grants; None: what its kind has by default; and its columns' grants."""

    owner: int = BOOTSTRAP_OID
    acl: Acl = None
    columns: tuple[tuple[int, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class RoleEntry:
    """A role: a row of pg_authid. No password is held here."""

    oid: int
    name: str
    superuser: bool = False
    inherit: bool = True
    create_role: bool = False
    create_database: bool = False
    replication: bool = False
    bypass_rls: bool = False
    login: bool = True
    connection_limit: int = -1
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class MembershipEntry:
    """A row of pg_auth_members."""

    role: int
    member: int
    grantor: int = BOOTSTRAP_OID
    admin: bool = False


@dataclass(frozen=True, slots=True)
class DefaultEntry:
    """A row of pg_default_acl: the numbers of it and of the role, the schema, the kind, the acl."""

    oid: int
    role: int
    schema: str
    kind: str
    acl: tuple[str, ...]


@dataclass(frozen=True)
class Ownership:
    """Owners and grants of what has no entry of its own, and the roles."""

    roles: tuple[RoleEntry, ...] = ()
    members: tuple[MembershipEntry, ...] = ()
    schemas: Mapping[str, Owned] = field(default_factory=dict)
    functions: Mapping[int, Owned] = field(default_factory=dict)
    types: Mapping[int, Owned] = field(default_factory=dict)
    database: Owned = Owned()
    settings: tuple[tuple[tuple[bool, int], Pairs], ...] = ()  # as those of `roles.Made`
    defaults: tuple[DefaultEntry, ...] = ()
    comments: tuple[tuple[str, int, str], ...] = ()  # kept in which relation, of what

    @property
    def first(self) -> str:
        """The name of the first role, who owns what nobody is noted for."""
        return next((each.name for each in self.roles if each.oid == BOOTSTRAP_OID), "")
