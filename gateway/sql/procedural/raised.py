"""RAISE and ASSERT, read."""

from __future__ import annotations

from sqlglot.tokenizer_core import TokenType

from gateway.errors import SyntaxFault
from gateway.sql.procedural.conditions import codes_of
from gateway.sql.procedural.steps import Assert, Raise, Step
from gateway.sql.procedural.words import Words

_LEVELS = ("DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "EXCEPTION")
_OPTIONS = (
    "MESSAGE", "DETAIL", "HINT", "ERRCODE", "COLUMN", "CONSTRAINT", "DATATYPE", "TABLE", "SCHEMA",
)  # fmt: skip


def read_raise(words: Words, line: int) -> Step:
    """RAISE [level] [format, values | condition | SQLSTATE code] [USING option = value, ...]."""
    level = next((each for each in _LEVELS if words.accept(each)), "")
    if words.ahead == ";":
        if level:
            words.reader.fail()
        return Raise(line, "")
    level = (level or "EXCEPTION").lower()
    condition = ""
    values: tuple[str, ...] = ()
    message: str | None = None
    token, place = words.reader.tokens[words.reader.index], words.reader.place
    if token.token_type in (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.BYTE_STRING):
        message = words.reader.string()
        if words.accept(","):
            values = words.expressions("USING", ";")
        _check(message, len(values), place)
    elif words.accept("SQLSTATE"):
        condition = words.sqlstate()
    elif words.ahead != "USING":
        condition = codes_of(words.reader.label(), place)[0]
    options = _options(words) if words.accept("USING") else ()
    return Raise(line, level, condition, message, values, options)


def _check(message: str, count: int, place: int) -> None:
    wanted = message.replace("%%", "").count("%")
    if wanted != count:
        few = "few" if count < wanted else "many"
        raise SyntaxFault(f"too {few} parameters specified for RAISE", position=place)


def _options(words: Words) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    while True:
        place, name = words.reader.place, words.ahead
        if name not in _OPTIONS:
            raise SyntaxFault("unrecognized RAISE statement option", position=place)
        words.reader.take()
        words.need("=", ":=")
        found.append((name.lower(), words.expression(",", ";")))
        if not words.accept(","):
            return tuple(found)


def read_assert(words: Words, line: int) -> Step:
    """ASSERT condition [, message]."""
    condition = words.expression(",", ";")
    return Assert(line, condition, words.expression(";") if words.accept(",") else "")
