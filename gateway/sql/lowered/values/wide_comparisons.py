"""Comparisons of values that the engine compares by their form: intervals, jsonb and enums.

A month is 30 days and a day 24 hours (manual, 9.9); 1 and 1.0 are one jsonb. The engine compares an
interval's months first, and jsonb and the labels of enums as texts. `= ANY` of an array that holds
NULL is NULL where it is true of no element, which matters where NULL is not as good as false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeGuard

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.lowered.values.addresses import address_key, choose_address
from gateway.sql.lowered.values.array_order import array_key, holds_no_null, holds_null
from gateway.sql.lowered.values.not_numbers import fold_given, fold_sign
from gateway.sql.lowered.values.padded import unpad_sides
from gateway.sql.lowered.values.quantified import is_condition
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BOOL, BY_NAME, INET, INT4, INT8, INTERVAL, TEXT, Type, array_of

Key = Callable[[exp.Expr], exp.Expr]

_JSONB = BY_NAME["jsonb"]
_COMPARED = "compared_key"
COMPARED = (*COMPARISONS, exp.In, exp.Between)
OF_ARRAYS = (exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArrayOverlaps)
_EXTREMES = ("greatest", "least")
_EQUALITY = (exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ)
_ORDERING = (exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between)


def compare(node: exp.Expr, known: Types) -> None:
    """Write a comparison, which is of a kind of `COMPARED`, as PostgreSQL means it, in place."""
    unpad_sides(node, known)
    compare_widely(node, known)


def compare_widely(node: exp.Expr, known: Types) -> None:
    """Write a comparison of intervals or of jsonb as one of what they come to, in place."""
    sides = _sides(node)
    kinds = [known.of(side) for side in sides]
    if INTERVAL in kinds:
        _compare_keys(node, sides, INTERVAL)
    elif _JSONB in kinds and isinstance(node, (*COMPARISONS, exp.In, exp.Between)):
        _compare_keys(node, sides, _JSONB)
    elif isinstance(node, _ORDERING) and INET in kinds:
        _compare_keys(node, sides, INET)
    elif isinstance(node, _ORDERING) and (enum := _enum_of(kinds)) is not None:
        _compare_keys(node, sides, enum)
    elif isinstance(node, COMPARISONS) and _is_any(node.expression):
        fold_sign(node.this, known)
        _among(node)
    elif (array := _array_of(kinds)) is not None and (
        isinstance(node, _ORDERING) or (isinstance(node, _EQUALITY) and _is_odd(array))
    ):
        _compare_arrays(node, array, known)
    else:
        for side in sides:
            fold_sign(side, known)
            fold_given(side, known)
        fold_given(node.args.get("query"), known)


def _enum_of(kinds: Sequence[Type | None]) -> Type | None:
    """The enum of which one of these is.

    Raises:
        FeatureNotSupported: 0A000, arrays of enums, whose order the engine has not.
    """
    elements = [kind.element for kind in kinds if kind is not None]
    if any(element is not None and element.is_enum for element in elements):
        raise no_array_order()
    return next((kind for kind in kinds if kind is not None and kind.is_enum), None)


def _array_of(kinds: Sequence[Type | None]) -> Type | None:
    return next((kind for kind in kinds if kind is not None and kind.element is not None), None)


def _is_odd(array: Type) -> bool:
    """Whether equal items of such arrays may differ in form."""
    return array.element is not None and array.element.name in KEYS


def _compare_arrays(node: exp.Expr, array: Type, known: Types) -> None:
    for side in _sides(node):
        side.replace(array_key(side, array, known))


def no_array_order(kind: Type | None = None) -> FeatureNotSupported:
    """The refusal to say which of two arrays of an enum is the greater."""
    what = "inet" if kind is INET else "an enum"
    return FeatureNotSupported(
        f"the order of arrays of {what} is not supported", hint="Compare their items."
    )


def _sides(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        return [node.this, *node.expressions]
    return [node.this, node.expression]


def _compare_keys(node: exp.Expr, sides: Sequence[exp.Expr], kind: Type) -> None:
    """Compare the sides' keys; a query's is taken inside it, where it gives its rows."""
    key = key_of(kind)
    assert key is not None
    query = node.args.get("query")
    for side in [*sides, *([query] if query is not None else [])]:
        within = side.this if isinstance(side, exp.Any | exp.All) else side
        if isinstance(within, exp.Query):
            for item in _given(within):
                named = isinstance(item.parent, exp.Select) and item.parent.args.get("order")
                name = item.alias_or_name if named else _COMPARED
                item.replace(exp.alias_(key(item.unalias()), name, quoted=True))
        elif _is_listed(side):
            _compare_items(side.expressions[0], kind, key)
        elif within is not side:
            return
        else:
            side.replace(key(side))
    if _is_any(node.args.get("expression")):
        _among(node)


def _compare_items(array: exp.Expr, kind: Type, key: Key) -> None:
    """Put the keys of its items into the place of an array, or into it."""
    written = array.unnest()
    if isinstance(written, exp.Array):
        for item in list(written.expressions):
            item.replace(key(item))
    elif kind.is_enum or kind is INET:
        raise no_array_order(kind)
    else:
        array.replace(item_keys(array, kind))


def item_keys(array: exp.Expr, kind: Type) -> exp.Expr:
    """The array of what its items, of a type of `KEYS`, are compared by."""
    given = exp.Cast(this=array.copy(), to=data_type(array_of(kind)))
    call = exp.Anonymous(this=_ITEM_KEYS[kind.name], expressions=[given])
    call.meta[GIVES] = array_of(INT8 if kind is INTERVAL else TEXT)
    return call


def _given(query: exp.Expr) -> Iterator[exp.Expr]:
    """The one item of each SELECT that gives a query's rows."""
    if isinstance(query, exp.Select):
        yield from query.expressions[:1]
    elif isinstance(query, exp.SetOperation):
        yield from _given(query.this)
        yield from _given(query.expression)
    elif isinstance(query, exp.Subquery):
        yield from _given(query.this)


def length_of(value: exp.Expr) -> exp.Expr:
    """An interval's length in microseconds."""
    kind = data_type("interval")
    given = exp.Cast(this=value.copy(), to=kind)
    call = exp.Anonymous(this="interval_length", expressions=[given])
    call.meta[GIVES] = INT8
    return call


def json_key(value: exp.Expr) -> exp.Expr:
    """A text whose order is that of jsonb."""
    kind = data_type("jsonb")
    given = exp.Cast(this=value.copy(), to=kind) if value.is_string else value.copy()
    call = exp.Anonymous(this="json_key", expressions=[given])
    call.meta[GIVES] = TEXT
    return call


def place_of_label(kind: Type, value: exp.Expr) -> exp.Expr:
    """Which of an enum's labels a value is, counted from 1; NULL of NULL."""
    if not kind.labels:
        return exp.Cast(this=exp.Null(), to=data_type("int"))
    ifs = [
        exp.If(this=exp.Literal.string(label), true=exp.Literal.number(place))
        for place, label in enumerate(kind.labels, 1)
    ]
    label = exp.Cast(this=value.copy(), to=data_type(kind))  # also of a NULL and a parameter
    case = exp.Case(this=label, ifs=ifs)
    case.meta[GIVES] = INT4
    return exp.paren(case, copy=False)


def share_elements(node: exp.Expr, known: Types) -> None:
    """`&&`, `@>`, `<@` of arrays: a NULL is like no other element, in place."""
    kinds = [known.of(node.this), known.of(node.expression)]
    array = _array_of(kinds)
    if array is None:
        return
    if array.element is not None and _is_odd(array):
        keys = [item_keys(side, array.element) for side in (node.this, node.expression)]
        node.set("this", keys[0])
        node.set("expression", keys[1])
        array = keys[0].meta[GIVES]
    if isinstance(node, exp.ArrayOverlaps):
        if not any(map(holds_no_null, (node.this, node.expression))):
            node.this.replace(_without_null(node.this, array))
        ifs = []
    else:
        part = node.expression if isinstance(node, exp.ArrayContainsAll) else node.this
        ifs = [] if holds_no_null(part) else [exp.If(this=holds_null(part), true=exp.false())]
    # Of an array that is NULL and an empty one the engine says false.
    absent = [
        exp.Is(this=exp.paren(side.copy()), expression=exp.Null())
        for side in (node.this, node.expression)
        if not isinstance(side.unnest(), exp.Array)
    ]
    if absent:
        nothing = absent[0] if len(absent) == 1 else exp.Or(this=absent[0], expression=absent[1])
        ifs.insert(0, exp.If(this=nothing, true=exp.Null()))
    if ifs:
        case = exp.Case(ifs=ifs, default=node.copy())
        case.meta[GIVES] = BOOL
        node.replace(exp.paren(case, copy=False))


def _without_null(array: exp.Expr, kind: Type) -> exp.Expr:
    wanted = data_type(kind)
    nothing = exp.Cast(this=exp.Array(expressions=[exp.Null()]), to=wanted)
    return exp.Anonymous(this="array_except", expressions=[array.copy(), nothing])


def _is_any(side: exp.Expr | None) -> TypeGuard[exp.Anonymous]:
    return _is_listed(side) and side.name != "all"


def _is_listed(side: exp.Expr | None) -> TypeGuard[exp.Anonymous]:
    words = ("any", "some", "all")
    return isinstance(side, exp.Anonymous) and side.name in words and bool(side.expressions)


def _among(node: exp.Expr) -> None:
    """x = ANY (array) as a value: NULL where it is true of no element and one is NULL."""
    array = node.expression.expressions[0]
    bare = array.unnest()
    if isinstance(bare, exp.Query) or is_condition(node, negated=False):
        return
    if holds_no_null(array):
        return
    unknown = holds_null(array)
    found = exp.If(this=node.copy(), true=exp.true())
    ifs = [found, exp.If(this=unknown, true=exp.Null())]
    none = exp.Is(this=exp.paren(node.this.copy()), expression=exp.Null())
    absent = exp.Is(this=exp.paren(array.copy()), expression=exp.Null())
    case = exp.Case(ifs=ifs, default=exp.false())
    unknown_side = exp.Or(this=none, expression=absent)
    items = exp.Anonymous(this="cardinality", expressions=[array.copy()])
    empty = exp.EQ(this=items, expression=exp.Literal.number(0))
    case.args["ifs"].append(exp.If(this=empty, true=exp.false()))
    case.args["ifs"].append(exp.If(this=unknown_side, true=exp.Null()))
    case.meta[GIVES] = BOOL
    node.replace(exp.paren(case, copy=False))


def choose_widely(node: exp.Anonymous, known: Types) -> None:
    """greatest, least, max and min of intervals by their lengths, enums, reals, in place."""
    kind = known.of(node) if node.name in _EXTREMES else _argument(node, known)
    if kind is not None and kind.element is not None and node.name in _EXTREMES:
        _choose_array(node, kind, known)
        return
    chosen = node.name in _EXTREMES and kind is _JSONB
    keyed = kind is not None and (kind in (INTERVAL, INET) or kind.is_enum or chosen)
    key = key_of(kind) if kind is not None and keyed else None
    if node.name in _EXTREMES:
        for value in list(node.expressions):
            fold_sign(value, known)
    if key is None or kind is None:
        return
    if node.name in _EXTREMES:
        found, *others = node.expressions
        for other in others:
            above = exp.GTE if node.name == "greatest" else exp.LTE
            found = _chosen(found, other, above(this=key(found), expression=key(other)))
        found.meta[GIVES] = kind
        node.replace(found)
    elif node.name in ("max", "min") and len(node.expressions) == 1:
        held = node.parent.parent if isinstance(node.parent, exp.Filter) else node.parent
        if isinstance(held, exp.Window):
            _choose_in_window(node, held, kind)
            return
        value = node.expressions[0]
        if isinstance(value, exp.Distinct):
            value = value.expressions[0]
        by = exp.Ordered(this=key(value), desc=node.name == "max", nulls_first=False)
        node.set("this", "first_value")
        node.set("expressions", [exp.Order(this=value.copy(), expressions=[by])])
        node.meta[GIVES] = kind


def _choose_in_window(call: exp.Anonymous, window: exp.Window, kind: Type) -> None:
    """The interval of the greatest or least text of those that sort as intervals do, in place.

    Of an enum the label of the greatest or least place.
    """
    if kind.is_enum:
        call.set("expressions", [place_of_label(kind, call.expressions[0])])
        case = exp.Case(default=exp.Null())
        case.meta[GIVES] = kind
        window.replace(case)
        case.set("this", window)
        for place, label in enumerate(kind.labels, 1):
            at = exp.Literal.number(place)
            case.append("ifs", exp.If(this=at, true=exp.Literal.string(label)))
        return
    if kind is INET:
        choose_address(call, window)
        return
    given = exp.Cast(this=call.expressions[0].copy(), to=data_type("interval"))
    call.set("expressions", [exp.Anonymous(this="interval_key", expressions=[given])])
    chosen = exp.Anonymous(this="interval_of_key")
    chosen.meta[GIVES] = INTERVAL
    window.replace(chosen)
    chosen.set("expressions", [window])


def _argument(call: exp.Anonymous, known: Types) -> Type | None:
    """The type of what min or max is of."""
    value = call.expressions[0] if len(call.expressions) == 1 else None
    if isinstance(value, exp.Distinct):
        value = value.expressions[0]
    return None if value is None or call.name not in ("max", "min") else known.of(value)


def _choose_array(node: exp.Anonymous, kind: Type, known: Types) -> None:
    """greatest and least of arrays, where NULL may be among their items, in place."""
    found, *others = node.expressions
    above = exp.GTE if node.name == "greatest" else exp.LTE
    for other in others:
        sides = [array_key(each, kind, known) for each in (found, other)]
        found = _chosen(found, other, above(this=sides[0], expression=sides[1]))
    found.meta[GIVES] = kind
    node.replace(found)


def _chosen(one: exp.Expr, other: exp.Expr, above: exp.Expr) -> exp.Expr:
    """Of two values the one that is there, the first where `above` holds."""
    none = [exp.Is(this=exp.paren(each.copy()), expression=exp.Null()) for each in (one, other)]
    ifs = [
        exp.If(this=none[0], true=other.copy()),
        exp.If(this=none[1], true=one.copy()),
        exp.If(this=above, true=one.copy()),
    ]
    return exp.Case(ifs=ifs, default=other.copy())


def key_of(kind: Type) -> Key | None:
    """What values of a type are compared and sorted by; None: by themselves."""
    if kind is INET:
        return address_key
    return partial(place_of_label, kind) if kind.is_enum else KEYS.get(kind.name)


# A type whose equal values may differ in form -> the key by which they are compared.
KEYS = {"interval": length_of, "jsonb": json_key}
_ITEM_KEYS = {"interval": "interval_lengths", "jsonb": "json_item_keys"}
KEY_FUNCTIONS = frozenset({"interval_length", "json_key"})
