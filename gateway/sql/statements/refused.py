"""Commands that are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import FeatureNotSupported, GatewayError, InsufficientPrivilege
from gateway.sql.statements.commands import Reader
from gateway.sql.text.dialect import syntax_fault


def refusal(
    error: type[GatewayError], message: str, hint: str = ""
) -> Callable[[Reader], NoReturn]:
    """A reader that raises this."""

    def refuse(reader: Reader) -> NoReturn:
        raise error(message, hint=hint, position=reader.tokens[0].start + 1)

    return refuse


OUTSIDE = refusal(
    InsufficientPrivilege, "tables over the server's files are set up by configuration"
)

# First words of PostgreSQL's other commands (manual, part VI): refused by name, 0A000.
_KNOWN = """
ALTER CALL CREATE DROP IMPORT LOAD REASSIGN SECURITY
"""
UNSUPPORTED = frozenset(_KNOWN.split())
_TWO_WORDS = frozenset({"ALTER", "CREATE", "DROP", "IMPORT", "SECURITY"})
# What may be written instead.
_HINTS = {
    "CALL": "DO runs the statements of a procedure.",
    "CREATE PROCEDURE": "DO runs its statements.",
    "CREATE TRIGGER": "Write what it does into the statements: WITH ... RETURNING, or ON CONFLICT.",
    "CREATE RULE": "Write what it does into the statements, or INSERT and UPDATE through a view.",
    "CREATE DATABASE": "CREATE SCHEMA makes a place of their own for tables.",
}


@dataclass(frozen=True, slots=True)
class DropAbsent:
    """DROP kind IF EXISTS of what this server has none of; `words` say what."""

    words: str


# Kinds of things that there are none of.
ABSENT = (
    "TRIGGER", "RULE", "POLICY", "EXTENSION", "AGGREGATE", "PROCEDURE", "EVENT TRIGGER",
    "PUBLICATION", "SUBSCRIPTION", "STATISTICS", "SERVER", "FOREIGN TABLE", "OPERATOR",
    "FOREIGN DATA WRAPPER", "COLLATION", "CONVERSION", "TABLESPACE", "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER", "TEXT SEARCH TEMPLATE",
)  # fmt: skip

_SHOWN = {"STATISTICS": "statistics object"}


def read_drop_absent(reader: Reader, kind: str) -> DropAbsent:
    """DROP kind IF EXISTS name [ON table], whatever else follows."""
    start = reader.index
    name = reader.qualified()
    if kind == "FOREIGN TABLE":  # as other relations, it is called by its last name alone
        name = name[-1:]
    words = f'{_SHOWN.get(kind, kind.lower())} "{".".join(name)}"'
    if reader.accept("ON"):
        words += f' for relation "{".".join(reader.qualified())}"'
    elif reader.more():  # a list, or a signature
        reader.index = start
        tokens = reader.rest()
        words = f"{kind.lower()} {reader.text[tokens[0].start : tokens[-1].end + 1]}"
    reader.rest()
    return DropAbsent(words)


def refuse_command(tokens: Sequence[Token], text: str) -> NoReturn:
    first = tokens[0].text.upper()
    if tokens[0].token_type == TokenType.IDENTIFIER or first.split()[0] not in UNSUPPORTED:
        raise syntax_fault(tokens[0], tokens, text)
    words = " ".join(each.text.upper() for each in tokens[: 2 if first in _TWO_WORDS else 1])
    place = tokens[0].start + 1
    raise FeatureNotSupported(
        f"{words} is not supported", hint=_HINTS.get(words, ""), position=place
    )
