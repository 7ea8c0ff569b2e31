"""Variances, correlations and regressions over frames of few rows, and of distinct reals.

The engine takes a row away again as it leaves a frame, which leaves what was rounded: after values
of a million the deviation of equal ones is 0.02, and no zero. So the rows of a narrow frame are
gathered in an array, and computed anew for each row, as PostgreSQL does. It has no deviation of
distinct values either.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.building import beside, cast_copy
from gateway.sql.types.inference import GIVES, Types
from gateway.sql.types.results import AGGREGATE_SYNONYMS
from gateway.types import FLOAT8, FLOATING

_MOST_ROWS = 500  # of a frame: a batch of 8,192 arrays is 33 MB then
_OF_ONE = frozenset({"var_pop", "var_samp", "stddev_pop", "stddev_samp"})
_OF_TWO = frozenset(
    {"covar_pop", "covar_samp", "corr", "regr_sxx", "regr_syy", "regr_sxy", "regr_avgx",
     "regr_avgy", "regr_slope", "regr_intercept", "regr_r2"}
)  # fmt: skip


def gather_frame(window: exp.Window, call: exp.Anonymous) -> bool:
    """Write such an aggregate over a narrow frame as one of an array, in place; whether it was."""
    name, given = AGGREGATE_SYNONYMS.get(call.name, call.name), call.expressions
    if name not in (_OF_ONE if len(given) == 1 else _OF_TWO if len(given) == 2 else ()):
        return False
    if not _is_narrow(window.args["spec"]):
        return False
    _gather(window, name, given)
    return True


def gather_distinct(call: exp.Anonymous, known: Types) -> bool:
    """Write the deviation of distinct reals as one of an array, in place; whether it was."""
    name, given = AGGREGATE_SYNONYMS.get(call.name, call.name), call.expressions
    if name not in _OF_ONE or len(given) != 1 or not isinstance(given[0], exp.Distinct):
        return False
    kind = known.of(given[0].expressions[0])
    if kind is None or kind.name not in FLOATING:
        return False
    over: exp.Expr = call.parent if isinstance(call.parent, exp.Filter) else call
    _gather(over, name, given)
    return True


def _gather(over: exp.Expr, name: str, given: list[exp.Expr]) -> None:
    gathered = [_array_of(over, value) for value in given]
    arrays = [*gathered, gathered[0].copy()][:2]
    made = exp.Anonymous(this="spread_of_pairs", expressions=[exp.Literal.string(name), *arrays])
    made.meta[GIVES] = FLOAT8
    over.replace(made)


def _array_of(over: exp.Expr, value: exp.Expr) -> exp.Expr:
    """The same FILTER and OVER of all the values, as doubles."""
    inside = value.expressions[0] if isinstance(value, exp.Distinct) else value
    item: exp.Expr = cast_copy(inside, "double precision")
    if isinstance(value, exp.Distinct):
        order = exp.Ordered(this=item.copy(), nulls_first=False)
        distinct = exp.Distinct(expressions=[item])
        item = exp.Order(this=distinct, expressions=[order])
    return beside(over, "array_agg", item)


def _is_narrow(spec: exp.Expr) -> bool:
    """Whether a frame counts rows, and no more than are gathered."""
    if str(spec.args.get("kind")).upper() != "ROWS":
        return False
    bounds = [_rows(spec, side) for side in ("start", "end")]
    first, last = bounds
    return first is not None and last is not None and last - first < _MOST_ROWS


def _rows(spec: exp.Expr, side: str) -> int | None:
    """How far after the row the frame's bound is; None where it has no number."""
    bound = spec.args.get(side)
    if bound is None or bound == "CURRENT ROW":
        return 0
    if isinstance(bound, exp.Literal) and bound.is_int:
        return int(bound.name) * (-1 if spec.args.get(f"{side}_side") == "PRECEDING" else 1)
    return None
