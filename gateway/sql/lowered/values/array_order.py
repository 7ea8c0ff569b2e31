"""What arrays are compared and sorted by, where NULL may be among their items.

PostgreSQL takes such a NULL for the greatest item (array_cmp in arrayfuncs.c), the engine for the
least in comparisons and for nothing at all where it keeps the first rows of a sort. Arrays of
several dimensions go by their items alone.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.datatypes import data_type
from gateway.sql.types.dimensions import depth_of
from gateway.sql.types.inference import GIVES, Types
from gateway.types import TEXT, Type

# Types of items -> the function of `engine.functions.array_order`, and what its argument is of.
_KEYS = {
    **dict.fromkeys(("bool", "int2", "int4", "int8", "oid"), ("bigint", "bigint")),
    **dict.fromkeys(("float4", "float8"), ("double", "double precision")),
    **dict.fromkeys(("text", "varchar", "bpchar", "name", "uuid", "time"), ("text", "text")),
    "date": ("date", "date"),
    **dict.fromkeys(("timestamp", "timestamptz"), ("timestamp", "timestamp")),
    "numeric": ("numeric", "text"),
    "interval": ("interval", "interval"),
    "bytea": ("bytea", "bytea"),
    "jsonb": ("jsonb", "jsonb"),
    "inet": ("inet", "inet"),
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


def array_key(array: exp.Expr, kind: Type, known: Types, of: exp.Expr | None = None) -> exp.Expr:
    """A text that sorts as such arrays do; the array itself where its items have no such key.

    Args:
        array: What is written.
        kind: Its type.
        known: Tells the types of what stands in it.
        of: What it means, where it is the name of that.
    """
    element = kind.element.name if kind.element is not None else ""
    if element not in _KEYS:
        return array.copy()
    name, item = _KEYS[element]
    depth = depth_of(array if of is None else of, known.block) if known.block is not None else 1
    value = array.copy()
    for _ in range((depth or 1) - 1):
        value = exp.Anonymous(this="flatten", expressions=[value])
    wanted = exp.DataType(this=exp.DType.ARRAY, expressions=[data_type(item)], nested=True)
    cast = exp.Cast(this=value, to=wanted)
    key = exp.Anonymous(this=f"array_key_{name}", expressions=[cast])
    key.meta[GIVES] = TEXT
    return key
