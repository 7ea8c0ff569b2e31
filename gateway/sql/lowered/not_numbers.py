"""NaN: to PostgreSQL one value, equal to itself and above all numbers (manual, 8.1.3).

The engine tells NaN from -NaN, which processors make of `inf - inf`, and sorts the one above and
the other below all numbers.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.origins import may_hold
from gateway.sql.meaning.inference import Types
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import own_nodes
from gateway.types import FLOATING

_DOUBLE = data_type("double precision")


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
    return any(may_hold(column, known, may_be_nan) for column in columns) or not columns


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
