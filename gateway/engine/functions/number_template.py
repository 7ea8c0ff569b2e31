"""Templates of to_char and to_number for numbers, taken apart and checked.

PostgreSQL manual, 9.8, table 9.29; src/backend/utils/adt/formatting.c, NUMDesc_prepare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import SyntaxFault

_WORDS = ("EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "SP", "TH")
_PART = re.compile(
    r'"(?P<quoted>(?:\\.|[^"\\])*)"?|\\(?P<escaped>")'
    rf"|(?P<word>{'|'.join(_WORDS)}|[09.,BCDGLSV])"
    rf"|(?P<lower>{'|'.join(_WORDS).lower()}|[bcdglsv])|(?P<other>.)",
    re.S,
)
_SIGNS = frozenset({"PL", "MI", "SG", "PR"})


@dataclass(slots=True)
class Template:
    """A template taken apart: `parts` are patterns, or copied text behind an apostrophe."""

    parts: list[str]
    words: set[str]
    before: int = 0  # digits before the point
    after: int = 0  # digits after it
    shifted: int = 0  # digits behind V
    zero: int | None = None  # how many digits stand before the first 0, which is before the point
    last_zero: int = 0  # how many stand up to the last 0
    leading: int | None = None  # how many digits stand before S; None: it is no leading sign
    trailing: bool = False  # whether S stands behind the point

    @property
    def fill(self) -> bool:
        """Whether there is no FM."""
        return "FM" not in self.words

    def has(self, *names: str) -> bool:
        """Whether one of these patterns stands in it."""
        return not self.words.isdisjoint(names)

    def take(self, word: str) -> None:
        """Count a pattern that stands behind those so far.

        Raises:
            SyntaxFault: 42601, it makes no sense there.
        """
        if self.has("EEEE"):
            raise SyntaxFault(
                'cannot use "EEEE" twice'
                if word == "EEEE"
                else '"EEEE" must be the last pattern used'
            )
        if word in ("9", "0"):
            self._take_digit(word)
        elif word in (".", "V"):
            self._take_point(word)
        elif word == "S":
            self._take_sign()
        elif word in _SIGNS and (self.has("S") or (word == "PR" and self.has(*_SIGNS - {"PR"}))):
            others = 'S"/"PL"/"MI"/"SG' if word == "PR" else "S"
            first, second = (word, others) if word == "PR" else (others, word)
            raise SyntaxFault(f'cannot use "{first}" and "{second}" together')
        elif word == "EEEE" and self.has("B", "FM", "S", "RN", "V", *_SIGNS):
            raise SyntaxFault(
                '"EEEE" is incompatible with other formats',
                detail='"EEEE" may only be used together with digit and decimal point patterns.',
            )
        if word != "B" or not (self.before or self.after or self.has("0")):
            self.words.add(word)

    def _take_digit(self, word: str) -> None:
        if self.has("PR"):
            raise SyntaxFault(f'"{word}" must be ahead of "PR"')
        if word == "9" and self.has("V"):
            self.shifted += 1
            return
        if word == "0" and self.zero is None and not self.has("."):
            self.zero = self.before
        if self.has("."):
            self.after += 1
        else:
            self.before += 1
        if word == "0":
            self.last_zero = self.before + self.after

    def _take_point(self, word: str) -> None:
        if self.has("."):
            twice = word == "."
            raise SyntaxFault(
                "multiple decimal points" if twice else 'cannot use "V" and decimal point together'
            )
        if word == "." and self.has("V"):
            raise SyntaxFault('cannot use "V" and decimal point together')

    def _take_sign(self) -> None:
        if self.has("S"):
            raise SyntaxFault('cannot use "S" twice')
        if self.has(*_SIGNS):
            raise SyntaxFault('cannot use "S" and "PL"/"MI"/"SG"/"PR" together')
        if self.has("."):
            self.trailing = True
        else:
            self.leading = self.before


@lru_cache(maxsize=256)
def read_template(text: str) -> Template:
    """The template that a text is.

    Raises:
        SyntaxFault: 42601, one that makes no sense.
    """
    read = Template([], set())
    for match in _PART.finditer(text):
        word = match["word"] or (match["lower"] or "").upper()
        if not word:
            copied = match["other"] or match["escaped"]
            copied = copied or re.sub(r"\\(.)", r"\1", match["quoted"] or "")
            read.parts.append("'" + copied)
            continue
        word = {"D": ".", "G": ","}.get(word, word)
        read.take(word)
        read.parts.append(match["lower"] if word in ("RN", "TH") and match["lower"] else word)
    return read
