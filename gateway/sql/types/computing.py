"""Operators that compute: which types they take, and what a quoted literal or NULL beside one is.

PostgreSQL manual, 10.2. Only what is known is judged: an expression whose type cannot be told goes
to the engine, which would compare an integer with a text as texts and round the sides of `&`.

Of texts: an enum is none, so it is not matched; and an array is joined to what its items may be.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.errors import AmbiguousFunction, UndefinedFunction
from gateway.sql.names.scope import place_of
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied
from gateway.sql.types.inference import Types, is_untyped
from gateway.sql.types.numerals import is_pointed
from gateway.sql.types.numerics_as_doubles import is_derived, written_type
from gateway.types import (
    DATE,
    FLOAT8,
    FLOATING,
    INET,
    INTEGER,
    INTERVAL,
    NUMERIC,
    STRINGS,
    Type,
)

# The types that are judged, by what they are compared and computed with.
_FAMILIES = {
    **dict.fromkeys((*INTEGER, *FLOATING, "numeric"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar"), "text"),
    **dict.fromkeys(("timestamp", "timestamptz"), "moment"),
    **{name: name for name in ("bool", "date", "time", "interval", "uuid", "inet")},
}
COMPUTED: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.Pow: "^",
}  # fmt: skip
BITWISE: dict[type[exp.Expr], str] = {
    exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "#",
    exp.BitwiseLeftShift: "<<", exp.BitwiseRightShift: ">>",
}  # fmt: skip
# Operators of pg_operator between two families, but for those of numbers alone.
_OPERATORS = frozenset(
    {
        "date + number", "number + date", "date - number", "date - date", "date + interval",
        "interval + date", "date - interval", "date + time", "time + date", "date - moment",
        "moment - date", "moment + interval", "interval + moment", "moment - interval",
        "moment - moment", "interval + interval", "interval - interval", "interval * number",
        "number * interval", "interval / number", "time + interval", "interval + time",
        "time - interval", "time - time",
    }
)  # fmt: skip
_DAYS = frozenset({"int2", "int4"})  # what is added to a date
# What a quoted literal, or NULL, beside one of a family is; None: the same as the other side.
_LITERALS: dict[tuple[str, str], Type | None] = {
    ("moment", "+"): INTERVAL, ("moment", "-"): None, ("time", "+"): INTERVAL, ("time", "-"): None,
    ("date", "-"): None, ("interval", "+"): INTERVAL, ("interval", "-"): INTERVAL,
    ("interval", "*"): FLOAT8, ("interval", "/"): FLOAT8,
}  # fmt: skip
# What has no type of its own; beside a date it may be an integer, a time or an interval.
_OPEN = (exp.Parameter, exp.Null)
HINT = (
    "No operator matches the given name and argument types. You might need to add explicit type "
    "casts."
)
_HINT_OF_ONE = (
    "No operator matches the given name and argument type. You might need to add an explicit type "
    "cast."
)


def family(known: Type | None) -> str | None:
    """What a type is computed with; None where it is not judged."""
    if known is not None and known.is_enum:  # each enum is by itself
        return f"enum {known.oid}"
    return None if known is None else _FAMILIES.get(known.name)


def cast_literal(literal: exp.Expr, kind: Type) -> exp.Expr:
    """Let a literal be one of that type, in place; the cast."""
    cast = exp.Cast(this=copied(literal), to=data_type(kind))
    literal.replace(cast)
    return cast


def no_operator(
    node: exp.Expr, types: Sequence[Type | str | None], operator: str
) -> UndefinedFunction:
    """PostgreSQL's refusal of an operator between two types."""
    left, right = (
        each if isinstance(each, str) else each.sql for each in types if each is not None
    )
    return UndefinedFunction(
        f"operator does not exist: {left} {operator} {right}",
        hint=HINT,
        position=place_of(node),
    )


def check_computed(node: exp.Expr, known: Types) -> None:
    """Refuse sides that no operator takes; a quoted literal gets its type, in place.

    Raises:
        UndefinedFunction: 42883. AmbiguousFunction: 42725.
    """
    sides, operator = [node.this, node.expression], COMPUTED[type(node)]
    if all(is_untyped(side.unnest()) for side in sides):
        raise _ambiguous(node, f"unknown {operator} unknown")
    if operator == "%":
        _check_remainder(node, known)
    for side, other in (sides, sides[::-1]):
        untold = side.is_string or isinstance(side, exp.Null)
        kind = known.of(other) if untold else None
        if kind is not None and _family_takes_literal(node, side, kind, other):
            return
        if operator == "+" and isinstance(side.unnest(), _OPEN) and known.of(other) is DATE:
            raise _ambiguous(node, " + ".join(_shown(node, side, DATE)))
    if any(is_untyped(side.unnest()) for side in sides):
        return
    types = [known.of(side) for side in sides]
    left, right = map(family, types)
    odd = any(kind is not None and kind.element is not None for kind in types)
    if odd and None not in types and not any(k and k.name == "jsonb" for k in types):
        raise no_operator(node, types, operator)
    if None in (left, right) or left == right == "number":
        return
    wide = {left, right} == {"date", "number"} and not _DAYS & {k.name for k in types if k}
    if wide or f"{left} {operator} {right}" not in _OPERATORS:
        raise no_operator(node, types, operator)


def _check_remainder(node: exp.Expr, known: Types) -> None:
    """There is no remainder of reals."""
    sides = [side.unnest() for side in (node.this, node.expression)]
    kinds = [None if is_untyped(side) else written_type(side, known) for side in sides]
    told = all(kind or is_untyped(side) for kind, side in zip(kinds, sides, strict=True))
    real = any(kind is not None and kind.name in FLOATING for kind in kinds)
    if told and real and not is_derived(node):
        raise no_operator(node, [kind or "unknown" for kind in kinds], "%")


def _family_takes_literal(node: exp.Expr, side: exp.Expr, kind: Type, other: exp.Expr) -> bool:
    """Whether a literal was given the type that it has beside one of `kind`."""
    of, operator = family(kind), COMPUTED[type(node)]
    if of is None or (of == "number" and isinstance(side, exp.Null)):
        return False
    if of == "number":
        cast_literal(side, NUMERIC if is_pointed(other) else kind)
        return True
    shown = _shown(node, side, kind)
    if (of, operator) == ("date", "+"):
        raise _ambiguous(node, " + ".join(shown))
    if (of, operator) not in _LITERALS or (operator == "/" and node.expression is not side):
        raise no_operator(node, shown, operator)
    cast_literal(side, _LITERALS[of, operator] or kind)
    return True


def _shown(node: exp.Expr, side: exp.Expr, kind: Type) -> list[str]:
    """The types on both sides of an operator; that of `side` is not known."""
    return [kind.sql, "unknown"] if node.expression is side else ["unknown", kind.sql]


def _ambiguous(node: exp.Expr, shown: str) -> AmbiguousFunction:
    return AmbiguousFunction(
        f"operator is not unique: {shown}",
        hint="Could not choose a best candidate operator. You might need to add explicit type "
        "casts.",
        position=place_of(node),
    )


def check_negated(node: exp.Expr, known: Types) -> None:
    """Refuse to negate what is no number.

    Raises:
        UndefinedFunction: 42883.
    """
    kind = None if is_untyped(node.this.unnest()) else known.of(node.this)
    if kind is not None and family(kind) not in (None, "number", "interval"):
        raise UndefinedFunction(
            f"operator does not exist: - {kind.sql}", hint=HINT, position=place_of(node)
        )


def check_bits(node: exp.Expr, known: Types) -> None:
    """Refuse operators on bits of anything but integers.

    Raises:
        UndefinedFunction: 42883.
    """
    if isinstance(node, exp.BitwiseNot):
        kind = NUMERIC if is_pointed(node.this) else known.of(node.this)
        if family(kind) is not None and not _is_whole(kind):
            shown = kind.sql if kind is not None else ""
            raise UndefinedFunction(
                f"operator does not exist: ~ {shown}", hint=_HINT_OF_ONE, position=place_of(node)
            )
        return
    sides, operator = [node.this, node.expression], BITWISE[type(node)]
    for side, other in (sides, sides[::-1]):
        if side.is_string and _is_whole(kind := known.of(other)) and kind is not None:
            cast_literal(side, kind)
            return
    types = [NUMERIC if is_pointed(side) else known.of(side) for side in sides]
    judged = not any(is_untyped(side.unnest()) for side in sides) and None not in types
    if judged and all(map(family, types)) and not all(map(_is_whole, types)):
        raise no_operator(node, types, operator)


def _is_whole(kind: Type | None) -> bool:
    return kind is not None and kind.name in INTEGER


# The operators behind the words, plain and with NOT.
_MATCHING: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Like: ("~~", "!~~"),
    exp.ILike: ("~~*", "!~~*"),
    exp.SimilarTo: ("~", "!~"),
    exp.RegexpLike: ("~", "!~"),
    exp.RegexpILike: ("~*", "!~*"),
}
MATCHED = (*_MATCHING, exp.DPipe)


def _check_items(node: exp.DPipe, kinds: Sequence[Type | None]) -> None:
    """An array is joined to what its items may be."""
    items = [kind.element or kind for kind in kinds if kind is not None]
    families = {family(kind) for kind in items}
    arrays = any(kind is not None and kind.element is not None for kind in kinds)
    if arrays and len(items) == len(kinds) and None not in families and len(families) > 1:
        raise no_operator(node, kinds, "||")


def check_matched(node: exp.Expr, known: Types) -> None:
    """Refuse to match an enum or an address, and to join it to what is no text.

    Raises:
        UndefinedFunction: 42883.
    """
    sides = [node.this, node.expression]
    untyped = [is_untyped(side.unnest()) for side in sides]
    kinds = [None if bare else known.of(side) for bare, side in zip(untyped, sides, strict=True)]
    if isinstance(node, exp.DPipe):
        _check_items(node, kinds)
    enum = next((kind for kind in kinds if kind is INET or (kind and kind.is_enum)), None)
    if enum is None or any(k is None and not bare for k, bare in zip(kinds, untyped, strict=True)):
        return
    other = kinds[1] if kinds[0] is enum else kinds[0]
    if isinstance(node, exp.DPipe):
        if other is None or other.name in STRINGS or other.element is not None:
            return
        operator = "||"
    else:
        negated = bool(node.args.get("negate")) or isinstance(node.parent, exp.Not)
        operator = _MATCHING[type(node)][negated]
    # SIMILAR TO makes a text of its pattern.
    pattern = "text" if isinstance(node, exp.SimilarTo) else "unknown"
    raise no_operator(node, [kind or pattern for kind in kinds], operator)
