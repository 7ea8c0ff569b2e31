"""The order of a sorted subquery, view or WITH query, kept by the SELECT that reads it alone.

SQL promises nothing of the kind and the engine forgets such a sort, but PostgreSQL hands the rows
on as they come, and its users count on it: `SELECT * FROM (SELECT ... ORDER BY t) AS q LIMIT 100`
is what a BI tool makes of a query, and the manual (9.21) says of array_agg that sorted input
"will usually work". So the keys become ORDER BY of what reads the rows: of the SELECT itself, of
aggregates that put values in a row, and of windows without an order of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from gateway.sql.lowered.relations.sort_keys import place_of_output
from gateway.sql.meaning.naming import leftmost
from gateway.sql.names.ordering import HIDDEN
from gateway.sql.names.scope import Analysis, Block, Source, column_node, is_aggregate
from gateway.sql.text.trees import own_nodes

GATHERING = frozenset(
    {"array_agg", "string_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg"}
)
_BY_PLACE = frozenset(
    {"row_number", "ntile", "lag", "lead", "first_value", "last_value", "nth_value"}
)


def carry_orders(analysis: Analysis) -> bool:
    """Write such orders out, in place, the innermost first.

    Returns:
        Whether there was one.
    """
    return any([_carry(block) for block in analysis.blocks])


def _carry(block: Block) -> bool:
    source = block.sources[0] if len(block.sources) == 1 else None
    if source is None or source.query is None or source.columns is None:
        return False
    order = _order_of(source.query.tree)
    if order is None:
        return False
    readers = list(_readers(block))
    keys = _keys(source, order) if readers else []
    if not keys:
        return False
    for reader in readers:
        _sort(reader, keys)
    return True


def _order_of(query: exp.Expr) -> exp.Order | None:
    while isinstance(query, exp.Subquery) and query.args.get("order") is None:
        query = query.this
    order = query.args.get("order")
    return order if isinstance(order, exp.Order) else None


def _readers(block: Block) -> Iterator[exp.Expr]:
    """What of a SELECT takes the rows one after the other, without an order of its own."""
    select = block.select
    plain = not any(select.args.get(clause) for clause in ("order", "distinct"))
    if plain and not block.is_grouped and _is_in_turn(select):
        yield select
    for node in own_nodes(select):
        if isinstance(node, exp.Window):
            if not block.is_grouped and not node.args.get("order") and _goes_by_place(node):
                yield node
        elif _gathers(node) and not isinstance(node.expressions[-1], exp.Order | exp.Distinct):
            yield node


def _gathers(node: exp.Expr) -> bool:
    return is_aggregate(node) and node.name.lower() in GATHERING and bool(node.expressions)


def _is_in_turn(select: exp.Select) -> bool:
    """Whether it matters in which order a SELECT gives its rows."""
    held = select.parent
    while isinstance(held, exp.Subquery) and not isinstance(held.parent, exp.From | exp.Join):
        if held.parent is None:
            return True
        held = held.parent
    if held is None or isinstance(held, exp.CTE | exp.Subquery):
        return True
    if isinstance(held, exp.Anonymous) and held.name.lower() == "array":
        return True
    picked = select.args.get("limit") or select.args.get("offset")
    return bool(picked) and not isinstance(held, exp.SetOperation)


def _goes_by_place(window: exp.Window) -> bool:
    call = next((node for node in own_nodes(window.this) if isinstance(node, exp.Anonymous)), None)
    name = call.name.lower() if call is not None else ""
    spec = window.args.get("spec")
    if spec is not None:
        return str(spec.args.get("kind")).upper() == "ROWS"
    return name in _BY_PLACE


def _keys(source: Source, order: exp.Order) -> list[exp.Ordered]:
    """The items of ORDER BY as columns of the relation; none where one cannot be a column."""
    query, columns = order.parent, list(source.columns or ())
    outputs = leftmost(query) if query is not None else None
    if not isinstance(outputs, exp.Select):
        return []
    open_ = outputs is query and outputs.args.get("distinct") is None
    places = [
        None if item.meta.get(HIDDEN) else place_of_output(item.this, outputs)
        for item in order.expressions
    ]
    if None in places and not open_:
        return []
    keys = []
    for item, place in zip(order.expressions, places, strict=True):
        if place is None:
            place = len(outputs.expressions)
            name = f"sorted_by_{place}"
            outputs.append("expressions", exp.alias_(item.this.copy(), name, quoted=True))
            item.set("this", exp.Column(this=exp.to_identifier(name, quoted=True)))
            item.meta.pop(HIDDEN, None)
        named = columns[place] if place < len(columns) else outputs.expressions[place].alias
        key = exp.Ordered(this=column_node(source.alias, named))
        for flag in ("desc", "nulls_first"):
            key.set(flag, item.args.get(flag))
        keys.append(key)
    return keys


def _sort(reader: exp.Expr, keys: list[exp.Ordered]) -> None:
    own = [key.copy() for key in keys]
    if isinstance(reader, exp.Anonymous):
        last = reader.expressions[-1]
        reader.set("expressions", [*reader.expressions[:-1], exp.Order(this=last, expressions=own)])
        return
    reader.set("order", exp.Order(expressions=own))
    if isinstance(reader, exp.Window) and reader.args.get("spec") is None:
        sides = {"start": "UNBOUNDED", "start_side": "PRECEDING"}
        sides |= {"end": "UNBOUNDED", "end_side": "FOLLOWING"}
        reader.set("spec", exp.WindowSpec(kind="ROWS", **sides))
