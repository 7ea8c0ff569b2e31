"""Commands that are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
ALTER CALL CREATE DO DROP IMPORT LOAD REASSIGN SECURITY
"""
UNSUPPORTED = frozenset(_KNOWN.split())
_TWO_WORDS = frozenset({"ALTER", "CREATE", "DROP", "IMPORT", "SECURITY"})


def refuse_command(tokens: Sequence[Token], text: str) -> NoReturn:
    first = tokens[0].text.upper()
    if tokens[0].token_type == TokenType.IDENTIFIER or first.split()[0] not in UNSUPPORTED:
        raise syntax_fault(tokens[0], tokens, text)
    words = [token.text.upper() for token in tokens[: 2 if first in _TWO_WORDS else 1]]
    raise FeatureNotSupported(f"{' '.join(words)} is not supported", position=tokens[0].start + 1)
