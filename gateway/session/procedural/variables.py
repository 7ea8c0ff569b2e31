"""Variables of a block: what they hold, of which types, and where their names are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from gateway.errors import (
    ErrorInAssignment,
    NullValueNotAllowed,
    ObjectNotInPrerequisiteState,
    SyntaxFault,
    UndefinedColumn,
)
from gateway.sql.procedural.steps import Target
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a type of PostgreSQL's, as a parameter of that type has it."""

    type: Type
    scalar: pa.Scalar

    @property
    def is_null(self) -> bool:
        return not self.scalar.is_valid


def null(kind: Type) -> Value:
    """NULL of a type."""
    return Value(kind, pa.scalar(None, kind.arrow))


@dataclass(slots=True)
class Variable:
    """One value; `typmod` is that of its type, -1 for none."""

    name: str
    value: Value
    typmod: int = -1
    constant: bool = False
    not_null: bool = False

    def put(self, value: Value) -> None:
        """Give it a value of its type.

        Raises:
            NullValueNotAllowed: 22004.
        """
        if self.not_null and value.is_null:
            raise NullValueNotAllowed(
                f'null value cannot be assigned to variable "{self.name}" declared NOT NULL'
            )
        self.value = value


@dataclass(slots=True)
class Record:
    """A row; None: none was assigned yet. One of a table's type has its columns from the start."""

    name: str
    row: dict[str, Value] | None = None
    typmods: Mapping[str, int] | None = None  # of a table's columns

    def get(self, column: str) -> Value:
        """One of its fields.

        Raises:
            ObjectNotInPrerequisiteState: 55000. UndefinedColumn: 42703.
        """
        if self.row is None:
            raise ObjectNotInPrerequisiteState(
                f'record "{self.name}" is not assigned yet',
                detail="The tuple structure of a not-yet-assigned record is indeterminate.",
            )
        if column not in self.row:
            raise UndefinedColumn(f'record "{self.name}" has no field "{column}"')
        return self.row[column]


@dataclass(slots=True)
class Scope:
    """The names of a block, those of the blocks around it included.

    Args:
        label: Its own, under which its names are known as well.
        around: The block around it.
    """

    label: str = ""
    around: Scope | None = None
    own: dict[str, Variable | Record] = field(default_factory=dict)

    def _chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.around

    def find(self, name: str) -> Variable | Record | None:
        """What a name stands for; None: nothing."""
        return next((each.own[name] for each in self._chain() if name in each.own), None)

    def labelled(self, label: str, name: str) -> Variable | Record | None:
        """What `label.name` stands for."""
        for each in self._chain():
            if each.label == label:
                return each.own.get(name)
        return None

    def value(self, target: Target) -> Value | None:
        """What a variable or a field holds; None: the name stands for no value of a block."""
        found = self.find(target.name)
        if isinstance(found, Record):
            return found.get(target.field) if target.field else None
        if not target.field:
            return None if found is None else found.value
        inner = self.labelled(target.name, target.field)
        return inner.value if isinstance(inner, Variable) else None

    def knows(self, target: Target) -> bool:
        """Whether a name, or two with a dot between, may be a variable or its field."""
        found = self.find(target.name)
        if not target.field:
            return found is not None
        return isinstance(found, Record) or self.labelled(target.name, target.field) is not None

    def assigned(self, target: Target) -> Variable | Record:
        """What a value is to be put into.

        Raises:
            SyntaxFault: 42601, no variable has that name. ErrorInAssignment: 22005, a constant.
        """
        found = self.find(target.name)
        if found is None or (target.field and isinstance(found, Variable)):
            found = self.labelled(target.name, target.field) if target.field else None
        if found is None:
            raise SyntaxFault(f'"{target}" is not a known variable')
        if isinstance(found, Variable) and found.constant:
            raise ErrorInAssignment(f'variable "{found.name}" is declared CONSTANT')
        return found

    def names(self) -> frozenset[str]:
        """All names and labels that mean something here."""
        return frozenset(name for each in self._chain() for name in (*each.own, each.label) if name)
