"""GROUP BY a primary key: the other columns of its table have one value in each group.

PostgreSQL manual, 7.2.3: so they may stand beside it ungrouped. The engine wants every column among
the keys, where these change no group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from gateway.errors import GatewayError
from gateway.sql.names.ordering import written_keys
from gateway.sql.names.relation import Lookup
from gateway.sql.names.scope import (
    Analysis,
    Block,
    Source,
    column_node,
    is_aggregated,
    resolved,
)
from gateway.sql.text.trees import nodes_of

_GROUPED = ("expressions", "having", "order", "distinct")  # clauses that look at a group


def add_dependents(block: Block, analysis: Analysis, lookup: Lookup) -> bool:
    """Add columns that are looked at of a table whose primary key is grouped by; whether any."""
    group = block.select.args.get("group")
    if group is None:
        return False
    grouped = set(_grouped(block, group.expressions))
    there = grouped | set(
        _grouped(block, written_keys(group))
    )  # of sets too, where some leave it NULL
    before = len(there)
    for source in {source for source, _ in grouped}:
        if not _holds_key(source, grouped, lookup):
            continue
        for name in _looked_at(block, source, analysis):
            if (source, name) not in there:
                there.add((source, name))
                group.append("expressions", column_node(source.alias, name))
    return len(there) > before


def _grouped(block: Block, keys: Iterable[exp.Expr]) -> Iterator[tuple[Source, str]]:
    for key in keys:
        meant = key
        if key.is_int and 0 < int(key.name) <= len(block.select.expressions):
            meant = block.select.expressions[int(key.name) - 1].unalias()
        if (found := resolved(block, meant)) is not None:
            yield found


def _holds_key(source: Source, grouped: set[tuple[Source, str]], lookup: Lookup) -> bool:
    table = source.tree
    if source.query is not None or source.cte is not None or not isinstance(table, exp.Table):
        return False
    try:
        key = lookup(table.db, table.name).key
    except GatewayError:  # a function of the engine's
        return False
    return bool(key) and all((source, name) in grouped for name in key)


def _looked_at(block: Block, source: Source, analysis: Analysis) -> Iterator[str]:
    """The columns of a table outside of the SELECT's own aggregates."""
    for clause in _GROUPED:
        held = block.select.args.get(clause) or []
        for tree in held if isinstance(held, list) else [held]:
            for column in nodes_of(tree, exp.Column):
                found = resolved(analysis.block_of(column), column)
                if (
                    found is not None
                    and found[0] is source
                    and not is_aggregated(column, block.select)
                ):
                    yield found[1]
