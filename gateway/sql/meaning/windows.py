"""Windows by the types of what they are over; aggregates and windows that are refused."""

from __future__ import annotations

from sqlglot import exp

from gateway.errors import (
    FeatureNotSupported,
    InvalidNthValueArgument,
    WindowingError,
    WrongObjectType,
)
from gateway.sql.meaning.excluded import leave_out
from gateway.sql.names.scope import Block, position_of
from gateway.sql.text.building import put
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.arguments import no_function
from gateway.sql.types.inference import GIVES, Types

_UNRECKONED = ("text", "varchar", "bpchar", "bool", "uuid", "inet")  # no sums of them
_OVER_WINDOWS = frozenset(
    {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"}
)
# Aggregates of one argument; the engine gives some a meaning of their own with others.
_OF_ONE = frozenset({"count", "sum", "avg", "min", "max", "array_agg", "bool_and", "bool_or"})


def check_window(node: exp.Expr, known: Types) -> None:
    """Refuse a window function without a window, and the nth value of a window that has none."""
    if node.name == "nth_value" and len(node.expressions) == 2:
        count = node.expressions[1]
        if isinstance(count, exp.Neg) or (count.is_int and int(count.name) < 1):
            raise InvalidNthValueArgument("argument of nth_value must be greater than zero")
    if node.name not in _OVER_WINDOWS:
        return
    around = node.parent
    while isinstance(around, exp.Filter):
        around = around.parent
    if not isinstance(around, exp.Window | exp.WithinGroup):
        raise WrongObjectType(
            f"window function {node.name} requires an OVER clause", position=position_of(node)
        )


def check_aggregate(node: exp.Expr, known: Types) -> None:
    given = node.expressions
    if len(given) == 1 and isinstance(given[0], exp.Distinct):
        given = given[0].expressions
    if node.name not in _OF_ONE:
        return
    if len(given) == 1 and node.name != "count" and isinstance(given[0], exp.Star):
        raise no_function(node, [], known)
    if len(given) == 1:
        return
    if node.name == "count" and not given:
        raise WrongObjectType(
            "count(*) must be used to call a parameterless aggregate function",
            position=position_of(node),
        )
    raise no_function(node, given, known)


def check_ordered_set(node: exp.Expr, known: Types) -> None:
    """mode and the percentiles look at one order alone."""
    keys = [ordered.this for ordered in node.expression.expressions]
    if len(keys) > 1 and node.this.name in ("mode", "percentile_cont", "percentile_disc"):
        raise no_function(node.this, [*node.this.expressions, *keys], known)


def check_range(node: exp.Expr, known: Types) -> None:
    """A frame of values needs an order that can be reckoned with."""
    frame, order = node.args.get("spec"), node.args.get("order")
    if frame is None or order is None or str(frame.args.get("kind")).upper() != "RANGE":
        return
    sides = (frame.args.get("start"), frame.args.get("end"))
    kind = known.of(order.expressions[0].this)
    if (
        any(isinstance(side, exp.Expr) for side in sides)
        and kind is not None
        and kind.name in _UNRECKONED
    ):
        raise FeatureNotSupported(
            f"RANGE with offset PRECEDING/FOLLOWING is not supported for column type {kind.sql}",
            position=position_of(order),
        )


def check_no_windows(clause: exp.Expr, known: Types) -> None:
    over = next((n for n in own_nodes(clause) if isinstance(n, exp.Window)), None)
    if over is not None:
        place = {"group": "GROUP BY"}.get(clause.key, clause.key.upper())
        raise WindowingError(
            f"window functions are not allowed in {place}", position=position_of(over)
        )


# Each turns into those after it beside one of them (manual, 10.5).
_WIDER = ("int2", "int4", "int8", "numeric", "float4", "float8")


def settle_windows(block: Block) -> bool:
    """Write windows of this SELECT as the engine has them, by the types of what they are over.

    Returns:
        Whether some of it are copies, in which names are to be looked up again.
    """
    widen_beside_default(block)
    chosen = _choose_default(block)
    return leave_out(block) or chosen


def widen_beside_default(block: Block) -> None:
    """Give lag(x, 1, d) and lead the type of `d` where that is the wider, in place.

    The engine rounds the default to the type of `x`.
    """
    known = Types(block)
    for call in own_nodes(block.select):
        if not isinstance(call, exp.Anonymous) or call.name not in ("lag", "lead"):
            continue
        value, default = call.expressions[0], call.expressions[-1]
        kinds = known.of(value), known.of(default)
        ranks = [_WIDER.index(k.name) for k in kinds if k is not None and k.name in _WIDER]
        if len(call.expressions) == 3 and ranks == sorted(ranks) and len({*ranks}) == 2:
            assert kinds[1] is not None
            value.replace(exp.cast(value.copy(), kinds[1].sql, dialect="postgres"))


def _choose_default(block: Block) -> bool:
    """Write lag(x, n, d), where `d` is computed of the row, as a CASE; whether there was one.

    The engine takes a constant alone: where there is no such row, lag(1, n) is NULL.

    Raises:
        FeatureNotSupported: 0A000, how far back or ahead is computed of the row.
    """
    known, found = Types(block), False
    for window in [node for node in own_nodes(block.select) if isinstance(node, exp.Window)]:
        call = window.this
        if not isinstance(call, exp.Anonymous) or call.name not in ("lag", "lead"):
            continue
        offset, default, *_ = (*call.expressions[1:], None, None)
        if offset is not None and offset.find(exp.Column, exp.Query):
            raise FeatureNotSupported(
                f"{call.name} by a computed number of rows is not supported",
                hint="Number the rows with row_number() and join them.",
                position=position_of(call),
            )
        if default is None or not default.find(exp.Column, exp.Query):
            continue
        there, value, kind = window.copy(), window.copy(), known.of(window)
        there.this.set("expressions", [exp.Literal.number(1), offset.copy()])
        value.this.set("expressions", value.this.expressions[:2])
        absent = exp.Is(this=there, expression=exp.Null())
        made = exp.Case(ifs=[exp.If(this=absent, true=default.copy())], default=value)
        if kind is not None:
            made.meta[GIVES] = kind
        put(window, exp.paren(made))
        found = True
    return found
