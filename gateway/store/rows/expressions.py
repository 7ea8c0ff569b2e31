"""What the store must have computed for it: defaults, generated columns, CHECK constraints.

It computes no expression itself. The session hands it an `Expressions` over its engine.

Values of domains are held to their rules so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pyarrow as pa

from gateway.errors import FeatureNotSupported, domain_refuses
from gateway.store.definitions.definitions import Column, TableDefinition
from gateway.store.definitions.domains import Domain
from gateway.store.disk.faults import shown_value
from gateway.store.rows.defaults import constant_default


class Expressions(Protocol):
    """Computes over rows that are about to be written."""

    def defaults(
        self, definition: TableDefinition, columns: Sequence[Column], count: int
    ) -> list[pa.Array]:
        """`count` values of each column's default or identity, in the types of the columns."""
        ...

    def generated(self, definition: TableDefinition, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The rows with their generated columns computed from the others."""
        ...

    def refuse_wrong(self, definition: TableDefinition) -> None:
        """Plan everything that a definition declares, as PostgreSQL does when it is made.

        Raises:
            DatatypeMismatch: 42804, a CHECK that is not boolean, a default of another type.
            GatewayError: an expression that does not plan.
        """
        ...

    def compute(self, definition: TableDefinition, text: str, rows: pa.RecordBatch) -> pa.Array:
        """The value of an expression over each row."""
        ...

    def shown(self, definition: TableDefinition, row: pa.RecordBatch) -> list[str]:
        """What messages show of the values of one row: PostgreSQL's texts, 64 bytes of each."""
        ...

    def check(self, definition: TableDefinition, rows: pa.RecordBatch) -> None:
        """Refuse rows for which a CHECK is false; NULL passes.

        Raises:
            CheckViolation: 23514, naming the first constraint by name that the first such row
                breaks.
        """
        ...

    def broken_rule(self, domain: Domain, values: pa.Array) -> str | None:
        """The CHECK of a domain that is false for the first value for which any is, if any is."""
        ...

    def refuse_wrong_domain(self, domain: Domain) -> None:
        """Plan what a domain declares, as PostgreSQL does when it is made.

        Raises:
            DatatypeMismatch: 42804, a CHECK that is not boolean, a default of another type.
            GatewayError: an expression that does not plan.
        """
        ...


class Constants:
    """For a store without an engine: nothing but constants."""

    def defaults(
        self, definition: TableDefinition, columns: Sequence[Column], count: int
    ) -> list[pa.Array]:
        """Nothing: there is nobody to compute them."""
        raise FeatureNotSupported(f'the default of column "{columns[0].name}" is no constant')

    def generated(self, definition: TableDefinition, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Nothing: there is nobody to compute them."""
        raise FeatureNotSupported(f'table "{definition.name.name}" has generated columns')

    def refuse_wrong(self, definition: TableDefinition) -> None:
        """Refuse what is no constant, and values that are not of their column."""
        for column in definition.columns:
            if column.identity or constant_default(column) is None:
                raise FeatureNotSupported(f'the default of column "{column.name}" is no constant')

    def compute(self, definition: TableDefinition, text: str, rows: pa.RecordBatch) -> pa.Array:
        """Nothing: there is nobody to compute it."""
        raise FeatureNotSupported(f"{text} is no constant")

    def shown(self, definition: TableDefinition, row: pa.RecordBatch) -> list[str]:
        """The values as Python shows them."""
        return [shown_value(column[0].as_py()) for column in row.columns]

    def check(self, definition: TableDefinition, rows: pa.RecordBatch) -> None:
        """Nothing: there is nobody to compute them."""
        raise FeatureNotSupported(f'table "{definition.name.name}" has CHECK constraints')

    def broken_rule(self, domain: Domain, values: pa.Array) -> str | None:
        """Nothing: there is nobody to compute them."""
        raise FeatureNotSupported(f"domain {domain.sql} has CHECK constraints")

    def refuse_wrong_domain(self, domain: Domain) -> None:
        """Refuse CHECKs, and a default that is no constant."""
        if domain.rules or constant_default(Column("value", domain.base, domain.typmod)) is None:
            raise FeatureNotSupported(f"domain {domain.sql} has what is no constant")


def hold_columns(
    definition: TableDefinition, rows: pa.RecordBatch, expressions: Expressions
) -> None:
    """Hold the columns of `rows`, some of the table's, to their domains.

    Raises:
        CheckViolation: 23514. NotNullViolation: 23502.
    """
    for column in definition.columns:
        if column.domain is not None and column.domain.is_bound:
            place = rows.schema.get_field_index(column.name)
            if place >= 0 and rows.num_rows:
                hold(column.domain, rows.column(place), expressions)


def hold(domain: Domain, values: pa.Array, expressions: Expressions) -> None:
    """Hold values of the type beneath to a domain; a CHECK that is NULL passes.

    Raises:
        CheckViolation: 23514, the first rule that any of them breaks. NotNullViolation: 23502.
    """
    name = domain.name.schema, domain.name.name
    if domain.refuses_null and values.null_count:
        raise domain_refuses(domain.shown, name, "")
    broken = expressions.broken_rule(domain, values) if domain.rules else None
    if broken is not None:
        raise domain_refuses(domain.shown, name, broken)
