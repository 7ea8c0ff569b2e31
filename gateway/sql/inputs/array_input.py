"""Texts of arrays: `{1,NULL,"a b"}` and `{{1,2},{3,4}}`, to nested lists of texts.

Literals in a statement and parameters in text are the same text, so both are read here
(PostgreSQL manual, 8.15.2 and 8.15.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gateway.errors import (
    ArraySubscriptError,
    FeatureNotSupported,
    InvalidTextRepresentation,
    ProgramLimitExceeded,
)

# One token: a brace or comma, a quoted element, or a bare one (backslash escapes in both).
_TOKEN = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"|((?:[^\s{},"\\]|\\.)(?:[^{},"\\]|\\.)*))', re.DOTALL
)
_BOUNDS = re.compile(r"\s*(?:\[[+-]?\d+(?::[+-]?\d+)?\]\s*)+=")
_BOUND = re.compile(r"\[([+-]?\d+)(?::([+-]?\d+))?\]")
# A list without quotes, escapes and inner lists, as clients send a million keys.
_PLAIN = re.compile(r'\s*\{([^{}"\\]*)\}\s*')
# As PostgreSQL's MAXDIM.
_MOST_DIMENSIONS = 6


def read_array(text: str) -> list[Any]:
    """The elements as texts; NULL, unquoted, is None.

    An array of several dimensions is a list of lists.

    Raises:
        InvalidTextRepresentation: 22P02, not an array's text.
        ProgramLimitExceeded: 54000, too many dimensions.
        FeatureNotSupported: 0A000, a lower bound that is not 1.

    >>> read_array('{1, NULL, "a,b"}'), read_array("{}"), read_array("{{1},{2}}")
    (['1', None, 'a,b'], [], [['1'], ['2']])
    """
    if plain := _PLAIN.fullmatch(text):
        elements = [element.strip() for element in plain[1].split(",")]
        if all(elements):
            return [None if element.upper() == "NULL" else element for element in elements]
    bounds = _BOUNDS.match(text)
    start = bounds.end() if bounds else 0
    if not text[start:].lstrip().startswith("{"):
        brace = '"{"' if bounds else '"{" or dimension information'
        raise _malformed(
            text, f"Array {'contents' if bounds else 'value'} must start with {brace}."
        )
    found = _nested(text, start)
    if bounds:
        _check_bounds(bounds[0], found, text)
    return found


def _check_bounds(told: str, found: list[Any], text: str) -> None:
    """`[1:2][1:3]=` says how large each dimension is; where one begins with 1 it says no more."""
    sizes = []
    for first, last in _BOUND.findall(told):
        if last and int(first) != 1:
            raise FeatureNotSupported("an array with lower bounds of its own cannot be held here")
        sizes.append(int(last or first))
        if sizes[-1] < 1:
            raise ArraySubscriptError("upper bound cannot be less than lower bound")
    held: Any = found
    while isinstance(held, list) and sizes and sizes[0] == len(held):
        held = held[0] if sizes.pop(0) else None
    if sizes or isinstance(held, list):
        raise _malformed(text, "Specified array dimensions do not match array contents.")


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
    """Refuse more dimensions than PostgreSQL has: 54000."""
    if depth > _MOST_DIMENSIONS:
        raise ProgramLimitExceeded(
            f"number of array dimensions ({depth}) exceeds the maximum allowed ({_MOST_DIMENSIONS})"
        )


def _nested(text: str, start: int) -> list[Any]:
    """The lists that the braces make, all of one depth equally long."""
    lists = _Lists(text)
    before = ","
    for kind, word in _tokens(text, start):
        if lists.are_closed:
            raise _malformed(text, "Junk after closing right brace.")
        opens = kind in ("{", "value")
        if opens != (before in ("{", ",")) and (kind, before) != ("}", "{"):
            raise _unexpected(text, kind)
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

    @property
    def are_closed(self) -> bool:
        return len(self._open) == 1 and bool(self._open[0])

    def open(self) -> None:
        if self._leaves and len(self._open) >= self._leaves:
            raise _unexpected(self._text, "{")
        check_depth(len(self._open))
        made: list[Any] = []
        self._open[-1].append(made)
        self._open.append(made)

    def add(self, value: Any) -> None:
        self._leaves = self._leaves or len(self._open)
        if len(self._open) != self._leaves:
            raise _unexpected(self._text, "value")
        self._open[-1].append(value)

    def close(self) -> None:
        closed, depth = self._open.pop(), len(self._open)
        if not closed and depth > 1:
            raise _unexpected(self._text, "}")
        if self._sizes.setdefault(depth, len(closed)) != len(closed):
            raise _malformed(self._text, _UNEVEN)

    def whole(self) -> list[Any]:
        if not self.are_closed:
            raise _malformed(self._text, "Unexpected end of input.")
        return list(self._open[0][0])


_UNEVEN = "Multidimensional arrays must have sub-arrays with matching dimensions."


def _malformed(text: str, detail: str) -> InvalidTextRepresentation:
    return InvalidTextRepresentation(f'malformed array literal: "{text}"', detail=detail)


def _unexpected(text: str, kind: str) -> InvalidTextRepresentation:
    what = "array element" if kind == "value" else f'"{kind}" character'
    return _malformed(text, f"Unexpected {what}.")


def _tokens(text: str, place: int) -> Iterator[tuple[str, str | None]]:
    """Each brace or comma as itself, each element as `("value", its text)`, NULL as None."""
    text_end = len(text.rstrip())
    while place < text_end:
        match = _TOKEN.match(text, place)
        if match is None:  # a quote or a backslash without what follows
            raise _malformed(text, "Unexpected end of input.")
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
