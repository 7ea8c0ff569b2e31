"""Where a derivative is NULL, and where it is NaN: where its function is.

Folding 0 and 1 drops columns from a derivative, and with them their NULLs and NaNs: ``grad(x + y,
x)`` is 1 also where y is NULL, until a guard says so. This module knows which columns make an
expression NULL or NaN, and puts the guard around what forgot one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial, reduce

from gateway.autodiff.rules.functions import UNSIGNED, may_raise
from gateway.autodiff.rules.graph import (
    BOOLEAN,
    Graph,
    Node,
    is_null,
    null,
    post_order,
    unconditional,
)
from gateway.autodiff.rules.piecewise import EXPANSIONS, is_never_null
from gateway.autodiff.rules.simplify import is_zero

# All bits: a constant NaN is NaN whatever else is, and a branch that is NULL asks for nothing.
_ALL = -1

# Operations that make no NaN of numbers (infinities apart).
_NAN_OF_NAN = frozenset({"+", "-", "*", "neg", "case", "held", UNSIGNED})


class Nulls:
    """Which NULLs make which node NULL, and which NaNs NaN; remembered for a whole statement.

    A set of causes is the bits of one integer. Causes are leaves, and every CASE besides, since no
    leaf alone tells when a CASE is NULL.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._causes: dict[Node, int] = {}
        self._nans: dict[Node, int] = {}
        self._possibly: set[Node] = set()  # those that can be NaN
        self._powers: list[tuple[int, int]] = []  # each, and what it is not NaN without
        self._bits: dict[Node, int] = {}
        self._nodes: list[Node] = []
        self._never_null = 0
        self._raising = 0  # those that may raise
        self._alike: dict[Node, Node] = {}
        self.ones: set[Node] = set()  # what `one_where` gave: constant where they are numbers

    def alike(self, node: Node, other: Node) -> None:
        """Take note that `node`, a CASE or a leaf, is NULL and NaN exactly where `other` is."""
        self._alike[node] = self._alike.get(other, other)

    def guard(self, derivative: Node, primals: Iterable[Node], given: Iterable[Node] = ()) -> Node:
        """`derivative`, NULL or NaN as well where one of `primals` is; NULL where both are.

        `given` are conditions that hold where it is computed.
        """
        primals = list(primals)
        nulls, nans = self._lacking(derivative, primals, given)
        missing = nulls & ~self.causes(derivative)
        if not missing | nans:
            return derivative
        if self._is_kept_from_raising(nulls | nans, primals):
            asked = [(self.nans(primal) != 0, primal) for primal in primals]
            otherwise = self._sum(primals) if nans else null(self.graph)
        else:
            asked = [(nans >> bit & 1 != 0, node) for bit, node in self._of_bits(missing | nans)]
            otherwise = self._missing(nulls, nans)
        conditions = [
            self._is_number(node) if can_be_nan else self.graph.node("notnull", node)
            for can_be_nan, node in asked
        ]
        together = reduce(partial(self.graph.node, "and"), conditions)
        return self.graph.node("case", together, derivative, otherwise)

    def _is_kept_from_raising(self, causes: int, primals: Iterable[Node]) -> bool:
        """Whether a cause may raise in rows that a CASE keeps from it: not to be asked alone."""
        raising = [node for _, node in self._of_bits(causes & self._raising)]
        return bool(raising) and not unconditional(primals).issuperset(raising)

    def forgets(self, derivative: Node, primal: Node) -> bool:
        """Whether `derivative` needs a guard."""
        nulls, nans = self._lacking(derivative, [primal])
        return bool(nulls & ~self.causes(derivative) | nans)

    def one_where(self, primal: Node) -> Node:
        """1, and NULL or NaN where `primal` is: a factor that guards what is multiplied by it.

        Most rows are seen to be numbers by the value of `primal`, which is there anyway; one that
        is NaN although no cause of it is, such as infinity times 0, has 1 as well.
        """
        one = self.graph.number(1)
        if self.nans(primal):
            there, otherwise = self._is_number(primal), self.guard(one, [primal])
        else:
            there, otherwise = self.graph.node("notnull", primal), null(self.graph)
        made = self.graph.node("case", there, one, otherwise)
        self.ones.add(made)
        return made

    def _lacking(
        self, derivative: Node, primals: Iterable[Node], given: Iterable[Node] = ()
    ) -> tuple[int, int]:
        """What makes one of `primals` NULL, and what makes one NaN that makes no NaN of this."""
        nulls = nans = 0
        for primal in primals:
            nulls |= self.causes(primal)
            nans |= max(self.nans(primal), 0)
        for condition in given:
            nulls &= ~self.causes(condition)
        return nulls & ~self._never_null, nans & ~self._with_powers(self.nans(derivative))

    def _missing(self, nulls: int, nans: int) -> Node:
        """What is NULL where one of `nulls` is, else NaN where one of `nans` is."""
        if not nans:
            return null(self.graph)
        causes = [
            node
            for _, node in self._of_bits(nulls | nans)
            if node.leaf is None or not node.leaf.truth  # the CASE around it is a cause as well
        ]
        return self._sum(causes)

    def _sum(self, nodes: Iterable[Node]) -> Node:
        """What is NULL or NaN where one of these is, and is not to be differentiated."""
        return self.graph.node("held", reduce(partial(self.graph.node, "+"), nodes))

    def _is_number(self, node: Node) -> Node:
        return self.graph.node("not", self.graph.node("isnan", node))

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

    def nans(self, root: Node) -> int:
        """What makes `root` NaN by being NaN, whatever the rest holds."""
        for node in post_order(root, self._nans):
            if self._can_be_nan(node):
                self._possibly.add(node)
                self._nans[node] = self._nans_of(node)
            else:
                self._nans[node] = 0
        return self._nans[root]

    def _can_be_nan(self, node: Node) -> bool:
        """Whether NaN can be put into it, or come out of it."""
        if node.number is not None:
            return node.number.is_nan()
        if node.leaf is not None:
            return node.leaf.nan and not is_null(node)
        if node.op in _NAN_OF_NAN or node.op in EXPANSIONS:
            return not self._possibly.isdisjoint(node.args)
        return node.op not in BOOLEAN

    def _nans_of(self, node: Node) -> int:
        if node.number is not None:
            return _ALL
        if node.leaf is not None:
            return self._bit(self._alike.get(node, node))
        if node.op in EXPANSIONS:
            return self._bit(node)
        if node.op == "case":
            return self._nans_of_case(node) | self._bit(self._alike.get(node, node))
        found = 0
        for arg in node.args:
            found |= self._nans[arg]
        if node.op == "power" and (node.args[1].number is None or is_zero(node.args[1])):
            # NaN to the power of 0 is 1, and so is 1 to the power of NaN.
            self._powers.append((self._bit(node), found))
            return self._bit(node)
        return found

    def _with_powers(self, nans: int) -> int:
        """`nans`, and the powers that are not NaN unless one of them is."""
        for power, arguments in self._powers:
            if not arguments & ~nans:
                nans |= power
        return nans

    def _nans_of_case(self, node: Node) -> int:
        """What makes every branch NaN, or cannot be where its condition is true."""
        found, numbers = _ALL, 0  # what is not NaN where the conditions so far are false
        for condition, value in zip(node.args[:-1:2], node.args[1:-1:2], strict=True):
            found &= self._with_powers(self._nans[value] | self._not_nan(condition) | numbers)
            if condition.op == "isnan":
                numbers |= self._nans[condition.args[0]]
        if not is_null(node.args[-1]):
            found &= self._with_powers(self._nans[node.args[-1]] | numbers)
        return found if found >= 0 else 0

    def _not_nan(self, condition: Node) -> int:
        """What is not NaN where a condition is true; NaN is equal to itself, and the greatest."""
        if condition.op == "and":
            return self._not_nan(condition.args[0]) | self._not_nan(condition.args[1])
        if condition.op == "not" and condition.args[0].op == "isnan":
            return self._nans[condition.args[0].args[0]]
        if len(condition.args) != 2:
            return 0
        left, right = condition.args
        if condition.op == "<" or (condition.op in ("=", "<=") and right.number is not None):
            return self._nans[left]
        if condition.op == ">" or (condition.op in ("=", ">=") and left.number is not None):
            return self._nans[right]
        return 0

    def _of_bits(self, causes: int) -> Iterator[tuple[int, Node]]:
        """Each cause, with its place, from the lowest."""
        while causes:
            lowest = causes & -causes
            bit = lowest.bit_length() - 1
            yield bit, self._nodes[bit]
            causes ^= lowest

    def _bit(self, node: Node) -> int:
        if node not in self._bits:
            self._bits[node] = len(self._nodes)
            self._never_null |= (not _nullable(node)) << len(self._nodes)
            self._raising |= any(map(may_raise, post_order(node))) << len(self._nodes)
            self._nodes.append(node)
        return 1 << self._bits[node]

    def _of_case(self, node: Node, parts: list[int]) -> int:
        """What makes every branch NULL, or its condition not true. A NULL branch asks nothing."""
        found = _ALL if is_null(node.args[-1]) else parts[-1]
        for condition, value in zip(parts[:-1:2], parts[1:-1:2], strict=True):
            found &= condition | value
        return found if found >= 0 else 0


def _nullable(node: Node) -> bool:
    if is_never_null(node):
        return False
    return node.leaf is None or (node.leaf.nullable and not is_null(node))
