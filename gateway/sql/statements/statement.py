"""A statement as it was read: its text, its kind, its tree; and those that hold another one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from gateway.sql.statements.commands import Name
from gateway.types import Type


class Kind(Enum):
    """What the session does with a statement."""

    QUERY = "query"
    WRITE = "write"
    DEFINITION = "definition"
    SETTING = "setting"
    TRANSACTION = "transaction"
    PREPARED = "prepared"
    CURSOR = "cursor"
    EXPLAIN = "explain"
    COPY = "copy"
    MAINTENANCE = "maintenance"
    NOTIFICATION = "notification"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a message.

    Positions (`offset`, and `meta["start"]` of every node of the tree) count characters from the
    start of the message, from 0.
    """

    text: str  # as it was sent, without what is around it
    offset: int
    tree: object  # exp.Expr for queries, writes, tables and views; else a record
    command: str  # such as SELECT, CREATE TABLE AS, ROLLBACK
    kind: Kind

    @property
    def changes(self) -> bool:
        """Whether it changes rows or definitions."""
        if isinstance(self.tree, Copy):
            inner = self.tree.statement
            return self.tree.incoming or (inner is not None and inner.changes)
        return self.kind in (Kind.WRITE, Kind.DEFINITION)


@dataclass(frozen=True, slots=True)
class Explain:
    """EXPLAIN [(options)] statement: option names in lower case; an option without value is on."""

    options: dict[str, str]
    statement: Statement


@dataclass(frozen=True, slots=True)
class Prepare:
    """PREPARE name [(types)] AS statement; `source` is the whole text that it came in."""

    name: str
    types: tuple[Type, ...]
    statement: Statement
    source: str = ""


@dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE [OR REPLACE] VIEW name [(columns)] AS query; `source` is the query as it was sent.

    `check` is "local" or "cascaded" for WITH CHECK OPTION, else "".
    """

    name: tuple[str, ...]
    columns: tuple[str, ...]
    query: exp.Expr
    source: str
    replace: bool = False
    temporary: bool = False
    check: str = ""


# One option as written: a word, a number or a string; None where nothing is; a list of columns.
Value = str | None | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One option as it was written; `place` is its 1-based position."""

    name: str
    value: Value
    place: int


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY: a table and its columns (None: all), or a statement; FROM the client or TO it.

    `path` is a place on the server that a dataset is written to; empty: the client.
    """

    incoming: bool
    table: Name = ()
    columns: tuple[str, ...] | None = None
    statement: Statement | None = None
    options: tuple[Option, ...] = ()
    where: tuple[Token, ...] = ()
    path: str = ""
