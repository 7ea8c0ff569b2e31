"""Derivatives and integrals along a dimension of a grid, as xarray takes them.

`differentiate` is `Dataset.differentiate`: central differences of second order, also where the
coordinate is uneven, and one-sided ones at both ends. `integrate` is
`Dataset.cumulative_integrate`: the trapezoids from the first position on. Both are numpy's formulas
in the order in which numpy applies them, so that the results are xarray's to the last digit.

A value depends on its neighbours in the array, whichever rows a query asks for; so what is computed
is given at some positions, from values at others, that `needed` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.errors import FeatureNotSupported, InvalidParameterValue
from gateway.sources.arithmetic import elementwise
from gateway.sources.arithmetic.elementwise import Expression
from gateway.sources.filters.pruning import Positions
from gateway.sources.libraries import cftime, xarray

Values = npt.NDArray[Any]

# Values that are differentiated at a time: what is computed on the way stays in the cache.
_SLAB_VALUES = 1 << 17

# Units that numpy can divide by: xarray's DatetimeUnitOptions.
UNITS = ("W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")


@dataclass(frozen=True, slots=True)
class Along:
    """A call over the columns of one table.

    Args:
        function: differentiate or integrate.
        expression: Of what.
        coordinate: Along which column: a dimension, or a coordinate on one dimension.
        unit: In which unit a coordinate of times counts; None: the one it is stored in, as xarray
            has it, and seconds where it has a calendar of its own.
    """

    function: str
    expression: Expression
    coordinate: str
    unit: str | None = None

    @property
    def name(self) -> str:
        """The call as SQL, which is what its column is called."""
        unit = "" if self.unit is None else f", '{self.unit}'"
        inside = elementwise.written(self.expression)
        return f"{self.function}({inside}, {self.coordinate}{unit})"


@dataclass(frozen=True, eq=False)
class Axis:
    """A coordinate as numbers, one for each position of its dimension."""

    dim: str
    numbers: Values

    @property
    def size(self) -> int:
        return len(self.numbers)

    @cached_property
    def steps(self) -> Values:
        """From each position to the next."""
        return np.asarray(np.diff(self.numbers))

    @cached_property
    def is_even(self) -> bool:
        """Whether all steps are equal."""
        return bool((self.steps == self.steps[0]).all())


def axis_of(call: Along, variable: xarray.Variable) -> Axis:
    """The one-dimensional coordinate of a call as numbers.

    Raises:
        FeatureNotSupported: 0A000, it lies on several dimensions, or does not hold numbers or
            times, or has one position alone and nothing to differentiate along.
        InvalidParameterValue: 22023, an unknown unit, or a unit where there are no times.
    """
    name, unit = call.coordinate, call.unit
    if unit is not None and unit not in UNITS:
        raise InvalidParameterValue(
            f'"{unit}" is not a unit of time', hint=f"There are {', '.join(UNITS)}."
        )
    if variable.ndim != 1:
        raise FeatureNotSupported(
            f'"{name}" lies on {variable.ndim} dimensions, so nothing can be differentiated or '
            "integrated along it",
            hint="Name a dimension of the table, or a coordinate on one dimension.",
        )
    if variable.size == 1 and call.function == "differentiate":
        raise FeatureNotSupported(
            f'"{name}" has one position, so there is nothing to differentiate along it'
        )
    return Axis(str(variable.dims[0]), _numbers(name, np.asarray(variable.values), unit))


def _numbers(name: str, values: Values, unit: str | None) -> Values:
    """As xarray's `datetime_to_numeric`: times count from the earliest of them."""
    kind = values.dtype.kind
    if kind in "mM":
        span = values - np.nanmin(values) if values.size else values.astype("m8[s]")
        ticks = span / np.timedelta64(1, unit or np.datetime_data(values.dtype)[0])  # type: ignore[call-overload]
        return np.asarray(ticks)
    if kind == "O" and len(values) and isinstance(values[0], cftime.datetime):
        micros = (values - values.min()).astype("m8[us]").astype(np.float64)
        return np.asarray(micros * (np.timedelta64(1, "us") / np.timedelta64(1, unit or "s")))  # type: ignore[call-overload]
    if unit is not None:
        raise InvalidParameterValue(f'"{name}" does not hold times and takes no unit')
    if kind not in "iuf":
        raise FeatureNotSupported(
            f'"{name}" does not hold numbers or times, so nothing can be differentiated or '
            "integrated along it"
        )
    return values.astype(np.float64) if kind in "iu" else values


def needed(function: str, positions: Positions, size: int) -> Positions:
    """Positions whose values `function` asks for to tell its own at `positions`, ascending.

    >>> needed("differentiate", np.array([0, 5]), 9).tolist()
    [0, 1, 4, 5, 6]
    >>> needed("integrate", np.array([1, 3]), 9).tolist()
    [0, 1, 2, 3]
    """
    if function == "integrate":
        return np.arange(positions[-1] + 1 if len(positions) else 0)
    beside = np.concatenate([positions - 1, positions, positions + 1])
    return np.unique(beside[(beside >= 0) & (beside < size)])


def differentiated(
    values: Values, at: Positions, positions: Positions, axis: int, along: Axis
) -> Values:
    """The derivative at `positions`, from `values` at the positions `at` of dimension `axis`."""
    shape = list(values.shape)
    shape[axis] = len(positions)
    result = np.empty(shape, values.dtype)
    step = max(1, _SLAB_VALUES * shape[0] // max(1, result.size))
    for start in range(0, shape[0], step):
        slab = slice(start, start + step)
        if axis == 0:
            result[slab] = _slopes(values, at, positions[slab], axis, along)
        else:
            result[slab] = _slopes(values[slab], at, positions, axis, along)
    return result


def _slopes(values: Values, at: Positions, positions: Positions, axis: int, along: Axis) -> Values:
    """The same, of so few values that what is held beside them does not matter."""
    steps, last = along.steps, along.size - 1

    def value(positions: Positions) -> Values:
        return np.take(values, np.searchsorted(at, positions), axis)

    def weights(numbers: Values) -> Values:
        shape = [1] * values.ndim
        shape[axis] = -1
        return numbers.reshape(shape)

    first_, last_ = positions[positions == 0], positions[positions == last]
    p = positions[(positions > 0) & (positions < last)]
    parts = []
    with np.errstate(all="ignore"):
        if len(first_):
            parts.append((value(first_ + 1) - value(first_)) / steps[0])
        if len(p) and along.is_even:
            parts.append((value(p + 1) - value(p - 1)) / (2.0 * steps[0]))
        elif len(p):
            before, after = steps[p - 1], steps[p]
            a = weights(-after / (before * (before + after)))
            b = weights((after - before) / (before * after))
            c = weights(before / (after * (before + after)))
            parts.append(a * value(p - 1) + b * value(p) + c * value(p + 1))
        if len(last_):
            parts.append((value(last_) - value(last_ - 1)) / steps[-1])
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


@dataclass(slots=True)
class Sum:
    """How far an integral has come: the value and the sum at the last position, over the others."""

    upto: int
    value: Values
    total: Values


def integrated(
    values: Values, start: int, before: Sum | None, axis: int, along: Axis
) -> tuple[Values, Sum]:
    """The integrals at positions `start`, `start + 1`, ..., and how far they have come.

    Args:
        values: The integrand at these positions, along dimension `axis`.
        start: The first position; 0 where nothing is summed `before`.
        before: The sum at position `start - 1`.
        axis: The dimension's place.
        along: The coordinate.
    """
    count, come = values.shape[axis], int(before is not None)
    shape = [1] * values.ndim
    shape[axis] = -1
    halves = np.diff(along.numbers[start - come : start + count]).reshape(shape) * 0.5
    shape[:] = values.shape
    shape[axis] = count + come
    sums = np.empty(shape, np.result_type(halves.dtype, values.dtype))

    def part(array: Values, first: int, last: int | None = None) -> Values:
        return array[(slice(None),) * axis + (slice(first, last),)]

    with np.errstate(all="ignore"):
        part(sums, 0, 1)[...] = 0 if before is None else before.total
        if before is not None:
            np.add(part(values, 0, 1), before.value, out=part(sums, 1, 2))
        np.add(part(values, 1), part(values, 0, -1), out=part(sums, 1 + come))
        trapezoids = part(sums, 1)
        trapezoids *= halves
        sums = np.cumsum(sums, axis, out=sums)
    came = Sum(start + count - 1, part(values, -1).copy(), part(sums, -1).copy())
    return part(sums, come), came


def result_dtype(along: Along, dtypes: Mapping[str, np.dtype[Any]], axis: Axis) -> np.dtype[Any]:
    """The type of the result, for columns of the types `dtypes`: single precision stays single.

    Raises:
        FeatureNotSupported: 0A000, a column that holds no numbers; named.
    """
    for name in elementwise.names(along.expression):
        if dtypes[name].kind not in "iuf":
            raise FeatureNotSupported(
                f'column "{name}" does not hold numbers and cannot be {along.function}d',
                hint="Cast it in a table of your own if it holds some.",
            )
    found = elementwise.evaluate(
        along.expression, lambda name: as_floats(np.zeros(2, dtypes[name]))
    )
    found = as_floats(found)
    if along.function == "integrate":
        return np.result_type(found.dtype, axis.numbers.dtype)
    return found.dtype


def as_floats(values: Values) -> Values:
    """Whole numbers in double precision; others as they are."""
    return values if values.dtype.kind == "f" else values.astype(np.float64)
