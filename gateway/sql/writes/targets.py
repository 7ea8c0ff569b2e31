"""The columns of a table that is written, as the language sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import FeatureNotSupported
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


def no_columns() -> FeatureNotSupported:
    """The refusal of a row that has no columns."""
    return FeatureNotSupported(
        "tables without columns hold no rows here", hint="Add a column first: ALTER TABLE ... ADD."
    )
