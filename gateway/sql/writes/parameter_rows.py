"""INSERT ... VALUES of many rows of parameters, read from its text in one pass: no tree is made.

`INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)`, as pandas and SQLAlchemy send it, becomes
`INSERT INTO t (a, b) VALUES ($1, $2)`, which is read once for all texts like it, and is executed
with a column of values for each of its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import pyarrow as pa

from gateway.sql.writes.constant_rows import HEAD
from gateway.sql.writes.given import joined
from gateway.types import Type

_CELL = r"\s*+\$(\d{1,5}+)\s*+"
_FIRST = re.compile(rf"\({_CELL}(?:,{_CELL})*\)")
_END = re.compile(r"\s*;?\s*\Z")
# Fewer rows are as quickly read as they stand.
_LEAST_ROWS = 4

# Declared types of one column that may differ from row to row.
_INTEGERS = frozenset({"int2", "int4", "int8"})


@dataclass(frozen=True, slots=True)
class ParameterRows:
    """The rows of a text.

    Args:
        shape: The text with its first row alone.
        width: The parameters of a row; those of the n-th follow those of the one before.
        count: How many rows there are.
    """

    shape: str
    width: int
    count: int

    def declared(self, types: Mapping[int, Type]) -> dict[int, Type] | None:
        """The types of the first row, with which those of the others agree; None: they do not.

        Args:
            types: What the client declared, by number.
        """
        for place in range(1, self.width + 1):
            numbers = range(place, self.width * self.count + 1, self.width)
            names = {types[n].name if n in types else "" for n in numbers}
            if len(names) > 1 and not names <= _INTEGERS:
                return None
        return {n: kind for n, kind in types.items() if n <= self.width}

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


def read(text: str) -> ParameterRows | None:
    """The rows of an INSERT of parameters; None where it is something else.

    >>> read("INSERT INTO t VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8)")
    ParameterRows(shape='INSERT INTO t VALUES ($1, $2)', width=2, count=4)
    """
    head = HEAD.match(text)
    first = _FIRST.match(text, head.end()) if head is not None else None
    if head is None or first is None:
        return None
    width = first[0].count("$")
    rows, end = [], head.end()
    for row in _row(width).finditer(text, end):
        if row.start() != end:
            break
        rows.append(row.groups()[:width])
        end = row.end()
        if not row[width + 1]:
            break
    else:
        return None
    if len(rows) < _LEAST_ROWS or not _END.match(text, end):
        return None
    numbers = list(map(int, chain.from_iterable(rows)))
    if numbers != list(range(1, len(numbers) + 1)):
        return None
    return ParameterRows(text[: first.end()], width, len(rows))


@lru_cache(64)
def _row(width: int) -> re.Pattern[str]:
    """A row, and the comma behind it if there is one."""
    cells = ",".join([_CELL] * width)
    return re.compile(rf"\s*+\({cells}\)(\s*+,)?")
