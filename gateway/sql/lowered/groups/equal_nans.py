"""NaN of either sign put into one group: GROUP BY, DISTINCT, PARTITION BY, set operations.

PostgreSQL knows one NaN and shows no sign of it; the engine groups by the bits. What groups are
made by, and what shows it, becomes the value with the sign of a NaN taken away (`not_numbers`).
For PARTITION BY and DISTINCT in aggregates the sign of a zero is, too; elsewhere it shows none.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.groups.united_forms import fold_sides
from gateway.sql.lowered.relations.group_keys import is_of_rows
from gateway.sql.lowered.values.not_numbers import (
    may_be_nan,
    put_unsigned,
    without_signs,
)
from gateway.sql.lowered.values.origins import SameValue
from gateway.sql.names.ordering import grouping_keys, meant
from gateway.sql.names.scope import Analysis, Block
from gateway.sql.text.grammar import Marker
from gateway.sql.text.trees import copied, own_nodes
from gateway.sql.types.inference import Types
from gateway.types import FLOATING


def group_nans(analysis: Analysis) -> None:
    """Let every SELECT without derivatives count NaN and -NaN as one, in place."""
    own = {id(block): own_nodes(block.select) for block in analysis.blocks}
    if any(isinstance(node, Marker) for each in own.values() for node in each):
        return  # a derivative is taken through what was written
    for value, known in list(fold_sides(analysis)):
        put_unsigned(value, known)
    for block in analysis.blocks:
        if any(isinstance(each, exp.Group | exp.Distinct | exp.Window) for each in own[id(block)]):
            _fold_block(block, own[id(block)])


def _fold_block(block: Block, own: list[exp.Expr]) -> None:
    select, known = block.select, Types(block)
    for key in grouping_keys(block):
        if may_be_nan(key, known):
            _fold_key(select, copied(key), known)
    for node in own:
        if isinstance(node, exp.Window):
            _fold_apart(node.args.get("partition_by") or [], None, known)
        elif isinstance(node, exp.Distinct) and node.args.get("on") is not None:
            _fold_first(select, node.args["on"].expressions, known)
        elif isinstance(node, exp.Distinct) and node.parent is not select:
            order = node.parent if isinstance(node.parent, exp.Order) else None
            _fold_apart(node.expressions, order, known)
        elif isinstance(node, exp.Distinct):
            for value in [item.unalias() for item in select.expressions]:
                if may_be_nan(value, known):
                    put_unsigned(value, known)


def _fold_apart(values: list[exp.Expr], order: exp.Order | None, known: Types) -> None:
    """Fold what zeros of both signs would be two of, in place; an aggregate's ORDER BY alike."""
    for value in list(values):
        kind = known.of(value)
        if kind is None or kind.name not in FLOATING:
            continue
        folded = without_signs(value.copy(), value, kind, known)
        for ordered in order.expressions if order is not None else ():
            if ordered.this == value:
                ordered.set("this", folded.copy())
        value.replace(folded)


def _fold_first(select: exp.Select, keys: list[exp.Expr], known: Types) -> None:
    """DISTINCT ON, and ORDER BY beside it, which begins with the same: written out in both."""
    order = select.args.get("order")
    sorted_by = [each.this for each in order.expressions] if order is not None else []
    for place in [*keys, *sorted_by]:
        value = meant(place, select)
        kind = known.of(value)
        if kind is not None and kind.name in FLOATING:
            place.replace(without_signs(value, value, kind, known))


def _fold_key(select: exp.Select, key: exp.Expr, known: Types) -> None:
    """Fold a key of GROUP BY wherever a group's value is looked at."""
    same = SameValue(key, known.block)
    for node in own_nodes(select):
        if same.as_(node) and not is_of_rows(node, select):
            put_unsigned(node, known)
