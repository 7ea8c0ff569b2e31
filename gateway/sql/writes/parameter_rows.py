"""INSERT ... VALUES of many rows of parameters, read from its text in one pass: no tree is made.

`INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)`, as pandas and SQLAlchemy send it, becomes
`INSERT INTO t (a, b) VALUES ($1, $2)`, which is read once for all texts like it, and is executed
with a column of values for each of its parameters. Casts to the columns' own types, as SQLAlchemy
writes them for psycopg (`$1::BIGINT`), are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import pyarrow as pa

from gateway.sql.writes.given import joined
from gateway.sql.writes.row_texts import CAST, alike, counts, frame_of, kind_kept
from gateway.types import INTEGER, Type

_CELL = rf"\s*+\$(\d{{1,5}}+)\s*+(?:{CAST}\s*+)?"
_NUMBER = r"\s*+(\d{1,9}+)\s*+"
_FIRST = re.compile(rf"\({_CELL}(?:,{_CELL})*(?:,{_NUMBER})?\)")
# Fewer rows are as quickly read as they stand.
_LEAST_ROWS = 4


@dataclass(frozen=True, slots=True)
class ParameterRows:
    """The rows of a text.

    Args:
        shape: The text with its first row alone.
        width: The parameters of a row; those of the n-th follow those of the one before.
        count: How many rows there are.
        casts: What the parameters of a row are cast to, as it is written; "": they are not.
    """

    shape: str
    width: int
    count: int
    casts: tuple[str, ...]

    def declared(self, types: Mapping[int, Type]) -> dict[int, Type]:
        """What the client declared of the first row, of all that it declared by number."""
        return {n: kind for n, kind in types.items() if n <= self.width}

    def settled(
        self, declared: Mapping[int, Type], first: Sequence[Type], columns: Sequence[Type]
    ) -> Sequence[Type] | None:
        """The types of a row's parameters; None where those of several rows or a cast differ.

        What is not declared is of its column's type, or of the cast's, which must be alike.

        Args:
            declared: What the client declared, by number.
            first: The types of the first row's, without casts.
            columns: Those of the columns that the values are for.
        """
        found = list(first)
        for place, column in enumerate(columns):
            numbers = range(place + 1, self.width * self.count + 1, self.width)
            given = {n: declared[n] for n in numbers if n in declared}
            names = {each.name for each in given.values()}
            if self.casts[place] or 0 < len(given) < len(numbers):
                cast = self.casts[place]
                kind = kind_kept(cast, column) if cast else column
                if kind is None or not all(_fits(each, kind) for each in given.values()):
                    return None
                found[place] = kind
            elif len(names) > 1 and not names <= INTEGER:
                return None
        return found

    def types(self, declared: Mapping[int, Type], first: Sequence[Type]) -> tuple[Type, ...]:
        """The types of all parameters, of which those of the first row were found to be `first`."""
        numbers = range(self.width * self.count)
        return tuple(declared.get(n + 1) or first[n % self.width] for n in numbers)

    def columns(self, values: Sequence[pa.Scalar]) -> list[pa.Array] | None:
        """The values of each column; None where they are of several kinds."""
        found = []
        for place in range(self.width):
            column = joined(values[place :: self.width])
            if column is None:
                return None
            found.append(column)
        return found


def _fits(given: Type, kind: Type) -> bool:
    return alike(given, kind) or alike(given, kind, INTEGER)


def read(text: str) -> ParameterRows | None:
    """The rows of an INSERT of parameters; None where it is something else.

    >>> read("INSERT INTO t VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8)")
    ParameterRows(shape='INSERT INTO t VALUES ($1, $2)', width=2, count=4, casts=('', ''))
    """
    frame = frame_of(text)
    first = _FIRST.match(text, frame.start) if frame is not None else None
    if frame is None or first is None:
        return None
    width = first[0].count("$")
    rows, casts, end, comma = [], set(), frame.start, ","
    counters: list[str] = []
    while comma and (row := _row(width, frame.extra).match(text, end)) is not None:
        *parts, comma = row.groups("")
        rows.append(parts[: 2 * width : 2])
        casts.add(tuple(parts[1 : 2 * width : 2]))
        counters += parts[2 * width :]
        end = row.end()
    tail = None if comma else frame.tail(text, end)
    if len(rows) < _LEAST_ROWS or len(casts) > 1 or tail is None or not counts(counters):
        return None
    numbers = list(map(int, chain.from_iterable(rows)))
    if numbers != list(range(1, len(numbers) + 1)):
        return None
    both = _both(casts.pop(), frame.casts)
    if both is None:
        return None
    cells = ", ".join(f"${n}" for n in range(1, width + 1))
    shape = f"{frame.head}({cells}) {tail}".rstrip()
    return ParameterRows(shape, width, len(rows), both)


def _both(casts: Sequence[str], more: Sequence[str]) -> tuple[str, ...] | None:
    """What each column is cast to, in its rows or where it is selected; None: to two types."""
    if not more:
        return tuple(casts)
    if len(more) != len(casts):
        return None
    pairs = list(zip(casts, more, strict=True))
    two = any(one and other and one.lower() != other.lower() for one, other in pairs)
    return None if two else tuple(one or other for one, other in pairs)


@lru_cache(64)
def _row(width: int, extra: int) -> re.Pattern[str]:
    """A row, and the comma behind it if there is one."""
    cells = ",".join([_CELL] * width + [_NUMBER] * extra)
    return re.compile(rf"\s*+\({cells}\)(\s*+,)?")
