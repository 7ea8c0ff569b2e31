"""Which foreign keys rest on a key of a table that ALTER TABLE takes away."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.sources.table import TableName
from gateway.store.definitions.catalogue import Catalogue, written
from gateway.store.definitions.definitions import ForeignKey, TableDefinition


@dataclass(frozen=True, slots=True)
class Lost:
    """A foreign key whose key goes.

    Args:
        table: The table that has it.
        name: Its name.
        on: What goes, as messages call it.
        rests_on: What of that it rests on.
    """

    table: TableName
    name: str
    on: str
    rests_on: str

    @property
    def title(self) -> str:
        """The foreign key as messages call it."""
        return f"constraint {self.name} on table {written(self.table)}"


def lost_references(catalogue: Catalogue, old: TableDefinition, new: TableDefinition) -> list[Lost]:
    """The foreign keys, its own too, to a table that has no key under them any more."""
    names = {column.number: column.name for column in new.columns}
    numbers = {column.name: column.number for column in old.columns}
    keyed = [set(key.columns) for key in new.keys if key.is_plain and not key.deferrable]
    found = []
    for relation in catalogue.referring(old.name):
        child = relation.definition
        assert isinstance(child, TableDefinition)
        kept = {key.name for key in (new if child.name == old.name else child).foreign_keys}
        for reference in child.foreign_keys:
            if reference.table != old.name or reference.name not in kept:
                continue
            now = {names.get(numbers[name], "") for name in reference.referenced}
            if now not in keyed:
                found.append(_lost(old, new, child, reference))
    return found


def _lost(
    old: TableDefinition, new: TableDefinition, child: TableDefinition, reference: ForeignKey
) -> Lost:
    table = f"table {written(old.name)}"
    left = {column.number for column in new.columns}
    for name in reference.referenced:
        if old.column(name).number not in left:
            what = f"column {name} of {table}"
            return Lost(child.name, reference.name, what, what)
    key = next(k for k in old.keys if k.is_plain and set(k.columns) == set(reference.referenced))
    what = f"constraint {key.name} on {table}"
    return Lost(child.name, reference.name, what, f"index {key.name}")


def without_reference(table: TableDefinition, name: str) -> TableDefinition:
    """A definition without the foreign key of this name."""
    left = tuple(key for key in table.foreign_keys if key.name != name)
    return replace(table, foreign_keys=left)
