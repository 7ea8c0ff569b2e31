"""The derivative of a subquery in an expression, by a column of the query around it.

It is the same subquery, over the same rows, with the derivative of its item:

    grad((SELECT avg((y - a * x) ^ 2) FROM d), a)
    (SELECT grad(avg((y - a * x) ^ 2), a) FROM d)

What FROM and WITH compute from the variable is followed. Where WHERE, JOIN, GROUP BY or VALUES look
at it, other rows would count when it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlglot import exp

from gateway.autodiff.expressions.reading import Pending
from gateway.autodiff.expressions.refusals import no_rule
from gateway.autodiff.rules.graph import Graph, Leaf, Node
from gateway.autodiff.rules.simplify import is_zero
from gateway.autodiff.statements.readings import Variable, beside
from gateway.autodiff.statements.relations import ChainRule, Differentiate
from gateway.sql.text.trees import nodes_of

_SLOPE = "∂value"


class Subqueries:
    """Derivatives of the subqueries of one statement.

    Args:
        graph: Where leaves for what they become are made.
        chain: How columns change with variables.
        differentiate: The derivative of an expression inside a block.
        written: The SQL of a node, with nothing in it that is yet to be printed.
    """

    def __init__(
        self,
        graph: Graph,
        chain: ChainRule,
        differentiate: Differentiate,
        written: Callable[[Node], exp.Expr],
    ) -> None:
        self.graph, self.chain = graph, chain
        self.differentiate, self.written = differentiate, written
        self._slopes: dict[tuple[str, str], Node] = {}

    def slope(self, leaf: Leaf, variable: Variable) -> Node:
        """The derivative of a leaf that is a subquery; NULL where it gives no row.

        Raises:
            NotDifferentiable: 0A000, which rows it reads depends on the variable, or it is no
                plain SELECT.
        """
        assert leaf.block is not None
        if not self.chain.depends(leaf.sql, leaf.block, variable):
            return self.graph.number(0)
        if self.chain.readings.is_left(variable):
            raise no_rule(leaf.sql, leaf.block)
        key = leaf.key, variable.key
        if key not in self._slopes:
            self._slopes[key] = self._slope(leaf, variable)
        return self._slopes[key]

    def _slope(self, leaf: Leaf, variable: Variable) -> Node:
        items = leaf.sql.unnest().expressions
        block = self.chain.analysis.block_of(items[0]) if len(items) == 1 else None
        if block is None or block.picks_rows:
            raise no_rule(leaf.sql, leaf.block)
        if any(self.chain.depends(part, block, variable) for part in beside(block.select)):
            raise no_rule(leaf.sql, leaf.block)
        tangent, guarded = self.differentiate(items[0].unalias(), block, variable)
        if is_zero(tangent):
            return tangent
        made = self.chain.analysis.copied(block.select)  # with the columns that FROM has gained
        made.set(
            "expressions", [exp.alias_(self.written(guarded), _SLOPE, quoted=True, copy=False)]
        )
        for pending in nodes_of(made, Pending):
            pending.replace(self.written(self.chain.kept(pending)))
        refusal = partial(no_rule, leaf.sql, leaf.block)
        slope = exp.Subquery(this=made)
        key = f"{leaf.key} by {variable.key}"
        return self.graph.leaf(Leaf(key, slope, block=leaf.block, refusal=refusal))
