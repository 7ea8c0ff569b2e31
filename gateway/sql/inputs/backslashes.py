r"""Texts of clients that set standard_conforming_strings off: `'a\n'` means E'a\n'.

Such a text is written as one that conforms before anybody reads it (manual, 4.1.2.2; scan.l).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import FeatureNotSupported, NonstandardEscape

# What stands before a conforming literal in the new text: the blank parts it from a word.
_MARK = " E"
# The first of these that fits, from left to right: so nothing is found inside quotes.
_PIECES = re.compile(
    r"""
      --[^\n]* | "[^"]*"
    | (?P<comment> /\* )
    | (?P<dollar> (?<![\w$]) \$ (?:[^\W\d]\w*)? \$ )
    | (?: (?<![\w$]) (?P<kind> [eEbBxX] | [uU]& ) )? '
    """,
    re.VERBOSE,
)
_COMMENT_ENDS = re.compile(r"/\*|\*/")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_PLAIN = re.compile(r"'(?:[^']|'')*'")
_GOES_ON = re.compile(r"\s*\n\s*(?=')")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

# The character after a literal's first backslash -> what is warned of, and the hint (scan.l).
_WARNINGS = {
    "'": (
        r"nonstandard use of \' in a string literal",
        "Use '' to write quotes in strings, or use the escape string syntax (E'...').",
    ),
    "\\": (
        r"nonstandard use of \\ in a string literal",
        r"Use the escape string syntax for backslashes, e.g., E'\\'.",
    ),
}
_WARNING = (
    "nonstandard use of escape in a string literal",
    r"Use the escape string syntax for escapes, e.g., E'\r\n'.",
)


@dataclass(frozen=True, slots=True)
class Conforming:
    """A text that means the same under standard_conforming_strings.

    Args:
        text: The text.
        marks: Where something was put in, as places in `text`, ascending.
        warnings: What PostgreSQL warns of under escape_string_warning, and the hint.
    """

    text: str
    marks: tuple[int, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()

    def position(self, found: int) -> int:
        """A position in `text`, from 1, as one in the client's own."""
        return found - len(_MARK) * sum(mark < found - 1 for mark in self.marks)


def conforming(text: str, *, quotes: bool = True) -> Conforming:
    r"""The text with E before every literal that has a backslash in it.

    Args:
        text: What the client sent.
        quotes: Whether `\'` is allowed (backslash_quote).

    Raises:
        FeatureNotSupported: 0A000, U&'...', which PostgreSQL refuses here too.
        NonstandardEscape: 22P06, `\'` where it is not allowed.

    >>> conforming(r"SELECT 'a\n', 'b', x").text
    "SELECT  E'a\\n', 'b', x"
    """
    parts: list[str] = []
    marks: list[int] = []
    warnings: list[tuple[str, str]] = []
    done = at = 0
    while (found := _PIECES.search(text, at)) is not None:
        at = found.end()
        if found["comment"]:
            at = _after_comment(text, at)
        elif found["dollar"]:
            end = text.find(found["dollar"], at)
            at = len(text) if end < 0 else end + len(found["dollar"])
        elif text[at - 1] == "'":
            start, kind = at - 1, (found["kind"] or "").lower()
            if kind == "u&":
                raise FeatureNotSupported(
                    "unsafe use of string constant with Unicode escapes",
                    detail="String constants with Unicode escapes cannot be used when "
                    "standard_conforming_strings is off.",
                    position=found.start() + 1,
                )
            at = _after_literal(text, start, _QUOTED if kind in ("", "e") else _PLAIN)
            first = _ESCAPE.search(text, start, at)
            if first is None or kind:
                continue
            if not quotes and r"\'" in text[start : at - 1]:
                raise NonstandardEscape(
                    r"unsafe use of \' in a string literal",
                    hint="Use '' to write quotes in strings. "
                    r"\' is insecure in client-only encodings.",
                    position=start + 1,
                )
            warnings.append(_WARNINGS.get(first[1], _WARNING))
            marks.append(start + len(_MARK) * len(marks))
            parts += [text[done:start], _MARK]
            done = start
    return Conforming("".join((*parts, text[done:])), tuple(marks), tuple(warnings))


def _after_comment(text: str, at: int) -> int:
    """Where a comment ends in which others may stand."""
    depth = 1
    while depth and (found := _COMMENT_ENDS.search(text, at)) is not None:
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at if not depth else len(text)


def _after_literal(text: str, start: int, form: re.Pattern[str]) -> int:
    """Where a literal ends, with the pieces of it on further lines."""
    at = start
    while (found := form.match(text, at)) is not None:
        at = found.end()
        further = _GOES_ON.match(text, at)
        if further is None:
            return at
        at = further.end()
    return len(text)
