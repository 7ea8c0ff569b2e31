"""How long a sum or a product is, told from its words: parsing 10,000 terms takes seconds.

`a + b + c` is one level deeper with each operator, so its depth is known before it is a tree.

Conditions above layers of computed columns are written anew by the planner for each layer: it
moves a condition beneath every layer, and puts what the layer computes in the place of its columns:
`WITH a AS (SELECT x + 1 AS x FROM t), b AS (SELECT x + 1 AS x FROM a WHERE x > 1), ...`.
Measured with DataFusion 55, n such layers take n ** 4 / 2 steps of 0.5 us: 50 take 2.7 s, 100 52 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import StatementTooComplex

_SUMS = frozenset({TokenType.PLUS, TokenType.DASH})
_PRODUCTS = frozenset({TokenType.STAR, TokenType.SLASH})
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET})
# What an operand may end with; an operator behind anything else is a sign, or a star.
_OPERANDS = frozenset(
    {TokenType.VAR, TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.STRING, *_CLOSING}
)


def longest_chain(tokens: Sequence[Token]) -> int:
    """The most operators of one rank in a row, at one level of parentheses.

    Never more than there are; a cast or a keyword between them begins a new count.

    >>> from gateway.sql.text.dialect import split
    >>> [longest_chain(split(text)[0]) for text in ("SELECT a + b * c * d - 1, -x", "SELECT *")]
    [2, 0]
    """
    longest = 0
    open_counts: list[tuple[int, int]] = []
    before: TokenType | None = None
    sums = products = 0
    for token in tokens:
        kind = token.token_type
        if kind in _OPENING:
            open_counts.append((sums, products))
            sums = products = 0
        elif kind in _CLOSING:
            sums, products = open_counts.pop() if open_counts else (0, 0)
        elif kind in _SUMS and before in _OPERANDS:
            sums, products = sums + 1, 0
        elif kind in _PRODUCTS and before in _OPERANDS:
            products += 1
        elif kind not in _OPERANDS and kind not in (TokenType.DOT, *_SUMS, *_PRODUCTS):
            sums = products = 0
        longest = max(longest, sums, products)
        before = kind
    return longest


_MOST_DIMENSIONS = 6  # MAXDIM of PostgreSQL


def refuse_deep_arrays(tokens: Sequence[Token]) -> None:
    """Refuse brackets in brackets, deeper than an array may be: each level parses thrice as long.

    Raises:
        StatementTooComplex: 54001.
    """
    depth = 0
    for token in tokens:
        if token.token_type == TokenType.R_BRACKET:
            depth -= 1
        elif token.token_type == TokenType.L_BRACKET:
            depth += 1
            if depth > _MOST_DIMENSIONS:
                raise StatementTooComplex(
                    f"number of array dimensions ({depth}) exceeds the maximum allowed"
                    f" ({_MOST_DIMENSIONS})",
                    position=token.start + 1,
                )


@dataclass(frozen=True, slots=True)
class Layers:
    """Layers of computed columns one upon the other, and what the conditions in them cost."""

    high: int = 0
    steps: int = 0

    def beside(self, other: Layers) -> Layers:
        """Both, side by side."""
        return Layers(max(self.high, other.high), self.steps + other.steps)


def layers_of(tree: exp.Expr, named: Mapping[str, Layers] | None = None) -> Layers:
    """The layers of a query; each CTE counts as often as it is named.

    >>> from gateway.sql.text.dialect import parse
    >>> layers_of(parse("SELECT x FROM (SELECT y + 1 AS x FROM t) AS s WHERE x > 1")[0])
    Layers(high=1, steps=2)
    """
    known = dict(named or {})
    clause = tree.args.get("with_")
    for cte in clause.expressions if clause is not None else ():
        known[cte.alias] = layers_of(cte.this, known)
    if isinstance(tree, exp.Subquery):
        return layers_of(tree.this, known)
    if isinstance(tree, exp.SetOperation):
        return layers_of(tree.this, known).beside(layers_of(tree.expression, known))
    if not isinstance(tree, exp.Select):
        return Layers()
    beneath = Layers()
    for part in (tree.args.get("from_"), *(tree.args.get("joins") or ())):
        if part is not None:
            beneath = beneath.beside(_of_relation(part.this, known))
    steps = 2 * beneath.high**3 if tree.args.get("where") is not None else 0
    computes = any(not isinstance(item.unalias(), exp.Column) for item in tree.expressions)
    return Layers(beneath.high + computes, beneath.steps + steps)


def _of_relation(relation: exp.Expr, known: Mapping[str, Layers]) -> Layers:
    if isinstance(relation, exp.Table) and not relation.db:
        return known.get(relation.name, Layers())
    return layers_of(relation, known) if isinstance(relation, exp.Subquery) else Layers()
