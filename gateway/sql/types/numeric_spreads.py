"""Variances and deviations of numerics, with the digits that PostgreSQL gives each value.

It keeps three exact numbers, the sum of the squares, the sum and how many there are, and divides
once (PostgreSQL 15, src/backend/utils/adt/numeric.c, numeric_stddev_internal).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

from gateway.sql.types.numerals import as_shown
from gateway.sql.types.numeric_functions import scale_of

_SIGNIFICANT = 16  # NUMERIC_MIN_SIG_DIGITS
_MOST_SHOWN = 1000  # NUMERIC_MAX_DISPLAY_SCALE
_GROUP = 4  # PostgreSQL's digits are in base 10,000
_MORE = 10
_EXACT = Context(prec=1000, Emax=999999, Emin=-999999)

# Name: whether it is of a population, and whether it is the root.
SPREADS = {
    "var_pop":     (True, False),
    "var_samp":    (False, False),
    "variance":    (False, False),
    "stddev_pop":  (True, True),
    "stddev_samp": (False, True),
    "stddev":      (False, True),
}  # fmt: skip


def spread(name: str, squares: Decimal, total: Decimal, count: int) -> Decimal | None:
    """The variance or deviation of numbers; None of too few: of none, of one in a sample.

    Args:
        name: One of `SPREADS`.
        squares: The sum of their squares.
        total: Their sum.
        count: How many they are.

    >>> spread("var_samp", Decimal(14), Decimal(6), 3)
    Decimal('1.00000000000000000000')
    """
    of_all, root = SPREADS[name]
    if count < (1 if of_all else 2):
        return None
    above = _EXACT.subtract(_EXACT.multiply(count, squares), _EXACT.multiply(total, total))
    if above <= 0:
        return Decimal(0)
    below = Decimal(count * (count if of_all else count - 1))
    scale = max(_quotient_scale(above, below), 2 * scale_of(total))
    unit = Decimal(1).scaleb(-scale)
    digits = scale + max(above.adjusted() - below.adjusted(), 0)
    found = _room(digits).divide(above, below).quantize(unit, ROUND_HALF_UP, _EXACT)
    if not root or not found:
        return found
    return _room(digits).sqrt(found).quantize(unit, ROUND_HALF_UP, _EXACT)


def _room(digits: int) -> Context:
    """For so many digits, and some that round them; those of `_EXACT` would take 0.3 ms."""
    return Context(prec=digits + _MORE, Emax=999999, Emin=-999999)


def spread_of_texts(name: str, given: Sequence[str]) -> Decimal | None:
    """The same of the texts of those sums, or of the text of an array of the numbers."""
    if len(given) > 1:
        return spread(name, Decimal(given[0]), Decimal(given[1]), int(given[2]))
    items = (each.strip() for each in given[0].strip("[]").split(","))  # as the engine writes them
    numbers = [Decimal(as_shown(each)) for each in items if each]
    total, squares = Decimal(0), Decimal(0)
    for number in numbers:
        total, squares = _EXACT.add(total, number), _EXACT.fma(number, number, squares)
    return spread(name, squares, total, len(numbers))


def _quotient_scale(above: Decimal, below: Decimal) -> int:
    """Digits after the point that make a quotient exact enough (select_div_scale)."""
    (place, first), (other_place, other_first) = _leading(above), _leading(below)
    groups = place - other_place - (first <= other_first)
    return min(max(_SIGNIFICANT - groups * _GROUP, 0), _MOST_SHOWN)


def _leading(value: Decimal) -> tuple[int, int]:
    """The place of the first group of four digits, and what it says."""
    place = value.adjusted() // _GROUP
    return place, int(value.scaleb(-_GROUP * place, _EXACT))
