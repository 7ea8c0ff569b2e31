"""Whether a write gives a column values that were rounded when they were computed.

A quotient, an average, a root: PostgreSQL rounds these itself, to 16 digits or more, and a column
may round them once more. What is written, or a sum or a product of it, has all its digits.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.text.trees import nodes_of
from gateway.sql.types.numeric_forms import MEANS
from gateway.sql.types.numeric_spreads import SPREADS
from gateway.sql.types.results import AGGREGATE_SYNONYMS, OF_NUMERICS
from gateway.sql.writes.writes import Write

# By the names that users give them, and by those that a rewritten query has.
_ROUNDED = MEANS | OF_NUMERICS | AGGREGATE_SYNONYMS.keys() | SPREADS.keys()
_ROUNDED |= {"numeric_of_float"} | {name.removeprefix("numeric_") for name in OF_NUMERICS}
_BINARY = (exp.DType.FLOAT, exp.DType.DOUBLE)


def computes_digits(tree: exp.Expr) -> bool:
    """Whether anything in it gives a number of rounded digits."""
    return any(map(_is_rounded, tree.walk()))


def _is_rounded(node: exp.Expr) -> bool:
    if isinstance(node, exp.Cast):
        return node.to.this in _BINARY
    called = isinstance(node, exp.Anonymous) and node.name.lower() in _ROUNDED
    return called or isinstance(node, exp.Div | exp.Pow)


def gives_rounded(write: Write, tree: exp.Expr, name: str) -> bool:
    """Whether the values for the column of this name are rounded ones.

    Args:
        write: The write.
        tree: Its query with the views in it put in place.
        name: A column of its target. One that it does not name computes its own values.
    """
    conflict = write.conflict
    updated = conflict is not None and name in conflict.columns
    if updated and conflict is not None and conflict.update is not None:
        place = 1 + conflict.columns.index(name)
        if _rounds(conflict.update, conflict.update, place):
            return True
    if name not in write.columns:
        return not updated
    place = write.columns.index(name) + (write.command == "UPDATE")
    return _rounds(write.query, tree, place)


def _rounds(query: exp.Expr, tree: exp.Expr, place: int) -> bool:
    values = list(_given(query, place))
    if any(map(computes_digits, values)):
        return True
    reads = any(nodes_of(value, kind) for value in values for kind in (exp.Column, exp.Query))
    return reads and (computes_digits(query) or computes_digits(tree))


def _given(query: exp.Expr, place: int) -> Iterator[exp.Expr]:
    """The expressions that give a column of a query; the query where it has no such list."""
    listed = query.expressions[: place + 1] if isinstance(query, exp.Select) else []
    if isinstance(query, exp.Values):
        yield from (row.expressions[place] for row in query.expressions)
    elif len(listed) > place and not any(each.is_star for each in listed):
        yield listed[place]
    else:
        yield query
