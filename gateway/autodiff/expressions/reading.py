"""SQL trees to graph nodes.

Reading asks no questions about variables: an expression has one node, whatever it is differentiated
by. What has no rule becomes a leaf that remembers why; the refusal is raised when a variable
reaches it (`markers`), and never if none does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import ClassVar

from sqlglot import exp

from gateway.autodiff.expressions.printing import BINARY
from gateway.autodiff.expressions.refusals import (
    called,
    inner_call,
    integer_division,
    no_rule,
    not_a_number,
    refuse_volatile,
    without_derivative,
)
from gateway.autodiff.rules import piecewise, simplify
from gateway.autodiff.rules.aggregates import aggregate_rule
from gateway.autodiff.rules.functions import STEPS, SYNONYMS, UNSIGNED, rule_for
from gateway.autodiff.rules.graph import Aggregate, Graph, Leaf, Node, null
from gateway.errors import GatewayError, NotDifferentiable
from gateway.sql.lowered.values.not_numbers import is_unsigned
from gateway.sql.meaning.volatile import call_name
from gateway.sql.names.scope import AGGREGATES, Block
from gateway.sql.text.dialect import Marker
from gateway.sql.text.precedence import parenthesise
from gateway.sql.text.trees import nodes_of
from gateway.sql.types.modifiers import cast_modifier, modifier_digits
from gateway.types import FLOATING, INTEGER, UNKNOWN, Type

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Pow)

Refusal = Callable[[], NotDifferentiable]
Copy = Callable[[exp.Expr], exp.Expr]


class Pending(exp.Expression, exp.Condition):
    """Stands where a derivative will be printed: `this` is its number.

    `expression` is what a user wrote there, when it is no marker; without a tape it comes back.
    """

    arg_types: ClassVar[dict[str, bool]] = {"this": True, "expression": False}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the surrounding statement knows of an expression; asked by `read`.

    Args:
        block: The SELECT in which it stands.
        leaf: The leaf that a column is.
        type_of: The type of an expression, or None when nothing tells.
        derivative: The node of a marker, or of a derivative yet to be printed, inside.
        node: The node of a part, read once however often it is asked for.
        written: The SQL of a node, with nothing in it that is yet to be printed.
        copied: A copy of an expression that means the same.
    """

    block: Block
    leaf: Callable[[exp.Column], Leaf]
    type_of: Callable[[exp.Expr], Type | None]
    derivative: Callable[[Marker | Pending], Node]
    node: Callable[[exp.Expr], Node]
    written: Callable[[Node], exp.Expr]
    copied: Copy


def read(graph: Graph, tree: exp.Expr, meaning: Meaning) -> Node:
    """The node of `tree`.

    Raises:
        NotDifferentiable: 0A000, something in it is no number, or draws anew at each call.
    """
    return _Reader(graph, meaning).read(tree)


class _Reader:
    def __init__(self, graph: Graph, meaning: Meaning) -> None:
        self.graph = graph
        self.meaning = meaning

    def read(self, tree: exp.Expr) -> Node:
        if isinstance(tree, exp.Paren):
            return self.read(tree.this)
        if isinstance(tree, exp.Literal) and not tree.is_string and isfinite(float(tree.this)):
            return self.graph.number(tree.this)
        if isinstance(tree, exp.Neg) and isinstance(tree.this, exp.Literal):
            return self._negated(self.read(tree.this))
        if isinstance(tree, Marker | Pending):
            return self.meaning.derivative(tree)
        if isinstance(tree, exp.Star):
            raise no_rule(tree)
        if isinstance(tree, exp.Column):
            self._refuse_other_types(tree)
            return self.graph.leaf(self.meaning.leaf(tree))
        if isinstance(tree, exp.Null):
            return null(self.graph)
        return self._operation(tree) or self._opaque(
            tree, partial(no_rule, tree, self.meaning.block)
        )

    def _operation(self, tree: exp.Expr) -> Node | None:
        """The node of an operation that has a rule; None when it has not."""
        if isinstance(tree, exp.Neg):
            return self._negated(self.read(tree.this))
        if isinstance(tree, exp.Div) and (refusal := self._integer_division(tree)):
            return self._opaque(tree, refusal)
        if isinstance(tree, _ARITHMETIC):
            op = BINARY[type(tree)]
            return self.graph.node(op, self.read(tree.this), self.read(tree.expression))
        if isinstance(tree, exp.Mod):
            return self.graph.node("mod", self.read(tree.this), self.read(tree.expression))
        call = called(tree)
        if call is not None and (call is not tree or call_name(call) in AGGREGATES):
            return self._aggregate(tree, call)
        if isinstance(tree, exp.Anonymous):
            return self._call(tree)
        if isinstance(tree, exp.Cast):
            return self._cast(tree)
        if isinstance(tree, exp.Case):
            return self._case(tree)
        return None

    def _negated(self, node: Node) -> Node:
        if node.number is not None:
            return self.graph.number(-node.number)
        return self.graph.node("neg", node)

    def _call(self, tree: exp.Anonymous) -> Node | None:
        if is_unsigned(tree):
            return self.graph.node(UNSIGNED, self.read(tree.expressions[0]))
        name = call_name(tree)
        plain, arity = SYNONYMS.get(name, name), len(tree.expressions)
        if (name, arity) in _AS_CASE:
            return self._case(_AS_CASE[name, arity](self.meaning.copied, *tree.expressions))
        rule = rule_for(name, arity)
        if rule is None and not piecewise.chooses(name, arity):
            return self._opaque(tree) if name in STEPS else None
        if rule is not None and not any(rule.partials):
            return self._opaque(tree)  # constant almost everywhere
        arguments = (self.read(argument) for argument in tree.expressions)
        return self.graph.node(plain, *arguments)

    def _aggregate(self, tree: exp.Expr, call: exp.Anonymous) -> Node | None:
        """The leaf of an aggregate or a function over a window; None when it has no rule."""
        arguments = [a.this if isinstance(a, exp.Order) else a for a in call.expressions]
        rule = aggregate_rule(call_name(call), len(arguments))
        if rule is None or any(isinstance(argument, exp.Distinct) for argument in arguments):
            return None
        named = dict(zip(rule.arguments, arguments, strict=True))
        frame = self._plain(_frame(tree))
        aggregate = Aggregate(
            rule,
            frame,
            self._key(frame).replace(f"{call.name}(", "(", 1),
            lambda: {name: self.meaning.node(named[name]) for name in named if name in "xy"},
            {name: argument for name, argument in named.items() if name not in "xy"},
        )
        return self._opaque(tree, partial(without_derivative, tree), aggregate)

    def _cast(self, tree: exp.Cast) -> Node | None:
        target = self.meaning.type_of(tree)
        if target is None or target.element is not None:
            return None
        smooth = target.name in FLOATING or (target.name == "numeric" and not tree.to.expressions)
        if smooth:
            source = self.meaning.type_of(tree.this)
            return self.read(tree.this) if source is None or is_number(source) else None
        whole = target.name != "numeric" or modifier_digits(cast_modifier(tree))[1] == 0
        return self._opaque(tree) if whole else None  # steps

    def _case(self, tree: exp.Case) -> Node:
        arguments: list[Node] = []
        for branch in tree.args["ifs"]:
            condition = branch.this
            if tree.this is not None:
                subject, value = map(self.meaning.copied, (tree.this, condition))
                condition = exp.EQ(this=subject, expression=value)
            arguments += [self._condition(condition), self.read(branch.args["true"])]
        default = tree.args.get("default")
        arguments.append(null(self.graph) if default is None else self.read(default))
        return self.graph.node("case", *arguments)

    def _condition(self, tree: exp.Expr) -> Node:
        """A condition is never differentiated: it stands as the user wrote it."""
        plain = self._plain(tree)
        return self.graph.leaf(Leaf(f"condition {self._key(plain)}", plain, truth=True))

    def _opaque(
        self, tree: exp.Expr, refusal: Refusal | None = None, aggregate: Aggregate | None = None
    ) -> Node:
        """A leaf that prints as the user wrote it; without a refusal its derivative is 0."""
        self._refuse_other_types(tree)
        known = self.meaning.type_of(tree)
        double = known is not None and known.name == "float8"
        plain = self._plain(tree)
        return self.graph.leaf(
            Leaf(
                self._key(plain),
                plain,
                double,
                nullable=aggregate is None or aggregate.rule.tangent is not None,
                nan=known is not None and known.name in FLOATING,
                typed=known is not None and not _is_other(known, tree),
                block=self.meaning.block,
                refusal=refusal,
                aggregate=aggregate,
            )
        )

    def _plain(self, tree: exp.Expr) -> exp.Expr:
        """`tree` as the user wrote it, with SQL in place of the markers in it."""
        refuse_volatile(tree)
        if tree.find(Marker, Pending) is None:
            return tree
        plain = self.meaning.copied(tree)  # never a marker itself: read() has answered that one
        pairs = zip(_outermost_markers(tree), list(_outermost_markers(plain)), strict=True)
        for marker, copied in pairs:
            copied.replace(self.meaning.written(self.meaning.derivative(marker)))
        return plain

    def _key(self, tree: exp.Expr) -> str:
        """Text in which every column is spelt by the leaf it is."""
        keyed = tree.copy()
        columns = zip(nodes_of(tree, exp.Column), nodes_of(keyed, exp.Column), strict=True)
        for column, copied in list(columns):
            copied.set("table", None)
            copied.set("this", exp.to_identifier(self._column_key(column), quoted=True))
        return parenthesise(keyed).sql()

    def _column_key(self, column: exp.Column) -> str:
        try:
            return self.meaning.leaf(column).key
        except GatewayError:  # an unknown column is for the engine to report, in its turn
            return column.sql()

    def _refuse_other_types(self, tree: exp.Expr) -> None:
        """Only numbers can be computed with; a quoted literal may be one."""
        known = self.meaning.type_of(tree)
        if known is None or is_number(known) or known is UNKNOWN:
            return
        # A cast is read by its own rule, and a call is refused by its name.
        if not isinstance(tree, exp.Literal | exp.Cast | exp.Anonymous):
            raise not_a_number(tree, known)

    def _integer_division(self, tree: exp.Div) -> Refusal | None:
        """Why a division is, or may be, a step function; None when it is one of real numbers."""
        sides = [self.meaning.type_of(side) for side in (tree.this, tree.expression)]
        if any(side is not None and side.name not in INTEGER for side in sides):
            return None
        return partial(integer_division, tree, all(side is not None for side in sides))


def _nullif(copied: Copy, value: exp.Expr, other: exp.Expr) -> exp.Case:
    same = exp.EQ(this=copied(value), expression=copied(other))
    return exp.Case(ifs=[exp.If(this=same, true=exp.Null())], default=copied(value))


def _nvl2(copied: Copy, asked: exp.Expr, there: exp.Expr, missing: exp.Expr) -> exp.Case:
    is_there = exp.Not(this=exp.Is(this=copied(asked), expression=exp.Null()))
    return exp.Case(ifs=[exp.If(this=is_there, true=copied(there))], default=copied(missing))


# Functions that are read as the CASE that they are: what they compare may be of any type.
_AS_CASE: dict[tuple[str, int], Callable[..., exp.Case]] = {
    ("nullif", 2): _nullif,
    ("nvl2", 3): _nvl2,
}


def _outermost_markers(tree: exp.Expr) -> Iterator[Marker | Pending]:
    walk = tree.walk(prune=lambda node: isinstance(node, Marker | Pending))
    return (node for node in walk if isinstance(node, Marker | Pending))


def _is_other(known: Type, tree: exp.Expr) -> bool:
    """Whether it is a call that gives no number: the engine refuses to compute with it."""
    return isinstance(tree, exp.Anonymous) and not (is_number(known) or known is UNKNOWN)


def is_number(known: Type) -> bool:
    """Whether a derivative can be taken of, and by, values of this type."""
    return known.name in FLOATING or known.name in INTEGER or known.name == "numeric"


def _frame(tree: exp.Expr) -> exp.Expr:
    """An aggregate without what it is of."""
    frame = tree.copy()
    call = inner_call(frame)
    orders = [a for a in call.expressions if isinstance(a, exp.Order)]
    for order in orders:
        order.set("this", None)
    call.set("expressions", orders)
    return frame


_NAMED_NUMBERS = ("NaN", "Infinity")


def read_partial(graph: Graph, tree: exp.Expr, bindings: Mapping[str, Node]) -> Node:
    """The node of a rule's partial, its argument names replaced by `bindings`, 0 and 1 folded."""
    if isinstance(tree, exp.Paren):
        return read_partial(graph, tree.this, bindings)
    if isinstance(tree, exp.Column):
        return bindings[tree.name]
    if isinstance(tree, exp.Null):
        return null(graph)
    if isinstance(tree, exp.Literal):
        if tree.is_string and tree.name not in _NAMED_NUMBERS:
            raise ValueError(f"a rule may not contain the string {tree.name!r}")
        return graph.number(tree.name)
    if isinstance(tree, exp.Case):
        parts: list[exp.Expr] = []
        for branch in tree.args["ifs"]:
            parts += [branch.this, branch.args["true"]]
        parts.append(tree.args["default"])
        return simplify.choose(graph, *(read_partial(graph, part, bindings) for part in parts))
    if isinstance(tree, exp.Neg):
        return simplify.negate(graph, read_partial(graph, tree.this, bindings))
    if isinstance(tree, exp.Anonymous):
        arguments = [read_partial(graph, arg, bindings) for arg in tree.expressions]
        return graph.node(call_name(tree), *arguments)
    left, right = (read_partial(graph, side, bindings) for side in (tree.this, tree.expression))
    return simplify.operation(graph, BINARY[type(tree)], left, right)
