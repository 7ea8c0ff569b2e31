"""Queries with LIMIT inside of others, which the engine would sort before it cuts them off.

DataFusion 55 moves the sort of `SELECT * FROM (SELECT ... LIMIT 3 OFFSET 1) AS q ORDER BY id`
beneath the limit: it then sorts all rows where three were to be read, and takes 3 rows before it
leaves out the first, so that two are left. It moves none through a condition that draws.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp


def hold_cuts(found: Sequence[exp.Expr]) -> bool:
    """Put such a condition above each of them, in place; whether anything changed.

    Args:
        found: The nodes of a statement.
    """
    cuts = [node for node in found if isinstance(node, exp.Query) and _is_cut_inside(node)]
    for node in reversed(cuts):
        held = exp.Subquery(alias=exp.TableAlias(this=exp.to_identifier("cut", quoted=True)))
        drawn = exp.GTE(this=exp.Anonymous(this="random"), expression=exp.Literal.number(0))
        above = exp.Select(
            expressions=[exp.Star()], from_=exp.From(this=held), where=exp.Where(this=drawn)
        )
        node.replace(above)
        held.set("this", node)
    return bool(cuts)


def _is_cut_inside(query: exp.Query) -> bool:
    """Whether it cuts rows off that another query reads; one that sorts them only beside OFFSET."""
    args = query.args
    if isinstance(query, exp.Subquery) or args.get("limit") is None or query.parent is None:
        return False
    if args.get("order") is not None and args.get("offset") is None:
        return False
    names = query.named_selects
    return len(set(names)) == len(names)
