"""What translation passes around: an expression with its type, a relation's columns, a scope.

SQL here is DuckDB's. Relations and columns have names of the translation's own (r1, c1), because
DuckDB's names have no case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from gateway.catalog.translation.resolution import UNKNOWN
from gateway.errors import StatementTooComplex

if TYPE_CHECKING:
    from gateway.catalog.translation.expressions import Expressions

# (schema, relation) oid and column number of a column that a result column is.
NOWHERE = (0, 0)
# What is written once may come to stand twice: calls inside calls would fill the memory.
MOST_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True)
class Term:
    """An expression: its SQL, and its type's oid.

    Args:
        literal: The text of an untyped string literal, which takes the type of its place.
        position: Where the literal stands in the statement.
        parameter: The number of an untyped parameter; 0 when it is none.
        fields: Of a row: the names and terms of its columns; of an array of rows, their types.
        typmod: pg_attribute.atttypmod of a column.
        origin: Relation oid and column number of a plain column.
        is_set: It gives several rows.
        nested: It is an array of arrays, as array_agg of an array is.
    """

    sql: str
    type: int
    literal: str | None = None
    position: int = 0
    parameter: int = 0
    fields: tuple[tuple[str, Term], ...] = ()
    typmod: int = -1
    origin: tuple[int, int] = NOWHERE
    is_set: bool = False
    nested: bool = False

    def __post_init__(self) -> None:
        if len(self.sql) > MOST_CHARACTERS:
            raise StatementTooComplex("an expression of a catalogue query is too long")


NULL = Term("NULL", UNKNOWN)


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a query gives; in SQL it is called c1, c2, ... by position."""

    name: str
    type: int
    typmod: int = -1
    origin: tuple[int, int] = NOWHERE
    fields: tuple[tuple[str, Term], ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A query in SQL, and its columns."""

    sql: str
    outputs: tuple[Output, ...]


@dataclass(slots=True)
class Source:
    """A relation in FROM: how the statement calls it, and its columns in order.

    `relation` is schema.name of a relation of the catalogue; a `scalar` source, the values of a
    function, is called as its column is.
    """

    alias: str
    columns: list[tuple[str, Term]]
    schema: str = ""
    relation: str = ""
    scalar: bool = False

    def find(self, name: str) -> list[Term]:
        """The columns of that name."""
        return [term for column, term in self.columns if column == name]


@dataclass(slots=True)
class Scope:
    """The relations that an expression sees, and the scope around them.

    Args:
        merged: Columns that USING made one of, by name.
        outputs: SELECT items by name, where they can be named: in GROUP BY.
    """

    parent: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Term] = field(default_factory=dict)
    ctes: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemRelation:
    """A relation of the catalogue: its name in SQL, its oid, and its columns in order."""

    sql: str
    oid: int
    columns: Sequence[tuple[str, int, int]]  # name, type, type modifier


class Names(Protocol):
    """What the names in a catalogue query mean at one moment, to one user."""

    user: str
    database: str
    path: list[str]  # schemas as they are searched, pg_catalog included
    explicit: list[str]  # those that the search_path names
    place: str  # stands for the moment's schema

    def relation(self, schema: str, name: str) -> SystemRelation | None:
        """A relation of pg_catalog or information_schema; `schema` "" means pg_catalog."""

    def recorded(self, name: str) -> str:
        """The SQL name of a table that PostgreSQL's own functions give."""

    def number(self, kind: str, text: str) -> int | None:
        """The oid that `text` means as regclass, regtype, ...; None when there is none."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function's call in a query: `nodes` are its arguments, `node` is what is written."""

    within: Expressions
    name: str
    nodes: Sequence[exp.Expr]
    node: exp.Expr
    scope: Scope

    def terms(self) -> list[Term]:
        """Its arguments."""
        return self.within.terms(self.nodes, self.scope)

    def term(self) -> Term:
        """The first of them."""
        return self.within.term(self.nodes[0], self.scope)
