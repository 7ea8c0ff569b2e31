"""character(n): the blanks at its end are no part of the value (manual, 8.3).

They are left out where such a value is compared, becomes text, or is given to a function of texts.
A column is kept without them, and a result gets them by its column's length (`session/result.py`):
inside an expression that takes the value as it is they are put there here.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.jsoncalls import MAKERS
from gateway.sql.names.scope import position_of
from gateway.sql.types.inference import GIVES, Types, info_of_column
from gateway.types import BY_NAME, array_of

_PADDED, _VARYING = BY_NAME["bpchar"], BY_NAME["varchar"]
_ITEMS_PADDED = array_of(_PADDED)
# What takes the value as it is; every other function takes text.
_AS_IT_IS = frozenset(
    {
        *MAKERS, *(name.replace("json", "jsonb") for name in MAKERS),
        "array_agg", "array_append", "array_cat", "array_prepend", "coalesce", "concat",
        "concat_ws", "count", "object_key", "first_value", "format", "format_text", "greatest",
        "grouping", "json_quoted", "lag", "last_value", "lead", "least", "max", "min", "nth_value",
        "nullif", "octet_length", "pg_typeof", "row", "rtrim",
    }
)  # fmt: skip

# Of those, what counts, compares, names a key or takes the blanks away.
_INDIFFERENT = frozenset({"count", "object_key", "grouping", "nullif", "pg_typeof", "rtrim"})
_PATTERNS = (exp.Like, exp.ILike, exp.RegexpLike, exp.RegexpILike, exp.SimilarTo)
_ITEMS = ("any", "all")
_COMPARING = (*_ITEMS, "array_position", "array_positions", "array_remove", "array_replace")
_KEPT_BY = (exp.DType.BPCHAR, exp.DType.VARBINARY)  # casts to them keep the blanks
_HEADER = 4  # PostgreSQL counts the bytes of a length word in the modifier


def pad_column(column: exp.Column, known: Types) -> None:
    """Fill a character(n) up with blanks where its value is taken as it is, in place."""
    if known.block is None or not _is_taken(column):
        return
    info = info_of_column(column, known.block)
    if info.type is _PADDED and info.typmod > _HEADER:
        length = exp.Literal.number(info.typmod - _HEADER)
        padded = exp.Anonymous(this="rpad", expressions=[column.copy(), length])
        padded.meta[GIVES] = _PADDED
        column.replace(padded)


def _is_taken(value: exp.Expr) -> bool:
    around = value.parent
    order = around.parent if isinstance(around, exp.Ordered) else None
    if order is not None and isinstance(order.this, exp.Distinct):  # it must be of what is given
        value, around = order, order.parent
    while isinstance(around, exp.Paren | exp.Distinct | exp.Alias) or (
        isinstance(around, exp.Order) and value.arg_key == "this"
    ):
        value, around = around, around.parent
    if isinstance(around, exp.Anonymous):
        return around.name in _AS_IT_IS and around.name not in _INDIFFERENT
    if isinstance(around, exp.Select):
        return value.arg_key == "expressions" and _is_value(around)
    if isinstance(around, exp.Cast):
        return _becomes_bytes(around) or (around.to.this in _KEPT_BY and not around.to.expressions)
    if isinstance(around, exp.Case):
        return value.arg_key == "default"
    if isinstance(around, exp.Array):  # any() compares with its items
        return not isinstance(around.parent, exp.Anonymous) or around.parent.name not in _ITEMS
    return (isinstance(around, exp.If) and value.arg_key == "true") or (
        isinstance(around, _PATTERNS) and value.arg_key == "this"
    )


def _is_value(query: exp.Select) -> bool:
    """Whether it is a subquery that stands for a value, or a branch of UNION ALL."""
    around = query.parent
    if isinstance(around, exp.Anonymous):
        return around.name == "array"
    if isinstance(around, exp.Union):
        return not around.args.get("distinct")
    if isinstance(around, exp.Subquery) and isinstance(around.parent, exp.Alias):
        around = around.parent
    return isinstance(around, exp.Subquery | exp.Alias) and around.arg_key == "expressions"


def unpad_sides(node: exp.Expr, known: Types) -> None:
    """Leave the blanks out of what is compared or joined to a text, in place.

    A quoted literal and a parameter that are compared with such a value are of its type.

    Raises:
        FeatureNotSupported: 0A000, an array of such values beside one.
    """
    sides: list[exp.Expr] = []
    for key in ("this", "expression", "low", "high", "expressions"):
        held = node.args.get(key)
        each = held if isinstance(held, list) else [held]
        sides += [value for value in each if isinstance(value, exp.Expr)]
    if not any(known.of(side) is _PADDED for side in sides):
        return
    joined = isinstance(node, exp.DPipe)
    if joined and any(known.of(side) is _ITEMS_PADDED for side in sides):
        raise FeatureNotSupported(
            "character beside an array of it is not supported",
            hint="Write array_append(array, value) or array_prepend(value, array).",
            position=position_of(node),
        )
    for side in sides:
        if side.is_string and not joined:
            side.set("this", side.name.rstrip(" "))
        elif isinstance(side, exp.Parameter) and not joined and known.of(side) is None:
            told = exp.Cast(this=side.copy(), to=exp.DataType(this=exp.DType.BPCHAR))
            side.replace(_trimmed(told))
        elif known.of(side) is _VARYING and not joined:
            side.replace(_trimmed(side))  # it becomes a character
        else:
            _unpad(side, known)


def unpad_arguments(node: exp.Anonymous, known: Types) -> None:
    """Leave the blanks out of what a function of texts is given, in place.

    Raises:
        FeatureNotSupported: 0A000, it compares with the items of an array, which have blanks.
    """
    if node.name in _COMPARING and any(
        known.of(value) is _ITEMS_PADDED
        and not (isinstance(value, exp.Array) and node.name in _ITEMS)
        for value in node.expressions
    ):
        raise FeatureNotSupported(
            "comparing with the items of an array of character is not supported",
            hint="Cast the values to text before they become items.",
            position=position_of(node),
        )
    if node.name not in _AS_IT_IS:
        for value in list(_given(node)):
            _unpad(value, known)


def _given(call: exp.Anonymous) -> Iterator[exp.Expr]:
    """The values of a call; with DISTINCT its order, too, which must be of them."""
    for value in call.expressions:
        order = value if isinstance(value, exp.Order) else None
        held = value if order is None else order.this
        if not isinstance(held, exp.Distinct):
            yield held
            continue
        yield from held.expressions
        if order is not None:
            yield from (item.this for item in order.expressions)


def unpad_cast(node: exp.Cast, known: Types) -> None:
    """Leave the blanks out of what becomes text, in place."""
    to = node.args["to"].this
    if not _becomes_bytes(node) and to in (exp.DType.TEXT, exp.DType.VARCHAR, exp.DType.NAME):
        _unpad(node.this, known)


def _becomes_bytes(text: exp.Cast) -> bool:
    """Whether it is the text of a cast to bytea, which has the blanks."""
    return isinstance(text.parent, exp.Anonymous) and text.parent.name == "bytes_of_text"


def _unpad(value: exp.Expr, known: Types) -> None:
    if known.of(value) is _PADDED:
        value.replace(_trimmed(value))


def _trimmed(value: exp.Expr) -> exp.Expr:
    trimmed = exp.Anonymous(this="rtrim", expressions=[value.copy()])
    trimmed.meta[GIVES] = _PADDED  # a parameter beside it is of that type
    return trimmed
