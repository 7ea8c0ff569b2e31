"""The same function under many markers, read once: `grad(loss, a), grad(loss, b), ...`.

The gradient of a long formula by fifty columns is fifty markers around the same words. The parser
reads the first and puts a `Repeated` in the place of the others; here those are settled, once the
statement's shape is known: a name means the same only inside one SELECT, so a repeat in another one
gets a copy of its own. Everything but a statement as it was sent (views, bodies of functions) gets
copies throughout, since such text is put into other statements.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import ClassVar

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

NUMBERS = itertools.count(1)

# Inside one of these, and not in the next one below it, a column's name has one meaning.
_SCOPES = (exp.Select, exp.Returning, exp.Insert, exp.Update, exp.Delete)


class Repeated(exp.Expression, exp.Condition):
    """Stands for the function of the marker that has the number `this`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


def first_argument(tokens: Sequence[Token], start: int) -> tuple[str, ...] | None:
    """The words of a call's first argument, which begins at `start`; None when it is the only one.

    Strings, quoted names and plain words that read alike are told apart.
    """
    depth, words = 0, list[str]()
    for token in tokens[start:]:
        kind = token.token_type
        if depth == 0 and kind == TokenType.COMMA:
            return tuple(words)
        if kind in (TokenType.L_PAREN, TokenType.L_BRACKET):
            depth += 1
        elif kind in (TokenType.R_PAREN, TokenType.R_BRACKET):
            depth -= 1
            if depth < 0:
                return None
        words.append(f"{kind.name} {token.text}")
    return None


def settle(tree: exp.Expr, functions: Mapping[int, exp.Expr], share: bool) -> None:
    """Leave a `Repeated` only where its marker stands in the same SELECT.

    Args:
        tree: A statement as it was parsed.
        functions: What the parser read, by number.
        share: False puts a copy in the place of each.
    """
    owners: dict[tuple[int, int], int] = {}
    if share:
        for node in tree.walk():
            number = node.args.get("number")
            if number is not None:
                owners[_scope(node), number] = number
    waiting = list(tree.find_all(Repeated))
    while waiting:
        node = waiting.pop(0)
        number = node.this
        owner = owners.get((_scope(node), number))
        if owner is not None:
            node.set("this", owner)
            continue
        copied = functions[number].copy()
        scope, marker = _scope(node), node.parent
        node.replace(copied)
        if share and marker is not None:
            fresh = next(NUMBERS)
            marker.set("number", fresh)
            owners[scope, number] = fresh
        waiting.extend(copied.find_all(Repeated))


def _scope(node: exp.Expr) -> int:
    return id(node.find_ancestor(*_SCOPES))
