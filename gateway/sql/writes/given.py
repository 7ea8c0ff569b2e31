"""Rows of an INSERT that need nothing computed: constants and parameters, each as it stands.

No engine is asked for them. What is read here is what the engine would make of it; whatever leaves
a doubt (an expression, a fraction for a column that is none, constants of several kinds in one
column) is left to the engine. So is a cast, but for one of a parameter to the column's own type,
as SQLAlchemy writes it for psycopg, whose values are of that type already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.errors import UndefinedObject
from gateway.sql.types.numerals import is_point_literal
from gateway.sql.types.parameter_casts import DECLARED
from gateway.sql.types.parameters import number, postgres_type
from gateway.sql.writes.assignments import AS_ASSIGNED, EXACT, is_spelt
from gateway.sql.writes.row_texts import alike
from gateway.sql.writes.targets import Target, TargetColumn
from gateway.types import INTEGER, INTERVAL, UNPADDED, Type, is_by_settings

WHOLE = re.compile(r"\d{1,18}")
_MOST_DIGITS = 38

Constant = None | bool | int | float | str | Decimal


@dataclass(frozen=True, slots=True)
class Given:
    """The rows, a column at a time: an array of constants, or the parameters of each row.

    A row's parameter is its number; 0 stands for NULL. `typed` has those that must be of the types
    of their columns: they are cast to them, or a session's settings decide what they become.
    """

    columns: tuple[pa.Array | tuple[int, ...], ...]
    count: int
    typed: Mapping[int, pa.DataType] = field(default_factory=dict)

    @property
    def parameters(self) -> frozenset[int]:
        """The numbers of all parameters."""
        named = (column for column in self.columns if isinstance(column, tuple))
        return frozenset(each for column in named for each in column if each)

    def takes(self, types: Sequence[pa.DataType]) -> bool:
        """Whether those of parameters of these types that must be of their columns' types are."""
        return all(_alike(types[n - 1], kind) for n, kind in self.typed.items())

    def executed(self, columns: Sequence[pa.Array]) -> pa.RecordBatch:
        """The rows of several executions of a statement of one row, in turn.

        Args:
            columns: The values of each parameter, one for each execution.
        """
        count = len(columns[0])
        everywhere = pa.array(np.zeros(count, np.int64))
        arrays = []
        for column in self.columns:
            if not isinstance(column, tuple):
                arrays.append(column.take(everywhere))
            elif column[0]:
                arrays.append(columns[column[0] - 1])
            else:
                arrays.append(pa.nulls(count))
        return pa.RecordBatch.from_arrays(arrays, [str(n) for n in range(len(arrays))])

    def rows(self, values: Sequence[pa.Scalar]) -> pa.RecordBatch | None:
        """The rows with these values in them; None where a column would hold several types.

        Also where a value that must be of its column's type is of another.
        """
        if not self.takes([value.type for value in values] if self.typed else ()):
            return None
        arrays = []
        for column in self.columns:
            array = _bound(column, values) if isinstance(column, tuple) else column
            if array is None:
                return None
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, [str(n) for n in range(len(arrays))])


def _alike(given: pa.DataType, wanted: pa.DataType) -> bool:
    for are_one_kind in (pa.types.is_integer, pa.types.is_decimal):
        if are_one_kind(wanted):
            return bool(are_one_kind(given))
    return bool(given == wanted)


def _bound(column: tuple[int, ...], values: Sequence[pa.Scalar]) -> pa.Array | None:
    return joined([values[place - 1] if place else None for place in column])


def joined(values: Sequence[pa.Scalar | None]) -> pa.Array | None:
    """Values of one column, some of which are no parameters but NULL; None of several kinds.

    Integers of several widths are of one kind, and so are numerics of several scales.

    >>> joined([pa.scalar(1, pa.int16()), None, pa.scalar(2, pa.int64())]).type
    DataType(int64)
    """
    types = {value.type for value in values if value is not None}
    if not types:
        return pa.nulls(len(values))
    if len(types) == 1:
        if len(values) == 1:
            return pa.repeat(values[0], 1)
        known = [value if value is not None and value.is_valid else None for value in values]
        return pa.array(known, types.pop())
    plain = [None if value is None else value.as_py() for value in values]
    if all(map(pa.types.is_integer, types)):
        return pa.array(plain, pa.int64())
    if not all(map(pa.types.is_decimal128, types)):
        return None
    try:
        return pa.array(plain, pa.decimal128(_MOST_DIGITS, max(each.scale for each in types)))
    except pa.ArrowInvalid:  # more digits than are kept
        return None


def as_given(rows: Sequence[exp.Expr], columns: Sequence[str], target: Target) -> Given | None:
    """The rows of a VALUES, if nothing in them has to be computed.

    Args:
        rows: All as wide as `columns`, at least one.
        columns: What they give.
        target: The columns of the table.
    """
    found: list[pa.Array | tuple[int, ...]] = []
    typed: dict[int, pa.DataType] = {}
    for place, name in enumerate(columns):
        cells = [row.expressions[place] for row in rows]
        plain = [uncast(cell, target[name].type) for cell in cells]
        column = _column(plain, target[name])
        if column is None:
            return None
        found.append(column)
        kind = target[name].type
        varied = is_by_settings(kind)
        typed |= {
            number(each): kind.arrow
            for each, cell in zip(plain, cells, strict=True)
            if each is not cell or (varied and isinstance(each, exp.Parameter))
        }
    return Given(tuple(found), len(rows), typed)


def uncast(cell: exp.Expr, kind: Type) -> exp.Expr:
    """The parameter of `$1::type` where the type is this one and changes no value of it."""
    if kind.name not in _KEPT or cell.meta.get(DECLARED):
        return cell
    to = cast_to(cell)
    return cell.this if to is not None and alike(to, kind) else cell


# Types of which a cast leaves values of the same type as they are.
_KEPT = UNPADDED | INTEGER | {
    "float8", "numeric", "bool", "date", "time", "timestamp", "timestamptz", "interval", "uuid",
    "inet", "json", "jsonb", "bytea",
}  # fmt: skip


def cast_to(cell: exp.Expr) -> Type | None:
    """The type of `$1::type`; None of a type with modifiers, and of anything else."""
    if type(cell) is not exp.Cast or not isinstance(cell.this, exp.Parameter):
        return None
    to = cell.args["to"]
    try:
        return postgres_type(to) if isinstance(to, exp.DataType) and not to.expressions else None
    except UndefinedObject:  # a user's own, or none, which is told later
        return None


def _column(cells: list[exp.Expr], column: TargetColumn) -> pa.Array | tuple[int, ...] | None:
    if any(isinstance(cell, exp.Parameter) for cell in cells):
        if not all(isinstance(cell, exp.Parameter | exp.Null) for cell in cells):
            return None
        return tuple(number(c) if isinstance(c, exp.Parameter) else 0 for c in cells)
    values: list[Constant] = []
    for cell in cells:
        value = _constant(cell, column)
        if value is None and not isinstance(cell, exp.Null):
            return None
        values.append(value)
    return constants(values)


def constants(values: list[Constant]) -> pa.Array | None:
    """Constants of one column as the engine would hold them; None where they are of several kinds.

    >>> constants([1, None, 2]).type, constants([1, "x"])
    (DataType(int64), None)
    """
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {int, float}:
        values, kinds = [None if v is None else float(v) for v in values], {float}
    if kinds == {int, Decimal}:
        values, kinds = [None if v is None else Decimal(v) for v in values], {Decimal}
    if len(kinds) > 1:
        return None
    kind = kinds.pop()
    if kind is not Decimal:
        return pa.array(values, _ARROW[kind])
    scale = max(-v.as_tuple().exponent for v in values if isinstance(v, Decimal))  # type: ignore[operator]
    try:
        return pa.array(values, pa.decimal128(_MOST_DIGITS, max(scale, 0)))
    except pa.ArrowInvalid:  # more digits than are kept
        return None


_ARROW = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def _constant(cell: exp.Expr, column: TargetColumn) -> Constant:
    """The value of a constant; None also where it is none that can be taken as it stands."""
    if AS_ASSIGNED in cell.meta:
        cell = cell.this
    if isinstance(cell, exp.Boolean):
        return bool(cell.this)
    sign = "-" if isinstance(cell, exp.Neg) else ""
    literal = cell.this if sign else cell
    if not isinstance(literal, exp.Literal):
        return None
    if literal.is_string:
        typed = column.type.element is not None or column.type is INTERVAL
        typed = typed or is_spelt(literal, column.type)
        return None if sign or typed else str(literal.this)
    text = sign + str(literal.this)
    if WHOLE.fullmatch(literal.this):
        return int(text)
    if column.type.name in EXACT and is_point_literal(literal):
        return Decimal(text)
    # PostgreSQL reads a numeric, which has no -0.
    return float(text) + 0.0 if column.type.name == "float8" else None
