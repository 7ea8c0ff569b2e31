"""Which of two arrays is the greater, where NULL may be among their items.

PostgreSQL takes such a NULL for the greatest item (array_cmp in arrayfuncs.c), the engine for the
least. Arrays of several dimensions are left to the engine.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.datatypes import data_type
from gateway.sql.types.dimensions import depth_of
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BOOL, INT4, Type

# Types of items -> the function of `engine.functions.array_order`, and what its arguments are of.
_ORDERS = {
    **dict.fromkeys(("bool", "int2", "int4", "int8", "oid"), ("bigint", "bigint")),
    **dict.fromkeys(("float4", "float8"), ("double", "double precision")),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "uuid", "time"), ("text", "text")),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), ("timestamp", "timestamp")),
    "numeric": ("numeric", "text"),
}


def holds_no_null(array: exp.Expr) -> bool:
    """Whether it is written out, and none of its items may be NULL."""
    bare = array.unnest()
    return isinstance(bare, exp.Array) and all(
        isinstance(item, exp.Literal | exp.Boolean) for item in bare.expressions
    )


def holds_null(array: exp.Expr) -> exp.Expr:
    """A NULL is written as the word for it, and two words show that there is one."""
    one, other = (
        exp.Anonymous(
            this="array_to_string",
            expressions=[array.copy(), exp.Literal.string(","), exp.Literal.string(word)],
        )
        for word in ("a", "b")
    )
    return exp.NEQ(this=one, expression=other)


def compared(node: exp.Expr, kind: Type, known: Types) -> exp.Expr | None:
    """A comparison of two arrays of that type as PostgreSQL makes it; None: the engine does."""
    sides = (node.this, node.expression)
    element = kind.element.name if kind.element is not None else ""
    if element not in _ORDERS or all(map(holds_no_null, sides)):
        return None
    if any(known.block is None or (depth_of(s, known.block) or 1) > 1 for s in sides):
        return None
    name, item = _ORDERS[element]
    wanted = exp.DataType(this=exp.DType.ARRAY, expressions=[data_type(item)], nested=True)
    items = [exp.Cast(this=side.copy(), to=wanted.copy()) for side in sides]
    order = exp.Anonymous(this=f"array_order_{name}", expressions=items)
    order.meta[GIVES] = INT4
    # What never holds one is not asked.
    holding = [holds_null(side) for side in sides if not holds_no_null(side)]
    either = holding[0]
    for other in holding[1:]:
        either = exp.Or(this=either, expression=other)
    apart = type(node)(this=order, expression=exp.Literal.number(0))
    case = exp.Case(ifs=[exp.If(this=either, true=apart)], default=node.copy())
    case.meta[GIVES] = BOOL
    return exp.paren(case, copy=False)
