"""Enums: made, changed, dropped (PostgreSQL manual, 8.7, CREATE TYPE, ALTER TYPE).

Columns keep the label's text, and know their type by its number. Views, defaults, CHECKs and
functions are kept as text, in which the type stands by name: what they name keeps its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
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
from gateway.store.ddl.commenting import Commenter
from gateway.store.ddl.dropping import Dropped, still_needed
from gateway.store.definitions.catalogue import Catalogue
from gateway.store.definitions.definitions import TableDefinition, View
from gateway.store.definitions.enums import Enum, Label
from gateway.store.definitions.privileges import Securable
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.transactions.transactions import Transaction

_LABEL_BYTES = 63  # NAMEDATALEN less its end


class EnumKeeper(Commenter):
    """The part of a session that keeps enums."""

    def enums(self) -> list[Enum]:
        """All enums, sorted by name."""
        found = self._catalogue.enums
        return [found[name] for name in sorted(found)]

    def create_enum(self, name: TableName, labels: Sequence[str]) -> None:
        """Make an enum of these labels, in this order.

        Raises:
            GatewayError: 42710, 3F000, 23505, 42602, 0A000.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            catalogue.refuse_no_schema(name.schema)
            _refuse_taken(catalogue, name)
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
            self._save_enum(transaction, Enum(oid, array_oid, name, tuple(made)))
            self._own(transaction, enum_key(oid))

    def change_enum(self, name: TableName, change: Callable[[Enum], Enum]) -> None:
        """Put what `change` makes of an enum in its place, under its name.

        Raises:
            UndefinedObject: 42704; what `change` raises.
        """
        with self._defining() as transaction:
            self._save_enum(transaction, change(_enum(transaction.catalogue, name)))

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
            below = enum.labels[at - 1].place if at else enum.labels[0].place - 2
            above = enum.labels[at].place if at < len(texts) else below + 2
            place = float(np.float32((below + above) / 2))
            made = Label(next(self._shared.oids), place, text)
            labels = (*enum.labels[:at], made, *enum.labels[at:])
            if place in (below, above):  # no real is between them: all are numbered anew
                labels = tuple(replace(each, place=float(n)) for n, each in enumerate(labels, 1))
            self._save_enum(transaction, replace(enum, labels=labels))
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
            told = [title for title, text in _texts(transaction.catalogue) if quoted in text]
            if told:
                raise FeatureNotSupported(
                    f'enum label "{old}" cannot be renamed: {told[0]} names it',
                    hint="Drop that first, and make it again afterwards.",
                )
            labels = list(enum.labels)
            labels[at] = replace(labels[at], text=new)
            for definition in _with_columns(transaction.catalogue, enum):
                self._lock_tables(definition.name, "UPDATE", whole=True)
            for definition in _with_columns(transaction.catalogue, enum):
                self._rewrite_labels(transaction, definition, enum, old, new)
            self._save_enum(transaction, replace(enum, labels=tuple(labels)))

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

    def rename_enum(self, name: TableName, new: TableName) -> None:
        """Give an enum another name, or move it to another schema.

        Raises:
            GatewayError: 42704, 42710, 3F000; 0A000, a text that is kept names it.
        """
        with self._defining() as transaction:
            catalogue = transaction.catalogue
            enum = _enum(catalogue, name)
            catalogue.refuse_no_schema(new.schema)
            if new.name != name.name or TableName(new.schema, new.name) in catalogue.relations:
                _refuse_taken(catalogue, new)
            told = _naming(catalogue, name)
            if told:
                raise FeatureNotSupported(
                    f'type "{name.name}" cannot be renamed or moved: {told[0]} names it',
                    hint="Drop that first, and make it again afterwards.",
                )
            transaction.catalogue = catalogue.without_enum(name)
            self._save_enum(transaction, replace(enum, name=new))

    def drop_enums(self, names: Sequence[TableName], *, cascade: bool) -> None:
        """Drop enums that are there.

        Raises:
            DependentObjectsStillExist: 2BP01. FeatureNotSupported: 0A000, so it is with CASCADE.
        """
        with self._defining() as transaction:
            for name in names:
                enum = _enum(transaction.catalogue, name)
                held = [
                    f"column {column.name} of {_kind(table)} {table.name.name}"
                    for table in _with_columns(transaction.catalogue, enum)
                    for column in table.columns
                    if (column.type.element or column.type).oid == enum.oid
                ]
                held += _naming(transaction.catalogue, name)
                if held and cascade:
                    raise FeatureNotSupported(
                        f"DROP TYPE ... CASCADE is not supported where {held[0]} needs the type",
                        hint="Drop that first.",
                    )
                if held:
                    shown = enum.type.sql
                    raise still_needed(f"type {shown}", held)
                self._forget_enum(transaction, enum)

    def drop_schema(
        self, name: str, *, if_exists: bool = False, cascade: bool = False
    ) -> Dropped | None:
        """Drop a schema, with `cascade` and what it holds; None when it was not there."""
        with self._defining() as transaction:
            inside = [each for each in sorted(transaction.catalogue.enums) if each.schema == name]
            titles = tuple(f"type {transaction.catalogue.enums[each].type.sql}" for each in inside)
            if titles and not cascade:
                raise still_needed(f"schema {name}", list(titles))
            done = super().drop_schema(name, if_exists=if_exists, cascade=cascade)
            self.drop_enums(inside, cascade=False)
            return None if done is None else replace(done, others=(*done.others, *titles))

    def rename_schema(self, name: str, new: str) -> None:
        """Give a schema another name, and its enums with it."""
        with self._defining() as transaction:
            inside = [each for each in sorted(transaction.catalogue.enums) if each.schema == name]
            super().rename_schema(name, new)
            for each in inside:
                self.rename_enum(each, TableName(new, each.name))

    def _save_enum(self, transaction: Transaction, enum: Enum) -> None:
        transaction.catalogue = transaction.catalogue.with_enum(enum)
        with translated():
            statement, values = disk.forgetting_enum(enum.oid)
            transaction.define(0, statement, *values)
            statement, values = disk.saving_enum(enum)
            transaction.define(0, statement, *values)

    def _forget_enum(self, transaction: Transaction, enum: Enum) -> None:
        transaction.catalogue = transaction.catalogue.without_enum(enum.name)
        with translated():
            statement, values = disk.forgetting_enum(enum.oid)
            transaction.define(0, statement, *values)
        self._disown(transaction, enum_key(enum.oid))


def enum_key(oid: int) -> Securable:
    """What the rights to an enum of that number are kept under."""
    return Securable("type", str(oid))


def _enum(catalogue: Catalogue, name: TableName) -> Enum:
    found = catalogue.enums.get(name)
    if found is None:
        raise UndefinedObject(f'type "{name.name}" does not exist')
    return found


def _kind(table: TableDefinition) -> str:
    return "table" if table.query is None else "materialized view"


def _place(texts: Sequence[str], text: str) -> int:
    if text not in texts:
        raise InvalidParameterValue(f'"{text}" is not an existing enum label')
    return texts.index(text)


def _refuse_long(text: str) -> None:
    if len(text.encode()) > _LABEL_BYTES:
        raise InvalidName(
            f'invalid enum label "{text}"', detail=f"Labels must be {_LABEL_BYTES} bytes or less."
        )


def _refuse_taken(catalogue: Catalogue, name: TableName) -> None:
    """Refuse the name of another type, or of a relation, which is a type, too.

    Names of enums stand in kept texts without their schemas: there is one of each.
    """
    if name in catalogue.enums or name in catalogue.relations:
        raise DuplicateObject(f'type "{name.name}" already exists')
    for other in catalogue.enums:
        if other.name == name.name:
            raise FeatureNotSupported(
                f'schema "{other.schema}" has a type "{name.name}", too',
                hint="Types of one name in several schemas are not supported.",
            )


def _with_columns(catalogue: Catalogue, enum: Enum) -> list[TableDefinition]:
    """The tables and materialized views with columns of it, or of its arrays."""
    return [
        relation.definition
        for _, relation in sorted(catalogue.relations.items())
        if isinstance(relation.definition, TableDefinition)
        and any((c.type.element or c.type).oid == enum.oid for c in relation.definition.columns)
    ]


def _naming(catalogue: Catalogue, name: TableName) -> list[str]:
    """The titles of what has the name of a type in its text, which may be another thing's."""
    word = re.compile(rf'(?<![\w"])"?{re.escape(name.name)}"?(?![\w"])', re.IGNORECASE)
    return [title for title, text in _texts(catalogue) if word.search(text)]


def _texts(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """All texts of SQL that are kept, each with what it is of."""
    for name, relation in sorted(catalogue.relations.items()):
        definition = relation.definition
        if isinstance(definition, View):
            yield f"view {name.name}", definition.sql
        elif isinstance(definition, TableDefinition):
            yield from _texts_of(definition)
    for routine in catalogue.functions.values():
        yield f"function {routine.function}", routine.function.body


def _texts_of(table: TableDefinition) -> Iterator[tuple[str, str]]:
    if table.query is not None:
        yield f"materialized view {table.name.name}", table.query.sql
    title = f"table {table.name.name}"
    for column in table.columns:
        yield f"default value for column {column.name} of {title}", column.default or ""
        yield f"column {column.name} of {title}", column.generated or ""
    for check in table.checks:
        yield f"constraint {check.name} on {title}", check.expression
    for key in table.keys:
        yield f"index {key.name}", " ".join((*key.items, *key.values, key.predicate))
    for index in table.indexes:
        yield f"index {index.name}", " ".join((*index.columns, index.predicate))
