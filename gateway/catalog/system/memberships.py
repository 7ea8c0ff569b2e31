"""Which role is a member of which at one moment; and the rows that rights are read from."""

from __future__ import annotations

from functools import cache
from typing import Any

from gateway.catalog.system.names import Moment
from gateway.catalog.system.pg_catalog import parts_of
from gateway.catalog.system.privilege_kinds import KINDS
from gateway.catalog.system.session_rows import session_parts
from gateway.catalog.system.static import static
from gateway.roles import BOOTSTRAP_OID

_DATABASE_OWNER = 6171


class Memberships:
    """Roles by name and number, and who is a member of which.

    Attributes:
        numbers: Name -> number.
        names: Number -> name.
        current: The number of who asks.
    """

    def __init__(self, moment: Moment) -> None:
        held = moment.contents.ownership
        self.numbers: dict[str, int] = {
            row["rolname"]: row["oid"]
            for row in rows_in(moment, "pg_authid")
            if row["oid"] != BOOTSTRAP_OID
        }
        self.numbers |= {each.name: each.oid for each in held.roles}
        self.names = {number: name for name, number in self.numbers.items()}
        self.current = self.numbers.get(moment.user, BOOTSTRAP_OID)
        self._superusers = {each.oid for each in held.roles if each.superuser} | {BOOTSTRAP_OID}
        self._reserved = {each.oid for each in held.roles if not each.inherit}
        self._groups: dict[int, list[tuple[int, bool]]] = {}
        for row in rows_in(moment, "pg_auth_members"):
            self._groups.setdefault(row["member"], []).append((row["roleid"], row["admin_option"]))
        owner = held.database.owner
        self._groups.setdefault(owner, []).append((_DATABASE_OWNER, False))
        self._reached: dict[tuple[int, bool], frozenset[int]] = {}

    def is_superuser(self, role: int) -> bool:
        """Whether it may do everything."""
        return role in self._superusers

    def _groups_of(self, role: int, *, inherited: bool) -> frozenset[int]:
        known = self._reached.get((role, inherited))
        if known is not None:
            return known
        found, waiting = {role}, [role]
        while waiting:
            member = waiting.pop()
            if inherited and member in self._reserved:
                continue
            new = [group for group, _ in self._groups.get(member, ()) if group not in found]
            found.update(new)
            waiting += new
        answer = frozenset(found)
        self._reached[role, inherited] = answer
        return answer

    def has(self, member: int, role: int) -> bool:
        """Whether a role has another's rights without SET ROLE (has_privs_of_role)."""
        return self.is_superuser(member) or role in self._groups_of(member, inherited=True)

    def is_member(self, member: int, role: int) -> bool:
        """Whether a role may SET ROLE to another (is_member_of_role)."""
        return self.is_superuser(member) or role in self._groups_of(member, inherited=False)

    def is_admin(self, member: int, role: int) -> bool:
        """Whether a role may make others members of another (is_admin_of_role)."""
        if self.is_superuser(member):
            return True
        if member == role:
            return False
        groups = self._groups_of(member, inherited=False)
        return any((role, True) in self._groups.get(each, ()) for each in groups)


def rows_in(moment: Moment, relation: str) -> list[dict[str, Any]]:
    """PostgreSQL's own rows of a relation, and those of what the server holds."""
    full = f"pg_catalog.{relation}"
    own = session_parts(full, moment)
    parts = parts_of(relation, moment.contents, {}) if own is None else own
    wanted = [c.name for c in static().columns[full] if c.name in _NEEDED]
    held = (row for part in parts.values() for row in part.make())
    found = [{name: row.get(name) for name in wanted} for row in held]
    return found if own is not None else [*_recorded(relation), *found]


@cache
def _recorded(relation: str) -> tuple[dict[str, Any], ...]:
    table = static().tables.get(f"pg_catalog.{relation}")
    if table is None:
        return ()
    return tuple(table.select([n for n in table.column_names if n in _NEEDED]).to_pylist())


_NEEDED = {
    "oid", "rolname", "roleid", "member", "admin_option", "relkind",
    *(column for kind in KINDS.values() for column in (kind.name, kind.owner, kind.acl)),
}  # fmt: skip
