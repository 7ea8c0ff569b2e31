"""Finds grad, jvp and vjp, innermost query first, and puts the derivative in their place.

=========================  ==========================================================
``grad(f, x)``             the partial derivative of f by x
``jvp(f, x, t, y, u ..)``  forward mode: df/dx t + df/dy u + ...
``vjp(f, x, ct)``          reverse mode: ct df/dx
=========================  ==========================================================

Each row is a point; the value is double precision, and NULL where f is NULL.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.autodiff import simplify
from gateway.autodiff.expressions import Meaning, read, write
from gateway.autodiff.graph import Graph, Leaf, Node
from gateway.autodiff.linearize import linearize
from gateway.autodiff.relations import ChainRule, Variable
from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    InvalidColumnReference,
    UndefinedFunction,
    WrongObjectType,
)
from gateway.sql.dialect import DIALECT, Marker
from gateway.sql.inference import type_of
from gateway.sql.relation import ColumnInfo
from gateway.sql.scope import Analysis, Block, position_of, resolve
from gateway.types import FLOAT8

USAGE = {
    "grad": "grad(expression, column)",
    "jvp": "jvp(expression, column, tangent [, column, tangent ...])",
    "vjp": "vjp(expression, column, cotangent)",
}


def expand(tree: exp.Expr, analysis: Analysis) -> None:
    """Put plain SQL in place of every marker of a query, whose blocks are `analysis`.

    Raises:
        NotDifferentiable: 0A000, no rule for something that depends on the variable.
        UndefinedColumn, AmbiguousColumn: 42703, 42702, the variable is not one column in scope.
        UndefinedFunction: 42883, a wrong number of arguments.
        StatementTooComplex: 54001, the derivative is too large to print.
    """
    if tree.find(Marker) is None:
        return
    statement = _Statement(analysis)
    for block in analysis.blocks:
        statement.replace_markers(block)
    stray = tree.find(Marker)
    if stray is not None:
        raise FeatureNotSupported(
            f"{stray.kind} cannot stand here",
            hint="Put it into the SELECT list of a subquery.",
            position=position_of(stray),
        )


class _Statement:
    """All derivatives of one statement, in one graph."""

    def __init__(self, analysis: Analysis) -> None:
        self.graph = Graph()
        self.analysis = analysis
        self.chain = ChainRule(self.graph, analysis, self._along)

    def replace_markers(self, block: Block) -> None:
        """Replace the markers of this SELECT; those of its subqueries are replaced already."""
        for marker in list(block.select.find_all(Marker)):
            if marker.find_ancestor(Marker, exp.Select) is block.select:
                try:
                    marker.replace(write(self.derivative(marker, block)))
                except GatewayError as error:
                    error.position = error.position or position_of(marker)
                    raise

    def derivative(self, marker: Marker, block: Block, around: Sequence[Variable] = ()) -> Node:
        """The node of a marker's value.

        All three are the tangent of f with a seed at each variable: 1 for grad, t for jvp, ct for
        vjp, whose value for one column is the same product.

        Args:
            marker: A call of grad, jvp or vjp.
            block: Where it stands.
            around: The variables of the markers around it; what changes with them is read, too.
        """
        if isinstance(marker.parent, exp.Window | exp.Filter | exp.WithinGroup):
            raise WrongObjectType(
                f"{marker.kind} is neither an aggregate nor a window function",
                hint=f"Write sum({marker.kind}(...)) where that is what you mean.",
                position=position_of(marker),
            )
        function, *rest = _checked_arguments(marker)
        tangents: list[exp.Expr | None] = [*rest[1::2]] or [None]
        pairs = list(zip(rest[::2], tangents, strict=True))
        variables = [self._variable(marker, column, block) for column, _ in pairs]
        seeds = [self._seed(tangent, block, around) for _, tangent in pairs]
        return self._tangent(function, block, variables, seeds, around)[1]

    def _seed(self, tangent: exp.Expr | None, block: Block, around: Sequence[Variable]) -> Node:
        if tangent is None:
            return self.graph.number(1)
        return read(self.graph, tangent, self._meaning(block, around))

    def _along(self, tree: exp.Expr, block: Block, variable: Variable) -> tuple[Node, Node]:
        return self._tangent(tree, block, [variable], [self.graph.number(1)])

    def _tangent(
        self,
        tree: exp.Expr,
        block: Block,
        variables: Sequence[Variable],
        seeds: Sequence[Node],
        around: Sequence[Variable] = (),
    ) -> tuple[Node, Node]:
        primal = read(self.graph, tree, self._meaning(block, (*variables, *around)))

        def tangent_of(leaf: Node) -> Node:
            total = self.graph.number(0)
            assert leaf.leaf is not None
            column = self.chain.columns.get(leaf.leaf.key)
            if column is None:  # an expression that does not vary, or only in steps
                return total
            for variable, seed in zip(variables, seeds, strict=True):
                part = simplify.multiply(self.graph, self.chain.partial(column, variable), seed)
                total = simplify.add(self.graph, total, part)
            return total

        return linearize(self.graph, primal, tangent_of, also=seeds)

    def _variable(self, marker: Marker, tree: exp.Expr, block: Block) -> Variable:
        column = tree.unnest()
        if not isinstance(column, exp.Column) or column.is_star:
            raise InvalidColumnReference(
                f"{marker.kind} needs a column where {tree.sql(dialect=DIALECT)} stands",
                hint=f"Write {USAGE[marker.kind]}; compute the variable in a subquery first.",
                position=position_of(tree) or position_of(marker),
            )
        return Variable(*resolve(self.analysis.block_of(column) or block, column))

    def _meaning(self, block: Block, variables: Sequence[Variable]) -> Meaning:
        known: dict[int, bool] = {}

        def varies(tree: exp.Expr) -> bool:
            if id(tree) not in known:
                known[id(tree)] = (
                    self._changes(tree, block, variables)
                    if isinstance(tree, exp.Column)
                    else any(varies(child) for child in tree.iter_expressions())
                )
            return known[id(tree)]

        return Meaning(
            leaf=lambda column: self._leaf(column, block),
            type_of=lambda tree: type_of(tree, self.analysis.block_of(tree) or block),
            varies=varies,
            derivative=lambda tree: self.derivative(tree, block, variables),
        )

    def _changes(self, column: exp.Column, block: Block, variables: Sequence[Variable]) -> bool:
        bound = self.chain.variable(column, block)
        return bound is not None and any(
            not simplify.is_zero(self.chain.partial(bound, variable)) for variable in variables
        )

    def _leaf(self, column: exp.Column, block: Block) -> Leaf:
        bound = Variable(*resolve(self.analysis.block_of(column) or block, column))
        key = f"{bound.key}@{id(block)}"  # in another block it may have to be spelt otherwise
        self.chain.columns[key] = bound
        info = (bound.source.columns or {}).get(bound.name, ColumnInfo())
        return Leaf(key, column, double=info.type is FLOAT8, nullable=info.nullable)


def _checked_arguments(marker: Marker) -> list[exp.Expr]:
    arguments: list[exp.Expr] = marker.expressions
    count = len(arguments)
    if count == 3 or (marker.kind == "jvp" and count > 3 and count % 2):
        if marker.kind != "grad":
            return arguments
    elif marker.kind == "grad" and count == 2:
        return arguments
    raise UndefinedFunction(
        f"{marker.kind} does not take {count} arguments",
        hint=f"Write {USAGE[marker.kind]}.",
        position=position_of(marker),
    )
