"""UNION ALL as joins: each branch beside a row of its own, and a choice between them.

`a UNION ALL b` has the rows of
`(VALUES (1), (2)) AS u(n) LEFT JOIN a ON n = 1 LEFT JOIN b ON n = 2`, where those are dropped that
no branch has; and a SELECT that joins and chooses is one that reverse mode follows.

ROLLUP, CUBE and GROUPING SETS are one such branch for each of their sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from sqlglot import exp

from gateway.autodiff.relational.queries import named, united
from gateway.autodiff.statements.grouping import is_rolled_up, key_meant
from gateway.sql.lowered.groups.grouping_sets import sets_of
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.scope import Analysis, Block, Source, column_node, is_aggregate, resolve
from gateway.sql.text.building import subquery
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import AROUND, copied, own_nodes
from gateway.sql.types.inference import type_of

_NUMBERS, _NUMBER = "∂u", "∂n"


def join_unions(analysis: Analysis, reads_own: Callable[[exp.Expr], bool]) -> bool:
    """Make joins of the unions in FROM that read the variable's table; whether there was one.

    Args:
        analysis: The blocks of a loss, laid open, changed in place; then they are to be found anew.
        reads_own: Whether a query reads the variable's table.
    """
    found = False
    for block in analysis.blocks:
        for source in block.sources:
            branches = _branches(source)
            if branches and reads_own(source.tree.this):
                source.tree.set("this", _chosen(branches))
                found = True
    return found


def _branches(source: Source) -> list[exp.Select]:
    """The SELECTs of a subquery that is a union of all their rows; none of any other."""
    tree = source.tree
    if not isinstance(tree, exp.Subquery) or not isinstance(tree.this, exp.Union):
        return []
    return _flat(tree.this) or []


def _flat(tree: exp.Expr) -> list[exp.Select] | None:
    if any(map(tree.args.get, AROUND)):
        return None
    if isinstance(tree, exp.Select):
        return None if tree.is_star else [tree]
    if isinstance(tree, exp.Union) and not tree.args.get("distinct"):
        left, right = _flat(tree.this), _flat(tree.expression)
        return None if left is None or right is None else left + right
    if isinstance(tree, exp.Subquery) and not tree.alias:
        return _flat(tree.this)
    return None


def _chosen(branches: list[exp.Select]) -> exp.Select:
    names = [output_name(item) for item in branches[0].expressions]
    number = column_node(_NUMBERS, _NUMBER)
    query = exp.Select(
        expressions=[
            named(
                exp.Case(
                    this=number.copy(),
                    ifs=[
                        exp.If(this=_written(n), true=_value(branch, place, _alias(n)))
                        for n, branch in enumerate(branches, 1)
                    ],
                ),
                name,
            )
            for place, name in enumerate(names, 1)
        ]
    )
    query.from_(_numbers(len(branches)), copy=False)
    for n, branch in enumerate(branches, 1):
        items = enumerate(branch.expressions, 1)
        made = [named(item.unalias(), f"∂c {place}") for place, item in items]
        branch.set("expressions", [*made, named(_written(n), _NUMBER)])
        same = exp.EQ(this=column_node(_alias(n), _NUMBER), expression=number.copy())
        query.append("joins", exp.Join(this=subquery(branch, _alias(n)), side="LEFT", on=same))
    there = [column_node(_alias(n), _NUMBER) for n, _ in enumerate(branches, 1)]
    some = exp.Anonymous(this="coalesce", expressions=there)
    return query.where(exp.Not(this=exp.Is(this=some, expression=exp.null())), copy=False)


def _value(branch: exp.Select, place: int, alias: str) -> exp.Expr:
    """A column of a branch; NULL and quoted literals, whose type the others tell, themselves."""
    made = branch.expressions[place - 1].unalias().unnest()
    told_by_others = isinstance(made, exp.Null) or made.is_string
    return copied(made) if told_by_others else column_node(alias, f"∂c {place}")


def _numbers(count: int) -> exp.Values:
    name = exp.to_identifier(_NUMBERS, quoted=True)
    columns = [exp.to_identifier(_NUMBER, quoted=True)]
    rows = [exp.Tuple(expressions=[_written(n)]) for n in range(1, count + 1)]
    return exp.Values(expressions=rows, alias=exp.TableAlias(this=name, columns=columns))


def _written(number: int) -> exp.Expr:
    return exp.Literal.number(str(number))


def _alias(number: int) -> str:
    return f"∂b {number}"


_Keys = Sequence[exp.Expr]
_OVER_ROWS = (exp.Filter, exp.WithinGroup)  # beside an aggregate, of the rows as it is


def unite_sets(analysis: Analysis, reads: Callable[[exp.Expr], bool]) -> bool:
    """Make a union of one SELECT in FROM that groups by several sets; whether there was one.

    Args:
        analysis: The blocks of a loss, laid open, changed in place; then they are to be found anew.
        reads: Whether a query reads what changes.
    """
    for block in analysis.blocks:
        held = block.select.parent
        if isinstance(held, exp.Subquery) and is_rolled_up(block) and reads(block.select):
            branches = _sides_of(block)
            if branches:
                held.set("this", united(branches))
                return True
    return False


def _sides_of(block: Block) -> list[exp.Select]:
    """A SELECT for each set; none where it has no such form."""
    select, sets = block.select, sets_of(block.select.args["group"])
    nodes = [node for item in select.expressions for node in own_nodes(item)]
    alone = () in sets and not any(map(is_aggregate, nodes))
    over = any(isinstance(node, exp.Window) for node in nodes)
    if block.picks_rows or select.is_star or alone or over:
        return []
    every = [key_meant(key, block) for key in chain(*sets)]
    found = []
    for each in sets:
        keys = [key_meant(key, block) for key in each]
        absent = [key for key in every if not _is_among(key, keys, block)]
        made = copied(select)
        for item in made.expressions:
            item.replace(named(_settled(item.unalias(), keys, absent, block), output_name(item)))
        if (having := made.args.get("having")) is not None:
            having.set("this", _settled(having.this, keys, absent, block))
        made.set("group", exp.Group(expressions=[copied(key) for key in keys]) if keys else None)
        made.set("order", None)
        found.append(made)
    return found


def _settled(tree: exp.Expr, keys: _Keys, absent: _Keys, block: Block) -> exp.Expr:
    """An expression of groups by these keys: the others are NULL in it, outside of aggregates."""

    def settled(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Anonymous) and node.name.lower() == "grouping":
            return _grouping(node.expressions, keys, block)
        if is_aggregate(node) or isinstance(node, _OVER_ROWS) or _is_among(node, keys, block):
            return node
        if _is_among(node, absent, block):
            kind = type_of(node, block)
            return exp.Null() if kind is None else exp.Cast(this=exp.Null(), to=data_type(kind))
        for name, child in list(node.args.items()):
            if isinstance(child, exp.Expr):
                node.set(name, settled(child))
            elif isinstance(child, list):
                node.set(name, [settled(c) if isinstance(c, exp.Expr) else c for c in child])
        return node

    return settled(copied(tree))


def _grouping(arguments: Sequence[exp.Expr], keys: _Keys, block: Block) -> exp.Expr:
    """The bits of the arguments that are no keys of the set."""
    bits = ("01"[not _is_among(each, keys, block)] for each in arguments)
    return exp.Literal.number(int("".join(bits), 2))


def _is_among(tree: exp.Expr, keys: Sequence[exp.Expr], block: Block) -> bool:
    if isinstance(tree, exp.Column):
        meant = resolve(block, tree)
        return any(isinstance(key, exp.Column) and resolve(block, key) == meant for key in keys)
    return any(tree == key for key in keys)
