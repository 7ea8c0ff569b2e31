"""Values of an UPDATE that are one step from the old ones: `SET n = n + 1`, `SET a = a * $1`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from gateway.sql.types.numerals import is_point_literal
from gateway.sql.types.parameters import number
from gateway.sql.writes.given import cast_to
from gateway.sql.writes.narrowing import Cell, cell, read
from gateway.sql.writes.targets import TargetColumn
from gateway.types import FLOAT8, INTEGER

_SIGNS: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}


@dataclass(frozen=True, slots=True)
class Step:
    """The column itself plus, minus or times a constant or a parameter."""

    sign: str
    operand: Cell
    is_real: bool  # a float8; else a whole number

    def value(self, bound: Sequence[pa.Scalar]) -> int | float | None:
        """What stands beside the column; None where the engine must be asked.

        A float8 beside a whole number is a float8, and NULL makes a NULL of it.
        """
        found = read(self.operand, bound)
        if type(found) is int:
            return float(found) if self.is_real else found
        return found if self.is_real and type(found) is float else None


def step_of(value: exp.Expr, name: str, column: TargetColumn, alias: str) -> Step | None:
    """The step that an assigned value is; None where it is something else.

    Args:
        value: It.
        name: The column that it is assigned to.
        column: That.
        alias: What the table is called.
    """
    sign, is_real = _SIGNS.get(type(value)), column.type is FLOAT8
    if not isinstance(value, exp.Binary) or sign is None:
        return None
    if not (is_real or column.type.name in INTEGER):
        return None
    sides = [value.this, value.expression]
    if sign != "-" and not isinstance(sides[0], exp.Column):
        sides.reverse()
    mine = isinstance(sides[0], exp.Column) and sides[0].table in ("", alias)
    if not mine or sides[0].name != name:
        return None
    operand = cell(sides[1], "int8") or (_fraction(sides[1]) if is_real else None)
    return None if operand is None else Step(sign, operand, is_real)


def _fraction(value: exp.Expr) -> Cell | None:
    if cast_to(value) is FLOAT8:
        return Cell(parameter=number(value.this))
    literal = value.this if isinstance(value, exp.Neg) else value
    if not isinstance(literal, exp.Literal) or not is_point_literal(literal):
        return None
    real = float(literal.this)
    return Cell(-real if literal is not value else real)
