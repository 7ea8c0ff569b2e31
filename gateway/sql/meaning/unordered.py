"""Values of json, which have no order and are equal to nothing; jsonb is for that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.errors import UndefinedFunction
from gateway.sql.names.scope import Analysis, Block, position_of
from gateway.sql.text.trees import SETS, own_nodes
from gateway.sql.types.computing import no_operator
from gateway.sql.types.inference import Types, info_of, is_untyped
from gateway.types import BY_NAME, Type

_JSON = BY_NAME["json"]
COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "=", exp.NullSafeNEQ: "=",
}  # fmt: skip


_AMONG = ("any", "some", "all")
OF_ITEMS: dict[type[exp.Expr], str] = {
    exp.ArrayContainsAll: "@>", exp.ArrayContainedBy: "<@", exp.ArrayOverlaps: "&&",
}  # fmt: skip
_FINDING = ("array_position", "array_positions", "array_remove", "array_replace")


def _refuse_comparison(
    node: exp.Expr, sides: Sequence[exp.Expr], types: Sequence[Type | None], operator: str
) -> None:
    """There is no operator of json; IS DISTINCT FROM NULL is none."""
    bare = [side.unnest() for side in sides]
    told = [
        "unknown" if is_untyped(value) else kind for value, kind in zip(bare, types, strict=True)
    ]
    safe = isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ)
    if None not in told and not (safe and any(isinstance(value, exp.Null) for value in bare)):
        raise no_operator(node, told, operator)


def refuse_json(analysis: Analysis) -> None:
    """Refuse a json that is compared, or a key of groups, of an order, of DISTINCT.

    Rewriting makes such keys and comparisons, too, so it is asked before.

    Raises:
        UndefinedFunction: 42883.
    """
    for block in analysis.blocks:
        known = Types(block)
        for node in own_nodes(block.select):
            for operator, *sides in _comparisons(node):
                types = [_type_of(side, known) for side in sides]
                if any(map(is_json, types)):
                    _refuse_comparison(node, sides, types, operator)
            _refuse_merged(node, block)
            for key in _keys(node):
                ordered = isinstance(node, exp.Ordered)
                what = "an ordering operator" if ordered else "an equality operator"
                refuse_unordered(what, known.of(key), key)


def _type_of(side: exp.Expr, known: Types) -> Type | None:
    """The type of a side, of one row of a query, of an item of ANY."""
    while isinstance(side, exp.Paren | exp.Any | exp.All):
        side = side.this
    if isinstance(side, exp.Anonymous) and side.name in _AMONG and side.expressions:
        return known.of(side.expressions[0])
    query = known.block.inner.get(id(side)) if known.block is not None else None
    if query is not None and len(query.outputs) == 1:
        return info_of(query.outputs[0]).type
    return known.of(side)


def _refuse_merged(node: exp.Expr, block: Block) -> None:
    """Refuse USING of columns of json."""
    for name in (node.args.get("using") or ()) if isinstance(node, exp.Join) else ():
        for source in block.sources:
            info = (source.columns or {}).get(name.name)
            if info is not None and is_json(info.type):
                raise no_operator(node, [info.type, info.type], "=")


def _comparisons(node: exp.Expr) -> Iterator[tuple[str, exp.Expr, exp.Expr]]:
    """The operators that a node stands for, and their sides."""
    if (operator := COMPARED.get(type(node))) is not None:
        yield operator, node.this, node.expression
        yield from _items(operator, node)
    elif isinstance(node, exp.Between):
        yield from ((">=", node.this, node.args["low"]), ("<=", node.this, node.args["high"]))
    elif isinstance(node, exp.In):
        query = node.args.get("query")
        beside = [*node.expressions, *([] if query is None else [query])]
        yield from (("=", node.this, value) for value in beside)
        yield from _items("=", node)
    elif isinstance(node, exp.Case) and node.this is not None:
        yield from (("=", node.this, branch.this) for branch in node.args["ifs"])
    elif isinstance(node, exp.Anonymous) and node.name == "nullif" and len(node.expressions) == 2:
        yield "=", node.expressions[0], node.expressions[1]


def _items(operator: str, node: exp.Expr) -> Iterator[tuple[str, exp.Expr, exp.Expr]]:
    """The values of a row that is compared: each with a value of its type."""
    row = node.this.unnest()
    if isinstance(row, exp.Tuple):
        yield from ((operator, value, value) for value in row.expressions)


def _keys(node: exp.Expr) -> Sequence[exp.Expr]:
    if isinstance(node, exp.Select):
        distinct = node.args.get("distinct")
        plain = distinct is not None and distinct.args.get("on") is None
        return [each.unalias() for each in node.expressions] if plain else []
    if isinstance(node, exp.Ordered):
        return [node.this]
    if isinstance(node, SETS):
        parts = [each.unnest() for each in node.expressions]
        rows = [each.expressions if isinstance(each, exp.Tuple) else [each] for each in parts]
        return [key for row in rows for key in row]
    if isinstance(node, tuple(OF_ITEMS)):
        return [node.this, node.expression]
    if isinstance(node, exp.Anonymous):
        return node.expressions[:1] if node.name in _FINDING else []
    return node.expressions if isinstance(node, exp.Group | exp.Distinct) else []


def refuse_unordered(what: str, kind: Type | None, value: exp.Expr | None) -> None:
    """Refuse a value where `what` is asked of its type.

    Raises:
        UndefinedFunction: 42883.
    """
    if is_json(kind):
        raise UndefinedFunction(
            f"could not identify {what} for type json",
            hint="Cast it to jsonb.",
            position=0 if value is None else position_of(value),
        )


def is_json(kind: Type | None) -> bool:
    """Whether values of the type are json, or arrays of it."""
    return kind is not None and (kind.element or kind) is _JSON
