"""nullif and CASE ... WHEN by `=`, over values that the engine's own compare by their form.

They take 0 and -0 for two values, and 1 day and 24 hours.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.values.padded import unpad_sides
from gateway.sql.text.datatypes import data_type
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BY_NAME, FLOATING, NUMERIC, Type

_PADDED = BY_NAME["bpchar"]


def spell_nullif(node: exp.Anonymous, known: Types) -> None:
    """Put the CASE that nullif stands for in its place, where such a value is compared."""
    first, second = node.expressions
    types = [known.of(argument) for argument in (first, second)]
    if first.find(exp.Query) is not None:
        return  # a subquery is asked once
    if types[1] is not None:
        second.meta[GIVES] = types[1]
    if _PADDED in types:
        branch = exp.If(this=_equal(first, second), true=exp.Null())
        node.replace(exp.Case(ifs=[branch], default=first.copy()))
        unpad_sides(branch.this, known)
        return
    if not any(map(_has_forms, types)) or NUMERIC in types:
        return  # a numeric has no -0
    branch = exp.If(this=_equal(first, second), true=exp.Null())
    made: exp.Expr = exp.Case(ifs=[branch], default=first.copy())
    if not _has_forms(types[0]):
        made = exp.Cast(this=made, to=data_type("float8"))
    node.replace(made)


def spell_cases(node: exp.Case, known: Types) -> None:
    """Write CASE of such a value WHEN ... THEN as CASE WHEN ... = ... THEN, in place."""
    if not _has_forms(known.of(node.this)) or node.this.find(exp.Query) is not None:
        return
    for branch in node.args["ifs"]:
        branch.set("this", _equal(node.this, branch.this))
    node.set("this", None)


def _has_forms(kind: Type | None) -> bool:
    return kind is not None and kind.name in (*FLOATING, "interval", "jsonb")


def _equal(one: exp.Expr, other: exp.Expr) -> exp.EQ:
    return exp.EQ(this=_apart(one), expression=_apart(other))


def _apart(value: exp.Expr) -> exp.Expr:
    if value.find(exp.Query) is not None:  # of the analysis, which is to find it in its place
        return value
    return value.copy() if isinstance(value, exp.Literal) else exp.paren(value.copy())
