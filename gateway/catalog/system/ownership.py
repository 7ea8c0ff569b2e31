"""Roles, owners and grants as the catalogue shows them, where not everyone is an administrator."""

from __future__ import annotations

from dataclasses import replace

from gateway.catalog.authority import Authority
from gateway.catalog.system.contents import Contents, RelationEntry
from gateway.sources.table import TableName
from gateway.store.ddl.owning import relation_key
from gateway.store.definitions.privileges import Grant, Securable, acl_item


def with_rights(contents: Contents, authority: Authority) -> Contents:
    """The contents with owners, grants and roles; as they are where nobody is asked."""
    if not authority.asks:
        return contents
    relations = [_owned(entry, authority) for entry in contents.relations]
    roles = {*authority.roles.named, authority.roles.bootstrap, authority.session_user}
    numbers = {name: authority.roles.number(name) for name in sorted(roles)}
    superusers = frozenset(filter(authority.roles.is_superuser, numbers))
    return replace(contents, relations=relations, roles=numbers, superusers=superusers)


def _owned(entry: RelationEntry, authority: Authority) -> RelationEntry:
    thing = relation_key(entry.oid)
    if entry.kind == "f":
        thing = Securable("dataset", str(TableName(entry.schema, entry.name)))
    rights = authority.rights(thing)
    acl = None
    if rights.acl is not None:
        acl = tuple(acl_item(_named(grant, authority)) for grant in rights.acl)
    return replace(entry, owner=authority.roles.number(rights.owner), acl=acl)


def _named(grant: Grant, authority: Authority) -> Grant:
    """A grant by the administrators, under the name of the first."""
    first = authority.roles.bootstrap
    return replace(grant, grantee=grant.grantee or first, grantor=grant.grantor or first)
