"""Statements that are no queries, read from their tokens into small records.

sqlglot has no tree for most of these (it keeps their text), so the grammar of each stands here as
one function over a `Reader`. PostgreSQL manual, part VI, "SQL Commands". Names are folded to lower
case unless quoted. What follows where nothing may follow is a syntax error, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from gateway.errors import FeatureNotSupported, SyntaxFault
from gateway.sql.text.dialect import parse_tokens, syntax_fault
from gateway.sql.text.words import is_reserved

Name = tuple[str, ...]
T = TypeVar("T")


_STRINGS = (TokenType.STRING, TokenType.HEREDOC_STRING, TokenType.BYTE_STRING)
_NESTING = {
    TokenType.L_PAREN: 1, TokenType.L_BRACKET: 1, TokenType.R_PAREN: -1, TokenType.R_BRACKET: -1,
}  # fmt: skip


def words_of(token: Token) -> list[str]:
    """The words of an unquoted token: sqlglot makes one token of PRIMARY KEY."""
    quoted = token.token_type in (TokenType.IDENTIFIER, *_STRINGS)
    return [] if quoted else token.text.upper().split()


def nesting(token: Token) -> int:
    """By how many brackets the next token stands deeper: 1 after ( and [, -1 after ) and ]."""
    return _NESTING.get(token.token_type, 0)


class Reader:
    """One statement's tokens, read from the left."""

    def __init__(self, tokens: Sequence[Token], text: str) -> None:
        self.tokens, self.text, self.index = tokens, text, 0

    def accept(self, *words: str) -> bool:
        """Whether the next tokens are these unquoted words; if so they are passed."""
        index, left = self.index, list(words)
        while left:
            found = words_of(self.tokens[index]) if index < len(self.tokens) else []
            if not found or left[: len(found)] != found:
                return False
            index, left = index + 1, left[len(found) :]
        self.index = index
        return True

    def one_of(self, *words: str) -> str:
        """The one of these words that comes next, passed; empty when none does."""
        return next((word for word in words if self.accept(*word.split())), "")

    def need(self, *words: str) -> str:
        """One of these words, passed; the token that is there instead is refused."""
        return self.one_of(*words) or self.fail()

    def label(self) -> str:
        """One word, folded; a reserved one, too."""
        token = self.take()
        if token.token_type == TokenType.IDENTIFIER:
            return token.text
        spelt = token.token_type not in _STRINGS
        if not spelt or not (token.text[:1].isalpha() or token.text[:1] == "_"):
            self.back()
        return token.text.lower()

    def name(self) -> str:
        """One identifier, folded: a reserved word is one only in quotes."""
        token = self.tokens[self.index] if self.more() else None
        if token is not None and is_reserved(token):
            near = self.text[token.start : token.end + 1]
            raise SyntaxFault(
                f'syntax error at or near "{near}"',
                hint=f'A reserved word is a name in double quotes: "{near.lower()}".',
                position=token.start + 1,
            )
        return self.label()

    def string(self) -> str:
        """A quoted text."""
        return self.of_type(*_STRINGS).text

    def qualified(self) -> Name:
        """A name with its schema, if one is written."""
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.label())
        return tuple(parts)

    def number(self) -> int:
        """An integer, with its sign."""
        sign = -1 if self.accept("-") else 1
        token = self.of_type(TokenType.NUMBER)
        return sign * (int(token.text) if token.text.isdigit() else self.back())

    def of_type(self, *types: TokenType) -> Token:
        """The next token, of one of these types, passed; another one is refused."""
        token = self.take()
        return token if token.token_type in types else self.back()

    def listed(self, read: Callable[[Reader], T]) -> tuple[T, ...]:
        """What is read between commas, once at least."""
        found = [read(self)]
        while self.accept(","):
            found.append(read(self))
        return tuple(found)

    def inside(self, read: Callable[[Reader], T]) -> tuple[T, ...]:
        """The same up to the parenthesis that closes, which is passed."""
        found = [read(self)]
        while self.need(",", ")") == ",":
            found.append(read(self))
        return tuple(found)

    def cascades(self) -> bool:
        """[CASCADE | RESTRICT]."""
        return self.one_of("CASCADE", "RESTRICT") == "CASCADE"

    @property
    def ahead(self) -> str:
        """The text of the next token; empty at the end."""
        return self.tokens[self.index].text if self.more() else ""

    @property
    def place(self) -> int:
        """The 1-based position of the next token; 0 at the end."""
        return self.tokens[self.index].start + 1 if self.more() else 0

    def take(self) -> Token:
        """The next token, passed."""
        if self.index >= len(self.tokens):
            self.fail()
        self.index += 1
        return self.tokens[self.index - 1]

    def rest(self) -> Sequence[Token]:
        """All that is left, passed."""
        left = self.tokens[self.index :]
        self.index = len(self.tokens)
        return left

    def more(self) -> bool:
        """Whether anything is left."""
        return self.index < len(self.tokens)

    def end(self) -> None:
        """Refuse anything that is left."""
        if self.more():
            self.fail()

    def back(self) -> NoReturn:
        """Raise the syntax error at the token that was passed last."""
        self.index -= 1
        self.fail()

    def fail(self) -> NoReturn:
        """Raise the syntax error at the next token."""
        token = self.tokens[self.index] if self.more() else None
        raise syntax_fault(token, self.tokens, self.text)


@dataclass(frozen=True, slots=True)
class SetStatement:
    """SET name TO values; `values` None is TO DEFAULT. `local`: until the transaction ends."""

    name: str
    values: tuple[str, ...] | None
    local: bool = False


@dataclass(frozen=True, slots=True)
class ShowStatement:
    """SHOW name; "all" shows every setting."""

    name: str


@dataclass(frozen=True, slots=True)
class ResetStatement:
    """RESET name; "all" resets every setting."""

    name: str


@dataclass(frozen=True, slots=True)
class TransactionModes:
    """What BEGIN, START TRANSACTION and SET TRANSACTION say; None where they say nothing."""

    isolation: str | None = None
    read_only: bool | None = None
    deferrable: bool | None = None
    session: bool = False


@dataclass(frozen=True, slots=True)
class SetConstraints:
    """SET CONSTRAINTS names {DEFERRED | IMMEDIATE}; no names: ALL."""

    names: tuple[Name, ...]
    deferred: bool


@dataclass(frozen=True, slots=True)
class TransactionStatement:
    """BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE or ROLLBACK TO, whatever its spelling was."""

    verb: str
    modes: TransactionModes = TransactionModes()
    savepoint: str | None = None
    chain: bool = False


@dataclass(frozen=True, slots=True)
class DropStatement:
    """DROP TABLE, VIEW or SCHEMA, or TRUNCATE: `kind` in lower case, every name in order.

    `restart` is RESTART IDENTITY; `alone` says CONCURRENTLY.
    """

    kind: str
    names: tuple[Name, ...]
    if_exists: bool = False
    cascade: bool = False
    restart: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class RenameSchema:
    """ALTER SCHEMA name RENAME TO new."""

    name: str
    new: str


@dataclass(frozen=True, slots=True)
class DiscardStatement:
    """DISCARD what: all, plans, sequences or temp."""

    what: str


@dataclass(frozen=True, slots=True)
class DeallocateStatement:
    """DEALLOCATE name; None is ALL."""

    name: str | None


@dataclass(frozen=True, slots=True)
class ExecuteStatement:
    """EXECUTE name (arguments): each argument a tree."""

    name: str
    arguments: tuple[exp.Expr, ...] = ()


_LEVELS = ("SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED", "READ UNCOMMITTED")


def read_modes(reader: Reader, session: bool = False) -> TransactionModes:
    """ISOLATION LEVEL ..., READ ONLY or WRITE, [NOT] DEFERRABLE, in any order."""
    isolation, read_only, deferrable = None, None, None
    while reader.more():
        if reader.accept("ISOLATION", "LEVEL"):
            isolation = reader.need(*_LEVELS).lower()
        elif reader.accept("READ"):
            read_only = reader.need("ONLY", "WRITE") == "ONLY"
        elif reader.accept("NOT", "DEFERRABLE"):
            deferrable = False
        elif reader.accept("DEFERRABLE"):
            deferrable = True
        else:
            reader.fail()
        reader.accept(",")
    return TransactionModes(isolation, read_only, deferrable, session)


def read_begin(reader: Reader) -> TransactionStatement:
    """BEGIN [WORK | TRANSACTION] modes."""
    reader.one_of("WORK", "TRANSACTION")
    return read_start(reader)


def read_start(reader: Reader) -> TransactionStatement:
    """START TRANSACTION modes."""
    return TransactionStatement("BEGIN", read_modes(reader))


def read_end(reader: Reader, verb: str) -> TransactionStatement:
    """COMMIT or ROLLBACK [WORK | TRANSACTION] [AND [NO] CHAIN]; ROLLBACK TO SAVEPOINT name."""
    reader.one_of("WORK", "TRANSACTION")
    if verb == "ROLLBACK" and reader.accept("TO"):
        reader.accept("SAVEPOINT")
        return TransactionStatement("ROLLBACK TO", savepoint=reader.name())
    if reader.one_of("PREPARED"):
        raise FeatureNotSupported("two-phase commit is not supported")
    chain = reader.accept("AND") and not reader.accept("NO")
    if reader.index and reader.tokens[reader.index - 1].text.upper() in ("AND", "NO"):
        reader.need("CHAIN")
    return TransactionStatement(verb, chain=chain)


def read_savepoint(reader: Reader, verb: str) -> TransactionStatement:
    """SAVEPOINT name; RELEASE [SAVEPOINT] name."""
    if verb == "RELEASE":
        reader.accept("SAVEPOINT")
    return TransactionStatement(verb, savepoint=reader.name())


def read_drop(reader: Reader, kind: str) -> DropStatement:
    """DROP kind [IF EXISTS] names [CASCADE | RESTRICT]."""
    alone = kind == "index" and reader.accept("CONCURRENTLY")
    exists = reader.accept("IF", "EXISTS")
    names = names_of(reader)
    cascade = reader.cascades()
    return DropStatement(kind, names, exists, cascade, alone=alone)


def read_truncate(reader: Reader) -> DropStatement:
    """TRUNCATE [TABLE] [ONLY] names [RESTART | CONTINUE IDENTITY] [CASCADE | RESTRICT]."""
    reader.accept("TABLE")
    reader.accept("ONLY")
    names = names_of(reader)
    word = reader.one_of("RESTART", "CONTINUE")
    if word:
        reader.need("IDENTITY")
    cascade = reader.cascades()
    return DropStatement("truncate", names, cascade=cascade, restart=word == "RESTART")


def names_of(reader: Reader) -> tuple[Name, ...]:
    """Names with their schemas, between commas."""
    return reader.listed(Reader.qualified)


def read_discard(reader: Reader) -> DiscardStatement:
    """DISCARD ALL, PLANS, SEQUENCES, TEMP or TEMPORARY."""
    what = reader.need("ALL", "PLANS", "SEQUENCES", "TEMPORARY", "TEMP")
    return DiscardStatement("temp" if what == "TEMPORARY" else what.lower())


def read_deallocate(reader: Reader) -> DeallocateStatement:
    """DEALLOCATE [PREPARE] name or ALL."""
    reader.accept("PREPARE")
    return DeallocateStatement(None if reader.accept("ALL") else reader.name())


def read_execute(reader: Reader) -> ExecuteStatement:
    """EXECUTE name [(arguments)]."""
    name = reader.name()
    if not reader.more():
        return ExecuteStatement(name)
    inside = reader.rest()
    if inside[0].token_type != TokenType.L_PAREN or inside[-1].token_type != TokenType.R_PAREN:
        raise syntax_fault(inside[0], reader.tokens, reader.text)
    # A VALUES row has the grammar of the argument list, and the positions stay as they were sent.
    values = Token(TokenType.VALUES, "VALUES", start=inside[0].start, end=inside[0].end)
    tree = parse_tokens([values, *inside], reader.text)
    rows = tree.expressions if tree is not None else []
    if len(rows) != 1:
        raise syntax_fault(inside[0], reader.tokens, reader.text)
    return ExecuteStatement(name, tuple(rows[0].expressions))
