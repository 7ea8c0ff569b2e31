"""Numerics with more digits than a column without digits keeps: refused, or rounded and told.

What was written must be kept as it is, or refused. What was rounded when it was computed, a
quotient or an average, is rounded once more: whoever writes says which columns have such values,
and hears which of them were rounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import NumericValueOutOfRange

HINT = "Declare numeric(precision, scale), or double precision."
# Whether the values of the column of this name may be rounded.
MayRound = Callable[[str], bool]


@dataclass(slots=True)
class _Rounding:
    may_round: MayRound
    told: dict[str, str] = field(default_factory=dict)


class _Running(threading.local):
    """What the statement that a thread runs lets be rounded; None: nothing."""

    rounding: _Rounding | None = None


_running = _Running()


@contextmanager
def rounding(may_round: MayRound) -> Iterator[dict[str, str]]:
    """Let columns be rounded for which `may_round` holds; what is to be told of each that is."""
    before, _running.rounding = _running.rounding, _Rounding(may_round)
    try:
        yield _running.rounding.told
    finally:
        _running.rounding = before


def check_rounded(
    wide: pa.Array, rounded: pa.Array, name: str, digits: int, *, binary: bool = False
) -> None:
    """Go on if no digit was lost, or if what is lost was a rounded digit.

    Args:
        wide: The values.
        rounded: They with the digits that are kept; both are decimals of one type.
        name: The column's, whose digits nobody declared.
        digits: How many are kept after the point.
        binary: Whether they come of binary fractions, which PostgreSQL rounds to 15 digits.

    Raises:
        NumericValueOutOfRange: 22003, so too where nothing but zero is left of a value.
    """
    lost = pc.not_equal(wide, rounded)
    if not pc.any(lost).as_py():
        return
    detail = f"numeric without a precision keeps {digits} digits after the point here."
    vanished = pc.equal(rounded, pa.scalar(0, pa.int64()).cast(rounded.type))
    running = _running.rounding
    rounds = running is not None and (binary or running.may_round(name))
    if running is None or not rounds or pc.any(pc.and_(lost, vanished)).as_py():
        raise NumericValueOutOfRange(
            f'value has more digits after the point than column "{name}" of type numeric keeps',
            detail=detail,
            hint=HINT,
        )
    running.told[name] = detail
