"""Arithmetic of numerics with all the digits that PostgreSQL gives, and none that are wrong.

The engine reads a literal with a point as a double, so `price * 1.1` would be one; it gives a
quotient and an average four digits more than their argument, and cuts the rest off. Beside a
numeric such a literal becomes a decimal, and quotients and averages are rounded to 20 digits after
the point. They are computed in 256 bits: 76 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlglot import exp

from gateway.sql.lowered.values.numeric_calls import compute_numeric, is_numeric_call
from gateway.sql.lowered.values.written import TEXTS
from gateway.sql.names.scope import Block, is_aggregate
from gateway.sql.text.building import whole_call
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import ByKind, own_nodes
from gateway.sql.types.inference import GIVES, Types, bare, numeric_beside
from gateway.sql.types.modifiers import UNTOLD
from gateway.sql.types.numerals import (
    OWN_SCALES,
    digits,
    is_exacting,
    is_point_literal,
    plain,
    point_literals,
)
from gateway.sql.types.numeric_forms import (
    MOST_SUMMED,
    ROUNDING,
    UNKNOWN_NUMERIC,
    factors,
    form_of,
    is_wide,
    kept_digits,
)
from gateway.sql.types.results import OF_NUMERICS
from gateway.sql.types.together import BESIDE, together, value_columns
from gateway.types import FLOAT4, FLOAT8, NUMERIC, TEXT, array_of

# PostgreSQL gives a quotient at least 16 significant digits: 20 after the point below 1.
_QUOTIENT = "Decimal256(76, 20)"
# The engine adds four digits to the scale of both, and cuts off what follows.
_DIVIDEND = "Decimal256(76, 30)"
_AVERAGED = "Decimal256(76, 26)"
_CUT = "Decimal256(76, 34)"

# On a quotient that clients see: each row has as many digits as PostgreSQL shows.
IS_SHOWN = "shown"

_AVERAGES = frozenset({"avg", "mean"})
_CHOSEN = frozenset({"greatest", "least", "nullif"})
_CALLS = _AVERAGES | ROUNDING | _CHOSEN | {"sum", "div"}
_TEXTUAL = (*TEXTS, exp.DType.ARRAY)
_MOST_ALIGNED = 100  # values of a list, each of which would be looked at
_NARROW = 38  # digits of a decimal of 128 bits

Change = Callable[[exp.Expr], None]

# Kinds of nodes of which one may be changed.
_CHANGED = ByKind((((*BESIDE.kinds, exp.Mul, exp.Values, exp.Literal, exp.Cast), True),))


def keep_numeric(tree: exp.Expr, block: Block | None) -> bool:
    """Write the arithmetic of numerics in one SELECT, or in VALUES, exactly; whether any was."""
    here = own_nodes(tree)
    if not any(map(_concerns, here)):
        return False
    types, here = Types(block), [node for node in reversed(here) if _CHANGED.of(type(node))]
    changes = [change for node in here for change in _changes(node, types)]
    changes += [(node, change) for node in here if (change := _aligned(node, types))]
    for node, change in changes:
        change(node)
    return bool(changes)


def mark_shown(tree: exp.Expr) -> None:
    """Note which quotients are columns of the result, and no two of which are put together."""
    if not isinstance(tree, exp.Select) or tree.args.get("distinct") is not None:
        return
    for output in tree.expressions:
        value = _uncast(output.unalias())
        if (type(value) is exp.Div or is_numeric_call(value)) and (
            not tree.args.get("group") or any(map(is_aggregate, own_nodes(value)))
        ):
            value.meta[IS_SHOWN] = True


def _uncast(value: exp.Expr) -> exp.Expr:
    """What is cast to a numeric without digits, which changes nothing of a numeric."""
    value = bare(value)
    while isinstance(value, exp.Cast) and value.to.this == exp.DType.DECIMAL:
        if value.to.expressions:
            break
        value = bare(value.this)
    return value


def _concerns(node: exp.Expr) -> bool:
    called = isinstance(node, exp.Anonymous) and node.name.lower() in _CALLS | OF_NUMERICS
    if isinstance(node, (*COMPARISONS, exp.Between, exp.In)):
        return True
    if type(node) is exp.Cast:
        return node.to.this in _TEXTUAL
    return called or type(node) in (exp.Div, exp.Mul) or is_point_literal(node)


def _told(scale: int | None) -> int:
    """Digits that a quotient surely shows: of a computed number nobody knows which are zeros."""
    if scale is None:
        return 0
    return min(scale, UNKNOWN_NUMERIC[1]) if scale in OWN_SCALES else scale


def _is_average(node: exp.Expr) -> bool:
    return (
        isinstance(node, exp.Anonymous)
        and node.name.lower() in _AVERAGES
        and len(node.expressions) == 1
    )


def _widened(node: exp.Expr, types: Types) -> Change | None:
    """What is to be done to a sum, a product, a whole quotient, a rounding or a text."""
    if isinstance(node, exp.Cast):
        trimmed = _trimmed(node, types)
        return None if trimmed is None else partial(_trim, name=trimmed)
    if type(node) is exp.Mul:
        return _lessened(node, types)
    if not isinstance(node, exp.Anonymous) or not node.expressions:
        return None
    name, given = node.name.lower(), node.expressions
    if name == "sum" and len(given) == 1 and types.of(given[0]) is NUMERIC:
        form = form_of(given[0], types)
        if form is not None and sum(form) > MOST_SUMMED:
            return partial(_sum, scale=form[1])
    if name == "div" and len(given) == 2 and NUMERIC in map(types.of, given):
        return partial(_rescale, scale=0, wide=any(is_wide(form_of(g, types)) for g in given))
    if name in ROUNDING and len(given) == 2 and types.of(given[0]) is NUMERIC:
        kept = kept_digits(given[1])
        if kept is not None:
            return partial(_rescale, scale=max(kept, 0), wide=is_wide(form_of(given[0], types)))
    return None


def _changes(node: exp.Expr, types: Types) -> Iterator[tuple[exp.Expr, Change]]:
    """What is to be done to one node, told before anything is done."""
    for group in [together(node), *value_columns(node)]:
        if not group or not numeric_beside(group, types):
            continue
        for side in group:
            for literal in point_literals(side):
                yield literal, as_decimal
    if isinstance(node, exp.Literal) and is_exacting(node) and not _is_of_doubles(node, types):
        yield node, as_decimal
    if type(node) is exp.Div and types.of(node) is NUMERIC:
        forms = [form_of(side, types) for side in (node.this, node.expression)]
        scales = [form[1] if form else None for form in forms]
        yield node, partial(_divide, least=max(map(_told, scales)), by=scales[1])
    elif is_numeric_call(node):
        yield node, partial(compute_numeric, shown=bool(node.meta_get(IS_SHOWN)))
    elif _is_average(node) and types.of(node.expressions[0]) is NUMERIC:
        yield node, _average
    elif (change := _widened(node, types)) is not None:
        yield node, change


def _lessened(node: exp.Mul, types: Types) -> Change | None:
    """What gives the sides of a product so many digits that it has room for theirs together."""
    forms = [form_of(side, types) for side in (node.this, node.expression)]
    if forms[0] is None or forms[1] is None or types.of(node) is not NUMERIC:
        return None
    least = factors(forms[0], forms[1])
    return None if least == (forms[0], forms[1]) else partial(_lessen, scales=[f[1] for f in least])


def _lessen(node: exp.Expr, scales: list[int]) -> None:
    for side, scale in zip((node.this, node.expression), scales, strict=True):
        _put(side, f"Decimal256(76, {scale})")


def _trimmed(cast: exp.Cast, types: Types) -> str | None:
    """What takes the zeros from the text of a numeric without digits, or of an array of them."""
    if cast.to.this in TEXTS and types.of(cast.this) is NUMERIC:
        form = form_of(cast.this, types)
        rounded = isinstance(bare(cast.this), exp.Anonymous) and bare(cast.this).name in ROUNDING
        own = form is None or (form[1] in OWN_SCALES and form[0] >= UNKNOWN_NUMERIC[0])
        return "trimmed_number" if own and not rounded else None
    if cast.to.this == exp.DType.ARRAY and types.of(cast.this) == array_of(NUMERIC):
        return "trimmed_numbers" if types.of(cast) == array_of(TEXT) else None
    return None


def _trim(cast: exp.Cast, name: str) -> None:
    whole = exp.Cast(this=cast.this, to=data_type("text[]" if name.endswith("s") else "text"))
    trimmed = exp.Anonymous(this=name, expressions=[whole])
    if name.endswith("s") or cast.to.this == exp.DType.TEXT:
        cast.replace(trimmed)
    else:
        cast.set("this", trimmed)


def _aligned(node: exp.Expr, types: Types) -> Change | None:
    """Casts of numerics that are compared to one type; None where the engine sees to it.

    It knows no type of two of which one has 256 bits, or that together have more than 38 digits.
    """
    named = isinstance(node, exp.Anonymous) and node.name.lower() in _CHOSEN
    if not (named or isinstance(node, (*COMPARISONS, exp.Between, exp.In))):
        return None
    array = _array_beside(node)
    if array is not None and types.of(array) == array_of(NUMERIC):
        return _as_wide_items
    if array is not None and types.of(node.this) is NUMERIC and _is_parameter(array):
        return _as_items
    sides = [side for side in together(node) if not isinstance(bare(side), exp.Null)]
    if len(sides) > _MOST_ALIGNED or not any(types.of(side) is NUMERIC for side in sides):
        return None
    forms = [form for side in sides if (form := form_of(side, types)) is not None]
    if len(forms) < len(sides) or len({form[1] for form in forms}) == 1:
        return None
    whole, scale = (max(form[part] for form in forms) for part in (0, 1))
    far = any(map(is_wide, forms)) or whole + scale > _NARROW
    return partial(_align, scale=scale) if far and whole + scale <= 2 * _NARROW else None


def _array_beside(node: exp.Expr) -> exp.Expr | None:
    """The array of `x = ANY (array)`."""
    other = node.args.get("expression")
    if not isinstance(other, exp.Anonymous) or other.name not in ("any", "some", "all"):
        return None
    return other.expressions[0] if other.expressions else None


def _is_parameter(array: exp.Expr) -> bool:
    array = bare(array)
    while isinstance(array, exp.Cast):
        array = bare(array.this)
    return isinstance(array, exp.Parameter)


def _as_wide_items(node: exp.Expr) -> None:
    """Give both sides digits enough for either: the engine compares none of other digits here."""
    for literal in point_literals(node.this):
        as_decimal(literal)
    array = node.expression.expressions[0]
    array.replace(_arrow(array.copy(), f"List({_DIVIDEND})"))
    node.set("this", _arrow(node.this, _DIVIDEND))


def _as_items(node: exp.Expr) -> None:
    """Give a numeric the digits that an array of them comes with."""
    cast = exp.Cast(this=node.this.copy(), to=data_type("decimal(38, 10)"))
    cast.meta[GIVES] = NUMERIC
    node.set("this", cast)


def _is_of_doubles(literal: exp.Literal, types: Types) -> bool:
    """Whether a literal becomes a double by what stands around it, or is cast already."""
    node: exp.Expr | None = literal.parent
    while node is not None and not isinstance(node, exp.Query | exp.Alias):
        if literal.is_int or (isinstance(node, exp.Cast) and types.of(node) is not TEXT):
            return True
        group = together(node)
        if any(types.of(side) in (FLOAT4, FLOAT8) for side in group):
            return True
        if isinstance(node, exp.Anonymous | exp.Pow) and types.of(node) is not NUMERIC:
            return types.of(node) in (FLOAT4, FLOAT8)
        node = node.parent
    return False


def as_decimal(literal: exp.Expr) -> None:
    """Put a decimal of its digits in the place of a literal with a point."""
    parent = literal.parent
    if isinstance(parent, exp.Cast) and parent.to.this == exp.DType.DECIMAL:
        return  # it stands beside several numerics, and one of them was first
    precision, scale = digits(literal.name)
    kind = data_type(f"decimal({precision}, {scale})")
    kind.meta[UNTOLD] = True
    literal.replace(exp.Cast(this=exp.Literal.string(plain(literal.name)), to=kind))


def _divide(node: exp.Expr, least: int, by: int | None) -> None:
    sides = [node.this.copy(), node.expression.copy()]
    node.set("this", _arrow(node.this, _DIVIDEND))
    if by is not None:
        # The engine would give it the digits after the point of the other, and need room for both.
        node.set("expression", _arrow(node.expression, f"Decimal256(76, {by})"))
    if not node.meta_get(IS_SHOWN):
        _put(node, _QUOTIENT)
        return
    floats = [
        exp.Anonymous(this="arrow_cast", expressions=[side, exp.Literal.string("Float64")])
        for side in sides
    ]
    parent, key, index = node.parent, node.arg_key, node.index
    given = [_arrow(node, _CUT), *floats, exp.Literal.number(least)]
    shown = exp.Anonymous(this="shown_quotient", expressions=given)
    shown.meta[GIVES] = NUMERIC
    if parent is not None and key is not None:
        parent.set(key, shown, index)


def _align(node: exp.Expr, scale: int) -> None:
    for side in together(node):
        if not isinstance(bare(side), exp.Null):
            _put(side, f"Decimal256(76, {scale})")


def _sum(node: exp.Expr, scale: int) -> None:
    _argument(node, f"Decimal256(76, {scale})")


def _rescale(node: exp.Expr, scale: int, wide: bool) -> None:
    """Give what was rounded the digits it has now: the engine plans with those it had."""
    _put(node, f"Decimal256(76, {scale})" if wide else f"Decimal128(38, {scale})")


def _average(node: exp.Expr) -> None:
    _argument(node, _AVERAGED)
    _put(whole_call(node), _QUOTIENT)


def _argument(call: exp.Expr, kind: str) -> None:
    argument = call.expressions[0]
    if isinstance(argument, exp.Distinct):
        call, argument = argument, argument.expressions[0]
    call.set("expressions", [_arrow(argument, kind)])


def _put(node: exp.Expr, kind: str) -> None:
    parent, key, index = node.parent, node.arg_key, node.index
    cast = _arrow(node, kind)
    if parent is not None and key is not None:
        parent.set(key, cast, index)


def _arrow(value: exp.Expr, kind: str) -> exp.Expr:
    """A cast to a type that SQL has no word for here."""
    call = exp.Anonymous(this="arrow_cast", expressions=[value, exp.Literal.string(kind)])
    call.meta[GIVES] = NUMERIC
    return call
