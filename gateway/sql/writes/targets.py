"""The columns of a table that is written, as the language sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from gateway.errors import FeatureNotSupported, UndefinedColumn
from gateway.sql.names.nearby import hint_for
from gateway.sql.names.scope import position_of
from gateway.sql.text.trees import nodes_of
from gateway.types import Type


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """A column of the table that is written: its type, and its default as SQL text.

    `identity` is "always" or "by default" for an identity column, whose default is its sequence's
    next value. A `generated` one takes no value at all.
    """

    type: Type
    default: str | None = None
    identity: str = ""
    generated: bool = False


Target = Mapping[str, TargetColumn]


def refuse_identifiers(tree: exp.Expr, row_identifier: str) -> None:
    """Refuse what names the rows' identifiers, which are not those of PostgreSQL.

    Raises:
        UndefinedColumn: 42703.
    """
    for column in nodes_of(tree, exp.Column):
        if column.name == row_identifier and (position := position_of(column)):
            hint = hint_for("", row_identifier, ())
            raise UndefinedColumn(
                f'column "{row_identifier}" does not exist', hint=hint, position=position
            )


def no_columns() -> FeatureNotSupported:
    """The refusal of a row that has no columns."""
    return FeatureNotSupported(
        "tables without columns hold no rows here", hint="Add a column first: ALTER TABLE ... ADD."
    )
