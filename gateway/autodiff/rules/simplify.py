"""Folds 0 and 1 while a derivative is built, and nothing else.

Folding ``0 * x`` to 0 and ``x + 0`` to x loses the NULL (and the NaN) of x; whoever prints the
result puts a guard back for every nullable leaf that vanished (`nulls.Nulls.guard`).
"""

from __future__ import annotations

from decimal import Decimal

from gateway.autodiff.rules.graph import Graph, Node

_ZERO, _ONE = Decimal(0), Decimal(1)


def is_zero(node: Node) -> bool:
    """True of the constant 0."""
    return node.number is not None and node.number == _ZERO


def is_one(node: Node) -> bool:
    """True of the constant 1."""
    return node.number is not None and node.number == _ONE


def add(graph: Graph, left: Node, right: Node) -> Node:
    """left + right."""
    if is_zero(left):
        return right
    if is_zero(right):
        return left
    if right.op == "neg":
        return graph.node("-", left, right.args[0])
    return graph.node("+", left, right)


def subtract(graph: Graph, left: Node, right: Node) -> Node:
    """left - right."""
    if is_zero(right):
        return left
    if is_zero(left):
        return negate(graph, right)
    if right.op == "neg":
        return graph.node("+", left, right.args[0])
    return graph.node("-", left, right)


def negate(graph: Graph, node: Node) -> Node:
    """-node."""
    if is_zero(node):
        return node
    return node.args[0] if node.op == "neg" else graph.node("neg", node)


def multiply(graph: Graph, left: Node, right: Node) -> Node:
    """left * right; a sign moves to the front."""
    if is_zero(left) or is_zero(right):
        return graph.number(0)
    if is_one(left):
        return right
    if is_one(right):
        return left
    if left.op == "neg":
        return negate(graph, multiply(graph, left.args[0], right))
    if right.op == "neg":
        return negate(graph, multiply(graph, left, right.args[0]))
    return graph.node("*", left, right)


def divide(graph: Graph, left: Node, right: Node) -> Node:
    """left / right, in double precision."""
    if is_zero(left):
        return left
    return left if is_one(right) else graph.node("/", left, right)


def choose(graph: Graph, *args: Node) -> Node:
    """CASE over condition, value, ..., ELSE value; one value when all of them are the same."""
    values = {id(value) for value in (*args[1:-1:2], args[-1])}
    return args[-1] if len(values) == 1 else graph.node("case", *args)


_FOLDING = {"+": add, "-": subtract, "*": multiply, "/": divide}


def operation(graph: Graph, op: str, *args: Node) -> Node:
    """The operation `op`, folded where this module knows how."""
    if op in _FOLDING:
        return _FOLDING[op](graph, *args)
    if op == "neg":
        return negate(graph, *args)
    return choose(graph, *args) if op == "case" else graph.node(op, *args)
