"""Expressions of one SELECT that differ in their casts alone, told apart for the engine.

The engine names what it computes by its text and leaves casts out of it, so ``time`` and
``time::date`` as keys of one GROUP BY, or ``sum(i)`` and ``sum(i::float8)``, are two columns of one
name to it: it refuses the query, or reads the first for the second. ``coalesce`` of one value is
that value, is gone from the plan, and stands in the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from gateway.sql.names.ordering import written_keys
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.trees import copied, nodes, nodes_of, own_nodes


def named_apart(select: exp.Select) -> None:
    """Puts `coalesce` around casts where the engine would give one name to two things."""
    own = own_nodes(select)
    if not any(isinstance(node, exp.Cast) for node in own):
        return
    _keys_apart(select)
    # Windows are named by the aggregates inside them, so these are told apart first.
    _apart(_whole(node) for node in own if is_aggregate(node))
    _apart(node for node in own_nodes(select) if isinstance(node, exp.Window))


def _whole(aggregate: exp.Expr) -> exp.Expr:
    """The call with its FILTER, which is a part of its name."""
    parent = aggregate.parent
    return parent if isinstance(parent, exp.Filter) else aggregate


def _keys_apart(select: exp.Select) -> None:
    keys = [_meant(key, select) for key in written_keys(select.args.get("group"))]
    for depth, key in _clashing(keys):
        same = copied(key)
        for node in own_nodes(select):
            if type(node) is type(same) and node == same and _may_change(node):
                _wrap(node, depth)


def _may_change(node: exp.Expr) -> bool:
    """Whether it is computed after the rows are grouped, or is a key."""
    return node.find_ancestor(exp.Where, exp.Join, exp.Select) is node.parent_select


def _meant(key: exp.Expr, select: exp.Select) -> exp.Expr:
    """What a key is: itself, or an item of SELECT by number or name."""
    items = select.expressions
    if isinstance(key, exp.Literal) and key.is_int and 1 <= int(key.name) <= len(items):
        return _item(items[int(key.name) - 1])
    if isinstance(key, exp.Column) and not key.table:
        named = [_item(item) for item in items if item.args.get("alias") and item.alias == key.name]
        # A column of FROM comes before an output of its name, as in `t::date AS t ... GROUP BY t`.
        return named[0] if named and key not in nodes(named[0]) else key
    return key


def _item(item: exp.Expr) -> exp.Expr:
    found: exp.Expr = item.unalias()
    return found


def _apart(found: Iterable[exp.Expr]) -> None:
    written = list(found)
    for depth, clashing in _clashing(written):
        same = copied(clashing)
        for node in written:
            if node == same:
                _wrap(node, depth)


def _clashing(found: Sequence[exp.Expr]) -> list[tuple[int, exp.Expr]]:
    """Those that another has the name of, and how many times their casts are to be wrapped."""
    by_name: dict[str, list[exp.Expr]] = {}
    for node in found:
        alike = by_name.setdefault(_name(node), [])
        if node not in alike:
            alike.append(node)
    clashing = []
    for alike in by_name.values():
        alike.sort(key=lambda node: len(nodes_of(node, exp.Cast)))
        clashing += list(enumerate(alike))[1:]
    return clashing


def _name(node: exp.Expr) -> str:
    """As the engine names it, so far as two such names are equal."""
    bare = exp.Paren(this=copied(node))
    for cast in reversed(nodes(bare)):
        if isinstance(cast, exp.Cast | exp.Paren) and cast is not bare:
            cast.replace(cast.this)
    return str(bare.sql("postgres"))


def _wrap(node: exp.Expr, depth: int) -> None:
    for cast in [each for each in own_nodes(node) if isinstance(each, exp.Cast)]:
        inside: exp.Expr = copied(cast)
        for _ in range(depth):
            inside = exp.Anonymous(this="coalesce", expressions=[inside])
        cast.replace(inside)
