"""Keys of groups that the engine takes for deciding more than they do.

A subquery with GROUP BY or DISTINCT has each of its keys once, which the engine notes of them. In a
join they come several times. Grouped again, by them and by something else, it takes them for such
that come once (DataFusion 55): then it leaves out what follows them in ORDER BY and GROUP BY, and
DISTINCT of them. So there a key is `greatest(k)`, which is the same value and no column to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.lowered.relations.group_keys import is_of_rows
from gateway.sql.names.ordering import grouping_keys
from gateway.sql.names.scope import Analysis, Block, Source, resolved
from gateway.sql.text.building import put
from gateway.sql.text.trees import nodes_of


def hide_decisive_keys(analysis: Analysis) -> None:
    """Hide the keys of every SELECT that groups what was joined with groups, in place."""
    if len(analysis.blocks) < 2:
        return
    for block in analysis.blocks:
        if groups_joined_groups(block):
            for key in list(_keys(block)):
                _hide(key, block, analysis)


def groups_joined_groups(block: Block) -> bool:
    """Whether it groups, by several keys, what was joined with groups."""
    keys = list(_keys(block))
    return len(keys) > 1 and _joins_groups(block)


def _keys(block: Block) -> Iterator[exp.Expr]:
    """What its rows are told apart by."""
    select = block.select
    yield from grouping_keys(block)
    distinct = select.args.get("distinct")
    if distinct is not None:
        on = distinct.args.get("on")
        yield from on.expressions if on is not None else (i.unalias() for i in select.expressions)


def _joins_groups(block: Block, joined: bool = False) -> bool:
    """Whether it reads a join, at whatever depth, with a query that tells its rows apart."""
    joined = joined or len(block.sources) > 1
    for source in block.sources:
        if source.query is None:
            continue
        several = len(source.query.branches) > 1
        for branch in source.query.branches:
            if several or next(_keys(branch), None) is not None:
                if joined:
                    return True
            elif _joins_groups(branch, joined):
                return True
    return False


def _hide(key: exp.Expr, block: Block, analysis: Analysis) -> None:
    found = resolved(block, key)
    if found is None or found[0].query is None:
        return
    for column in nodes_of(block.select, exp.Column):
        if not is_of_rows(column, block.select) and _same(column, found, block, analysis):
            _wrap(column)


def _same(column: exp.Column, found: tuple[Source, str], block: Block, analysis: Analysis) -> bool:
    if column.name != found[1]:
        return False
    other = resolved(analysis.block_of(column) or block, column)
    return other is not None and other[0] is found[0]


def _wrap(column: exp.Column) -> None:
    place = _place_of(column)
    if place:
        column.replace(exp.Literal.number(place))
        return
    put(column, exp.Anonymous(this="greatest", expressions=[column.copy()]))


def _place_of(column: exp.Column) -> int:
    """Which output of a SELECT DISTINCT it is in ORDER BY, where the engine takes outputs alone."""
    select = column.parent_select
    if select is None or not isinstance(column.parent, exp.Ordered):
        return 0
    distinct = select.args.get("distinct")
    if distinct is None or distinct.args.get("on") is not None:
        return 0
    hidden = exp.Anonymous(this="greatest", expressions=[column.copy()])
    outputs = [item.unalias() for item in select.expressions]
    return outputs.index(hidden) + 1 if hidden in outputs else 0
