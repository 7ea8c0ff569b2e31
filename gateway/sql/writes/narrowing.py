"""Which rows an UPDATE or DELETE can touch, as far as its WHERE says so by constants.

`WHERE id = $1 AND note <> 'x'` touches rows whose id is $1, whatever else is asked of them; so
these alone are read. Only comparisons of whole numbers and of texts count, which mean the same to
the engine and to the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlglot import exp

from gateway.sources.table import TableName
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.parameters import number
from gateway.sql.writes.given import WHOLE, cast_to
from gateway.sql.writes.targets import Target
from gateway.types import INTEGER, UNPADDED

_MOST_VALUES = 100

Value = int | str


# Of a whole number, by the type that its parameter is cast to; beyond that PostgreSQL refuses it.
_LIMITS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


@dataclass(frozen=True, slots=True)
class Cell:
    """A constant, or the number of a parameter, which may be cast to a type without these values.

    `limit`: the whole number that it is less than, and not less than its negative; 0: any.
    """

    value: int | float | str | None = None
    parameter: int = 0
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Column -> the values one of which a row must have.

    `is_whole`: nothing else is asked of a row.
    """

    wanted: Mapping[str, tuple[Cell, ...]]
    texts: frozenset[str]  # those of the columns that are texts; the others are whole numbers
    is_whole: bool

    def values(self, bound: Sequence[pa.Scalar]) -> dict[str, list[Value]]:
        """The values under these parameters; NULL, which no row equals, is left out.

        A parameter of another type than the column's narrows nothing; it leaves the column out.
        """
        found: dict[str, list[Value]] = {}
        for column, cells in self.wanted.items():
            given = [read(each, bound) for each in cells]
            kind = str if column in self.texts else int
            if all(value is None or type(value) is kind for value in given):
                found[column] = [value for value in given if isinstance(value, kind)]
        return found

    @property
    def names_one(self) -> bool:
        """Whether each column must have one value, and nothing else is asked."""
        return self.is_whole and all(len(cells) == 1 for cells in self.wanted.values())

    def of_several(self, columns: Sequence[pa.Array]) -> dict[str, list[Any]]:
        """The value of each column for several rows, of which each is named by one of each.

        Args:
            columns: The values of each parameter, one for each row.
        """
        count = len(columns[0])
        cells = {name: of[0] for name, of in self.wanted.items()}
        return {
            name: columns[cell.parameter - 1].to_pylist()
            if cell.parameter
            else [cell.value] * count
            for name, cell in cells.items()
        }

    def tells_all(self, values: Mapping[str, list[Value]]) -> bool:
        """Whether a row with these `values` is touched, whatever else it has."""
        return self.is_whole and len(values) == len(self.wanted)


def read(found: Cell, bound: Sequence[pa.Scalar]) -> object:
    """What it is under these parameters; the cell itself where its cast refuses that."""
    if not found.parameter:
        return found.value
    value = bound[found.parameter - 1].as_py()
    beyond = found.limit and type(value) is int and not -found.limit <= value < found.limit
    return found if beyond else value


def is_named_once(tree: exp.Expr, name: TableName) -> bool:
    """Whether a rewritten query names that table once, so that nothing else reads it."""
    return sum(table.name == name.name for table in nodes_of(tree, exp.Table)) == 1


def narrowing_of(query: exp.Select, alias: str, target: Target) -> Narrowing | None:
    """How the query of an UPDATE or DELETE narrows the rows of its target; None: not at all.

    Args:
        query: The target goes by `alias` in it.
        alias: That.
        target: Its columns.
    """
    where = query.args.get("where")
    if where is None:
        return None
    alone = not query.args.get("joins")
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    wanted: dict[str, tuple[Cell, ...]] = {}
    is_whole = alone and not query.args.get("with_")
    for part in parts:
        found = _condition(part, "" if alone else alias, alias, target)
        if found is None or found[0] in wanted:
            is_whole = False
        else:
            wanted[found[0]] = found[1]
    texts = frozenset(name for name in wanted if target[name].type.name in UNPADDED)
    return Narrowing(wanted, texts, is_whole) if wanted else None


def _condition(
    part: exp.Expr, least: str, alias: str, target: Target
) -> tuple[str, tuple[Cell, ...]] | None:
    if isinstance(part, exp.EQ):
        sides = [part.this, part.expression]
        if not isinstance(sides[0], exp.Column):
            sides.reverse()
        column, values = sides[0], sides[1:]
    elif isinstance(part, exp.In) and not part.args.get("query"):
        column, values = part.this, part.expressions
    else:
        return None
    named = isinstance(column, exp.Column) and column.table in (least, alias)
    if not named or column.name not in target or not 0 < len(values) <= _MOST_VALUES:
        return None
    cells = [cell(value, target[column.name].type.name) for value in values]
    return (column.name, tuple(c for c in cells if c is not None)) if all(cells) else None


def cell(value: exp.Expr, kind: str) -> Cell | None:
    """A constant or parameter beside a column of a type; None for anything else."""
    if kind not in INTEGER | UNPADDED:
        return None
    if isinstance(value, exp.Parameter):
        return Cell(parameter=number(value))
    if (to := cast_to(value)) is not None:
        alike = to.name in (INTEGER if kind in INTEGER else UNPADDED)
        return Cell(None, number(value.this), _LIMITS.get(to.name, 0)) if alike else None
    minus = "-" if isinstance(value, exp.Neg) else ""
    literal = value.this if minus else value
    if not isinstance(literal, exp.Literal):
        return None
    if kind in UNPADDED:
        return Cell(str(literal.this)) if literal.is_string and not minus else None
    whole = not literal.is_string and WHOLE.fullmatch(literal.this)
    return Cell(int(minus + literal.this)) if whole else None
