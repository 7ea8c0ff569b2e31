"""Queries whose one row is their parameters: `SELECT $1::int, $2::text` asks nothing of an engine.

Pools and drivers send them to see whether a server is there, and applications to read a value as
the server does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from datafusion.expr import Expr
from datafusion.plan import LogicalPlan

# How the engine shows a cast of a parameter, and two casts of it to one type: `$1::int` is the
# cast that was written, of the parameter as what it is.
_CAST = re.compile(r"Expr\(CAST\((?:\$(\d+) AS .+|CAST\(\$(\d+) AS (.+)\) AS \3)\)\)")


@dataclass(frozen=True, slots=True)
class Echo:
    """A query of this shape.

    Args:
        numbers: The parameter that each column is, from 0.
        schema: What comes out.
    """

    numbers: Sequence[int]
    schema: pa.Schema

    def rows(self, values: Sequence[pa.Scalar]) -> list[pa.RecordBatch]:
        """The one row."""
        columns = [pa.array([values[n].as_py()], values[n].type) for n in self.numbers]
        return [pa.RecordBatch.from_arrays(columns, schema=self.schema)]


def echo_of(plan: LogicalPlan, types: Sequence[pa.DataType], schema: pa.Schema) -> Echo | None:
    """The echo that a plan without a table comes to; None when something is to be computed.

    Args:
        plan: As it was first made, its parameters open.
        types: Of the parameters' values.
        schema: What it gives with them.
    """
    top, below = plan.to_variant(), plan.inputs()
    names = [type(node).__name__ for node in (top, *(node.to_variant() for node in below))]
    if names != ["Projection", "EmptyRelation"]:
        return None
    numbers = [_number(expr) for expr in top.projections()]
    if not numbers or None in numbers or len(numbers) != len(schema):
        return None
    found = [number for number in numbers if number is not None]
    # A cast to the type that the value has already changes nothing.
    same = [types[number] for number in found] == schema.types
    return Echo(found, schema) if same else None


def _number(expr: Expr) -> int | None:
    """The parameter, from 0, that an expression is or casts, under whatever name it comes out."""
    if expr.variant_name() == "Alias":
        expr = expr.to_variant().expr()
    kind, shown = expr.variant_name(), str(expr)
    if kind == "Placeholder":
        return int(shown.removeprefix("Expr($").removesuffix(")")) - 1
    cast = _CAST.fullmatch(shown) if kind == "Cast" else None
    return None if cast is None else int(cast[1] or cast[2]) - 1
