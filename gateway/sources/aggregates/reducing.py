"""Reductions of arrays by group: sums, extremes and squared deviations of a piece of a grid.

A piece is a box of positions. Along a dimension that is grouped each position has a code, the
number of its group; over the others everything is one. What comes out has an axis for each grouped
dimension, and goes into accumulators that have a place for each group of a larger region.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.sources.arithmetic.nullable import Mask, Unsound

Values = npt.NDArray[Any]
Codes = npt.NDArray[np.intp]

# Slices longer than this are added one after the other, which numpy does faster than `reduceat`.
_LONG_SLICE = 64

_LARGEST_WHOLE = 2**63 - 1

# Values converted at a time; they stay in the processor's cache.
TILE_VALUES = 1 << 17


@dataclass(frozen=True)
class Runs:
    """One grouped dimension of a piece: which positions have the same code."""

    codes: Codes

    @cached_property
    def _is_ascending(self) -> bool:
        """Whether the next code is always greater; most dimensions are grouped by their values."""
        return bool((self.codes[1:] > self.codes[:-1]).all())

    @cached_property
    def is_distinct(self) -> bool:
        """Whether no two positions have the same code: then they stay in their order."""
        return self._is_ascending or len(np.unique(self.codes)) == len(self.codes)

    @cached_property
    def order(self) -> Codes | None:
        """What sorts the positions by code; None: they need not be."""
        if self.is_distinct or (self.codes[1:] >= self.codes[:-1]).all():
            return None
        return np.argsort(self.codes, kind="stable")

    @cached_property
    def starts(self) -> Codes:
        """Where the runs of one code begin."""
        ordered = self.codes if self.order is None else self.codes[self.order]
        return np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    @cached_property
    def unique(self) -> Codes:
        """The codes of the runs."""
        if self._is_ascending:
            return self.codes
        first = self.starts if self.order is None else self.order[self.starts]
        return np.asarray(self.codes[first])

    @cached_property
    def lengths(self) -> Codes:
        if self.is_distinct:
            return np.ones(len(self.codes), np.intp)
        return np.asarray(np.diff(np.r_[self.starts, len(self.codes)]))

    @cached_property
    def each(self) -> Codes:
        """For each position, the number of its run."""
        if self.is_distinct:
            return np.arange(len(self.codes))
        return np.searchsorted(self.unique, self.codes)

    @cached_property
    def target(self) -> slice | Codes:
        first = int(self.unique[0])
        if np.array_equal(self.unique, np.arange(first, first + len(self.unique))):
            return slice(first, first + len(self.unique))
        return self.unique


@dataclass(frozen=True)
class Piece:
    """A box of positions, not empty, and the groups they fall in.

    Args:
        shape: Positions along each dimension.
        runs: For each dimension the codes of its positions; None where it is not grouped.

    >>> piece = Piece((2, 3), (None, Runs(np.array([0, 1, 0]))))
    >>> piece.total(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.float64).tolist()
    [14.0, 7.0]
    """

    shape: tuple[int, ...]
    runs: tuple[Runs | None, ...]

    @cached_property
    def _over(self) -> tuple[int, ...]:
        return tuple(n for n, runs in enumerate(self.runs) if runs is None)

    @cached_property
    def _is_leading(self) -> bool:
        """Whether the dimensions before some grouped ones are not grouped, and no others."""
        return 0 < len(self._over) < len(self.runs) and self._over[-1] + 1 == len(self._over)

    @cached_property
    def _runs(self) -> tuple[Runs, ...]:
        return tuple(runs for runs in self.runs if runs is not None)

    @cached_property
    def target(self) -> tuple[Any, ...]:
        """Where the groups of the piece are in accumulators with a place for each code."""
        targets = [runs.target for runs in self._runs]
        if sum(not isinstance(each, slice) for each in targets) <= 1:
            return tuple(targets)
        return np.ix_(*(runs.unique for runs in self._runs))

    @cached_property
    def rows(self) -> Values:
        """Rows in each group."""
        count: Values = np.asarray(math.prod(self.shape[n] for n in self._over), np.int64)
        for runs in self._runs:
            count = np.multiply.outer(count, runs.lengths)
        return np.asarray(count)

    def total(self, values: Values, dtype: Any, times: Values | None = None) -> Values:
        """The sum of each group, in that type; of `values * times` where that is given."""
        letters = list(range(len(self.shape)))
        kept = [n for n in letters if self.runs[n] is not None]
        factors = [
            np.broadcast_to(each, self.shape) for each in (values, times) if each is not None
        ]
        if times is None and self._is_leading and values.shape == self.shape:
            whole = _added_rows(values, len(self._over), dtype)
        elif self._over or len(factors) > 1:
            operands = [part for factor in factors for part in (factor, letters)]
            whole = np.einsum(*operands, kept, dtype=dtype, casting="unsafe")
        else:
            whole = factors[0].astype(dtype, copy=False)
        return self._by_runs(whole, np.add)

    def extreme(self, values: Values, choose: np.ufunc) -> Values:
        """The least or the greatest of each group."""
        whole = np.broadcast_to(values, self.shape)
        return self._by_runs(choose.reduce(whole, axis=self._over), choose)

    def spread(self, grouped: Values) -> Values:
        """A value for each group, at each position of it; 1 long over what is not grouped."""
        places = np.ix_(*(runs.each for runs in self._runs))
        shape = [1 if runs is None else len(runs.codes) for runs in self.runs]
        found: Values = grouped[places] if places else grouped
        return found.reshape(shape)

    def _by_runs(self, values: Values, combine: np.ufunc) -> Values:
        for axis, runs in enumerate(self._runs):
            if runs.is_distinct:
                continue
            if runs.order is not None:
                values = values.take(runs.order, axis)
            values = _reduced_runs(values, axis, runs, combine)
        return np.asarray(values)


def _added_rows(values: Values, axes: int, dtype: Any) -> Values:
    """The sum over the first axes.

    Tiles are converted, then added: numpy does both in half the time that it takes to convert while
    it adds.
    """
    rows = values.reshape(-1, *values.shape[axes:])
    step = max(1, TILE_VALUES // max(1, rows[0].size))
    tile = np.empty((min(step, len(rows)), *rows.shape[1:]), dtype)
    found: Values = np.zeros(rows.shape[1:], dtype)
    for start in range(0, len(rows), step):
        part = tile[: len(rows) - start]
        np.copyto(part, rows[start : start + step], casting="unsafe")
        found += np.add.reduce(part, axis=0)
    return found


def _reduced_runs(values: Values, axis: int, runs: Runs, combine: np.ufunc) -> Values:
    if values.size // values.shape[axis] < _LONG_SLICE:
        return np.asarray(combine.reduceat(values, runs.starts, axis))
    ends = [*runs.starts[1:].tolist(), len(runs.codes)]
    parts = [
        combine.reduce(_between(values, axis, start, end), axis)
        for start, end in zip(runs.starts.tolist(), ends, strict=True)
    ]
    return np.stack(parts, axis)


def _between(values: Values, axis: int, start: int, end: int) -> Values:
    where: list[Any] = [slice(None)] * values.ndim
    where[axis] = slice(start, end)
    return np.asarray(values[tuple(where)])


def pieces(shape: Sequence[int], most: int) -> Iterator[tuple[slice, ...]]:
    """Boxes of `most` positions or so that make up a box of that shape, in row-major order.

    >>> list(pieces((3, 4), 8))
    [(slice(0, 2, None), slice(0, 4, None)), (slice(2, 3, None), slice(0, 4, None))]
    """
    if not shape:
        yield ()
        return
    inner = math.prod(shape[1:])
    step = max(1, most // max(1, inner))
    for start in range(0, shape[0], step):
        stop = min(start + step, shape[0])
        if inner > most:
            for rest in pieces(shape[1:], most):
                yield (slice(start, stop), *rest)
        else:
            yield (slice(start, stop), *(slice(0, size) for size in shape[1:]))


def pieces_of(box: Sequence[slice], most: int) -> Iterator[tuple[slice, ...]]:
    """The same of a box that begins elsewhere."""
    for found in pieces([part.stop - part.start for part in box], most):
        yield tuple(
            slice(whole.start + part.start, whole.start + part.stop)
            for whole, part in zip(box, found, strict=True)
        )


Found = dict[str, Values]


class Sums:
    """What is known of one argument in each group of a region.

    Args:
        shape: Codes along each grouped dimension.
        dtype: The argument's type.
        kinds: What is asked: sum, avg, min, max, moments; count is always known.

    `kept` has, of what is asked, `nulls`, `whole` (a sum of whole numbers), `real` (one in double
    precision), `min`, `max`, and `squares` of the deviations from the mean.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], kinds: frozenset[str]) -> None:
        exact = dtype.kind == "i"
        reals = {"avg", "moments"} if exact else {"sum", "avg", "moments"}
        self._reach = 0  # no sum of whole numbers is greater, nor its negative
        self.kept: Found = {"nulls": np.zeros(shape, np.int64)}
        if exact and "sum" in kinds:
            self.kept["whole"] = np.zeros(shape, np.int64)
        if kinds & reals:
            self.kept["real"] = np.zeros(shape)
        if "min" in kinds:
            self.kept["min"] = np.full(shape, _highest(dtype), dtype)
        if "max" in kinds:
            self.kept["max"] = np.full(shape, _lowest(dtype), dtype)
        if "moments" in kinds:
            self.kept |= {"squares": np.zeros(shape), "seen": np.zeros(shape, np.int64)}

    @np.errstate(invalid="ignore", over="ignore")  # inf - inf is NaN, as in SQL
    def measure(self, piece: Piece, values: Values, nulls: Mask | None) -> Found | None:
        """What is asked of the values of a piece that are not NULL; None: NaN is among them.

        Raises:
            Unsound: a sum of whole numbers may be beyond bigint.
        """
        found: Found = {} if nulls is None else {"nulls": piece.total(nulls, np.int64)}
        present = values
        if nulls is not None and self.kept.keys() & {"whole", "real"}:
            present = np.where(nulls, values.dtype.type(0), values)
        if "whole" in self.kept:
            self._reaches(piece, present)
            found["whole"] = piece.total(present, np.int64)
        if "real" in self.kept:
            found["real"] = piece.total(present, np.float64)
        for name, (choose, worst) in _EXTREMES.items():
            if name in self.kept:
                held = values if nulls is None else np.where(nulls, worst(values.dtype), values)
                found[name] = piece.extreme(held, choose)
        if any(each.dtype.kind == "f" and np.isnan(each).any() for each in found.values()):
            return None
        if "squares" in self.kept:
            if not np.isfinite(found["real"]).all():
                return None
            found |= _deviations(piece, present, nulls, found)
            if not np.isfinite(found["squares"]).all():
                return None
        return found

    def _reaches(self, piece: Piece, values: Values) -> None:
        self._reach += int(piece.rows.max()) * max(-int(values.min()), int(values.max()))
        if self._reach > _LARGEST_WHOLE:
            raise Unsound("a sum beyond bigint")

    @np.errstate(invalid="ignore", over="ignore")
    def add(self, piece: Piece, found: Found) -> None:
        """Take in what was measured of a piece."""
        at, kept = piece.target, self.kept
        if "squares" in found:
            self._join(at, found)
        for name in ("nulls", "whole", "real"):
            if name in found:
                kept[name][at] += found[name]
        for name, (choose, _) in _EXTREMES.items():
            if name in found:
                kept[name][at] = choose(kept[name][at], found[name])

    def _join(self, at: tuple[Any, ...], found: Found) -> None:
        """Chan's way to join two variances."""
        before, more = self.kept["seen"][at], found["seen"]
        mean = found["real"] / np.maximum(more, 1)
        between = mean - self.kept["real"][at] / np.maximum(before, 1)
        weight = before * (more / np.maximum(before + more, 1))
        self.kept["squares"][at] += found["squares"] + between * between * weight
        self.kept["seen"][at] = before + more


def _deviations(piece: Piece, present: Values, nulls: Mask | None, found: Found) -> Found:
    count = piece.rows - found["nulls"] if nulls is not None else piece.rows
    away = present - piece.spread(found["real"] / np.maximum(count, 1))
    if nulls is not None:
        away = np.where(nulls, 0.0, away)
    return {"squares": piece.total(away, np.float64, away), "seen": count}


def _highest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(np.inf) if dtype.kind == "f" else np.iinfo(dtype).max


def _lowest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(-np.inf) if dtype.kind == "f" else np.iinfo(dtype).min


_EXTREMES: dict[str, tuple[np.ufunc, Callable[[np.dtype[Any]], Any]]] = {
    "min": (np.minimum, _highest),
    "max": (np.maximum, _lowest),
}
