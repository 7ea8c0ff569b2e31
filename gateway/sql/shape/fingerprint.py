"""The shape of a statement, without its values: what tells kinds of statements apart, and may be
shown to whoever watches the server.

It reads characters, not grammar, so it serves a statement that cannot be parsed as well: what may
hold a value (a number, any kind of quoted text, what SET sets) becomes `$n`, and a quotation that
never ends is one to the end. Comments go. PostgreSQL's pg_stat_statements numbers the same way:
behind the statement's own parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b

# What lies behind does not tell two statements apart; a list of rows is all alike by then.
_READ_CHARACTERS = 20_000

_TOKEN = re.compile(
    r"""
    (?P<space>   (?: \s+ | --[^\n]* )+ )
  | (?P<comment> /\* )
  | (?P<quoted>  (?: [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z) | (?:[uU]&|[bBxXnN])?'(?:[^']|'')*(?:'|\Z) ) )
  | (?P<dollar>  \$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)?)\$
                 (?:.*?\$(?P=tag)\$|.*) )
  | (?P<parameter> \$\d+ )
  | (?P<name>    (?:[uU]&)?"(?:[^"]|"")*(?:"|\Z) )
  | (?P<word>    [A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]* )
  | (?P<number>  0[xXoObB][0-9A-Fa-f_]+ | (?:\d[\d_]*\.?(?:\d[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
  | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_END = re.compile(r"/\*|\*/")

# `$1, $2, $3` in parentheses or brackets, and further rows of VALUES.
_LIST = re.compile(r"((?:\bIN ?\(|\[))(\$\?)(?:, ?\$\?)+(?=[)\]])", re.IGNORECASE)
_ROWS = re.compile(
    r"(\bVALUES ?)(\([^()]*\))(?:, ?\((?:\$\?|DEFAULT|NULL)(?:, ?(?:\$\?|DEFAULT|NULL))*\))+",
    re.IGNORECASE,
)
_SET = re.compile(
    r"(SET (?:SESSION |LOCAL )?(?!SESSION CHARACTERISTICS|TRANSACTION|CONSTRAINTS)"
    r"(?:TIME ZONE|ROLE|SESSION AUTHORIZATION|[\w.\"]+ ?(?:=|TO))) ?(?!DEFAULT\b).*",
    re.IGNORECASE | re.DOTALL,
)
_MARK = re.compile(r"\$\?")
_NUMBERED = re.compile(r"\$(?:\?|\d+)")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A kind of statement: its number, the same in every server, and its text without values."""

    number: int
    text: str


def fingerprint(sql: str) -> Fingerprint:
    """The shape of a statement.

    Two statements have one number if they differ in values, spaces, comments, the case of words,
    the length of an IN list or of a list of rows.

    >>> fingerprint("SELECT  a FROM t WHERE b = 'secret' AND c IN (1, 2) -- why").text
    'SELECT a FROM t WHERE b = $1 AND c IN ($2 /*, ... */)'
    """
    text, last = _without_values(sql[:_READ_CHARACTERS])
    text = _LIST.sub(r"\1\2 /*, ... */", text)
    text = _ROWS.sub(r"\1\2 /*, ... */", text)
    text = _SET.sub(r"\1 $?", text) if text[:4].upper() == "SET " else text
    digest = blake2b(_folded(text).encode("utf-8", "replace"), digest_size=8).digest()
    numbers = iter(range(last + 1, last + 2 + text.count("$?")))
    text = _MARK.sub(lambda _: f"${next(numbers)}", text)
    return Fingerprint(int.from_bytes(digest, "big", signed=True), text)


def _without_values(sql: str) -> tuple[str, int]:
    """The text with `$?` for values and single spaces; and the highest parameter in it."""
    parts: list[str] = []
    place, last = 0, 0
    while place < len(sql):
        found = _TOKEN.match(sql, place)
        assert found is not None
        kind, piece = found.lastgroup, found[0]
        place = found.end()
        if kind == "comment":
            place = _after_comment(sql, place)
        if kind in ("space", "comment"):
            if parts and parts[-1] != " ":
                parts.append(" ")
        elif kind in ("quoted", "dollar", "tag", "number"):
            parts.append("$?")
        else:
            if kind == "parameter":
                last = max(last, int(piece[1:10]))
            parts.append(piece)
    return "".join(parts).strip("; "), last


def _after_comment(sql: str, place: int) -> int:
    """Behind the end of a comment, which may hold others; the end of the text when it has none."""
    depth = 1
    while depth:
        found = _COMMENT_END.search(sql, place)
        if found is None:
            return len(sql)
        depth += 1 if found[0] == "/*" else -1
        place = found.end()
    return place


def _folded(text: str) -> str:
    """Words in lower case, quoted names as they are; a parameter and a value are alike."""
    pieces = _NUMBERED.sub("$", text).split('"')
    pieces[::2] = [piece.lower() for piece in pieces[::2]]
    return '"'.join(pieces)
