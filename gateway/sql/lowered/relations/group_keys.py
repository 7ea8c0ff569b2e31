"""Which subqueries are one value: alike ones, keys of GROUP BY, those of a whole group."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.meaning.volatile import volatile_call
from gateway.sql.names.scope import Block, is_aggregate, resolves_here
from gateway.sql.text.trees import SETS, own_nodes


def alike(node: exp.Expr, block: Block) -> list[exp.Expr]:
    """It, and all that are written as it, which are one value: a key of groups, or of DISTINCT."""
    if volatile_call(node):
        return [node]
    found = [each for each in own_nodes(block.select) if each == node]
    return [each for each in found if each.find_ancestor(exp.Join, exp.Select) is block.select]


def is_grouped_by(node: exp.Expr, block: Block) -> bool:
    """Whether a subquery, or a comparison with one, is a key of GROUP BY, or in one."""
    if node.find_ancestor(exp.Where, exp.Select) is not block.select:
        return False
    return any(each == node for key in keys_of(block) for each in own_nodes(key))


def is_of_group(node: exp.Expr, block: Block) -> bool:
    """Whether it is computed once for each group of the SELECT that it stands in."""
    if not block.is_grouped:
        return False
    keys = keys_of(block)
    of_rows = (exp.Where, exp.Group, exp.Join, exp.WithinGroup)
    at: exp.Expr | None = node
    while at is not None and at is not block.select:
        if isinstance(at, of_rows) or is_aggregate(at) or at in keys:
            return False
        at = at.parent
    return True


_OF_ROWS = (exp.With, exp.From, exp.Join, exp.Lateral, exp.Where)


def is_of_rows(node: exp.Expr, select: exp.Select) -> bool:
    """Whether it is computed of each row, before there are groups; a key is not."""
    parent = node.parent
    while parent is not None and parent is not select:
        aggregated = is_aggregate(parent) and parent.name != "grouping"
        if aggregated or isinstance(parent, _OF_ROWS):
            return True
        parent = parent.parent
    return False


def has_sets(block: Block) -> bool:
    """Whether a key of GROUP BY is NULL in some of the groups, whatever it is in their rows."""
    group = block.select.args.get("group")
    return group is not None and any(isinstance(key, SETS) for key in group.expressions)


def keys_of(block: Block) -> list[exp.Expr]:
    """The keys of GROUP BY, those in sets too."""
    group = block.select.args.get("group")
    return [] if group is None else [_key_of(key, block) for key in _plain_keys(group)]


def _plain_keys(holder: exp.Expr) -> Iterator[exp.Expr]:
    for key in holder.expressions:
        yield from _plain_keys(key) if isinstance(key, (*SETS, exp.Tuple)) else (key,)


def _key_of(key: exp.Expr, block: Block) -> exp.Expr:
    """What a key of GROUP BY is: the output that it names, by its place or its name, or itself."""
    while isinstance(key, exp.Paren):
        key = key.this
    outputs: list[exp.Expr] = block.select.expressions
    if key.is_int and 0 < int(key.name) <= len(outputs):
        return outputs[int(key.name) - 1].unalias()
    if isinstance(key, exp.Column) and not key.table and not resolves_here(block, key):
        named = (each.unalias() for each in outputs if each.alias_or_name == key.name)
        return next(named, key)
    return key
