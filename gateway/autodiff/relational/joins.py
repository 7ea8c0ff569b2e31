"""What an expression of a loss takes from other rows, as a join with them.

A subquery that gives one number, as in `avg(error) + 0.1 * (SELECT sum(v ^ 2) FROM w)`, and an
aggregate over a partition, as in `e / sum(e) OVER (PARTITION BY sample)`, are relations of their
own, a row for each group. Joined, they are stages like any other, which reverse mode follows.
Left as they are, for the stages to refuse: subqueries that may give no row, windows with an order
or a frame.

Subqueries that depend on the row around them, and LATERAL, are joined with what they give for each
value that they look at (`sql.lowered.relations.dependent`); only those that read what changes are.
The relation of these values reads the variable's table without harm if it reads keys alone, so what
else its subqueries compute is left out of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeVar

from sqlglot import exp

from gateway.autodiff.relational.numbered import Reads, join_neighbours
from gateway.autodiff.relational.queries import KEY, joined, named, over_rows
from gateway.autodiff.relational.weights import has_weights, is_count
from gateway.autodiff.statements.grouping import has_one_row
from gateway.errors import GatewayError
from gateway.sql.lowered.relations.dependent import join_dependent
from gateway.sql.meaning.naming import output_name
from gateway.sql.names.row_functions import gives_rows
from gateway.sql.names.scope import (
    Analysis,
    Block,
    column_node,
    is_aggregate,
    is_one_row,
    resolve,
)
from gateway.sql.text.building import subquery
from gateway.sql.text.trees import PICKING, copied, nodes_of, own_nodes

T = TypeVar("T", bound=exp.Expr)

_VALUE = "∂value"
_PICKS = (*PICKING, "order")


def join_other_rows(analysis: Analysis, reads: Reads) -> bool:
    """Make joins of what one SELECT takes from other rows; whether there was such a SELECT.

    Args:
        analysis: The blocks of a loss, laid open, changed in place; then they are to be found anew.
        reads: Whether a query reads what changes.
    """
    return any(
        _join_partitions(block, number)
        or _join_numbers(block, analysis)
        or join_neighbours(block, reads)
        for number, block in enumerate(analysis.blocks, 1)
        if _is_read(block)
    )


def _is_read(block: Block) -> bool:
    """Whether it is the loss itself or stands in FROM, and no star hides what it gives."""
    held = block.select.parent
    in_from = held is None or isinstance(held.parent, exp.From | exp.Join)
    return in_from and not block.select.is_star


# Aggregates over a partition


def _join_partitions(block: Block, number: int) -> bool:
    windows = [each for each in _own(block, exp.Window) if _is_partition(each)]
    if block.is_wall or not windows:
        return False
    keys = windows[0].args.get("partition_by") or []
    alike = [each for each in windows if (each.args.get("partition_by") or []) == keys]
    alias = f"∂w {number}"
    names = [f"{KEY} {n}" for n in range(1, len(keys) + 1)]
    items = [named(copied(key), name) for key, name in zip(keys, names, strict=True)]
    items += [named(copied(each.this), f"{_VALUE} {n}") for n, each in enumerate(alike, 1)]
    groups = over_rows(block, items)
    if keys:
        groups.set("group", exp.Group(expressions=[copied(key) for key in keys]))
    pairs = [(name, copied(key)) for name, key in zip(names, keys, strict=True)]
    for n, each in enumerate(alike, 1):
        _put(each, column_node(alias, f"{_VALUE} {n}"))
    joined(block.select, groups, alias, pairs)
    return True


def _is_partition(window: exp.Window) -> bool:
    """Whether it has the same value throughout its partition, and its aggregate has weights."""
    bare = all(window.args.get(part) is None for part in ("order", "spec", "alias"))
    call = window.this.this if isinstance(window.this, exp.Filter) else window.this
    if not bare or not isinstance(call, exp.Anonymous) or call.name.lower() == "first_value":
        return False
    return has_weights(call) or is_count(call)


# Subqueries that are one number


def _join_numbers(block: Block, analysis: Analysis) -> bool:
    found = [each for each in _own(block, exp.Subquery) if _is_number(each, analysis)]
    if not found:
        return False
    inside = [each for each in found if _is_gathered(each)]
    if len(inside) < len(found) and is_one_row(block.select):
        return _nest(block)
    number = len(block.sources) + 1
    for n, each in enumerate(found, number):
        alias = f"∂s {n}"
        query = each.this
        query.set("expressions", [named(query.expressions[0].unalias(), _VALUE)])
        value: exp.Expr = column_node(alias, _VALUE)
        if block.is_grouped and not _is_gathered(each):  # the same in all rows of a group
            value = exp.Anonymous(this="max", expressions=[value])
        _put(each, value)
        joined(block.select, query, alias, [])
    return True


def _is_number(tree: exp.Subquery, analysis: Analysis) -> bool:
    """Whether a subquery in an expression gives one row, the same wherever it is asked."""
    query = tree.this
    inner = next((each for each in analysis.blocks if each.select is query), None)
    if inner is None or len(query.expressions) != 1 or any(query.args.get(p) for p in _PICKS):
        return False
    plain = not inner.is_grouped and query.args.get("where") is None and inner.sources
    single = plain and all(has_one_row(source, inner) for source in inner.sources)
    summed = is_one_row(query) and query.args.get("having") is None
    return bool(single or summed) and not _looks_out(query, analysis)


def _looks_out(query: exp.Expr, analysis: Analysis) -> bool:
    within = {id(select) for select in nodes_of(query, exp.Select)}
    own = {id(s) for b in analysis.blocks if id(b.select) in within for s in b.sources}
    for column in nodes_of(query, exp.Column):
        block = analysis.block_of(column)
        try:
            if block is None or id(resolve(block, column)[0]) not in own:
                return True
        except GatewayError:  # the name of an output, or one that means nothing: told in its turn
            return True
    return False


def _nest(block: Block) -> bool:
    """Let the aggregates of a SELECT without GROUP BY be made in a subquery of their own.

    What stands beside them is then beside one row, be there rows to put together or not.
    """
    select = block.select
    if any(select.args.get(part) for part in _PICKS) or next(_own(block, exp.Window), None):
        return False
    names = [output_name(item) for item in select.expressions]
    made: list[exp.Expr] = []
    for item in select.expressions:
        for call in [node for node in own_nodes(item) if is_aggregate(node)]:
            written = call.parent if isinstance(call.parent, exp.Filter) else call
            made.append(named(copied(written), f"∂a {len(made) + 1}"))
            _put(written, column_node("∂g", f"∂a {len(made)}"))
    groups = over_rows(block, made)
    groups.set("having", select.args.get("having"))
    items = [named(item.unalias(), n) for item, n in zip(select.expressions, names, strict=True)]
    for part in ("joins", "laterals", "where", "having"):
        select.set(part, None)
    select.set("expressions", items)
    select.from_(subquery(groups, "∂g"), copy=False)
    return True


def _own(block: Block, kind: type[T]) -> Iterator[T]:
    """Nodes of a kind among a SELECT's items, not those inside its subqueries."""
    for item in block.select.expressions:
        yield from (node for node in own_nodes(item) if isinstance(node, kind))


def _is_gathered(tree: exp.Expr) -> bool:
    """Whether it stands in the argument of an aggregate."""
    around = tree.parent
    while around is not None and not isinstance(around, exp.Select):
        if is_aggregate(around):
            return True
        around = around.parent
    return False


def _put(node: exp.Expr, value: exp.Expr) -> None:
    """Replace an expression; an item of SELECT keeps its name."""
    if isinstance(node.parent, exp.Select):
        value = named(value, output_name(node))
    node.replace(value)


_MARK = "∂"
LOOKED_AT = f"values_{_MARK}"  # what the relations of values are called, before a number

_CLAUSES = (*PICKING, "group", "having", "order")


def join_correlated(analysis: Analysis, changes: Callable[[exp.Expr], bool]) -> bool:
    """Make a join of one such subquery of a loss; whether there was one.

    Args:
        analysis: The blocks of the loss, changed in place; then they are to be found anew.
        changes: Whether a query reads what changes.

    Raises:
        FeatureNotSupported: 0A000, a form that cannot be written so.
    """
    taken = {each.alias for block in analysis.blocks for each in block.sources}
    free = (n for n in itertools.count(1) if f"{LOOKED_AT}{n}" not in taken)
    if not join_dependent(analysis, map(f"{_MARK}{{}}".format, free), changes):
        return False
    for block in analysis.blocks:
        for place in nodes_of(block.select, exp.Subquery):
            if place.alias.startswith(LOOKED_AT) and isinstance(place.this, exp.Select):
                _leave_out_unread(place.this)
    return True


def _leave_out_unread(keys: exp.Select) -> None:
    """Drop what a subquery computes that the SELECT over it does not read, if it is one alone."""
    relation = keys.args["from_"].this
    if not isinstance(relation, exp.Subquery) or relation.args["alias"].columns:
        return
    inner = relation.this
    if not isinstance(inner, exp.Select) or inner.is_star or keys.args.get("joins"):
        return
    if any(inner.args.get(clause) for clause in _CLAUSES):
        return
    if any(is_aggregate(node) or gives_rows(node) for node in own_nodes(inner)):
        return
    read = {column.name for column in nodes_of(keys, exp.Column) if column.table == relation.alias}
    inner.set("expressions", [i for i in inner.expressions if output_name(i) in read])
