"""The derivative of an expression by a variable: forward, or by one reverse sweep for them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlglot import exp

from gateway.autodiff.expressions.printing import printed_size
from gateway.autodiff.expressions.refusals import shown
from gateway.autodiff.modes.linearize import Forward
from gateway.autodiff.modes.nulls import Nulls
from gateway.autodiff.modes.transpose import transpose
from gateway.autodiff.rules import simplify
from gateway.autodiff.rules.graph import Graph, Leaf, Node, leaves
from gateway.autodiff.statements.readings import Variable
from gateway.autodiff.statements.relations import ChainRule
from gateway.sql.names.scope import Block

# Up to this size a function is differentiated forward: the text is the one a person would write.
FORWARD_NODES = 60

# How a leaf changes with a variable.
Slope = Callable[[Variable], Node]


@dataclass(frozen=True, slots=True)
class Cotangents:
    """What a function's parts answer to a change of it: each column of a table, which changes with
    itself alone, and everything else, which may change with several variables."""

    columns: Mapping[Variable, Node]
    others: Sequence[tuple[Node, Node]]


class Gradients:
    """Derivatives of the nodes of one statement.

    Args:
        graph: Where the new nodes go.
        nulls: Keeps them NULL where the functions are.
        chain: How columns change with variables.
        computed: How a leaf changes that is an aggregate or a subquery; None of any other.
    """

    def __init__(
        self,
        graph: Graph,
        nulls: Nulls,
        chain: ChainRule,
        computed: Callable[[Node, Leaf], Slope | None],
    ) -> None:
        self.graph, self.nulls, self.chain, self.computed = graph, nulls, chain, computed
        self._cotangents: dict[Node, Cotangents | None] = {}

    def by(self, primal: Node, variable: Variable) -> Node:
        """The derivative by one variable: forward where that reads well, else in reverse.

        The reverse sweep is shared by all variables of the function.
        """
        forward = self.forward([(variable, self.graph.number(1))])
        cotangents = self._reverse(primal)
        if cotangents is None:
            return forward.tangent(primal)
        total = cotangents.columns.get(variable, self.graph.number(0))
        for part, cotangent in cotangents.others:
            product = simplify.multiply(self.graph, cotangent, forward.tangent(part))
            total = simplify.add(self.graph, total, product)
        return total

    def _reverse(self, primal: Node) -> Cotangents | None:
        """The cotangents of what `primal` is made of; None when forward mode serves it better."""
        if primal not in self._cotangents:
            columns = sum(1 for leaf in leaves(primal) if leaf.leaf and leaf.leaf.is_column)
            forward = columns < 2 or printed_size([primal]) <= FORWARD_NODES
            self._cotangents[primal] = None if forward else self._swept(primal)
        return self._cotangents[primal]

    def _swept(self, primal: Node) -> Cotangents:
        """Where several columns' cotangents would need a guard, the sweep begins with one."""
        swept = self._sorted(transpose(self.graph, primal, self.graph.number(1)))
        found = swept.columns.values()
        if sum(self.nulls.forgets(cotangent, primal) for cotangent in found) < 2:
            return swept
        return self._sorted(transpose(self.graph, primal, self.nulls.one_where(primal)))

    def _sorted(self, cotangents: Mapping[Node, Node]) -> Cotangents:
        columns: dict[Variable, Node] = {}
        others: list[tuple[Node, Node]] = []
        for part, cotangent in cotangents.items():
            column = self.chain.columns.get(part.leaf.key) if part.leaf is not None else None
            if column is None or column.source.query is not None or column in columns:
                others.append((part, cotangent))
            else:
                columns[column] = cotangent
        return Cotangents(columns, others)

    def forward(self, pairs: Sequence[tuple[Variable, Node]]) -> Forward:
        def tangent_of(node: Node) -> Node:
            leaf = node.leaf
            assert leaf is not None
            if (slope := self.computed(node, leaf)) is not None:
                return self._added(slope, pairs)
            column = self.chain.columns.get(leaf.key)
            if column is None:
                self._refuse_change(leaf, [variable for variable, _ in pairs])
                return self.graph.number(0)
            return self._added(partial(self.chain.partial, column), pairs)

        return Forward(self.graph, self.nulls, tangent_of)

    def _added(self, slope: Slope, pairs: Sequence[tuple[Variable, Node]]) -> Node:
        """The slopes by all variables, each times its seed."""
        total = self.graph.number(0)
        for variable, seed in pairs:
            part = simplify.multiply(self.graph, slope(variable), seed)
            total = simplify.add(self.graph, total, part)
        return total

    def _refuse_change(self, leaf: Leaf, variables: Sequence[Variable]) -> None:
        """Refuse a derivative by something that this leaf changes with and has no rule for."""
        if leaf.refusal is None or leaf.block is None:
            return
        for variable in variables:
            if self.chain.depends(leaf.sql, leaf.block, variable):
                error = leaf.refusal()
                error.detail = error.detail or self._changing(leaf.sql, leaf.block, variable)
                raise error

    def _changing(self, tree: exp.Expr, block: Block, variable: Variable) -> str:
        """Which argument of a call changes with the variable."""
        if not isinstance(tree, exp.Anonymous):
            return ""
        arguments = (a for a in tree.expressions if self.chain.depends(a, block, variable))
        argument = shown(next(arguments, tree))
        return f"Its argument {argument} changes with {variable.name}."
