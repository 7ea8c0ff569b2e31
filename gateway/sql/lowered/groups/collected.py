"""array_agg and string_agg: the order of their values, DISTINCT ones, and those of bytea.

Of DISTINCT values PostgreSQL finds equal ones by sorting, so that they come out sorted, NULL last;
the engine gives them as its hash table has them, otherwise in each run. It refuses two orders in
one SELECT, but for array_agg, which orders its values itself: so string_agg(... ORDER BY ...) is
array_to_string(array_agg(... ORDER BY ...)). It joins texts alone: so bytes are joined as digits.
"""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import FeatureNotSupported
from gateway.sql.inputs import literals
from gateway.sql.lowered.relations.sorted_relations import GATHERING
from gateway.sql.names.scope import Block, is_aggregate, position_of, resolve
from gateway.sql.text.building import whole_call
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.inference import GIVES, Types
from gateway.types import BYTEA, INET

_GATHERING = ("array_agg", "string_agg")


def refuse_distinct(block: Block) -> None:
    """Refuse DISTINCT values that the engine sorts otherwise.

    Raises:
        FeatureNotSupported: 0A000, of an enum or of addresses.
    """
    known = Types(block)
    for call in own_nodes(block.select):
        if is_aggregate(call) and call.name.lower() in _GATHERING and call.expressions:
            distinct = call.expressions[-1]
            kind = known.of(distinct.expressions[0]) if isinstance(distinct, exp.Distinct) else None
            if kind is not None and (kind.is_enum or kind is INET):
                raise FeatureNotSupported(
                    f"{call.name}(DISTINCT ...) of {kind.sql} is not supported",
                    hint="Write SELECT DISTINCT in a subquery.",
                )


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


_HEX = "hex"


def join_bytes(call: exp.Anonymous, known: Types) -> None:
    """Write string_agg so where its values are bytes, in place.

    Raises:
        FeatureNotSupported: 0A000, what stands between two values may differ from row to row.
    """
    if known.of(call) is not BYTEA:
        return
    taken, order = call.expressions, None
    if isinstance(taken[-1], exp.Order):
        order = taken[-1]
        taken = [*taken[:-1], order.this]
    distinct = isinstance(taken[0], exp.Distinct)
    value, between = taken[0].expressions if distinct else taken
    made: list[exp.Expr] = [_digits(value), exp.Literal.string(_digits_of(between))]
    if distinct:
        made = [exp.Distinct(expressions=made)]
    if order is not None:
        for key in order.expressions:
            if key.this == value:  # beside DISTINCT it is to be what is joined
                key.this.replace(_digits(value))
        order.set("this", made[-1])
        made[-1] = order
    call.set("expressions", made)
    _read(call)


def _read(call: exp.Expr) -> None:
    """Put the bytes of the digits in the place of the call, with its FILTER and OVER."""
    whole = whole_call(call)
    joined = exp.Anonymous(this="decode")
    joined.meta[GIVES] = BYTEA
    whole.replace(joined)
    joined.set("expressions", [whole, exp.Literal.string(_HEX)])


def _digits(value: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="encode", expressions=[value.copy(), exp.Literal.string(_HEX)])


def _digits_of(between: exp.Expr) -> str:
    plain = between.unnest()
    while isinstance(plain, exp.Cast):
        plain = plain.this.unnest()
    if isinstance(plain, exp.HexString):
        return str(plain.name)
    if isinstance(plain, exp.Null):
        return ""
    if not plain.is_string:
        raise FeatureNotSupported(
            "string_agg of bytea with a delimiter that is not a literal is not supported",
            position=position_of(between),
        )
    return literals.bytea(plain.name).hex()


def ordered_text(node: exp.Expr) -> exp.Expr | None:
    """A call without a FILTER; None where it is something else, or has no order."""
    if isinstance(node.parent, exp.Filter | exp.Window):
        return None
    return _collected(node, None)


def filtered_text(node: exp.Expr) -> exp.Expr | None:
    """A call with its FILTER."""
    if isinstance(node.parent, exp.Window):
        return None
    return _collected(node.this, node.expression.this)


def sliding_text(node: exp.Expr) -> exp.Expr | None:
    """string_agg over a frame that leaves rows behind, which the engine's own cannot forget.

    Raises:
        FeatureNotSupported: 0A000, what is between two texts is another for each row.
    """
    call, spec = node.this, node.args.get("spec")
    condition = None
    if isinstance(call, exp.Filter):
        call, condition = call.this, call.expression.this
    if spec is None or spec.args.get("start") == "UNBOUNDED" or not _is_text_call(call):
        return None
    value, separator = call.expressions
    if isinstance(separator, exp.Null):
        separator = exp.Literal.string("")
    if not separator.is_string:
        raise FeatureNotSupported(
            "string_agg over a moving frame is not supported for a delimiter of each row",
            position=position_of(call),
            hint="Write the delimiter as a literal.",
        )
    gathered = node.copy()
    gathered.set("this", _gathered(value, value, condition))
    return exp.Anonymous(this="array_to_string", expressions=[gathered, separator.copy()])


def _is_text_call(call: exp.Expr) -> bool:
    is_text = isinstance(call, exp.Anonymous) and call.name == "string_agg"
    return is_text and len(call.expressions) == 2


def order_of_values(node: exp.Expr) -> exp.Expr | None:
    """An aggregate's order without constants, which the engine takes for places."""
    if node.this is None:
        return None
    keys = [each for each in node.expressions if not isinstance(each.this.unnest(), exp.Literal)]
    if not keys:
        value: exp.Expr = node.this
        return value.copy()
    node.set("expressions", keys)
    return None


def distinct_values(node: exp.Expr) -> exp.Expr | None:
    """DISTINCT inside a collecting aggregate, which PostgreSQL finds by sorting: so they come."""
    call, value = node.parent, node.expressions[0] if node.expressions else None
    if not isinstance(call, exp.Anonymous) or call.name not in _GATHERING:
        return None
    if len(call.expressions) > 1 or value is None or isinstance(value.unnest(), exp.Literal):
        return None
    key = exp.Ordered(this=value.copy(), nulls_first=False)
    return exp.Order(this=node.copy(), expressions=[key])


def _collected(call: exp.Expr, condition: exp.Expr | None) -> exp.Expr | None:
    parts = _parts(call)
    if parts is None:
        return None
    value, collected, separator = parts
    distinct = value.expressions[0] if isinstance(value, exp.Distinct) else value
    kept = _gathered(collected, distinct, condition)
    return exp.Anonymous(this="array_to_string", expressions=[kept, separator.copy()])


def _gathered(collected: exp.Expr, value: exp.Expr, condition: exp.Expr | None) -> exp.Filter:
    """The array of what is collected, where the value is not NULL and the condition holds."""
    nothing = exp.Is(this=exp.paren(value.copy()), expression=exp.Null())
    counts: exp.Expr = exp.Not(this=nothing)
    if condition is not None:
        counts = exp.And(this=exp.paren(condition.copy()), expression=counts)
    array = exp.Anonymous(this="array_agg", expressions=[collected.copy()])
    return exp.Filter(this=array, expression=exp.Where(this=counts))


def _parts(call: exp.Expr) -> tuple[exp.Expr, exp.Order, exp.Expr] | None:
    """The value, it with its order, and the text between two of them."""
    if not isinstance(call, exp.Anonymous) or call.name != "string_agg" or not call.expressions:
        return None
    order = call.expressions[-1]
    if not isinstance(order, exp.Order):
        return None
    value, separator = call.expressions[0], order.this
    if isinstance(separator, exp.Distinct) and len(separator.expressions) == 2:
        value = exp.Distinct(expressions=[separator.expressions[0].copy()])
        separator = separator.expressions[1]
    elif len(call.expressions) != 2:
        return None
    if not separator.is_string:  # it may be another in every row
        return None
    ordered = order.copy()
    ordered.set("this", value.copy())
    return value, ordered, separator
