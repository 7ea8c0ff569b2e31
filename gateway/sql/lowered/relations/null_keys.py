"""Keys of joins that may be NULL, as keys that never are.

`a.x IS NOT DISTINCT FROM b.x` gives a join of DataFusion 55 the property that NULL equals NULL, of
all its keys together: an equality that is pushed into it later (``... WHERE a.y = b.y``, ``a.y IN
(SELECT ...)``) finds NULL equal to NULL, and so do those of the joins around it; or the property is
lost among these, and the rows of NULL with it. So both sides are told apart by whether they are
NULL, and compared with something in NULL's place.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from gateway.sql.names.scope import Analysis, Block
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.inference import Types, info_of_column

_CONDITIONS = (exp.Where, exp.Having, exp.Join)


def keep_null_keys(tree: exp.Expr, analysis: Analysis) -> None:
    """Write `x IS NOT DISTINCT FROM y` so where it may join, in place."""
    known: dict[int, Types] = {}
    for node in nodes_of(tree, exp.NullSafeEQ):
        if _is_condition(node) and _is_of_two(node):
            block = analysis.block_of(node)
            types = known.setdefault(id(block), Types(block))
            node.replace(_equality(node.this, node.expression, types))


def _is_condition(node: exp.Expr) -> bool:
    """Whether it is one of the conditions that rows are chosen or joined by."""
    while isinstance(node.parent, exp.And | exp.Or | exp.Paren):
        node = node.parent
    return isinstance(node.parent, _CONDITIONS)


def _is_of_two(node: exp.Expr) -> bool:
    """Whether each side has columns, and not of the same relation alone."""
    left, right = (
        {column.table for column in nodes_of(side, exp.Column)}
        for side in (node.this, node.expression)
    )
    return bool(left and right) and (left != right or len(left) > 1)


def _equality(left: exp.Expr, right: exp.Expr, types: Types) -> exp.Expr:
    equal = exp.EQ(this=left.copy(), expression=right.copy())
    if _is_there(left, types.block) or _is_there(right, types.block):
        return equal
    places = [_instead(side, types) for side in (left, right)]
    if any(place is None for place in places):
        # Of intervals and their like, which have no value to write here: so they are no keys.
        both = exp.And(this=_is_null(left), expression=_is_null(right))
        return exp.Paren(this=exp.Or(this=exp.Paren(this=both), expression=equal))
    values = [
        exp.Anonymous(this="coalesce", expressions=[side.copy(), place])
        for side, place in zip((left, right), places, strict=True)
    ]
    alike = exp.EQ(this=exp.Paren(this=_is_null(left)), expression=exp.Paren(this=_is_null(right)))
    equal = exp.EQ(this=values[0], expression=values[1])
    return exp.Paren(this=exp.And(this=equal, expression=alike))


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value.copy(), expression=exp.Null())


def _is_there(value: exp.Expr, block: Block | None) -> bool:
    """Whether it is a column that is never NULL."""
    return (
        block is not None
        and isinstance(value, exp.Column)
        and not info_of_column(value, block).nullable
    )


def _instead(side: exp.Expr, types: Types) -> exp.Expr | None:
    """A value of its type; None: there is none to write."""
    kind = types.of(side)
    arrow = None if kind is None else kind.arrow
    if kind is None or arrow is None:
        return None
    if kind.element is not None:
        return exp.Cast(this=exp.Array(expressions=[]), to=data_type(kind.sql))
    if pa.types.is_string(arrow):
        return exp.Literal.string("")
    if pa.types.is_integer(arrow) or pa.types.is_floating(arrow) or pa.types.is_decimal(arrow):
        return exp.Literal.number(0)
    if pa.types.is_boolean(arrow):
        return exp.false()
    text = _WRITTEN.get(kind.name)
    if text is None:
        return None
    return exp.Cast(this=exp.Literal.string(text), to=data_type(kind.sql))


_WRITTEN = {
    "bytea": "",
    "date": "2000-01-01",
    "time": "00:00",
    "timestamp": "2000-01-01",
    "timestamptz": "2000-01-01 00:00:00+00",
}
