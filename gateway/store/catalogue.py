"""Which schemas, tables, views and functions there are: an immutable value, and its copy on disk.

User names never become DuckDB names, because PostgreSQL's are case-sensitive and DuckDB's are
not: relation 16384 is the DuckDB table `data.t16384` with columns `c1`, `c2`, .... So "A" and "a"
live side by side, and no user name can meet one of DuckDB's own. A statement that changes the
catalogue changes these rows and the DuckDB objects in one DuckDB transaction.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from duckdb import DuckDBPyConnection

from gateway.errors import (
    DuplicateSchema,
    DuplicateTable,
    InvalidSchemaName,
    ReservedName,
    UndefinedTable,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.sql.functions import Function, FunctionName
from gateway.store.columntypes import storage_type
from gateway.store.definitions import (
    TableDefinition,
    View,
    decode_function,
    decode_table,
    decode_view,
    encode_function,
    encode_table,
    encode_view,
)

PUBLIC = "public"

# PostgreSQL's first oid for users' objects (FirstNormalObjectId).
FIRST_OID = 16384

# Versions of catalogues on their way to a commit.
_DRAFTS = itertools.count(-1, -1)

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
# Not in every directory of this format: made where it is missing.
_FUNCTIONS = """
CREATE TABLE IF NOT EXISTS gradwire.functions (
    oid BIGINT NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL, definition VARCHAR NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view and its number, which it keeps for life."""

    oid: int
    definition: TableDefinition | View


@dataclass(frozen=True, slots=True)
class Routine:
    """A function and its number, which it keeps for life."""

    oid: int
    function: Function


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything there is at one moment; `version` grows with every committed change.

    A catalogue that nobody has committed has a negative version, another at each change.
    """

    version: int = 1
    schemas: frozenset[str] = frozenset({PUBLIC})
    relations: Mapping[TableName, Relation] = field(default_factory=dict)
    functions: Mapping[FunctionName, Routine] = field(default_factory=dict)

    def find_table(self, name: TableName) -> tuple[int, TableDefinition] | None:
        """The table's number and definition; None when there is no table of this name."""
        found = self.relations.get(name)
        if found is None or isinstance(found.definition, View):
            return None
        return found.oid, found.definition

    def find_view(self, name: TableName) -> tuple[int, View] | None:
        """The view's number and definition; None when there is no view of this name."""
        found = self.relations.get(name)
        if found is None or not isinstance(found.definition, View):
            return None
        return found.oid, found.definition

    def table(self, name: TableName) -> tuple[int, TableDefinition]:
        """The table's number and definition.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809, it is a view.
        """
        if found := self.find_table(name):
            return found
        if name in self.relations:
            raise WrongObjectType(
                f'cannot change view "{name.name}"', hint="Change the tables it reads."
            )
        raise UndefinedTable(f'relation "{shown(name)}" does not exist')

    def refuse_taken(self, name: TableName) -> None:
        """Check that a relation of this name may be made.

        Raises:
            DuplicateTable: 42P07. InvalidSchemaName: 3F000, no such schema.
        """
        self.refuse_no_schema(name.schema)
        if name in self.relations:
            raise DuplicateTable(f'relation "{name.name}" already exists')

    def refuse_no_schema(self, name: str) -> None:
        """Check that there is a schema of this name.

        Raises:
            InvalidSchemaName: 3F000.
        """
        if name not in self.schemas:
            raise InvalidSchemaName(f'schema "{name}" does not exist')

    def refuse_schema(self, name: str) -> None:
        """Check that a schema of this name may be made.

        Raises:
            DuplicateSchema: 42P06. ReservedName: 42939, a prefix of the system's.
        """
        if name in self.schemas or name == "information_schema":
            raise DuplicateSchema(f'schema "{name}" already exists')
        if name.startswith("pg_") or name == "gradwire":
            raise ReservedName(
                f'unacceptable schema name "{name}"',
                detail='The prefix "pg_" and the name "gradwire" are reserved for system schemas.',
            )

    def with_schema(self, name: str) -> Catalogue:
        """This catalogue with one schema more."""
        return replace(self, version=next(_DRAFTS), schemas=self.schemas | {name})

    def without_schema(self, name: str) -> Catalogue:
        """This catalogue with one schema less."""
        return replace(self, version=next(_DRAFTS), schemas=self.schemas - {name})

    def with_relation(self, name: TableName, relation: Relation) -> Catalogue:
        """This catalogue with one relation more, or another in the place of one."""
        return replace(self, version=next(_DRAFTS), relations={**self.relations, name: relation})

    def without_relation(self, name: TableName) -> Catalogue:
        """This catalogue with one relation less."""
        left = {n: r for n, r in self.relations.items() if n != name}
        return replace(self, version=next(_DRAFTS), relations=left)

    def with_function(self, routine: Routine) -> Catalogue:
        """This catalogue with one function more, or another in the place of one."""
        functions = {**self.functions, routine.function.key: routine}
        return replace(self, version=next(_DRAFTS), functions=functions)

    def without_function(self, key: FunctionName) -> Catalogue:
        """This catalogue with one function less."""
        left = {k: r for k, r in self.functions.items() if k != key}
        return replace(self, version=next(_DRAFTS), functions=left)

    def callers(self, keys: Collection[FunctionName]) -> list[FunctionName]:
        """The functions whose bodies are bound to one of these, sorted; not these themselves."""
        return sorted(
            key
            for key, routine in self.functions.items()
            if key not in keys and any(k in keys for _, k in routine.function.bound or ())
        )

    @property
    def oids(self) -> Iterator[int]:
        """All numbers in use."""
        yield from (relation.oid for relation in self.relations.values())
        yield from (routine.oid for routine in self.functions.values())


def shown(name: TableName) -> str:
    """The name as PostgreSQL's messages have it: without a schema that the search path has."""
    return name.name if name.schema == PUBLIC else str(name)


def physical(oid: int) -> str:
    """The DuckDB table that holds the rows of table `oid`."""
    return f"data.t{oid}"


def physical_columns(definition: TableDefinition) -> dict[str, str]:
    """The user's names of the columns -> DuckDB's, in order."""
    return {column.name: f"c{number}" for number, column in enumerate(definition.columns, 1)}


def prepare(cursor: DuckDBPyConnection, settings: Mapping[str, str]) -> None:
    """Make an empty catalogue in an empty database, with these settings."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            cursor.execute(statement)
    for name, value in settings.items():
        cursor.execute("INSERT INTO gradwire.settings VALUES (?, ?)", [name, value])


def load(cursor: DuckDBPyConnection) -> Catalogue:
    """The catalogue as it was last committed."""
    schemas = frozenset(name for (name,) in cursor.sql("FROM gradwire.schemas").fetchall())
    relations = {}
    for oid, schema, name, kind, text in cursor.sql("FROM gradwire.relations").fetchall():
        decode = decode_view if kind == "view" else decode_table
        relations[TableName(schema, name)] = Relation(oid, decode(TableName(schema, name), text))
    cursor.execute(_FUNCTIONS)
    functions = {}
    for oid, schema, name, text in cursor.sql("FROM gradwire.functions").fetchall():
        function = decode_function(schema, name, text)
        functions[function.key] = Routine(oid, function)
    return Catalogue(1, schemas, relations, functions)


def saving(relation: Relation) -> tuple[str, list[object]]:
    """The statement, and its values, that writes a relation's row where none is."""
    definition = relation.definition
    is_view = isinstance(definition, View)
    text = encode_view(definition) if isinstance(definition, View) else encode_table(definition)
    kind = "view" if is_view else "table"
    values = [relation.oid, definition.name.schema, definition.name.name, kind, text]
    return "INSERT INTO gradwire.relations VALUES (?, ?, ?, ?, ?)", values


def forgetting(oid: int) -> tuple[str, list[object]]:
    """The statement, and its values, that deletes a relation's row."""
    return "DELETE FROM gradwire.relations WHERE oid = ?", [oid]


def saving_function(routine: Routine) -> tuple[str, list[object]]:
    """The statement, and its values, that writes a function's row where none is."""
    function = routine.function
    values = [routine.oid, function.schema, function.name, encode_function(function)]
    return "INSERT INTO gradwire.functions VALUES (?, ?, ?, ?)", values


def forgetting_function(oid: int) -> tuple[str, list[object]]:
    """The statement, and its values, that deletes a function's row."""
    return "DELETE FROM gradwire.functions WHERE oid = ?", [oid]


def creation(oid: int, definition: TableDefinition) -> str:
    """The CREATE TABLE that DuckDB runs for a table."""
    inside = physical_columns(definition)
    parts = [
        f"{inside[c.name]} {storage_type(c.type, c.typmod)}{' NOT NULL' if c.not_null else ''}"
        for c in definition.columns
    ]
    keys = [("PRIMARY KEY", definition.primary_key)] if definition.primary_key else []
    keys += [("UNIQUE", key) for key in definition.unique]
    parts += [f"{kind} ({', '.join(inside[name] for name in key)})" for kind, key in keys]
    return f"CREATE TABLE {physical(oid)} ({', '.join(parts)})"
