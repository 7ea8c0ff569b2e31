"""An enum: a type of a user's own whose values are some labels, in their order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.sources.table import TableName
from gateway.sql.text.quoting import identifier, seen
from gateway.types import Type, enum_type


@dataclass(frozen=True, slots=True)
class Label:
    """A label, its number, and its place among the others (pg_enum.enumsortorder)."""

    oid: int
    place: float
    text: str


@dataclass(frozen=True, slots=True)
class Enum:
    """CREATE TYPE name AS ENUM (labels), and the numbers of it and of its arrays.

    Its `labels` are in their order.
    """

    oid: int
    array_oid: int
    name: TableName
    labels: tuple[Label, ...]
    comment: str = ""
    type: Type = field(init=False, compare=False)

    def __post_init__(self) -> None:
        texts = tuple(label.text for label in self.labels)
        known = enum_type(identifier(self.name.name), self.oid, self.array_oid, texts)
        object.__setattr__(self, "type", known)

    @property
    def sql(self) -> str:
        """Its name as SQL writes it."""
        return self.type.sql

    @property
    def shown(self) -> str:
        """Its name in messages: without the schema that the search path has."""
        return seen(self.name.schema, self.name.name)

    @property
    def oids(self) -> tuple[int, ...]:
        """All its numbers."""
        return (self.oid, self.array_oid, *(label.oid for label in self.labels))


def encode_enum(enum: Enum) -> str:
    """JSON of everything but name and number."""
    labels = [[label.oid, label.place, label.text] for label in enum.labels]
    return json.dumps({"array": enum.array_oid, "labels": labels, "comment": enum.comment})


def decode_enum(oid: int, name: TableName, text: str) -> Enum:
    """The enum that `encode_enum` wrote."""
    kept = json.loads(text)
    labels = tuple(Label(*each) for each in kept["labels"])
    return Enum(oid, kept["array"], name, labels, kept["comment"])
