"""Offsets of window frames that are computed of whole numbers: `ROWS 1 + 1 PRECEDING`.

The engine plans with a frame's numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from gateway.errors import InvalidFrameOffset

SIDES = (("start", "starting"), ("end", "ending"))  # of a frame, and what PostgreSQL calls each
_ARITHMETIC: dict[type[exp.Expr], Callable[[int, int], int]] = {
    exp.Add: lambda left, right: left + right,
    exp.Sub: lambda left, right: left - right,
    exp.Mul: lambda left, right: left * right,
}


def is_of_values(frame: exp.Expr) -> bool:
    """Whether it is a frame by RANGE."""
    return str(frame.args.get("kind")).upper() == "RANGE"


def fold_offsets(frame: exp.Expr) -> None:
    """Write offsets that are computed of whole numbers as numbers, in place.

    Raises:
        InvalidFrameOffset: 22013, a negative one.
    """
    for key, word in SIDES:
        offset = frame.args.get(key)
        if isinstance(offset, exp.Expr) and (whole := _whole(offset)) is not None:
            if whole < 0:
                raise negative_offset(frame, word)
            frame.set(key, exp.Literal.number(whole))


def negative_offset(frame: exp.Expr, word: str) -> InvalidFrameOffset:
    """What is told of an offset below zero."""
    if is_of_values(frame):
        return InvalidFrameOffset("invalid preceding or following size in window function")
    return InvalidFrameOffset(f"frame {word} offset must not be negative")


def _whole(offset: exp.Expr) -> int | None:
    offset = offset.unnest()
    if isinstance(offset, exp.Neg):
        value = _whole(offset.this)
        return None if value is None else -value
    compute = _ARITHMETIC.get(type(offset))
    if compute is not None:
        left, right = _whole(offset.this), _whole(offset.expression)
        return None if left is None or right is None else compute(left, right)
    return int(offset.name) if isinstance(offset, exp.Literal) and offset.is_int else None
