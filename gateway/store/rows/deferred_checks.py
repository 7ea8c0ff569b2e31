"""Checks that were put off, done: at COMMIT, or when SET CONSTRAINTS says so."""

from __future__ import annotations

from gateway.store.definitions.definitions import ForeignKey, Key, TableDefinition
from gateway.store.rows import keys, references
from gateway.store.rows.changes import Target
from gateway.store.rows.expressions import Expressions
from gateway.store.transactions.transactions import Transaction


def check_put_off(
    transaction: Transaction, expressions: Expressions, *, only_due: bool = False
) -> None:
    """Check what was put off; with `only_due` what SET CONSTRAINTS made immediate.

    Raises:
        ForeignKeyViolation: 23503. UniqueViolation: 23505.
    """
    deferral = transaction.deferral
    for (oid, name), is_parents in list(deferral.pending.items()):
        relation = transaction.catalogue.by_oid(oid)
        if relation is None or not isinstance(relation.definition, TableDefinition):
            continue  # it was dropped
        table = Target(transaction, oid, relation.definition, expressions)
        for key in _keys(relation.definition):
            if key.name != name or (only_due and not deferral.due(oid, key)):
                continue
            if isinstance(key, Key):
                keys.refuse_duplicates(table, key)
            else:
                references.check(table, key, parents=is_parents)
            del deferral.pending[oid, name]


def _keys(table: TableDefinition) -> tuple[Key | ForeignKey, ...]:
    return (*table.held_keys, *table.foreign_keys)
