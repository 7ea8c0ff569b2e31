"""PostgreSQL's words over sqlglot's tokenizer, which splits a text into them.

A megabyte of text takes it seconds, so every so many words it is asked whether the statement is
still wanted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from sqlglot.dialects.postgres import Postgres
from sqlglot.tokenizer_core import Token, TokenizerCore, TokenType

from gateway.interrupts import check_for_interrupts
from gateway.sql.inputs.escapes import unicode_string
from gateway.sql.text.repeats import CUT_SIGN

# Stands for the `$` of `$1` while a text is read: a character that no statement holds.
PARAMETER_SIGN = "\ue000"

# PostgreSQL 15, Appendix C, "SQL Key Words": the reserved ones, and QUALIFY, which the engine has.
_RESERVED_WORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check
collate collation column concurrently constraint create cross current_catalog current_date
current_role current_schema current_time current_timestamp current_user default deferrable desc
distinct do else end except false fetch for foreign freeze from full grant group having ilike in
initially inner intersect into is isnull join lateral leading left like limit localtime
localtimestamp natural not notnull null offset on only or order outer overlaps placing primary
qualify references returning right select session_user similar some symmetric table tablesample then
to trailing true union unique user using variadic verbose when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
OURS = frozenset({"qualify"})  # of those, what PostgreSQL takes for a name
PLAIN_RESERVED = RESERVED - OURS

# Words that name an output after AS alone (manual, appendix C); AS itself is not among them.
NEVER_BARE = frozenset({
    "ARRAY", "CHAR", "CHARACTER", "CREATE", "DAY", "EXCEPT", "FETCH", "FILTER", "FOR", "FROM",
    "GRANT", "GROUP", "HAVING", "HOUR", "INTERSECT", "INTO", "ISNULL", "LIMIT", "MINUTE",
    "MONTH", "NOTNULL", "OFFSET", "ON", "ORDER", "OVER", "OVERLAPS", "PRECISION", "RETURNING",
    "SECOND", "TO", "UNION", "VARYING", "WHERE", "WINDOW", "WITH", "WITHIN", "WITHOUT", "YEAR",
})  # fmt: skip

# Other systems' words and types that sqlglot reads: here they are names.
_FOREIGN = frozenset({
    "|>", "??", "ANTI", "APPLY", "ASOF", "CACHE", "CLUSTER BY", "CONNECT BY", "DISTRIBUTE BY",
    "GLOB", "KEEP", "KILL", "OVERWRITE", "PIVOT", "QUALIFY", "REGEXP", "RLIKE", "SEMI",
    "SETTINGS", "SORT BY", "SQL SECURITY", "STRAIGHT_JOIN", "UNCACHE", "UNPIVOT", "XOR",
    "BINARY", "BLOB", "CLOB", "LONG", "LONGBLOB", "LONGTEXT", "LONGVARCHAR", "MEDIUMBLOB",
    "MEDIUMINT", "MEDIUMTEXT", "NULLABLE", "NUMBER", "STR", "STRING", "TINYBLOB", "TINYTEXT",
    "VARBINARY", "VARCHAR2",
})  # fmt: skip

_WITH_EXPONENT = re.compile(r"[\d.]*[eE][+-]?\d+")
_BETWEEN_CHECKS = 4096  # words, some 40 ms


class _AttentiveCore(TokenizerCore):
    """What goes through the text, character by character."""

    __slots__ = ()

    def _add(self, token_type: TokenType, text: str | None = None) -> None:
        super()._add(token_type, text)
        if len(self.tokens) % _BETWEEN_CHECKS == 0:
            check_for_interrupts()

    def _scan_number(self) -> None:
        """A number; sqlglot takes the sign after `1e9` in `1e9+4` for one of the exponent."""
        super()._scan_number()
        token = self.tokens[-1]
        number = _WITH_EXPONENT.match(token.text)
        if number is not None and number.end() < len(token.text):
            beyond = len(token.text) - number.end()
            token.text, token.end = number[0], token.end - beyond
            self._advance(-beyond)


class GradwireTokenizer(Postgres.Tokenizer):
    """PostgreSQL's words. No word swallows the rest of its statement as an opaque string."""

    COMMANDS: ClassVar[set[TokenType]] = set()
    SINGLE_TOKENS: ClassVar[dict[str, TokenType]] = {
        **Postgres.Tokenizer.SINGLE_TOKENS,
        PARAMETER_SIGN: TokenType.PARAMETER,
        CUT_SIGN: TokenType.PLACEHOLDER,
    }
    KEYWORDS: ClassVar[dict[str, TokenType]] = {
        word: TokenType.FARROW if word == ":=" else kind  # `days := 1` is `days => 1`
        for word, kind in Postgres.Tokenizer.KEYWORDS.items()
        if kind not in (TokenType.COMMAND, TokenType.RENAME, TokenType.LOCK, TokenType.SHOW)
        and word not in _FOREIGN
    }

    def _init_core(self) -> TokenizerCore:
        """sqlglot makes its own class of some forty arguments; this one takes the same."""
        core = super()._init_core()
        core.__class__ = _AttentiveCore
        return core


def is_reserved(token: Token) -> bool:
    """Whether it is a word that is a name only in quotes, or after a point or AS."""
    quoted = token.token_type in (TokenType.IDENTIFIER, TokenType.STRING)
    return not quoted and token.text.lower() in PLAIN_RESERVED


def read_unicode_names(tokens: Sequence[Token]) -> list[Token]:
    r"""The tokens with one for each name in the form of `U&"d\0061ta" UESCAPE '!'`.

    Raises:
        SyntaxFault: 42601, no such escape, or no such character.
    """
    read: list[Token] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        name = tokens[place + 2] if _is_unicode_name(tokens, place) else None
        if name is None:
            read.append(token)
            place += 1
            continue
        place += 3
        escape = "\\"
        if [each.text.upper() for each in tokens[place : place + 1]] == ["UESCAPE"]:
            escape, place = "".join(each.text for each in tokens[place + 1 : place + 2]), place + 2
        name.text, name.start = unicode_string(name.text, escape), token.start
        name.end = tokens[place - 1].end
        read.append(name)
    return read


def _is_unicode_name(tokens: Sequence[Token], place: int) -> bool:
    """Whether `U&"` stands there in one piece."""
    three = tokens[place : place + 3]
    texts = [each.text.upper() for each in three[:2]]
    quoted = len(three) == 3 and three[2].token_type == TokenType.IDENTIFIER
    return quoted and texts == ["U", "&"] and three[2].start == three[0].start + 2
