"""WITHIN GROUP (ORDER BY ...) that the engine lacks: mode(), percentiles, ranks (manual, 9.21)."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.meaning.inference import GIVES, Types
from gateway.sql.meaning.scope import position_of
from gateway.sql.text.dialect import DIALECT
from gateway.types import FLOAT8, FLOATING, INTEGER, TEXT, Type, array_of


def put_ordered_set(node: exp.WithinGroup, known: Types) -> None:
    """Put an expression over array_agg in the place of the call, with its FILTER.

    Raises:
        FeatureNotSupported: 0A000, over a window, or of a type for which there is none.
    """
    name = node.this.name
    if name in _RANKS:
        _put_rank(node, name)
        return
    if name in ("percentile_cont", "percentile_disc") and _shares(node) is not None:
        _put_several(node, known)
        return
    if name not in ("mode", "percentile_disc"):
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
        made = _at(values, share, _filtered(counted, where, ordered.this))
    if kind is not None:
        made.meta[GIVES] = kind
    whole.replace(made)


_RANKS = ("rank", "dense_rank", "percent_rank", "cume_dist")


def _put_rank(node: exp.WithinGroup, name: str) -> None:
    """The rank that a value would have: counts of the rows before it (manual, 9.21).

    Raises:
        FeatureNotSupported: 0A000, beside FILTER, or of several values.
    """
    orders, given = node.expression.expressions, node.this.expressions
    if len(orders) != 1 or len(given) != 1 or isinstance(node.parent, exp.Filter):
        raise FeatureNotSupported(
            f"{name} WITHIN GROUP of several values, or with FILTER, is not supported",
            position=position_of(node),
        )
    ordered, value = orders[0], given[0]
    of: type[exp.Binary] = exp.GT if ordered.args.get("desc") else exp.LT
    sides = {"this": exp.paren(ordered.this.copy()), "expression": exp.paren(value.copy())}
    counted = exp.Distinct(expressions=[ordered.this.copy()]) if name == "dense_rank" else None
    before = _count(counted or exp.Star(), of(**sides))
    if name in ("rank", "dense_rank"):
        node.replace(exp.paren(exp.Add(this=before, expression=exp.Literal.number(1))))
        return
    double = exp.DataType.build("float8", dialect=DIALECT)
    rows: exp.Expr = _count(exp.Star(), exp.true())
    if name == "cume_dist":
        same = _count(exp.Star(), exp.EQ(**{k: v.copy() for k, v in sides.items()}))
        before = exp.Add(this=exp.Add(this=before, expression=same), expression=_one())
        rows = exp.Add(this=rows, expression=_one())
        top: exp.Expr = exp.Cast(this=exp.paren(before), to=double)
        node.replace(exp.paren(exp.Div(this=top, expression=exp.paren(rows), typed=True)))
        return
    share = exp.Div(this=exp.Cast(this=before, to=double), expression=rows, typed=True)
    none = exp.EQ(this=rows.copy(), expression=exp.Literal.number(0))
    zero = exp.Cast(this=exp.Literal.number(0), to=double.copy())
    node.replace(exp.Case(ifs=[exp.If(this=none, true=zero)], default=share))


def _one() -> exp.Expr:
    return exp.Literal.number(1)


def _count(what: exp.Expr, condition: exp.Expr) -> exp.Expr:
    call = exp.Anonymous(this="count", expressions=[what])
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
        made.meta[GIVES] = array_of(FLOAT8)


def _collected(ordered: exp.Expr) -> exp.Expr:
    order = exp.Order(this=ordered.this.copy(), expressions=[ordered.copy()])
    return exp.Anonymous(this="array_agg", expressions=[order])


def _filtered(call: exp.Expr, where: exp.Expr | None, value: exp.Expr) -> exp.Expr:
    there: exp.Expr = exp.Not(this=exp.Is(this=exp.paren(value.copy()), expression=exp.Null()))
    if where is not None:
        there = exp.And(this=exp.paren(where.this.copy()), expression=there)
    return exp.Filter(this=call, expression=exp.Where(this=there))


def _at(values: exp.Expr, share: exp.Expr, counted: exp.Expr) -> exp.Expr:
    """The first value at or past that share of the rows."""
    double = exp.DataType.build("float8", dialect=DIALECT)
    place = exp.Mul(this=exp.paren(share), expression=exp.Cast(this=counted, to=double))
    upwards = exp.Anonymous(this="ceil", expressions=[place])
    least = exp.Anonymous(this="greatest", expressions=[upwards, exp.Literal.number("1.0")])
    whole = exp.Cast(this=least, to=exp.DataType.build("bigint", dialect=DIALECT))
    return exp.Anonymous(this="array_element", expressions=[values, whole])


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
    listed = exp.Cast(this=values, to=exp.DataType.build(f"{element}[]", dialect=DIALECT))
    call = exp.Anonymous(this=f"most_frequent_{word}", expressions=[listed])
    return exp.Cast(this=call, to=exp.DataType.build(kind.sql, dialect=DIALECT))


def _word(kind: Type | None) -> str:
    if kind is None:
        return ""
    if kind.name in INTEGER:
        return "bigint"
    if kind.name in FLOATING:
        return "double"
    if kind.arrow == TEXT.arrow:
        return "text"
    return {"date": "date", "timestamp": "timestamp", "bool": "boolean"}.get(kind.name, "")
