"""Calls and keys that differ in a cast alone, under names of their own.

DataFusion names an expression by its text without the casts in it, and refuses two aggregates,
windows or keys of one name: ``SELECT min(x), min(x::text)``, ``GROUP BY time, time::date``. The
second gets an expression around its cast that changes nothing but the name.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.meaning.scope import is_aggregate
from gateway.sql.text.trees import own_nodes


def tell_apart(select: exp.Select) -> None:
    """Give what the engine would take for one another other names in this SELECT, in place."""
    if not any(isinstance(node, exp.Cast) for node in own_nodes(select)):
        return
    renamed = _numbered(_keys(select))
    if renamed:
        for node in own_nodes(select):
            if isinstance(node, exp.Cast) and node.sql() in renamed:
                node.replace(_wrapped(node, renamed[node.sql()]))
    calls = [n for n in own_nodes(select) if isinstance(n, exp.Window) or is_aggregate(n)]
    renamed = _numbered(calls)
    for call in calls:
        number = renamed.get(call.sql())
        held = call.find(exp.Cast, exp.Column)
        if number is not None and held is not None:
            held.replace(_wrapped(held, number))


def _keys(select: exp.Select) -> list[exp.Expr]:
    """Columns and casts by which is grouped, where a number or a name may mean an item."""
    group = select.args.get("group")
    items = {str(place): item for place, item in enumerate(select.expressions, 1)}
    items |= {item.alias: item for item in select.expressions if item.alias}
    found = []
    for key in group.expressions if group is not None else ():
        found.append(key.unnest())
        if isinstance(key, exp.Literal | exp.Column) and key.name in items:
            found.append(items[key.name].unalias().unnest())
    keys = [key for key in found if isinstance(key, exp.Cast | exp.Column)]
    return sorted(keys, key=lambda key: isinstance(key, exp.Cast))  # a column keeps its name


def _numbered(alike: Sequence[exp.Expr]) -> dict[str, int]:
    """The texts of those that have the name of an earlier one, and the how manieth they are."""
    seen: dict[str, list[str]] = {}
    for each in alike:
        named = seen.setdefault(_without_casts(each), [])
        if each.sql() not in named:
            named.append(each.sql())
    return {text: n for named in seen.values() for n, text in enumerate(named) if n}


def _without_casts(tree: exp.Expr) -> str:
    bare: exp.Expr = tree.transform(lambda n: n.this if isinstance(n, exp.Cast) else n)
    return bare.sql()


def _wrapped(value: exp.Expr, number: int) -> exp.Expr:
    same = exp.EQ(this=exp.Literal.number(number), expression=exp.Literal.number(number))
    return exp.Case(ifs=[exp.If(this=same, true=value.copy())])
