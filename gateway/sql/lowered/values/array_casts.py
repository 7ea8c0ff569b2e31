"""Casts to arrays: of what is written as one, item by item; of texts, as their types are read.

`ARRAY[a, b]::T[]` casts each item (PostgreSQL 15, parse_expr.c: transformArrayExpr), and a text
that is no literal is read as an array's text. What the engine would round, cut or take otherwise
in an array is done by functions of its own, or refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import position_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import GIVES
from gateway.sql.types.numerals import COMPUTED_SCALE
from gateway.types import FLOATING, INTEGER, NUMERIC, Type

PLAIN_TEXTS = ("text", "varchar", "bpchar")
MOMENTS = ("date", "time", "timestamp", "timestamptz")
# Which are told the session's notation as they are written.
MOMENTS_OF_TEXTS = frozenset(
    f"{name}s_of_texts_{depth}d" for name in (*MOMENTS, "interval") for depth in (1, 2)
)
# Their arrays are read from arrays of texts by `<name>s_of_texts_1d` and `_2d`.
_READ = (*INTEGER, *FLOATING, *MOMENTS, "bool", "oid", "uuid", "interval", "bytea", "json", "jsonb",
         "inet", "char")  # fmt: skip
_READ_DEPTH, _NUMERIC_DEPTH = 2, 6
# Items that the engine would cut, or make infinite -> the function that does it right.
_ITEMS = {
    **{(NUMERIC.name, name): "rounded_numerics" for name in INTEGER},
    **{(floating, name): "rounded_doubles" for name in INTEGER for floating in FLOATING},
    ("float8", NUMERIC.name): "numerics_of_floats",
    ("float4", NUMERIC.name): "numerics_of_reals",
    ("float8", "float4"): "reals_of_doubles",
    (NUMERIC.name, "float4"): "reals_of_doubles",
    **{("inet", name): "inet_texts" for name in PLAIN_TEXTS},
}
# Items that the engine would write otherwise, as texts.
_WRITTEN = (*FLOATING, *MOMENTS, "interval", "bytea")
_BY_ITEM = (*_WRITTEN, "inet")  # where they stand in an array that is written out
_SIZED = {"varchar": "texts_cut", "bpchar": "texts_filled"}


def told_enum(kind: Type) -> exp.Expr:
    """An enum's name and labels, as the engine's functions take them."""
    return exp.Literal.string(json.dumps([kind.sql, *kind.labels]))


def spell_array_cast(
    node: exp.Cast, kind: Type | None, target: Type, spell: Callable[[exp.Cast], None]
) -> None:
    """Write the cast so that each item becomes one of `target`'s, in place.

    Args:
        node: The cast, to an array.
        kind: The type of what is cast.
        target: The type that it is cast to.
        spell: What writes the cast of an item.

    Raises:
        FeatureNotSupported: 0A000, an array of too many dimensions for it.
    """
    value, element = node.this.unnest(), target.element
    if element is None or isinstance(value, exp.Literal | exp.Null | exp.Parameter):
        return
    free = element is NUMERIC and not _leaf(node.args["to"]).expressions
    written = kind is not None and kind.element is not None and kind.element.name in _BY_ITEM
    if isinstance(value, exp.Array):
        if not _is_plain(value, element) or (written and element.name in PLAIN_TEXTS):
            _cast_items(node, value, spell)
            if free and not _is_empty(value):
                _keep_digits(node, target)
        return
    inside, given = (kind.element if kind is not None else None), node.this
    if free and inside is NUMERIC:
        if value.find(exp.Query) is None:  # beside ANY a subquery alone would be one of rows
            node.replace(exp.paren(node.this.copy()))
        return
    if kind is not None and kind.name in PLAIN_TEXTS:
        inside, given = kind, _taken_apart(node)
    made = _items(node, given, inside, element)
    if made is None:
        return
    made.meta[GIVES] = target
    if free:
        node.replace(made)
        return
    node.replace(exp.Cast(this=made, to=_without_length(node.args["to"])))


def _keep_digits(node: exp.Cast, target: Type) -> None:
    """Let no item lose digits, where the engine's cast would round it."""
    depth = _depth(node)
    kind = "List(" * depth + f"Decimal256(76, {COMPUTED_SCALE})" + ")" * depth
    items = [node.this.copy(), exp.Literal.string(kind)]
    wide = exp.Anonymous(this="arrow_cast", expressions=items)
    made = exp.Anonymous(this=f"numerics_of_items_{depth}d", expressions=[wide])
    made.meta[GIVES] = target
    node.replace(made)


def _is_empty(value: exp.Array) -> bool:
    """Whether nothing in it tells the type of its items."""
    return all(
        isinstance(each.unnest(), exp.Null)
        or (isinstance(each.unnest(), exp.Array) and _is_empty(each.unnest()))
        for each in value.expressions
    )


def _depth(node: exp.Cast) -> int:
    return len(list(node.args["to"].find_all(exp.DataType))) - 1


def _leaf(kind: exp.DataType) -> exp.DataType:
    """The type of the items, of whatever dimensions."""
    while kind.this == exp.DType.ARRAY and kind.expressions:
        kind = kind.expressions[0]
    return kind


def _without_length(kind: exp.DataType) -> exp.DataType:
    """The same, of items that were cut to their length, or rounded, before."""
    bare = kind.copy()
    if (leaf := _leaf(bare)).this != exp.DType.DECIMAL:
        leaf.set("expressions", None)
    return bare


def _is_plain(value: exp.Array, element: Type) -> bool:
    """Whether the engine makes such items of what is written; thousands are not cast one by one.

    Texts are cut to their length where the cast is printed (`casting`).
    """
    if element.name in PLAIN_TEXTS:
        return True
    return all(isinstance(each, exp.Null) or each.is_int for each in value.expressions)


def _cast_items(node: exp.Cast, value: exp.Array, spell: Callable[[exp.Cast], None]) -> None:
    """Cast each item of the array, and of the arrays in it, to the type of the items."""
    leaf = _leaf(node.args["to"])
    for each in list(value.expressions):
        inner = each.unnest()
        if isinstance(inner, exp.Array):
            _cast_items(node, inner, spell)
        else:
            item = exp.Cast(this=each.copy(), to=leaf.copy())
            each.replace(item)
            spell(item)
    node.set("to", _without_length(node.args["to"]))


def _taken_apart(node: exp.Cast) -> exp.Expr:
    """The items of a text that is an array's, as texts."""
    _refuse_beyond(_READ_DEPTH, node)
    text = exp.Cast(this=node.this.copy(), to=data_type("text"))
    return exp.Anonymous(this=f"texts_of_text_{_depth(node)}d", expressions=[text])


def _refuse_beyond(most: int, node: exp.Cast) -> None:
    if _depth(node) > most:
        shown = node.args["to"].sql("postgres").lower()
        raise FeatureNotSupported(
            f"a cast to {shown} of what is not written as an array is not supported",
            hint="Write the array as a literal, or as ARRAY[...].",
            position=position_of(node),
        )


def _items(node: exp.Cast, given: exp.Expr, inside: Type | None, element: Type) -> exp.Expr | None:
    """What makes the items of an array right; None where the engine's own cast does."""
    if element.is_enum:
        return None if inside is element else _of_texts("enums_of_texts", given, 1, element)
    if inside is not None and inside.name in PLAIN_TEXTS:
        return _of_text_items(node, given, element)
    written = inside is not None and (inside.name in _WRITTEN or _leaf(node.args["to"]).expressions)
    if written and element.name in PLAIN_TEXTS:
        return _of_text_items(node, _taken_apart(node), element)
    function = _ITEMS.get((inside.name, element.name)) if inside is not None else None
    if function is not None:
        _refuse_beyond(1, node)
        return exp.Anonymous(this=function, expressions=[given.copy()])
    return None


def _of_text_items(node: exp.Cast, given: exp.Expr, element: Type) -> exp.Expr | None:
    depth = _depth(node)
    if element is NUMERIC:
        _refuse_beyond(_NUMERIC_DEPTH, node)
        kept = "numbers" if _leaf(node.args["to"]).expressions else "numerics"
        return _of_texts(f"{kept}_of_texts_{depth}d", given, depth)
    size = _leaf(node.args["to"]).expressions
    if element.name in _READ:
        _refuse_beyond(0 if size else _READ_DEPTH, node)
        return _of_texts(f"{element.name}s_of_texts_{depth}d", given, depth)
    if size and element.name in _SIZED:
        _refuse_beyond(1, node)
        made = _of_texts(_SIZED[element.name], given, depth)
        made.append("expressions", exp.Literal.number(size[0].name))
        return made
    return given.copy() if given is not node.this else None


def _of_texts(
    function: str, given: exp.Expr, depth: int, enum: Type | None = None
) -> exp.Anonymous:
    texts = exp.Cast(this=given.copy(), to=data_type("text" + "[]" * depth))
    made = exp.Anonymous(this=function, expressions=[texts])
    if enum is not None:
        made.append("expressions", told_enum(enum))
    return made
