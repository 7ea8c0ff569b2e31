"""OVERLAPS, as rows of `overloads`: two periods, each of two ends or of an end and a length.

PostgreSQL 15, src/backend/utils/adt/timestamp.c, overlaps_timestamp: an end that is NULL leaves a
period of the other alone, and what its length would decide is NULL.
"""

from __future__ import annotations

from itertools import product

_DAY = "date '2000-01-01'"  # on which a time of day is a moment
# Kind of the ends -> how one is written as a moment; a date is one at midnight.
_MOMENTS = {
    "timestamp": "{}",
    "timestamptz": "{}",
    "date": "{}::timestamp",
    "time": f"arrow_cast({_DAY} + {{}}, 'Timestamp(Microsecond, None)')",
}


def _row(kind: str, first: bool, second: bool) -> tuple[str, str]:
    """The row for ends of that kind; whether each period has a length in place of its end."""
    kinds = [kind, "interval" if first else kind, kind, "interval" if second else kind]
    moment = _MOMENTS[kind].format
    a, c = moment("a"), moment("c")
    b = f"({a} + b)" if first else moment("b")
    d = f"({c} + d)" if second else moment("d")
    return f"overlaps({', '.join(kinds)})", _overlap(a, b, c, d)


def _overlap(a: str, b: str, c: str, d: str) -> str:
    one, other = f"least({a}, {b})", f"least({c}, {d})"
    end, far = (
        f"CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL THEN greatest({x}, {y}) END"
        for x, y in ((a, b), (c, d))
    )
    return (
        f"CASE WHEN {one} > {other} THEN CASE WHEN {one} < ({far}) THEN true "
        f"WHEN ({end}) IS NOT NULL AND ({far}) IS NOT NULL THEN false END "
        f"WHEN {one} < {other} THEN CASE WHEN {other} < ({end}) THEN true "
        f"WHEN ({end}) IS NOT NULL AND ({far}) IS NOT NULL THEN false END "
        f"WHEN ({end}) IS NOT NULL AND ({far}) IS NOT NULL THEN true END"
    )


OVERLAP_ROWS = tuple(
    _row(kind, first, second)
    for kind, first, second in product(_MOMENTS, (False, True), (False, True))
)
