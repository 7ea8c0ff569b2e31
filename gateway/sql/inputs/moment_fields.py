"""The text of a date or a time cut into fields, as PostgreSQL's ParseDateTime cuts it.

Manual, appendix B.1, "Date/Time Input Interpretation". What the fields mean is `moment_input`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from gateway.sql.inputs.moment_words import WORDS


class Field(Enum):
    """What a field looks like."""

    NUMBER = 1
    DATE = 2  # with -, / or . in it; a zone such as america/new_york too
    TIME = 3  # with :
    ZONE = 4  # a sign and digits
    WORD = 5
    SIGNED = 6  # a sign and letters: -infinity


_TIME = re.compile(r"[0-9:.]*", re.ASCII)
_DIGITS = re.compile(r"[0-9]*", re.ASCII)
_LETTERS = re.compile(r"[a-z]*", re.ASCII)
_NAMED = re.compile(r"[-+/_.:a-z0-9]*", re.ASCII)
_OFFSET = re.compile(r"[-0-9:.]*", re.ASCII)
_MARKS = "-/."
_MOST = 25  # fields that PostgreSQL reads


def fields(text: str) -> list[tuple[Field, str]] | None:
    """The fields of a text, in lower case; None where it holds what stands in none.

    >>> [word for _, word in fields("Jan 8, 1999 04:05:06.5 -08:00") or []]
    ['jan', '8', '1999', '04:05:06.5', '-08:00']
    >>> [kind.name for kind, _ in fields("1999-01-08T04:05") or []]
    ['DATE', 'WORD', 'TIME']
    """
    found: list[tuple[Field, str]] = []
    for field in _cut(text.lower()):
        if field is None or len(found) == _MOST:
            return None
        found.append(field)
    return found


def _cut(text: str) -> Iterator[tuple[Field, str] | None]:
    at = 0
    while at < len(text):
        first = text[at]
        if first.isspace():
            at += 1
        elif first.isascii() and first.isdigit():
            kind, end = _of_digits(text, at)
            yield kind, text[at:end]
            at = end
        elif first == ".":
            end = _past(_DIGITS, text, at + 1)
            yield Field.NUMBER, text[at:end]
            at = end
        elif first.isascii() and first.isalpha():
            kind, end = _of_letters(text, at)
            yield kind, text[at:end]
            at = end
        elif first in "+-":
            start = at + 1 + len(text[at + 1 :]) - len(text[at + 1 :].lstrip())
            signed, end = _of_sign(text, start)
            yield (signed, first + text[start:end]) if signed is not None else None
            at = end
        elif first.isascii() and first.isprintable():
            at += 1  # other punctuation only separates
        else:
            yield None
            return


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _of_digits(text: str, at: int) -> tuple[Field, int]:
    end = _past(_DIGITS, text, at)
    mark = text[end : end + 1]
    if mark == ":":
        return Field.TIME, _past(_TIME, text, end)
    if not mark or mark not in _MARKS:
        return Field.NUMBER, end
    inner = end + 1
    if not text[inner : inner + 1].isdigit():
        named = re.compile(rf"[a-z0-9{re.escape(mark)}]*", re.ASCII)
        return Field.DATE, _past(named, text, inner)
    kind = Field.NUMBER if mark == "." else Field.DATE
    end = _past(_DIGITS, text, inner)
    if text[end : end + 1] == mark:
        same = re.compile(rf"[0-9{re.escape(mark)}]*", re.ASCII)
        return Field.DATE, _past(same, text, end)
    return kind, end


def _of_letters(text: str, at: int) -> tuple[Field, int]:
    end = _past(_LETTERS, text, at)
    mark = text[end : end + 1]
    named = bool(mark) and (
        mark in _MARKS or ((mark == "+" or mark.isdigit()) and text[at:end] not in WORDS)
    )
    return (Field.DATE, _past(_NAMED, text, end)) if named else (Field.WORD, end)


def _of_sign(text: str, start: int) -> tuple[Field | None, int]:
    letter = text[start : start + 1]
    if letter and (letter.isdigit() or letter == "."):
        return Field.ZONE, _past(_OFFSET, text, start)
    if letter.isalpha():
        return Field.SIGNED, _past(_LETTERS, text, start)
    return None, start + 1
