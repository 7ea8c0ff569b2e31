"""Operators of texts beside an enum, which is none: refused as PostgreSQL refuses them."""

from __future__ import annotations

from sqlglot import exp

from gateway.sql.types.computing import no_operator
from gateway.sql.types.inference import Types, is_untyped
from gateway.types import STRINGS

# The operators behind the words, plain and with NOT.
_OPERATORS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Like: ("~~", "!~~"),
    exp.ILike: ("~~*", "!~~*"),
    exp.SimilarTo: ("~", "!~"),
    exp.RegexpLike: ("~", "!~"),
    exp.RegexpILike: ("~*", "!~*"),
}
MATCHED = (*_OPERATORS, exp.DPipe)


def check_matched(node: exp.Expr, known: Types) -> None:
    """Refuse to match an enum, and to join it to what is no text.

    Raises:
        UndefinedFunction: 42883.
    """
    sides = [node.this, node.expression]
    untyped = [is_untyped(side.unnest()) for side in sides]
    kinds = [None if bare else known.of(side) for bare, side in zip(untyped, sides, strict=True)]
    enum = next((kind for kind in kinds if kind is not None and kind.is_enum), None)
    if enum is None or any(k is None and not bare for k, bare in zip(kinds, untyped, strict=True)):
        return
    other = kinds[1] if kinds[0] is enum else kinds[0]
    if isinstance(node, exp.DPipe):
        if other is None or other.name in STRINGS or other.element is not None:
            return
        operator = "||"
    else:
        negated = bool(node.args.get("negate")) or isinstance(node.parent, exp.Not)
        operator = _OPERATORS[type(node)][negated]
    # SIMILAR TO makes a text of its pattern.
    pattern = "text" if isinstance(node, exp.SimilarTo) else "unknown"
    raise no_operator(node, [kind or pattern for kind in kinds], operator)
