"""mode() and percentile_disc WITHIN GROUP (ORDER BY ...), which the engine lacks (manual, 9.21)."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.meaning.inference import GIVES, Types
from gateway.sql.meaning.scope import position_of
from gateway.sql.text.dialect import DIALECT
from gateway.types import FLOATING, INTEGER, TEXT, Type


def put_ordered_set(node: exp.WithinGroup, known: Types) -> None:
    """Put an expression over array_agg in the place of the call, with its FILTER.

    Raises:
        FeatureNotSupported: 0A000, over a window, or of a type for which there is none.
    """
    name = node.this.name
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
