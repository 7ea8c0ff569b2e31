"""Finds grad, jvp and vjp, innermost query first, and puts the derivative in their place.

=========================  ==========================================================
``grad(f, x)``             the partial derivative of f by x
``jvp(f, x, t, y, u ..)``  forward mode: df/dx t + df/dy u + ...
``vjp(f, x, ct)``          reverse mode: ct df/dx
=========================  ==========================================================

Each row is a point; the value is double precision, and NULL where f is NULL.

The function itself, where it stands beside its derivatives and is exactly what the graph computes,
is read from their tape: it would be computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial, reduce
from itertools import chain

from sqlglot import exp

from gateway.autodiff.expressions.printing import printed_size, write
from gateway.autodiff.expressions.reading import Meaning, Pending, read
from gateway.autodiff.modes.nulls import Nulls
from gateway.autodiff.modes.tape import KEPT_NODES
from gateway.autodiff.rules import simplify
from gateway.autodiff.rules.graph import MOST_NODES, Graph, Leaf, Node, leaves
from gateway.autodiff.statements.arguments import arguments_of, refuse_other_types, variables_of
from gateway.autodiff.statements.gradients import Gradients, Slope
from gateway.autodiff.statements.grouped import Aggregates
from gateway.autodiff.statements.hoist import print_inline, print_outputs, refuse_kept
from gateway.autodiff.statements.readings import ALL_ZERO, ALONE, Note, Variable, along_grid
from gateway.autodiff.statements.relations import ChainRule
from gateway.autodiff.statements.subqueries import Subqueries
from gateway.errors import (
    FeatureNotSupported,
    GatewayError,
    NotDifferentiable,
    StatementTooComplex,
    WrongObjectType,
)
from gateway.sql.names.scope import Analysis, Block, is_aggregate, position_of, resolve
from gateway.sql.text.dialect import Marker
from gateway.sql.text.repeats import Repeated
from gateway.sql.text.trees import copied, nodes, nodes_of
from gateway.sql.types.inference import Types
from gateway.types import FLOAT8, FLOATING, Type


def expand(
    tree: exp.Expr,
    analysis: Analysis,
    inline: bool = False,
    most_nodes: int = MOST_NODES,
    notes: list[Note] | None = None,
    unrolls: bool = True,
) -> int:
    """Put plain SQL in place of every marker of a query; how many there were.

    Args:
        tree: The query.
        analysis: Its blocks.
        inline: Leave FROM alone, however large a derivative is.
        most_nodes: Of all derivatives together.
        notes: Takes what whoever asks should know.
        unrolls: Whether recursive queries may carry tangents.

    Raises:
        NotDifferentiable: 0A000, no rule for something that depends on the variable.
        UndefinedColumn, AmbiguousColumn: 42703, 42702, the variable is not one column in scope.
        UndefinedFunction: 42883, a wrong number of arguments.
        StatementTooComplex: 54001, past `most_nodes`.
    """
    markers = nodes_of(tree, Marker)
    if not markers:
        return 0
    grouped = [block for block in analysis.blocks if block.is_grouped]
    statement = _Statement(analysis, _numbered(markers), most_nodes, unrolls)
    for block in analysis.blocks:
        statement.differentiate_block(block)
    stray = tree.find(Marker)
    if stray is not None:
        raise FeatureNotSupported(
            f"{stray.kind} cannot stand here",
            hint="Put it into the SELECT list of a subquery.",
            position=position_of(stray),
        )
    for block in analysis.blocks:
        statement.print_block(block, inline)
    for block in grouped:
        block.stay_grouped()
    if notes is not None:
        notes += statement.notes
    return len(markers)


class _Statement:
    """All derivatives of one statement, in one graph."""

    def __init__(
        self,
        analysis: Analysis,
        functions: Mapping[int, exp.Expr],
        most_nodes: int,
        unrolls: bool,
    ) -> None:
        self.graph = Graph(most_nodes)
        self.nulls = Nulls(self.graph)
        self.analysis = analysis
        self.functions = functions
        self.chain = ChainRule(self.graph, analysis, self._along, self._keep, self._kept, unrolls)
        self.gradients = Gradients(self.graph, self.nulls, self.chain, self._computed)
        self.aggregates = Aggregates(
            self.graph, self.nulls, self.chain, self.gradients.by, self._keep, self._written
        )
        self.subqueries = Subqueries(self.graph, self.chain, self._along, self._written)
        self.aliases = {source.alias for block in analysis.blocks for source in block.sources}
        self.kept: list[Node] = []  # by number: the derivatives yet to be printed
        self.notes: list[Note] = []
        self._read: dict[int, tuple[exp.Expr, Node]] = {}

    def differentiate_block(self, block: Block) -> None:
        """Find the derivative of each marker of this SELECT; those inside it are found already."""
        functions: dict[Node, exp.Expr] = {}
        for marker in nodes_of(block.select, Marker):
            if marker.find_ancestor(Marker, exp.Select) is block.select:
                try:
                    placeholder = self._keep(self.derivative(marker, block), block)
                except GatewayError as error:
                    error.position = error.position or position_of(marker)
                    raise
                placeholder.meta.update(marker.meta)
                function = self._function(marker.expressions[0])
                functions.setdefault(self._node(function, block), function)
                marker.replace(placeholder)
        for function in list(functions.values()):
            functions.update(self._averaged(function))
        for primal, function in functions.items():
            self._share(block.select, primal, function)

    def _averaged(self, function: exp.Expr) -> dict[Node, exp.Expr]:
        """What the aggregates in a function are of, as far as a derivative has asked."""
        calls = filter(is_aggregate, nodes_of(function, exp.Anonymous))
        arguments = (argument for call in calls for argument in call.expressions)
        return {self._read[id(a)][1]: a for a in arguments if id(a) in self._read}

    def _share(self, select: exp.Select, primal: Node, function: exp.Expr) -> None:
        """Let the function itself be read from the tape, should one be laid."""
        bare = function.unnest()
        if is_exact(primal) and printed_size([primal]) >= KEPT_NODES:
            for node in occurrences(select, bare):
                self.kept.append(primal)
                number = exp.Literal.number(len(self.kept) - 1)
                node.replace(Pending(this=number, expression=copied(node)))

    def print_block(self, block: Block, inline: bool = False) -> None:
        """Print the derivatives of this SELECT, over a tape where they are large."""
        placeholders = self._pending(block)
        try:
            while holding := self._holding(placeholders):
                for found in holding:
                    found.replace(self._admitted(self._kept(found)))
                placeholders = self._pending(block)
            outputs = [(found, self._kept(found)) for found in placeholders]
            if inline:
                print_inline(outputs, self.graph.admit)
            else:
                bind = partial(self.chain.variable, block=block)
                print_outputs(block, bind, outputs, self.aliases, self.graph.admit)
        except (StatementTooComplex, NotDifferentiable) as error:
            error.position = max(map(position_of, placeholders), default=0)
            raise

    def _pending(self, block: Block) -> list[Pending]:
        """What is yet to be printed in this SELECT."""
        found = nodes_of(block.select, Pending)
        return [each for each in found if each.find_ancestor(exp.Select) is block.select]

    def _holding(self, placeholders: Sequence[Pending]) -> list[Pending]:
        """Those made of aggregates inside which something is yet to be printed."""
        waiting = {
            node
            for node in self.graph.leaves()
            if node.leaf is not None and node.leaf.aggregate and node.leaf.sql.find(Pending)
        }
        return [
            found
            for found in placeholders
            if waiting
            and found.args.get("expression") is None
            and not waiting.isdisjoint(leaves(self._kept(found)))
        ]

    def _written(self, node: Node) -> exp.Expr:
        """The SQL of `node`, with nothing in it that is yet to be printed."""
        refuse_kept([node])
        tree = self._admitted(node)
        while isinstance(tree, Pending):
            tree = self._admitted(self._kept(tree))
        for pending in nodes_of(tree, Pending):
            pending.replace(self._written(self._kept(pending)))
        return tree

    def _admitted(self, node: Node) -> exp.Expr:
        """The SQL of `node`, unless it is too large."""
        self.graph.admit(printed_size([node]))
        return write(node)

    def derivative(self, tree: Marker | Pending, block: Block) -> Node:
        """The node of a marker's value.

        All three are the tangent of f with a seed at each variable: 1 for grad, t for jvp, ct for
        vjp, whose value for one column is the same product.
        """
        if isinstance(tree, Pending):
            return self._kept(tree)
        if isinstance(tree.parent, exp.Window | exp.Filter | exp.WithinGroup):
            raise WrongObjectType(
                f"{tree.kind} is neither an aggregate nor a window function",
                hint=f"Write sum({tree.kind}(...)) where that is what you mean.",
                position=position_of(tree),
            )
        function, *rest = arguments_of(tree)
        function = self._function(function)
        variables = [variables_of(tree, column, self.analysis, block) for column in rest[::2]]
        if tree.meta_get(ALONE):
            for variable in chain.from_iterable(variables):
                self.chain.readings.leave(variable)
        primal = self._node(function, block)
        seeds = [self._node(tangent, block) for tangent in rest[1::2]]
        if tree.kind == "grad":
            slopes = (self.gradients.by(primal, each) for each in variables[0])
            derivative = reduce(partial(simplify.add, self.graph), slopes)
        else:
            paired = zip(variables, seeds, strict=True)
            pairs = [(each, seed) for merged, seed in paired for each in merged]
            derivative = self.gradients.forward(pairs).tangent(primal)
        refuse_other_types(function, self._meaning(block).type_of(function))
        for variable in chain.from_iterable(variables):
            for note in self.chain.of_other_rows(function, block, variable):
                if simplify.is_zero(derivative):
                    raise NotDifferentiable(note.message, detail=ALL_ZERO, hint=note.hint)
                self.notes.append(note)
            if simplify.is_zero(derivative):
                self.notes += along_grid([*self.chain.read_by(function, block)], variable)
        return self.nulls.guard(derivative, [primal, *seeds])

    def _function(self, tree: exp.Expr) -> exp.Expr:
        """A marker's first argument, although it was written out in another marker."""
        return self.functions[tree.this] if isinstance(tree, Repeated) else tree

    def _along(self, tree: exp.Expr, block: Block, variable: Variable) -> tuple[Node, Node]:
        primal = self._node(tree, block)
        derivative = self.gradients.by(primal, variable)
        return derivative, self.nulls.guard(derivative, [primal])

    def _computed(self, node: Node, leaf: Leaf) -> Slope | None:
        """How an aggregate or a subquery changes with a variable."""
        if leaf.aggregate is not None:
            return partial(self.aggregates.tangent, node)
        if isinstance(leaf.sql, exp.Subquery):
            return partial(self.subqueries.slope, leaf)
        return None

    def _node(self, tree: exp.Expr, block: Block) -> Node:
        """The node of an expression; the same tree is read once."""
        if id(tree) not in self._read:
            self._read[id(tree)] = tree, read(self.graph, tree, self._meaning(block))
        return self._read[id(tree)][1]

    def _keep(self, node: Node, block: Block) -> Pending:
        """What stands for a derivative until its block is printed."""
        self.kept.append(node)
        return Pending(this=exp.Literal.number(len(self.kept) - 1))

    def _kept(self, placeholder: Pending) -> Node:
        return self.kept[int(placeholder.name)]

    def _meaning(self, block: Block) -> Meaning:
        types: dict[int, Types] = {}

        def known_type(tree: exp.Expr) -> Type | None:
            around = self.analysis.block_of(tree) or block
            return types.setdefault(id(around), Types(around)).of(tree)

        return Meaning(
            block=block,
            leaf=lambda column: self._leaf(column, block),
            type_of=known_type,
            derivative=lambda tree: self.derivative(tree, block),
            node=lambda tree: self._node(tree, block),
            written=self._written,
            copied=self.analysis.copied,
        )

    def _leaf(self, column: exp.Column, block: Block) -> Leaf:
        bound = Variable(*resolve(self.analysis.block_of(column) or block, column))
        key = f"{bound.key}@{id(block)}"  # in another block it may have to be spelt otherwise
        self.chain.columns[key] = bound
        info = bound.info
        known = info.type
        nan = info.nan and known is not None and known.name in FLOATING
        return Leaf(key, column, known is FLOAT8, info.nullable, nan, typed=known is not None)


def _numbered(markers: Sequence[Marker]) -> dict[int, exp.Expr]:
    """The functions that a `Repeated` may mean."""
    numbered = (marker for marker in markers if marker.args.get("number") is not None)
    return {marker.args["number"]: marker.expressions[0] for marker in numbered}


def is_exact(node: Node) -> bool:
    """Whether the graph computes in the types that the user's expression has."""
    return bool(node.args) and all(
        leaf.leaf is not None and leaf.leaf.double for leaf in leaves(node)
    )


def occurrences(select: exp.Select, function: exp.Expr) -> Iterator[exp.Expr]:
    """Where `function` stands in the SELECT list, outside markers and subqueries.

    Under GROUP BY only inside aggregates: elsewhere it must stay what the query is grouped by.
    Under DISTINCT nowhere: ORDER BY has to name what the list names.
    """
    if select.args.get("distinct"):
        return
    grouped = bool(select.args.get("group"))
    kind = type(function)
    for item in select.expressions:
        for node in nodes(item, _CLOSED):
            if type(node) is kind and node == function and not (grouped and not _aggregated(node)):
                yield node


_CLOSED = (Marker, Pending, exp.Query)


def _aggregated(node: exp.Expr) -> bool:
    call = node.find_ancestor(exp.Anonymous, exp.Select)
    while isinstance(call, exp.Anonymous):
        if is_aggregate(call):
            return True
        call = call.find_ancestor(exp.Anonymous, exp.Select)
    return False
