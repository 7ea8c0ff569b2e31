"""Variances and deviations of integers and numerics, which are numerics in PostgreSQL.

They are computed there of three exact numbers: the sum of the squares, the sum, and how many there
are. The engine adds these up as decimals, and a function over their texts gives the digits that
PostgreSQL gives (`sql/types/numeric_spreads`). What leaves no room for squares in 76 digits, and
DISTINCT, is gathered in an array.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from sqlglot import exp

from gateway.sql.names.scope import Analysis
from gateway.sql.text.building import beside, called_in, whole_call
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.sql.types.numeric_forms import Form, form_of
from gateway.sql.types.numeric_spreads import SPREADS
from gateway.types import INTEGER, NUMERIC, Type

_MOST_DIGITS = 76
_ROWS = 10  # digits that a sum has more than what it is of
_NARROW = 28 // 2  # digits of what is squared and added up in 128 bits
_MOST_SCALE = 20  # beyond it too few digits would be left before the point of a square


def spread_numerics(analysis: Analysis) -> bool:
    """Let deviations of integers and numerics be numerics, in place; True if there was one."""
    found: list[tuple[exp.Expr, Callable[[exp.Expr], exp.Expr]]] = []
    for block in analysis.blocks:
        types = Types(block)
        for node in reversed(own_nodes(block.select)):
            if isinstance(node, exp.Anonymous) and (made := _written(node, types)) is not None:
                found.append((node, made))
    for node, made in found:
        over = whole_call(node)
        over.replace(made(over))
    return bool(found)


def _written(call: exp.Anonymous, types: Types) -> Callable[[exp.Expr], exp.Expr] | None:
    """What writes such a call; None of another, and of a deviation of reals."""
    if call.name.lower() not in SPREADS or len(call.expressions) != 1:
        return None
    argument = call.expressions[0]
    value = argument.expressions[0] if isinstance(argument, exp.Distinct) else argument
    kind, form = types.of(value), form_of(value, types)
    if kind is not NUMERIC and (kind is None or kind.name not in INTEGER):
        return None
    if form is None or form[1] >= _MOST_SCALE or value is not argument:
        return partial(_of_values)
    return partial(_of_sums, kind=kind, form=form)


def _of_sums(over: exp.Expr, kind: Type, form: Form) -> exp.Expr:
    value = called_in(over).expressions[0]
    exact = _exact(value, kind, form)
    square = exp.Mul(this=exact, expression=exact.copy())
    square.meta[GIVES] = NUMERIC
    parts = [("sum", square), ("sum", value), ("count", value)]
    return _given(over, [beside(over, name, part) for name, part in parts])


def _of_values(over: exp.Expr) -> exp.Expr:
    return _given(over, [beside(over, "array_agg", called_in(over).expressions[0])])


def _given(over: exp.Expr, given: Sequence[exp.Expr]) -> exp.Expr:
    return exp.Anonymous(this=f"numeric_{called_in(over).name.lower()}", expressions=list(given))


def _exact(value: exp.Expr, kind: Type, form: Form) -> exp.Expr:
    """The value as a decimal whose squares are added up without loss.

    A value for which there is no room then is refused by the cast, with 22003.
    """
    whole, scale = form
    if kind.name in ("int2", "int4") or sum(form) <= _NARROW:
        cast: exp.Expr = exp.Cast(
            this=value.copy(), to=data_type(f"decimal({whole + scale}, {scale})")
        )
        cast.meta[GIVES] = NUMERIC
        return cast
    whole = min(whole, (_MOST_DIGITS - _ROWS - 2 * scale) // 2)
    made = value.copy()
    for name in (f"Decimal256({whole + scale}, {scale})", f"Decimal256({_MOST_DIGITS}, {scale})"):
        made = exp.Anonymous(this="arrow_cast", expressions=[made, exp.Literal.string(name)])
        made.meta[GIVES] = NUMERIC
    return made
