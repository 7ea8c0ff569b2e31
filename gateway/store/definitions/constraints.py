"""A table definition made whole: constraints get PostgreSQL's names, contradictions are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from gateway.errors import (
    DuplicateColumn,
    DuplicateObject,
    DuplicateTable,
    FeatureNotSupported,
    InvalidTableDefinition,
    TooManyColumns,
    UndefinedColumn,
)
from gateway.store.definitions.columntypes import STORED, arrow_type, spelt
from gateway.store.definitions.definitions import (
    SYSTEM_COLUMNS,
    Column,
    Key,
    TableDefinition,
)

# PostgreSQL's NAMEDATALEN, without the closing zero byte.
NAME_BYTES = 63
# PostgreSQL's MaxHeapAttributeNumber.
MOST_COLUMNS = 1600


def completed(definition: TableDefinition, taken: Collection[str] = ()) -> TableDefinition:
    """The definition with every constraint named, every column numbered, key columns NOT NULL.

    Args:
        definition: As declared, or as changed: what has its name and number keeps them.
        taken: Names of relations in its schema, which no key's index may have.

    Raises:
        GatewayError: 42701, 42703, 42710, 42P16, 54011 or 0A000: it contradicts itself or asks
            for what cannot be kept.
    """
    _refuse_same_checks(definition)
    _check_columns(definition.columns)
    for key in definition.keys:
        _check_key(definition, key)
    for foreign in definition.foreign_keys:
        _check_named(definition, foreign.columns)
    if sum(key.primary for key in definition.keys) > 1:
        raise InvalidTableDefinition(
            f'multiple primary keys for table "{definition.name.name}" are not allowed'
        )
    primary = definition.primary_key
    columns, highest = [], definition.numbered
    for column in definition.columns:
        highest = highest if column.number else highest + 1
        not_null = column.not_null or column.name in primary
        columns.append(replace(column, not_null=not_null, number=column.number or highest))
    numbered = replace(definition, columns=tuple(columns), numbered=highest)
    return _named(numbered, taken)


def _named(definition: TableDefinition, taken: Collection[str]) -> TableDefinition:
    table = definition.name.name
    given = [constraint.name for constraint in definition.constraints]
    twice = next((name for name in given if name and given.count(name) > 1), None)
    if twice is not None and sum(key.name == twice for key in definition.keys) > 1:
        raise DuplicateTable(f'relation "{twice}" already exists')  # that of its index
    if twice is not None:
        raise DuplicateObject(f'constraint "{twice}" for relation "{table}" already exists')
    used = {name for name in given if name}

    def choose(parts: Iterable[str], label: str, others: Collection[str] = ()) -> str:
        name = chosen_name(table, "_".join(parts), label, used | set(others))
        used.add(name)
        return name

    checks = [
        check if check.name else replace(check, name=choose(_only(check.columns), "check"))
        for check in definition.checks
    ]
    keys = [
        key if key.name else replace(key, name=choose(*_key_parts(key), taken))
        for key in sorted(definition.keys, key=lambda key: not key.primary)
    ]
    foreign = [
        fk if fk.name else replace(fk, name=choose(fk.columns, "fkey"))
        for fk in definition.foreign_keys
    ]
    return replace(definition, keys=tuple(keys), checks=tuple(checks), foreign_keys=tuple(foreign))


def _refuse_same_checks(definition: TableDefinition) -> None:
    """A new table's checks are named one after the other (heap.c)."""
    if any(column.number for column in definition.columns):
        return
    used: set[str] = set()
    for check in definition.checks:
        name = check.name
        if name in used:
            raise DuplicateObject(f'check constraint "{name}" already exists')
        table = definition.name.name
        used.add(name or chosen_name(table, "_".join(_only(check.columns)), "check", used))


def _only(columns: tuple[str, ...]) -> tuple[str, ...]:
    """A check over one column has its name in its own (PostgreSQL's heap.c)."""
    return columns if len(columns) == 1 else ()


def _key_parts(key: Key) -> tuple[tuple[str, ...], str]:
    if key.primary:
        return (), "pkey"
    named = (*(key.columns or ("expr",)), *key.included)
    return named, "key" if key.constraint else "idx"


def chosen_name(table: str, column: str, label: str, used: Collection[str]) -> str:
    """PostgreSQL's ChooseConstraintName: `table_column_label`, cut to fit, with a number if used.

    >>> chosen_name("t", "a_b", "key", {"t_a_b_key"}), chosen_name("t", "", "pkey", ())
    ('t_a_b_key1', 't_pkey')
    """
    number = 0
    while True:
        ending = f"_{label}{number or ''}"
        name = _cut(table, column, NAME_BYTES - len(ending)) + ending
        if name not in used:
            return name
        number += 1


def _cut(first: str, second: str, room: int) -> str:
    """makeObjectName: the longer of the two loses bytes, until both fit."""
    one, two = first.encode(), second.encode()
    room -= 1 if two else 0
    while len(one) + len(two) > room:
        if len(one) > len(two):
            one = one[:-1]
        else:
            two = two[:-1]
    parts = [part.decode(errors="ignore") for part in (one, two)]
    return "_".join(part for part in parts if part)


def _check_columns(columns: tuple[Column, ...]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise TooManyColumns(f"tables can have at most {MOST_COLUMNS} columns")
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
        if column.type.element is not None and element.name == "bpchar":
            raise FeatureNotSupported(
                f'column "{column.name}" of type {spelt(column.type, column.typmod)}'
                " cannot be kept, since its items would lose their blanks",
                hint="Use varchar(n)[] or text[].",
            )
        arrow_type(column.type, column.typmod)


def _check_named(definition: TableDefinition, names: tuple[str, ...]) -> None:
    known = {column.name for column in definition.columns}
    for name in names:
        if name not in known:
            raise UndefinedColumn(
                f'column "{name}" referenced in foreign key constraint does not exist'
            )


def _check_key(definition: TableDefinition, key: Key) -> None:
    columns = {column.name: column for column in definition.columns}
    for name in (*key.columns, *key.included):
        if name not in columns:
            raise UndefinedColumn(f'column "{name}" named in key does not exist')
    for name in key.columns:
        if key.columns.count(name) > 1:
            what = "primary key" if key.primary else "unique"
            raise DuplicateColumn(f'column "{name}" appears twice in {what} constraint')
        if columns[name].type.element or columns[name].type.name in ("interval", "json"):
            raise FeatureNotSupported(
                f'column "{name}" of type {columns[name].type.sql} cannot be part of a key'
            )
