"""What the actions of one ALTER TABLE work on: what they gather, and a table to add to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from sqlglot import exp

from gateway.catalog.definitions import Building, Resolve
from gateway.errors import SyntaxFault
from gateway.sources.table import TableName
from gateway.sql.statements.commands import Name
from gateway.sql.statements.sequences import SequenceOptions
from gateway.store.definitions.definitions import Sequence, TableDefinition
from gateway.store.definitions.domains import Domain


@dataclass(slots=True)
class Altering:
    """What the actions of one ALTER TABLE need besides the definition.

    `using` gathers column -> the text of the expression for its new values, `sequences` column ->
    the sequence it is to own, `options` (column, what its sequence is told).
    """

    name: TableName
    resolve: Resolve
    taken: Collection[str]
    using: dict[str, str] = field(default_factory=dict)
    sequences: dict[str, Sequence] = field(default_factory=dict)
    options: list[tuple[str, SequenceOptions]] = field(default_factory=list)
    bind_types: Callable[[exp.Expr], None] = lambda tree: None
    domains: Collection[Domain] = ()
    notices: list[tuple[str, str]] = field(default_factory=list)  # message, SQLSTATE
    gone: list[str] = field(default_factory=list)  # what CASCADE drops of the table itself


def building_of(state: Altering, definition: TableDefinition) -> Building:
    """The table as one that more can be added to."""

    def existing(name: Name) -> TableDefinition:
        raise SyntaxFault("LIKE stands in CREATE TABLE only")

    building = Building(
        state.name, state.resolve, existing, state.taken, state.bind_types, state.domains
    )
    building.columns = list(definition.columns)
    building.keys = list(definition.keys)
    building.checks = list(definition.checks)
    building.foreign_keys = list(definition.foreign_keys)
    building.is_new = False
    return building


def built(definition: TableDefinition, building: Building) -> TableDefinition:
    """The table with what was added."""
    made = building.definition()
    return replace(
        definition,
        columns=made.columns,
        keys=made.keys,
        checks=made.checks,
        foreign_keys=made.foreign_keys,
    )
