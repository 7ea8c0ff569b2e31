"""Walks and copies of sqlglot's trees, for the passes that every statement goes through.

sqlglot's own walk is a generator inside a generator, and its copy goes through `copy.deepcopy` for
the notes of each node; together they took half the time of rewriting a short statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from sqlglot import exp

T = TypeVar("T", bound=exp.Expr)
V = TypeVar("V")
Kinds = tuple[type[exp.Expr], ...]

SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)  # of keys of GROUP BY
# Arguments of a query that belong to the whole of it, and not to the left side of its UNION; those
# of a SELECT that leave some of its rows out.
AROUND, PICKING = ("with_", "order", "limit", "offset"), ("distinct", "limit", "offset")

_Expr, _Name, _Query = exp.Expr, exp.Identifier, exp.Query  # one look-up less for each node


def nodes(tree: exp.Expr, closed: Kinds = ()) -> list[exp.Expr]:
    """Every node of `tree` as it stands now, breadth first; `tree` itself is the first.

    Args:
        closed: Nodes of these kinds are given, but not what is inside them.

    >>> [node.key for node in nodes(exp.column("x") + 1)]
    ['add', 'column', 'literal', 'identifier']
    """
    found = [tree]
    for node in found:
        if node.is_primitive or (closed and isinstance(node, closed)):
            continue
        for value in node.args.values():
            if isinstance(value, _Expr):
                found.append(value)
            elif type(value) is list:
                found += [item for item in value if isinstance(item, _Expr)]
    return found


class ByKind(Generic[V]):
    """Values for kinds of nodes, a row each; looked through once for each type of node.

    >>> ByKind((((exp.Binary,), "two sides"), ((exp.Add, exp.Neg), "a sum"))).of(exp.Add)
    ('two sides', 'a sum')
    """

    def __init__(self, rows: Sequence[tuple[Kinds, V]]) -> None:
        self._rows = rows
        self._found: dict[type, tuple[V, ...]] = {}

    @property
    def kinds(self) -> Kinds:
        """All of its rows."""
        return tuple(kind for kinds, _ in self._rows for kind in kinds)

    def of(self, kind: type) -> tuple[V, ...]:
        """The values of all rows that fit, in order."""
        found = self._found.get(kind)
        if found is None:
            found = tuple([value for kinds, value in self._rows if issubclass(kind, kinds)])
            self._found[kind] = found
        return found


def is_distinct(select: exp.Expr) -> bool:
    """Whether all items of a SELECT decide which rows it leaves out, as not with DISTINCT ON."""
    distinct = select.args.get("distinct")
    return distinct is not None and distinct.args.get("on") is None


def is_comma(join: exp.Expr) -> bool:
    """Whether it is no join, but the next item of FROM."""
    return not any(map(join.args.get, ("method", "side", "kind", "on", "using")))


def nodes_of(tree: exp.Expr, kind: type[T]) -> list[T]:
    """The nodes of one kind, in the order of `nodes`."""
    found = nodes(tree) if issubclass(_Name, kind) else unnamed(tree)
    return [node for node in found if isinstance(node, kind)]


def own_nodes(tree: exp.Expr) -> list[exp.Expr]:
    """The nodes of an expression or a SELECT, but of each query inside it only the root.

    Names are left out; no pass over a SELECT asks for one.

    >>> from sqlglot import parse_one
    >>> [node.key for node in own_nodes(parse_one("SELECT y, (SELECT x)"))]
    ['select', 'column', 'subquery']
    """
    if not isinstance(tree, _Query):
        return unnamed(tree, (_Query,))
    found: list[exp.Expr] = [tree]
    for value in tree.args.values():
        for part in value if type(value) is list else (value,):
            if isinstance(part, _Expr):
                found += unnamed(part, (_Query,))
    return found


def unnamed(tree: exp.Expr, closed: Kinds = ()) -> list[exp.Expr]:
    """What `nodes` gives, but for the names: they are half of all."""
    found = [tree]
    for node in found:
        if node.is_primitive or (closed and isinstance(node, closed)):
            continue
        for value in node.args.values():
            if value is None or type(value) is _Name:
                continue
            if type(value) is list:
                found += [item for item in value if isinstance(item, _Expr)]
            elif isinstance(value, _Expr):
                found.append(value)
    return found


def conjuncts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that must all be true for a condition to be true."""
    while isinstance(tree, exp.Paren):  # unnest() would go into a subquery
        tree = tree.this
    if isinstance(tree, exp.And):
        yield from conjuncts(tree.this)
        yield from conjuncts(tree.expression)
    else:
        yield tree


def with_queries(node: exp.Expr) -> Iterator[exp.CTE]:
    """The WITH queries in sight of `node`, nearest first; a plain WITH shows the ones before it."""
    child, around = node, node.parent
    while around is not None:
        if isinstance(around, exp.With):
            members = around.expressions
            own = next(n for n, cte in enumerate(members) if cte is child)
            yield from reversed(members if around.args.get("recursive") else members[:own])
        elif (clause := around.args.get("with_")) is not None and child is not clause:
            yield from reversed(clause.expressions)
        child, around = around, around.parent


def visible_ctes(table: exp.Table) -> set[str]:
    """CTE names in scope where `table` stands."""
    return {cte.alias for cte in with_queries(table)}


def copied(tree: T) -> T:
    """A copy of `tree`, which is as `tree.copy()`, but for types and notes that are not nested."""
    root = _alone(tree)
    unfinished: list[exp.Expr] = [root]
    for node in unfinished:
        args = node.args
        for key, value in args.items():
            if isinstance(value, _Expr):
                child = _alone(value)
                child.parent, child.arg_key = node, key
                args[key] = child
                unfinished.append(child)
            elif type(value) is list:
                args[key] = items = value.copy()
                for index, item in enumerate(value):
                    if isinstance(item, _Expr):
                        child = items[index] = _alone(item)
                        child.parent, child.arg_key, child.index = node, key, index
                        unfinished.append(child)
    return root


def _alone(node: T) -> T:
    """A copy of one node that still holds the other's children."""
    kind = node.__class__
    made = kind.__new__(kind)  # its constructor would look through the children of none
    made.args = node.args.copy()
    made.parent = made.arg_key = made.index = made._hash = None
    made.comments = None if node.comments is None else node.comments.copy()
    made._meta = None if node._meta is None else node._meta.copy()
    made._type = node._type
    return made
