"""EXCEPT ALL and INTERSECT ALL, which count equal rows (manual, 7.4).

A row of LOWERINGS in `lowering`. The engine gives every row of the left side that the right side
has not, or has, however often. So equal rows are numbered on each side: the third of a kind is left
where the other side has two, and is shared where it has three. NULLs are equal there too.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import column_node
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import AROUND

_SIDE = "counted_rows"
_WHOLE = "remaining_rows"
_NUMBER = "number_among_equals"


def count_equals(node: exp.Expr) -> exp.Select | None:
    """A SELECT that gives what EXCEPT ALL or INTERSECT ALL does; None where ALL is not said.

    Raises:
        FeatureNotSupported: 0A000, beside columns that are not known.
    """
    if node.args.get("distinct"):
        return None
    names = _names(node)
    columns = [f"column{number}" for number, _ in enumerate(names, 1)]
    outer = {part: node.args.pop(part, None) for part in AROUND}
    for side in ("this", "expression"):
        node.set(side, _numbered(node.args[side], columns))
    node.set("distinct", True)
    shown = [
        exp.alias_(column_node(_WHOLE, column), name, quoted=True)
        for column, name in zip(columns, names, strict=True)
    ]
    kept = exp.From(this=subquery(node.copy(), _WHOLE))
    return exp.Select(expressions=shown, from_=kept, **outer)


def _names(node: exp.Expr) -> list[str]:
    """The names of the columns: those of the first branch."""
    while isinstance(node, exp.SetOperation | exp.Subquery):
        node = node.this
    if isinstance(node, exp.Values):
        first = node.expressions[0]
        row = first.expressions if isinstance(first, exp.Tuple) else [first]
        return [f"column{number}" for number, _ in enumerate(row, 1)]
    if any(item.is_star for item in node.expressions):
        raise FeatureNotSupported(
            "EXCEPT ALL or INTERSECT ALL of columns that are not known is not supported",
            hint="Name the columns.",
        )
    return [item.alias_or_name for item in node.expressions]


def _numbered(side: exp.Expr, columns: list[str]) -> exp.Select:
    """The rows of a side, each with its number among those that are equal to it."""
    query = side.this if isinstance(side, exp.Subquery) and not side.alias else side
    held = subquery(query.copy(), _SIDE, columns)
    each = [column_node(_SIDE, column) for column in columns]
    number = exp.Window(
        this=exp.Anonymous(this="row_number"), partition_by=[column.copy() for column in each]
    )
    items = [*each, exp.alias_(number, _NUMBER, quoted=True)]
    return exp.Select(expressions=items, from_=exp.From(this=held))
