"""Whether a query is one for the catalogue: it names relations of PostgreSQL's own, or none and
functions or types that only the catalogue has."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.catalog.system.static import static
from gateway.sql.lowered.lending import type_word
from gateway.sql.text.trees import nodes, nodes_of, visible_ctes

_SYSTEM = ("pg_catalog", "information_schema")
# Functions of the catalogue that the engine has not: by name, or by how the name begins.
_FUNCTIONS = frozenset(
    {
        "acldefault", "aclexplode", "col_description",
        "current_schemas", "format_type", "getdatabaseencoding",
        "inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port",
        "makeaclitem", "obj_description",
        "parse_ident", "quote_ident", "quote_literal", "quote_nullable", "row_security_active",
        "shobj_description", 
        "current_schema", "current_database", "version",
    }
)  # fmt: skip
_BEGINNINGS = ("pg_", "_pg_", "to_reg", "has_")
_ENGINE = frozenset({"set_config", "pg_backend_pid", "current_setting", "differentiate_sql",
                     "pg_sleep", "nextval", "setval", "currval", "lastval", "pg_notify",
                     "pg_listening_channels", "pg_notification_queue_usage",
                     "pg_cancel_backend", "pg_terminate_backend", "pg_current_xact_id",
                     "pg_current_xact_id_if_assigned", "pg_current_snapshot", "pg_xact_status",
                     "pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock",
                     "pg_advisory_xact_lock_shared", "pg_try_advisory_lock",
                     "pg_try_advisory_lock_shared", "pg_try_advisory_xact_lock",
                     "pg_try_advisory_xact_lock_shared", "pg_advisory_unlock",
                     "pg_advisory_unlock_shared", "pg_advisory_unlock_all"})  # fmt: skip
_WORDS = (exp.CurrentUser, exp.SessionUser, exp.CurrentCatalog, exp.CurrentSchema, exp.CurrentRole)
CATALOGUE_TYPES = frozenset(
    {
        "name", "regproc", "regprocedure", "regoper", "regoperator", "regclass",
        "regtype", "regnamespace", "regrole", "regcollation", "regconfig",
        "regdictionary", "oid", "xid", "cid", "int2vector", "oidvector",
        "pg_node_tree", "aclitem",
    }
)  # fmt: skip


def is_for_catalogue(tree: object, registry: Registry) -> bool:
    """Whether the catalogue answers a query: no relation in it is another's."""
    if not isinstance(tree, exp.Query | exp.Values):
        return False
    named = [_is_systems(table, registry) for table in _tables(tree)]
    return all(named) if named else _speaks_catalogue(tree)


def _is_systems(table: exp.Table, registry: Registry) -> bool:
    if isinstance(table.this, exp.Anonymous):
        return True
    return is_system(table.db, table.name, registry) is not None


def is_system(schema: str, name: str, registry: Registry) -> str | None:
    """schema.name of the relation of pg_catalog or information_schema that is meant, if one is."""
    if schema:
        return f"{schema}.{name}" if schema in _SYSTEM else None
    path = registry.search_path
    place = path.index("pg_catalog") if "pg_catalog" in path else -1
    if f"pg_catalog.{name}" in static().oids:
        earlier = path[: max(place, 0)]
        hidden = any(registry.find(schema, name) for schema in earlier)
        return None if hidden else f"pg_catalog.{name}"
    full = f"information_schema.{name}"
    return full if "information_schema" in path and full in static().oids else None


def is_catalogue_function(name: str) -> bool:
    """Whether a function of that name is one of the catalogue's, which the engine has not."""
    return name not in _ENGINE and (name in _FUNCTIONS or name.startswith(_BEGINNINGS))


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    for table in nodes_of(tree, exp.Table):
        if isinstance(table.this, exp.Anonymous) and is_catalogue_function(table.this.name.lower()):
            yield table
        if not isinstance(table.this, exp.Identifier):
            continue
        if table.db or table.name not in visible_ctes(table):
            yield table


def _speaks_catalogue(tree: exp.Expr) -> bool:
    found = False
    for node in nodes(tree):
        if isinstance(node, exp.Anonymous):
            name = node.name.lower()
            if name in _ENGINE or name == "pg_typeof":  # which tells of the engine's functions too
                return False
            found = found or is_catalogue_function(name)
        elif isinstance(node, exp.Cast):
            found = (
                found or type_word(node.args["to"]) in CATALOGUE_TYPES or _is_char(node.args["to"])
            )
        elif isinstance(node, _WORDS):
            found = True
    return found


def _is_char(node: exp.Expr) -> bool:
    kind = node.args.get("kind") if isinstance(node, exp.DataType) else None
    return isinstance(kind, exp.Identifier) and bool(kind.quoted) and kind.name == "char"
