"""Schemas, tables, views, sequences and functions: what a session may make.

Each call is a statement: whole or not at all. DDL holds the lock of the catalogue and then the
locks of the tables it drops; statements that change rows never wait for the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import pyarrow as pa

from gateway.errors import (
    DatatypeMismatch,
    DuplicateColumn,
    DuplicateFunction,
    FeatureNotSupported,
    InvalidForeignKey,
    InvalidFunctionDefinition,
    InvalidTableDefinition,
    ObjectNotInPrerequisiteState,
    UndefinedColumn,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from gateway.sources.table import TableName
from gateway.sql.meaning.functions import Function
from gateway.store.ddl.dropping import Dropper, title
from gateway.store.ddl.owning import function_key, relation_key
from gateway.store.definitions.catalogue import TEMPORARY, Catalogue, Relation, Routine, shown
from gateway.store.definitions.constraints import completed
from gateway.store.definitions.definitions import (
    Column,
    ForeignKey,
    Sequence,
    TableDefinition,
    View,
)
from gateway.store.definitions.privileges import Securable
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.rows import changes
from gateway.store.rows.changes import Target
from gateway.store.rows.keys import hold_keys
from gateway.store.rows.references import hold_references
from gateway.store.transactions.transactions import Transaction
from gateway.types import Type


class Definer(Dropper):
    """The part of a session that makes what there is."""

    def create_schema(
        self, name: str, *, if_not_exists: bool = False, owner: str | None = None
    ) -> bool:
        """Make a schema, its maker's or another's; False when it was there and that is allowed."""
        with self._defining() as transaction:
            if if_not_exists and name in transaction.catalogue.schemas:
                return False
            transaction.catalogue.refuse_schema(name)
            self._save_schema(transaction, name)
            self._own(transaction, Securable("schema", name), owner, made=("schema", ""))
            return True

    def _save_schema(self, transaction: Transaction, name: str, comment: str = "") -> None:
        transaction.catalogue = transaction.catalogue.with_schema(name, comment)
        with translated():
            transaction.define(0, "DELETE FROM gradwire.schemas WHERE name = ?", name)
            transaction.define(0, "INSERT INTO gradwire.schemas VALUES (?, ?)", name, comment)

    def create_table(
        self,
        definition: TableDefinition,
        *,
        if_not_exists: bool = False,
        sequences: Mapping[str, Sequence] | None = None,
    ) -> bool:
        """Make a table; False when the name was taken and that is allowed.

        Args:
            definition: The table.
            if_not_exists: Whether the name may be taken.
            sequences: Column -> the sequence that it owns, made with the table.

        Raises:
            GatewayError: 42P07, 3F000, 42701, 42703, 42P16, 42830, 0A000; what a default raises.
        """
        made = self.create_table_as(
            definition, (), if_not_exists=if_not_exists, sequences=sequences
        )
        return made is not None

    def create_table_as(
        self,
        definition: TableDefinition,
        batches: Iterable[pa.RecordBatch],
        *,
        if_not_exists: bool = False,
        sequences: Mapping[str, Sequence] | None = None,
    ) -> int | None:
        """Make a table with these rows; their number, or None when the name was taken.

        The catalogue's lock is taken after the last row came: a long query blocks nobody. But
        in a transaction that wrote before, where taking it may mean to begin again.

        Args:
            definition: The table.
            batches: Its rows; (): there are none.
            if_not_exists: Whether the name may be taken.
            sequences: Column -> the sequence that it owns, made with the table.
        """
        name = definition.name
        with self._statement():
            if self._transaction is not None or batches == ():
                self._lock_catalogue()
            transaction = self._open()
            if if_not_exists and name in transaction.catalogue.relations:
                return None
            transaction.catalogue.refuse_taken(name)
            definition = completed(definition, transaction.catalogue.names_in(name.schema))
            definition = with_references(transaction.catalogue, definition)
            self.expressions.refuse_wrong(definition)
            oid = next(self._shared.oids)
            with translated(definition):
                transaction.define(oid, disk.creation(oid, definition))
            columns = [column.name for column in definition.columns]
            target = Target(transaction, oid, definition, self.expressions)
            count = changes.insert(target, columns, batches, False).count
            self._lock_catalogue()
            transaction.catalogue.refuse_taken(name)
            with_references(transaction.catalogue, definition)
            self._save(transaction, Relation(oid, definition))
            self._own(transaction, relation_key(oid), made=("table", name.schema))
            for column_name, sequence in (sequences or {}).items():
                number = definition.column(column_name).number
                self._save_sequence(transaction, replace(sequence, owner=(oid, number)))
            if count:
                hold_keys(target)
                hold_references(target)
            return count

    def create_sequence(self, sequence: Sequence, *, if_not_exists: bool = False) -> bool:
        """Make a sequence; False when the name was taken and that is allowed."""
        with self._defining() as transaction:
            if if_not_exists and sequence.name in transaction.catalogue.relations:
                return False
            self._save_sequence(transaction, sequence)
            return True

    def _save_sequence(self, transaction: Transaction, sequence: Sequence) -> None:
        transaction.catalogue.refuse_taken(sequence.name)
        oid = next(self._shared.oids)
        self._save(transaction, Relation(oid, sequence))
        self._own(transaction, relation_key(oid), made=("sequence", sequence.name.schema))

    def change_sequence(self, name: TableName, change: Callable[[Sequence], Sequence]) -> None:
        """Put what `change` makes of a sequence in its place; its name may change, too.

        Raises:
            UndefinedTable: 42P01. WrongObjectType: 42809, it is no sequence.
        """
        with self._defining() as transaction:
            oid, sequence = self._sequence(name)
            changed = change(sequence)
            self._shared.sequences.stand(oid, sequence)  # another START says nothing of where it is
            if changed.name != name:
                transaction.catalogue.refuse_taken(changed.name)
                transaction.catalogue = transaction.catalogue.without_relation(name)
            self._save(transaction, Relation(oid, changed))

    def _sequence(self, name: TableName) -> tuple[int, Sequence]:
        found = self._catalogue.relations.get(name)
        if found is None:
            raise UndefinedTable(f'relation "{shown(name)}" does not exist')
        if not isinstance(found.definition, Sequence):
            raise WrongObjectType(f'"{name.name}" is not a sequence')
        return found.oid, found.definition

    def create_view(self, view: View, *, or_replace: bool = False) -> None:
        """Keep a view's text, in the place of another view's with `or_replace`.

        Raises:
            InvalidTableDefinition: 42P16, it lacks or renames a column of the one it replaces.
        """
        with self._defining() as transaction:
            old = transaction.catalogue.relations.get(view.name)
            if old is None or not or_replace:
                transaction.catalogue.refuse_taken(view.name)
            elif not isinstance(old.definition, View):
                raise WrongObjectType(f'"{view.name.name}" is not a view')
            else:
                _refuse_other_columns(old.definition, view)
                view = replace(
                    view,
                    comment=old.definition.comment,
                    defaults=old.definition.defaults,
                    notes=old.definition.notes,
                )
            oid = old.oid if old else next(self._shared.oids)
            self._save(transaction, Relation(oid, view))
            if old is None:
                self._own(transaction, relation_key(oid), made=("table", view.name.schema))

    def rename_view_column(self, name: TableName, old: str, new: str) -> None:
        """Give a column of a view another name.

        Raises:
            UndefinedColumn: 42703. DuplicateColumn: 42701.
            FeatureNotSupported: 0A000, another view reads it.
        """
        with self._defining() as transaction:
            oid, view = _view(transaction.catalogue, name)
            if old not in view.columns:
                raise UndefinedColumn(f'column "{old}" does not exist')
            if new in view.columns:
                raise DuplicateColumn(f'column "{new}" of relation "{name.name}" already exists')
            readers = transaction.catalogue.readers(oid)
            if readers:
                raise FeatureNotSupported(
                    f'column "{old}" cannot be renamed: {title(readers[0])} reads the view',
                    hint="Drop that first, and make it again afterwards.",
                )
            columns = tuple(new if each == old else each for each in view.columns)
            defaults, notes = (
                tuple((new if c == old else c, text) for c, text in kept)
                for kept in (view.defaults, view.notes)
            )
            view = replace(view, columns=columns, defaults=defaults, notes=notes)
            self._save(transaction, Relation(oid, view))

    def change_view_default(self, name: TableName, column: Column) -> None:
        """Give a column of a view a default, or none: an INSERT through the view takes it.

        Args:
            name: The view.
            column: Name and type of the column, and the default.

        Raises:
            GatewayError: what the default raises.
        """
        with self._defining() as transaction:
            oid, view = _view(transaction.catalogue, name)
            self.expressions.refuse_wrong(TableDefinition(name, (column,)))
            left = tuple(each for each in view.defaults if each[0] != column.name)
            given = () if column.default is None else ((column.name, column.default),)
            self._save(transaction, Relation(oid, replace(view, defaults=(*left, *given))))

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
            oid = old.oid if old else next(self._shared.oids)
            routine = Routine(oid, function, old.comment if old else "")
            transaction.catalogue = transaction.catalogue.with_function(routine)
            self._save_function(transaction, routine)
            if old is None:
                self._own(transaction, function_key(oid))
            check()


def _view(catalogue: Catalogue, name: TableName) -> tuple[int, View]:
    found = catalogue.find_view(name)
    if found is None:
        raise UndefinedTable(f'relation "{shown(name)}" does not exist')
    return found


def with_references(catalogue: Catalogue, definition: TableDefinition) -> TableDefinition:
    """The definition with its foreign keys pointing at keys that there are.

    Raises:
        GatewayError: 42P01, 42703, 42704, 42804, 42809, 42830.
    """
    keys = tuple(_settled(catalogue, definition, key) for key in definition.foreign_keys)
    return replace(definition, foreign_keys=keys)


def _settled(catalogue: Catalogue, definition: TableDefinition, key: ForeignKey) -> ForeignKey:
    own = key.table == definition.name
    parent = definition if own else catalogue.table(key.table)[1]
    if parent.name.schema.startswith(TEMPORARY) > definition.name.schema.startswith(TEMPORARY):
        raise InvalidTableDefinition(
            "constraints on permanent tables may reference only permanent tables"
        )
    referenced = key.referenced or parent.primary_key
    table = parent.name.name
    if not referenced:
        raise UndefinedObject(f'there is no primary key for referenced table "{table}"')
    if len(referenced) != len(key.columns):
        raise InvalidForeignKey(
            "number of referencing and referenced columns for foreign key disagree"
        )
    for name in referenced:
        if all(column.name != name for column in parent.columns):
            raise UndefinedColumn(
                f'column "{name}" referenced in foreign key constraint does not exist'
            )
    _refuse_unkeyed(parent, referenced, bool(key.referenced))
    for mine, theirs in zip(key.columns, referenced, strict=True):
        _refuse_unlike(key, definition.column(mine).type, parent.column(theirs).type, mine, theirs)
    return replace(key, referenced=referenced)


def _refuse_unkeyed(parent: TableDefinition, referenced: tuple[str, ...], named: bool) -> None:
    """Refuse a foreign key to columns that are no key; not `named` they are the primary one."""
    found = [key for key in parent.keys if key.is_plain and set(key.columns) == set(referenced)]
    table = parent.name.name
    if not found:
        raise InvalidForeignKey(
            f'there is no unique constraint matching given keys for referenced table "{table}"'
        )
    if all(key.deferrable for key in found):
        what = "unique constraint" if named else "primary key"
        raise ObjectNotInPrerequisiteState(
            f'cannot use a deferrable {what} for referenced table "{table}"'
        )


# Types of one row are compared with each other as they stand.
_ALIKE = (
    {"int2", "int4", "int8", "numeric", "float4", "float8"},
    {"text", "varchar", "bpchar"},
    {"date", "timestamp", "timestamptz"},
)


# Of these a reference turns into the key's type by itself only if that is no narrower.
_WIDTHS = {"int2": 0, "int4": 0, "int8": 0, "numeric": 1, "float4": 2, "float8": 2}


def _refuse_unlike(key: ForeignKey, mine: Type, theirs: Type, own: str, other: str) -> None:
    alike = any({mine.name, theirs.name} <= group for group in _ALIKE)
    if mine == theirs or (alike and _WIDTHS.get(mine.name, 0) <= _WIDTHS.get(theirs.name, 0)):
        return
    raise DatatypeMismatch(
        f'foreign key constraint "{key.name}" cannot be implemented',
        detail=f'Key columns "{own}" and "{other}" are of incompatible types:'
        f" {mine.sql} and {theirs.sql}.",
    )


def _refuse_other_columns(old: View, new: View) -> None:
    """CREATE OR REPLACE VIEW may add columns at the end, and change nothing before."""
    if new.columns and len(new.columns) < len(old.columns):
        raise InvalidTableDefinition("cannot drop columns from view")
    for before, after in zip(old.columns, new.columns, strict=False):
        if before != after:
            raise InvalidTableDefinition(
                f'cannot change name of view column "{before}" to "{after}"',
                hint="Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
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
