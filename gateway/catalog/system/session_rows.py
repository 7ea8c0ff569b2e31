"""Rows of the catalogue that are the session's or the server's own: database, roles, settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any

from gateway.catalog.system.names import Moment
from gateway.catalog.system.oids import database_oid
from gateway.catalog.system.owners import Owned
from gateway.catalog.system.pg_catalog import Part, part_of
from gateway.catalog.system.static import static
from gateway.roles import BOOTSTRAP_OID
from gateway.sql.text.quoting import identifier

Row = dict[str, Any]

_TEMPLATES = {1: "template1", 4: "template0"}

# Views whose rows depend on variables of the connection.
SESSION_VIEWS = {
    "pg_catalog.pg_settings": (
        "SELECT s.* REPLACE (COALESCE(list_extract(getvariable('setting_values'), "
        "list_position(getvariable('setting_names'), lower(s.name))), s.setting) AS setting, "
        "CASE WHEN list_contains(getvariable('setting_changed'), lower(s.name)) THEN 'session' "
        "WHEN s.name = 'application_name' AND list_extract(getvariable('setting_values'), "
        "list_position(getvariable('setting_names'), 'application_name')) <> '' THEN 'client' "
        "ELSE s.source END AS source)"
        ' FROM static."pg_catalog.pg_settings" AS s'
        " WHERE NOT list_contains(getvariable('setting_hidden'), s.name)"
    ),
}


def session_parts(name: str, moment: Moment) -> dict[Hashable, Part] | None:
    """All rows of a relation that depend on who asks; None when it has none such."""
    make = _RELATIONS.get(name)
    if make is None:
        return None
    rows = make(moment)
    return {repr(rows): part_of(rows)}


def _databases(moment: Moment) -> list[Row]:
    """The client's own, whatever it calls it, and the templates of a new PostgreSQL."""
    own_name = "postgres" if moment.database in _TEMPLATES.values() else moment.database
    here = database_oid(own_name)
    names = {here: own_name} | _TEMPLATES
    held = moment.contents.ownership
    first, own = identifier(held.first or moment.user), held.database
    acl = [f"=c/{first}", f"{first}=CTc/{first}"]
    return [
        {
            "oid": oid, "datname": name, "datdba": own.owner if oid == here else 10,
            "encoding": 6, "datlocprovider": "c",
            "datistemplate": oid != here, "datallowconn": oid != 4, "datconnlimit": -1,
            "datfrozenxid": 716, "datminmxid": 1, "dattablespace": 1663, "datcollate": "C",
            "datctype": "C", "datacl": own.acl if oid == here else acl,
        }
        for oid, name in names.items()
    ]  # fmt: skip


def _roles(moment: Moment) -> list[Row]:
    """PostgreSQL's predefined roles, and those that there are."""
    known: list[Row] = static().tables["pg_catalog.pg_authid"].to_pylist()
    own = [
        {
            "oid": each.oid, "rolname": each.name, "rolsuper": each.superuser,
            "rolinherit": each.inherit, "rolcreaterole": each.create_role,
            "rolcreatedb": each.create_database, "rolcanlogin": each.login,
            "rolreplication": each.replication, "rolbypassrls": each.bypass_rls,
            "rolconnlimit": each.connection_limit,
            "rolvaliduntil": _moment_of(each.valid_until),
        }
        for each in moment.contents.ownership.roles
    ]  # fmt: skip
    return [row for row in known if row["oid"] != BOOTSTRAP_OID] + own


def _namespaces(moment: Moment) -> list[Row]:
    """PostgreSQL's own schemas, and those that there are: `public` may be another's by now."""
    contents, first = moment.contents, identifier(moment.contents.ownership.first)
    known: list[Row] = static().tables["pg_catalog.pg_namespace"].to_pylist()
    rows = []
    for row in known:
        acl = [_FIRST.sub(lambda m: f"{m[1]}{first}{m[2]}", item) for item in row["nspacl"] or ()]
        rows.append(row | {"nspacl": acl or None})
    public = contents.ownership.schemas.get("public")
    own = [
        {"oid": oid, "nspname": name, "nspowner": owned.owner, "nspacl": owned.acl}
        for name, oid in contents.schemas.items()
        if (owned := contents.ownership.schemas.get(name, Owned())) and name != "public"
    ]
    if public is not None:
        changed = {"nspowner": public.owner, "nspacl": public.acl}
        rows = [row | changed if row["nspname"] == "public" else row for row in rows]
    return rows + own


def _shared_comments(moment: Moment) -> list[Row]:
    """PostgreSQL's own comments on databases, and those on roles and the one that there is."""
    rows = static().tables["pg_catalog.pg_shdescription"].to_pylist()
    found = {(row["objoid"], row["classoid"]): row for row in rows}
    found |= {(row["objoid"], row["classoid"]): row for row in moment.shared_descriptions()}
    return [row for row in found.values() if row["description"]]


def _role_settings(moment: Moment) -> list[Row]:
    """What sessions begin with."""
    return [
        {
            "setdatabase": database_oid(moment.database) if inside else 0, "setrole": role,
            "setconfig": [f"{name}={value}" for name, value in pairs],
        }
        for (inside, role), pairs in moment.contents.ownership.settings
    ]  # fmt: skip


# The first role in an item of an acl, as PostgreSQL's own rows have it.
_FIRST = re.compile(r"(^|/)postgres(=|$)")


def _moment_of(text: str | None) -> datetime | None:
    """The end of a password's time; `infinity` has none that the database could hold."""
    return None if text in (None, "infinity") else datetime.fromisoformat(text or "")


_RELATIONS: Mapping[str, Callable[[Moment], list[Row]]] = {
    "pg_catalog.pg_authid": _roles,
    "pg_catalog.pg_database": _databases,
    "pg_catalog.pg_db_role_setting": _role_settings,
    "pg_catalog.pg_namespace": _namespaces,
    "pg_catalog.pg_shdescription": _shared_comments,
}
