"""Which roles there are: those of the configuration, and those that statements made (pg_authid).

Without `superusers` and `roles` everyone whom nothing names is an administrator, and nobody asks
for rights before the first CREATE ROLE: one's own server on one's own machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from gateway.config import Role, Settings

# What stands for everyone and for nobody is no role's name.
NO_ROLES = frozenset({"public", "none"})
# PostgreSQL's first role, and a band of numbers that nothing else has (catalog.system.oids).
BOOTSTRAP_OID = 10
_FIRST, _MOST = 200_000_000, 40_000_000
# Who owns what nobody is noted for, where no administrator is named.
_OWNER = "gradwire"
_SUPERUSER, _ORDINARY = Role(superuser=True), Role()

READS_ALL, WRITES_ALL = "pg_read_all_data", "pg_write_all_data"
READS_STATS, SIGNALS = "pg_read_all_stats", "pg_signal_backend"
READS_SETTINGS = "pg_read_all_settings"
# Roles of PostgreSQL's own -> the others that each is a member of (manual, 22.5).
PREDEFINED: Mapping[str, tuple[str, ...]] = {
    READS_ALL: (),
    WRITES_ALL: (),
    READS_STATS: (),
    SIGNALS: (),
    READS_SETTINGS: (),
    "pg_stat_scan_tables": (),
    "pg_monitor": (READS_SETTINGS, READS_STATS, "pg_stat_scan_tables"),
    "pg_checkpoint": (),
    "pg_database_owner": (),
    "pg_read_server_files": (),
    "pg_write_server_files": (),
    "pg_execute_server_program": (),
}


@dataclass(frozen=True, slots=True)
class MadeRole:
    """A role that CREATE ROLE made.

    Args:
        connection_limit: Its connections at a time; -1: as many as there may be.
        verifier: What is kept of its password; "": it has none.
        valid_until: Until when the password is good, as PostgreSQL writes timestamptz; "": always.
    """

    name: str
    superuser: bool = False
    inherit: bool = True
    create_role: bool = False
    create_database: bool = False
    login: bool = False
    replication: bool = False
    bypass_rls: bool = False
    connection_limit: int = -1
    verifier: str = ""
    valid_until: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    """GRANT role TO member: by whom, and whether the member may grant it on."""

    role: str
    member: str
    grantor: str = ""
    admin: bool = False


# Settings by name, with their values as they were written.
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Made:
    """What statements made: roles, memberships, and the settings that sessions begin with.

    Args:
        settings: Whether for the database alone, and the role, "" for every one -> the settings.
        comments: The role, "" for the database -> what COMMENT ON said of it.
    """

    roles: Mapping[str, MadeRole] = field(default_factory=dict)
    members: tuple[Membership, ...] = ()
    settings: Mapping[tuple[bool, str], Pairs] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)

    def settings_of(self, role: str) -> dict[str, str]:
        """What the sessions of a role begin with; the nearer one goes first (postinit.c)."""
        found: dict[str, str] = {}
        for place in ((False, ""), (True, ""), (False, role), (True, role)):
            found.update(self.settings.get(place, ()))
        return found

    def with_settings(self, place: tuple[bool, str], pairs: Pairs) -> Made:
        """With these settings in the place of those that were there."""
        others = {key: held for key, held in self.settings.items() if key != place}
        return replace(self, settings={**others, place: pairs} if pairs else others)

    def with_role(self, name: str, role: MadeRole | None) -> Made:
        """With that role in the place of the one of a name, under its own; None: without it."""
        kept = {n: r for n, r in self.roles.items() if n != name}
        if role is None:
            left = tuple(m for m in self.members if name not in (m.role, m.member))
            settings = {at: held for at, held in self.settings.items() if at[1] != name}
            comments = {of: text for of, text in self.comments.items() if of != name}
            return Made(kept, left, settings, comments)
        members = tuple(_renamed(each, name, role.name) for each in self.members)
        named = {
            (inside, role.name if of == name else of): held
            for (inside, of), held in self.settings.items()
        }
        comments = {role.name if of == name else of: text for of, text in self.comments.items()}
        return Made({**kept, role.name: role}, members, named, comments)

    def membership(self, role: str, member: str) -> Membership | None:
        """The membership of one in the other; None where there is none."""
        return next((m for m in self.members if (m.role, m.member) == (role, member)), None)

    def with_membership(self, given: Membership) -> Made:
        """With it, in the place of an older one."""
        others = self.without_membership(given.role, given.member).members
        return replace(self, members=(*others, given))

    def without_membership(self, role: str, member: str) -> Made:
        """Without it."""
        left = tuple(m for m in self.members if (m.role, m.member) != (role, member))
        return replace(self, members=left)


def _renamed(membership: Membership, old: str, new: str) -> Membership:
    names = (membership.role, membership.member, membership.grantor)
    role, member, grantor = (new if name == old else name for name in names)
    return replace(membership, role=role, member=member, grantor=grantor)


NOTHING_MADE = Made()


@dataclass(frozen=True)
class Roles:
    """The roles of one server, at one moment.

    Args:
        named: Role -> what it is and may use, every role that has a name here.
        everyone: Whether everyone else is an administrator.
        bootstrap: The administrator who owns what nobody else does (PostgreSQL's oid 10).
        made: Those that statements made, among `named`.
    """

    named: Mapping[str, Role] = field(default_factory=dict)
    everyone: bool = True
    bootstrap: str = _OWNER
    made: Made = NOTHING_MADE

    def with_made(self, made: Made) -> Roles:
        """These roles, of the configuration, and those that were made."""
        if made == NOTHING_MADE:
            return self
        named = {name: _as_configured(role) for name, role in made.roles.items()} | dict(self.named)
        for each in made.members:
            of = named.get(each.member)
            if of is not None:
                named[each.member] = of.model_copy(update={"member_of": [*of.member_of, each.role]})
        return replace(self, named=named, made=made)

    @property
    def asks(self) -> bool:
        """Whether anybody has to be asked for rights."""
        return not self.everyone or bool(self.made.roles)

    def exists(self, name: str) -> bool:
        """Whether a role has that name."""
        return name in self.named or name == self.bootstrap or name in PREDEFINED

    def number(self, name: str) -> int:
        """Its oid, made of its name, so that it is the same after a restart."""
        if name in ("", self.bootstrap) or (self.everyone and name not in self.made.roles):
            return BOOTSTRAP_OID
        return _FIRST + zlib.crc32(name.encode()) % _MOST

    def keeper(self, name: str) -> str:
        """The name under which settings of a role are kept; those whom nothing names are one."""
        return self.bootstrap if name and self.number(name) == BOOTSTRAP_OID else name

    def of(self, name: str) -> Role:
        """What a role is and may use."""
        if name in PREDEFINED:
            return _ORDINARY
        return self.named.get(name, _SUPERUSER if self.everyone else _ORDINARY)

    def is_superuser(self, name: str) -> bool:
        """Whether it may do everything."""
        return self.of(name).superuser

    def makes_roles(self, name: str) -> bool:
        """Whether it may make, change and drop roles."""
        made = self.made.roles.get(name)
        return self.is_superuser(name) or (made is not None and made.create_role)

    def memberships(self, name: str, *, inherited: bool = True) -> frozenset[str]:
        """The role, and every role it is a member of, through others too.

        Args:
            name: The role.
            inherited: Only those whose rights it has without SET ROLE.
        """
        found = {name}
        waiting = [name]
        while waiting:
            member = waiting.pop()
            made = self.made.roles.get(member)
            if inherited and made is not None and not made.inherit:
                continue
            for group in (*self.of(member).member_of, *PREDEFINED.get(member, ())):
                if group not in found:
                    found.add(group)
                    waiting.append(group)
        return frozenset(found)

    def may_become(self, name: str, other: str) -> bool:
        """Whether SET ROLE lets one role take another."""
        return self.is_superuser(name) or other in self.memberships(name, inherited=False)

    def may_admit(self, name: str, role: str) -> bool:
        """Whether a role may make others members of another by ADMIN OPTION."""
        own = self.memberships(name, inherited=False)
        return any(m.role == role and m.member in own and m.admin for m in self.made.members)


def _as_configured(made: MadeRole) -> Role:
    limit = made.connection_limit
    return Role(superuser=made.superuser, connection_limit=None if limit < 0 else limit)


def roles_of(settings: Settings) -> Roles:
    """The roles that the settings name."""
    superusers = settings.superusers or []
    named = {name: _ORDINARY for name in settings.users} | dict(settings.roles)
    for name in superusers:
        named[name] = named.get(name, _ORDINARY).model_copy(update={"superuser": True})
    everyone = settings.superusers is None and not settings.roles
    first = next((name for name in [*superusers, *named] if named[name].superuser), _OWNER)
    if everyone:
        named = dict.fromkeys(named, _SUPERUSER)
    return Roles(named, everyone, first)


def granted_all(held: Collection[str], kind: str) -> str:
    """The privileges on a thing of this kind that the predefined roles among these give."""
    reads, writes = READS_ALL in held, WRITES_ALL in held
    if kind == "schema":
        return "U" if reads or writes else ""
    if kind not in ("table", "dataset", "sequence"):
        return ""
    return ("r" if reads else "") + ("awd" if writes and kind != "sequence" else "")
