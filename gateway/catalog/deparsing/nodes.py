"""Analysed expressions: what a statement's text means, each node with its type.

They are PostgreSQL's own nodes (primnodes.h) as far as printing tells them apart: whether a cast
was written or came by itself, and what calls, operators and literals were resolved to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Unprintable(Exception):
    """A statement holds what is not printed here: it is shown as its author wrote it."""


class Kind(Enum):
    """The kinds of nodes."""

    COLUMN = auto()
    CONSTANT = auto()  # `text` as the type's output function writes it; None: NULL
    UNTYPED = auto()  # a string literal, or NULL, that takes the type of its place
    CALL = auto()  # a function: `text` is its name as printed
    CAST = auto()  # a conversion by a function
    RELABEL = auto()  # a conversion without one
    OPERATOR = auto()
    ARRAY_OPERATOR = auto()  # x op ANY (array): `text` is the operator, `word` ANY or ALL
    BOOLEAN = auto()  # `text` is AND, OR or NOT
    TEST = auto()  # x IS `text`
    DISTINCT = auto()  # x IS DISTINCT FROM y
    CASE = auto()
    KEYWORD_CALL = auto()  # COALESCE(...) and its like, `text` in capitals
    KEYWORD = auto()  # CURRENT_DATE and its like
    SYNTAX = auto()  # a call in SQL's own words: `text` with {0}, {1}
    ZONE = auto()  # x AT TIME ZONE y
    ARRAY = auto()
    SUBSCRIPT = auto()
    QUERY = auto()  # a query inside an expression: `word` says how
    AGGREGATE = auto()
    WINDOW = auto()


@dataclass(frozen=True, slots=True)
class Sorted:
    """An item of ORDER BY."""

    node: Node
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Over:
    """What a window function runs over; `frame` is the clause as it is printed."""

    name: str = ""
    partitions: tuple[Node, ...] = ()
    order: tuple[Sorted, ...] = ()
    frame: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """An expression.

    Args:
        type: Its type's oid; that of the parser's unknown for an untyped literal.
        typmod: The modifier that a cast to it would have.
        implicit: Of a conversion: nobody wrote it.
        source: Of a column: the relation in FROM that it is of.
        query: Of a query inside an expression.
        distinct: Of an aggregate: over different values.
        order: Of an aggregate: ORDER BY in its parentheses.
        condition: Of an aggregate: FILTER.
    """

    kind: Kind
    type: int
    args: tuple[Node, ...] = ()
    text: str | None = ""
    typmod: int = -1
    implicit: bool = False
    word: str = ""
    source: Source | None = None
    query: Query | None = None
    distinct: bool = False
    order: tuple[Sorted, ...] = ()
    condition: Node | None = None
    over: Over | None = None


@dataclass(slots=True, eq=False)
class Source:
    """A relation in FROM.

    Args:
        columns: Name, type and modifier of each.
        alias: As it was written; "" for none.
        base: What it is called without one.
        shown: The relation's name, or that of a WITH query, as it is printed.
        renamed: Columns that the alias lists.
        query: Of a subquery.
        call: Of a function.
        lateral: LATERAL was written.
        printed: What columns are qualified with; the printing query says it.
    """

    columns: list[tuple[str, int, int]]
    alias: str = ""
    base: str = ""
    shown: str = ""
    renamed: tuple[str, ...] = ()
    query: Query | None = None
    call: Node | None = None
    lateral: bool = False
    printed: str = ""


@dataclass(slots=True, eq=False)
class Join:
    """Two items of FROM; `word` is JOIN, LEFT JOIN, ...; without a condition it is a CROSS JOIN."""

    word: str
    left: Item
    right: Item
    using: tuple[str, ...] = ()
    condition: Node | None = None


Item = Source | Join


@dataclass(slots=True, eq=False)
class Target:
    """A column that a query gives."""

    node: Node
    name: str


@dataclass(slots=True, eq=False)
class Common:
    """A WITH query."""

    name: str
    columns: tuple[str, ...]
    query: Query
    materialized: bool | None = None


@dataclass(slots=True, eq=False)
class Query:
    """SELECT, VALUES (`rows`) or a set operation (`operator`), and what follows it.

    Args:
        distinct: None; [] for DISTINCT; the expressions of DISTINCT ON.
        order: Places in `targets`, or expressions.
    """

    targets: list[Target] = field(default_factory=list)
    rows: list[list[Node]] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    distinct: list[Node] | None = None
    where: Node | None = None
    groups: list[Node] = field(default_factory=list)
    having: Node | None = None
    windows: list[Over] = field(default_factory=list)
    operator: str = ""
    branches: tuple[Query, ...] = ()
    commons: list[Common] = field(default_factory=list)
    recursive: bool = False
    order: list[Sorted] = field(default_factory=list)
    places: list[int] = field(default_factory=list)  # of a set operation's ORDER BY
    limit: Node | None = None
    offset: Node | None = None

    @property
    def columns(self) -> list[tuple[str, int, int]]:
        """Name, type and modifier of each column that it gives."""
        first = self
        while first.branches:
            first = first.branches[0]
        return [(each.name, each.node.type, each.node.typmod) for each in first.targets]
