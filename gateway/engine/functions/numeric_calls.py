"""sqrt, exp, ln, log, power and deviations of numerics over columns: arguments come as texts.

Arrow's decimals have one scale for a column, and PostgreSQL counts the digits of each result by
those of its arguments (`gateway.sql.types.numeric_functions`).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

import pyarrow as pa

from gateway.engine.functions.rows import Columnar
from gateway.errors import NumericValueOutOfRange
from gateway.sql.types.numerals import COMPUTED_SCALE, as_shown
from gateway.sql.types.numeric_functions import NUMERIC_FUNCTIONS, scale_of
from gateway.sql.types.numeric_spreads import SPREADS, spread_of_texts
from gateway.types import SHOWN

_TEXT = pa.string()
_MOST_DIGITS = 76
COMPUTED = pa.decimal256(_MOST_DIGITS, COMPUTED_SCALE)
_TOLD = 2  # the last digits of `SHOWN` say how many others are shown
_ROOM = SHOWN.scale - _TOLD
_LEAST_KEPT = 8  # digits of a value that are not zeros at its beginning
_wide = Context(prec=1000, Emax=999999, Emin=-999999)


def _values(names: pa.Array, *arguments: pa.Array) -> Iterator[Decimal | None]:
    """What is computed, row by row; NULL of NULL.

    Raises:
        GatewayError: 2201E, 2201F, 22012, 22003, as PostgreSQL says.
    """
    for name, *texts in zip(*(each.to_pylist() for each in (names, *arguments)), strict=True):
        if None in texts:
            yield None
            continue
        given = [as_shown(each) for each in texts if each]
        if name in SPREADS:
            yield spread_of_texts(name, given)
        else:
            yield NUMERIC_FUNCTIONS[name, len(given)](*map(Decimal, given))


def computed_numeric(names: pa.Array, *arguments: pa.Array) -> pa.Array:
    """Each result as it is shown, and zeros after that."""
    found = [None if v is None else cut(v) for v in _values(names, *arguments)]
    return _decimals(found, COMPUTED)


def shown_numeric(names: pa.Array, *arguments: pa.Array) -> pa.Array:
    """Each result, and how many of its digits are shown."""
    found = [None if v is None else shown(v) for v in _values(names, *arguments)]
    return _decimals(found, SHOWN)


def shown(value: Decimal) -> Decimal:
    """A numeric that says how many of its digits are shown, as one of a column of `SHOWN`.

    >>> shown(Decimal("-1.50"))
    Decimal('-1.500000000000000000000000000000000000000002')
    """
    value = cut(value, _ROOM)
    told = Decimal(scale_of(value)).scaleb(-SHOWN.scale)
    return _wide.subtract(value, told) if value < 0 else _wide.add(value, told)


def written_numeric(names: pa.Array, *arguments: pa.Array) -> pa.Array:
    """Each result as a text."""
    found = [None if v is None else format(v, "f") for v in _values(names, *arguments)]
    return pa.array(found, _TEXT)


def cut(value: Decimal, most: int = COMPUTED_SCALE) -> Decimal:
    """The value with so many digits after the point, of which enough must be its own."""
    if scale_of(value) <= most:
        return value
    if value and value.adjusted() < _LEAST_KEPT - most:
        raise NumericValueOutOfRange(
            f"a numeric computed here has {most} digits after the point, too few for this one",
            hint="Cast the argument to double precision.",
        )
    return value.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP, _wide)


def _decimals(values: list[Decimal | None], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except pa.ArrowInvalid as error:
        raise NumericValueOutOfRange(
            "numeric field overflow",
            detail=f"A numeric computed here has {_MOST_DIGITS - kind.scale} digits before the "
            "point.",
            hint="Cast the argument to double precision.",
        ) from error


NUMERIC_CALLS: tuple[Columnar, ...] = (
    ("computed_numeric", [_TEXT] * 4, COMPUTED, computed_numeric),
    ("shown_numeric", [_TEXT] * 4, SHOWN, shown_numeric),
    ("written_numeric", [_TEXT] * 4, _TEXT, written_numeric),
)
