"""Joins in parentheses: `FROM ((a JOIN b ON ...) JOIN c ON ...)` as `FROM a JOIN b ... JOIN c ...`.

What stands first in parentheses is joined first without them too.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.trees import nodes_of


def open_first(tree: exp.Expr) -> None:
    """Take such parentheses away, in place: those that FROM begins with, or a join's right side."""
    for start in nodes_of(tree, exp.From):
        if _is_joined(start.this):
            first, joins = _opened(start.this)
            start.set("this", first)
            select = start.parent
            if select is not None and joins:
                select.set("joins", [*joins, *(select.args.get("joins") or ())])
    for join in nodes_of(tree, exp.Join):
        held = join.this
        if _is_joined(held) and (_is_joined(held.this) or isinstance(held.this, exp.Subquery)):
            first, joins = _opened(held)
            first.set("joins", joins)
            held.set("this", first)


def _is_joined(item: exp.Expr) -> bool:
    """Whether it is a relation or a join in parentheses, with no name of its own."""
    return (
        isinstance(item, exp.Subquery)
        and item.args.get("alias") is None
        and isinstance(item.this, exp.Table | exp.Subquery)
    )


def _opened(item: exp.Expr) -> tuple[exp.Expr, list[exp.Expr]]:
    """The first relation in it, and what is joined to that in turn."""
    own = list(item.args.get("joins") or ())
    item.set("joins", None)
    if isinstance(item, exp.Table) and isinstance(item.this, exp.Values):
        values = item.this  # as they stand without parentheses
        values.set("alias", item.args.get("alias"))
        return values, own
    if not _is_joined(item):
        return item, own
    first, joins = _opened(item.this)
    return first, [*joins, *own]
