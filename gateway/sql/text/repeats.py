"""The same function under many markers, read once: `grad(loss, a), grad(loss, b), ...`.

The gradient of a long formula by fifty columns is fifty markers around the same text. `find` sees
that before the text is split into words; what repeats is cut out, one word (`CUT`) stands for it,
and the parser puts a `Repeated` there. `settle` looks at those once the statement's shape is known:
a name means the same only inside one SELECT, so a repeat in another one gets a copy of its own.
Everything but a statement as it was sent (views, bodies of functions) gets copies throughout,
since such text is put into other statements.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from gateway.sql.text.trees import copied, nodes, nodes_of

NUMBERS = itertools.count(1)

# A function of fewer characters is read again sooner than looked up.
_LONG = 24

# Stands for what was cut out while a text is split into words: a character that no statement holds.
CUT_SIGN = "\ue001"

# Inside one of these, and not in the next one below it, a column's name has one meaning.
_SCOPES = (exp.Select, exp.Returning, exp.Insert, exp.Update, exp.Delete)

# What hides words, what opens and closes, what parts; a marker's name before its bracket.
_SIGNS = re.compile(
    r"""'[^']*'|"[^"]*"|--[^\r\n]*|(?<![\w$."])(?i:grad|jvp|vjp)\s*\(|[][(),;]""", re.VERBOSE
)
_TAG = re.compile(r"\$[^\W\d]*\w*\$")


class Repeated(exp.Expression, exp.Condition):
    """Stands for the function of the marker that has the number `this`."""

    arg_types: ClassVar[dict[str, bool]] = {"this": True}


@dataclass(frozen=True, slots=True)
class Cut:
    """A marker's function from `start` to `end`, the same text as that of an earlier marker.

    `head` is where the earlier marker's name begins, `source` where its function does.
    """

    start: int
    end: int
    head: int
    source: int


def find(text: str) -> list[Cut]:
    """What can be cut out of a message: functions that an earlier marker has, word for word.

    Both are of one statement; offsets count from 0.

    >>> f = "sin(a * x + b) * cos(a * x)"
    >>> [(cut.start, cut.head) for cut in find(f"SELECT grad({f}, a), grad({f}, b)")]
    [(50, 7)]
    """
    if not _may_repeat(text) or _hides_ends(text):
        return []
    found, at = _Functions(text), 0
    opened: list[tuple[int, int]] = []  # a marker's name and function, till its comma; else _NONE
    while (match := _SIGNS.search(text, at)) is not None:
        sign, at = match[0], match.end()
        if sign[-1] in "([":
            again = found.again(at) if len(sign) > 1 else None
            opened.append(match.span() if len(sign) > 1 and again is None else _NONE)
            at = again or at
        elif sign in ")]":
            del opened[-1:]
        elif sign == ";":
            found.heads.clear()
        elif sign == "," and opened and opened[-1] is not _NONE:
            found.add(*opened.pop(), match.start())
            opened.append(_NONE)
    return found.cuts


def _may_repeat(text: str) -> bool:
    """Whether two markers may be in it; a regular expression takes as long as all the rest."""
    lowered = text.lower()
    return sum(map(lowered.count, ("grad", "jvp", "vjp"))) > 1


def _hides_ends(text: str) -> bool:
    """Whether there may be strings or comments that `_SIGNS` does not see the end of."""
    if "\\" in text or "/*" in text or CUT_SIGN in text:
        return True
    return "$" in text and _TAG.search(text) is not None


_NONE = (-1, -1)
_BLANK = re.compile(r"\s*")


class _Functions:
    """The functions of markers, by how they begin, and where they stand again."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.cuts: list[Cut] = []
        self.heads: dict[str, list[tuple[str, int, int]]] = {}

    def _after_blanks(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return at if match is None else match.end()

    def add(self, name: int, start: int, end: int) -> None:
        """Note a function; one with a comment in it could end in that."""
        function = self.text[start:end].strip()
        if len(function) >= _LONG and "--" not in function:
            start = self.text.index(function, start)
            self.heads.setdefault(function[:_LONG], []).append((function, name, start))

    def again(self, at: int) -> int | None:
        """Where a function that was noted ends, should one stand here as a first argument."""
        start = self._after_blanks(at)
        for function, name, source in self.heads.get(self.text[start : start + _LONG], ()):
            end = start + len(function)
            if self.text.startswith(function, start):
                comma = self._after_blanks(end)
                if self.text[comma : comma + 1] == ",":
                    self.cuts.append(Cut(start, end, name, source))
                    return end
        return None


def without(text: str, cuts: Sequence[Cut]) -> str:
    """The text with one sign in the place of each cut."""
    edges = [0, *(edge for cut in cuts for edge in (cut.start, cut.end)), len(text)]
    return CUT_SIGN.join(text[edges[n] : edges[n + 1]] for n in range(0, len(edges), 2))


def restore(tokens: Sequence[Token], cuts: Sequence[Cut]) -> None:
    """Give the tokens of a shortened text their places in the whole one.

    The text of one that stands for a cut becomes the sign, its head and the words it has.
    """
    shift, waiting = 0, iter(cuts)
    starts, words = list[int](), [0]
    for token in tokens:
        token.start, token.end = token.start + shift, token.end + shift
        count = 1
        if token.text == CUT_SIGN:
            cut = next(waiting)
            length = cut.end - cut.start
            shift += length - 1
            token.end += length - 1
            first, last = (bisect_left(starts, at) for at in (cut.source, cut.source + length))
            count = words[last] - words[first]
            token.text = f"{CUT_SIGN}{cut.head} {count}"
        starts.append(token.start)
        words.append(words[-1] + count)


def is_cut(token: Token) -> bool:
    """Whether the token stands for text that was cut out."""
    return token.text.startswith(CUT_SIGN)


def head_of(token: Token) -> int:
    """Where the name of the marker begins whose function a cut repeats."""
    return int(token.text[1:].split()[0])


def count_words(tokens: Sequence[Token]) -> int:
    """How many words the tokens are, those cut out counted too."""
    return sum(int(token.text.split()[1]) if is_cut(token) else 1 for token in tokens)


def settle(tree: exp.Expr, functions: Mapping[int, exp.Expr], share: bool) -> None:
    """Leave a `Repeated` only where its marker stands in the same SELECT.

    Args:
        tree: A statement as it was parsed.
        functions: What the parser read, by number.
        share: False puts a copy in the place of each.
    """
    owners: dict[tuple[int, int], int] = {}
    if share:
        for node in nodes(tree):
            number = node.args.get("number")
            if number is not None:
                owners[_scope(node), number] = number
    waiting = nodes_of(tree, Repeated)
    while waiting:
        node = waiting.pop(0)
        number = node.this
        owner = owners.get((_scope(node), number))
        if owner is not None:
            node.set("this", owner)
            continue
        copy = copied(functions[number])
        scope, marker = _scope(node), node.parent
        node.replace(copy)
        if share and marker is not None:
            fresh = next(NUMBERS)
            marker.set("number", fresh)
            owners[scope, number] = fresh
        waiting.extend(nodes_of(copy, Repeated))


def _scope(node: exp.Expr) -> int:
    return id(node.find_ancestor(*_SCOPES))
