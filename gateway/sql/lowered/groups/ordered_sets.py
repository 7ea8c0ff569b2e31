"""WITHIN GROUP (ORDER BY ...) that the engine lacks: mode(), percentiles, ranks (manual, 9.21)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    GroupingError,
    NumericValueOutOfRange,
    UndefinedFunction,
)
from gateway.sql.names.ordering import meant
from gateway.sql.names.scope import position_of
from gateway.sql.text.building import cast_copy
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import SETS, nodes_of
from gateway.sql.types.inference import GIVES, Types
from gateway.types import FLOAT4, FLOAT8, FLOATING, INTEGER, INTERVAL, NUMERIC, TEXT, Type, array_of


def put_ordered_set(node: exp.WithinGroup, known: Types) -> None:
    """Put an expression over array_agg in the place of the call, with its FILTER.

    Raises:
        FeatureNotSupported: 0A000, over a window, or of a type for which there is none.
        NumericValueOutOfRange: 22003, a percentile below 0 or above 1.
    """
    name = node.this.name
    if name in _RANKS:
        _put_rank(node, name)
        return
    if name in ("percentile_cont", "percentile_disc") and _shares(node) is not None:
        _put_several(node, known)
        return
    if name != "mode" and not _is_percentile(node, name, known):
        ordered = node.expression.expressions[0]
        if name == "percentile_cont" and known.of(ordered.this) is FLOAT4:
            ordered.set("this", cast_copy(ordered.this, "float8"))
        return
    whole: exp.Expr = node
    where = None
    if isinstance(node.parent, exp.Filter):
        whole, where = node.parent, node.parent.expression
    ordered = node.expression.expressions[0]
    kind = known.of(ordered.this)
    values = _filtered(_collected(ordered), where, ordered.this)
    if isinstance(whole.parent, exp.Window):
        raise FeatureNotSupported(f"{name} over a window is not supported")
    if name == "mode":
        made = _mode(node, values, kind)
    else:
        counted = exp.Anonymous(this="count", expressions=[ordered.this.copy()])
        share = node.this.expressions[0].copy()
        counts = _filtered(counted, where, ordered.this)
        if name == "percentile_cont":
            kind = INTERVAL if kind is INTERVAL else FLOAT8
            made = _between(values, share, counts, kind)
        else:
            made = _at(values, share, counts)
    if kind is not None:
        made.meta[GIVES] = kind
    whole.replace(made)


def _put_rank(node: exp.WithinGroup, name: str) -> None:
    """The rank that a value would have: counts of the rows before it (manual, 9.21).

    Raises:
        FeatureNotSupported: 0A000, dense_rank of several values.
        UndefinedFunction: 42883, not as many values as ORDER BY has.
    """
    orders, given = node.expression.expressions, node.this.expressions
    if len(orders) != len(given):
        raise UndefinedFunction(
            f"to use the hypothetical-set aggregate {name}, the number of hypothetical direct "
            f"arguments (here {len(given)}) must match the number of ordering columns "
            f"(here {len(orders)})",
            position=position_of(node),
        )
    _check_given(node, given)
    if name == "dense_rank" and len(orders) != 1:
        raise FeatureNotSupported(
            "dense_rank WITHIN GROUP of several values is not supported",
            position=position_of(node),
        )
    whole: exp.Expr = node
    among: exp.Expr | None = None
    if isinstance(node.parent, exp.Filter):
        whole, among = node.parent, node.parent.expression.this
    before, same = _beside(list(zip(orders, given, strict=True)))
    whole.replace(exp.paren(_RANKS[name](_Place(orders[0].this, before, same, among))))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value would stand among the rows.

    Args:
        key: What they are ordered by first.
        before: Whether a row is before it.
        same: Whether a row is like it.
        among: Whether a row counts; None: each does.
    """

    key: exp.Expr
    before: exp.Expr
    same: exp.Expr
    among: exp.Expr | None

    def count(self, condition: exp.Expr, of: exp.Expr | None = None) -> exp.Expr:
        return _count(of or exp.Star(), condition, self.among)


def _rank(place: _Place) -> exp.Expr:
    return exp.Add(this=place.count(place.before), expression=_number(1))


def _dense_rank(place: _Place) -> exp.Expr:
    passed = place.count(place.before, exp.Distinct(expressions=[place.key.copy()]))
    # DISTINCT leaves NULL out, which is one value more.
    none = place.count(exp.And(this=place.before.copy(), expression=_null(place.key)))
    more = exp.Cast(this=exp.GT(this=none, expression=_number(0)), to=data_type("int"))
    return exp.Add(this=exp.Add(this=passed, expression=more), expression=_number(1))


def _cume_dist(place: _Place) -> exp.Expr:
    level = exp.Add(this=place.count(place.before), expression=place.count(place.same))
    upto = exp.paren(exp.Add(this=level, expression=_number(1)))
    rows = exp.paren(exp.Add(this=place.count(exp.true()), expression=_number(1)))
    return exp.Div(this=exp.Cast(this=upto, to=data_type("float8")), expression=rows, typed=True)


def _percent_rank(place: _Place) -> exp.Expr:
    passed = exp.Cast(this=place.count(place.before), to=data_type("float8"))
    rows = place.count(exp.true())
    share = exp.Div(this=passed, expression=rows, typed=True)
    empty = exp.EQ(this=rows.copy(), expression=_number(0))
    zero = exp.Cast(this=_number(0), to=data_type("float8"))
    return exp.Case(ifs=[exp.If(this=empty, true=zero)], default=share)


_RANKS: dict[str, Callable[[_Place], exp.Expr]] = {
    "rank": _rank,
    "dense_rank": _dense_rank,
    "percent_rank": _percent_rank,
    "cume_dist": _cume_dist,
}


def _check_given(node: exp.WithinGroup, given: list[exp.Expr]) -> None:
    """Let columns in the given values be keys: they are taken of each row here.

    Raises:
        GroupingError: 42803. FeatureNotSupported: 0A000, of keys of grouping sets.
    """
    select = node.find_ancestor(exp.Select)
    group = select.args.get("group") if select is not None else None
    keys = group.expressions if group is not None else []
    for column in (each for value in given for each in nodes_of(value, exp.Column)):
        if any(isinstance(key, SETS) for key in keys):
            raise FeatureNotSupported(
                f"{node.this.name} WITHIN GROUP of a column beside grouping sets is not supported",
                position=position_of(column),
            )
        meanings = [meant(key, select) for key in keys] if select is not None else []
        grouped = [each for key in meanings for each in nodes_of(key, exp.Column)]
        if not any(each.name == column.name for each in grouped):
            name = ".".join(part.name for part in column.parts)
            raise GroupingError(
                f'column "{name}" must appear in the GROUP BY clause or be used in an '
                "aggregate function",
                position=position_of(column),
            )


def _beside(keys: list[tuple[exp.Expr, exp.Expr]]) -> tuple[exp.Expr, exp.Expr]:
    """Whether a row comes before the given values by these keys, and whether it is like them."""
    (ordered, value), *others = keys
    of: type[exp.Binary] = exp.GT if ordered.args.get("desc") else exp.LT
    low, high = exp.paren(ordered.this.copy()), exp.paren(value.copy())
    first, last = (low, high) if ordered.args.get("nulls_first") else (high, low)
    apart = exp.And(this=_null(first), expression=exp.Not(this=_null(last)))
    less = exp.Or(this=of(this=low.copy(), expression=high.copy()), expression=apart)
    both = exp.And(this=_null(low), expression=_null(high))
    same = exp.Or(this=exp.EQ(this=low.copy(), expression=high.copy()), expression=both)
    if not others:
        return exp.paren(less), exp.paren(same)
    later, alike = _beside(others)
    tied = exp.And(this=exp.paren(same.copy()), expression=later)
    return (
        exp.paren(exp.Or(this=exp.paren(less), expression=exp.paren(tied))),
        exp.paren(exp.And(this=exp.paren(same), expression=alike)),
    )


def _null(value: exp.Expr) -> exp.Expr:
    return exp.paren(exp.Is(this=exp.paren(value.unnest().copy()), expression=exp.Null()))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _count(what: exp.Expr, condition: exp.Expr, among: exp.Expr | None) -> exp.Expr:
    """The rows of a condition, of those `among` which FILTER looks."""
    call = exp.Anonymous(this="count", expressions=[what])
    if among is not None:
        condition = exp.And(this=exp.paren(among.copy()), expression=condition)
    return exp.Filter(this=call, expression=exp.Where(this=condition))


def _shares(node: exp.WithinGroup) -> list[exp.Expr] | None:
    """The shares of percentile_cont(ARRAY[...]); None where there is no array."""
    (share,) = node.this.expressions[:1] or (None,)
    while isinstance(share, exp.Cast | exp.Paren):
        share = share.this
    return list(share.expressions) if isinstance(share, exp.Array) else None


def _put_several(node: exp.WithinGroup, known: Types) -> None:
    """An array of what each share gives."""
    whole: exp.Expr = node.parent if isinstance(node.parent, exp.Filter) else node
    each = []
    for share in _shares(node) or ():
        one = whole.copy()
        held = one.this if isinstance(one, exp.Filter) else one
        held.this.set("expressions", [share.copy()])
        each.append(one)
    made = exp.Array(expressions=each)
    kind = known.of(node.expression.expressions[0].this)
    whole.replace(made)
    for one in each:
        held = one.this if isinstance(one, exp.Filter) else one
        if isinstance(held, exp.WithinGroup):
            put_ordered_set(held, known)
    if node.this.name == "percentile_disc" and kind is not None and kind.array_oid:
        made.meta[GIVES] = array_of(kind)
    else:
        made.meta[GIVES] = array_of(INTERVAL if kind is INTERVAL else FLOAT8)


def _collected(ordered: exp.Expr) -> exp.Expr:
    order = exp.Order(this=ordered.this.copy(), expressions=[ordered.copy()])
    return exp.Anonymous(this="array_agg", expressions=[order])


def _filtered(call: exp.Expr, where: exp.Expr | None, value: exp.Expr) -> exp.Expr:
    there: exp.Expr = exp.Not(this=exp.Is(this=exp.paren(value.copy()), expression=exp.Null()))
    if where is not None:
        there = exp.And(this=exp.paren(where.this.copy()), expression=there)
    return exp.Filter(this=call, expression=exp.Where(this=there))


# The engine's percentile_cont goes between two values in a millionth of their distance at the
# finest, which is exact for these alone.
_EXACT = ("0", "0.0", "0.25", "0.5", "0.75", "1", "1.0")


def _is_percentile(node: exp.WithinGroup, name: str, known: Types) -> bool:
    """Whether it is a percentile that the engine lacks, or gives roughly."""
    if name not in ("percentile_cont", "percentile_disc"):
        return False
    _check_share(node.this.expressions[0])
    return name == "percentile_disc" or _is_rough(node, known)


def _is_rough(node: exp.WithinGroup, known: Types) -> bool:
    """Whether the engine's percentile_cont would be another number."""
    share = node.this.expressions[0].unnest()
    while isinstance(share, exp.Cast | exp.Paren):
        share = share.this
    kind = known.of(node.expression.expressions[0].this)
    if kind is INTERVAL:  # which the engine has none of
        return True
    numbers = kind is not None and (kind.name in (*INTEGER, *FLOATING) or kind is NUMERIC)
    if isinstance(share, exp.Null):
        return numbers
    return numbers and isinstance(share, exp.Literal) and share.name not in _EXACT


def _check_share(share: exp.Expr) -> None:
    """Refuse a share that is written and is none.

    Raises:
        NumericValueOutOfRange: 22003.
    """
    bare = share.this if isinstance(share, exp.Neg) else share
    if isinstance(bare, exp.Literal) and not bare.is_string:
        value = float(bare.name) * (-1 if bare is not share else 1)
        if not 0 <= value <= 1:
            raise NumericValueOutOfRange(f"percentile value {value:g} is not between 0 and 1")


def _at(values: exp.Expr, share: exp.Expr, counted: exp.Expr) -> exp.Expr:
    """The first value at or past that share of the rows."""
    place = exp.Mul(this=exp.paren(share), expression=cast_copy(counted, "float8"))
    upwards = exp.Anonymous(this="ceil", expressions=[place])
    least = exp.Anonymous(this="greatest", expressions=[upwards, exp.Literal.number("1.0")])
    return _where_told(share, _element(values, least))


def _between(values: exp.Expr, share: exp.Expr, counted: exp.Expr, kind: Type) -> exp.Expr:
    """The value at that share of the way from the first row to the last, between two of them."""
    last = exp.paren(exp.Sub(this=cast_copy(counted, "float8"), expression=_number(1)))
    place = exp.paren(exp.Mul(this=cast_copy(share, "float8"), expression=last))
    below = exp.Anonymous(this="floor", expressions=[place])
    above = exp.Anonymous(this="ceil", expressions=[place.copy()])
    first, second = (
        cast_copy(_element(values, exp.Add(this=each, expression=_number(1))), kind)
        for each in (below, above)
    )
    rest = exp.paren(exp.Sub(this=place.copy(), expression=below.copy()))
    way = exp.Mul(this=exp.paren(exp.Sub(this=second, expression=first.copy())), expression=rest)
    whole = exp.EQ(this=below.copy(), expression=above.copy())
    made = exp.Case(
        ifs=[exp.If(this=whole, true=first)], default=exp.Add(this=first.copy(), expression=way)
    )
    return _where_told(share, made)


def _where_told(share: exp.Expr, made: exp.Expr) -> exp.Expr:
    """NULL for a share that is NULL."""
    if isinstance(share.unnest(), exp.Literal):
        return made
    told = exp.Not(this=exp.Is(this=exp.paren(share.copy()), expression=exp.Null()))
    return exp.Case(ifs=[exp.If(this=told, true=made)])


def _element(values: exp.Expr, place: exp.Expr) -> exp.Expr:
    whole = exp.Cast(this=place, to=data_type("bigint"))
    return exp.Anonymous(this="array_element", expressions=[values.copy(), whole])


def _mode(node: exp.Expr, values: exp.Expr, kind: Type | None) -> exp.Expr:
    word = _word(kind)
    if kind is None or not word:
        shown = "that type" if kind is None else kind.sql
        raise FeatureNotSupported(
            f"mode of {shown} is not supported",
            hint="Cast the values to text.",
            position=position_of(node),
        )
    element = {"double": "float8"}.get(word, word)
    padded = kind.name == "bpchar"  # a text has not its blanks
    listed = values if padded else exp.Cast(this=values, to=data_type(f"{element}[]"))
    call = exp.Anonymous(this=f"most_frequent_{word}", expressions=[listed])
    made = exp.Cast(
        this=call, to=exp.DataType(this=exp.DType.BPCHAR) if padded else data_type(kind)
    )
    made.meta[GIVES] = kind
    return made


def _word(kind: Type | None) -> str:
    if kind is None:
        return ""
    if kind.name in INTEGER:
        return "bigint"
    if kind.name in ("json", "jsonb"):
        return ""
    if kind.name in FLOATING:
        return "double"
    if kind.arrow == TEXT.arrow:
        return "text"
    return {"date": "date", "timestamp": "timestamp", "bool": "boolean"}.get(kind.name, "")
