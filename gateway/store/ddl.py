"""Schemas, tables and views: what a session may make and drop.

Each call is a statement: whole or not at all. DDL holds the lock of the catalogue and then the
locks of the tables it drops; statements that change rows never wait for the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from gateway.errors import (
    DependentObjectsStillExist,
    FeatureNotSupported,
    InvalidSchemaName,
    UndefinedTable,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.store import catalogue as kept
from gateway.store import changes
from gateway.store.catalogue import PUBLIC, Relation
from gateway.store.defaults import default_value
from gateway.store.definitions import TableDefinition, View
from gateway.store.faults import translated
from gateway.store.scope import Scope
from gateway.store.transactions import Transaction


class Definer(Scope):
    """The part of a session that changes what there is."""

    def create_schema(self, name: str, *, if_not_exists: bool = False) -> bool:
        """Make a schema; False when it was there and that is allowed."""
        with self._defining() as transaction:
            if if_not_exists and name in transaction.catalogue.schemas:
                return False
            transaction.catalogue.refuse_schema(name)
            transaction.catalogue = transaction.catalogue.with_schema(name)
            with translated():
                transaction.define(0, "INSERT INTO gradwire.schemas VALUES (?)", name)
            return True

    def drop_schema(self, name: str, *, if_exists: bool = False, cascade: bool = False) -> bool:
        """Drop a schema, with `cascade` and what it holds; False when it was not there."""
        if name == PUBLIC:
            raise FeatureNotSupported(f'schema "{PUBLIC}" cannot be dropped')
        with self._defining() as transaction:
            if name not in transaction.catalogue.schemas:
                if if_exists:
                    return False
                raise InvalidSchemaName(f'schema "{name}" does not exist')
            inside = [n for n in transaction.catalogue.relations if n.schema == name]
            if inside and not cascade:
                raise DependentObjectsStillExist(
                    f"cannot drop schema {name} because other objects depend on it",
                    detail="\n".join(f"{n} depends on schema {name}" for n in sorted(inside)),
                    hint="Use DROP ... CASCADE to drop the dependent objects too.",
                )
            self._drop(transaction, inside)
            transaction.catalogue = transaction.catalogue.without_schema(name)
            with translated():
                transaction.define(0, "DELETE FROM gradwire.schemas WHERE name = ?", name)
            return True

    def create_table(self, definition: TableDefinition, *, if_not_exists: bool = False) -> bool:
        """Make a table; False when the name was taken and that is allowed.

        Raises:
            GatewayError: 42P07, 3F000, 42701, 42703, 42P16, 0A000; what a default raises.
        """
        return self.create_table_as(definition, (), if_not_exists=if_not_exists) is not None

    def create_table_as(
        self,
        definition: TableDefinition,
        batches: Iterable[pa.RecordBatch],
        *,
        if_not_exists: bool = False,
    ) -> int | None:
        """Make a table with these rows; their number, or None when the name was taken.

        The catalogue's lock is taken after the last row came: a long query blocks nobody. But
        in a transaction that wrote before, where taking it may mean to begin again.
        """
        name = definition.name
        with self._statement():
            if self._transaction is not None:
                self._lock_catalogue()
            transaction = self._open()
            if if_not_exists and name in transaction.catalogue.relations:
                return None
            transaction.catalogue.refuse_taken(name)
            definition = definition.checked()
            for column in definition.columns:
                default_value(column)
            oid = next(self._shared.oids)
            with translated(definition):
                transaction.define(oid, kept.creation(oid, definition))
            columns = [column.name for column in definition.columns]
            count = changes.insert(transaction, oid, definition, columns, batches, False).count
            self._lock_catalogue()
            transaction.catalogue.refuse_taken(name)
            self._save(transaction, Relation(oid, definition))
            return count

    def drop_table(self, name: TableName, *, if_exists: bool = False) -> bool:
        """Drop a table; False when it was not there and that is allowed."""
        return self._drop_one(name, "table", if_exists)

    def create_view(self, view: View, *, or_replace: bool = False) -> None:
        """Keep a view's text, in the place of another view's with `or_replace`."""
        with self._defining() as transaction:
            old = transaction.catalogue.relations.get(view.name)
            if old is None or not or_replace:
                transaction.catalogue.refuse_taken(view.name)
            elif not isinstance(old.definition, View):
                raise WrongObjectType(f'"{view.name.name}" is not a view')
            oid = old.oid if old else next(self._shared.oids)
            self._save(transaction, Relation(oid, view))

    def drop_view(self, name: TableName, *, if_exists: bool = False) -> bool:
        """Drop a view; False when it was not there and that is allowed."""
        return self._drop_one(name, "view", if_exists)

    def _drop_one(self, name: TableName, kind: str, if_exists: bool) -> bool:
        with self._defining() as transaction:
            found = transaction.catalogue.relations.get(name)
            if found is None:
                if if_exists:
                    return False
                raise UndefinedTable(f'{kind} "{name.name}" does not exist')
            other = "table" if isinstance(found.definition, TableDefinition) else "view"
            if other != kind:
                raise WrongObjectType(
                    f'"{name.name}" is not a {kind}',
                    hint=f"Use DROP {other.upper()} to remove a {other}.",
                )
            self._drop(transaction, [name])
            return True

    def _drop(self, transaction: Transaction, names: list[TableName]) -> None:
        dropped = [transaction.catalogue.relations[name] for name in names]
        for relation in dropped:
            self._lock_relation(relation.oid)
        for relation in dropped:
            definition = relation.definition
            transaction.catalogue = transaction.catalogue.without_relation(definition.name)
            with translated():
                self._forget(transaction, relation.oid)
                if isinstance(definition, TableDefinition):
                    transaction.define(relation.oid, f"DROP TABLE {kept.physical(relation.oid)}")

    def _save(self, transaction: Transaction, relation: Relation) -> None:
        name = relation.definition.name
        transaction.catalogue = transaction.catalogue.with_relation(name, relation)
        with translated():
            self._forget(transaction, relation.oid)
            statement, values = kept.saving(relation)
            transaction.define(0, statement, *values)

    def _forget(self, transaction: Transaction, oid: int) -> None:
        statement, values = kept.forgetting(oid)
        transaction.define(0, statement, *values)
