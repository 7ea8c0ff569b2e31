"""What ORDER BY names beside the outputs, where the engine takes an output for it or loses it.

`SELECT a.name AS id FROM a ORDER BY a.id` would be sorted by the output, and after functions that
give rows only outputs are left: the keys become columns of a subquery, which is sorted then.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.names.ordering import HIDDEN
from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import column_node
from gateway.sql.text.trees import AROUND, nodes_of

_ALIAS = "sorted_rows"


def carry_sort_keys(tree: exp.Expr) -> bool:
    """Write such SELECTs so, in place.

    Returns:
        Whether there was one.
    """
    found = [select for select in nodes_of(tree, exp.Select) if _hides(select)]
    for select in reversed(found):
        _wrap(select)
    return bool(found)


def _hides(select: exp.Select) -> bool:
    order = select.args.get("order")
    if order is None or select.args.get("distinct") is not None:
        return False
    if any(ordered.meta.get(HIDDEN) for ordered in order.expressions):
        return True
    spread = any(gives_rows(item) for item in select.expressions)
    return spread and any(place_of_output(each.this, select) is None for each in order.expressions)


def place_of_output(by: exp.Expr, select: exp.Select) -> int | None:
    """The place of the output that an item of ORDER BY names; None: it names none."""
    if isinstance(by, exp.Literal) and by.is_int:
        return int(by.name) - 1
    names = [item.alias_or_name for item in select.expressions]
    if isinstance(by, exp.Column) and not by.table and by.name in names:
        return names.index(by.name)
    return next((n for n, item in enumerate(select.expressions) if item.unalias() == by), None)


def _wrap(select: exp.Select) -> None:
    """Let the SELECT itself become the one around."""
    inner = select.copy()
    outer = {key: inner.args.pop(key, None) for key in AROUND}
    names = [item.alias_or_name for item in inner.expressions]
    for number, ordered in enumerate(outer["order"].expressions):
        place = None if ordered.meta.pop(HIDDEN, None) else place_of_output(ordered.this, inner)
        if place is None:
            name = f"sort_key_{number}"
            inner.append("expressions", exp.alias_(ordered.this.copy(), name, quoted=True))
        else:
            name = names[place]
        ordered.set("this", column_node(_ALIAS, name))
    for key in list(select.args):
        select.set(key, None)
    alias = exp.TableAlias(this=exp.to_identifier(_ALIAS, quoted=True))
    select.set("expressions", [column_node(_ALIAS, name) for name in names])
    select.set("from_", exp.From(this=exp.Subquery(this=inner, alias=alias)))
    for key, clause in outer.items():
        if clause is not None:
            select.set(key, clause)
