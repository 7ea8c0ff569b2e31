"""What the catalogue holds of each object, before it becomes rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.catalog.deparsing.definitions import IndexItem
from gateway.catalog.registry import TEMPORARY
from gateway.catalog.system.oids import part_oid
from gateway.catalog.system.owners import Ownership
from gateway.store.definitions import definitions as kept
from gateway.store.definitions.catalogue import OwnType, Routine
from gateway.store.definitions.domains import Domain
from gateway.store.definitions.enums import Enum


@dataclass(frozen=True, slots=True)
class ColumnEntry:
    """A column; `number` is attnum, `default` and `generated` are SQL as PostgreSQL writes it."""

    name: str
    type: int
    number: int
    typmod: int = -1
    not_null: bool = False
    default: str | None = None
    comment: str = ""
    identity: str = ""
    generated: bool = False
    dimensions: int = 0
    base: int = 0  # the type beneath a domain


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """An index: `columns` are attnums (0 an expression), `items` its keys.

    `included` are the attnums and names of the columns that INCLUDE names beside them.
    """

    oid: int
    name: str
    columns: tuple[int, ...]
    items: tuple[IndexItem, ...]
    unique: bool = True
    primary: bool = False
    method: str = "btree"
    predicate: IndexItem | None = None
    immediate: bool = True
    nulls_distinct: bool = True
    included: tuple[tuple[int, str], ...] = ()

    @property
    def held(self) -> tuple[int, ...]:
        """The attnums of its keys, and of what is included beside them."""
        return (*self.columns, *(number for number, _ in self.included))


TARGET = "\0"  # which no name holds


@dataclass(frozen=True, slots=True)
class ConstraintEntry:
    """A constraint: `kind` is pg_constraint.contype, `definition` pg_get_constraintdef's.

    A foreign key's has `TARGET` where the other table's name is to stand, as who asks sees it.

    Args:
        index: The oid of the index behind a key, or of the one that a foreign key rests on.
        referenced: Of a foreign key: the table's oid and the attnums there.
        actions: Of a foreign key: confupdtype and confdeltype.
        pretty: The definition with fewer parentheses.
        expression: Of a CHECK.
        deferrable: "" when it is not, else "immediate" or "deferred", as it is INITIALLY.
        match: pg_constraint.confmatchtype.
        valid: Whether the rows that were there were held to it, too.
    """

    oid: int
    name: str
    kind: str
    columns: tuple[int, ...]
    definition: str
    pretty: str = ""
    index: int = 0
    referenced: tuple[int, tuple[int, ...]] = (0, ())
    actions: str = "  "
    expression: str = ""
    deferrable: str = ""
    match: str = " "
    valid: bool = True


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """A domain, its own default and its own CHECKs, as PostgreSQL writes them."""

    domain: Domain
    default: str | None
    checks: tuple[ConstraintEntry, ...]


@dataclass(frozen=True, slots=True)
class RelationEntry:
    """A relation; `kind` is pg_class.relkind: r, v, m, S, or f for a dataset's table."""

    oid: int
    schema: str
    name: str
    kind: str
    columns: tuple[ColumnEntry, ...]
    comment: str = ""
    constraints: tuple[ConstraintEntry, ...] = ()
    indexes: tuple[IndexEntry, ...] = ()
    view: str = ""
    reads: tuple[kept.Reads, ...] = ()
    populated: bool = True
    sequence: kept.Sequence | None = None
    options: tuple[str, ...] = ()
    owner: int = 10
    acl: tuple[str, ...] | None = None
    notes: tuple[kept.Note, ...] = ()
    column_acls: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by attnum

    def part(self, slot: int) -> int:
        """The oid of something that belongs to this relation."""
        return part_oid(self.oid, slot)

    @property
    def temporary(self) -> bool:
        """Whether it ends with its session."""
        return self.schema.startswith(f"{TEMPORARY}_")


@dataclass(frozen=True)
class Contents:
    """Everything, at one moment."""

    schemas: Mapping[str, int]
    servers: Mapping[str, int]
    relations: Sequence[RelationEntry]
    functions: Sequence[Routine] = ()
    comments: Mapping[str, str] = field(default_factory=dict)  # of schemas
    temporary: str = ""  # the schema that this session calls pg_temp
    ownership: Ownership = field(default_factory=Ownership)
    enums: Sequence[Enum] = ()
    domains: Sequence[DomainEntry] = ()

    @property
    def constraints(self) -> Iterator[ConstraintEntry]:
        """Those of all relations and all domains."""
        for entry in self.relations:
            yield from entry.constraints
        for domain in self.domains:
            yield from domain.checks

    @property
    def own_types(self) -> list[OwnType]:
        """The types that users made, enums first."""
        return [*self.enums, *(each.domain for each in self.domains)]
