"""An order of values for an aggregate to which it is all the same: sum(x ORDER BY y) is sum(x)."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.lowered.relations.sorted_relations import GATHERING
from gateway.sql.names.scope import Block, is_aggregate, resolve
from gateway.sql.text.trees import own_nodes


def drop_idle_orders(block: Block) -> bool:
    """Take it away, in place; whether there was one.

    The engine reads an order for a few aggregates alone. PostgreSQL sorts for it all the same,
    which tells in the last digits of a sum of reals.

    Raises:
        UndefinedColumn: 42703, the order names a column that is not there.
    """
    found = False
    for order in own_nodes(block.select):
        call = order.parent
        if not isinstance(order, exp.Order) or order.this is None or call is None:
            continue
        if is_aggregate(call) and call.name.lower() not in GATHERING:
            for node in own_nodes(order):
                if isinstance(node, exp.Column):
                    resolve(block, node)
            order.replace(order.this)
            found = True
    return found
