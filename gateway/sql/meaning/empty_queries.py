"""Queries without columns where a value is to stand, refused in PostgreSQL's words, at its place.

``EXISTS (SELECT)`` and ``FROM (SELECT) AS q`` are fine: no column of theirs is asked for.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import SyntaxFault
from gateway.sql.names.scope import place_of
from gateway.sql.text.trees import nodes_of

# Whose subquery is no value of its own.
_HOLDERS = (
    exp.From, exp.Join, exp.Lateral, exp.CTE, exp.Exists, exp.SetOperation, exp.Insert,
    exp.Create, exp.Copy,
)  # fmt: skip


def refuse_empty(tree: exp.Expr) -> None:
    """Refuse a subquery as a value, or compared with one, that has no column.

    Raises:
        SyntaxFault: 42601, it has none.
    """
    for select in nodes_of(tree, exp.Select):
        if select.selects:
            continue
        held: exp.Expr = select
        place = 0
        while isinstance(held.parent, exp.Subquery | exp.Paren):
            held = held.parent
            place = place_of(held) or place
        holder = held.parent
        if isinstance(holder, exp.In | exp.Any | exp.All):
            compared = holder if isinstance(holder, exp.In) else holder.parent or holder
            raise SyntaxFault("subquery has too few columns", position=place_of(compared))
        if isinstance(holder, exp.Anonymous) and holder.name == "array":
            place = place_of(holder)
        elif held is select or holder is None or isinstance(holder, _HOLDERS):
            continue
        raise SyntaxFault("subquery must return only one column", position=place)
