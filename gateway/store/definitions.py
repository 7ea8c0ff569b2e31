"""What a user table, a view and a change are: the values that travel between store and session.

They hold names as PostgreSQL stores them (case and all) and become JSON in the catalogue.
Nothing here knows DuckDB.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gateway.errors import (
    DuplicateColumn,
    FeatureNotSupported,
    InvalidTableDefinition,
    UndefinedColumn,
)
from gateway.sources.table import TableName
from gateway.sql.functions import Argument, Function, FunctionName
from gateway.store.columntypes import STORED, arrow_type
from gateway.types import Type, by_oid

# The name under which `StoreSession.snapshot` shows the row identifier. PostgreSQL refuses it as
# the name of a user's column, so the two cannot meet.
ROWID = "ctid"

# Columns that every PostgreSQL table has (heap.c, SysAtt); CREATE TABLE refuses their names.
SYSTEM_COLUMNS = frozenset({ROWID, "xmin", "cmin", "xmax", "cmax", "tableoid"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column as declared; `default` is the SQL text of a constant expression."""

    name: str
    type: Type
    typmod: int = -1
    not_null: bool = False
    default: str | None = None

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of its values, the type modifier of numeric included."""
        return arrow_type(self.type, self.typmod)


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table as declared."""

    name: TableName
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    comment: str = ""

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

    def key_names(self) -> dict[tuple[str, ...], str]:
        """Columns of each key -> name of its constraint, as PostgreSQL would choose it."""
        table = self.name.name
        names = {key: "_".join((table, *key, "key")) for key in self.unique}
        return names | ({self.primary_key: f"{table}_pkey"} if self.primary_key else {})

    def checked(self) -> TableDefinition:
        """This definition with its key columns NOT NULL.

        Raises:
            GatewayError: 42701, 42703, 42P16 or 0A000: it contradicts itself or asks for what
                cannot be kept.
        """
        _check_columns(self.columns)
        for key in (self.primary_key, *self.unique):
            _check_key(self, key)
        columns = tuple(
            Column(c.name, c.type, c.typmod, c.not_null or c.name in self.primary_key, c.default)
            for c in self.columns
        )
        return TableDefinition(self.name, columns, self.primary_key, self.unique, self.comment)


@dataclass(frozen=True, slots=True)
class View:
    """A view: the user's own SELECT, derivative markers inside, and its optional column names."""

    name: TableName
    sql: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: how many rows, and those rows whole when RETURNING asked for them."""

    count: int
    rows: pa.Table | None = None


def _check_columns(columns: tuple[Column, ...]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.name in SYSTEM_COLUMNS:
            raise DuplicateColumn(
                f'column name "{column.name}" conflicts with a system column name'
            )
        if column.name in seen:
            raise DuplicateColumn(f'column "{column.name}" specified more than once')
        seen.add(column.name)
        element = column.type.element or column.type
        if element.name in ("unknown", "void"):
            raise InvalidTableDefinition(
                f'column "{column.name}" has pseudo-type {column.type.sql}'
            )
        if element.name not in STORED:
            raise FeatureNotSupported(
                f'column "{column.name}" of type {column.type.sql} cannot be kept',
                hint="Use text, or one of the types in docs/store.md.",
            )
        arrow_type(column.type, column.typmod)


def _check_key(definition: TableDefinition, key: tuple[str, ...]) -> None:
    columns = {column.name: column for column in definition.columns}
    for name in key:
        if name not in columns:
            raise UndefinedColumn(f'column "{name}" named in key does not exist')
        if key.count(name) > 1:
            what = "primary key" if key == definition.primary_key else "unique"
            raise DuplicateColumn(f'column "{name}" appears twice in {what} constraint')
        if columns[name].type.element or columns[name].type.name == "interval":
            raise FeatureNotSupported(
                f'column "{name}" of type {columns[name].type.sql} cannot be part of a key'
            )


def encode_table(definition: TableDefinition) -> str:
    """JSON of everything but the name, which has columns of its own in the catalogue."""
    columns = [[c.name, c.type.oid, c.typmod, c.not_null, c.default] for c in definition.columns]
    return json.dumps(
        {
            "columns": columns,
            "primary_key": definition.primary_key,
            "unique": definition.unique,
            "comment": definition.comment,
        }
    )


def decode_table(name: TableName, text: str) -> TableDefinition:
    """The definition that `encode_table` wrote."""
    kept: dict[str, Any] = json.loads(text)
    columns = tuple(
        Column(name, by_oid(oid), typmod, not_null, default)
        for name, oid, typmod, not_null, default in kept["columns"]
    )
    unique = tuple(tuple(key) for key in kept["unique"])
    return TableDefinition(name, columns, tuple(kept["primary_key"]), unique, kept["comment"])


def encode_view(view: View) -> str:
    """JSON of everything but the name."""
    return json.dumps({"sql": view.sql, "columns": view.columns})


def decode_view(name: TableName, text: str) -> View:
    """The view that `encode_view` wrote."""
    kept: dict[str, Any] = json.loads(text)
    return View(name, kept["sql"], tuple(kept["columns"]))


def encode_function(function: Function) -> str:
    """JSON of everything but the name."""
    return json.dumps(
        {
            "arguments": [[a.name, a.type.oid] for a in function.arguments],
            "returns": function.returns.oid,
            "body": function.body,
            "strict": function.strict,
            "volatility": function.volatility,
            "bound": None
            if function.bound is None
            else [[written, key.schema, key.name, key.arity] for written, key in function.bound],
            "hidden": function.hidden,
        }
    )


def decode_function(schema: str, name: str, text: str) -> Function:
    """The function that `encode_function` wrote."""
    kept: dict[str, Any] = json.loads(text)
    bound = kept["bound"]
    return Function(
        schema,
        name,
        tuple(Argument(argument, by_oid(oid)) for argument, oid in kept["arguments"]),
        by_oid(kept["returns"]),
        kept["body"],
        kept["strict"],
        kept["volatility"],
        None if bound is None else tuple((b[0], FunctionName(*b[1:])) for b in bound),
        kept["hidden"],
    )
