"""What a user table, a view, a sequence and a change are: values that travel between the rooms.

They hold names as PostgreSQL stores them (case and all) and become JSON in the catalogue
(`encoding`). Nothing here knows DuckDB. Expressions are PostgreSQL's text; who makes a definition
has checked them, and the session computes them.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from gateway.errors import UndefinedColumn
from gateway.sources.table import TableName
from gateway.store.definitions.columntypes import arrow_type
from gateway.store.definitions.domains import Domain
from gateway.types import INT8, Type

# The name under which `StoreSession.snapshot` shows the row identifier. PostgreSQL refuses it as
# the name of a user's column, so the two cannot meet.
ROWID = "ctid"

# Columns that every PostgreSQL table has (heap.c, SysAtt); CREATE TABLE refuses their names.
SYSTEM_COLUMNS = frozenset({ROWID, "xmin", "cmin", "xmax", "cmax", "tableoid"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column as declared.

    Args:
        name: Its name.
        type: Its type; of a domain the type beneath.
        typmod: Length or digits, as PostgreSQL packs them; -1: none.
        not_null: Whether NULL is refused.
        default: The text of its DEFAULT; None: NULL.
        identity: "always" or "by default" for an identity column, else "".
        generated: The text of GENERATED ALWAYS AS (...) STORED; None: it is not computed.
        comment: What COMMENT ON COLUMN said.
        number: Its number for life, from 1 (attnum); 0 until the table is made.
        domain: The domain that it was declared with; None: it was with none.
    """

    name: str
    type: Type
    typmod: int = -1
    not_null: bool = False
    default: str | None = None
    identity: str = ""
    generated: str | None = None
    comment: str = ""
    number: int = 0
    domain: Domain | None = None

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of its values, the type modifier of numeric included."""
        return arrow_type(self.type, self.typmod)

    @property
    def type_oid(self) -> int:
        """The number of the type that it was declared with."""
        return self.type.oid if self.domain is None else self.domain.oid

    @property
    def default_value(self) -> str | None:
        """The text of its DEFAULT, or else of its domain's; None: NULL."""
        if self.default is not None or self.domain is None:
            return self.default
        return self.domain.default_value


@dataclass(frozen=True, slots=True)
class Key:
    """PRIMARY KEY or UNIQUE; `constraint` is False for a CREATE UNIQUE INDEX.

    Args:
        columns: Its columns; none when it is over an expression.
        name: Its name, and its index's.
        primary: Whether it is the primary key.
        constraint: Whether it is one.
        deferrable: As a foreign key's.
        nulls_distinct: Whether a NULL is equal to no other one.
        items: Of an index the keys as they were written, where they are not plain columns.
        values: The expressions in them, as SQL.
        predicate: The text of its WHERE, which says what rows it is about.
        reads: The columns that `values` and `predicate` read.
        included: The columns that INCLUDE names beside it.
    """

    columns: tuple[str, ...]
    name: str = ""
    primary: bool = False
    constraint: bool = True
    deferrable: str = ""
    nulls_distinct: bool = True
    items: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    predicate: str = ""
    reads: tuple[str, ...] = ()
    included: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether it is over columns of all rows."""
        return bool(self.columns) and not self.predicate

    @property
    def is_held(self) -> bool:
        """Whether the store holds it (`rows/keys.py`) and not DuckDB."""
        return bool(self.deferrable) or not self.nulls_distinct or not self.is_plain


@dataclass(frozen=True, slots=True)
class Check:
    """CHECK (expression); `columns` are those it reads.

    One that is not `valid` was added NOT VALID: rows that were there may break it.
    """

    expression: str
    name: str = ""
    columns: tuple[str, ...] = ()
    valid: bool = True


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """FOREIGN KEY (columns) REFERENCES table (referenced), which no row of either may break.

    `deferrable` is "" for one that is not, else "immediate" or "deferred", as it is INITIALLY.
    `match` is "simple" or "full": what a NULL beside other values means. One that is not `valid`
    was added NOT VALID: rows that were there may break it. `emptied` are the columns that ON DELETE
    SET NULL and SET DEFAULT change; none: all.
    """

    columns: tuple[str, ...]
    table: TableName
    referenced: tuple[str, ...] = ()
    name: str = ""
    on_delete: str = "no action"
    on_update: str = "no action"
    deferrable: str = ""
    match: str = "simple"
    valid: bool = True
    emptied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """CREATE INDEX: kept for the clients that list it; no query uses it."""

    name: str
    columns: tuple[str, ...]  # as they were written: expressions, directions and all
    method: str = "btree"
    predicate: str = ""
    included: tuple[str, ...] = ()  # the columns that INCLUDE names


@dataclass(frozen=True, slots=True)
class Note:
    """What COMMENT ON said of an "index" or a "constraint" of that name."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Reads:
    """What a view's query reads: a relation under the name that is written in it.

    `oid` is 0 for a table of a dataset, which `name` then says.
    """

    schema: str  # as written; "" for none
    written: str
    oid: int
    name: TableName


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table as declared, or a materialized view (`query`).

    `storage` numbers the DuckDB table that holds the rows; 0: the table's own number does.
    `numbered` is the highest number that a column ever had: none is given twice.
    `on_commit` is what becomes of a temporary table: "preserve", "delete" or "drop".
    `notes` are the comments on its indexes and constraints, also on some that are gone.
    """

    name: TableName
    columns: tuple[Column, ...]
    keys: tuple[Key, ...] = ()
    checks: tuple[Check, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    indexes: tuple[Index, ...] = ()
    comment: str = ""
    storage: int = 0
    query: View | None = None
    on_commit: str = "preserve"
    numbered: int = 0
    notes: tuple[Note, ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key; empty when there is none."""
        return next((key.columns for key in self.keys if key.primary), ())

    @property
    def constraints(self) -> tuple[Key | Check | ForeignKey, ...]:
        """Everything that has a name of its own among the table's constraints."""
        return (*self.keys, *self.checks, *self.foreign_keys)

    @property
    def index_names(self) -> tuple[str, ...]:
        """The names of its indexes, those of its keys among them."""
        return (*(key.name for key in self.keys), *(index.name for index in self.indexes))

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of whole rows, in the order of the columns."""
        return pa.schema([pa.field(column.name, column.arrow) for column in self.columns])

    def column(self, name: str) -> Column:
        """The column of this name.

        Raises:
            UndefinedColumn: 42703.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise UndefinedColumn(f'column "{name}" of relation "{self.name.name}" does not exist')

    @property
    def held_keys(self) -> tuple[Key, ...]:
        """The keys that DuckDB does not hold."""
        return tuple(key for key in self.keys if key.is_held)

    def key_names(self) -> dict[tuple[str, ...], str]:
        """Columns of each key that DuckDB holds -> its name; of two over the same the first."""
        own = [key for key in self.keys if not key.is_held]
        names = {key.columns: key.name for key in reversed(own)}
        return {columns: names[columns] for columns in dict.fromkeys(k.columns for k in own)}


@dataclass(frozen=True, slots=True)
class View:
    """A view: the user's own SELECT, derivative markers inside, and its optional column names.

    `reads` binds the names in it for good; a view kept by an older server has none. A materialized
    view is `populated` unless it was made or refreshed WITH NO DATA. `check` is "local" or
    "cascaded" for WITH CHECK OPTION, else "". `zone` is the TimeZone of who made it: that of its
    timestamptz literals without an offset; "" where it is not known. `defaults` are (column, text)
    of those that have a default of their own, `notes` of those that have a comment.
    """

    name: TableName
    sql: str
    columns: tuple[str, ...] = ()
    reads: tuple[Reads, ...] = ()
    comment: str = ""
    populated: bool = True
    check: str = ""
    zone: str = ""
    defaults: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence as declared; `owner` is the table and the column number it belongs to."""

    name: TableName
    type: Type = INT8
    start: int = 1
    increment: int = 1
    minimum: int = 1
    maximum: int = 2**63 - 1
    cycle: bool = False
    cache: int = 1
    owner: tuple[int, int] | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: how many rows, and those rows whole when RETURNING asked for them."""

    count: int
    rows: pa.Table | None = None
