"""Values of json, which have no order and are equal to nothing; jsonb is for that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from gateway.errors import UndefinedFunction
from gateway.sql.names.scope import Analysis, position_of
from gateway.sql.text.trees import own_nodes
from gateway.sql.types.computing import no_operator
from gateway.sql.types.inference import Types, is_untyped
from gateway.types import BY_NAME, Type

_JSON = BY_NAME["json"]
COMPARED: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "=", exp.NullSafeNEQ: "=",
}  # fmt: skip


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
                types = [known.of(side) for side in sides]
                if any(map(is_json, types)):
                    _refuse_comparison(node, sides, types, operator)
            for key in _keys(node):
                ordered = isinstance(node, exp.Ordered)
                what = "an ordering operator" if ordered else "an equality operator"
                refuse_unordered(what, known.of(key), key)


def _comparisons(node: exp.Expr) -> Iterator[tuple[str, exp.Expr, exp.Expr]]:
    """The operators that a node stands for, and their sides."""
    if (operator := COMPARED.get(type(node))) is not None:
        yield operator, node.this, node.expression
    elif isinstance(node, exp.Between):
        yield from ((">=", node.this, node.args["low"]), ("<=", node.this, node.args["high"]))
    elif isinstance(node, exp.In):
        yield from (("=", node.this, value) for value in node.expressions)
    elif isinstance(node, exp.Case) and node.this is not None:
        yield from (("=", node.this, branch.this) for branch in node.args["ifs"])
    elif isinstance(node, exp.Anonymous) and node.name == "nullif" and len(node.expressions) == 2:
        yield "=", node.expressions[0], node.expressions[1]


def _keys(node: exp.Expr) -> Sequence[exp.Expr]:
    if isinstance(node, exp.Select):
        distinct = node.args.get("distinct")
        plain = distinct is not None and distinct.args.get("on") is None
        return [each.unalias() for each in node.expressions] if plain else []
    if isinstance(node, exp.Ordered):
        return [node.this]
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
