"""The columns of a table that is written, as the language sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault, UndefinedColumn
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


# What a write may have in PostgreSQL; sqlglot reads other dialects' parts into its tree, too.
_PARTS = {
    "with_", "this", "expression", "expressions", "default", "conflict", "from_", "using", "where",
    "returning",
}  # fmt: skip
_WORDS = {"order": "ORDER", "limit": "LIMIT", "joins": "JOIN", "duplicate": "DUPLICATE"}


def refuse_foreign(tree: exp.Expr) -> None:
    """Refuse parts that no write has in PostgreSQL, as DELETE ... LIMIT: it would do without them.

    Raises:
        SyntaxFault: 42601.
    """
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    conflict = tree.args.get("conflict")
    found = [name for name, part in tree.args.items() if part and name not in _PARTS]
    if isinstance(table, exp.Table):
        found += [name for name in ("joins", "laterals", "partition") if table.args.get(name)]
    elif not isinstance(tree, exp.Var) and tree.args.get("where"):  # of MERGE
        found.append("where")
    if isinstance(table, exp.Star):
        found.append("*")
    if conflict is not None and conflict.args.get("duplicate"):
        found.append("duplicate")
    if isinstance(tree, exp.Insert):
        found += ["where"] if tree.args.get("where") else []
        rows = tree.args.get("expression")
        found += ["as"] if isinstance(rows, exp.Values) and rows.alias else []
    if found:
        word = _WORDS.get(found[0], found[0].replace("_", " ").upper())
        hint = _INSTEAD.get(found[0], "")
        raise SyntaxFault(f'syntax error at or near "{word}"', hint=hint)


_INSTEAD = {
    "limit": "Choose the rows in WHERE: key IN (SELECT key FROM ... LIMIT 1).",
    "order": "Choose the rows in WHERE: key IN (SELECT key FROM ... ORDER BY ... LIMIT 1).",
    "joins": "Write UPDATE ... FROM or DELETE ... USING.",
    "duplicate": "Write ON CONFLICT (key) DO UPDATE SET ...",
}


def no_columns() -> FeatureNotSupported:
    """The refusal of a row that has no columns."""
    return FeatureNotSupported(
        "tables without columns hold no rows here", hint="Add a column first: ALTER TABLE ... ADD."
    )
