"""Enums: made, and their labels changed (PostgreSQL manual, 8.7, CREATE TYPE, ALTER TYPE).

Columns keep the label's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gateway.errors import (
    DuplicateObject,
    FeatureNotSupported,
    InvalidName,
    InvalidParameterValue,
    UndefinedObject,
    UniqueViolation,
)
from gateway.sources.table import TableName
from gateway.store.ddl.own_types import TypeKeeper, columns_of, refuse_taken, texts_kept
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.definitions.enums import Enum, Label
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.transactions.transactions import Transaction

_LABEL_BYTES = 63  # NAMEDATALEN less its end


class EnumKeeper(TypeKeeper):
    """The part of a session that makes enums and changes their labels."""

    def create_enum(self, name: TableName, labels: Sequence[str]) -> None:
        """Make an enum of these labels, in this order.

        Raises:
            GatewayError: 42710, 3F000, 23505, 42602, 0A000.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            catalogue.refuse_no_schema(name.schema)
            refuse_taken(catalogue, name)
            oid, array_oid = next(self._shared.oids), next(self._shared.oids)
            made: list[Label] = []
            for place, text in enumerate(labels, 1):
                _refuse_long(text)
                if any(text == label.text for label in made):
                    key = "pg_enum_typid_label_index"
                    raise UniqueViolation(
                        f'duplicate key value violates unique constraint "{key}"',
                        detail=f"Key (enumtypid, enumlabel)=({oid}, {text}) already exists.",
                    )
                made.append(Label(next(self._shared.oids), float(place), text))
            self._make_type(transaction, Enum(oid, array_oid, name, tuple(made)))

    def add_label(self, name: TableName, text: str, beside: str, after: bool) -> bool:
        """Add a label to an enum; False when it was there.

        Args:
            name: The enum.
            text: The label.
            beside: Another one, before or `after` which it is to stand; "": the last.
            after: On which side of that.

        Raises:
            InvalidParameterValue: 22023, there is no such other one. InvalidName: 42602.
        """
        _refuse_long(text)
        with self._defining() as transaction:
            enum = _enum(transaction.catalogue, name)
            texts = [label.text for label in enum.labels]
            if text in texts:
                return False
            at = len(texts)
            if beside:
                at = _place(texts, beside) + after
            first = enum.labels[0].place if enum.labels else 2.0
            below = enum.labels[at - 1].place if at else first - 2
            above = enum.labels[at].place if at < len(texts) else below + 2
            place = float(np.float32((below + above) / 2))
            made = Label(next(self._shared.oids), place, text)
            labels = (*enum.labels[:at], made, *enum.labels[at:])
            if place in (below, above):  # no real is between them: all are numbered anew
                labels = tuple(replace(each, place=float(n)) for n, each in enumerate(labels, 1))
            self._save_type(transaction, replace(enum, labels=labels))
            return True

    def rename_label(self, name: TableName, old: str, new: str) -> None:
        """Give a label of an enum another text, also in all rows that have it.

        Raises:
            GatewayError: 22023, 42710, 42602; 0A000, a text that is kept names it.
        """
        _refuse_long(new)
        with self._defining() as transaction:
            enum = _enum(transaction.catalogue, name)
            texts = [label.text for label in enum.labels]
            at = _place(texts, old)
            if new in texts:
                raise DuplicateObject(f'enum label "{new}" already exists')
            quoted = "'" + old.replace("'", "''") + "'"
            kept = texts_kept(transaction.catalogue)
            told = [each.what for each, text in kept if quoted in text]
            if told:
                raise FeatureNotSupported(
                    f'enum label "{old}" cannot be renamed: {told[0]} names it',
                    hint="Drop that first, and make it again afterwards.",
                )
            labels = list(enum.labels)
            labels[at] = replace(labels[at], text=new)
            for table, _ in list(columns_of(transaction.catalogue, enum)):
                self._lock_tables(table.name, "UPDATE", whole=True)
            tables = {table.name: table for table, _ in columns_of(transaction.catalogue, enum)}
            for definition in tables.values():
                self._rewrite_labels(transaction, definition, enum, old, new)
            self._save_type(transaction, replace(enum, labels=tuple(labels)))

    def _rewrite_labels(
        self, transaction: Transaction, table: TableDefinition, enum: Enum, old: str, new: str
    ) -> None:
        oid = transaction.catalogue.relations[table.name].oid
        inside = disk.physical_columns(table)
        for column in table.columns:
            if (column.type.element or column.type).oid != enum.oid:
                continue
            if column.type.element is not None:
                raise FeatureNotSupported(
                    f'enum label "{old}" cannot be renamed: column {column.name} of table'
                    f" {table.name.name} holds arrays of it"
                )
            name, place = inside[column.name], disk.physical(oid, table)
            with translated(table):
                statement = f"UPDATE {place} SET {name} = ? WHERE {name} = ?"
                transaction.define(oid, statement, new, old)


def _enum(catalogue: Catalogue, name: TableName) -> Enum:
    found = catalogue.types.get(name)
    if not isinstance(found, Enum):
        raise UndefinedObject(f'type "{name.name}" does not exist')
    return found


def _place(texts: Sequence[str], text: str) -> int:
    if text not in texts:
        raise InvalidParameterValue(f'"{text}" is not an existing enum label')
    return texts.index(text)


def _refuse_long(text: str) -> None:
    if len(text.encode()) > _LABEL_BYTES:
        raise InvalidName(
            f'invalid enum label "{text}"', detail=f"Labels must be {_LABEL_BYTES} bytes or less."
        )
