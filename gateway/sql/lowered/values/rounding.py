"""Doubles that are numerics in PostgreSQL, where they are rounded: half away from zero.

A literal with a point and an average of integers are doubles here (sql.types.results). PostgreSQL
rounds a double half to even and a numeric half away from zero, and of a numeric 2.3 * 3 is 6.9 and
no less. So such a value is taken to its first 15 digits, which are right, before it is cut.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.building import cast_copy
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.grammar import Marker
from gateway.sql.types.inference import GIVES, Types, bare
from gateway.sql.types.numerics_as_doubles import is_integer, is_numeric_there, is_of_parts
from gateway.types import FLOAT8

CUTTING = frozenset({"round", "trunc", "floor", "ceil", "ceiling"})


def round_numeric(node: exp.Expr, types: Types) -> None:
    """Write the rounding of such a value, by a function or a cast, as that of a numeric; in place.

    What a derivative is taken of is left as it is.
    """
    if isinstance(node, exp.Cast):
        _round_cast(node, types)
        return
    given = node.expressions
    if not 1 <= len(given) <= 2 or node.args.get("resolved"):
        return
    if len(given) == 1 and node.name == "round" and is_of_parts(given[0], types):
        node.replace(_rounded(given[0]))
        return
    if not is_numeric_there(given[0], types) or node.find_ancestor(Marker):
        return
    if len(given) == 1:
        node.replace(_cut(node.name, given[0]))
        return
    power = exp.Anonymous(
        this="power",
        expressions=[exp.Literal.number("10.0"), cast_copy(given[1], "double precision")],
    )
    moved = exp.Mul(this=exp.paren(given[0].copy()), expression=power)
    node.replace(_given(exp.Div(this=_cut(node.name, moved), expression=power.copy())))


def _round_cast(node: exp.Cast, types: Types) -> None:
    target = types.of(node)
    value = bare(node.this)
    written = value.this if isinstance(value, exp.Neg) else value
    if not is_integer(target) or isinstance(written, exp.Literal):
        return  # what is written is rounded where it is printed
    if node.find_ancestor(Marker):
        return
    if is_of_parts(value, types) or is_numeric_there(value, types):
        rounded = _rounded(value) if is_of_parts(value, types) else _cut("round", value)
        rounded.type = data_type("bigint")  # then the printer need not round
        node.set("this", rounded)


def _rounded(value: exp.Expr) -> exp.Expr:
    """Half away from zero; an epoch has more digits than a double's first 15."""
    made = exp.Anonymous(this="round", expressions=[cast_copy(value, "double precision")])
    made.set("resolved", True)
    return _given(made)


def _cut(name: str, value: exp.Expr) -> exp.Expr:
    digits = exp.Anonymous(
        this="fifteen_digits", expressions=[cast_copy(value, "double precision")]
    )
    cut = exp.Anonymous(this="ceil" if name == "ceiling" else name, expressions=[digits])
    cut.set("resolved", True)
    return _given(cut)


def _given(value: exp.Expr) -> exp.Expr:
    value.meta[GIVES] = FLOAT8
    return value
