"""INSERT ... VALUES of constants alone, read from its text in one pass: no tree is made.

`INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL)` becomes `INSERT INTO t (a, b) VALUES ($1, $2)`,
which is read once for all texts like it, and a list of the constants of each column. What is
more than that (casts of constants, expressions, DEFAULT, comments, backslashes) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import pyarrow as pa
from sqlglot import exp

from gateway.sql.types.numerals import is_point_literal
from gateway.sql.writes.assignments import EXACT, is_spelt_so
from gateway.sql.writes.given import WHOLE, Constant, constants
from gateway.sql.writes.row_texts import counts, frame_of, kind_kept
from gateway.sql.writes.targets import Target, TargetColumn
from gateway.types import INTERVAL

# Little that has fitted is given back, so a text takes as long as it has characters. Groups are
# not possessive: Python 3.11.2 goes on behind one that fails in its midst.
_TEXT = r"'[^'\\\0]*+(?:''[^'\\\0]*+)*'"
_NUMBER = r"-?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
_CELL = rf"\s*+({_TEXT}|{_NUMBER}|(?i:NULL|TRUE|FALSE))\s*+"
_FIRST = re.compile(rf"\({_CELL}(?:,{_CELL})*\)")
# A row of more columns than this is left alone.
_MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class ConstantRows:
    """The rows of a text.

    Args:
        shape: The text with one row of parameters.
        columns: The constants of each column, as they are written.
        casts: What each column is cast to, as it is written; "": it is not.
    """

    shape: str
    columns: Sequence[Sequence[str]]
    casts: Sequence[str]

    def arrays(self, names: Sequence[str], target: Target) -> list[pa.Array] | None:
        """The values; None where one cannot be taken as it stands.

        Args:
            names: The columns that they are for, as many.
            target: The columns of the table.
        """
        found = []
        for cells, cast, name in zip(self.columns, self.casts, names, strict=True):
            if cast and kind_kept(cast, target[name].type) is None:
                return None
            values = _values(cells, target[name])
            array = None if values is None else constants(values)
            if array is None:
                return None
            found.append(array)
        return found

    def holds_texts(self, place: int) -> bool:
        """Whether a text is among the constants of a column."""
        return any(cell[0] == "'" for cell in self.columns[place])


def read(text: str) -> ConstantRows | None:
    """The rows of an INSERT of constants; None where it is something else.

    >>> read("INSERT INTO t (a) VALUES (1), (NULL);")
    ConstantRows(shape='INSERT INTO t (a) VALUES ($1)', columns=[('1', 'NULL')], casts=('',))
    """
    frame = frame_of(text)
    first = _FIRST.match(text, frame.start) if frame is not None else None
    if frame is None or first is None:
        return None
    width = len(re.findall(_CELL + "[,)]", first[0]))
    if width > _MOST_COLUMNS:
        return None
    rows, end = [], frame.start
    comma: str | None = ","
    while comma and (row := _row(width).match(text, end)) is not None:
        rows.append(row.groups())
        end, comma = row.end(), row[width + 1]
    *cells, commas = zip(*rows, strict=True)
    tail = None if commas[-1] else frame.tail(text, end)
    if tail is None or (frame.extra and not counts(cells.pop())):
        return None
    casts = frame.casts or ("",) * len(cells)
    if len(casts) != len(cells):
        return None
    marks = ", ".join(f"${n}" for n in range(1, len(cells) + 1))
    return ConstantRows(f"{frame.head}({marks}) {tail}".rstrip(), cells, casts)


@lru_cache(64)
def _row(width: int) -> re.Pattern[str]:
    """A row, and the comma behind it if there is one."""
    cells = ",".join([_CELL] * width)
    return re.compile(rf"\s*+\({cells}\)(\s*+,)?")


def _values(cells: Sequence[str], column: TargetColumn) -> list[Constant] | None:
    """The constants of one column, as `given` takes them; None where one is not taken."""
    values: list[Constant] = []
    for cell in cells:
        first = cell[0]
        if first in "nN":
            values.append(None)
        elif first in "tTfF":
            values.append(first in "tT")
        else:
            value = _text(cell, column) if first == "'" else _number(cell, column)
            if value is None:
                return None
            values.append(value)
    return values


def _text(cell: str, column: TargetColumn) -> str | None:
    text = cell[1:-1].replace("''", "'")
    kind = column.type
    if kind.element is not None or kind is INTERVAL or is_spelt_so(text, kind):
        return None
    return text


def _number(cell: str, column: TargetColumn) -> Constant:
    digits = cell.removeprefix("-")
    if WHOLE.fullmatch(digits):
        return int(cell)
    if column.type.name in EXACT and is_point_literal(exp.Literal.number(digits)):
        return Decimal(cell)
    # PostgreSQL reads a numeric, which has no -0.
    return float(cell) + 0.0 if column.type.name == "float8" else None
