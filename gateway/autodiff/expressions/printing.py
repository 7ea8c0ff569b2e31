"""Graph nodes to SQL trees.

Everything a derivative computes is double precision: a leaf of another type is cast where it is
printed, a number is printed with a point. The trees made here carry no parentheses; the printer
adds those that precedence asks for (`sql.text.precedence`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from decimal import Decimal

from sqlglot import exp

from gateway.autodiff.rules.functions import UNSIGNED
from gateway.autodiff.rules.graph import Leaf, Node, is_null, post_order
from gateway.sql.lowered.values.not_numbers import unsigned_nan
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied
from gateway.types import FLOAT8

BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Pow: "power",
    exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.EQ: "=", exp.NEQ: "<>",
    exp.And: "and", exp.Or: "or",
}  # fmt: skip
_SQL = {op: node for node, op in BINARY.items() if op != "power"}

_UNARY: dict[str, Callable[[exp.Expr], exp.Expr]] = {
    "held": lambda tree: tree,
    "neg": lambda tree: exp.Neg(this=tree),
    "not": lambda tree: exp.Not(this=tree),
    UNSIGNED: lambda tree: unsigned_nan(tree, FLOAT8),
}

# What is printed in the place of a node that was computed before; None for one that was not.
StandIn = Callable[[Node], exp.Expr | None]


def _computed_here(node: Node) -> None:
    """Nothing was computed before."""


def write(
    root: Node,
    stand_in: StandIn = _computed_here,
    pointed: Callable[[exp.Expr], exp.Expr] = copied,
) -> exp.Expr:
    """A tree of fresh SQL nodes for `root`, whose size somebody has looked at.

    Args:
        root: What to print.
        stand_in: Gives what to print in the place of nodes that were computed before.
        pointed: Makes of a leaf's SQL a fresh tree: what it is where this is printed.
    """
    return _Printer(stand_in, pointed).write(root)


def printed_size(roots: Sequence[Node]) -> int:
    """Nodes of the trees that `roots` print as, each use of a shared node counted."""
    sizes: dict[Node, int] = {}
    for root in roots:
        for node in post_order(root, sizes):
            sizes[node] = 1 + sum([sizes[arg] for arg in node.args])
    return sum(sizes[root] for root in roots)


class _Printer:
    def __init__(self, stand_in: StandIn, pointed: Callable[[exp.Expr], exp.Expr]) -> None:
        self.stand_in, self.pointed = stand_in, pointed

    def write(self, node: Node) -> exp.Expr:
        before = self.stand_in(node)
        if before is not None:
            return before
        if node.number is not None:
            return _number(node.number)
        if node.leaf is not None:
            return self._leaf(node.leaf)
        if node.op == "case":
            return self._case(node)
        if node.op == "notnull":
            return exp.Not(this=exp.Is(this=self._uncast(node.args[0]), expression=exp.Null()))
        arguments = [self.write(arg) for arg in node.args]
        if node.op in _UNARY:
            return _UNARY[node.op](arguments[0])
        if node.op in _SQL:
            return _SQL[node.op](this=arguments[0], expression=arguments[1])
        return exp.Anonymous(this=node.op, expressions=arguments)

    def _leaf(self, leaf: Leaf) -> exp.Expr:
        sql = self.pointed(leaf.sql)
        if leaf.double or isinstance(sql, exp.Null):
            return sql
        return as_double(sql) if leaf.typed else exp.Mul(this=sql, expression=_number(Decimal(1)))

    def _uncast(self, node: Node) -> exp.Expr:
        """The argument of IS NOT NULL: no cast is needed to see whether it is there."""
        if node.leaf is None:
            return self.write(node)
        return self.stand_in(node) or self.pointed(node.leaf.sql)

    def _case(self, node: Node) -> exp.Case:
        parts = [self.write(arg) for arg in node.args]
        pairs = zip(parts[:-1:2], parts[1:-1:2], strict=True)
        branches = [exp.If(this=condition, true=value) for condition, value in pairs]
        return exp.Case(ifs=branches, default=None if is_null(node.args[-1]) else parts[-1])


def as_double(tree: exp.Expr) -> exp.Expr:
    """`tree` cast to double precision."""
    return exp.Cast(this=tree, to=data_type("double"))


def _number(value: Decimal) -> exp.Expr:
    if not value.is_finite():
        name = "NaN" if value.is_nan() else ("Infinity" if value > 0 else "-Infinity")
        return as_double(exp.Literal.string(name))
    if value < 0:
        return exp.Neg(this=_number(-value))
    text = format(value, "f") if -20 < value.adjusted() < 20 else format(value, "E")
    return exp.Literal.number(text if "." in text or "E" in text else f"{text}.0")


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name for a column that none of `taken` is: the wanted one, or that with a number."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}:{count}"
    return name
