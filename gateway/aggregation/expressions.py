"""SQL over one grid's columns -> the expressions that are computed on arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlglot import exp

from gateway.autodiff.statements.neighbours import operation_of
from gateway.sources.arithmetic.elementwise import Call, Column, Expression, Number
from gateway.sources.arithmetic.nullable import Nullable, Unsound, evaluate, of_column
from gateway.sources.grid.grid import GridTable
from gateway.sql.text.engine_types import engine_type
from gateway.sql.types.parameters import number

NULL = Call("null", ())
_CASTS = {"REAL": "float4", "DOUBLE PRECISION": "float8"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads expressions over one grid.

    Args:
        grid: Whose columns.
        alias: What the statement calls it.
        values: Of `$1`, `$2`, ...
    """

    grid: GridTable
    alias: str
    values: Sequence[pa.Scalar]

    def expression(self, tree: exp.Expr) -> Expression:
        """What is to be computed.

        Raises:
            Unsound: it is not made of the grid's numbers element by element.
        """
        tree = tree.unnest()
        read = _FORMS.get(type(tree))
        if read is not None:
            return read(self, tree)
        name, arguments = operation_of(tree)
        if not name:
            raise Unsound(f"{type(tree).__name__} is not computed on arrays")
        return Call(name, tuple(map(self.expression, arguments)))

    def type_of(self, expression: Expression) -> np.dtype[np.generic]:
        """The type of an expression's values.

        Raises:
            Unsound: it has none on arrays.
        """
        return evaluate(expression, self._empty).values.dtype

    def _empty(self, name: str) -> Nullable:
        dtype = self.grid.dtype(name)
        if dtype is None:
            raise Unsound(f"{name} holds no numbers")
        return of_column(np.zeros(0, dtype), dtype)

    def is_column(self, tree: exp.Expr) -> bool:
        """Whether it is a column of the grid."""
        if not isinstance(tree, exp.Column) or tree.table not in ("", self.alias):
            return False
        return self.grid.has_column(tree.name)

    def _column(self, tree: exp.Expr) -> Expression:
        if not self.is_column(tree):
            raise Unsound(f"{tree.name} is no column of the grid")
        return Column(tree.name)

    def _literal(self, tree: exp.Expr) -> Expression:
        if tree.is_string:
            raise Unsound("text")
        return Number(int(tree.name) if tree.is_int else float(tree.name))

    def _negative(self, tree: exp.Expr) -> Expression:
        inside = self.expression(tree.this)
        return Number(-inside.value) if isinstance(inside, Number) else Call("neg", (inside,))

    def _parameter(self, tree: exp.Expr) -> Expression:
        value = self.values[number(tree) - 1]
        if not value.is_valid:
            return NULL
        if pa.types.is_float32(value.type):
            return Call("float4", (Number(value.as_py()),))
        if pa.types.is_integer(value.type) or pa.types.is_float64(value.type):
            return Number(value.as_py())
        raise Unsound("a parameter that is no number")

    def _cast(self, tree: exp.Expr) -> Expression:
        target = _CASTS.get(engine_type(tree.args["to"]))
        if target is None:
            raise Unsound("a cast to what is no real number")
        if tree.this.is_string:
            return Call(target, (_real(tree.this.name),))
        return Call(target, (self.expression(tree.this),))

    def _case(self, tree: exp.Expr) -> Expression:
        parts: list[Expression] = []
        for branch in tree.args["ifs"]:
            condition = branch.this
            if tree.this is not None:
                condition = exp.EQ(this=tree.this.copy(), expression=condition.copy())
            parts += [self.expression(condition), self.expression(branch.args["true"])]
        last = tree.args.get("default")
        parts.append(NULL if last is None else self.expression(last))
        return Call("case", tuple(parts))

    def _between(self, tree: exp.Expr) -> Expression:
        if tree.args.get("symmetric"):
            raise Unsound("BETWEEN SYMMETRIC")
        this = self.expression(tree.this)
        low, high = (self.expression(tree.args[side]) for side in ("low", "high"))
        return Call("and", (Call(">=", (this, low)), Call("<=", (this, high))))

    def _in(self, tree: exp.Expr) -> Expression:
        this = self.expression(tree.this)
        if not tree.expressions:
            raise Unsound("IN over what is no list")
        found = [Call("=", (this, self.expression(each))) for each in tree.expressions]
        result = found[0]
        for each in found[1:]:
            result = Call("or", (result, each))
        return result


def _real(text: str) -> Number:
    try:
        return Number(float(text))
    except ValueError as error:
        raise Unsound(text) from error


_FORMS: dict[type[exp.Expr], Callable[[Reading, exp.Expr], Expression]] = {
    exp.Column: Reading._column,
    exp.Literal: Reading._literal,
    exp.Null: lambda _, __: NULL,
    exp.Neg: Reading._negative,
    exp.Parameter: Reading._parameter,
    exp.Cast: Reading._cast,
    exp.Case: Reading._case,
    exp.Between: Reading._between,
    exp.In: Reading._in,
}


def is_finite(expression: Expression) -> bool:
    """Whether no constant in it is NaN or infinite."""
    if isinstance(expression, Number):
        return math.isfinite(expression.value)
    return not isinstance(expression, Call) or all(map(is_finite, expression.arguments))
