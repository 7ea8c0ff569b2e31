"""Expressions as a directed acyclic graph in which equal parts are one node (hash-consing).

A derivative written as text repeats its parts without end; written as a graph it stays within a
small multiple of the function (Griewank and Walther, Evaluating Derivatives, 2nd ed., ch. 4).
This module only makes nodes and walks them; `simplify` folds, `linearize` differentiates,
`expressions` reads and writes SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlglot import exp


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation; two nodes of a graph are equal when they are the same object.

    `op` is an operator as SQL writes it (``+ - * / neg < <= = <> > >= and or not``), ``number``,
    ``leaf``, ``case``, ``notnull``, or a function's name in lower case. The arguments of a ``case``
    alternate condition, value, condition, value, ..., and end with the ELSE value.
    """

    op: str
    args: tuple[Node, ...] = ()
    number: Decimal | None = None
    leaf: Leaf | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """SQL that is not looked into: a column, or an expression without the variable.

    Args:
        key: Equal keys are the same value in one row.
        sql: The tree to print; never changed, always copied.
        double: Its type is double precision; anything else is cast when it is printed.
        nullable: It can be NULL.
    """

    key: str
    sql: exp.Expr = field(compare=False)
    double: bool = True
    nullable: bool = True


class Graph:
    """Makes nodes; asked twice for the same one, it answers with the first."""

    def __init__(self) -> None:
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
        return self._intern((op, *map(id, args)), Node(op, args))

    def _intern(self, key: tuple[object, ...], fresh: Node) -> Node:
        return self._nodes.setdefault(key, fresh)


def post_order(root: Node) -> Iterator[Node]:
    """Every node under `root` once, arguments before the operation that uses them."""
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, opened = stack.pop()
        if opened:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((arg, False) for arg in reversed(node.args))


def always_null_with(root: Node, stands_for: Mapping[int, Node]) -> frozenset[Node]:
    """The nodes whose NULL makes `root` NULL, whatever the others hold: leaves, and cases.

    Operators and functions with a rule are strict. A ``case`` is NULL with a leaf when each of its
    branches is, or cannot be reached because its condition is NULL with that leaf; and it is
    itself one of the nodes found, since no leaf alone tells when it is NULL.

    Args:
        root: What is asked about.
        stands_for: For a ``case`` that is NULL exactly where another node is, that other node.
    """
    found: dict[int, frozenset[Node]] = {}
    for node in post_order(root):
        parts = [found[id(arg)] for arg in node.args]
        if node.op == "leaf":
            found[id(node)] = frozenset((node,))
        elif node.op == "case":
            alike = (node, stands_for.get(id(node), node))
            found[id(node)] = _case_null_with(node, parts).union(alike)
        elif node.op == "or":
            found[id(node)] = frozenset.intersection(*parts)
        else:
            found[id(node)] = frozenset().union(*parts)
    return found[id(root)]


def _case_null_with(node: Node, parts: list[frozenset[Node]]) -> frozenset[Node]:
    """What makes every branch of a CASE either NULL or unreachable.

    `parts` of a condition are what makes it not true: for ``y IS NOT NULL`` that is y.
    """
    branches = [c | v for c, v in zip(parts[:-1:2], parts[1:-1:2], strict=True)]
    return frozenset.intersection(*(branches if is_null(node.args[-1]) else [*branches, parts[-1]]))


def is_null(node: Node) -> bool:
    """True of the constant NULL."""
    return node.leaf is not None and isinstance(node.leaf.sql, exp.Null)


def leaves(root: Node) -> Iterator[Node]:
    """Every leaf under `root` once, in the order of their first use."""
    return (node for node in post_order(root) if node.op == "leaf")
