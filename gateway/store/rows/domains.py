"""Values held to the domain of the column that they are given to."""

from __future__ import annotations

import pyarrow as pa

from gateway.errors import domain_refuses
from gateway.store.definitions.definitions import TableDefinition
from gateway.store.definitions.domains import Domain
from gateway.store.rows.expressions import Expressions


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
