"""What DuckDB raises, as PostgreSQL would say it.

DuckDB's exceptions carry a class and a text but no SQLSTATE; this is the one place that reads
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from gateway.errors import (
    DiskFull,
    GatewayError,
    InternalError,
    NotNullViolation,
    OutOfMemory,
    QueryCanceled,
    SerializationFailure,
    UniqueViolation,
)
from gateway.store.definitions import TableDefinition


@contextmanager
def translated(definition: TableDefinition | None = None) -> Iterator[None]:
    """Raise what DuckDB raises inside as a GatewayError; `definition` names broken constraints."""
    try:
        yield
    except duckdb.ConstraintException as error:
        raise _constraint(str(error), definition) from error
    except duckdb.Error as error:
        raise _fault(error) from error


def _fault(error: duckdb.Error) -> GatewayError:
    text = str(error)
    if re.search("no space left|disk full|disk quota", text, re.IGNORECASE):
        return DiskFull(
            "could not write to the data directory: no space left",
            hint="Free some space; nothing that was acknowledged is lost.",
        )
    if isinstance(error, duckdb.InterruptException):
        return QueryCanceled("canceling statement due to user request")
    if isinstance(error, duckdb.OutOfMemoryException):
        return OutOfMemory("out of memory in the store of user tables", detail=text)
    if isinstance(error, duckdb.TransactionException) and "onflict" in text:
        return SerializationFailure("could not serialize access due to concurrent update")
    return InternalError("the store of user tables failed", detail=text)


# Duplicate key "c1: 1, c2: x" violates primary key constraint.
_DUPLICATE = re.compile(r'[Dd]uplicate key "(?P<pairs>.*)" violates', re.DOTALL)


def _constraint(text: str, definition: TableDefinition | None) -> GatewayError:
    found = _DUPLICATE.search(text)
    if found is None or definition is None:
        return InternalError("a constraint of a user table failed", detail=text)
    numbers, values = _pairs(found["pairs"])
    key = tuple(definition.columns[number - 1].name for number in numbers)
    name = definition.key_names().get(key, "_".join(key))
    return UniqueViolation(
        f'duplicate key value violates unique constraint "{name}"',
        detail=f"Key ({', '.join(key)})=({', '.join(values)}) already exists.",
    )


def _pairs(text: str) -> tuple[list[int], list[str]]:
    """Column numbers and values of `c1: 1, c2: x`; a value may hold anything but ', c<n>: '."""
    parts = re.split(r"(?:^|, )c(\d+): ", text)[1:]
    return [int(number) for number in parts[::2]], parts[1::2]


def refuse_nulls(rows: pa.RecordBatch, definition: TableDefinition) -> None:
    """Check NOT NULL before DuckDB does, for the sake of the message.

    Raises:
        NotNullViolation: 23502, the first row and in it the first column that is NULL.
    """
    places = []
    for number, column in enumerate(definition.columns):
        if column.not_null and column.name in rows.schema.names:
            values = rows.column(column.name)
            if values.null_count:
                places.append((values.is_null().index(True).as_py(), number))
    if not places:
        return
    row, number = min(places)
    whole = rows.num_columns == len(definition.columns)
    raise NotNullViolation(
        f'null value in column "{definition.columns[number].name}" of relation'
        f' "{definition.name.name}" violates not-null constraint',
        detail=f"Failing row contains ({_shown_row(rows.slice(row, 1))})." if whole else "",
    )


def _shown_row(row: pa.RecordBatch) -> str:
    return ", ".join(_shown(column[0].as_py()) for column in row.columns)


def _shown(value: Any) -> str:
    """A value for a person; PostgreSQL cuts each at 64 bytes, too."""
    match value:
        case None:
            return "null"
        case bool():
            return "t" if value else "f"
        case float():
            return repr(value).removesuffix(".0")
        case bytes():
            text = "\\x" + value.hex()
        case _:
            text = str(value)
    return text if len(text) <= 64 else text[:64] + "..."
