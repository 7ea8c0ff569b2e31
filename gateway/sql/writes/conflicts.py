"""ON CONFLICT as what it asks to be computed: an UPDATE of the rows that are in the way.

``DO UPDATE SET a = e WHERE c`` becomes ``SELECT t.ctid, e FROM t JOIN excluded ON ... WHERE c``,
where `excluded` holds the rows that could not be inserted, each beside the row in its way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sources.table import TableName
from gateway.sql.meaning.scope import column_node, position_of, table_node
from gateway.types import Type

# Where the rows proposed for insertion are found; no user's schema has this name.
EXCLUDED = TableName("gradwire", "excluded")


@dataclass(frozen=True, slots=True)
class Conflict:
    """What to do with rows that are there already.

    Args:
        key: The columns that are not to come twice; empty: those of any key, or of `constraint`.
        constraint: The key's name.
        columns: What DO UPDATE sets; `update` gives the row's `ctid` before them.
        update: What to compute for it; None for DO NOTHING.
        parameters: Types of `$n` that are assigned to a column as they are.
    """

    key: tuple[str, ...] = ()
    constraint: str = ""
    columns: tuple[str, ...] = ()
    update: exp.Select | None = None
    parameters: Mapping[int, Type] = field(default_factory=dict)


def arbiter(clause: exp.OnConflict) -> tuple[tuple[str, ...], str]:
    """The columns in parentheses, and the name after ON CONSTRAINT.

    Raises:
        FeatureNotSupported: 0A000, an expression, or a partial index.
        SyntaxFault: 42601, DO UPDATE without either.
    """
    if clause.args.get("index_predicate") is not None:
        raise FeatureNotSupported("ON CONFLICT (...) WHERE is not supported")
    names = []
    for key in clause.args.get("conflict_keys") or ():
        column = key.this if isinstance(key, exp.Ordered) else key
        if not isinstance(column, exp.Column | exp.Identifier):
            raise FeatureNotSupported(
                "an expression in ON CONFLICT (...) is not supported", position=position_of(column)
            )
        names.append(column.name)
    constraint = clause.args.get("constraint")
    named = constraint.name if constraint is not None else ""
    if not names and not named and does_update(clause):
        raise SyntaxFault(
            "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            hint="For example, ON CONFLICT (column_name).",
        )
    return tuple(names), named


def does_update(clause: exp.OnConflict) -> bool:
    """Whether it is DO UPDATE, and not DO NOTHING."""
    action = clause.args.get("action")
    return action is not None and action.name.upper() == "DO UPDATE"


def update_query(
    table: exp.Table,
    clause: exp.OnConflict,
    columns: tuple[str, ...],
    values: list[exp.Expr],
    row_identifier: str,
) -> exp.Select:
    """SELECT ctid, values FROM table JOIN excluded ..."""
    mine = column_node(table.alias_or_name, row_identifier)
    items: list[exp.Expr] = [mine]
    for name, value in zip(columns, values, strict=True):
        items.append(exp.Alias(this=value, alias=exp.to_identifier(name, quoted=True)))
    excluded = table_node(EXCLUDED, "excluded")
    same = exp.EQ(this=mine.copy(), expression=column_node("excluded", row_identifier))
    query = exp.Select(expressions=items, from_=exp.From(this=table.copy()))
    query.append("joins", exp.Join(this=excluded, on=same))
    where = clause.args.get("where")
    if where is not None:
        query.set("where", where.copy())
    return query
