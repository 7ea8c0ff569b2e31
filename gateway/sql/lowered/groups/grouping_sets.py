"""GROUP BY as plain grouping sets, where the engine has no other form for it.

PostgreSQL manual, 7.2.4: several elements are a product of their sets, DISTINCT leaves out sets
that are there before, and `()` is one group of all rows.
"""

from __future__ import annotations

from itertools import chain, combinations, product

from sqlglot import exp

from gateway.errors import FeatureNotSupported, StatementTooComplex
from gateway.sql.names.scope import is_aggregate
from gateway.sql.text.trees import SETS, own_nodes

Set = tuple[exp.Expr, ...]
_MOST_SETS, _MOST_KEYS = 4096, 12  # PostgreSQL's


def write_sets(select: exp.Select) -> None:
    """Write out DISTINCT, `()` and keys that stand twice in one ROLLUP or CUBE, in place.

    Raises:
        StatementTooComplex: 54001, too many of them.
        FeatureNotSupported: 0A000, `()` alone without an aggregate.
    """
    group = select.args.get("group")
    if group is None or not _is_beyond(group):
        return
    found = sets_of(group)
    if found == [()]:
        if not any(is_aggregate(node) for node in own_nodes(select)):
            raise FeatureNotSupported("GROUP BY () without an aggregate is not supported")
        select.set("group", None)
        return
    written = [exp.Tuple(expressions=[each.copy() for each in keys]) for keys in found]
    select.set("group", exp.Group(expressions=[exp.GroupingSets(expressions=written)]))


def sets_of(group: exp.Expr) -> list[Set]:
    """The sets of keys that GROUP BY groups by, each key once.

    Raises:
        StatementTooComplex: 54001, too many of them.
    """
    elements = [_sets(each) for each in group.expressions]
    found = [tuple(dict.fromkeys(chain.from_iterable(each))) for each in product(*elements)]
    if len(found) > _MOST_SETS:
        raise StatementTooComplex(f"too many grouping sets present (maximum {_MOST_SETS})")
    if group.args.get("all") is False:
        found = list({frozenset(each): each for each in found}.values())
    return found


def _is_beyond(group: exp.Expr) -> bool:
    if group.args.get("all") is not None:
        return True
    return any(map(_is_odd, group.expressions))


def _is_odd(element: exp.Expr) -> bool:
    """Whether it is `()`, or sets of which one is no plain key, or stands there twice."""
    inside = element.expressions
    if isinstance(element, exp.Tuple):
        return not inside
    if isinstance(element, exp.Rollup | exp.Cube):
        return len(set(inside)) < len(inside) or any(isinstance(e, exp.Tuple) for e in inside)
    return isinstance(element, exp.GroupingSets) and any(isinstance(e, SETS) for e in inside)


def _sets(element: exp.Expr) -> list[Set]:
    parts = [_keys(each) for each in element.expressions]
    if isinstance(element, exp.GroupingSets):
        return list(chain.from_iterable(_sets(each) for each in element.expressions))
    if isinstance(element, exp.Rollup):
        upto = range(len(parts), -1, -1)
        return [tuple(chain.from_iterable(parts[:many])) for many in upto]
    if isinstance(element, exp.Cube):
        if len(parts) > _MOST_KEYS:
            raise StatementTooComplex(f"CUBE is limited to {_MOST_KEYS} elements")
        counts = range(len(parts), -1, -1)
        chosen = chain.from_iterable(combinations(parts, many) for many in counts)
        return [tuple(chain.from_iterable(each)) for each in chosen]
    return [_keys(element)]


def _keys(element: exp.Expr) -> Set:
    if isinstance(element, exp.Tuple):
        return tuple(element.expressions)
    return (element.this if isinstance(element, exp.Paren) else element,)
