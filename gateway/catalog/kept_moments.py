"""Moments in what a table is declared with: each means what it meant to who wrote it.

A timestamptz in quotes without an offset is of the session's TimeZone, and PostgreSQL reads it when
a DEFAULT or a CHECK is declared, not when it is computed. So its offset is written into the text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.inputs import literals
from gateway.sql.text.dialect import parse
from gateway.sql.text.trees import nodes_of
from gateway.store.definitions.definitions import TableDefinition
from gateway.types import TIMESTAMPTZ

_COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In)


def settle_moments(
    definition: TableDefinition, before: TableDefinition | None, zone: str
) -> TableDefinition:
    """The definition with the offsets of the moments that are new in it.

    Args:
        definition: As it is declared.
        before: What it was; None of a new table.
        zone: The session's TimeZone.
    """
    known = set() if before is None else {c.default for c in before.columns}
    known |= set() if before is None else {c.generated for c in before.columns}
    known |= set() if before is None else {check.expression for check in before.checks}
    zoned = {column.name for column in definition.columns if column.type is TIMESTAMPTZ}

    def settled(text: str | None, is_moment: bool = False) -> str | None:
        if text is None or text in known or "'" not in text:
            return text
        return _settled(text, zone, zoned, is_moment)

    columns = [
        replace(
            column,
            default=settled(column.default, column.type is TIMESTAMPTZ),
            generated=settled(column.generated),
        )
        for column in definition.columns
    ]
    checks = [replace(c, expression=settled(c.expression) or "") for c in definition.checks]
    return replace(definition, columns=tuple(columns), checks=tuple(checks))


def _settled(text: str, zone: str, zoned: Collection[str], is_moment: bool) -> str:
    try:
        (query,) = parse(f"SELECT {text}")
    except GatewayError:  # told when it is planned
        return text
    value = query.expressions[0]
    found = [value.name] if is_moment and value.is_string else list(_moments(query, zoned))
    for written in set(found):
        try:
            offset = literals.with_offset(literals.timestamp(written, zoned=True), zone)
        except GatewayError:
            continue
        if text.count(f"'{written}'") == found.count(written):
            text = text.replace(f"'{written}'", f"'{offset}'")
    return text


def _moments(query: exp.Expr, zoned: Collection[str]) -> Iterator[str]:
    """Texts in quotes that are cast to timestamptz, or compared with a column of that type."""
    for literal in nodes_of(query, exp.Literal):
        around = literal.parent
        if not literal.is_string:
            continue
        if isinstance(around, exp.Cast):
            if around.to.this == exp.DType.TIMESTAMPTZ:
                yield literal.name
        elif isinstance(around, _COMPARISONS):
            sides = (side for side in around.iter_expressions() if isinstance(side, exp.Column))
            if any(side.name in zoned for side in sides):
                yield literal.name
