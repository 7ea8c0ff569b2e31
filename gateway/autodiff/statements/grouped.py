"""The derivative of an aggregate: other aggregates over the same rows (`aggregates`).

``grad(avg(f), p)`` is ``avg(df)`` where p has one value in all rows of the group. An aggregate is a
leaf of the graph that knows what it is computed of; its derivative is made of such leaves again, so
that second derivatives need nothing more. What stands inside them is kept to be printed with the
row's derivatives, over the same tape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sqlglot import exp

from gateway.autodiff.expressions.printing import write
from gateway.autodiff.expressions.reading import Pending, read_partial
from gateway.autodiff.expressions.refusals import inner_call, without_derivative
from gateway.autodiff.modes.nulls import Nulls
from gateway.autodiff.rules import simplify
from gateway.autodiff.rules.aggregates import COVARIANCES, WINDOW_FUNCTIONS, aggregate_rule
from gateway.autodiff.rules.graph import Graph, Leaf, Node
from gateway.autodiff.statements.grouping import (
    group_keys,
    has_one_row,
    is_rolled_up,
    window_keys,
)
from gateway.autodiff.statements.readings import Variable
from gateway.autodiff.statements.relations import ChainRule
from gateway.errors import NotDifferentiable
from gateway.sql.names.scope import Block, is_aggregate, position_of
from gateway.sql.text.dialect import own_value
from gateway.sql.text.trees import nodes_of

Gradient = Callable[[Node, Variable], Node]


class Aggregates:
    """Derivatives of a statement's aggregates.

    Args:
        graph: Where the nodes go.
        nulls: Keeps out the rows that an aggregate passes over.
        chain: What changes with what.
        gradient: The derivative of an argument, in each row.
        keep: Keeps what stands inside an aggregate to be printed; what stands for it until then.
        written: The SQL of what is yet to be printed.
    """

    def __init__(
        self,
        graph: Graph,
        nulls: Nulls,
        chain: ChainRule,
        gradient: Gradient,
        keep: Callable[[Node, Block], exp.Expr],
        written: Callable[[Node], exp.Expr],
    ) -> None:
        self.graph, self.nulls, self.chain = graph, nulls, chain
        self.gradient, self.keep, self.written = gradient, keep, written
        self._tangents: dict[tuple[Node, Variable], Node] = {}
        self._reads: dict[tuple[int, str, bool], list[tuple[exp.Expr, list[Variable]]]] = {}

    def tangent(self, node: Node, variable: Variable) -> Node:
        """The derivative of an aggregate by a variable that is constant in each of its groups.

        Raises:
            NotDifferentiable: 0A000, the variable may differ within a group, or which rows count
                depends on it.
        """
        key = node, variable
        if key not in self._tangents:
            self._tangents[key] = self._tangent(node, variable)
        return self._tangents[key]

    def _tangent(self, node: Node, variable: Variable) -> Node:
        leaf = node.leaf
        assert leaf is not None and leaf.aggregate is not None and leaf.block is not None
        aggregate, zero = leaf.aggregate, self.graph.number(0)
        self._refuse_moving_rows(leaf, variable)
        if aggregate.rule.tangent is None:
            return zero
        arguments = aggregate.arguments()
        tangents = {name: self.gradient(arg, variable) for name, arg in arguments.items()}
        if all(map(simplify.is_zero, tangents.values())):
            return zero
        if not self.is_constant(variable, leaf.block, aggregate.frame):
            raise _differs(leaf, variable)
        return _Rule(self, node, arguments, tangents).read()

    def is_constant(self, variable: Variable, block: Block, frame: exp.Expr | None = None) -> bool:
        """Whether a variable has one value in each group, or in each partition of a window."""
        if variable.source not in block.sources:
            return True  # of a query around this one
        if has_one_row(variable.source, block):
            return True
        if isinstance(frame, exp.Window):
            return any(self._bound(key, block) == variable for key in window_keys(frame))
        return variable in self.chain.keys(block)

    def _bound(self, tree: exp.Expr, block: Block) -> Variable | None:
        return self.chain.variable(tree, block) if isinstance(tree, exp.Column) else None

    def _refuse_moving_rows(self, leaf: Leaf, variable: Variable) -> None:
        """Refuse what is counted over other rows when the variable changes."""
        for part, columns in self._deciding(leaf):
            bare = isinstance(part, exp.Column) and columns == [variable]
            if not bare and any(self.chain.changes(column, variable) for column in columns):
                raise _moves(leaf, variable)

    def _deciding(self, leaf: Leaf) -> list[tuple[exp.Expr, list[Variable]]]:
        """What decides which rows count, and in which order; each with the columns it reads."""
        block, aggregate = leaf.block, leaf.aggregate
        assert block is not None and aggregate is not None
        frame = aggregate.frame
        moves = not isinstance(frame, exp.Window) and not self.chain.loops.is_step(block)
        key = id(block), aggregate.key, moves
        if key not in self._reads:
            parts = _conditions_and_keys(frame)
            parts += group_keys(block) if moves else []
            parts += aggregate.written.values()
            self._reads[key] = [(part, list(self.chain.read_by(part, block))) for part in parts]
        return self._reads[key]

    # What a rule's text is read into

    def like(self, node: Node, name: str, arguments: list[Node]) -> Node:
        """Another aggregate over the rows of `node`'s."""
        leaf = node.leaf
        assert leaf is not None and leaf.aggregate is not None and leaf.block is not None
        rule = aggregate_rule(name, len(arguments))
        assert rule is not None
        names = dict(zip(rule.arguments, arguments, strict=True))
        written = {n: node.leaf.sql for n, node in names.items() if n not in "xy" and node.leaf}
        read = {n: node for n, node in names.items() if n not in written}
        sql = leaf.aggregate.frame.copy()
        inner = [self._argument(node, leaf.block) for node in arguments]
        call = exp.Anonymous(this=name, expressions=_ordered(inner, inner_call(sql)))
        sql = _with_call(sql, call)
        keys = ", ".join(str(id(argument)) for argument in arguments)
        key, refusal = f"{name}({keys}) {leaf.aggregate.key}", partial(without_derivative, sql)
        aggregate = replace(leaf.aggregate, rule=rule, arguments=lambda: read, written=written)
        made = Leaf(key, sql, block=leaf.block, refusal=refusal, aggregate=aggregate)
        return self.graph.leaf(made)

    def _argument(self, node: Node, block: Block) -> exp.Expr:
        plain = node.leaf is not None and node.leaf.double and node.leaf.aggregate is None
        return write(node) if plain or node.number is not None else self.keep(node, block)

    def winner(self, node: Node, argument: Node) -> Node:
        """The value of a `max` or `min`, in each row of its group."""
        leaf = node.leaf
        assert leaf is not None and leaf.aggregate is not None and leaf.block is not None
        frame = leaf.aggregate.frame
        if isinstance(frame, exp.Window) or is_rolled_up(leaf.block):
            raise without_derivative(leaf.sql)
        value = self.written(argument)
        if isinstance(frame, exp.Filter):
            chosen = exp.If(this=frame.expression.this.copy(), true=value)
            value = exp.Case(ifs=[chosen])
        keys = [self.plain(key) for key in group_keys(leaf.block)]
        call = exp.Anonymous(this=leaf.aggregate.rule.name, expressions=[value])
        over = exp.Window(this=call, partition_by=keys, over="OVER")
        key = f"winner of {id(argument)} {leaf.key}"
        return self.graph.leaf(Leaf(key, over, block=leaf.block, kept=True))

    def plain(self, tree: exp.Expr) -> exp.Expr:
        """A copy of `tree` with SQL in place of the derivatives in it."""
        copied = tree.copy()
        if isinstance(copied, Pending):
            return self.written(self.chain.kept(copied))
        for pending in nodes_of(copied, Pending):
            pending.replace(self.written(self.chain.kept(pending)))
        return copied


class _Rule:
    """Reads the rule of one aggregate for one variable."""

    def __init__(
        self,
        aggregates: Aggregates,
        node: Node,
        arguments: dict[str, Node],
        tangents: dict[str, Node],
    ) -> None:
        assert node.leaf is not None and node.leaf.aggregate is not None
        self.aggregates, self.node = aggregates, node
        self.graph, self.rule = aggregates.graph, node.leaf.aggregate.rule
        self.tangents = tangents
        self.rows = dict(arguments)  # what the names mean inside an aggregate, in each row
        for name, tangent in tangents.items():
            guarded = aggregates.nulls.guard(tangent, arguments.values())
            self.rows[f"d{name}"] = tangent if simplify.is_zero(tangent) else guarded
        for name, tree in node.leaf.aggregate.written.items():
            self.rows[name] = self.graph.leaf(Leaf(f"{tree.sql()} as it is", tree))
        if self.rule.takes_winners:
            self.rows["f"] = aggregates.winner(node, arguments["x"])

    def read(self) -> Node:
        assert self.rule.tangent is not None
        tree = own_value(self.rule.tangent).copy()
        group = {"f": self.node}  # what they mean outside
        for call in nodes_of(tree, exp.Anonymous):
            if is_aggregate(call) or call.name in WINDOW_FUNCTIONS:
                name = f"aggregate{len(group)}"
                group[name] = self._call(call)
                column = exp.Column(this=exp.to_identifier(name))
                if call is tree:
                    return group[name]
                call.replace(column)
        return read_partial(self.graph, tree, group)

    def _call(self, call: exp.Anonymous) -> Node:
        names = [argument.name for argument in call.expressions]
        slopes = [self.tangents[name[1:]] for name in names if name[1:] in self.tangents]
        constant = call.name in COVARIANCES and any(s.number is not None for s in slopes)
        if constant or any(map(simplify.is_zero, slopes)):
            return self.graph.number(0)
        arguments = [read_partial(self.graph, a, self.rows) for a in call.expressions]
        if len(arguments) == 1 and simplify.is_zero(arguments[0]):
            return self.graph.number(0)
        made = self.aggregates.like(self.node, call.name, arguments)
        self._note_nulls(made)
        return made

    def _note_nulls(self, made: Node) -> None:
        """Aggregates over the same rows are NULL together."""
        assert made.leaf is not None and made.leaf.aggregate is not None
        if self.rule.rows is not None and made.leaf.aggregate.rule.rows == self.rule.rows:
            self.aggregates.nulls.alike(made, self.node)


def _conditions_and_keys(frame: exp.Expr) -> list[exp.Expr]:
    """The conditions and keys of FILTER, OVER and ORDER BY."""
    parts: list[exp.Expr] = []
    tree: exp.Expr | None = frame
    while isinstance(tree, exp.Window | exp.Filter):
        parts += tree.args.get("partition_by") or []
        order = tree.args.get("order")
        parts += [each.this for each in order.expressions] if order is not None else []
        if isinstance(tree, exp.Filter):
            parts.append(tree.expression.this)
        tree = tree.this
    if isinstance(tree, exp.Anonymous):
        parts += [each.this for order in nodes_of(tree, exp.Order) for each in order.expressions]
    return parts


def _ordered(arguments: list[exp.Expr], call: exp.Anonymous) -> list[exp.Expr]:
    """The arguments, with the ORDER BY that stood after them."""
    order = call.find(exp.Order)
    if order is not None:
        rest = [each.copy() for each in order.expressions]
        arguments[-1] = exp.Order(this=arguments[-1], expressions=rest)
    return arguments


def _with_call(frame: exp.Expr, call: exp.Anonymous) -> exp.Expr:
    before = inner_call(frame)
    if before is frame:
        return call
    before.replace(call)
    return frame


def _differs(leaf: Leaf, variable: Variable) -> NotDifferentiable:
    call = inner_call(leaf.sql)
    name, over = call.name.lower(), isinstance(leaf.sql, exp.Window)
    where, clause = ("window", "PARTITION BY") if over else ("group", "GROUP BY")
    return NotDifferentiable(
        f'column "{variable.name}" may differ from row to row within a {where} of {name}(...)',
        detail=f"An aggregate can be differentiated by what is the same in all rows of a {where}: "
        f"a column that {clause} names, or one of a relation of one row.",
        hint=f'Add "{variable.name}" to {clause}, or write {name}(grad(expression, column)) for '
        f"the {name} of the rows' derivatives.",
        position=position_of(leaf.sql),
    )


def _moves(leaf: Leaf, variable: Variable) -> NotDifferentiable:
    name = inner_call(leaf.sql).name.lower()
    return NotDifferentiable(
        f'which rows {name}(...) counts depends on "{variable.name}"',
        detail=f'Its FILTER, GROUP BY or OVER looks at "{variable.name}".',
        hint="Differentiate by what FILTER, GROUP BY and OVER do not depend on.",
        position=position_of(leaf.sql),
    )
