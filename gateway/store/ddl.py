"""Schemas, tables, views and functions: what a session may make and drop.

Each call is a statement: whole or not at all. DDL holds the lock of the catalogue and then the
locks of the tables it drops; statements that change rows never wait for the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import pyarrow as pa

from gateway.errors import (
    DependentObjectsStillExist,
    DuplicateFunction,
    FeatureNotSupported,
    InvalidFunctionDefinition,
    InvalidSchemaName,
    UndefinedTable,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.sql.functions import Function, FunctionName
from gateway.store import catalogue as kept
from gateway.store import changes
from gateway.store.catalogue import PUBLIC, Relation, Routine
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
            functions = [k for k in transaction.catalogue.functions if k.schema == name]
            if (inside or functions) and not cascade:
                held = transaction.catalogue.functions
                shown = [*map(str, sorted(inside)), *_titles(held, functions, PUBLIC)]
                raise _still_needed(f"schema {name}", shown)
            self._drop(transaction, inside)
            self._drop_functions(transaction, functions)
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

    def create_function(
        self, function: Function, check: Callable[[], None], *, or_replace: bool = False
    ) -> None:
        """Keep a function, in the place of one with the same arguments with `or_replace`.

        Args:
            check: Called when the session sees the function and nobody else does; what it raises
                undoes all.

        Raises:
            GatewayError: 42723, 3F000, 42P13, 0A000; what `check` raises.
        """
        with self._defining() as transaction:
            transaction.catalogue.refuse_no_schema(function.schema)
            old = transaction.catalogue.functions.get(function.key)
            if old is not None:
                _refuse_other(old.function, function, or_replace)
            routine = Routine(old.oid if old else next(self._shared.oids), function)
            transaction.catalogue = transaction.catalogue.with_function(routine)
            with translated():
                self._forget_function(transaction, routine.oid)
                statement, values = kept.saving_function(routine)
                transaction.define(0, statement, *values)
            check()

    def drop_functions(
        self, keys: Collection[FunctionName], *, cascade: bool = False
    ) -> list[Function]:
        """Drop functions that are there; with `cascade` also those bound to them, which it gives.

        Raises:
            DependentObjectsStillExist: 2BP01, the body of another function is bound to one.
        """
        with self._defining() as transaction:
            held = transaction.catalogue.functions
            callers = transaction.catalogue.callers(keys)
            if callers and not cascade:
                (first, *_) = (key for key in keys if transaction.catalogue.callers([key]))
                raise _still_needed(
                    f"function {held[first].function}", _titles(held, callers, first.schema)
                )
            return self._drop_functions(transaction, keys)

    def _drop_functions(
        self, transaction: Transaction, keys: Collection[FunctionName]
    ) -> list[Function]:
        """Drop functions and all that are bound to them; the latter."""
        others: list[Function] = []
        while keys:
            callers = transaction.catalogue.callers(keys)
            for key in keys:
                oid = transaction.catalogue.functions[key].oid
                transaction.catalogue = transaction.catalogue.without_function(key)
                with translated():
                    self._forget_function(transaction, oid)
            held = transaction.catalogue.functions
            others += [held[caller].function for caller in callers]
            keys = callers
        return others

    def _forget_function(self, transaction: Transaction, oid: int) -> None:
        statement, values = kept.forgetting_function(oid)
        transaction.define(0, statement, *values)

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


def _titles(
    held: Mapping[FunctionName, Routine], keys: Iterable[FunctionName], home: str
) -> list[str]:
    return [f"function {held[key].function.shown(home)}" for key in keys]


def _still_needed(what: str, others: Iterable[str]) -> DependentObjectsStillExist:
    return DependentObjectsStillExist(
        f"cannot drop {what} because other objects depend on it",
        detail="\n".join(f"{other} depends on {what}" for other in others),
        hint="Use DROP ... CASCADE to drop the dependent objects too.",
    )


def _refuse_other(old: Function, new: Function, or_replace: bool) -> None:
    """Check that `new` may stand in the place of `old`, which has as many arguments."""
    if [a.type for a in old.arguments] != [a.type for a in new.arguments]:
        raise FeatureNotSupported(
            f"function {old} exists, and functions are told apart by their number of arguments",
            hint=f"DROP FUNCTION {old} first, or choose another name.",
        )
    if not or_replace:
        raise DuplicateFunction(f'function "{new.name}" already exists with same argument types')
    hint = f"Use DROP FUNCTION {old} first."
    if old.returns != new.returns:
        raise InvalidFunctionDefinition("cannot change return type of existing function", hint=hint)
    for before, after in zip(old.arguments, new.arguments, strict=True):
        if before.name and before.name != after.name:
            raise InvalidFunctionDefinition(
                f'cannot change name of input parameter "{before.name}"', hint=hint
            )
