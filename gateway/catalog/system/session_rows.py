"""Rows of the catalogue that are the session's or the server's own: database, roles, settings."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gateway.catalog.system.names import Moment
from gateway.catalog.system.static import static
from gateway.sql.text.quoting import identifier

# Views whose rows depend on variables of the connection.
SESSION_VIEWS = {
    "pg_catalog.pg_settings": (
        "SELECT s.* REPLACE (COALESCE(list_extract(getvariable('setting_values'), "
        "list_position(getvariable('setting_names'), lower(s.name))), s.setting) AS setting, "
        "CASE WHEN list_contains(getvariable('setting_changed'), lower(s.name)) THEN 'session' "
        "ELSE s.source END AS source)"
        ' FROM static."pg_catalog.pg_settings" AS s'
    ),
}


def session_rows(relation: str, moment: Moment) -> pa.Table | None:
    """The rows of a relation that depend on who asks; None when it has none such."""
    if relation != "pg_database":
        return None
    rows = _databases(moment)
    columns = static().columns[f"pg_catalog.{relation}"]
    arrays = [
        pa.array([row.get(column.name) for row in rows], static().storage(column.type).arrow)
        for column in columns
    ]
    return pa.table(arrays, names=[column.name for column in columns])


def _databases(moment: Moment) -> list[dict[str, Any]]:
    names = {5: moment.database, 1: "template1", 4: "template0"}
    held = moment.contents.ownership
    first, own = identifier(held.first or moment.user), held.database
    acl = [f"=c/{first}", f"{first}=CTc/{first}"]
    return [
        {
            "oid": oid, "datname": name, "datdba": own.owner if oid == 5 else 10,
            "encoding": 6, "datlocprovider": "c",
            "datistemplate": oid != 5, "datallowconn": oid != 4, "datconnlimit": -1,
            "datfrozenxid": 716, "datminmxid": 1, "dattablespace": 1663, "datcollate": "C",
            "datctype": "C", "datacl": own.acl if oid == 5 else acl,
        }
        for oid, name in names.items()
    ]  # fmt: skip
