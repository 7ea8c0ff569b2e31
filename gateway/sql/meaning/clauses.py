"""What may stand in which clause, refused in PostgreSQL's words and at its place.

The engine refuses most of it, too, but without a position and as something that is not supported.
A query without columns is fine in ``EXISTS (SELECT)`` and ``FROM (SELECT) AS q``, where none is
asked for, and refused where a value is to stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sqlglot import exp

from gateway.errors import (
    GatewayError,
    GroupingError,
    InvalidColumnReference,
    SyntaxFault,
    WindowingError,
    WrongObjectType,
)
from gateway.sql.inputs.number_input import read_int8
from gateway.sql.meaning.frames import fold_offsets
from gateway.sql.names.ordering import qualified
from gateway.sql.names.scope import (
    Block,
    is_aggregate,
    place_of,
    position_of,
    resolve,
    resolves_here,
)
from gateway.sql.text.trees import nodes_of, own_nodes
from gateway.sql.types.results import is_scalar_function

_CLAUSES = {"group": "GROUP BY", "order": "ORDER BY"}
# Clauses without aggregates, as PostgreSQL calls them.
_SETS = ("generate_series", "unnest", "generate_subscripts")
_PLAIN = {"where": "WHERE", "group": "GROUP BY"}


def check_clauses(block: Block) -> None:
    """Refuse what one SELECT has in a clause where it may not stand.

    Raises:
        InvalidColumnReference: 42P10, a position that the SELECT list has not.
        SyntaxFault: 42601, a constant that is no position.
        GroupingError: 42803, an aggregate where none may be.
        WindowingError: 42P20, a frame that ends before it begins.
        WrongObjectType: 42809, DISTINCT, FILTER or OVER of a plain function.
    """
    select = block.select
    starred = any(item.is_star for item in select.expressions)
    _check_positions(select, None if starred else len(select.expressions))
    _order_distinct(select, block)
    _check_limit(select)
    for clause, name in _PLAIN.items():
        _check_plain(select.args.get(clause), name, block)
    for column in own_nodes(select.args["having"]) if select.args.get("having") else ():
        if isinstance(column, exp.Column) and not column.is_star:
            resolve(block, column)  # an output is no column here
    for join in select.args.get("joins") or ():
        _check_plain(join.args.get("on"), "JOIN conditions", block)
    for node in own_nodes(select):
        if isinstance(node, exp.Anonymous):
            _check_call(node)
        elif isinstance(node, exp.Filter):
            _check_plain(node.expression, "FILTER", block)
        elif isinstance(node, exp.Window) and node.args.get("spec") is not None:
            _check_frame(node, node.args["spec"])


def check_united(tree: exp.Expr) -> None:
    """Refuse an ORDER BY position that a set operation has not."""
    for operation in nodes_of(tree, exp.SetOperation):
        side: exp.Expr = operation
        while isinstance(side, exp.SetOperation | exp.Subquery):
            side = side.this
        if isinstance(side, exp.Select) and not any(item.is_star for item in side.expressions):
            _check_positions(operation, len(side.expressions))


def _check_positions(query: exp.Expr, width: int | None) -> None:
    for key, name in _CLAUSES.items():
        clause = query.args.get(key)
        for item in clause.expressions if clause is not None else ():
            value = item.this if isinstance(item, exp.Ordered) else item
            if not isinstance(value, exp.Literal | exp.Null | exp.Boolean):
                continue
            if value.is_string or not value.is_int:
                raise SyntaxFault(f"non-integer constant in {name}", position=position_of(value))
            if width is not None and not 1 <= int(value.name) <= width:
                raise InvalidColumnReference(
                    f"{name} position {value.name} is not in select list",
                    position=position_of(value),
                )


def _check_plain(clause: exp.Expr | None, name: str, block: Block) -> None:
    for node in own_nodes(clause) if clause is not None else ():
        if is_aggregate(node) and _is_of(node, block):
            raise GroupingError(
                f"aggregate functions are not allowed in {name}", position=position_of(node)
            )


def _is_of(call: exp.Expr, block: Block) -> bool:
    """Whether an aggregate is this SELECT's: of columns of one around it, it is that one's."""
    columns = [node for node in own_nodes(call) if isinstance(node, exp.Column)]
    try:
        return not columns or any(resolves_here(block, column) for column in columns)
    except GatewayError:  # reported in its turn
        return False


def _check_call(call: exp.Anonymous) -> None:
    if is_aggregate(call):
        for node in _inside(call):
            if is_aggregate(node):
                raise GroupingError(
                    "aggregate function calls cannot be nested", position=position_of(node)
                )
            if isinstance(node, exp.Window):
                raise GroupingError(
                    "aggregate function calls cannot contain window function calls",
                    position=position_of(node),
                )
        return
    if not (is_scalar_function(call.name) or call.name in _SETS):
        return
    specified = next((word for word in _specified(call)), None)
    if specified is not None:
        kind = "a window function nor an" if specified == "OVER" else "an"
        raise WrongObjectType(
            f"{specified} specified, but {call.name} is not {kind} aggregate function",
            position=position_of(call),
        )


def _inside(call: exp.Anonymous) -> Iterator[exp.Expr]:
    for argument in call.expressions:
        yield from own_nodes(argument)


def _specified(call: exp.Anonymous) -> Iterator[str]:
    if any(isinstance(argument, exp.Distinct) for argument in call.expressions):
        yield "DISTINCT"
    if isinstance(call.parent, exp.Filter):
        yield "FILTER"
    if isinstance(call.parent, exp.Window) and call.arg_key == "this":
        yield "OVER"


# How a frame begins and ends -> what is wrong with it.
_FRAMES = {
    ("CURRENT ROW", "PRECEDING"): "frame starting from current row cannot have preceding rows",
    ("FOLLOWING", "PRECEDING"): "frame starting from following row cannot have preceding rows",
    ("FOLLOWING", "CURRENT ROW"): "frame starting from following row cannot end with current row",
}


def _check_frame(window: exp.Window, frame: exp.Expr) -> None:
    fold_offsets(frame)
    kind = str(frame.args.get("kind")).upper()
    for side in (frame.args.get("start"), frame.args.get("end")):
        if not isinstance(side, exp.Expr) or side.find(exp.Query) is not None:
            continue
        if (column := side.find(exp.Column)) is not None:
            raise InvalidColumnReference(
                f"argument of {kind} must not contain variables", position=position_of(column)
            )
    sides = [_side(frame, "start"), _side(frame, "end")]
    place = position_of(frame) or position_of(window)
    if sides[0] == "UNBOUNDED FOLLOWING":
        raise WindowingError("frame start cannot be UNBOUNDED FOLLOWING", position=place)
    if sides[1] == "UNBOUNDED PRECEDING":
        raise WindowingError("frame end cannot be UNBOUNDED PRECEDING", position=place)
    wrong = _FRAMES.get((sides[0], sides[1]))
    if wrong is not None:
        raise WindowingError(wrong, position=place)
    order = window.args.get("order")
    keys = 0 if order is None else len(order.expressions)
    if kind == "RANGE" and keys != 1 and {"PRECEDING", "FOLLOWING"} & {*sides}:
        raise WindowingError(
            "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
            position=position_of(window),
        )


def _side(frame: exp.Expr, which: str) -> str:
    bound, side = frame.args.get(which), frame.args.get(f"{which}_side") or ""
    if isinstance(bound, str):
        return f"{bound} {side}".strip().upper()
    return str(side).upper()


def _order_distinct(select: exp.Select, block: Block) -> None:
    """ORDER BY of SELECT DISTINCT says what an item says, by its number where the words differ."""
    distinct, order = select.args.get("distinct"), select.args.get("order")
    if order is None or distinct is None or distinct.args.get("on") is not None:
        return
    items = [item.unalias() for item in select.expressions]
    names = {item.alias_or_name for item in select.expressions}
    for ordered in order.expressions:
        value = ordered.this
        named = isinstance(value, exp.Column) and value.name in names
        if named or value in items or isinstance(value, exp.Literal):
            continue
        sought = qualified(value, block)
        place = next((n for n, item in enumerate(items, 1) if qualified(item, block) == sought), 0)
        if not place:
            raise not_selected(value)
        if not any(item.is_star for item in items):
            value.replace(exp.Literal.number(place))


def not_selected(by: exp.Expr) -> InvalidColumnReference:
    """The refusal of an item of ORDER BY that a SELECT DISTINCT does not give."""
    return InvalidColumnReference(
        "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
        position=position_of(by),
    )


def _check_limit(select: exp.Expr) -> None:
    """LIMIT and OFFSET are whole numbers, rounded where they have a fraction."""
    for key, name in (("limit", "LIMIT"), ("offset", "OFFSET")):
        clause = select.args.get(key)
        value = clause.expression if clause is not None else None
        if isinstance(value, exp.Literal) and not value.is_int:
            number = read_int8(value.name) if value.is_string else round(Decimal(value.name))
            value.replace(exp.Literal.number(number))
        elif isinstance(value, exp.Column):
            raise InvalidColumnReference(
                f"argument of {name} must not contain variables", position=position_of(value)
            )


# Whose subquery is no value of its own.
_HOLDERS = (
    exp.From, exp.Join, exp.Lateral, exp.CTE, exp.Exists, exp.SetOperation, exp.Insert,
    exp.Create, exp.Copy,
)  # fmt: skip


def refuse_empty(tree: exp.Expr) -> None:
    """Refuse a subquery as a value, or compared with one, that has no column.

    Raises:
        SyntaxFault: 42601, it has none.
    """
    for select in nodes_of(tree, exp.Select):
        if select.selects:
            continue
        held: exp.Expr = select
        place = 0
        while isinstance(held.parent, exp.Subquery | exp.Paren):
            held = held.parent
            place = place_of(held) or place
        holder = held.parent
        if isinstance(holder, exp.In | exp.Any | exp.All):
            compared = holder if isinstance(holder, exp.In) else holder.parent or holder
            raise SyntaxFault("subquery has too few columns", position=place_of(compared))
        if isinstance(holder, exp.Anonymous) and holder.name == "array":
            place = place_of(holder)
        elif held is select or holder is None or isinstance(holder, _HOLDERS):
            continue
        raise SyntaxFault("subquery must return only one column", position=place)
