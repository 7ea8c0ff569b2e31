"""Roles, owners and grants as the catalogue shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from gateway.catalog.authority import DATABASE, Authority, default_of
from gateway.catalog.system.contents import Entries
from gateway.catalog.system.entries import Contents, RelationEntry
from gateway.catalog.system.owners import DefaultEntry, MembershipEntry, Owned, Ownership, RoleEntry
from gateway.catalog.system.static import static
from gateway.roles import BOOTSTRAP_OID, PREDEFINED, Pairs
from gateway.sources.table import TableName
from gateway.store.ddl.own_types import type_key
from gateway.store.ddl.owning import function_key, relation_key
from gateway.store.definitions.catalogue import PUBLIC
from gateway.store.definitions.privileges import (
    KINDS,
    PUBLIC_ROLE,
    Acl,
    Grant,
    Rights,
    Securable,
    acl_item,
    default_about,
)

# Who owns the schema `public`, until somebody is noted for it (manual, 5.9.6).
_DATABASE_OWNER, _DATABASE_OWNER_OID = "pg_database_owner", 6171
# pg_class.relkind -> the kind in `store.privileges.KINDS`, where it is no table.
_KINDS = {"f": "dataset", "S": "sequence"}
# What PostgreSQL takes PUBLIC to have where no acl is written, where that is not what holds here.
_TAKEN_FOR_GRANTED = {"dataset": ""}


@cache
def _predefined() -> dict[str, int]:
    """Roles of PostgreSQL's own -> their numbers."""
    roles = static().tables["pg_catalog.pg_authid"].to_pydict()
    return dict(zip(roles["rolname"], roles["oid"], strict=True))


def with_rights(contents: Contents, authority: Authority, entries: Entries) -> Contents:
    """The contents with owners, grants and roles; `entries` as for `contents_of`."""
    shown = _Shown(authority, entries)
    ownership = Ownership(
        tuple(shown.roles()),
        tuple(shown.members()),
        {name: shown.owned(Securable("schema", name), "schema") for name in contents.schemas},
        {each.oid: shown.owned(function_key(each.oid), "function") for each in contents.functions},
        {each.oid: shown.owned(type_key(each.oid), "type") for each in contents.own_types},
        shown.owned(DATABASE, "database"),
        tuple(shown.settings()),
        tuple(shown.defaults()),
        tuple(shown.comments()),
    )
    relations = [shown.entry(each) for each in contents.relations]
    return replace(contents, relations=relations, ownership=ownership)


class _Shown:
    """Rights in the catalogue's form.

    Args:
        authority: Whose they are.
        entries: Entries as they were before.
    """

    def __init__(self, authority: Authority, entries: Entries) -> None:
        self._entries = entries
        self._authority, self._roles = authority, authority.roles
        self._known: dict[tuple[str, Rights], Owned] = {}
        self._first = self._roles.bootstrap
        if self._roles.everyone and authority.role not in self._roles.made.roles:
            self._first = authority.role or self._first

    def roles(self) -> Iterator[RoleEntry]:
        """All there are, whoever asks among them."""
        roles, acting = self._roles, self._authority
        yield RoleEntry(BOOTSTRAP_OID, self._first, True, True, True, True, True, True)
        others = {*roles.named, acting.session_user, acting.role}
        for name in sorted(others - {"", self._first}):
            number = roles.number(name)
            if number == BOOTSTRAP_OID or name in PREDEFINED:
                continue
            superuser, made = roles.is_superuser(name), roles.made.roles.get(name)
            if made is None:
                limit = roles.of(name).connection_limit
                yield RoleEntry(
                    number, name, superuser, True, superuser, superuser, superuser, superuser,
                    connection_limit=-1 if limit is None else limit,
                )  # fmt: skip
            else:
                yield RoleEntry(
                    number, name, superuser, made.inherit, made.create_role, made.create_database,
                    made.replication, made.bypass_rls, made.login, made.connection_limit,
                    made.valid_until or None,
                )  # fmt: skip

    def members(self) -> Iterator[MembershipEntry]:
        """Who is a member of what."""
        numbers, made = self._roles.number, self._roles.made
        for name in sorted(self._roles.named):
            for group in self._roles.of(name).member_of:
                if made.membership(group, name) is None:
                    yield MembershipEntry(self._number(group), numbers(name))
        for each in made.members:
            grantor = numbers(each.grantor)
            yield MembershipEntry(
                self._number(each.role), self._number(each.member), grantor, each.admin
            )

    def settings(self) -> Iterator[tuple[tuple[bool, int], Pairs]]:
        """What sessions begin with, under the numbers of its roles; 0 for every role."""
        for (inside, role), pairs in self._roles.made.settings.items():
            yield (inside, self._number(role) if role else 0), pairs

    def defaults(self) -> Iterator[DefaultEntry]:
        """What ALTER DEFAULT PRIVILEGES said."""
        for thing, rights in self._authority.default_privileges():
            number, letter, schema = default_about(thing)
            acl = self._items(rights.acl or (), rights.owner)
            yield DefaultEntry(number, self._number(rights.owner), schema, letter, acl)

    def comments(self) -> Iterator[tuple[str, int, str]]:
        """What COMMENT ON said of roles and of the database, which has no number here."""
        for name, text in self._roles.made.comments.items():
            yield (("pg_authid", self._number(name), text) if name else ("pg_database", 0, text))

    def _number(self, name: str) -> int:
        return _predefined().get(name) or self._roles.number(name)

    def entry(self, entry: RelationEntry) -> RelationEntry:
        """A relation with its owner and grants."""
        thing = relation_key(entry.oid)
        if entry.kind == "f":
            thing = Securable("dataset", str(TableName(entry.schema, entry.name)))
        owned = self.owned(thing, _KINDS.get(entry.kind, "table"))
        if (owned.owner, owned.acl) == (entry.owner, entry.acl) and not owned.columns:
            return entry
        key = "owned", id(entry), owned
        known = self._entries.get(key)
        if known is not None and known[0] is entry:
            return known[1]
        columns = dict(owned.columns)
        made = replace(entry, owner=owned.owner, acl=owned.acl, column_acls=columns)
        self._entries.put(key, (entry, made), len(entry.columns) + 10)
        return made

    def owned(self, thing: Securable, kind: str) -> Owned:
        """A thing's owner and grants."""
        rights = self._authority.rights(thing)
        if thing.kind == "schema":
            return self._owned(thing, kind, rights)
        found = self._known.get((kind, rights))  # of hundreds of tables most are alike
        if found is None:
            found = self._known[kind, rights] = self._owned(thing, kind, rights)
        return found

    def _owned(self, thing: Securable, kind: str, rights: Rights) -> Owned:
        owner, number = self._first, self._number(rights.owner)
        if thing == Securable("schema", PUBLIC) and not rights.owner:
            owner, number = _DATABASE_OWNER, _DATABASE_OWNER_OID
        acl = default_of(thing, kind, rights) if rights.acl is None else rights.acl
        public = "".join(each.letters for each in acl if each.grantee == PUBLIC_ROLE)
        columns = tuple((n, self._items(each, owner)) for n, each in rights.columns)
        if rights.acl is None and public == _TAKEN_FOR_GRANTED.get(kind, KINDS[kind][1]):
            return Owned(number, columns=columns)
        if not rights.owner:  # whose own rights are not noted
            acl = (Grant("", "", KINDS[kind][0]), *acl)
        return Owned(number, self._items(acl, owner), columns)

    def _items(self, acl: Acl, owner: str) -> tuple[str, ...]:
        return tuple(acl_item(self._named(grant, owner)) for grant in acl)

    def _named(self, grant: Grant, owner: str) -> Grant:
        """A grant of what nobody is noted for is its owner's; all unknown names are the first's."""
        grantee, grantor = grant.grantee or owner, grant.grantor or owner
        return replace(grant, grantee=self._name(grantee), grantor=self._name(grantor))

    def _name(self, name: str) -> str:
        known = (
            name == PUBLIC_ROLE or name in PREDEFINED or self._roles.number(name) != BOOTSTRAP_OID
        )
        return name if known else self._first
