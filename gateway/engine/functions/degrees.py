"""Trigonometry in degrees, over whole columns (PostgreSQL manual, 9.3).

An angle is brought into one turn exactly, then into the first quadrant, where the values at 0, 30,
45, 60 and 90 degrees are exact: each formula is divided by its own value there, as PostgreSQL's
float.c does, so the last digits are PostgreSQL's too. Arrow's sines are the C library's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.engine.functions.rows import Columnar
from gateway.errors import NumericValueOutOfRange

_Angles = NDArray[np.float64]

_DOUBLE = pa.float64()
_RADIANS = math.pi / 180
_SINE_OF_30, _ONE_LESS_COSINE_OF_60 = math.sin(30 * _RADIANS), 1.0 - math.cos(60 * _RADIANS)
_ARCSINE_OF_HALF, _ARCCOSINE_OF_HALF = math.asin(0.5), math.acos(0.5)
_ARCTANGENT_OF_1 = math.atan(1.0)


def _applied(function: str, numbers: _Angles) -> _Angles:
    """An elementary function as the C library computes it."""
    return pc.call_function(function, [pa.array(numbers)]).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _small_sine(angles: _Angles) -> _Angles:
    """Of 0 to 30 degrees."""
    return _applied("sin", angles * _RADIANS) / _SINE_OF_30 / 2.0


def _small_cosine(angles: _Angles) -> _Angles:
    """Of 0 to 60 degrees."""
    return 1.0 - (1.0 - _applied("cos", angles * _RADIANS)) / _ONE_LESS_COSINE_OF_60 / 2.0


def _quadrant_sine(angles: _Angles) -> _Angles:
    return np.where(angles <= 30, _small_sine(angles), _small_cosine(90 - angles))


def _quadrant_cosine(angles: _Angles) -> _Angles:
    return np.where(angles <= 60, _small_cosine(angles), _small_sine(90 - angles))


def _ratio(over: _Angles, under: _Angles) -> _Angles:
    """A tangent or a cotangent of sine and cosine."""
    at_45 = np.array([45.0])
    return over / under / (_quadrant_sine(at_45) / _quadrant_cosine(at_45))


def _of_angle(
    value: Callable[[_Angles], _Angles], *, odd: bool, falls: bool, zero: float = -0.0
) -> Callable[[pa.Array], pa.Array]:
    """A function of an angle from its values in the first quadrant.

    `odd` if the value of -x is the value of x turned about, `falls` if that of 180 - x is. A
    tangent has no negative `zero`.

    Raises (when called):
        NumericValueOutOfRange: 22003, an infinite angle.
    """

    def computed(column: pa.Array) -> pa.Array:
        given = column.to_numpy(zero_copy_only=False)
        if np.isinf(given).any():
            raise NumericValueOutOfRange("input is out of range")
        turned = np.fmod(given, 360.0)
        angles = np.where(turned < 0, -turned, turned)
        beyond_half, sign = angles > 180, np.where((turned < 0) & odd, -1.0, 1.0)
        angles = np.where(beyond_half, 360 - angles, angles)
        sign = np.where(beyond_half & odd, -sign, sign)
        obtuse = angles > 90
        sign = np.where(obtuse & falls, -sign, sign)
        with np.errstate(divide="ignore"):
            found = sign * value(np.where(obtuse, 180 - angles, angles))
        return _column(found + zero, column)

    return computed


def _of_ratio(value: Callable[[_Angles], _Angles]) -> Callable[[pa.Array], pa.Array]:
    """An angle from a sine or cosine.

    Raises (when called):
        NumericValueOutOfRange: 22003, less than -1 or more than 1.
    """

    def computed(column: pa.Array) -> pa.Array:
        given = column.to_numpy(zero_copy_only=False)
        if (np.abs(given) > 1).any():
            raise NumericValueOutOfRange("input is out of range")
        return _column(value(given), column)

    return computed


def _arcsine(sines: _Angles) -> _Angles:
    found = np.abs(sines)
    low = _applied("asin", found) / _ARCSINE_OF_HALF * 30.0
    high = 90.0 - _applied("acos", found) / _ARCCOSINE_OF_HALF * 60.0
    return np.copysign(np.where(found <= 0.5, low, high), sines)


def _arccosine(cosines: _Angles) -> _Angles:
    near = _applied("acos", np.abs(cosines)) / _ARCCOSINE_OF_HALF * 60.0
    return np.where(cosines > 0.5, near, 90.0 - _arcsine(cosines))


def _arctangent(column: pa.Array) -> pa.Array:
    return _column(pc.atan(column).to_numpy(zero_copy_only=False) / _ARCTANGENT_OF_1 * 45.0, column)


def _arctangent_of_two(ordinates: pa.Array, abscissas: pa.Array) -> pa.Array:
    angles = pc.atan2(ordinates, abscissas)
    return _column(angles.to_numpy(zero_copy_only=False) / _ARCTANGENT_OF_1 * 45.0, angles)


def _column(found: _Angles, like: pa.Array) -> pa.Array:
    """NULL where `like` is."""
    return pa.array(found, _DOUBLE, mask=np.asarray(like.is_null()))


DEGREES: tuple[Columnar, ...] = (
    ("sind", [_DOUBLE], _DOUBLE, _of_angle(_quadrant_sine, odd=True, falls=False)),
    ("cosd", [_DOUBLE], _DOUBLE, _of_angle(_quadrant_cosine, odd=False, falls=True)),
    ("tand", [_DOUBLE], _DOUBLE, _of_angle(
        lambda x: _ratio(_quadrant_sine(x), _quadrant_cosine(x)), odd=True, falls=True, zero=0.0)),
    ("cotd", [_DOUBLE], _DOUBLE, _of_angle(
        lambda x: _ratio(_quadrant_cosine(x), _quadrant_sine(x)), odd=True, falls=True, zero=0.0)),
    ("asind", [_DOUBLE], _DOUBLE, _of_ratio(_arcsine)),
    ("acosd", [_DOUBLE], _DOUBLE, _of_ratio(_arccosine)),
    ("atand", [_DOUBLE], _DOUBLE, _arctangent),
    ("atan2d", [_DOUBLE, _DOUBLE], _DOUBLE, _arctangent_of_two),
)  # fmt: skip
