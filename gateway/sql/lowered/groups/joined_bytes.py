"""string_agg of bytea: the engine joins texts, and so the digits of the bytes."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs import literals
from gateway.sql.names.scope import position_of
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BYTEA

_HEX = "hex"


def join_bytes(call: exp.Anonymous, known: Types) -> None:
    """Write string_agg so where its values are bytes, in place.

    Raises:
        FeatureNotSupported: 0A000, what stands between two values may differ from row to row.
    """
    if known.of(call) is not BYTEA:
        return
    taken, order = call.expressions, None
    if isinstance(taken[-1], exp.Order):
        order = taken[-1]
        taken = [*taken[:-1], order.this]
    distinct = isinstance(taken[0], exp.Distinct)
    value, between = taken[0].expressions if distinct else taken
    made: list[exp.Expr] = [_digits(value), exp.Literal.string(_digits_of(between))]
    if distinct:
        made = [exp.Distinct(expressions=made)]
    if order is not None:
        for key in order.expressions:
            if key.this == value:  # beside DISTINCT it is to be what is joined
                key.this.replace(_digits(value))
        order.set("this", made[-1])
        made[-1] = order
    call.set("expressions", made)
    _read(call)


def _read(call: exp.Expr) -> None:
    """Put the bytes of the digits in the place of the call, with its FILTER and OVER."""
    whole = call
    while isinstance(whole.parent, exp.Filter | exp.Window) and whole.arg_key == "this":
        whole = whole.parent
    joined = exp.Anonymous(this="decode")
    joined.meta[GIVES] = BYTEA
    whole.replace(joined)
    joined.set("expressions", [whole, exp.Literal.string(_HEX)])


def _digits(value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="encode", expressions=[value.copy(), exp.Literal.string(_HEX)])


def _digits_of(between: exp.Expr) -> str:
    plain = between.unnest()
    while isinstance(plain, exp.Cast):
        plain = plain.this.unnest()
    if isinstance(plain, exp.HexString):
        return str(plain.name)
    if isinstance(plain, exp.Null):
        return ""
    if not plain.is_string:
        raise FeatureNotSupported(
            "string_agg of bytea with a delimiter that is not a literal is not supported",
            position=position_of(between),
        )
    return literals.bytea(plain.name).hex()
