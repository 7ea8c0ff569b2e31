"""Conditions over pairs of rows that no equality joins, put into a function that a cancel ends.

`x JOIN y ON x.a < y.a` is tried pair by pair, and the engine (DataFusion 55) does so without a look
at anything else while no pair is found: a statement that was cancelled would keep a thread for
hours, and two of them all. The function gives what it is given, and raises once nobody waits.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.trees import conjuncts

# Of one boolean, which it gives back.
WATCHED = "gradwire_watched"


def with_watched_joins(tree: exp.Expr) -> exp.Expr:
    """The query with such conditions in the function; `tree` is left as it is.

    >>> with_watched_joins(exp.select("*").from_("x").join("y", on="x.a < y.a AND x.b > 0")).sql()
    'SELECT * FROM x JOIN y ON GRADWIRE_WATCHED(x.a < y.a) AND x.b > 0'
    >>> with_watched_joins(exp.select("*").from_("x").join("y", on="x.a = y.a AND x.b < y.b")).sql()
    'SELECT * FROM x JOIN y ON x.a = y.a AND x.b < y.b'
    """
    tree = tree.copy()
    for select in list(tree.find_all(exp.Select)):
        open_joins = 0
        for join in select.args.get("joins") or ():
            on = join.args.get("on")
            if on is not None:
                _watch(on, 1)
            elif not (join.args.get("using") or join.args.get("method")):
                open_joins += 1
        where = select.args.get("where")
        if open_joins and where is not None:
            _watch(where.this, open_joins)
    return tree


def _watch(condition: exp.Expr, joins: int) -> None:
    """Have the parts of a condition watched that is to join so many times, if keys are too few."""
    parts = list(conjuncts(condition))
    keys = [part for part in parts if _is_key(part)]
    if len(keys) >= joins:
        return
    for part in parts:
        plain = not any(part.find_all(exp.Query, exp.AggFunc, exp.Window))
        if plain and part not in keys and len(list(part.find_all(exp.Column))) > 1:
            part.replace(exp.Anonymous(this=WATCHED, expressions=[part.copy()]))


def _is_key(part: exp.Expr) -> bool:
    """Whether it may be an equality of something on one side and on the other."""
    if not isinstance(part, exp.EQ | exp.NullSafeEQ):
        return False
    sides = [list(side.find_all(exp.Column)) for side in (part.this, part.expression)]
    left, right = ({column.table for column in side} for side in sides)
    return bool(left and right) and ("" in left | right or not left & right)
