"""array_agg(DISTINCT x) and string_agg(DISTINCT x, ...): the values in ascending order, or another.

PostgreSQL finds equal values by sorting them, so that they come out sorted, NULL last; the engine
gives them as its hash table has them, otherwise in each run.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.names.scope import Block, is_aggregate
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import Types
from gateway.types import INTEGER

_GATHERING = frozenset({"array_agg", "string_agg"})
# Types that the engine sorts as PostgreSQL does, and whose equal values are of one form.
_SORTED = INTEGER | {
    "bool", "numeric", "float4", "float8", "text", "varchar", "uuid", "date", "time", "timestamp",
    "timestamptz",
}  # fmt: skip


def sort_distinct(block: Block) -> None:
    """Write the order of such values out, in place.

    Raises:
        FeatureNotSupported: 0A000, of an enum.
    """
    known = Types(block)
    for call in own_nodes(block.select):
        if is_aggregate(call) and call.name.lower() in _GATHERING and call.expressions:
            distinct = call.expressions[-1]
            kind = known.of(distinct.expressions[0]) if isinstance(distinct, exp.Distinct) else None
            if kind is not None and kind.is_enum:
                raise FeatureNotSupported(
                    f"{call.name}(DISTINCT ...) of {kind.sql} is not supported",
                    hint="Write SELECT DISTINCT in a subquery.",
                )
            if kind is not None and kind.name in _SORTED:
                by = exp.Ordered(this=distinct.expressions[0].copy(), nulls_first=False)
                call.set("expressions", [exp.Order(this=distinct, expressions=[by])])


def orders_apart(select: exp.Select) -> None:
    """Sort arrays of DISTINCT values once they are gathered, where others are of another order.

    The engine sorts once for ascending and descending ones, and reads the rows backwards for the
    others: DISTINCT ones come as they come then.
    """
    found = [node for node in own_nodes(select) if _is_order_of_values(node)]
    if len({tuple(node.expressions) for node in found}) < 2:
        return
    for node in found:
        call = node.parent
        if isinstance(node.this, exp.Distinct) and call is not None and call.name == "array_agg":
            _sort_gathered(call, node)


def _is_order_of_values(node: exp.Expr) -> bool:
    return isinstance(node, exp.Order) and isinstance(node.parent, exp.Anonymous)


def _sort_gathered(call: exp.Expr, order: exp.Expr) -> None:
    (key, *_) = order.expressions
    call.set("expressions", [order.this])
    whole = call.parent if isinstance(call.parent, exp.Filter) else call
    words = (
        "DESC" if key.args.get("desc") else "ASC",
        "NULLS FIRST" if key.args.get("nulls_first") else "NULLS LAST",
    )
    given = [whole.copy(), *map(exp.Literal.string, words)]
    whole.replace(exp.Anonymous(this="array_sort", expressions=given))
