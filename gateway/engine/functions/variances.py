"""Variances, correlations and regressions of the doubles in arrays, value by value as PostgreSQL.

It keeps sums of squares by the way of Youngs and Cramer (PostgreSQL 15, float8_accum and
float8_regr_accum in src/backend/utils/adt/float.c). Here each step is done for the arrays of all
rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gateway.engine.functions.rows import Columnar

Floats = npt.NDArray[np.float64]

_DOUBLES = pa.list_(pa.float64())


class Sums(NamedTuple):
    """What is kept for each array: how many pairs, their sums, and those of squared deviations."""

    n: Floats
    x: Floats
    y: Floats
    xx: Floats
    yy: Floats
    xy: Floats


def _sums(count: Floats, steps: Iterator[tuple[Floats, Floats, Floats]], paired: bool) -> Sums:
    """The sums of each row, of pairs that come place by place: which rows have one, x and y.

    PostgreSQL divides by the number where there is one argument, and multiplies by its inverse
    where there are two, which differs in the last digit.
    """
    n, x, y, xx, yy, xy = (np.zeros_like(count) for _ in range(6))
    for there, new_x, new_y in steps:
        before, n = n, n + there
        x, y = x + new_x, y + new_y
        several = (there > 0) & (before > 0)
        below = np.where(several, n * before, 1.0)
        away_x = np.where(several, new_x * n - x, 0.0)
        # A first value that is no number leaves none.
        none_x = np.where(several, 0.0, new_x * 0.0)
        if not paired:
            xx = xx + away_x * away_x / below + none_x
            continue
        scale = 1.0 / below
        away_y = np.where(several, new_y * n - y, 0.0)
        none_y = np.where(several, 0.0, new_y * 0.0)
        xx = xx + away_x * away_x * scale + none_x
        yy = yy + away_y * away_y * scale + none_y
        xy = xy + away_x * away_y * scale + none_x + none_y
    return Sums(n, x, y, xx, yy, xy)


def _placed(
    lengths: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], x: Floats, y: Floats
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """The first value of each array, the second, and so on; zeros where there is none."""
    for place in range(int(lengths.max(initial=0))):
        there = lengths > place
        at = np.where(there, starts + place, 0)
        yield there.astype(np.float64), np.where(there, x[at], 0.0), np.where(there, y[at], 0.0)


def _of_lists(xs: pa.Array, ys: pa.Array, paired: bool) -> Sums:
    """The sums over pairs of which neither is NULL; a NULL array has none."""
    row = pc.list_parent_indices(xs)
    x, y = pc.list_flatten(xs), pc.list_flatten(ys)
    known = pc.and_(x.is_valid(), y.is_valid())
    row, x, y = (np.asarray(each.filter(known)) for each in (row, x, y))
    lengths = np.bincount(row, minlength=len(xs)).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    with np.errstate(all="ignore"):
        return _sums(np.zeros(len(xs)), _placed(lengths, starts, x, y), paired)


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return above / below


Truths = npt.NDArray[np.bool_]
# Name: the result, and where there is one.
Rule = tuple[Callable[[Sums], Floats], Callable[[Sums], Truths]]


def _some(sums: Sums) -> Truths:
    return np.greater_equal(sums.n, 1)


def _several(sums: Sums) -> Truths:
    return np.greater_equal(sums.n, 2)


def _varied(sums: Sums) -> Truths:
    return _some(sums) & np.not_equal(sums.xx, 0)


def _both_varied(sums: Sums) -> Truths:
    return _varied(sums) & np.not_equal(sums.yy, 0)


def _determined(s: Sums) -> Floats:
    return np.where(s.yy == 0, 1.0, _ratio(s.xy * s.xy, s.xx * s.yy))


_RULES: dict[str, Rule] = {
    "var_pop":        (lambda s: _ratio(s.xx, s.n), _some),
    "var_samp":       (lambda s: _ratio(s.xx, s.n - 1), _several),
    "stddev_pop":     (lambda s: np.sqrt(_ratio(s.xx, s.n)), _some),
    "stddev_samp":    (lambda s: np.sqrt(_ratio(s.xx, s.n - 1)), _several),
    "covar_pop":      (lambda s: _ratio(s.xy, s.n), _some),
    "covar_samp":     (lambda s: _ratio(s.xy, s.n - 1), _several),
    "corr":           (lambda s: _ratio(s.xy, np.sqrt(s.xx * s.yy)), _both_varied),
    "regr_sxx":       (lambda s: s.xx, _some),
    "regr_syy":       (lambda s: s.yy, _some),
    "regr_sxy":       (lambda s: s.xy, _some),
    "regr_avgx":      (lambda s: _ratio(s.x, s.n), _some),
    "regr_avgy":      (lambda s: _ratio(s.y, s.n), _some),
    "regr_slope":     (lambda s: _ratio(s.xy, s.xx), _varied),
    "regr_intercept": (lambda s: _ratio(s.y - _ratio(s.x * s.xy, s.xx), s.n), _varied),
    "regr_r2":        (_determined, _varied),
}  # fmt: skip


_OF_ONE = frozenset({"var_pop", "var_samp", "stddev_pop", "stddev_samp"})


def spread_of_pairs(names: pa.Array, ys: pa.Array, xs: pa.Array) -> pa.Array:
    """What the aggregate of that name gives of each row's pairs; NULL where it has none.

    Args:
        names: One of `_RULES`, the same for every row.
        ys: Arrays of the first argument.
        xs: Arrays of the second, as long; of an aggregate of one argument the same.
    """
    if not len(xs):
        return pa.array([], pa.float64())
    name = names[0].as_py()
    value, there = _RULES[name]
    sums = _of_lists(xs, ys, paired=name not in _OF_ONE)
    with np.errstate(all="ignore"):
        return pa.array(value(sums), pa.float64(), mask=~there(sums))


SPREADS: tuple[Columnar, ...] = (
    ("spread_of_pairs", [pa.string(), _DOUBLES, _DOUBLES], pa.float64(), spread_of_pairs),
)
