"""One value beside two lists, which the engine puts together without a thought of NULL.

DataFusion 55 makes `false` of ``x IN (1, 2) AND x IN (3, 4)``, and `true` of ``x NOT IN (1, 2) OR
x NOT IN (3, 4)``, where PostgreSQL gives NULL for a NULL `x`; and it reads ``x = 1 OR x = 2`` as a
list. It sees that it is one value by how it is written, so another spelling keeps the lists apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.meaning.volatile import volatile_call


def keep_apart(node: exp.Expr) -> None:
    """Spell the value anew in every list but the first of an AND or OR, in place."""
    around = _around(node)
    if type(around) is type(node):
        return  # a part of a chain, which is looked at as a whole
    if isinstance(node, exp.And) and isinstance(around, exp.Where | exp.Having):
        return  # NULL keeps no row either; and the lists are handed down
    seen: list[exp.Expr] = []
    for part in _chain(node, type(node)):
        value = _listed(part)
        if value is None or volatile_call(value) is not None:
            continue
        if value not in seen:
            seen.append(value)
            continue
        value = value.copy()
        for each in [each for each in part.walk() if each == value]:
            twice = [value.copy(), value.copy()]
            each.replace(exp.Anonymous(this="greatest", expressions=twice))


def _around(node: exp.Expr) -> exp.Expr | None:
    found = node.parent
    while isinstance(found, exp.Paren):
        found = found.parent
    return found


def _chain(node: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    bare = node.unnest()
    if isinstance(bare, kind):
        yield from _chain(bare.this, kind)
        yield from _chain(bare.expression, kind)
    else:
        yield bare


def _listed(part: exp.Expr) -> exp.Expr | None:
    """The value that is compared with several others; None where there is none."""
    while isinstance(part, exp.Not | exp.Paren):
        part = part.this
    value: exp.Expr | None = part.args.get("this")
    if isinstance(part, exp.In):
        return None if part.args.get("query") else value
    if isinstance(part.args.get("expression"), exp.Any | exp.All):
        return value
    if not isinstance(part, exp.And | exp.Or):
        return None
    values = [
        each.this if isinstance(each, exp.EQ | exp.NEQ) else _listed(each)
        for each in _chain(part, type(part))
    ]
    return values[0] if all(value == values[0] for value in values[1:]) else None
