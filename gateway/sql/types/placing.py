"""What the place of a parameter says of its type: PostgreSQL's rules, a row each.

PostgreSQL manual, 10.2 to 10.5: a parameter of unknown type takes the type of the other side of an
operator, of the other alternatives, or of the argument that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp

from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.types.address_rows import ADDRESS_ARGUMENTS
from gateway.sql.types.results import common_type
from gateway.sql.types.signatures import UNKNOWN, meant, signatures
from gateway.types import (
    BOOL,
    BY_NAME,
    BYTEA,
    FLOAT8,
    INT4,
    INT8,
    INTERVAL,
    NUMERIC,
    TEXT,
    Type,
    array_of,
    by_name,
)

TypeOf = Callable[[exp.Expr], Type | None]
Told = Iterator[Type | None]

# Beside a value of these, text is what PostgreSQL compares.
_AS_TEXT = frozenset({"varchar"})
_MOMENTS = frozenset({"date", "timestamp", "timestamptz"})

# Arguments of functions without signatures, in order; the last goes for all that follow. None: it
# is not told.
ARGUMENTS: dict[str, tuple[Type | None, ...]] = {
    **ADDRESS_ARGUMENTS,
    **dict.fromkeys(("signum", "percentile_cont"), (FLOAT8,)),
    **dict.fromkeys(
        ("position", "trim", "concat", "concat_ws", "to_date_text", "to_timestamp_text",
         "to_number_text"),
        (TEXT,),
    ),
    **dict.fromkeys(("to_char_timestamp", "to_char_timestamptz", "to_char_bigint",
                     "to_char_double", "to_char_integer", "to_char_numeric", "to_char_real"),
                    (None, TEXT)),
    **dict.fromkeys(("array_length", "array_upper", "array_lower"), (None, INT4)),
    "array_to_string": (None, TEXT),
    "ntile": (INT4,),
    "trunc": (NUMERIC, INT4),
    **dict.fromkeys(("nextval", "currval", "setval"), (by_name("regclass"), INT8, BOOL)),
    "bytes_rest": (BYTEA, INT4),
    "bytes_part": (BYTEA, INT4, INT4),
    "nth_value": (None, INT4),
    "lag": (None, INT4, None),
    "lead": (None, INT4, None),
    "width_bucket": (FLOAT8, FLOAT8, FLOAT8, INT4),
}  # fmt: skip

_ALTERNATIVES = frozenset(
    {"coalesce", "greatest", "least", "nvl", "ifnull", "nullif", "mod", "gcd", "lcm",
     "generate_series"}
)  # fmt: skip
_QUANTIFIERS = frozenset({"any", "some", "all"})

# A parameter on either side of these is text, whatever the other side is.
_TEXTUAL = (exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike)
_SHIFTS = (exp.BitwiseLeftShift, exp.BitwiseRightShift)
_OF_ARRAYS = (exp.ArrayContainsAll, exp.ArrayContainedBy, exp.ArrayOverlaps)
_ARITHMETIC = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor,
)  # fmt: skip
# Functions of an array and an item of it: the place of the array.
_OF_ITEMS = {
    "array_append": 0, "array_prepend": 1, "array_remove": 0, "array_position": 0,
    "array_positions": 0, "array_replace": 0,
}  # fmt: skip


def told_by_place(node: exp.Expr, type_of: TypeOf) -> Told:
    """The types that the surroundings of `node`, which stands for a parameter, ask of it."""
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg | exp.Alias):
        node, parent = parent, parent.parent
    tell = next((tell for kinds, tell in _PLACES if isinstance(parent, kinds)), None)
    if tell is not None and parent is not None:
        yield from tell(node, parent, type_of)


def _always(kind: Type) -> Callable[[exp.Expr, exp.Expr, TypeOf], Told]:
    return lambda node, parent, type_of: iter((kind,))


def _other_side(node: exp.Expr, parent: exp.Expr) -> exp.Expr:
    other: exp.Expr = parent.expression if parent.this is node else parent.this
    return other


def _compared(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    yield _comparable(_of_side(_other_side(node, parent), type_of))


def _of_side(side: exp.Expr, type_of: TypeOf) -> Type | None:
    """Its type; of `ANY (array)`, that of an element."""
    if isinstance(side, exp.Anonymous) and side.name.lower() in _QUANTIFIERS and side.expressions:
        array = type_of(side.expressions[0])
        return None if array is None else array.element
    return None if isinstance(side.unnest(), exp.Parameter) else type_of(side)


def _comparable(kind: Type | None) -> Type | None:
    return TEXT if kind is not None and kind.name in _AS_TEXT else kind


def _calculated(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    """The other side's type, but beside dates and times (manual, table 9.32)."""
    other = _of_side(_other_side(node, parent), type_of)
    if other is INTERVAL and isinstance(parent, exp.Mul | exp.Div):
        other = FLOAT8
    elif other is not None and other.name in (*_MOMENTS, "time") and isinstance(parent, exp.Add):
        other = INTERVAL
    yield other


def _joined(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    """Beside bytes, JSON or an array of that kind; else text."""
    other = _of_side(_other_side(node, parent), type_of)
    own = other is not None and (other.name in ("bytea", "jsonb") or other.element is not None)
    yield other if own else TEXT


def _raised(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    yield NUMERIC if _of_side(_other_side(node, parent), type_of) is NUMERIC else FLOAT8


def _tested(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    """IS TRUE and its like; NULL says nothing."""
    yield BOOL if isinstance(parent.expression, exp.Boolean) else None


def _among(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    """BETWEEN and IN: what all of a list have in common, or whatever else stands there."""
    if isinstance(parent, exp.In) and node is parent.this:
        yield from map(_comparable, _others(parent.expressions, node, type_of))
    if node is not parent.this and not isinstance(parent.this.unnest(), exp.Parameter):
        yield _comparable(_of_side(parent.this, type_of))
    sides = [parent.this, parent.args.get("low"), parent.args.get("high"), *parent.expressions]
    for side in sides:
        if side is not None and side is not node:
            yield _comparable(_of_side(side, type_of))


def _others(values: Sequence[exp.Expr], node: exp.Expr, type_of: TypeOf) -> Told:
    """What the other alternatives have in common, or the first has; a quoted literal comes last."""
    others = [value for value in values if value is not node and not isinstance(value, exp.Null)]
    kinds = [_of_side(value, type_of) for value in others if not value.is_string]
    yield common_type([kind for kind in kinds if kind is not None])
    for value in sorted(others, key=lambda each: each.is_string):
        yield _of_side(value, type_of)


def _argument(node: exp.Expr, call: exp.Expr, type_of: TypeOf) -> Told:
    name = call.name.lower()
    if name in _QUANTIFIERS:
        yield from _array_beside(call, type_of)
    elif name in _ALTERNATIVES:
        yield from _others(call.expressions, node, type_of)
    elif name in _OF_ITEMS and len(call.expressions) > _OF_ITEMS[name]:
        array = call.expressions[_OF_ITEMS[name]]
        if array is not node:
            kind = _of_side(array, type_of)
            yield None if kind is None else kind.element
    elif name in ("array_cat", "array_has_any", "array_has_all"):
        yield from _others(call.expressions, node, type_of)
    else:
        place, row = call.expressions.index(node), ARGUMENTS.get(name, (None,))
        yield _taken(call, place, type_of) or row[min(place, len(row) - 1)]


def _taken(call: exp.Expr, place: int, type_of: TypeOf) -> Type | None:
    """What the function that is meant takes there."""
    if call.name not in signatures():
        return None
    kinds = [_of_side(each, type_of) for each in call.expressions]
    untold = [isinstance(each, exp.Null) or each.is_string for each in call.expressions]
    names = [
        UNKNOWN if none or kind is None else kind.name
        for none, kind in zip(untold, kinds, strict=True)
    ]
    exact = ["numeric" if each == "float8" else each for each in names]  # as a literal's point is
    found = {each.takes[place] for each in meant(call.name, names) or meant(call.name, exact)}
    return BY_NAME.get(found.pop()) if len(found) == 1 else None


def _array_beside(call: exp.Expr, type_of: TypeOf) -> Told:
    """`x = ANY ($1)`: an array of what it is compared with."""
    comparison = call.parent
    if isinstance(comparison, COMPARISONS):
        if isinstance(_other_side(call, comparison).unnest(), exp.Parameter):
            yield array_of(TEXT)
        kind = _comparable(_of_side(_other_side(call, comparison), type_of))
        yield None if kind is None or not kind.array_oid else array_of(kind)


def _branch(node: exp.Expr, branch: exp.Expr, type_of: TypeOf) -> Told:
    """WHEN: a truth value, or the like of what CASE looks at; THEN: the other values."""
    case = branch.parent
    if not isinstance(case, exp.Case):
        return
    if node.arg_key == "this":
        yield BOOL if case.this is None else _comparable(_of_side(case.this, type_of))
    else:
        yield from _value(node, case, type_of)


def _value(node: exp.Expr, case: exp.Expr, type_of: TypeOf) -> Told:
    if node is case.this:
        values = [branch.this for branch in case.args["ifs"]]
    else:
        default = case.args.get("default")
        values = [branch.args["true"] for branch in case.args["ifs"]]
        values += [default] if default is not None else []
    yield from _others(values, node, type_of)


def _row(node: exp.Expr, row: exp.Expr, type_of: TypeOf) -> Told:
    """VALUES: what the other rows have in the same column."""
    values = row.parent
    if isinstance(values, exp.Values):
        place = row.expressions.index(node)
        rows = [each.expressions for each in values.expressions]
        yield from _others([each[place] for each in rows if len(each) > place], node, type_of)


def _items(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    yield from _others(parent.expressions, node, type_of)


def _index(node: exp.Expr, parent: exp.Expr, type_of: TypeOf) -> Told:
    if parent.this is not node:
        base = parent
        while isinstance(base, exp.Bracket):
            base = base.this
        yield TEXT if base is not parent and type_of(base) is by_name("jsonb") else INT4


# The first row that fits tells.
_PLACES: tuple[tuple[tuple[type[exp.Expr], ...], Callable[..., Told]], ...] = (
    ((exp.Limit, exp.Offset, exp.Fetch), _always(INT8)),
    (_TEXTUAL, _always(TEXT)),
    ((exp.Any, exp.All), _always(array_of(TEXT))),  # of LIKE; others are calls by now
    ((exp.DPipe,), _joined),
    (_OF_ARRAYS, _compared),
    ((exp.Pow,), _raised),
    (_SHIFTS, _always(INT4)),
    ((exp.Is,), _tested),
    ((exp.And, exp.Or, exp.Not, exp.Where, exp.Having, exp.Join), _always(BOOL)),
    (COMPARISONS, _compared),
    (_ARITHMETIC, _calculated),
    ((exp.Between, exp.In), _among),
    ((exp.Anonymous,), _argument),
    ((exp.If,), _branch),
    ((exp.Case,), _value),
    ((exp.Tuple,), _row),
    ((exp.Array,), _items),
    ((exp.Bracket, exp.Slice), _index),
)
