"""ROLLUP, CUBE and GROUPING SETS as UNION ALL: a SELECT for each set, the keys of others NULL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from sqlglot import exp

from gateway.autodiff.relational.queries import named, united
from gateway.autodiff.statements.grouping import is_rolled_up, key_meant
from gateway.sql.lowered.groups.grouping_sets import sets_of
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.scope import Analysis, Block, is_aggregate, resolve
from gateway.sql.text.datatypes import data_type
from gateway.sql.text.trees import copied, own_nodes
from gateway.sql.types.inference import type_of

_Keys = Sequence[exp.Expr]


def unite_sets(analysis: Analysis, reads: Callable[[exp.Expr], bool]) -> bool:
    """Make a union of one SELECT in FROM that groups by several sets; whether there was one.

    Args:
        analysis: The blocks of a loss, laid open, changed in place; then they are to be found anew.
        reads: Whether a query reads what changes.
    """
    for block in analysis.blocks:
        held = block.select.parent
        if isinstance(held, exp.Subquery) and is_rolled_up(block) and reads(block.select):
            branches = _branches(block)
            if branches:
                held.set("this", united(branches))
                return True
    return False


def _branches(block: Block) -> list[exp.Select]:
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
        if is_aggregate(node) or _is_among(node, keys, block):
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
