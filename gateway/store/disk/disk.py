"""The catalogue's copy on disk, and what DuckDB's own tables are called.

User names never become DuckDB names, because PostgreSQL's are case-sensitive and DuckDB's are
not: relation 16384 is the DuckDB table `data.t16384` with columns `c1`, `c2`, .... So "A" and "a"
live side by side, and no user name can meet one of DuckDB's own. A statement that changes the
catalogue changes these rows and the DuckDB objects in one DuckDB transaction.
"""

from __future__ import annotations

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from gateway.roles import NOTHING_MADE, Made
from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import (
    TEMPORARY,
    Catalogue,
    OwnType,
    Relation,
    Routine,
)
from gateway.store.definitions.columntypes import storage_type
from gateway.store.definitions.definitions import Sequence, TableDefinition, View
from gateway.store.definitions.domains import Domain, decode_domain, encode_domain
from gateway.store.definitions.encoding import (
    OwnTypes,
    decode_function,
    decode_made,
    decode_rights,
    decode_sequence,
    decode_table,
    decode_view,
    encode_function,
    encode_grants,
    encode_made,
    encode_sequence,
    encode_table,
    encode_view,
)
from gateway.store.definitions.enums import Enum, decode_enum, encode_enum
from gateway.store.definitions.privileges import Rights, Securable
from gateway.types import array_of

_TABLES = """
CREATE SCHEMA gradwire;
CREATE SCHEMA data;
CREATE TABLE gradwire.settings (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE gradwire.schemas (name VARCHAR NOT NULL);
CREATE TABLE gradwire.relations (
    oid BIGINT NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL, definition VARCHAR NOT NULL
);
INSERT INTO gradwire.schemas VALUES ('public');
"""
# Not in every directory: made where they are missing.
_LATER = (
    "CREATE TABLE IF NOT EXISTS gradwire.functions ("
    "oid BIGINT NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL,"
    " definition VARCHAR NOT NULL)",
    "ALTER TABLE gradwire.functions ADD COLUMN IF NOT EXISTS comment VARCHAR DEFAULT ''",
    "ALTER TABLE gradwire.schemas ADD COLUMN IF NOT EXISTS comment VARCHAR DEFAULT ''",
    # Values that a sequence has given or set aside: written by nobody's transaction.
    "CREATE TABLE IF NOT EXISTS gradwire.sequences (oid BIGINT NOT NULL, value HUGEINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS gradwire.rights ("
    "kind VARCHAR NOT NULL, key VARCHAR NOT NULL, owner VARCHAR NOT NULL, acl VARCHAR)",
    "CREATE TABLE IF NOT EXISTS gradwire.enums ("
    "oid BIGINT NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL,"
    " definition VARCHAR NOT NULL)",
    "CREATE TABLE IF NOT EXISTS gradwire.domains ("
    "oid BIGINT NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL,"
    " definition VARCHAR NOT NULL)",
)


def physical(oid: int, definition: TableDefinition) -> str:
    """The DuckDB table that holds the rows of table `oid`."""
    return f"data.t{definition.storage or oid}"


def physical_columns(definition: TableDefinition) -> dict[str, str]:
    """The user's names of the columns -> DuckDB's, in order."""
    return {column.name: f"c{column.number}" for column in definition.columns}


def prepare(cursor: DuckDBPyConnection, settings: Mapping[str, str]) -> None:
    """Make an empty catalogue in an empty database, with these settings."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            cursor.execute(statement)
    for name, value in settings.items():
        cursor.execute("INSERT INTO gradwire.settings VALUES (?, ?)", [name, value])


def load(cursor: DuckDBPyConnection) -> Catalogue:
    """The catalogue as it was last committed."""
    for statement in _LATER:
        cursor.execute(statement)
    enums, domains = _own_types(cursor)
    types = {e.oid: e.type for e in enums} | {e.array_oid: array_of(e.type) for e in enums}
    own = OwnTypes(types, {domain.oid: domain for domain in domains})
    _drop_temporary(cursor, own)
    schemas = dict(cursor.sql("SELECT name, comment FROM gradwire.schemas").fetchall())
    relations = {}
    for oid, schema, name, kind, text in cursor.sql("FROM gradwire.relations").fetchall():
        definition = _decoded(kind, TableName(schema, name), text, own)
        relations[definition.name] = Relation(oid, definition)
    functions = {}
    for oid, schema, name, text, comment in cursor.sql("FROM gradwire.functions").fetchall():
        function = decode_function(schema, name, text)
        functions[function.key] = Routine(oid, function, comment or "")
    rights = {
        Securable(kind, key): decode_rights(owner, acl)
        for kind, key, owner, acl in cursor.sql("FROM gradwire.rights").fetchall()
    }
    saved = cursor.sql("SELECT value FROM gradwire.settings WHERE name = 'roles'").fetchall()
    made = decode_made(saved[0][0]) if saved else NOTHING_MADE
    both: list[OwnType] = [*enums, *domains]
    held = {each.name: each for each in both}
    return Catalogue(1, schemas, relations, functions, rights, made, held)


def _own_types(cursor: DuckDBPyConnection) -> tuple[list[Enum], list[Domain]]:
    """Users' own types, domains after those that they stand on."""
    found = cursor.sql("FROM gradwire.enums").fetchall()
    enums = [decode_enum(oid, TableName(*name), text) for oid, *name, text in found]
    types = {e.oid: e.type for e in enums} | {e.array_oid: array_of(e.type) for e in enums}
    domains: dict[int, Domain] = {}
    for oid, *name, text in cursor.sql("FROM gradwire.domains ORDER BY oid").fetchall():
        domains[oid] = decode_domain(oid, TableName(*name), text, types, domains)
    return enums, list(domains.values())


def _drop_temporary(cursor: DuckDBPyConnection, own: OwnTypes) -> None:
    """Forget temporary tables of sessions that a killed server had."""
    found = cursor.sql(
        "SELECT oid, schema, name, kind, definition FROM gradwire.relations"
        f" WHERE starts_with(schema, '{TEMPORARY}')"
    ).fetchall()
    for oid, schema, name, kind, text in found:
        cursor.begin()
        if kind == "table":
            place = physical(oid, decode_table(TableName(schema, name), text, own))
            cursor.execute(f"DROP TABLE {place}")
        cursor.execute(*forgetting(oid))
        cursor.execute(*forgetting_rights(Securable("relation", str(oid))))
        cursor.commit()


def _decoded(
    kind: str, name: TableName, text: str, own: OwnTypes
) -> TableDefinition | View | Sequence:
    if kind == "table":
        return decode_table(name, text, own)
    return decode_view(name, text) if kind == "view" else decode_sequence(name, text)


def saving(relation: Relation) -> tuple[str, list[object]]:
    """The statement, and its values, that writes a relation's row where none is."""
    definition = relation.definition
    match definition:
        case View():
            kind, text = "view", encode_view(definition)
        case Sequence():
            kind, text = "sequence", encode_sequence(definition)
        case TableDefinition():
            kind, text = "table", encode_table(definition)
    values = [relation.oid, definition.name.schema, definition.name.name, kind, text]
    return "INSERT INTO gradwire.relations VALUES (?, ?, ?, ?, ?)", values


def forgetting(oid: int) -> tuple[str, list[object]]:
    """The statement, and its values, that deletes a relation's row."""
    return "DELETE FROM gradwire.relations WHERE oid = ?", [oid]


def saving_function(routine: Routine) -> tuple[str, list[object]]:
    """The statement, and its values, that writes a function's row where none is."""
    function = routine.function
    text = encode_function(function)
    values = [routine.oid, function.schema, function.name, text, routine.comment]
    return "INSERT INTO gradwire.functions VALUES (?, ?, ?, ?, ?)", values


def forgetting_function(oid: int) -> tuple[str, list[object]]:
    """The statement, and its values, that deletes a function's row."""
    return "DELETE FROM gradwire.functions WHERE oid = ?", [oid]


def saving_type(own: OwnType) -> tuple[str, list[object]]:
    """The statement, and its values, that writes the row of an own type where none is."""
    text = encode_enum(own) if isinstance(own, Enum) else encode_domain(own)
    values: list[object] = [own.oid, own.name.schema, own.name.name, text]
    return f"INSERT INTO gradwire.{_place(own)} VALUES (?, ?, ?, ?)", values


def forgetting_type(own: OwnType) -> tuple[str, list[object]]:
    """The statement, and its values, that deletes the row of an own type."""
    return f"DELETE FROM gradwire.{_place(own)} WHERE oid = ?", [own.oid]


def _place(own: OwnType) -> str:
    return "enums" if isinstance(own, Enum) else "domains"


def saving_rights(thing: Securable, rights: Rights) -> tuple[str, list[object]]:
    """The statement, and its values, that writes a thing's owner and grants where none are."""
    values: list[object] = [thing.kind, thing.key, rights.owner, encode_grants(rights)]
    return "INSERT INTO gradwire.rights VALUES (?, ?, ?, ?)", values


def forgetting_rights(thing: Securable) -> tuple[str, list[object]]:
    """The statement, and its values, that deletes them."""
    return "DELETE FROM gradwire.rights WHERE kind = ? AND key = ?", [thing.kind, thing.key]


def saving_made(made: Made) -> tuple[str, list[object]]:
    """The statement, and its values, that writes the roles that statements made."""
    return "INSERT OR REPLACE INTO gradwire.settings VALUES ('roles', ?)", [encode_made(made)]


def creation(oid: int, definition: TableDefinition) -> str:
    """The CREATE TABLE that DuckDB runs for a table.

    NOT NULL is not DuckDB's to check (`faults.refuse_nulls` does), so that it can be dropped.
    """
    inside = physical_columns(definition)
    parts = [f"{inside[c.name]} {storage_type(c.type, c.typmod)}" for c in definition.columns]
    parts = parts or ["nothing BOOLEAN"]  # DuckDB has no tables without columns
    for columns in definition.key_names():
        kind = "PRIMARY KEY" if columns == definition.primary_key else "UNIQUE"
        parts.append(f"{kind} ({', '.join(inside[name] for name in columns)})")
    return f"CREATE TABLE {physical(oid, definition)} ({', '.join(parts)})"
