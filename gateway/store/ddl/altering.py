"""ALTER: a definition in the place of another, and its rows written anew where they must be.

Whatever rows have to be looked at for is one path: all rows of the table are read, brought into
their new form, held to all constraints and written into a new DuckDB table, in the transaction
that drops the old one. So DuckDB's own limits on ALTER TABLE do not matter here (it changes no
table that has a key). What changes names, defaults or comments alone leaves the rows where they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pyarrow as pa

from gateway.errors import (
    CheckViolation,
    DatatypeMismatch,
    FeatureNotSupported,
    NotNullViolation,
    UndefinedTable,
    UniqueViolation,
)
from gateway.sources.table import TableName
from gateway.sql.inputs.networks import with_bits
from gateway.sql.writes.targets import no_columns
from gateway.store.ddl.calling import with_sequence_renamed
from gateway.store.ddl.ddl import Definer, with_references
from gateway.store.ddl.dependent_keys import lost_references, without_reference
from gateway.store.ddl.dropping import still_needed, title
from gateway.store.ddl.owning import relation_key
from gateway.store.definitions.catalogue import Relation, shown
from gateway.store.definitions.constraints import completed
from gateway.store.definitions.definitions import Column, Sequence, TableDefinition, View
from gateway.store.disk import disk
from gateway.store.disk.faults import translated
from gateway.store.rows import changes, row_lookups
from gateway.store.rows.assignment import assign
from gateway.store.rows.changes import Target
from gateway.store.rows.expressions import hold_columns
from gateway.store.rows.keys import hold_keys
from gateway.store.rows.references import check
from gateway.store.transactions.locks import Mode
from gateway.store.transactions.transactions import Transaction
from gateway.types import INET

Shape = Callable[[Relation], object]


class Alterer(Definer):
    """The part of a session that changes what there is."""

    def alter_table(
        self,
        name: TableName,
        change: Callable[[TableDefinition], TableDefinition],
        *,
        using: Mapping[str, str] | None = None,
        sequences: Mapping[str, Sequence] | None = None,
        shape: Shape = lambda _: None,
        text: Callable[[View], str] = lambda view: view.sql,
        cascade: bool | None = None,
    ) -> tuple[str, ...]:
        """Put what `change` makes of a table in its place; the titles of views that went with it.

        Args:
            name: The table.
            change: The new definition, under the same name.
            using: Column -> the text of the expression for its new values.
            sequences: Column -> the sequence that it owns from now on.
            shape: What the columns of a view are, as this session sees them; None: it is no
                query any more. A view whose shape changes stands on what was changed.
            text: A view's query as it is to be written afterwards.
            cascade: Whether such a view is dropped; None: nothing may change it.

        Raises:
            GatewayError: 42P01, 42809, what the definition raises; 23502, 23503, 23505, 23514: the
                rows that are there break it. 2BP01, 0A000: a view stands on it.
        """
        with self._defining() as transaction:
            oid, old = transaction.catalogue.table(name)
            self._lock_tables(name, "UPDATE", whole=True, mode=Mode.EXCLUSIVE)
            oid, old = transaction.catalogue.table(name)
            readers = transaction.catalogue.readers(oid)
            before = [shape(reader) for reader in readers]
            texts = [_with_text(reader, text) for reader in readers]
            own = {key.name for key in old.keys}  # some of which `change` may have dropped
            new = completed(change(old), transaction.catalogue.names_in(name.schema) - own)
            new, gone = self._without_lost(transaction, old, new, bool(cascade))
            new = with_references(transaction.catalogue, new)
            self.expressions.refuse_wrong(new)
            for column, sequence in (sequences or {}).items():  # rows may take values of it
                owner = (oid, new.column(column).number)
                self._save_sequence(transaction, replace(sequence, owner=owner))
            if _is_other(old, new) or using:
                new = self._rewritten(transaction, oid, old, new, using or {})
            self._save(transaction, Relation(oid, new), rows=True)
            self._hold_new(Target(transaction, oid, new, self.expressions), old)
            self._drop_sequences(transaction, oid, old, new)
            self._rename_referenced(transaction, old, new)
            for reader, written in zip(readers, texts, strict=True):
                if written != reader:
                    self._save(transaction, written)
            changed = [r for r, b in zip(texts, before, strict=True) if shape(r) != b]
            kept = {column.number for column in new.columns}
            self._forget_columns(transaction, relation_key(oid), kept)
            lost = [column.name for column in old.columns if column.number not in kept]
            settled = self._settle_readers(transaction, Relation(oid, old), changed, cascade, lost)
            return gone + settled

    def _without_lost(
        self, transaction: Transaction, old: TableDefinition, new: TableDefinition, cascade: bool
    ) -> tuple[TableDefinition, tuple[str, ...]]:
        """`new` without the references that rested on a key that goes; their titles.

        Those of other tables go, too.

        Raises:
            DependentObjectsStillExist: 2BP01, without `cascade`.
        """
        lost = lost_references(transaction.catalogue, old, new)
        if lost and not cascade:
            raise still_needed(lost[0].on, (), [(each.title, each.rests_on) for each in lost])
        for each in lost:
            if each.table == old.name:
                new = without_reference(new, each.name)
            else:
                oid, child = transaction.catalogue.table(each.table)
                self._save(transaction, Relation(oid, without_reference(child, each.name)))
        return new, tuple(each.title for each in lost)

    def _hold_new(self, target: Target, old: TableDefinition) -> None:
        """Hold the rows that are there to what is new."""
        new = target.definition
        if new.storage != old.storage or set(new.held_keys) - set(old.held_keys):
            with _as_of_a_table(old, new):
                hold_keys(target, now=True)
        added = [key for key in new.foreign_keys if key.valid and key not in old.foreign_keys]
        for key in added:
            self._lock_relation(target.transaction.catalogue.table(key.table)[0])
        for key in added:
            check(target, key, parents=False)

    def _settle_readers(
        self,
        transaction: Transaction,
        table: Relation,
        changed: list[Relation],
        cascade: bool | None,
        gone: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Drop the views that are no longer what they were, or refuse; `gone` are lost columns."""
        if not changed:
            return ()
        names = [title(reader) for reader in changed]
        if cascade is None:
            raise FeatureNotSupported(
                f"cannot alter {title(table)}: {names[0]} depends on it",
                hint="Drop the view first, and make it again afterwards.",
            )
        if not cascade:
            lost = [f"column {name}" for name in gone] or ["column"]
            raise still_needed(f"{' and '.join(lost)} of {title(table)}", names)
        return (*names, *self._drop(transaction, changed, True))

    def _drop_sequences(
        self, transaction: Transaction, oid: int, old: TableDefinition, new: TableDefinition
    ) -> None:
        """A sequence goes with the column that owns it, or that is no identity any more."""
        kept = {column.number: column for column in new.columns}
        for column in old.columns:
            left = kept.get(column.number)
            if left is None or (column.identity and not left.identity):
                for owned in transaction.catalogue.owned_by(oid, column.number):
                    transaction.catalogue = transaction.catalogue.without_relation(
                        owned.definition.name
                    )
                    with translated():
                        self._forget(transaction, owned.oid)

    def _rename_referenced(
        self, transaction: Transaction, old: TableDefinition, new: TableDefinition
    ) -> None:
        """Foreign keys to a column follow its name."""
        names = {c.number: c.name for c in new.columns}
        renamed = {c.name: names.get(c.number, c.name) for c in old.columns}
        if all(before == after for before, after in renamed.items()):
            return
        for child in transaction.catalogue.referring(new.name):
            table = child.definition
            assert isinstance(table, TableDefinition)
            keys = tuple(
                replace(fk, referenced=tuple(renamed.get(n, n) for n in fk.referenced))
                if fk.table == new.name
                else fk
                for fk in table.foreign_keys
            )
            self._save(transaction, Relation(child.oid, replace(table, foreign_keys=keys)))

    def _rewritten(
        self,
        transaction: Transaction,
        oid: int,
        old: TableDefinition,
        new: TableDefinition,
        using: Mapping[str, str],
    ) -> TableDefinition:
        """Write the rows into a table of the new form; the definition that says where."""
        rows = row_lookups.read(transaction, oid, old)
        if not new.columns and rows.num_rows:
            raise no_columns()
        new = replace(new, storage=next(self._shared.oids))
        valid = tuple(check for check in new.checks if check.valid)
        target = Target(transaction, oid, replace(new, checks=valid), self.expressions)
        with _as_of_a_table(old, new):
            with translated(new):
                transaction.define(oid, disk.creation(oid, new))
            for batch in rows.to_batches():
                changes.append(target, target.whole(self._reformed(old, new, batch, using)))
        with translated():
            transaction.define(oid, f"DROP TABLE {disk.physical(oid, old)}")
        return new

    def _reformed(
        self,
        old: TableDefinition,
        new: TableDefinition,
        batch: pa.RecordBatch,
        using: Mapping[str, str],
    ) -> pa.RecordBatch:
        before = {column.number: column for column in old.columns}
        arrays, added = {}, []
        for column in new.columns:
            source = before.get(column.number)
            if column.name in using:
                value = self.expressions.compute(old, using[column.name], batch)
                arrays[column.name] = assign(value, column)
            elif source is None:
                added.append(column)
            else:
                arrays[column.name] = _recast(batch.column(source.name), source, column)
        target = Target(self._open(), 0, new, self.expressions)
        arrays |= changes.defaults(target, added, batch.num_rows)
        ordered = [arrays[column.name] for column in new.columns]
        rows = pa.RecordBatch.from_arrays(ordered, schema=new.schema)
        domains = {column.number: column.domain for column in old.columns}
        given = [
            c.name for c in new.columns if c.name in using or domains.get(c.number) != c.domain
        ]
        hold_columns(new, rows.select(given), self.expressions)
        return rows

    def rename_relation(self, name: TableName, new: TableName) -> None:
        """Give a relation another name, or another schema; what stands on it follows.

        Raises:
            UndefinedTable: 42P01. DuplicateTable: 42P07. InvalidSchemaName: 3F000.
        """
        with self._defining() as transaction:
            relation = self._relation(name)
            transaction.catalogue.refuse_taken(new)
            transaction.catalogue = transaction.catalogue.without_relation(name)
            for child in transaction.catalogue.referring(name):
                self._point_at(transaction, child, name, new)
            definition = replace(relation.definition, name=new)
            if isinstance(definition, TableDefinition):
                self._lock_relation(relation.oid, mode=Mode.EXCLUSIVE)
                keys = tuple(
                    replace(fk, table=new) if fk.table == name else fk
                    for fk in definition.foreign_keys
                )
                definition = replace(definition, foreign_keys=keys)
            self._save(transaction, Relation(relation.oid, definition))
            if isinstance(definition, Sequence):
                self._call_by(transaction, name, new)
            if new.schema != name.schema:
                for owned in transaction.catalogue.owned_by(relation.oid):
                    place = TableName(new.schema, owned.definition.name.name)
                    self.rename_relation(owned.definition.name, place)

    def _call_by(self, transaction: Transaction, old: TableName, new: TableName) -> None:
        """Let defaults that call a sequence call it by its new name."""
        for relation in transaction.catalogue.relations.values():
            table = relation.definition
            if isinstance(table, TableDefinition):
                called = with_sequence_renamed(table, old, new)
                if called is not table:
                    self._save(transaction, Relation(relation.oid, called))

    def _point_at(
        self, transaction: Transaction, child: Relation, old: TableName, new: TableName
    ) -> None:
        table = child.definition
        assert isinstance(table, TableDefinition)
        keys = tuple(replace(k, table=new) if k.table == old else k for k in table.foreign_keys)
        self._save(transaction, Relation(child.oid, replace(table, foreign_keys=keys)))

    def _relation(self, name: TableName) -> Relation:
        found = self._catalogue.relations.get(name)
        if found is None:
            raise UndefinedTable(f'relation "{shown(name)}" does not exist')
        return found


def with_column(definition: TableDefinition, column: Column) -> TableDefinition:
    """The definition with this column in the place of the one of its number."""
    columns = tuple(column if c.number == column.number else c for c in definition.columns)
    return replace(definition, columns=columns)


def _is_other(old: TableDefinition, new: TableDefinition) -> bool:
    """Whether rows must be looked at: another form, or a constraint that was not there."""

    def form(definition: TableDefinition) -> object:
        columns = [
            (c.number, c.type, c.typmod, c.not_null, c.generated, c.domain)
            for c in definition.columns
        ]
        numbers = {c.name: c.number for c in definition.columns}
        return columns, {tuple(numbers[n] for n in key) for key in definition.key_names()}

    return form(old) != form(new) or bool(
        {c.name for c in new.checks if c.valid} - {c.name for c in old.checks if c.valid}
    )


def _with_text(reader: Relation, text: Callable[[View], str]) -> Relation:
    """A view or a materialized view with its query as `text` writes it."""
    definition = reader.definition
    if isinstance(definition, View):
        return Relation(reader.oid, replace(definition, sql=text(definition)))
    if isinstance(definition, TableDefinition) and definition.query is not None:
        query = replace(definition.query, sql=text(definition.query))
        return Relation(reader.oid, replace(definition, query=query))
    return reader


def _recast(values: pa.Array, old: Column, new: Column) -> pa.Array:
    if (old.type, old.typmod) == (new.type, new.typmod):
        return values
    texts = ("text", "varchar", "bpchar")
    apart = old.type.name in (*texts, "uuid", "inet") and new.type.name not in texts
    if apart or old.type.element is INET is not new.type.element:
        raise _no_cast(new)
    if old.type is INET:
        bare = values.cast(pa.string()).to_pylist()
        values = pa.array([text and with_bits(text) for text in bare], pa.string())
    try:
        return assign(values, new)
    except DatatypeMismatch as error:
        raise _no_cast(new) from error


def _no_cast(column: Column) -> DatatypeMismatch:
    return DatatypeMismatch(
        f'column "{column.name}" cannot be cast automatically to type {column.type.sql}',
        hint=f'You might need to specify "USING {column.name}::{column.type.sql}".',
    )


@contextmanager
def _as_of_a_table(old: TableDefinition, new: TableDefinition) -> Iterator[None]:
    """What rows that are there break is said of the table, not of a row (tablecmds.c, index.c)."""
    table = new.name.name
    try:
        yield
    except CheckViolation as error:
        if error.domain:
            raise
        raise CheckViolation(
            f'check constraint "{error.constraint}" of relation "{table}" is violated by some row',
            table=(error.schema, error.table),
            constraint=error.constraint,
        ) from error
    except NotNullViolation as error:
        if error.domain:
            raise
        raise NotNullViolation(
            f'column "{error.column}" of relation "{table}" contains null values',
            table=(error.schema, error.table),
            column=error.column,
        ) from error
    except UniqueViolation as error:
        raise UniqueViolation(
            f'could not create unique index "{error.constraint}"',
            detail=error.detail.replace("already exists", "is duplicated"),
            table=(error.schema, error.table),
            constraint=error.constraint,
        ) from error
