"""Which schemas, tables, views, sequences and functions there are: an immutable value.

Its copy on disk is in `disk`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gateway.errors import (
    DuplicateObject,
    DuplicateSchema,
    DuplicateTable,
    InvalidSchemaName,
    ReservedName,
    UndefinedTable,
    WrongObjectType,
)
from gateway.roles import NOTHING_MADE, Made
from gateway.sources.table import TableName
from gateway.sql.meaning.functions import Function, FunctionName
from gateway.sql.text.quoting import identifier
from gateway.store.definitions.definitions import Column, Sequence, TableDefinition, View
from gateway.store.definitions.domains import Domain
from gateway.store.definitions.enums import Enum
from gateway.store.definitions.privileges import NOBODY_S, Rights, Securable
from gateway.types import Type, array_of

PUBLIC = "public"
# Schemas of temporary tables are this and the number of their session, which makes none of them.
TEMPORARY = "pg_temp_"

# PostgreSQL's first oid for users' objects (FirstNormalObjectId).
FIRST_OID = 16384

# Versions of catalogues on their way to a commit.
_DRAFTS = itertools.count(-1, -1)


OwnType = Enum | Domain


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, a view or a sequence and its number, which it keeps for life."""

    oid: int
    definition: TableDefinition | View | Sequence

    @property
    def kind(self) -> str:
        """What PostgreSQL calls it: "table", "view", "materialized view" or "sequence"."""
        match self.definition:
            case View():
                return "view"
            case Sequence():
                return "sequence"
        return "table" if self.definition.query is None else "materialized view"


@dataclass(frozen=True, slots=True)
class Routine:
    """A function and its number, which it keeps for life."""

    oid: int
    function: Function
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything there is at one moment; `version` grows with every committed change.

    A catalogue that nobody has committed has a negative version, another at each change.
    """

    version: int = 1
    schemas: Mapping[str, str] = field(default_factory=lambda: {PUBLIC: ""})  # name -> comment
    relations: Mapping[TableName, Relation] = field(default_factory=dict)
    functions: Mapping[FunctionName, Routine] = field(default_factory=dict)
    rights: Mapping[Securable, Rights] = field(default_factory=dict)
    made: Made = NOTHING_MADE
    types: Mapping[TableName, OwnType] = field(default_factory=dict)

    def with_made(self, made: Made) -> Catalogue:
        """This catalogue with other roles."""
        return replace(self, version=next(_DRAFTS), made=made)

    def rights_of(self, thing: Securable) -> Rights:
        """Its owner and grants."""
        return self.rights.get(thing, NOBODY_S)

    def with_rights(self, thing: Securable, rights: Rights | None) -> Catalogue:
        """This catalogue with another owner and other grants of a thing; None: with none noted."""
        changed = {t: r for t, r in self.rights.items() if t != thing}
        if rights is not None:
            changed[thing] = rights
        return replace(self, version=next(_DRAFTS), rights=changed)

    def find_table(self, name: TableName) -> tuple[int, TableDefinition] | None:
        """The table's number and definition; None when there is no table of this name."""
        found = self.relations.get(name)
        if found is None or not isinstance(found.definition, TableDefinition):
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
        if (other := self.relations.get(name)) is not None:
            raise WrongObjectType(f'"{name.name}" is not a table but a {other.kind}')
        raise UndefinedTable(f'relation "{shown(name)}" does not exist')

    def refuse_taken(self, name: TableName) -> None:
        """Check that a relation of this name may be made.

        Raises:
            DuplicateTable: 42P07. InvalidSchemaName: 3F000, no such schema.
        """
        self.refuse_no_schema(name.schema)
        if name in self.relations or name.name in self.names_in(name.schema):
            raise DuplicateTable(f'relation "{name.name}" already exists')
        if name in self.types:
            raise DuplicateObject(
                f'type "{name.name}" already exists',
                hint="A relation has an associated type of the same name, so you must use a name"
                " that doesn't conflict with any existing type.",
            )

    def refuse_no_schema(self, name: str) -> None:
        """Check that there is a schema of this name.

        Raises:
            InvalidSchemaName: 3F000.
        """
        if name not in self.schemas and not name.startswith(TEMPORARY):
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

    def with_schema(self, name: str, comment: str = "") -> Catalogue:
        """This catalogue with one schema more, or another comment on one."""
        return replace(self, version=next(_DRAFTS), schemas={**self.schemas, name: comment})

    def without_schema(self, name: str) -> Catalogue:
        """This catalogue with one schema less."""
        return replace(
            self,
            version=next(_DRAFTS),
            schemas={n: c for n, c in self.schemas.items() if n != name},
        )

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

    def with_type(self, own: OwnType) -> Catalogue:
        """This catalogue with one own type more, or another in the place of that of its number.

        What stands on it, columns and domains, stands on what it is now.
        """
        kind = own.type if isinstance(own, Enum) else own
        types = {n: t for n, t in self.types.items() if t.oid != own.oid} | {own.name: own}
        types = {n: t.on(kind) if isinstance(t, Domain) else t for n, t in types.items()}
        relations = {n: _with_type(r, kind) for n, r in self.relations.items()}
        return replace(self, version=next(_DRAFTS), types=types, relations=relations)

    def without_type(self, name: TableName) -> Catalogue:
        """This catalogue with one own type less."""
        left = {n: t for n, t in self.types.items() if n != name}
        return replace(self, version=next(_DRAFTS), types=left)

    @property
    def domains(self) -> list[Domain]:
        """All domains, by number."""
        found = (each for each in self.types.values() if isinstance(each, Domain))
        return sorted(found, key=lambda domain: domain.oid)

    def callers(self, keys: Collection[FunctionName]) -> list[FunctionName]:
        """The functions whose bodies are bound to one of these, sorted; not these themselves."""
        return sorted(
            key
            for key, routine in self.functions.items()
            if key not in keys and any(k in keys for _, k in routine.function.bound or ())
        )

    def by_oid(self, oid: int) -> Relation | None:
        """The relation of this number; None when it is gone."""
        return next((r for r in self.relations.values() if r.oid == oid), None)

    def names_in(self, schema: str) -> set[str]:
        """What no new relation of a schema may be called: its relations, indexes and keys."""
        found = set()
        for name, relation in self.relations.items():
            if name.schema == schema:
                found.add(name.name)
                if isinstance(relation.definition, TableDefinition):
                    found.update(relation.definition.index_names)
        return found

    def referring(self, table: TableName) -> list[Relation]:
        """The tables with a foreign key to this one, itself among them, by number."""
        found = [
            relation
            for relation in self.relations.values()
            if isinstance(relation.definition, TableDefinition)
            and any(fk.table == table for fk in relation.definition.foreign_keys)
        ]
        return sorted(found, key=lambda relation: relation.oid)

    def readers(self, oid: int) -> list[Relation]:
        """The views and materialized views whose query reads this relation, by number."""
        found = []
        for relation in self.relations.values():
            view = relation.definition
            query = view if isinstance(view, View) else getattr(view, "query", None)
            if query is not None and any(read.oid == oid for read in query.reads):
                found.append(relation)
        return sorted(found, key=lambda relation: relation.oid)

    def owned_by(self, oid: int, number: int | None = None) -> list[Relation]:
        """The sequences of a table, or of its column of this number."""
        return [
            relation
            for relation in self.relations.values()
            if isinstance(relation.definition, Sequence)
            and relation.definition.owner is not None
            and relation.definition.owner[0] == oid
            and number in (None, relation.definition.owner[1])
        ]

    @property
    def oids(self) -> Iterator[int]:
        """All numbers in use, those of DuckDB's tables among them."""
        for relation in self.relations.values():
            yield relation.oid
            if isinstance(relation.definition, TableDefinition):
                yield relation.definition.storage
        yield from (routine.oid for routine in self.functions.values())
        for own in self.types.values():
            yield from own.oids


def _with_type(relation: Relation, kind: Type | Domain) -> Relation:
    """The relation, whose columns of that number have this type."""
    definition = relation.definition
    if not isinstance(definition, TableDefinition):
        return relation
    columns = tuple(_of_type(column, kind) for column in definition.columns)
    if all(one is other for one, other in zip(columns, definition.columns, strict=True)):
        return relation
    return replace(relation, definition=replace(definition, columns=columns))


def _of_type(column: Column, kind: Type | Domain) -> Column:
    domain = column.domain
    if domain is not None:
        changed = kind if domain.oid == kind.oid and isinstance(kind, Domain) else domain.on(kind)
        if changed != domain:
            column = replace(column, domain=changed, type=changed.base)
        return column
    if isinstance(kind, Domain) or (column.type.element or column.type).oid != kind.oid:
        return column
    return replace(column, type=kind if column.type.element is None else array_of(kind))


def shown(name: TableName) -> str:
    """The name as PostgreSQL's messages have it: without a schema that the search path has."""
    return name.name if name.schema == PUBLIC else str(name)


def written(name: TableName) -> str:
    """The same as SQL has to write it, as messages about what stands on what have it."""
    return ".".join(map(identifier, (name.schema, name.name)[name.schema == PUBLIC :]))
