"""Elementwise expressions as the engine computes them: its types, and NULL apart from NaN.

`elementwise` has xarray's arithmetic; this has SQL's, for aggregates whose arguments are computed
on whole arrays. An operation has the type that the engine gives it; single precision is rounded at
the same places. Where the engine would raise, or where its order of NaN among numbers would show,
`Unsound` is raised: then the engine itself must be asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.sources.arithmetic.elementwise import FUNCTIONS, Call, Column, Expression, Number

Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

SINGLE, DOUBLE, BIGINT = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)


class Unsound(Exception):
    """Arrays do not tell what the engine would: ask it."""


@dataclass(frozen=True, slots=True)
class Nullable:
    """Values, and where they are NULL.

    Args:
        values: Numbers or truth values; anything where they are NULL.
        nulls: True where there is none, under a shape that broadcasts; None: nowhere.
        clean: Whether it is known that NaN stands at NULLs alone.
    """

    values: Values
    nulls: Mask | None = None
    clean: bool = True

    @property
    def is_true(self) -> Mask:
        """Where a condition holds."""
        held: Mask = self.values if self.nulls is None else self.values & ~self.nulls
        return held


def of_column(values: Values, dtype: np.dtype[Any]) -> Nullable:
    """A column's values in its type in SQL, in which NaN is NULL."""
    values = values.astype(dtype, copy=False)
    if dtype.kind != "f" or not np.isnan(values.sum()):
        return Nullable(values)
    nulls = np.isnan(values)
    return Nullable(values, nulls if nulls.any() else None)


# Arguments are brought to one type, which is the result's; correctly rounded by numpy too.
_COMMON = frozenset({("+", 2), ("-", 2), ("*", 2), ("/", 2), ("mod", 2)})
_ROUNDED = frozenset(
    {(name, 1) for name in ("neg", "abs", "signum", "sqrt", "floor", "ceil", "trunc", "degrees",
                            "radians")}
)  # fmt: skip
# Computed in double precision and rounded: numpy's own in single are less exact.
_WIDE = frozenset(
    {(name, 1) for name in (
        "cbrt", "exp", "ln", "log", "log2", "log10", "sin", "cos", "tan", "cot", "asin", "acos",
        "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    )}
)  # fmt: skip
_RAISING = frozenset({"sqrt", "power"})  # where no number comes out, the engine may raise
_KEEP_CLEAN = frozenset({"neg", "abs", "floor", "ceil", "trunc", "float8", "float4"})
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": np.equal, "<>": np.not_equal, "<": np.less, "<=": np.less_equal,
    ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


def evaluate(expression: Expression, column: Callable[[str], Nullable]) -> Nullable:
    """The values of `expression`.

    Args:
        expression: What to compute.
        column: The values of a column; the arrays it gives broadcast against one another.

    Raises:
        Unsound: the engine must be asked.

    >>> half = Call("/", (Column("x"), Number(2)))
    >>> evaluate(half, lambda name: of_column(np.array([1.0, np.nan]), DOUBLE)).nulls.tolist()
    [False, True]
    """
    with np.errstate(all="ignore"):
        return _evaluate(expression, column)


def is_strict(expression: Expression) -> bool:
    """Whether its value is NaN wherever one of its columns is."""
    if not isinstance(expression, Call):
        return True
    key = (expression.function, len(expression.arguments))
    rows = key in _COMMON or key in _ROUNDED or key in _WIDE or key[0] in ("float4", "float8")
    return rows and key[0] not in _RAISING and all(map(is_strict, expression.arguments))


def _evaluate(expression: Expression, column: Callable[[str], Nullable]) -> Nullable:
    if isinstance(expression, Column):
        return column(expression.name)
    if isinstance(expression, Number):
        return _constant(expression.value)
    arguments = [_evaluate(argument, column) for argument in expression.arguments]
    name = expression.function
    special = _SPECIAL.get(name)
    if special is not None:
        return special(arguments)
    if name in _COMPARISONS:
        return _compared(_COMPARISONS[name], arguments)
    return _computed(name, arguments)


def _constant(value: float | int) -> Nullable:
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise Unsound("a number beyond bigint")
        return Nullable(np.asarray(value, BIGINT))
    return Nullable(np.asarray(value, DOUBLE), clean=not np.isnan(value))


def _computed(name: str, arguments: Sequence[Nullable]) -> Nullable:
    """A function that is NULL where an argument is."""
    key = (name, len(arguments))
    nulls = _any(arguments)
    function = FUNCTIONS.get(key, _missing)
    if key in _COMMON:
        kind = _common(arguments)
        values = function(*(each.values.astype(kind, copy=False) for each in arguments))
    elif key in _ROUNDED or key in _WIDE:
        if name in ("neg", "abs") and arguments[0].values.dtype.kind == "i":
            raise Unsound("arithmetic of whole numbers")
        kind = _floating(arguments[0])
        inner = kind if key in _ROUNDED else DOUBLE
        values = function(arguments[0].values.astype(inner, copy=False))
        values = values.astype(kind, copy=False)
    elif key == ("power", 2):
        values = _power(*(_number(each).astype(DOUBLE, copy=False) for each in arguments))
    elif key == ("float8", 1):
        values = _number(arguments[0]).astype(DOUBLE, copy=False)
    elif key == ("float4", 1):
        values = _number(arguments[0]).astype(SINGLE, copy=False)
    elif key == ("atan2", 2):
        kind = SINGLE if all(each.values.dtype == SINGLE for each in arguments) else DOUBLE
        values = function(*(_number(each).astype(DOUBLE) for each in arguments)).astype(kind)
    else:
        raise Unsound(f"{name} is not computed on arrays")
    if name in _RAISING:
        _refuse(~np.isfinite(values), nulls, name)
    clean = name in _KEEP_CLEAN and arguments[0].clean
    return Nullable(values, nulls, clean)


def _missing(*_: Values) -> Values:
    raise Unsound("not computed on arrays")


def _power(base: Values, exponent: Values) -> Values:
    """Powers; the small whole ones of polynomials as products, which is 20 times as fast."""
    if exponent.ndim == 0 and float(exponent) in (1.0, 2.0, 3.0, 4.0):
        square = base * base
        return (base, square, square * base, square * square)[int(exponent) - 1]
    return np.asarray(np.power(base, exponent))


def _number(argument: Nullable) -> Values:
    if argument.values.dtype.kind not in "if":
        raise Unsound("not a number")
    return argument.values


def _floating(argument: Nullable) -> np.dtype[Any]:
    """The type of sin(x) and its like; a whole number is one of double precision."""
    return SINGLE if _number(argument).dtype == SINGLE else DOUBLE


def _common(arguments: Sequence[Nullable]) -> np.dtype[Any]:
    """The type to which the engine brings numbers; two whole ones stay whole, and wrap."""
    kinds = {_number(each).dtype for each in arguments}
    if DOUBLE in kinds:
        return DOUBLE
    if SINGLE in kinds:
        return SINGLE
    raise Unsound("arithmetic of whole numbers")


def _any(arguments: Sequence[Nullable]) -> Mask | None:
    masks = [each.nulls for each in arguments if each.nulls is not None]
    if not masks:
        return None
    found = masks[0]
    for mask in masks[1:]:
        found = found | mask
    return found


def _refuse(wrong: Mask, nulls: Mask | None, name: str) -> None:
    if wrong.any() and (nulls is None or (wrong & ~nulls).any()):
        raise Unsound(f"{name} where the engine may raise")


def _ordered(arguments: Sequence[Nullable]) -> list[Values]:
    """Numbers to compare, of one type; NaN is none that numpy orders as SQL does."""
    for each in arguments:
        if not each.clean and each.values.dtype.kind == "f":
            _refuse(np.isnan(each.values), each.nulls, "NaN")
    kind = _common(arguments)
    return [each.values.astype(kind, copy=False) for each in arguments]


def _compared(compare: Callable[[Any, Any], Any], arguments: Sequence[Nullable]) -> Nullable:
    if all(each.values.dtype.kind == "i" for each in arguments):
        return Nullable(compare(*(each.values for each in arguments)), _any(arguments))
    return Nullable(compare(*_ordered(arguments)), _any(arguments))


def _truth(argument: Nullable) -> Values:
    if argument.values.dtype.kind != "b":
        raise Unsound("not a truth value")
    return argument.values


def _is_null(argument: Nullable) -> Mask:
    return np.asarray(False) if argument.nulls is None else argument.nulls


def _junction(arguments: Sequence[Nullable], decides: bool) -> Nullable:
    """AND and OR: one side that decides does so beside NULL too."""
    a, b = arguments
    values = _truth(a) | _truth(b) if decides else _truth(a) & _truth(b)
    if a.nulls is None and b.nulls is None:
        return Nullable(values)
    decided = _decisive(a, decides) | _decisive(b, decides)
    nulls = (_is_null(a) | _is_null(b)) & ~decided
    return Nullable(np.where(decided, decides, values), nulls)


def _decisive(argument: Nullable, decides: bool) -> Mask:
    return np.asarray((argument.values == decides) & ~_is_null(argument))


def _case(arguments: Sequence[Nullable]) -> Nullable:
    *branches, last = arguments
    kind = _common([*branches[1::2], last])
    result, nulls = last.values.astype(kind, copy=False), _is_null(last)
    for condition, value in reversed(list(zip(branches[::2], branches[1::2], strict=True))):
        _truth(condition)
        result = np.where(condition.is_true, value.values.astype(kind, copy=False), result)
        nulls = np.where(condition.is_true, _is_null(value), nulls)
    return _selected(result, nulls, [*branches[1::2], last])


def _coalesce(arguments: Sequence[Nullable]) -> Nullable:
    kind = _common(arguments)
    result, nulls = arguments[0].values.astype(kind, copy=False), _is_null(arguments[0])
    for argument in arguments[1:]:
        result = np.where(nulls, argument.values.astype(kind, copy=False), result)
        nulls = nulls & _is_null(argument)
    return _selected(result, nulls, arguments)


def _selected(values: Values, nulls: Mask, among: Sequence[Nullable]) -> Nullable:
    """Values chosen `among` others."""
    return Nullable(values, nulls if nulls.any() else None, all(each.clean for each in among))


def _nullif(arguments: Sequence[Nullable]) -> Nullable:
    a, b = _ordered(arguments)
    equal = (a == b) & ~_is_null(arguments[1])
    nulls = _is_null(arguments[0]) | equal
    return _selected(a, nulls, ())


def _extreme(choose: Callable[[Any, Any], Any]) -> Callable[[Sequence[Nullable]], Nullable]:
    """greatest and least: the NULLs among the arguments do not count."""

    def chosen(arguments: Sequence[Nullable]) -> Nullable:
        values = _ordered(arguments)
        result, nulls = values[0], _is_null(arguments[0])
        for argument, value in zip(arguments[1:], values[1:], strict=True):
            missing = _is_null(argument)
            best = choose(result, value)
            result = np.where(nulls, value, np.where(missing, result, best))
            nulls = nulls & missing
        return _selected(result, nulls, ())

    return chosen


_SPECIAL: dict[str, Callable[[Sequence[Nullable]], Nullable]] = {
    "null": lambda _: Nullable(np.asarray(0, BIGINT), np.asarray(True)),
    "and": lambda arguments: _junction(arguments, False),
    "or": lambda arguments: _junction(arguments, True),
    "not": lambda arguments: Nullable(~_truth(arguments[0]), arguments[0].nulls),
    "is null": lambda arguments: Nullable(_is_null(arguments[0])),
    "case": _case,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "greatest": _extreme(np.fmax),
    "least": _extreme(np.fmin),
}
