"""Forward mode: the tangent of an expression, given the tangents of its leaves.

The chain rule over the graph, one visit a node, so the tangent of a shared part is made once
(Griewank and Walther, Evaluating Derivatives, 2nd ed., ch. 3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from sqlglot import exp

from gateway.autodiff import simplify
from gateway.autodiff.expressions import NULL, read_partial
from gateway.autodiff.graph import Graph, Node, always_null_with, is_null, post_order
from gateway.autodiff.rules import Partial, Rule, rule_for
from gateway.errors import NotDifferentiable
from gateway.sql.dialect import parse


def linearize(
    graph: Graph, root: Node, tangent_of: Callable[[Node], Node], also: Iterable[Node] = ()
) -> tuple[Node, Node]:
    """The tangent of `root`, as calculus gives it and guarded.

    The guarded one is NULL wherever `root`, or a node of `also`, is NULL; folding 0 and 1 dropped
    that from the other.

    Args:
        graph: Where the new nodes go.
        root: The expression to differentiate.
        tangent_of: The tangent of a leaf: a number 0 or 1, or any node.
        also: Nodes whose NULL must be kept besides: the seeds.
    """
    forward = _Forward(graph, tangent_of)
    tangent = forward.tangent(root)
    return tangent, forward.guarded((root, *also), tangent)


def guard(graph: Graph, derivative: Node, missing: Iterable[Node]) -> Node:
    """`derivative` where none of `missing` is NULL, else NULL."""
    conditions = [graph.node("notnull", node) for node in missing]
    if not conditions:
        return derivative
    together = conditions[0]
    for condition in conditions[1:]:
        together = graph.node("and", together, condition)
    return graph.node("case", together, derivative, NULL(graph))


class _Forward:
    def __init__(self, graph: Graph, tangent_of: Callable[[Node], Node]) -> None:
        self.graph = graph
        self.tangent_of = tangent_of
        self.tangents: dict[int, Node] = {}
        self.stands_for: dict[int, Node] = {}

    def tangent(self, root: Node) -> Node:
        for node in post_order(root):
            if id(node) not in self.tangents:
                self.tangents[id(node)] = self._step(node)
        return self.tangents[id(root)]

    def guarded(self, primals: Iterable[Node], derivative: Node) -> Node:
        """The derivative, NULL where a primal is NULL although folding dropped the reason."""
        needed = [node for primal in primals for node in _in_order(primal)]
        present = always_null_with(derivative, self.stands_for)
        missing = dict.fromkeys(n for n in needed if n not in present and _nullable(n))
        return guard(self.graph, derivative, missing)

    def _step(self, node: Node) -> Node:
        graph = self.graph
        if node.number is not None:
            return graph.number(0) if node.number.is_finite() else graph.number("NaN")
        if node.leaf is not None:
            return node if is_null(node) else self.tangent_of(node)
        if node.op == "case":
            return self._case(node)
        if node.op in ("<", "<=", "=", "<>", ">", ">=", "and", "or", "not", "notnull"):
            return graph.number(0)
        tangents = [self.tangents[id(arg)] for arg in node.args]
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
        """(a / b)' = a' / b - (a / b) b' / b."""
        divisor = node.args[1]
        fall = simplify.divide(self.graph, simplify.multiply(self.graph, node, lower), divisor)
        return simplify.subtract(self.graph, simplify.divide(self.graph, upper, divisor), fall)

    def _case(self, node: Node) -> Node:
        """CASE chooses between the tangents as between the values; conditions do not vary."""
        arguments = list(node.args)
        for index in (*range(1, len(arguments) - 1, 2), len(arguments) - 1):
            value = arguments[index]
            arguments[index] = self.guarded([value], self.tangents[id(value)])
        chosen = simplify.choose(self.graph, *arguments)
        if chosen.op == "case":
            self.stands_for[id(chosen)] = node
        return chosen

    def _call(self, node: Node, tangents: list[Node]) -> Node:
        rule = rule_for(node.op, len(node.args))
        if rule is None:
            raise NotDifferentiable(f"function {node.op} has no derivative rule")
        total = self.graph.number(0)
        for partial, tangent in zip(rule.partials, tangents, strict=True):
            if partial is not None and not simplify.is_zero(tangent):
                slope = self._partial(rule, partial, node)
                total = simplify.add(
                    self.graph, total, simplify.multiply(self.graph, slope, tangent)
                )
        return total

    def _partial(self, rule: Rule, partial: Partial, node: Node) -> Node:
        if callable(partial):
            made = partial(self.graph, node.args)
            if isinstance(made, Node):
                return made
            partial = made
        assert isinstance(partial, str)
        names = dict(zip(rule.arguments, node.args, strict=True))
        return read_partial(self.graph, _parsed(partial), {**names, "f": node})


def _in_order(primal: Node) -> list[Node]:
    """The nodes whose NULL makes it NULL, in the order in which it names them."""
    found = always_null_with(primal, {})
    return [node for node in post_order(primal) if node in found]


@cache
def _parsed(partial: str) -> exp.Expr:
    tree: exp.Expr = parse(f"SELECT {partial}")[0].expressions[0]
    return tree


def _nullable(node: Node) -> bool:
    return node.leaf is None or (node.leaf.nullable and not is_null(node))
