"""Expressions that come to one type: the sides of an operator, the branches of a CASE, a column."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from gateway.sql.text.precedence import COMPARISONS
from gateway.sql.text.trees import ByKind

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
_ALTERNATIVES = frozenset({"coalesce", "greatest", "least", "nvl", "ifnull", "nullif"})


def value_columns(node: exp.Expr) -> list[list[exp.Expr]]:
    """The columns of VALUES whose rows are of one length; none of anything else."""
    rows = [row.expressions for row in node.expressions] if isinstance(node, exp.Values) else []
    return list(map(list, zip(*rows, strict=True))) if len({*map(len, rows)}) == 1 else []


def elements(array: exp.Array) -> Iterator[exp.Expr]:
    """What stands in an array, of any dimensions."""
    for each in array.expressions:
        yield from elements(each) if isinstance(each, exp.Array) else (each,)


def together(node: exp.Expr) -> list[exp.Expr]:
    """Expressions that come to one type: the sides of an operator, the branches of a CASE."""
    for found in BESIDE.of(type(node)):
        return found(node)
    return []


def _sides(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, node.expression]


def _between(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, node.args["low"], node.args["high"]]


def _among(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, *node.expressions]


def _items(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions)


def _branches(node: exp.Expr) -> list[exp.Expr]:
    values = [branch.args["true"] for branch in node.args["ifs"]]
    default = node.args.get("default")
    return values if default is None else [*values, default]


def _alternatives(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if node.name.lower() in _ALTERNATIVES else []


# Kinds of nodes among whose parts there are such.
BESIDE: ByKind[Callable[[exp.Expr], list[exp.Expr]]] = ByKind(
    (
        ((*_ARITHMETIC, *COMPARISONS), _sides),
        ((exp.Between,), _between),
        ((exp.In,), _among),
        ((exp.Array,), _items),
        ((exp.Case,), _branches),
        ((exp.Anonymous,), _alternatives),
    )
)
