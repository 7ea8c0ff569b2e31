"""Reverse mode: the cotangents of everything an expression is made of, in one sweep.

The number of operations is a small multiple of the expression's own, however many variables there
are (Griewank and Walther, Evaluating Derivatives, 2nd ed., ch. 3.2, the cheap gradient principle).

The sweep stops at a CASE: pushed into a branch that is not taken, a cotangent of 0 would meet
infinite slopes there and become NaN. A CASE is an input here, and whoever asks combines its
cotangent with its tangent by forward mode, which stays inside the branch that is taken.
"""

from __future__ import annotations

from gateway.autodiff import simplify
from gateway.autodiff.graph import Graph, Node, post_order
from gateway.autodiff.linearize import slope_of_call
from gateway.autodiff.piecewise import EXPANSIONS


def transpose(graph: Graph, root: Node) -> dict[Node, Node]:
    """The cotangent of each leaf and each CASE that `root` is computed from, for a cotangent of 1.

    Inputs on which `root` depends in steps only, or not at all, are left out.
    """
    sweep = _Sweep(graph)
    sweep.add(root, graph.number(1))
    inputs: dict[Node, Node] = {}
    for node in reversed(post_order(root)):
        cotangent = sweep.cotangents.get(node)
        if cotangent is None or simplify.is_zero(cotangent):
            continue
        if node.op in ("leaf", "case") or node.op in EXPANSIONS:
            inputs[node] = cotangent
        else:
            sweep.push(node, cotangent)
    return inputs


class _Sweep:
    """Cotangents found so far; an argument used twice gets the sum of both."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
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
        if left is right:
            twice = simplify.multiply(self.graph, self.graph.number(2), left)
            self.add(left, simplify.multiply(self.graph, cotangent, twice))
            return
        self.add(left, simplify.multiply(self.graph, cotangent, right))
        self.add(right, simplify.multiply(self.graph, cotangent, left))
