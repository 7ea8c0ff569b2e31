"""Expressions that come to one type: the sides of an operator, the branches of a CASE, a column."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.text.precedence import COMPARISONS

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_ALTERNATIVES = frozenset({"coalesce", "greatest", "least", "nvl", "ifnull", "nullif"})


def value_columns(node: exp.Expr) -> list[list[exp.Expr]]:
    """The columns of VALUES whose rows are of one length; none of anything else."""
    rows = [row.expressions for row in node.expressions] if isinstance(node, exp.Values) else []
    return list(map(list, zip(*rows, strict=True))) if len({*map(len, rows)}) == 1 else []


def together(node: exp.Expr) -> list[exp.Expr]:
    """Expressions that come to one type: the sides of an operator, the branches of a CASE."""
    if isinstance(node, (*_ARITHMETIC, *COMPARISONS)):
        return [node.this, node.expression]
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.In):
        return [node.this, *node.expressions]
    if isinstance(node, exp.Array):
        return list(node.expressions)
    if isinstance(node, exp.Case):
        values = [branch.args["true"] for branch in node.args["ifs"]]
        default = node.args.get("default")
        return values if default is None else [*values, default]
    if isinstance(node, exp.Anonymous) and node.name.lower() in _ALTERNATIVES:
        return list(node.expressions)
    return []
