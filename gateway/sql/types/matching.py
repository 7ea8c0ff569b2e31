"""Operators of texts beside an enum, which is none, and `||` of an array and what is no item."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from gateway.sql.types.computing import family, no_operator
from gateway.sql.types.inference import Types, is_untyped
from gateway.types import STRINGS, Type

# The operators behind the words, plain and with NOT.
_OPERATORS: dict[type[exp.Expr], tuple[str, str]] = {
    exp.Like: ("~~", "!~~"),
    exp.ILike: ("~~*", "!~~*"),
    exp.SimilarTo: ("~", "!~"),
    exp.RegexpLike: ("~", "!~"),
    exp.RegexpILike: ("~*", "!~*"),
}
MATCHED = (*_OPERATORS, exp.DPipe)


def _check_items(node: exp.DPipe, kinds: Sequence[Type | None]) -> None:
    """An array is joined to what its items may be."""
    items = [kind.element or kind for kind in kinds if kind is not None]
    families = {family(kind) for kind in items}
    arrays = any(kind is not None and kind.element is not None for kind in kinds)
    if arrays and len(items) == len(kinds) and None not in families and len(families) > 1:
        raise no_operator(node, kinds, "||")


def check_matched(node: exp.Expr, known: Types) -> None:
    """Refuse to match an enum, and to join it to what is no text.

    Raises:
        UndefinedFunction: 42883.
    """
    sides = [node.this, node.expression]
    untyped = [is_untyped(side.unnest()) for side in sides]
    kinds = [None if bare else known.of(side) for bare, side in zip(untyped, sides, strict=True)]
    if isinstance(node, exp.DPipe):
        _check_items(node, kinds)
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
