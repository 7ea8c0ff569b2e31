"""Texts of arrays: `{1,NULL,"a b"}` and `{{1,2},{3,4}}`, to nested lists of texts.

Literals in a statement and parameters in text are the same text, so both are read here
(PostgreSQL manual, 8.15.2 and 8.15.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway.errors import FeatureNotSupported, InvalidTextRepresentation, StatementTooComplex

# One token: a brace or comma, a quoted element, or a bare one (backslash escapes in both).
_TOKEN = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|((?:[^\s{},"\\]|\\.)(?:[^{},"\\]|\\.)*))', re.DOTALL
)
_BOUNDS = re.compile(r"\s*(?:\[[+-]?\d+(?::[+-]?\d+)?\]\s*)+=")
# A list without quotes, escapes and inner lists, as clients send a million keys.
_PLAIN = re.compile(r'\s*\{([^{}"\\]*)\}\s*')
# As PostgreSQL's MAXDIM.
_MOST_DIMENSIONS = 6


def read_array(text: str) -> list[Any]:
    """The elements as texts; NULL, unquoted, is None.

    An array of several dimensions is a list of lists.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        StatementTooComplex: 54001, too many dimensions.
        FeatureNotSupported: 0A000, a lower bound.

    >>> read_array('{1, NULL, "a,b"}'), read_array("{}"), read_array("{{1},{2}}")
    (['1', None, 'a,b'], [], [['1'], ['2']])
    """
    if plain := _PLAIN.fullmatch(text):
        elements = [element.strip() for element in plain[1].split(",")]
        if all(elements):
            return [None if element.upper() == "NULL" else element for element in elements]
    if _BOUNDS.match(text):
        raise FeatureNotSupported("an array with lower bounds of its own cannot be held here")
    tokens = list(_tokens(text))
    if tokens[:1] != [("{", None)] or tokens[-1][0] != "}":
        raise _malformed(text, 'Array value must start with "{" and end with "}".')
    return _nested(tokens, text)


def dimensions_of(values: list[Any]) -> int:
    """How many dimensions an array that was read has.

    >>> dimensions_of([1]), dimensions_of([[1, 2], [3, 4]])
    (1, 2)
    """
    count = 1
    while values and isinstance(values[0], list):
        count, values = count + 1, values[0]
    return count


def check_depth(depth: int) -> None:
    """Refuse more dimensions than PostgreSQL has: 54001."""
    if depth > _MOST_DIMENSIONS:
        raise StatementTooComplex(
            f"number of array dimensions ({depth}) exceeds the maximum allowed ({_MOST_DIMENSIONS})"
        )


def _nested(tokens: list[tuple[str, str | None]], text: str) -> list[Any]:
    """The lists that the braces make, all of one depth equally long."""
    lists = _Lists(text)
    before = ","
    for kind, word in tokens:
        opens = kind in ("{", "value")
        if opens != (before in ("{", ",")) and (kind, before) != ("}", "{"):
            raise _malformed(text, "Elements are separated by one comma each.")
        if kind == "{":
            lists.open()
        elif kind == "}":
            lists.close()
        elif kind == "value":
            lists.add(word)
        before = kind
    return lists.whole()


class _Lists:
    """Lists in lists, as their braces come."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[list[Any]] = [[]]
        self._sizes: dict[int, int] = {}
        self._leaves = 0  # the depth at which elements stand

    def open(self) -> None:
        check_depth(len(self._open))
        made: list[Any] = []
        self._open[-1].append(made)
        self._open.append(made)

    def add(self, value: Any) -> None:
        self._leaves = self._leaves or len(self._open)
        if len(self._open) != self._leaves:
            raise _malformed(self._text, _UNEVEN)
        self._open[-1].append(value)

    def close(self) -> None:
        if len(self._open) == 1:
            raise _malformed(self._text, "Junk after closing right brace.")
        closed, depth = self._open.pop(), len(self._open)
        if not closed and depth > 1:
            raise _malformed(self._text, 'Unexpected "}" character.')
        if self._sizes.setdefault(depth, len(closed)) != len(closed):
            raise _malformed(self._text, _UNEVEN)

    def whole(self) -> list[Any]:
        if len(self._open) > 1 or len(self._open[0]) != 1:
            raise _malformed(self._text, "Unexpected end of input.")
        return list(self._open[0][0])


_UNEVEN = "Multidimensional arrays must have sub-arrays with matching dimensions."


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed array literal: "{text}"', detail=detail)


def _tokens(text: str) -> Iterator[tuple[str, str | None]]:
    """Each brace or comma as itself, each element as `("value", its text)`, NULL as None."""
    place, text_end = 0, len(text.rstrip())
    while place < text_end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise _malformed(text, "Unexpected array element.")
        place = match.end()
        mark, quoted, bare = match.groups()
        if mark:
            yield mark, None
        elif quoted is not None:
            yield "value", re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        else:
            bare = bare.rstrip()
            null = bare.upper() == "NULL"
            yield "value", None if null else re.sub(r"\\(.)", r"\1", bare, flags=re.DOTALL)
