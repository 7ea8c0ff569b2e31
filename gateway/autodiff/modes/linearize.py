"""Forward mode: the tangent of an expression, given the tangents of its leaves.

The chain rule over the graph, one visit a node, so the tangent of a shared part is made once
(Griewank and Walther, Evaluating Derivatives, 2nd ed., ch. 3).
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.autodiff.expressions.reading import read_partial
from gateway.autodiff.modes.nulls import Nulls
from gateway.autodiff.rules import piecewise, simplify
from gateway.autodiff.rules.functions import rule_for
from gateway.autodiff.rules.graph import BOOLEAN, Graph, Node, is_null, post_order
from gateway.errors import NotDifferentiable
from gateway.sql.text.dialect import own_value


class Forward:
    """Tangents of expressions, for one choice of the leaves' tangents.

    Args:
        graph: Where the new nodes go.
        nulls: Keeps branches of a CASE NULL where they were.
        tangent_of: The tangent of a leaf: a number 0 or 1, or any node.
    """

    def __init__(self, graph: Graph, nulls: Nulls, tangent_of: Callable[[Node], Node]) -> None:
        self.graph = graph
        self.nulls = nulls
        self.tangent_of = tangent_of
        self._tangents: dict[Node, Node] = {}

    def tangent(self, root: Node) -> Node:
        """The tangent of `root`; it may have lost NULLs, which `Nulls.guard` puts back."""
        for node in post_order(root, self._tangents):
            self._tangents[node] = self._step(node)
        return self._tangents[root]

    def _step(self, node: Node) -> Node:
        graph = self.graph
        if node.number is not None:
            return graph.number(0) if node.number.is_finite() else graph.number("NaN")
        if node.leaf is not None:
            return node if is_null(node) else self.tangent_of(node)
        if node in self.nulls.ones or node.op in BOOLEAN:
            return graph.number(0)
        if node.op == "case":
            return self._case(node)
        if node.op in piecewise.EXPANSIONS:
            return self._choice(node)
        if node.op == "held":
            return node
        tangents = [self._tangents[arg] for arg in node.args]
        if node.op in ("+", "-", "neg"):
            return simplify.operation(graph, node.op, *tangents)
        if node.op == "*":
            return self._product(node, *tangents)
        if node.op == "/":
            return self._quotient(node, *tangents)
        return self._call(node, tangents)

    def _product(self, node: Node, left: Node, right: Node) -> Node:
        first, second = node.args
        if first is second:
            twice = simplify.multiply(self.graph, self.graph.number(2), first)
            return simplify.multiply(self.graph, twice, left)
        return simplify.add(
            self.graph,
            simplify.multiply(self.graph, left, second),
            simplify.multiply(self.graph, first, right),
        )

    def _quotient(self, node: Node, upper: Node, lower: Node) -> Node:
        """(a / b)' = (a' - (a / b) b') / b: of higher order too, it repeats nothing but a / b."""
        rise = simplify.subtract(self.graph, upper, simplify.multiply(self.graph, node, lower))
        return simplify.divide(self.graph, rise, node.args[1])

    def _case(self, node: Node) -> Node:
        """CASE chooses between the tangents as between the values; conditions do not vary."""
        arguments = list(node.args)
        values = [*arguments[1:-1:2], arguments[-1]]
        if all(is_null(value) or simplify.is_zero(self._tangents[value]) for value in values):
            return self.graph.number(0)  # the guard of the whole knows where it is NULL
        for index in (*range(1, len(arguments) - 1, 2), len(arguments) - 1):
            value = arguments[index]
            condition = arguments[index - 1 : index] if index < len(arguments) - 1 else []
            arguments[index] = self.nulls.guard(self._tangents[value], [value], condition)
        chosen = simplify.choose(self.graph, *arguments)
        if chosen.op == "case":
            self.nulls.alike(chosen, node)
        return chosen

    def _choice(self, node: Node) -> Node:
        """The tangent of greatest, coalesce, ... is that of the CASE that they are."""
        self._tangents[node] = self.graph.number(0)  # of the node in its own conditions
        written = piecewise.expand(self.graph, node)
        chosen = self.tangent(written)
        if chosen.op == "case" and written.op == "case":
            self.nulls.alike(chosen, node)
        return chosen

    def _call(self, node: Node, tangents: list[Node]) -> Node:
        total = self.graph.number(0)
        for index, tangent in enumerate(tangents):
            if simplify.is_zero(tangent):
                continue
            slope = slope_of_call(self.graph, node, index)
            if slope is not None:
                part = simplify.multiply(self.graph, slope, tangent)
                total = simplify.add(self.graph, total, part)
        return total


def slope_of_call(graph: Graph, node: Node, index: int) -> Node | None:
    """The partial derivative of a function's call by one of its arguments, from the rule table.

    None where the function is constant almost everywhere.

    Raises:
        NotDifferentiable: 0A000, the function has no rule.
    """
    rule = rule_for(node.op, len(node.args))
    if rule is None:
        raise NotDifferentiable(f"function {node.op} has no derivative rule")
    partial = rule.partials[index]
    if callable(partial):
        made = partial(graph, node.args)
        if isinstance(made, Node):
            return made
        partial = made
    if partial is None:
        return None
    names = dict(zip(rule.arguments, node.args, strict=True))
    return read_partial(graph, own_value(partial), {**names, "f": node})
