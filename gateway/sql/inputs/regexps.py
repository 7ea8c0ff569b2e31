r"""PostgreSQL's regular expressions (manual, 9.7.3), as the engine's library and RE2 read them.

Both libraries write an escape or a bracket otherwise here and there, and take the first branch
that matches where PostgreSQL takes the longest: branches of one length each are put in that order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway.errors import FeatureNotSupported, InvalidRegularExpression

# Ends of words, of a pattern that is read by the engine's library; RE2 has none of one side.
_ENDS = {"y": r"\b", "Y": r"\B", "A": r"\A", "Z": r"\z", "m": r"\b{start}", "M": r"\b{end}"}
_RE2_ENDS = _ENDS | {"m": "", "M": ""}
_CLASSES = frozenset("dDsSwW")
_CONTROLS = {"a": 7, "b": 8, "B": 92, "e": 27, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_NAMED = frozenset(
    {"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
     "space", "upper", "word", "xdigit"}
)  # fmt: skip
# The letters of `(?n)` and its like -> what both libraries call them, on or off.
_OPTIONS = {"b": "", "c": "-i", "e": "", "i": "i", "m": "m-s", "n": "m-s", "p": "-ms", "s": "s-m",
            "t": "", "w": "ms", "x": "", "q": ""}  # fmt: skip

_OPTION = re.compile(r"\(\?([a-z]+)\)")
_BOUND = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_BRACKET_PART = re.compile(r"\[([:.=])(.*?)\1\]", re.DOTALL)
_CODE = re.compile(r"u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]+)|c(.)", re.DOTALL)


@lru_cache(maxsize=1000)
def translated(pattern: str, re2: bool = False) -> str:
    r"""A pattern as the engine's regular expressions read it, or as RE2 does.

    Raises:
        InvalidRegularExpression: 2201B. FeatureNotSupported: 0A000, RE2 has not its like.

    >>> translated(r"\mred\M \\m"), translated(r"a\bc[&&]"), translated("a|ab")
    ('\\b{start}red\\b{end} \\\\m', 'a\\x{8}c[\\&\\&]', 'ab|a')
    """
    if pattern.isalnum():
        return pattern
    if pattern.startswith("***="):
        return "".join(_plain(ord(letter)) for letter in pattern[4:])
    if pattern.startswith("***") and not pattern.startswith("***:"):
        raise _invalid("quantifier operand invalid")
    pattern = pattern.removeprefix("***:")
    options, expanded = "", False
    if found := _OPTION.match(pattern):
        letters, pattern = found[1], pattern[found.end() :]
        if unknown := set(letters) - set(_OPTIONS):
            raise _invalid(f"invalid embedded option: {min(unknown)}")
        options = "".join(f"(?{_OPTIONS[each]})" for each in letters if _OPTIONS[each])
        if "q" in letters:
            return options + "".join(_plain(ord(letter)) for letter in pattern)
        expanded = "x" in letters
    return options + _Reader(pattern, re2, expanded).read()


def _invalid(reason: str) -> InvalidRegularExpression:
    return InvalidRegularExpression(f"invalid regular expression: {reason}")


def _plain(code: int, special: str = r"\.+*?()|[]{}^$") -> str:
    """A character that means itself."""
    if code < 32:
        return f"\\x{{{code:x}}}"
    return f"\\{chr(code)}" if chr(code) in special else chr(code)


def _inside(code: int) -> str:
    """The same between brackets, where both libraries know `&&`, `--` and `~~`, too."""
    return _plain(code, r"\[]^-&~")


@dataclass(slots=True)
class _Piece:
    """Some of a pattern, and how many characters it matches; None: not always as many."""

    text: str
    length: int | None = 0


class _Reader:
    """One pattern, read from its start."""

    def __init__(self, pattern: str, re2: bool, expanded: bool) -> None:
        self._pattern, self._at = pattern, 0
        self._ends = _RE2_ENDS if re2 else _ENDS
        self._expanded = expanded

    def read(self) -> str:
        whole = self._branches()
        if self._at < len(self._pattern):
            raise _invalid("parentheses () not balanced")
        return whole.text

    def _branches(self) -> _Piece:
        branches = [self._branch()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            branches.append(self._branch())
        lengths = {branch.length for branch in branches}
        if len(branches) > 1 and None not in lengths:
            branches.sort(key=lambda branch: -(branch.length or 0))
        text = "|".join(branch.text for branch in branches)
        return _Piece(text, lengths.pop() if len(lengths) == 1 else None)

    def _branch(self) -> _Piece:
        texts: list[str] = []
        length: int | None = 0
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            atom = self._quantified(self._atom())
            texts.append(atom.text)
            length = None if length is None or atom.length is None else length + atom.length
        return _Piece("".join(texts), length)

    def _quantified(self, atom: _Piece) -> _Piece:
        while self._at < len(self._pattern):
            letter = self._pattern[self._at]
            if letter in "*+?":
                self._at += 1
                atom = _Piece(atom.text + letter, None)
            elif letter == "{" and (bound := _BOUND.match(self._pattern, self._at)):
                self._at = bound.end()
                times = None if bound[2] or atom.length is None else atom.length * int(bound[1])
                atom = _Piece(atom.text + bound[0], times)
            elif not self._is_blank():
                break
        return atom

    def _is_blank(self) -> bool:
        """Whether blanks or a comment of an expanded pattern stood here, which are passed over."""
        blank = re.compile(r"\s+|#[^\n]*").match(self._pattern, self._at)
        if not self._expanded or blank is None:
            return False
        self._at = blank.end()
        return True

    def _atom(self) -> _Piece:
        if self._is_blank():
            return _Piece("")
        letter = self._pattern[self._at]
        if letter == "(":
            return self._group()
        self._at += 1
        if letter == "[":
            return self._bracket()
        if letter == "\\":
            return self._escape()
        if letter == "{" and self._pattern[self._at : self._at + 1].isdigit():
            raise _invalid("quantifier operand invalid")
        if letter in "*+?":
            raise _invalid("quantifier operand invalid")
        if letter in "^$":
            return _Piece(letter)
        return _Piece(letter if letter == "." else _plain(ord(letter)), 1)

    def _group(self) -> _Piece:
        opening = re.compile(r"\((\?(?:[:=!]|<[=!]|#[^)]*\)|.)?)?").match(self._pattern, self._at)
        assert opening is not None, "it stands at a parenthesis"
        self._at, kind = opening.end(), opening[1] or ""
        if kind.startswith("?#"):
            return _Piece("")
        if kind and kind not in ("?:", "?=", "?!", "?<=", "?<!"):
            raise _invalid("quantifier operand invalid")
        inside = self._branches()
        if not self._pattern.startswith(")", self._at):
            raise _invalid("parentheses () not balanced")
        self._at += 1
        looks = kind not in ("", "?:")
        return _Piece(f"({kind}{inside.text})", 0 if looks else inside.length)

    def _escape(self) -> _Piece:
        letter = self._pattern[self._at : self._at + 1]
        if not letter:
            raise _invalid("invalid escape \\ sequence")
        if letter in self._ends:
            self._at += 1
            return _Piece(self._end(letter))
        if letter in _CLASSES:
            self._at += 1
            return _Piece(f"\\{letter}", 1)
        if letter.isdigit() and letter != "0":
            self._at += 1
            return _Piece(f"\\{letter}", None)  # what a group matched, which neither library has
        return _Piece(_plain(self._code()), 1)

    def _end(self, letter: str) -> str:
        written = self._ends[letter]
        if not written:
            raise FeatureNotSupported(f"\\{letter} in a regular expression is not supported here")
        return written

    def _code(self) -> int:
        """The character that an escape writes; the place is behind the backslash."""
        letter = self._pattern[self._at]
        if found := _CODE.match(self._pattern, self._at):
            self._at = found.end()
            if found[4]:
                return ord(found[4]) & 31
            code = int(found[1] or found[2] or found[3], 16)
            if code > 0x10FFFF:
                raise _invalid("invalid escape \\ sequence")
            return code
        self._at += 1
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter == "0":
            return 0
        if letter.isalnum() and letter.isascii():
            raise _invalid("invalid escape \\ sequence")
        return ord(letter)

    def _bracket(self) -> _Piece:
        start = self._at
        for word, end in (("[:<:]]", "m"), ("[:>:]]", "M")):
            if self._pattern.startswith(word, start):
                self._at += len(word)
                return _Piece(self._end(end))
        negated = self._pattern.startswith("^", start)
        self._at += negated
        items: list[str] = []
        while not items or not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                raise _invalid("brackets [] not balanced")
            items.append(self._item())
        self._at += 1
        return _Piece(f"[{'^' if negated else ''}{''.join(items)}]", 1)

    def _item(self) -> str:
        low = self._member()
        following = self._pattern[self._at + 1 : self._at + 2]
        if self._pattern[self._at : self._at + 1] != "-" or following in ("]", ""):
            return low if isinstance(low, str) else _inside(low)
        self._at += 1
        high = self._member()
        if isinstance(low, str) or isinstance(high, str) or low > high:
            raise _invalid("invalid character range")
        return f"{_inside(low)}-{_inside(high)}"

    def _member(self) -> str | int:
        """A class of characters, or the code of one."""
        if found := _BRACKET_PART.match(self._pattern, self._at):
            self._at = found.end()
            if found[1] == ":":
                if found[2] not in _NAMED:
                    raise _invalid("invalid character class")
                return f"[:{found[2]}:]"
            if len(found[2]) != 1:
                raise _invalid("invalid collating element")
            return ord(found[2])
        letter = self._pattern[self._at]
        self._at += 1
        if letter != "\\":
            return ord(letter)
        if self._pattern[self._at : self._at + 1] in _CLASSES - {""}:
            self._at += 1
            return f"\\{self._pattern[self._at - 1]}"
        if self._at >= len(self._pattern):
            raise _invalid("invalid escape \\ sequence")
        return self._code()
