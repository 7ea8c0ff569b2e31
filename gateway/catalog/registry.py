"""Names to relations: the xarray tables of the configuration and the user's tables and views.

A session asks with the schema it was given, or along its search_path; what comes back is plain
data for the language side (`sql.names.relation`) and, for the tables of one statement, their rows
as of one moment for the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.catalog.datasets import SCHEMA, Datasets
from gateway.catalog.relations import (
    closest,
    grid_relation,
    sequence_relation,
    sequence_row,
    table_relation,
)
from gateway.catalog.system.oids import dataset_oids
from gateway.errors import (
    DatasetUnreadable,
    DuplicateTable,
    FeatureNotSupported,
    InsufficientPrivilege,
    InvalidSchemaName,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    ReadOnlyTable,
    SyntaxFault,
    UndefinedTable,
    WrongObjectType,
)
from gateway.sources.table import Table, TableName
from gateway.sql.lowered.lending import CATALOGUES
from gateway.sql.meaning.functions import Function, FunctionName
from gateway.sql.names.relation import Relation
from gateway.sql.text.quoting import in_quotes, literal
from gateway.sql.writes.targets import Target, TargetColumn
from gateway.store.ddl.owning import relation_key
from gateway.store.definitions.definitions import Column, TableDefinition, View
from gateway.store.rows.row_lookups import Wanted
from gateway.store.tables import StoreSession

DEFAULT_SEARCH_PATH = ("public",)
# The engine's functions; searched first, unless the search_path names it further on.
SYSTEM = "pg_catalog"
# What every session calls the schema of its own temporary tables.
TEMPORARY = "pg_temp"


class System(Protocol):
    """PostgreSQL's own relations, for queries that name others beside them."""

    def relation(self, schema: str, name: str) -> Relation | None:
        """The relation of the catalogue that a name means; None when it means none."""

    def table(self, name: TableName) -> Table:
        """Its rows as they are now."""


class Registry:
    """One client's view of every name.

    Args:
        grids: The xarray tables; which there are may change while the server runs.
        store: The client's way to the user tables.
    """

    def __init__(self, grids: Mapping[TableName, Table], store: StoreSession) -> None:
        self._grids = grids
        self._relations: dict[TableName, tuple[Table, Relation]] = {}
        self.store = store
        self.search_path: Sequence[str] = DEFAULT_SEARCH_PATH
        self.own: Mapping[TableName, Table] = {}  # stand for those of the grids in this session
        self._own = (-1, "")
        self.system: System | None = None
        self.database = ""  # the one that may stand before a schema; "" any

    def named(self, parts: Sequence[str]) -> tuple[str, str]:
        """The schema, "" for none, and the name of a name as it is written.

        Raises:
            FeatureNotSupported: 0A000, it is of another database. SyntaxFault: 42601, too long.
        """
        if len(parts) > 3:
            written = ".".join(parts)
            raise SyntaxFault(f"improper relation name (too many dotted names): {written}")
        if len(parts) == 3 and parts[0] != (self.database or parts[0]):
            raise FeatureNotSupported(
                f'cross-database references are not implemented: "{".".join(parts)}"'
            )
        return ("", parts[0]) if len(parts) == 1 else (parts[-2], parts[-1])

    def standing(self) -> tuple[int, int, str, tuple[str, ...]] | None:
        """Equal for sessions and moments at which every name means the same; None: to none other.

        Nothing else may come into the meaning of a name: what was worked out under an equal
        standing is used again.
        """
        if self.store.version < 0:
            return None
        return *self.holding(), tuple(self.search_path)

    def holding(self) -> tuple[int, int, str]:
        """Equal for sessions and moments for which there are the same objects."""
        version = self.store.version
        if self._own[0] != version:
            own = self.store.temporary_schema
            held = any(r.definition.name.schema == own for r in self.store.relations())
            self._own = version, own if held else ""
        grids = self._grids.version if isinstance(self._grids, Datasets) else 0
        return version, grids, self._own[1]

    @property
    def grids(self) -> Mapping[TableName, Table]:
        """The xarray tables."""
        return self._grids

    def moment(self) -> tuple[int, int] | None:
        """Equal while names and rights stay; None in a transaction of the user's."""
        grids = self._grids.version if isinstance(self._grids, Datasets) else 0
        return (self.store.version, grids) if self.store.is_idle else None

    @property
    def commit(self) -> object | None:
        """What is another object after each commit; None where that does not tell what is seen."""
        return self.store.commit if self.store.is_idle else None

    def holds(self, names: Collection[TableName]) -> bool:
        """Whether all of these are user tables."""
        known = self.store.table
        return all(n not in self._grids and known(n) is not None for n in names)

    def find(self, schema: str, name: str, *, sequences: bool = False) -> Relation | None:
        """The relation of that name; `schema` "" looks along the search_path."""
        for place in self._places(schema):
            found = TableName(place, name)
            relation = self._at(found)
            if relation is None and sequences and self.store.sequence(found) is not None:
                relation = sequence_relation(found, self.store.oid(found) or 0)
            if relation is not None:
                return relation
        return None

    def _places(self, schema: str) -> list[str]:
        """Where to look: temporary tables come first, unless the search_path says otherwise."""
        own = self.store.temporary_schema
        path = [own if place == TEMPORARY else place for place in self.search_path]
        path = path if own in path else [own, *path]
        if schema:
            path = [own if schema == TEMPORARY else schema]
        return [place for place in path if not self.is_another_s(place)]

    def is_another_s(self, schema: str) -> bool:
        """Whether it is the schema of another session's temporary tables."""
        own = self.store.temporary_schema
        return schema.startswith(f"{TEMPORARY}_") and schema != own

    def find_sequence(self, schema: str, name: str) -> TableName | None:
        """The sequence of that name; `schema` "" looks along the search_path.

        Raises:
            WrongObjectType: 42809, the name is another relation's.
        """
        for place in self._places(schema):
            found = TableName(place, name)
            if self.store.sequence(found) is not None:
                return found
            if self._at(found) is not None:
                raise WrongObjectType(f'"{name}" is not a sequence')
        return None

    def find_index(self, schema: str, name: str) -> TableName | None:
        """The table that has an index of that name, made by CREATE INDEX or by a key."""
        for place in self._places(schema):
            for relation in self.store.relations():
                table = relation.definition
                if not isinstance(table, TableDefinition) or table.name.schema != place:
                    continue
                if name in table.index_names:
                    return table.name
        return None

    def relation(self, schema: str, name: str) -> Relation:
        """The relation of that name.

        Raises:
            UndefinedTable: 42P01, with names that come close as a hint.
            DatasetUnreadable: 58030, it is of a dataset that cannot be opened.
        """
        found = self.system.relation(schema, name) if self.system is not None else None
        found = found or self.find(schema, name, sequences=True)
        if found is not None:
            return found
        written = f"{schema}.{name}" if schema else name
        fault = self._grids.fault(schema or name) if isinstance(self._grids, Datasets) else None
        if fault is not None:
            message, detail = f'relation "{written}" cannot be read', f"{fault}: {fault.detail}"
            raise DatasetUnreadable(message, detail=detail, hint=fault.hint)
        names = [*self._grids, *self.store.tables(), *(view.name for view in self.store.views())]
        raise UndefinedTable(f'relation "{written}" does not exist', hint=closest(written, names))

    def tables(
        self,
        names: Collection[TableName],
        rowid_of: TableName | None = None,
        wanted: Wanted | None = None,
        *,
        once: bool = False,
    ) -> dict[TableName, Table]:
        """The tables of these names; user tables all as of one moment.

        Args:
            names: What `relation` gave.
            rowid_of: The user table whose rows are to carry their identifier.
            wanted: Of which values its rows may be; other ones are left out.
            once: Whether the statement reads no others.

        Raises:
            ObjectNotInPrerequisiteState: 55000, a materialized view WITH NO DATA.
        """
        found = {n: self.own.get(n) or self._grids[n] for n in names if n in self._grids}
        if self.system is not None:
            found |= {n: self.system.table(n) for n in names if n.schema in CATALOGUES}
        found |= {n: sequence_row(self.store, n) for n in names if self.store.sequence(n)}
        kept = [name for name in names if name not in found]
        if kept:
            self._refuse_unpopulated(kept)
            found.update(self.store.snapshots(kept, rowid_of=rowid_of, wanted=wanted, once=once))
        return found

    def _refuse_unpopulated(self, names: Collection[TableName]) -> None:
        for name in names:
            table = self.store.table(name)
            if table is not None and table.query is not None and not table.query.populated:
                raise ObjectNotInPrerequisiteState(
                    f'materialized view "{name.name}" has not been populated',
                    hint="Use the REFRESH MATERIALIZED VIEW command.",
                )

    def definition(self, schema: str, name: str, *, materialized: bool = False) -> TableDefinition:
        """The user table of that name, to be written; or a view that is `materialized`.

        Raises:
            ReadOnlyTable: 25006, it is an xarray dataset, or a view.
            UndefinedTable: 42P01.
        """
        relation = self.relation(schema, name)
        definition = self.store.table(relation.name)
        if self.store.sequence(relation.name) is not None:
            raise WrongObjectType(f'cannot change sequence "{name}"')
        if definition is None or (definition.query is not None and not materialized):
            what = "a view" if relation.view is not None else "an xarray dataset"
            if definition is not None:
                what = "a materialized view"
            self.refuse_system(relation.name.schema, relation.name.name)
            if relation.name.schema == SCHEMA:
                what = "a table of the server's own"
            raise ReadOnlyTable(
                f'cannot write to "{relation.name}", which is {what}',
                hint=f"Copy it first: CREATE TABLE mine AS SELECT * FROM {relation.name}",
            )
        return definition

    def refuse_system(self, schema: str, name: str) -> None:
        """Refuse to change a relation of the catalogue.

        Raises:
            InsufficientPrivilege: 42501, the name means one.
        """
        if self.system is not None and self.system.relation(schema, name) is not None:
            raise InsufficientPrivilege(f'permission denied: "{name}" is a system catalog')

    def function(self, schema: str, name: str, arity: int) -> Function | None:
        """The user's function that a call means; None when it means one of the engine.

        Args:
            schema: As the call names it; "" looks along the search_path.
            name: Its name.
            arity: The number of its arguments.

        Raises:
            InvalidSchemaName: 3F000, there is no such schema.
        """
        for number, place in enumerate([schema] if schema else self.search_path):
            found = self.store.function(FunctionName(place, name, arity))
            behind = not schema and SYSTEM not in self.search_path[number:]
            if found is not None and not (found.hidden and behind):
                return found
        if schema and schema not in (SYSTEM, "information_schema", *self.schemas()):
            hint = "A function stands before its arguments: avg(x)."
            raise InvalidSchemaName(f'schema "{schema}" does not exist', hint=hint)
        return None

    def functions(self, schema: str, name: str) -> list[Function]:
        """The functions of that name in the first schema that has one, by number of arguments."""
        held = [function for function in self.store.functions() if function.name == name]
        for place in [schema] if schema else self.search_path:
            found = [function for function in held if function.schema == place]
            if found:
                return found
        return []

    def target_columns(self, target: TableDefinition) -> Target:
        """The columns of a table that is written, as the language sees them."""
        return {column.name: self._target_column(target, column) for column in target.columns}

    def _target_column(self, target: TableDefinition, column: Column) -> TargetColumn:
        default = column.default_value
        if column.identity:
            oid = self.store.oid(target.name)
            owned = self.store.owned_sequence(oid or 0, column.number)
            if owned is not None:
                named = f"{in_quotes(owned.schema)}.{in_quotes(owned.name)}"
                default = f"nextval({literal(named)})"
        return TargetColumn(column.type, default, column.identity, column.generated is not None)

    def new_name(self, schema: str, name: str, *, temporary: bool = False) -> TableName:
        """Where a new relation of that name goes.

        Raises:
            ReadOnlyTable: 25006, the schema is a dataset.
            DuplicateTable: 42P07, a dataset has that name.
        """
        own = self.store.temporary_schema
        if temporary and schema not in ("", TEMPORARY, own):
            raise InvalidTableDefinition("cannot create temporary relation in non-temporary schema")
        if temporary or schema in (TEMPORARY, own):
            return TableName(own, name)
        place = TableName(schema or self.home(), name)
        if self.is_another_s(place.schema):
            raise InvalidTableDefinition(
                "cannot create relations in temporary schemas of other sessions"
            )
        if place in self._grids:
            raise DuplicateTable(f'relation "{name}" already exists')
        if place.schema != "public" and self.is_dataset(place.schema):
            raise ReadOnlyTable(
                f'schema "{place.schema}" is an xarray dataset and takes no tables',
                hint="Create it in schema public.",
            )
        return place

    def home(self) -> str:
        """The first schema of the search_path that there is; InvalidSchemaName: 3F000, none."""
        known = self.schemas() | {"public"}
        for place in (p for p in self.search_path if p in known or self.is_another_s(p)):
            return place
        raise InvalidSchemaName("no schema has been selected to create in")

    def is_dataset(self, schema: str) -> bool:
        """True when tables of a dataset are in that schema."""
        return any(grid.schema == schema for grid in self._grids)

    def schemas(self) -> set[str]:
        """Every schema: those of the datasets and the user's own."""
        return {grid.schema for grid in self._grids} | set(self.store.schemas())

    def _at(self, name: TableName) -> Relation | None:
        grid = self._grids.get(name)
        if grid is not None:
            return self._grid_relation(name, grid)
        if self.is_another_s(name.schema):
            return None  # another session's
        definition = self.store.table(name)
        if definition is not None:
            oid = self.store.oid(name) or 0
            return replace(table_relation(definition, oid), guarded=self._is_guarded(oid))
        view = self.store.view(name)
        if view is None:
            return None
        oid, reads = self.store.oid(name) or 0, self.names_read(view)
        guarded = self._is_guarded(oid)
        return Relation(name, {}, view.sql, view.columns, reads, oid, view.zone, guarded=guarded)

    def _is_guarded(self, oid: int) -> bool:
        return bool(self.store.rights(relation_key(oid)).columns)

    def names_read(self, view: View) -> dict[tuple[str, str], TableName]:
        """Names in a view's query -> what they mean now: relations keep their numbers."""
        found = {}
        for read in view.reads:
            held = self.store.relation(read.oid) if read.oid else None
            found[read.schema, read.written] = held.definition.name if held else read.name
        return found

    def _grid_relation(self, name: TableName, grid: Table) -> Relation:
        known = self._relations.get(name)
        if known is None or known[0] is not grid:
            oid = dataset_oids(self._grids)[name]
            known = self._relations[name] = grid, grid_relation(name, grid, oid)
        return known[1]
