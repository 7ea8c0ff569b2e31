"""Which roles there are: those of the configuration (PostgreSQL's pg_authid).

Without `superusers` and `roles` everyone is an administrator, under whatever name, and nobody asks
for rights: one's own server on one's own machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.config import Role, Settings

# What stands for everyone and for nobody is no role's name.
NO_ROLES = frozenset({"public", "none"})
# PostgreSQL's first role, and a band of numbers that nothing else has (catalog.oids).
BOOTSTRAP_OID = 10
_FIRST, _MOST = 200_000_000, 40_000_000
# Who owns what nobody is noted for, where no administrator is named.
_OWNER = "gradwire"
_SUPERUSER, _ORDINARY = Role(superuser=True), Role()


@dataclass(frozen=True)
class Roles:
    """The roles of one server.

    Args:
        named: Role -> what it is and may use, every role that the configuration names.
        everyone: Whether everyone is an administrator, named or not.
        bootstrap: The administrator who owns what nobody else does (PostgreSQL's oid 10).
    """

    named: Mapping[str, Role] = field(default_factory=dict)
    everyone: bool = True
    bootstrap: str = _OWNER

    def exists(self, name: str) -> bool:
        """Whether the configuration names it."""
        return name in self.named or name == self.bootstrap

    def number(self, name: str) -> int:
        """Its oid, made of its name, so that it is the same after a restart."""
        if self.everyone or name in ("", self.bootstrap):
            return BOOTSTRAP_OID
        return _FIRST + zlib.crc32(name.encode()) % _MOST

    def of(self, name: str) -> Role:
        """What a role is and may use."""
        return self.named.get(name, _SUPERUSER if self.everyone else _ORDINARY)

    def is_superuser(self, name: str) -> bool:
        """Whether it may do everything."""
        return self.everyone or self.of(name).superuser

    def memberships(self, name: str) -> frozenset[str]:
        """The role, and every role it is a member of, through others too."""
        found = {name}
        waiting = [name]
        while waiting:
            for group in self.of(waiting.pop()).member_of:
                if group not in found:
                    found.add(group)
                    waiting.append(group)
        return frozenset(found)

    def may_become(self, name: str, other: str) -> bool:
        """Whether SET ROLE lets one role take another."""
        return self.is_superuser(name) or other in self.memberships(name)


def roles_of(settings: Settings) -> Roles:
    """The roles that the settings name."""
    superusers = settings.superusers or []
    named = {name: _ORDINARY for name in settings.users} | dict(settings.roles)
    for name in superusers:
        named[name] = named.get(name, _ORDINARY).model_copy(update={"superuser": True})
    everyone = settings.superusers is None and not settings.roles
    first = next((name for name in [*superusers, *named] if named[name].superuser), _OWNER)
    return Roles(named, everyone, first)
