"""How long a sum or a product is, told from its words: parsing 10,000 terms takes seconds.

`a + b + c` is one level deeper with each operator, so its depth is known before it is a tree.
"""

from __future__ import annotations

from collections.abc import Sequence

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
