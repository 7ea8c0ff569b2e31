"""Reverse mode: the cotangents of everything an expression is made of, in one sweep.

The number of operations is a small multiple of the expression's own, however many variables there
are (Griewank and Walther, Evaluating Derivatives, 2nd ed., ch. 3.2, the cheap gradient principle).

The sweep stops at a CASE: pushed into a branch that is not taken, a cotangent of 0 would meet
infinite slopes there and become NaN. A CASE is an input here, and whoever asks combines its
cotangent with its tangent by forward mode, which stays inside the branch that is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gateway.autodiff.modes.linearize import slope_of_call
from gateway.autodiff.rules import simplify
from gateway.autodiff.rules.graph import Graph, Node, post_order
from gateway.autodiff.rules.piecewise import EXPANSIONS

# A product of so many factors or more is differentiated by halves.
LONG_PRODUCT = 8


def transpose(graph: Graph, root: Node, seed: Node) -> dict[Node, Node]:
    """The cotangent of each leaf and each CASE that `root` is computed from, for its own, `seed`.

    Inputs on which `root` depends in steps only, or not at all, are left out.
    """
    order = post_order(root)
    sweep = _Sweep(graph, Counter(arg for node in order for arg in node.args))
    sweep.add(root, seed)
    inputs: dict[Node, Node] = {}
    for node in reversed(order):
        cotangent = sweep.cotangents.get(node)
        if cotangent is None or simplify.is_zero(cotangent):
            continue
        if node.op in ("leaf", "case") or node.op in EXPANSIONS:
            inputs[node] = cotangent
        else:
            sweep.push(node, cotangent)
    return inputs


class _Sweep:
    """Cotangents found so far; an argument used twice gets the sum of both.

    Args:
        graph: Where the new nodes go.
        uses: How often each node is an argument.
    """

    def __init__(self, graph: Graph, uses: Mapping[Node, int]) -> None:
        self.graph = graph
        self.uses = uses
        self.cotangents: dict[Node, Node] = {}

    def add(self, node: Node, cotangent: Node) -> None:
        if node.number is not None or simplify.is_zero(cotangent):
            return
        before = self.cotangents.get(node)
        total = cotangent if before is None else simplify.add(self.graph, before, cotangent)
        self.cotangents[node] = total

    def push(self, node: Node, cotangent: Node) -> None:
        """Hand `cotangent` on to the arguments of one operation."""
        graph = self.graph
        if node.op == "+":
            self.add(node.args[0], cotangent)
            self.add(node.args[1], cotangent)
        elif node.op == "-":
            self.add(node.args[0], cotangent)
            self.add(node.args[1], simplify.negate(graph, cotangent))
        elif node.op == "neg":
            self.add(node.args[0], simplify.negate(graph, cotangent))
        elif node.op == "*":
            self._product(node, cotangent)
        elif node.op == "/":
            upper = simplify.divide(graph, cotangent, node.args[1])
            self.add(node.args[0], upper)
            self.add(node.args[1], simplify.negate(graph, simplify.multiply(graph, node, upper)))
        else:
            for index, argument in enumerate(node.args):
                slope = slope_of_call(graph, node, index)
                if slope is not None and argument.number is None:
                    self.add(argument, simplify.multiply(graph, cotangent, slope))

    def _product(self, node: Node, cotangent: Node) -> None:
        left, right = node.args
        factors = self._factors(node)
        if len(factors) >= LONG_PRODUCT:
            self._halve(factors, cotangent)
            return
        if left is right:
            twice = simplify.multiply(self.graph, self.graph.number(2), left)
            self.add(left, simplify.multiply(self.graph, cotangent, twice))
            return
        self.add(left, simplify.multiply(self.graph, cotangent, right))
        self.add(right, simplify.multiply(self.graph, cotangent, left))

    def _factors(self, node: Node) -> list[Node]:
        """What a chain of products multiplies, from the left, as far as nothing else uses it."""
        factors = []
        while node.op == "*":
            node, last = node.args
            factors.append(last)
            if self.uses[node] > 1:
                break
        return [node, *reversed(factors)]

    def _halve(self, factors: list[Node], cotangent: Node) -> None:
        """Hand each factor the product of all others, over a tree and not along the chain.

        There are no more products than along it, and the longest way through them is not n but
        log n: so many layers the engine's planner makes of them.
        """
        if len(factors) == 1:
            self.add(factors[0], cotangent)
            return
        middle = len(factors) // 2
        first, second = factors[:middle], factors[middle:]
        for half, other in ((first, second), (second, first)):
            self._halve(half, simplify.multiply(self.graph, cotangent, self._product_of(other)))

    def _product_of(self, factors: list[Node]) -> Node:
        """Their product; of the same halves, the same nodes."""
        if len(factors) == 1:
            return factors[0]
        middle = len(factors) // 2
        halves = self._product_of(factors[:middle]), self._product_of(factors[middle:])
        return simplify.multiply(self.graph, *halves)
