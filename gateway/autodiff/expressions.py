"""SQL trees to graph nodes and back.

Everything a derivative computes is double precision: a leaf of another type is cast where it is
printed, a number is printed with a point. The trees made here carry no parentheses; the printer
adds those that precedence asks for (`sql.precedence`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

from sqlglot import exp

from gateway.autodiff import simplify
from gateway.autodiff.graph import Graph, Leaf, Node, is_null, post_order
from gateway.autodiff.rules import SYNONYMS, rule_for
from gateway.errors import GatewayError, NotDifferentiable, StatementTooComplex
from gateway.sql.dialect import DIALECT, Marker
from gateway.sql.scope import AGGREGATES, position_of
from gateway.types import FLOATING, INTEGER, UNKNOWN, Type

_BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Pow: "power",
    exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.EQ: "=", exp.NEQ: "<>",
    exp.And: "and", exp.Or: "or",
}  # fmt: skip
_SQL = {op: node for node, op in _BINARY.items() if op != "power"}
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Pow)

# Functions that draw anew at each call: a derivative would evaluate them a second time.
_VOLATILE = frozenset({"random", "uuid", "gen_random_uuid", "clock_timestamp"})

# A derivative printed as one expression past this many nodes would choke the planner: 400 deep
# takes seconds, and equal parts are printed once for each use.
MAX_PRINTED_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the surrounding statement knows of an expression; asked by `read`.

    Args:
        leaf: The leaf that a column is.
        type_of: The type of an expression, or None when nothing tells.
        varies: True when an expression changes with a variable of the derivative.
        derivative: The node of a marker that stands inside the expression.
    """

    leaf: Callable[[exp.Column], Leaf]
    type_of: Callable[[exp.Expr], Type | None]
    varies: Callable[[exp.Expr], bool]
    derivative: Callable[[Marker], Node]


def read(graph: Graph, tree: exp.Expr, meaning: Meaning) -> Node:
    """The node of `tree`.

    Parts that do not vary are leaves, printed as the user wrote them; parts that do must have a
    rule.

    Raises:
        NotDifferentiable: 0A000, naming the function or the operator that has no rule.
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
        if isinstance(tree, Marker):
            return self.meaning.derivative(tree)
        self._refuse_other_types(tree)
        if isinstance(tree, exp.Star):
            raise _no_rule(tree)
        if isinstance(tree, exp.Column):
            return self.graph.leaf(self.meaning.leaf(tree))
        varies = self.meaning.varies(tree)
        if not varies and not self._is_floating(tree):
            return self._opaque(tree)  # in doubles, a division of integers would be another one
        node = self._operation(tree, varies)
        if node is not None:
            return node
        if varies:
            raise _no_rule(tree)
        return self._opaque(tree)

    def _operation(self, tree: exp.Expr, varies: bool) -> Node | None:
        """The node of an operation that has a rule; None when it has not."""
        if isinstance(tree, exp.Neg):
            return self._negated(self.read(tree.this))
        if isinstance(tree, _ARITHMETIC):
            if isinstance(tree, exp.Div) and varies:
                self._refuse_integer_division(tree)
            op = _BINARY[type(tree)]
            return self.graph.node(op, self.read(tree.this), self.read(tree.expression))
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
        name = call_name(tree)
        rule = rule_for(name, len(tree.expressions))
        if rule is None:
            return None
        if not any(rule.partials):
            return self._opaque(tree)  # constant almost everywhere
        arguments = (self.read(argument) for argument in tree.expressions)
        return self.graph.node(SYNONYMS.get(name, name), *arguments)

    def _cast(self, tree: exp.Cast) -> Node | None:
        target = self.meaning.type_of(tree)
        if target is None or target.element is not None:
            return None
        if target.name in FLOATING or target.name == "numeric":
            source = self.meaning.type_of(tree.this)
            return self.read(tree.this) if source is None or _is_number(source) else None
        return self._opaque(tree)  # constant almost everywhere

    def _case(self, tree: exp.Case) -> Node:
        arguments: list[Node] = []
        for branch in tree.args["ifs"]:
            condition = branch.this
            if tree.this is not None:
                condition = exp.EQ(this=tree.this.copy(), expression=condition.copy())
            arguments += [self._condition(condition), self.read(branch.args["true"])]
        default = tree.args.get("default")
        arguments.append(NULL(self.graph) if default is None else self.read(default))
        return self.graph.node("case", *arguments)

    def _condition(self, tree: exp.Expr) -> Node:
        """A condition is never differentiated: it stands as the user wrote it."""
        plain = self._plain(tree)
        return self.graph.leaf(Leaf(self._key(plain), plain))

    def _opaque(self, tree: exp.Expr) -> Node:
        if isinstance(tree, exp.Null):
            return NULL(self.graph)
        known = self.meaning.type_of(tree)
        double = known is not None and known.name == "float8"
        plain = self._plain(tree)
        return self.graph.leaf(Leaf(self._key(plain), plain, double=double))

    def _plain(self, tree: exp.Expr) -> exp.Expr:
        """`tree` as the user wrote it, with SQL in place of the markers in it."""
        _refuse_volatile(tree)
        if tree.find(Marker) is None:
            return tree
        plain = tree.copy()  # never a marker itself: read() has answered that one
        pairs = zip(_outermost_markers(tree), list(_outermost_markers(plain)), strict=True)
        for marker, copied in pairs:
            copied.replace(write(self.meaning.derivative(marker)))
        return plain

    def _key(self, tree: exp.Expr) -> str:
        """Text in which every column is spelt by the leaf it is."""
        keyed = tree.copy()
        columns = zip(tree.find_all(exp.Column), keyed.find_all(exp.Column), strict=True)
        for column, copied in list(columns):
            copied.set("table", None)
            copied.set("this", exp.to_identifier(self._column_key(column), quoted=True))
        return keyed.sql()

    def _column_key(self, column: exp.Column) -> str:
        try:
            return self.meaning.leaf(column).key
        except GatewayError:  # an unknown column is for the engine to report, in its turn
            return column.sql()

    def _is_floating(self, tree: exp.Expr) -> bool:
        known = self.meaning.type_of(tree)
        return known is not None and known.name in FLOATING

    def _refuse_other_types(self, tree: exp.Expr) -> None:
        """Only numbers can be computed with; a quoted literal may be one."""
        known = self.meaning.type_of(tree)
        if known is None or _is_number(known) or known is UNKNOWN:
            return
        if not isinstance(tree, exp.Literal | exp.Cast):  # a cast is read by its own rule
            raise NotDifferentiable(
                f"{tree.sql(dialect=DIALECT)} is of type {known.sql}, not a number",
                hint="Cast it to double precision if it holds one.",
                position=position_of(tree),
            )

    def _refuse_integer_division(self, tree: exp.Div) -> None:
        sides = [self.meaning.type_of(side) for side in (tree.this, tree.expression)]
        if any(side is not None and side.name not in INTEGER for side in sides):
            return
        known = all(side is not None for side in sides)
        raise NotDifferentiable(
            f"{tree.sql(dialect=DIALECT)} is a division of integers, a step function"
            if known
            else f"cannot tell whether {tree.sql(dialect=DIALECT)} divides integers",
            hint="Cast one side to double precision.",
            position=position_of(tree),
        )


def NULL(graph: Graph) -> Node:
    """The node of NULL."""
    return graph.leaf(Leaf("NULL", exp.Null(), double=True))


def call_name(tree: exp.Anonymous) -> str:
    """The function's name as it is looked up: folded unless it was quoted."""
    return tree.name if isinstance(tree.this, exp.Identifier) else tree.name.lower()


def _outermost_markers(tree: exp.Expr) -> Iterator[Marker]:
    walk = tree.walk(prune=lambda node: isinstance(node, Marker))
    return (node for node in walk if isinstance(node, Marker))


def _refuse_volatile(tree: exp.Expr) -> None:
    for call in tree.find_all(exp.Anonymous):
        if call_name(call) in _VOLATILE:
            raise NotDifferentiable(
                f"{call_name(call)}() gives another value at each call and cannot stand in a "
                "derivative",
                hint="Compute it once in a subquery and use its column.",
                position=position_of(call),
            )


def _is_number(known: Type) -> bool:
    return known.name in FLOATING or known.name in INTEGER or known.name == "numeric"


def _no_rule(tree: exp.Expr) -> NotDifferentiable:
    inner = tree.find(exp.AggFunc) or tree
    if isinstance(inner, exp.Window):
        inner = inner.this
    if isinstance(inner, exp.Anonymous):
        name = call_name(inner)
        if name in AGGREGATES:
            return NotDifferentiable(
                f"the derivative of an aggregate, {name}(...), is not available",
                hint=f"Write {name}(grad(expression, column)) where that is what you mean.",
                position=position_of(inner),
            )
        subject = f"function {name}"
    elif isinstance(inner, exp.Query | exp.Subquery):
        subject = "a subquery that depends on the column"
    else:
        subject = f"the SQL expression {inner.sql(dialect=DIALECT)}"
    return NotDifferentiable(
        f"{subject} has no derivative rule",
        hint="docs/derivatives.md lists what can be differentiated.",
        position=position_of(tree),
    )


def write(root: Node) -> exp.Expr:
    """A tree of fresh SQL nodes for `root`.

    Raises:
        StatementTooComplex: 54001, past MAX_PRINTED_NODES.
    """
    size = printed_size(root)
    if size > MAX_PRINTED_NODES:
        raise StatementTooComplex(
            f"a derivative of {size} nodes is past the limit of {MAX_PRINTED_NODES}",
            hint="Name parts of the expression in a subquery and differentiate those.",
        )
    return _write(root)


def printed_size(root: Node) -> int:
    """Nodes of the tree that `root` prints as, each use of a shared node counted."""
    sizes: dict[int, int] = {}
    for node in post_order(root):
        sizes[id(node)] = 1 + sum(sizes[id(arg)] for arg in node.args)
    return sizes[id(root)]


def _write(node: Node) -> exp.Expr:
    if node.number is not None:
        return _number(node.number)
    if node.leaf is not None:
        return _leaf(node.leaf)
    if node.op == "case":
        return _case(node)
    if node.op == "notnull":
        return exp.Not(this=exp.Is(this=_uncast(node.args[0]), expression=exp.Null()))
    arguments = [_write(arg) for arg in node.args]
    if node.op == "neg":
        return exp.Neg(this=arguments[0])
    if node.op in _SQL:
        return _SQL[node.op](this=arguments[0], expression=arguments[1])
    return exp.Anonymous(this=node.op, expressions=arguments)


def _leaf(leaf: Leaf) -> exp.Expr:
    sql = leaf.sql.copy()
    return sql if leaf.double or isinstance(sql, exp.Null) else as_double(sql)


def _uncast(node: Node) -> exp.Expr:
    """The argument of IS NOT NULL: no cast is needed to see whether it is there."""
    return node.leaf.sql.copy() if node.leaf is not None else _write(node)


def as_double(tree: exp.Expr) -> exp.Expr:
    """`tree` cast to double precision."""
    return exp.Cast(this=tree, to=exp.DataType.build("double", dialect="postgres"))


def _number(value: Decimal) -> exp.Expr:
    if not value.is_finite():
        name = "NaN" if value.is_nan() else ("Infinity" if value > 0 else "-Infinity")
        return as_double(exp.Literal.string(name))
    if value < 0:
        return exp.Neg(this=_number(-value))
    text = format(value, "f") if -20 < value.adjusted() < 20 else format(value, "E")
    return exp.Literal.number(text if "." in text or "E" in text else f"{text}.0")


def _case(node: Node) -> exp.Case:
    parts = [_write(arg) for arg in node.args]
    pairs = zip(parts[:-1:2], parts[1:-1:2], strict=True)
    branches = [exp.If(this=condition, true=value) for condition, value in pairs]
    return exp.Case(ifs=branches, default=None if is_null(node.args[-1]) else parts[-1])


_NAMED_NUMBERS = ("NaN", "Infinity")


def read_partial(graph: Graph, tree: exp.Expr, bindings: Mapping[str, Node]) -> Node:
    """The node of a rule's partial, its argument names replaced by `bindings`, 0 and 1 folded."""
    if isinstance(tree, exp.Paren):
        return read_partial(graph, tree.this, bindings)
    if isinstance(tree, exp.Column):
        return bindings[tree.name]
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
    return simplify.operation(graph, _BINARY[type(tree)], left, right)
