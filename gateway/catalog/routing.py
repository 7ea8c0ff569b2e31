"""Whether a query is one for the catalogue: it names relations of PostgreSQL's own, or none and
functions or types that only the catalogue has."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from sqlglot import exp

from gateway.catalog.registry import Registry
from gateway.catalog.static import static
from gateway.sql.scope import position_of, visible_ctes

_SYSTEM = ("pg_catalog", "information_schema")
# Functions of the catalogue that the engine has not: by name, or by how the name begins.
_FUNCTIONS = frozenset(
    {
        "acldefault", "aclexplode", "array_lower", "array_upper", "col_description",
        "current_schemas", "format_type", "generate_subscripts", "getdatabaseencoding",
        "inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port",
        "json_build_array", "json_build_object", "jsonb_build_object", "obj_description",
        "parse_ident", "quote_ident", "quote_literal", "quote_nullable", "row_security_active",
        "shobj_description", "regexp_split_to_table", "array_to_json", "row_to_json",
        "current_schema", "current_database", "version",
    }
)  # fmt: skip
_BEGINNINGS = ("pg_", "_pg_", "to_reg", "has_")
_ENGINE = frozenset({"set_config", "pg_backend_pid", "current_setting", "differentiate_sql",
                     "pg_sleep", "nextval", "setval", "currval", "lastval", "pg_notify",
                     "pg_cancel_backend", "pg_terminate_backend"})  # fmt: skip
_WORDS = (exp.CurrentUser, exp.SessionUser, exp.CurrentCatalog, exp.CurrentSchema, exp.CurrentRole)
_TYPES = frozenset({"name", "regproc", "regprocedure", "regoper", "regoperator", "regclass",
                    "regtype", "regnamespace", "regrole", "regcollation", "regconfig",
                    "regdictionary", "oid", "xid", "cid", "int2vector", "oidvector",
                    "pg_node_tree", "aclitem"})  # fmt: skip


class Route(Enum):
    """Who answers a query."""

    ENGINE = "engine"
    CATALOGUE = "catalogue"
    BOTH = "both"


def route(tree: object, registry: Registry) -> tuple[Route, int]:
    """Who answers; and where in the statement the first relation of the catalogue stands."""
    if not isinstance(tree, exp.Query | exp.Values):
        return Route.ENGINE, 0
    catalogue: exp.Table | None = None
    users = False
    for table in _tables(tree):
        if is_system(table, registry):
            catalogue = catalogue or table
        else:
            users = True
    if catalogue is not None:
        return (Route.BOTH if users else Route.CATALOGUE), position_of(catalogue)
    if users or not _speaks_catalogue(tree):
        return Route.ENGINE, 0
    return Route.CATALOGUE, 0


def is_system(table: exp.Table, registry: Registry) -> bool:
    """Whether a table's name means a relation of pg_catalog or information_schema."""
    if table.db:
        return table.db in _SYSTEM
    path = registry.search_path
    place = path.index("pg_catalog") if "pg_catalog" in path else -1
    if f"pg_catalog.{table.name}" in static().columns:
        earlier = path[: max(place, 0)]
        return not any(registry.find(schema, table.name) for schema in earlier)
    return "information_schema" in path and f"information_schema.{table.name}" in static().columns


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        if table.db or table.name not in visible_ctes(table):
            yield table


def _speaks_catalogue(tree: exp.Expr) -> bool:
    found = False
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            name = node.name.lower()
            if name in _ENGINE:
                return False
            found = found or name in _FUNCTIONS or name.startswith(_BEGINNINGS)
        elif isinstance(node, exp.Cast):
            found = found or _type_name(node.args["to"]) in _TYPES or _is_char(node.args["to"])
        elif isinstance(node, _WORDS):
            found = True
    return found


def _type_name(node: exp.Expr) -> str:
    if not isinstance(node, exp.DataType):
        return str(node.this).lower()
    if node.this == exp.DType.ARRAY and node.expressions:
        return _type_name(node.expressions[0])
    if node.this == exp.DType.USERDEFINED:
        kind = node.args.get("kind")
        last = kind.expression if isinstance(kind, exp.Dot) else kind
        return last.name.lower() if isinstance(last, exp.Expr) else str(last).lower()
    word = node.this.value if isinstance(node.this, exp.DType) else str(node.this)
    return word.lower()


def _is_char(node: exp.Expr) -> bool:
    kind = node.args.get("kind") if isinstance(node, exp.DataType) else None
    return isinstance(kind, exp.Identifier) and bool(kind.quoted) and kind.name == "char"
