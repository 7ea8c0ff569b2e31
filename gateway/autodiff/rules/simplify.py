"""Folds 0 and 1 while a derivative is built, and numbers whose product or quotient is a double.

So ``2.0 * (0.5 * x)`` is x and ``0.5 / y * (2.0 * x)`` is ``x / y``: there is less to compute, and
less to round.

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
    if left.op == "neg":
        return graph.node("-", right, left.args[0])
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
    if node.number is not None:
        return node if is_zero(node) else graph.number(-node.number)
    if node.op == "-":
        return graph.node("-", *reversed(node.args))
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
    for over, other in ((left, right), (right, left)):
        if over.number == -_ONE:
            return negate(graph, other)
        if over.op == "/" and over.args[0].number is not None and _factor(other)[0] != _ONE:
            upper = multiply(graph, over.args[0], other)
            return divide(graph, upper, over.args[1])
    return _product(graph, left, right)


def _product(graph: Graph, left: Node, right: Node) -> Node:
    """left * right, the numbers in front of both multiplied."""
    (first, one), (second, other) = _factor(left), _factor(right)
    factor = None if _ONE in (first, second) else _exact(first * second)
    if factor is None:
        return graph.node("*", left, right)
    number = _times(graph, factor, one)
    return number if other is None else multiply(graph, number, other)


def _factor(node: Node) -> tuple[Decimal, Node | None]:
    """The number that a product begins with, 1 if none, and the rest."""
    if node.number is not None:
        return node.number, None
    if node.op == "*" and node.args[0].number is not None:
        return node.args[0].number, node.args[1]
    return _ONE, node


def _times(graph: Graph, factor: Decimal, rest: Node | None) -> Node:
    if rest is None:
        return graph.number(factor)
    if factor == _ONE:
        return rest
    if factor == -_ONE:
        return negate(graph, rest)
    return graph.node("*", graph.number(factor), rest)


def _exact(number: Decimal) -> Decimal | None:
    """The number if it is one of double precision; None of any other, and of NaN."""
    return number if number.is_finite() and Decimal(float(number)) == number else None


def divide(graph: Graph, left: Node, right: Node) -> Node:
    """left / right, in double precision."""
    if is_zero(left):
        return left
    if is_one(right):
        return left
    if right.number and right.number.is_finite():
        if left.op == "neg":
            return negate(graph, divide(graph, left.args[0], right))
        number, rest = _factor(left)
        quotient = _exact(number / right.number)
        if (
            (rest is None or number != _ONE)
            and quotient is not None
            and quotient * right.number == number
        ):
            return _times(graph, quotient, rest)
    return graph.node("/", left, right)


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
