"""Functions that choose between their arguments, written out as the CASE that they are.

``greatest(x, y)`` stays one node, printed as it was written; only its derivative is that of its
CASE, of the arguments that win. These functions are not NULL where one argument is, so a node of
them is its own cause of NULL (`nulls`), and the reverse sweep stops at it as at a CASE.

At a tie greatest and least share evenly between the winners, as JAX does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from gateway.autodiff.rules.graph import Graph, Node


def _coalesce(graph: Graph, node: Node) -> Node:
    """The first argument that is not NULL."""
    *firsts, last = node.args
    parts = [part for value in firsts for part in (graph.node("notnull", value), value)]
    return graph.node("case", *parts, last) if parts else last


def _nanvl(graph: Graph, node: Node) -> Node:
    """The first argument, the second where that is NaN."""
    first, second = node.args
    return graph.node("case", graph.node("isnan", first), second, first)


def _winner(graph: Graph, node: Node) -> Node:
    """The largest or smallest argument that is not NULL."""
    first, second = node.args[0], node.args[-1]
    if all(value is first for value in node.args):
        return first
    if len(node.args) != 2:
        return _winners(graph, node)
    half = graph.number("0.5")
    shared = graph.node("+", *(graph.node("*", half, value) for value in node.args))
    parts = [
        graph.node(">" if node.op == "greatest" else "<", first, second), first,
        graph.node("=", first, second), shared,
    ]  # fmt: skip
    if second.number is not None:
        return graph.node("case", *parts, second)
    return graph.node("case", *parts, graph.node("notnull", second), second, first)


def _winners(graph: Graph, node: Node) -> Node:
    """The mean of the arguments that are equal to the result, which is not NULL."""
    wins = [graph.node("=", value, node) for value in node.args]
    zero, one = graph.number(0), graph.number(1)
    chosen = [graph.node("case", w, v, zero) for w, v in zip(wins, node.args, strict=True)]
    counted = [graph.node("case", won, one, zero) for won in wins]
    total, count = (reduce(lambda a, b: graph.node("+", a, b), c) for c in (chosen, counted))
    return graph.node("/", total, count)


EXPANSIONS: dict[str, Callable[[Graph, Node], Node]] = {
    "coalesce": _coalesce,
    "greatest": _winner,
    "least": _winner,
    "nanvl": _nanvl,
}

# How many arguments they take; None: any number, from one.
ARITIES = {
    "coalesce": None, "greatest": None, "least": None, "nanvl": 2, "nvl": 2, "ifnull": 2,
}  # fmt: skip


def chooses(name: str, arity: int) -> bool:
    """Whether a call of `name` with `arity` arguments is written out here."""
    return name in ARITIES and arity == (ARITIES[name] or arity) and arity > 0


def is_never_null(node: Node) -> bool:
    """Whether one of the arguments, any of which would do, is always there."""
    return node.op in ("coalesce", "greatest", "least") and any(
        arg.number is not None or (arg.leaf is not None and not arg.leaf.nullable)
        for arg in node.args
    )


def expand(graph: Graph, node: Node) -> Node:
    """The node whose derivative is that of `node`."""
    return EXPANSIONS[node.op](graph, node)
