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

    >>> with_watched_joins(exp.select("*").from_("x").join("y", on="x.b > 0 AND x.a < y.a")).sql()
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
                join.set("on", _watched(on, 1))
            elif not (join.args.get("using") or join.args.get("method")):
                open_joins += 1
        where = select.args.get("where")
        if open_joins and where is not None:
            where.set("this", _watched(where.this, open_joins))
    return tree


def _watched(condition: exp.Expr, joins: int) -> exp.Expr:
    """A condition that is to join so many times, watched where its keys are too few.

    The part in the function comes first, for what stands after a false one is not looked at.
    """
    parts = list(conjuncts(condition))
    keys = [part for part in parts if _is_key(part)]
    pairs = [part for part in parts if part not in keys and _is_of_pairs(part)]
    if len(keys) >= joins or not pairs:
        return condition
    first = exp.Anonymous(this=WATCHED, expressions=[pairs[0]])
    return exp.and_(first, *(part for part in parts if part is not pairs[0]), copy=False)


def _is_of_pairs(part: exp.Expr) -> bool:
    """Whether it may ask something of two rows at once."""
    plain = not any(part.find_all(exp.Query, exp.AggFunc, exp.Window))
    return plain and len(list(part.find_all(exp.Column))) > 1


def _is_key(part: exp.Expr) -> bool:
    """Whether it may be an equality of something on one side and on the other."""
    if not isinstance(part, exp.EQ | exp.NullSafeEQ):
        return False
    sides = [list(side.find_all(exp.Column)) for side in (part.this, part.expression)]
    left, right = ({column.table for column in side} for side in sides)
    return bool(left and right) and ("" in left | right or not left & right)
