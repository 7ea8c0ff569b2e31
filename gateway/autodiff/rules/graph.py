"""Expressions as a directed acyclic graph in which equal parts are one node (hash-consing).

A derivative written as text repeats its parts without end; written as a graph it stays within a
small multiple of the function (Griewank and Walther, Evaluating Derivatives, 2nd ed., ch. 4).
This module only makes nodes and walks them: `reading` makes them of SQL, `simplify` folds,
`linearize` and `transpose` differentiate, `printing` makes SQL of them again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from sqlglot import exp

from gateway.autodiff.rules.aggregates import AggregateRule
from gateway.errors import NotDifferentiable, StatementTooComplex
from gateway.sql.names.scope import Block


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation; two nodes of a graph are equal when they are the same object.

    `op` is an operator as SQL writes it (``+ - * / neg < <= = <> > >= and or not``), ``number``,
    ``leaf``, ``case``, ``notnull``, ``held`` (its argument, not to be differentiated), or a
    function's name in lower case. The arguments of a ``case`` alternate condition, value,
    condition, value, ..., and end with the ELSE value.
    """

    op: str
    args: tuple[Node, ...] = ()
    number: Decimal | None = None
    leaf: Leaf | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a leaf is computed of that is an aggregate, or a function over a window.

    Args:
        rule: Its row of the table.
        frame: The call without its arguments, FILTER and OVER around it.
        key: Equal keys are the same FILTER and OVER.
        arguments: Gives those that are differentiated, by the rule's names.
        written: The others, as they were written.
    """

    rule: AggregateRule
    frame: exp.Expr
    key: str
    arguments: Callable[[], dict[str, Node]]
    written: dict[str, exp.Expr]


@dataclass(frozen=True, slots=True)
class Leaf:
    """SQL that is not looked into: a column, or an expression without the variable.

    Args:
        key: Equal keys are the same value in one row.
        sql: The tree to print; never changed, always copied.
        double: Its type is double precision; anything else is cast when it is printed.
        nullable: It can be NULL.
        nan: It can be NaN.
        typed: It is known to be a number. What is not is multiplied by 1.0 instead of cast, so that
            the engine refuses what it would refuse to compute with.
        block: The SELECT whose columns it names.
        refusal: Makes the error for a derivative by something that it changes with; None: it
            changes in steps, if at all.
        aggregate: What it is computed of, when it is an aggregate with a rule.
        kept: It can only be read from a tape.
        truth: It is a condition.
    """

    key: str
    sql: exp.Expr = field(compare=False)
    double: bool = True
    nullable: bool = True
    nan: bool = True
    typed: bool = True
    block: Block | None = field(default=None, compare=False)
    refusal: Callable[[], NotDifferentiable] | None = field(default=None, compare=False)
    aggregate: Aggregate | None = field(default=None, compare=False)
    kept: bool = False
    truth: bool = False

    @property
    def is_column(self) -> bool:
        """Whether it is a column and nothing else: reading it can raise nothing."""
        return isinstance(self.sql, exp.Column)


# Operations whose value is true or false.
BOOLEAN = frozenset({"<", "<=", "=", "<>", ">", ">=", "and", "or", "not", "notnull", "isnan"})

# Floating-point sums and products are the same from either side, to the last bit.
_COMMUTATIVE = ("+", "*")


# What `statement_nodes` is when nobody sets it.
MOST_NODES = 50_000


class Graph:
    """Makes nodes; asked twice for the same one, it answers with the first.

    Args:
        most_nodes: Past so many nodes, every node that is asked for raises StatementTooComplex,
            54001. What is printed of them is held to the same number.
    """

    def __init__(self, most_nodes: int = MOST_NODES) -> None:
        self.most_nodes = most_nodes
        self._nodes: dict[tuple[object, ...], Node] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def number(self, value: Decimal | int | str) -> Node:
        """A constant; `2`, `2.0` and `2.00` are one node."""
        exact = Decimal(value)
        return self._intern(("number", str(exact.normalize())), Node("number", number=exact))

    def leaf(self, leaf: Leaf) -> Node:
        """The node of a leaf."""
        return self._intern(("leaf", leaf.key, leaf.double), Node("leaf", leaf=leaf))

    def node(self, op: str, *args: Node) -> Node:
        """The operation `op` over `args`, as it stands; `simplify` offers the folding ones."""
        inputs = sorted(map(id, args)) if op in _COMMUTATIVE else map(id, args)
        return self._intern((op, *inputs), Node(op, args))

    def leaves(self) -> list[Node]:
        """Every leaf, in the order of their making."""
        return [node for node in self._nodes.values() if node.op == "leaf"]

    def _intern(self, key: tuple[object, ...], fresh: Node) -> Node:
        self.admit(len(self._nodes))
        return self._nodes.setdefault(key, fresh)

    def admit(self, nodes: int) -> None:
        """Refuse derivatives of more nodes than a statement may have.

        Raises:
            StatementTooComplex: 54001, naming the limit.
        """
        if nodes > self.most_nodes:
            raise StatementTooComplex(
                "the statement is too complex: its derivatives have too many parts",
                detail=f"They have {nodes} or more; statement_nodes is {self.most_nodes}.",
                hint="Differentiate fewer times or a simpler expression, or raise statement_nodes "
                "in the server's configuration.",
            )


def post_order(root: Node, known: Container[Node] = ()) -> list[Node]:
    """Every node under `root` once, arguments before the operation that uses them.

    Nodes in `known`, and what only they use, are left out.
    """
    order: list[Node] = []
    opened: list[Node] = []
    seen: set[Node] = set()
    stack: list[Node | None] = [root]  # None: the last that was opened has all its arguments
    while stack:
        node = stack.pop()
        if node is None:
            order.append(opened.pop())
        elif node not in seen and node not in known:
            seen.add(node)
            if node.args:
                opened.append(node)
                stack.append(None)
                stack += node.args[::-1]
            else:
                order.append(node)
    return order


def unconditional(roots: Iterable[Node]) -> set[Node]:
    """Nodes reached without entering a branch of a CASE; its first condition is no branch.

    coalesce computes an argument only where those before it are NULL.
    """
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node.args[:1] if node.op in ("case", "coalesce") else node.args)
    return seen


def null(graph: Graph) -> Node:
    """The node of NULL."""
    return graph.leaf(Leaf("NULL", exp.Null()))


def is_null(node: Node) -> bool:
    """True of the constant NULL."""
    return node.leaf is not None and isinstance(node.leaf.sql, exp.Null)


def leaves(root: Node) -> Iterator[Node]:
    """Every leaf under `root` once, in the order of their first use."""
    return (node for node in post_order(root) if node.op == "leaf")
