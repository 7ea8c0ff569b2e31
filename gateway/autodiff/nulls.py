"""Where a derivative is NULL: exactly where its function is.

Folding 0 and 1 drops columns from a derivative, and with them their NULLs: ``grad(x + y, x)`` is 1
also where y is NULL, until a guard says so. This module knows which columns make an expression
NULL, and puts the guard around what forgot one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.autodiff.graph import Graph, Node, is_null, null, post_order
from gateway.autodiff.piecewise import EXPANSIONS, is_never_null


class Nulls:
    """Which NULLs make which node NULL; remembered for a whole statement.

    A set of causes is the bits of one integer. Causes are leaves, and every CASE besides, since no
    leaf alone tells when a CASE is NULL.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._causes: dict[Node, int] = {}
        self._bits: dict[Node, int] = {}
        self._nodes: list[Node] = []
        self._alike: dict[Node, Node] = {}

    def alike(self, node: Node, other: Node) -> None:
        """Take note that `node`, a CASE or a leaf, is NULL exactly where `other` is."""
        self._alike[node] = self._alike.get(other, other)

    def guard(self, derivative: Node, primals: Iterable[Node], given: Iterable[Node] = ()) -> Node:
        """`derivative`, NULL as well where one of `primals` is NULL.

        `given` are conditions that hold where it is computed.
        """
        needed = 0
        for primal in primals:
            needed |= self.causes(primal)
        missing = needed & ~self.causes(derivative)
        for condition in given:
            missing &= ~self.causes(condition)
        causes = map(self._nodes.__getitem__, _bits(missing))
        conditions = [self.graph.node("notnull", cause) for cause in causes if _nullable(cause)]
        if not conditions:
            return derivative
        together = conditions[0]
        for condition in conditions[1:]:
            together = self.graph.node("and", together, condition)
        return self.graph.node("case", together, derivative, null(self.graph))

    def causes(self, root: Node) -> int:
        """What makes `root` NULL by itself, whatever the rest holds.

        Of a condition: what makes it not true; for ``y IS NOT NULL`` that is y.
        """
        for node in post_order(root, self._causes):
            parts = [self._causes[arg] for arg in node.args]
            if node.op == "leaf":
                found = self._bit(self._alike.get(node, node))
            elif node.op == "case":
                found = self._of_case(node, parts) | self._bit(self._alike.get(node, node))
            elif node.op in EXPANSIONS:
                found = self._bit(node)
            elif node.op == "or":
                found = parts[0] & parts[1]
            else:
                found = 0
                for part in parts:
                    found |= part
            self._causes[node] = found
        return self._causes[root]

    def _bit(self, node: Node) -> int:
        if node not in self._bits:
            self._bits[node] = len(self._nodes)
            self._nodes.append(node)
        return 1 << self._bits[node]

    def _of_case(self, node: Node, parts: list[int]) -> int:
        """What makes every branch NULL, or its condition not true. A NULL branch asks nothing."""
        found = -1 if is_null(node.args[-1]) else parts[-1]
        for condition, value in zip(parts[:-1:2], parts[1:-1:2], strict=True):
            found &= condition | value
        return found if found >= 0 else 0


def _bits(causes: int) -> Iterator[int]:
    """The places of the ones in a number, from the lowest."""
    while causes:
        lowest = causes & -causes
        yield lowest.bit_length() - 1
        causes ^= lowest


def _nullable(node: Node) -> bool:
    if is_never_null(node):
        return False
    return node.leaf is None or (node.leaf.nullable and not is_null(node))
