"""What DuckDB raises, as PostgreSQL would say it.

DuckDB's exceptions carry a class and a text but no SQLSTATE; this is the one place that reads
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
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
from gateway.store.definitions.definitions import Column, TableDefinition


@contextmanager
def translated(
    definition: TableDefinition | None = None, delta: pa.Table | None = None
) -> Iterator[None]:
    """Raise what DuckDB raises inside as a GatewayError.

    Args:
        definition: The table that is written; names broken constraints.
        delta: The values that are written, under the user's names; shows keys given twice.
    """
    try:
        yield
    except duckdb.ConstraintException as error:
        raise _constraint(str(error), definition, delta) from error
    except duckdb.Error as error:
        raise _fault(error) from error


def _fault(error: duckdb.Error) -> GatewayError:
    text = str(error)
    if re.search("no space left|disk full|disk quota", text, re.IGNORECASE):
        return DiskFull(
            "could not write to the data directory: no space left",
            hint="Free some space and restart the server; nothing that was acknowledged is lost."
            if isinstance(error, duckdb.FatalException)
            else "Free some space; nothing that was acknowledged is lost.",
        )
    if isinstance(error, duckdb.InterruptException):
        return QueryCanceled("canceling statement due to user request")
    if isinstance(error, duckdb.OutOfMemoryException):
        return OutOfMemory("out of memory in the store of user tables", detail=text)
    if isinstance(error, duckdb.TransactionException) and "onflict" in text:
        return SerializationFailure("could not serialize access due to concurrent update")
    return InternalError("the store of user tables failed", detail=text)


# A key that is in the table: Duplicate key "c1: 1, c2: x" violates primary key constraint.
# A key that comes twice in one statement, or that the transaction itself added before:
# ... constraint violation: duplicate key "1, x".
_IN_TABLE = re.compile(r'Duplicate key "(?P<pairs>.*)" violates', re.DOTALL)
_IN_DELTA = re.compile(r'UNIQUE constraint violation: duplicate key "(?P<values>.*)"', re.DOTALL)


def _constraint(
    text: str, definition: TableDefinition | None, delta: pa.Table | None
) -> GatewayError:
    if definition is not None and (found := _IN_TABLE.search(text)):
        error = _duplicate(definition, _key(definition, found["pairs"]))
        error.was_there = True
        return error
    if definition is not None and delta is not None and (found := _IN_DELTA.search(text)):
        for key in definition.key_names():
            if set(key) <= set(delta.schema.names) and (values := _repeated(delta, key)):
                return _duplicate(definition, values)
        return _duplicate_of_own(definition, found["values"])
    return InternalError("a constraint of a user table failed", detail=text)


def _duplicate(definition: TableDefinition, key: dict[str, str]) -> UniqueViolation:
    return duplicate(definition, definition.key_names().get(tuple(key), "_".join(key)), key)


def duplicate(definition: TableDefinition, name: str, key: dict[str, str]) -> UniqueViolation:
    """The error of a key of this name; `key` says what of it has which value."""
    return UniqueViolation(
        f'duplicate key value violates unique constraint "{name}"',
        detail=f"Key ({', '.join(key)})=({', '.join(key.values())}) already exists.",
        table=(definition.name.schema, definition.name.name),
        constraint=name,
    )


def _duplicate_of_own(definition: TableDefinition, values: str) -> UniqueViolation:
    """For a key that the transaction itself added; DuckDB says its values, not its columns."""
    names = definition.key_names()
    if len(names) != 1:
        return UniqueViolation(
            f'duplicate key value violates a unique constraint of "{definition.name.name}"',
            detail=f"Key ({values}) already exists.",
            table=(definition.name.schema, definition.name.name),
        )
    ((key, _),) = names.items()
    if len(key) == 1:
        values = _spelt_as_postgres(definition.column(key[0]), values)
    return UniqueViolation(
        f'duplicate key value violates unique constraint "{names[key]}"',
        detail=f"Key ({', '.join(key)})=({values}) already exists.",
        table=(definition.name.schema, definition.name.name),
        constraint=names[key],
    )


def _spelt_as_postgres(column: Column, value: str) -> str:
    if column.type.name == "bpchar":
        return value.ljust(column.typmod - 4)
    return _SPELT.get(column.type.name, str)(value)


def _key(definition: TableDefinition, pairs: str) -> dict[str, str]:
    """Names and values of `c1: 1, c2: x`; a value may hold anything but ', c<n>: '."""
    parts = re.split(r"(?:^|, )c(\d+): ", pairs)[1:]
    numbered = {column.number: column for column in definition.columns}
    columns = [numbered[int(number)] for number in parts[::2]]
    return {
        column.name: _spelt_as_postgres(column, value)
        for column, value in zip(columns, parts[1::2], strict=True)
    }


# Where DuckDB writes a value otherwise than PostgreSQL.
_SPELT: dict[str, Callable[[str], str]] = {
    "bool": lambda text: text[0],
    "float4": lambda text: text.removesuffix(".0"),
    "float8": lambda text: text.removesuffix(".0"),
    "bytea": lambda text: "\\x" + "".join(code or f"{ord(c):02x}" for code, c in _octets(text)),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), lambda text: _before_christ(text)),
}


def _octets(text: str) -> list[tuple[str, str]]:
    """Two digits or a character for each byte."""
    return [(code.lower(), c) for code, c in re.findall(r"\\x([0-9A-F]{2})|(.)", text, re.DOTALL)]


def _before_christ(text: str) -> str:
    return text.replace(" (BC)", "") + " BC" if " (BC)" in text else text


def _repeated(delta: pa.Table, key: tuple[str, ...]) -> dict[str, str]:
    """The first values of `key` that came before; empty when none did. NULL equals nothing."""
    seen = set()
    for values in zip(*(delta[name].to_pylist() for name in key), strict=True):
        if values in seen and None not in values:
            return {name: shown_value(value) for name, value in zip(key, values, strict=True)}
        seen.add(values)
    return {}


def refuse_nulls(
    rows: pa.RecordBatch,
    definition: TableDefinition,
    shown: Callable[[TableDefinition, pa.RecordBatch], Sequence[str]],
) -> None:
    """Check NOT NULL before DuckDB does, for the sake of the message.

    Args:
        rows: The rows.
        definition: Their table's.
        shown: What messages show of the values of one of them.

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
    told = shown(definition, rows.slice(row, 1)) if whole else ()
    raise NotNullViolation(
        f'null value in column "{definition.columns[number].name}" of relation'
        f' "{definition.name.name}" violates not-null constraint',
        detail=f"Failing row contains ({', '.join(told)})." if whole else "",
        table=(definition.name.schema, definition.name.name),
        column=definition.columns[number].name,
    )


def shown_value(value: Any) -> str:
    """A value for a person, as in "Failing row contains (...)"."""
    match value:
        case None:
            return "null"
        case bool():
            return "t" if value else "f"
        case float():
            return repr(value).removesuffix(".0")
        case datetime():
            text = value.isoformat(" ").removesuffix(":00") if value.tzinfo else str(value)
        case bytes():
            text = "\\x" + value.hex()
        case _:
            text = str(value)
    return cut(text)


def cut(text: str) -> str:
    """At most 64 bytes of a text, as PostgreSQL shows of each value.

    >>> cut("é" * 40) == "é" * 32 + "..."
    True
    """
    written = text.encode()
    return text if len(written) <= 64 else written[:64].decode(errors="ignore") + "..."
