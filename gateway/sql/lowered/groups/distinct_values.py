"""array_agg(DISTINCT x) and string_agg(DISTINCT x, ...): the values in ascending order.

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
