"""NaN: to PostgreSQL one value, equal to itself and above all numbers (manual, 8.1.3).

The engine tells NaN from -NaN, which processors make of `inf - inf`, and sorts the one above and
the other below all numbers.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.meaning.inference import Types
from gateway.sql.meaning.scope import Output, resolve
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import own_nodes
from gateway.types import FLOATING

_DOUBLE = exp.DataType.build("double precision")


def may_be_nan(value: exp.Expr, known: Types) -> bool:
    """Whether a real may be NaN: not where all that it comes from is of a dataset.

    A derivative and a query are to be computed once: of them it is not asked.
    """
    kind = known.of(value)
    if kind is None or kind.name not in FLOATING:
        return False
    inside = own_nodes(value)
    if any(isinstance(node, Marker | exp.Query) for node in inside):
        return False
    columns = [node for node in inside if isinstance(node, exp.Column)]
    return any(_may_hold(column, known) for column in columns) or not columns


def _may_hold(column: exp.Column, known: Types) -> bool:
    if known.block is None:
        return True
    try:
        source, name = resolve(known.block, column)
    except GatewayError:  # the engine reports it, in its turn
        return False
    if source.query is not None and not source.recursive:
        return any(_may_give(each) for each in source.query.outputs if each.name == name)
    info = (source.columns or {}).get(name)
    return info is not None and info.nan


def _may_give(output: Output) -> bool:
    if output.sides:
        return any(map(_may_give, output.sides))
    if output.expression is None or output.block is None:
        return output.info is None or output.info.nan
    return may_be_nan(output.expression, Types(output.block))


def unsigned_nan(value: exp.Expr) -> exp.Expr:
    """The value, or NaN where it is NaN of either sign."""
    nan = exp.Cast(this=exp.Literal.string("NaN"), to=_DOUBLE.copy())
    return exp.Anonymous(this="nanvl", expressions=[value, nan])


def is_nan(value: exp.Expr) -> bool:
    """Whether it is the literal NaN, cast or not."""
    bare = value.unnest()
    while isinstance(bare, exp.Cast | exp.Neg):
        bare = bare.this.unnest()
    return bare.is_string and bare.name.strip().lower() == "nan"
