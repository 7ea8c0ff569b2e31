"""Sums, averages and deviations of reals over a frame that leaves rows behind.

The engine takes what a row added away again as the row leaves the frame. No number can do that to
a NaN or an infinity, and what a far larger value (1e20 for what is missing) has rounded away does
not come back. So values are summed apart: the small, the large, and those that are no numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.lowered.values.gathered import gather_frame
from gateway.sql.lowered.values.not_numbers import may_be_nan
from gateway.sql.names.scope import Block
from gateway.sql.text.building import beside, called_in
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.inference import GIVES, Types
from gateway.types import FLOATING

_SPREADS = ("var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev")
_LARGE = "1e12"  # above what is measured, below what stands for nothing
_OF_ONE = ("var_pop", "stddev_pop")  # that of one value is 0; the others have none
_EXTREMES = {"bool_and": "min", "every": "min", "bool_or": "max"}
_EXACT = (
    exp.Column, exp.Identifier, exp.Literal, exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Paren,
    exp.Case, exp.If, exp.Null, exp.Cast, exp.DataType,
)  # fmt: skip


def keep_moving(tree: exp.Expr, blocks: Sequence[Block]) -> None:
    """Let nothing stay of a value in a frame that has left it behind, in place."""
    specs = [each for each in nodes_of(tree, exp.WindowSpec) if _moves(each)]
    for spec in specs:
        window = spec.parent
        assert isinstance(window, exp.Window)
        call = called_in(window)
        block = next((b for b in blocks if b.select is window.parent_select), None)
        if gather_frame(window, call) or len(call.expressions) != 1:
            continue
        if call.name in _EXTREMES:
            _count_truth(window, call)
        elif call.name in ("sum", "avg", *_SPREADS) and block is not None:
            _part(window, call, Types(block))


def _moves(spec: exp.Expr) -> bool:
    return spec.args.get("start") != "UNBOUNDED"


def _count_truth(window: exp.Expr, call: exp.Anonymous) -> None:
    """bool_and and bool_or, which the engine has for no such frame."""
    value = exp.paren(call.expressions[0].copy())
    ifs = [
        exp.If(this=value, true=exp.Literal.number(1)),
        exp.If(this=exp.Not(this=value.copy()), true=exp.Literal.number(0)),
    ]
    extreme = beside(window, _EXTREMES[call.name], exp.Case(ifs=ifs))
    window.replace(exp.paren(exp.EQ(this=extreme, expression=exp.Literal.number(1)), copy=False))


def _part(window: exp.Expr, call: exp.Anonymous, known: Types) -> None:
    value = call.expressions[0]
    kind = known.of(value)
    if kind is None or kind.name not in FLOATING or isinstance(value, exp.Distinct):
        return
    if not any(isinstance(each, exp.Column) for each in value.walk()):
        return
    size = exp.Anonymous(this="abs", expressions=[value.copy()])
    large: exp.Expr = exp.GTE(this=size, expression=exp.Literal.number(_LARGE))
    tiny = exp.Case(ifs=[exp.If(this=large, true=exp.Null())], default=value.copy())
    beyond = None
    # Overflows of a sum or a product apart, which PostgreSQL refuses.
    if may_be_nan(value, known) or not all(isinstance(each, _EXACT) for each in value.walk()):
        nothing = exp.Mul(this=exp.paren(value.copy()), expression=exp.Literal.number("0.0"))
        beyond = exp.Anonymous(this="isnan", expressions=[nothing])  # of infinity, too
        large = exp.And(this=large.copy(), expression=exp.Not(this=beyond))
    huge = exp.Case(ifs=[exp.If(this=large.copy(), true=value.copy())])
    of = _spread if call.name in _SPREADS else _sum
    whole = of(window, call.name, value, (tiny, huge))
    if beyond is not None:
        whole = _beside(window, call.name, whole, value, beyond)
    if call.name in _SPREADS and call.name not in _OF_ONE:
        several = exp.GT(this=beside(window, "count", value), expression=exp.Literal.number(1))
        whole = exp.Case(ifs=[exp.If(this=several, true=whole)])
    whole.meta[GIVES] = known.of(window)
    window.replace(exp.paren(whole, copy=False))


def _sum(window: exp.Expr, name: str, value: exp.Expr, parts: Sequence[exp.Expr]) -> exp.Expr:
    tiny, huge = (beside(window, "sum", part) for part in parts)
    rest = exp.Anonymous(this="coalesce", expressions=[tiny, exp.Literal.number("0.0")])
    both = exp.Add(this=huge, expression=rest)
    whole = exp.Anonymous(this="coalesce", expressions=[both, tiny.copy()])
    if name == "avg":
        return exp.Div(this=whole, expression=beside(window, "count", value))
    return whole


def _spread(window: exp.Expr, name: str, value: exp.Expr, parts: Sequence[exp.Expr]) -> exp.Expr:
    tiny, huge = parts
    larger = exp.GT(this=beside(window, "count", huge), expression=exp.Literal.number(0))
    either = exp.Anonymous(this="coalesce", expressions=[huge.copy(), tiny.copy()])
    both = exp.If(this=larger, true=beside(window, name, either))
    return exp.Case(ifs=[both], default=beside(window, name, tiny))


def _beside(
    window: exp.Expr, name: str, whole: exp.Expr, value: exp.Expr, beyond: exp.Expr
) -> exp.Expr:
    """What NaN and infinities of the frame come to, where there are any."""
    other = exp.Case(ifs=[exp.If(this=beyond.copy(), true=value.copy())])
    extremes = [beside(window, each, other) for each in ("max", "min")]
    shown: exp.Expr = exp.Add(this=extremes[0], expression=extremes[1])
    if name in _SPREADS:
        shown = exp.Mul(this=exp.paren(shown), expression=exp.Literal.number("0.0"))
    return exp.Anonymous(this="coalesce", expressions=[shown, whole])
